//! Slabs that serve no class: where they come from and where they go.
//!
//! Address space is taken from the system 4 MB at a time and never returned; an empty slab's *memory* is,
//! unless it is one of the few kept in reserve. A large slab can be cut into small ones, for good.

use parking_lot::Mutex;

use super::class::{LARGE_SLAB, SMALL_SLAB};

/// Address space is taken in pieces of this size, aligned to it.
const CHUNK: usize = 4 << 20;
/// Empty slabs of each kind stay in memory up to this many bytes, and a sixty-fourth of those in use.
const RESERVE: usize = 1 << 20;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    small: Shelf::new(SMALL_SLAB),
    large: Shelf::new(LARGE_SLAB),
    mapped: 0,
});

struct Pool {
    small: Shelf,
    large: Shelf,
    mapped: usize,
}

/// Empty slabs of one size, as addresses.
struct Shelf {
    slab: usize,
    /// Their memory is still there.
    warm: Vec<usize>,
    /// The system has their memory; it comes back, zeroed, at the first touch.
    cold: Vec<usize>,
    in_use: usize,
}

impl Shelf {
    const fn new(slab: usize) -> Self {
        Self {
            slab,
            warm: Vec::new(),
            cold: Vec::new(),
            in_use: 0,
        }
    }

    fn take(&mut self) -> Option<usize> {
        let slab = self.warm.pop().or_else(|| self.cold.pop())?;
        self.in_use += 1;
        Some(slab)
    }

    fn is_reserve_full(&self) -> bool {
        self.warm.len() * self.slab >= RESERVE + self.in_use * self.slab / 64
    }

    fn is_small(&self) -> bool {
        self.slab == SMALL_SLAB
    }
}

/// What the pool and the slabs taken from it occupy, in bytes.
pub(super) struct PoolUsage {
    pub(super) in_use: usize,
    pub(super) warm: usize,
    pub(super) mapped: usize,
}

/// Takes a slab of `size` bytes, aligned to its size; `None` when the system has no memory left.
pub(super) fn take(size: usize) -> Option<*mut u8> {
    let mut pool = POOL.lock();
    let slab = if size == SMALL_SLAB {
        match pool.small.take() {
            Some(slab) => slab,
            None => {
                let large = pool.take_large()?;
                pool.large.in_use -= 1;
                pool.small.in_use += 1;
                let parts = (1..LARGE_SLAB / SMALL_SLAB).rev();
                pool.small
                    .cold
                    .extend(parts.map(|n| large + n * SMALL_SLAB));
                large
            }
        }
    } else {
        pool.take_large()?
    };
    Some(std::ptr::with_exposed_provenance_mut(slab))
}

/// Puts an empty slab of `size` bytes back.
pub(super) fn put(slab: *mut u8, size: usize) {
    let address = slab.expose_provenance();
    let mut pool = POOL.lock();
    let shelf = pool.shelf(size);
    shelf.in_use -= 1;
    if !shelf.is_reserve_full() {
        shelf.warm.push(address);
        return;
    }
    // The system call is made without the lock: the slab is in nobody's hands meanwhile.
    drop(pool);
    discard(slab, size);
    POOL.lock().shelf(size).cold.push(address);
}

/// Gives the memory of the reserve back to the system.
pub(super) fn purge() {
    for size in [SMALL_SLAB, LARGE_SLAB] {
        let warm = std::mem::take(&mut POOL.lock().shelf(size).warm);
        for address in &warm {
            discard(std::ptr::with_exposed_provenance_mut(*address), size);
        }
        POOL.lock().shelf(size).cold.extend(warm);
    }
}

pub(super) fn usage() -> PoolUsage {
    let pool = POOL.lock();
    let sum = |count: fn(&Shelf) -> usize| {
        count(&pool.small) * SMALL_SLAB + count(&pool.large) * LARGE_SLAB
    };
    PoolUsage {
        in_use: sum(|shelf| shelf.in_use),
        warm: sum(|shelf| shelf.warm.len()),
        mapped: pool.mapped,
    }
}

impl Pool {
    fn shelf(&mut self, size: usize) -> &mut Shelf {
        if size == SMALL_SLAB {
            debug_assert!(self.small.is_small());
            &mut self.small
        } else {
            &mut self.large
        }
    }

    fn take_large(&mut self) -> Option<usize> {
        if self.large.warm.is_empty() && self.large.cold.is_empty() {
            let chunk = map_chunk()?.expose_provenance();
            self.mapped += CHUNK;
            // The lowest address comes first.
            let slabs = (0..CHUNK / LARGE_SLAB).rev();
            self.large
                .cold
                .extend(slabs.map(|n| chunk + n * LARGE_SLAB));
        }
        self.large.take()
    }
}

/// Maps twice the size and returns what lies outside the aligned half.
fn map_chunk() -> Option<*mut u8> {
    // SAFETY: an anonymous mapping at an address of the system's choice touches no memory of ours; what is
    // unmapped is a part of it that nobody has seen yet.
    unsafe {
        let start = libc::mmap(
            std::ptr::null_mut(),
            2 * CHUNK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        );
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let before = start.align_offset(CHUNK);
        if before > 0 {
            libc::munmap(start.cast(), before);
        }
        let chunk = start.add(before);
        libc::munmap(chunk.add(CHUNK).cast(), CHUNK - before);
        Some(chunk)
    }
}

/// Gives the memory of an empty slab back to the system and keeps its addresses.
fn discard(slab: *mut u8, size: usize) {
    let advice = if cfg!(target_os = "linux") {
        libc::MADV_DONTNEED
    } else {
        // Elsewhere DONTNEED is a mere hint; this one gives the pages back when they are wanted.
        libc::MADV_FREE
    };
    // SAFETY: the slab is a whole number of pages of a mapping of ours and holds nothing any more. If the
    // call fails the memory just stays.
    unsafe {
        libc::madvise(slab.cast(), size, advice);
    }
}
