//! Big blocks: what is larger than [`SMALLEST`], in whole pages.
//!
//! General allocators keep big blocks in size classes and spans that only one thread gives back; under a cache's churn of
//! mixed sizes the memory that they hold grows to twice what is in use. Here a block is a run of pages, the smallest free one
//! that is large enough; neighbours that are free are joined, and what is free beyond a small reserve goes back to the system.
//! The address space stays. Blocks beyond [`LARGEST`] are mappings of their own.
//!
//! The free runs are in ordinary ordered sets behind one lock: what these need is far smaller than a big block, so that it
//! comes from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Blocks of more bytes than this come from here.
pub(super) const SMALLEST: usize = 32 * 1024;
/// Blocks of more bytes than this are mappings of their own.
const LARGEST: usize = CHUNK;
/// Blocks are multiples of this, and aligned to it. Where the system's pages are larger still, less of what is free goes back.
pub(super) const PAGE: usize = if cfg!(target_arch = "x86_64") {
    4096
} else {
    16384
};
/// Address space is taken from the system in pieces of this size.
const CHUNK: usize = 32 << 20;
/// Free memory that is kept: so many bytes, and a share of what is in use.
const RESERVE: usize = 4 << 20;
const RESERVE_SHARE: usize = 32;

static HEAP: Mutex<Heap> = Mutex::new(Heap {
    runs: BTreeMap::new(),
    sizes: BTreeSet::new(),
    warm: 0,
});
/// Bytes of the blocks in use.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// Bytes of free runs whose memory is still there, about.
static WARM: AtomicUsize = AtomicUsize::new(0);

/// The free runs.
struct Heap {
    /// By address.
    runs: BTreeMap<usize, Run>,
    /// By size, then address.
    sizes: BTreeSet<(usize, usize)>,
    /// Bytes of those that are warm.
    warm: usize,
}

#[derive(Clone, Copy)]
struct Run {
    bytes: usize,
    /// A part of its memory may still be there.
    warm: bool,
}

/// What big blocks occupy, in bytes: those in use, and free memory that is kept.
pub(super) fn usage() -> (usize, usize) {
    (IN_USE.load(Ordering::Relaxed), WARM.load(Ordering::Relaxed))
}

/// Gives all free memory back to the system.
pub(super) fn purge() {
    cool_down(0);
}

const fn round(size: usize) -> usize {
    (size + PAGE - 1) & !(PAGE - 1)
}

/// A block of at least `size` bytes, and whether it is known to be zeroed. Null when the system has no memory left.
pub(super) fn alloc(size: usize) -> (*mut u8, bool) {
    let bytes = round(size);
    let (block, zeroed) = if bytes > LARGEST {
        (map(bytes), true)
    } else {
        let mut heap = HEAP.lock();
        let found = heap.take(bytes).or_else(|| {
            let chunk = map(CHUNK);
            (!chunk.is_null()).then(|| {
                let address = chunk.expose_provenance();
                heap.put(address, CHUNK, false);
            })?;
            heap.take(bytes)
        });
        WARM.store(heap.warm, Ordering::Relaxed);
        let (address, warm) = found.unwrap_or((0, true));
        // Elsewhere what was given back may still hold what it held.
        let zeroed = !warm && cfg!(target_os = "linux");
        (std::ptr::with_exposed_provenance_mut(address), zeroed)
    };
    if !block.is_null() {
        IN_USE.fetch_add(bytes, Ordering::Relaxed);
    }
    (block, zeroed)
}

/// Takes a block back.
///
/// # Safety
/// It came from [`alloc`] or [`resize`] for this `size`, and nobody uses it any more.
pub(super) unsafe fn free(block: NonNull<u8>, size: usize) {
    let bytes = round(size);
    let in_use = IN_USE.fetch_sub(bytes, Ordering::Relaxed) - bytes;
    if bytes > LARGEST {
        // SAFETY: the block is a mapping of its own of this size, and nobody uses it.
        unsafe { libc::munmap(block.as_ptr().cast(), bytes) };
        return;
    }
    let warm = {
        let mut heap = HEAP.lock();
        heap.put(block.as_ptr().expose_provenance(), bytes, true);
        WARM.store(heap.warm, Ordering::Relaxed);
        heap.warm
    };
    let keep = RESERVE + in_use / RESERVE_SHARE;
    if warm > keep {
        cool_down(keep - keep / 4);
    }
}

/// Makes a block larger or smaller where it is, if that is possible.
///
/// # Safety
/// As for [`free`]; if it returns true the block has the new size.
pub(super) unsafe fn resize(block: NonNull<u8>, old: usize, new: usize) -> bool {
    let (old, new) = (round(old), round(new));
    if old == new {
        return true;
    }
    if old > LARGEST || new > LARGEST {
        return false;
    }
    let address = block.as_ptr().expose_provenance();
    let mut heap = HEAP.lock();
    if new < old {
        heap.put(address + new, old - new, true);
    } else if !heap.take_at(address + old, new - old) {
        return false;
    }
    WARM.store(heap.warm, Ordering::Relaxed);
    IN_USE.fetch_add(new, Ordering::Relaxed);
    IN_USE.fetch_sub(old, Ordering::Relaxed);
    true
}

impl Heap {
    fn insert(&mut self, address: usize, run: Run) {
        self.runs.insert(address, run);
        self.sizes.insert((run.bytes, address));
        self.warm += if run.warm { run.bytes } else { 0 };
    }

    fn remove(&mut self, address: usize) -> Option<Run> {
        let run = self.runs.remove(&address)?;
        self.sizes.remove(&(run.bytes, address));
        self.warm -= if run.warm { run.bytes } else { 0 };
        Some(run)
    }

    /// The smallest run that is large enough, and whether it may be warm; what is left of it stays.
    fn take(&mut self, bytes: usize) -> Option<(usize, bool)> {
        let (_, address) = *self.sizes.range((bytes, 0)..).next()?;
        let run = self.remove(address)?;
        self.insert_rest(address, run, bytes);
        Some((address, run.warm))
    }

    /// The first `bytes` of the run at `address`, if there is one and it is large enough.
    fn take_at(&mut self, address: usize, bytes: usize) -> bool {
        if self.runs.get(&address).is_none_or(|run| run.bytes < bytes) {
            return false;
        }
        if let Some(run) = self.remove(address) {
            self.insert_rest(address, run, bytes);
        }
        true
    }

    fn insert_rest(&mut self, address: usize, run: Run, taken: usize) {
        if run.bytes > taken {
            let rest = Run {
                bytes: run.bytes - taken,
                ..run
            };
            self.insert(address + taken, rest);
        }
    }

    /// Adds a run, joined with its neighbours. A warm one and a cold one are not joined: it would be forgotten which is which.
    fn put(&mut self, mut address: usize, mut bytes: usize, warm: bool) {
        let before = self.runs.range(..address).next_back();
        let before =
            before.filter(|(start, run)| *start + run.bytes == address && run.warm == warm);
        if let Some(start) = before.map(|(start, _)| *start)
            && let Some(run) = self.remove(start)
        {
            address = start;
            bytes += run.bytes;
        }
        let behind = self.runs.get(&(address + bytes));
        if behind.is_some_and(|run| run.warm == warm)
            && let Some(run) = self.remove(address + bytes)
        {
            bytes += run.bytes;
        }
        self.insert(address, Run { bytes, warm });
    }
}

/// Gives free memory back to the system, the largest runs first, until only `keep` bytes are left.
fn cool_down(keep: usize) {
    loop {
        let (address, run) = {
            let mut heap = HEAP.lock();
            if heap.warm <= keep {
                return;
            }
            let runs = &heap.runs;
            let mut largest = heap.sizes.iter().rev().map(|(_, address)| *address);
            let Some(address) = largest.find(|address| runs[address].warm) else {
                return;
            };
            let Some(run) = heap.remove(address) else {
                return;
            };
            WARM.store(heap.warm, Ordering::Relaxed);
            (address, run)
        };
        // The system call is made without the lock: the run is in nobody's hands meanwhile.
        let is_cold = discard(address, run.bytes);
        let mut heap = HEAP.lock();
        heap.put(address, run.bytes, !is_cold);
        WARM.store(heap.warm, Ordering::Relaxed);
        if !is_cold {
            return;
        }
    }
}

/// Maps memory. Null if there is none.
fn map(bytes: usize) -> *mut u8 {
    // SAFETY: an anonymous mapping at an address of the system's choice touches no memory of ours.
    unsafe {
        let start = libc::mmap(
            null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        );
        if start == libc::MAP_FAILED {
            return null_mut();
        }
        // Whole megabytes would be resident for a few pages.
        #[cfg(target_os = "linux")]
        libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE);
        start.cast()
    }
}

/// Gives a free run's memory back to the system and keeps its addresses. False if the system does not take it.
fn discard(address: usize, bytes: usize) -> bool {
    let advice = if cfg!(target_os = "linux") {
        libc::MADV_DONTNEED
    } else {
        libc::MADV_FREE
    };
    let start: *mut u8 = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the run lies in a mapping of ours and is used by nobody.
    unsafe { libc::madvise(start.cast(), bytes, advice) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block with its size, filled with a byte of its own.
    fn fill(size: usize, mark: u8) -> (NonNull<u8>, usize, u8) {
        let block = NonNull::new(alloc(size).0).expect("there is memory");
        assert_eq!(block.addr().get() % PAGE, 0);
        // SAFETY: the block has that many bytes.
        unsafe { block.write_bytes(mark, size) };
        (block, size, mark)
    }

    fn check((block, size, mark): (NonNull<u8>, usize, u8)) {
        // SAFETY: `fill` has written that many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), size) };
        assert!(
            bytes[..64]
                .iter()
                .chain(&bytes[size - 64..])
                .all(|byte| *byte == mark)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn blocks_do_not_overlap_and_keep_what_is_in_them(
            steps in prop::collection::vec((any::<u8>(), SMALLEST + 1..600_000_usize), 1..120),
        ) {
            let mut blocks: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
            for (step, size) in steps {
                match step {
                    0..120 => blocks.push(fill(size, step)),
                    120..200 if !blocks.is_empty() => {
                        let block = blocks.swap_remove(usize::from(step) % blocks.len());
                        check(block);
                        // SAFETY: the block is ours and not used any more.
                        unsafe { free(block.0, block.1) };
                    }
                    200..250 if !blocks.is_empty() => {
                        let at = usize::from(step) % blocks.len();
                        let (block, old, mark) = blocks[at];
                        // SAFETY: the block is ours.
                        if unsafe { resize(block, old, size) } {
                            // SAFETY: it has the new size now.
                            unsafe { block.write_bytes(mark, size) };
                            blocks[at].1 = size;
                        }
                    }
                    _ => purge(),
                }
                blocks.iter().copied().for_each(check);
            }
            for (block, size, _) in blocks {
                // SAFETY: the block is ours and not used any more.
                unsafe { free(block, size) };
            }
        }
    }

    #[test]
    fn what_is_said_to_be_zeroed_is_and_the_largest_are_mappings() {
        for size in [SMALLEST + 1, 1 << 20, LARGEST, LARGEST + 1] {
            for _ in 0..3 {
                let (block, zeroed) = alloc(size);
                let block = NonNull::new(block).expect("there is memory");
                // SAFETY: fresh memory of the system is initialised; what is not is not read.
                let is_zero = unsafe {
                    !zeroed
                        || (0..size)
                            .step_by(997)
                            .all(|at| *block.as_ptr().add(at) == 0)
                };
                assert!(is_zero);
                // SAFETY: the block is ours.
                unsafe {
                    block.write_bytes(1, size);
                    free(block, size);
                }
                purge();
            }
        }
    }
}
