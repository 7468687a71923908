//! How many bytes of memory are in use.
//!
//! [`Counting`] wraps the general allocator and adds up what that allocator *gives*, which is more than
//! what was asked: sizes are rounded up to its size classes ([`given`]). The slabs report to the same sum,
//! so that [`used`] is one figure for the whole process.
//!
//! Every thread counts for itself, without atomics, and passes its sum on whenever it has moved by
//! [`FLUSH_BYTES`]. [`used`] can therefore be off by that much per running thread, never more.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
#[cfg(all(unix, not(miri)))]
use std::ptr::NonNull;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

#[cfg(all(unix, not(miri)))]
use super::pages;

/// How far a thread's own count may drift from what it has passed on, in bytes.
pub const FLUSH_BYTES: usize = 32 * 1024;

/// Sum of what the threads have passed on. May be negative for a moment: what one thread allocated and
/// still keeps to itself, another may have freed and passed on already.
static USED: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // No destructor: the counter must work before the first and after the last other thread-local.
    static UNFLUSHED: Cell<isize> = const { Cell::new(0) };
}

/// Counts `bytes` given (or, if negative, taken back) to the calling thread.
#[inline]
pub(super) fn add(bytes: isize) {
    UNFLUSHED.with(|unflushed| {
        let sum = unflushed.get() + bytes;
        if sum.unsigned_abs() < FLUSH_BYTES {
            unflushed.set(sum);
        } else {
            unflushed.set(0);
            USED.fetch_add(sum, Ordering::Relaxed);
        }
    });
}

/// Passes on what the calling thread has counted so far. A thread that is about to end calls this, and one that works near
/// the memory cap.
pub fn flush() {
    UNFLUSHED.with(|unflushed| USED.fetch_add(unflushed.replace(0), Ordering::Relaxed));
}

/// Bytes in use by the whole process, as its allocators give them: this thread's own count is exact, every
/// other running thread's is at most [`FLUSH_BYTES`] behind.
#[inline]
pub fn used() -> usize {
    let sum = USED.load(Ordering::Relaxed) + UNFLUSHED.with(Cell::get);
    usize::try_from(sum).unwrap_or(0)
}

/// The highest [`used`] that any call of this function has seen. It is sampled, so call it now and then.
pub fn peak() -> usize {
    let now = used();
    PEAK.fetch_max(now, Ordering::Relaxed).max(now)
}

/// What the general allocator gives when asked for `size` bytes: four size classes to every doubling, as
/// mimalloc has them, and whole pages for big blocks.
#[inline]
pub const fn given(size: usize) -> usize {
    let words = size.div_ceil(8);
    if words <= 8 {
        // Everything is aligned to 16 bytes; a single word is not rounded up.
        return if words <= 1 {
            8
        } else {
            ((words + 1) & !1) * 8
        };
    }
    if size > LARGEST_CLASS {
        return (size + PAGE - 1) & !(PAGE - 1);
    }
    let step = 1 << ((words - 1).ilog2() - 2);
    ((words + step - 1) & !(step - 1)) * 8
}

/// Above this size come whole pages.
const LARGEST_CLASS: usize = 32 * 1024;
const PAGE: usize = if cfg!(target_arch = "x86_64") {
    4096
} else {
    16384
};

/// Whether a block comes from `pages`.
#[cfg(all(unix, not(miri)))]
#[inline]
fn is_big(size: usize, layout: Layout) -> bool {
    size > pages::SMALLEST && layout.align() <= pages::PAGE
}

#[cfg(all(unix, not(miri)))]
const _: () = assert!(pages::SMALLEST == LARGEST_CLASS && pages::PAGE == PAGE);

/// A global allocator that has `A` give small blocks and [`pages`] the big ones, and counts what they give.
///
/// Alignments above 16 bytes are counted as [`given`] says too.
#[derive(Debug, Default)]
pub struct Counting<A>(pub A);

// SAFETY: a call goes to `A` unchanged, or to `pages`, by its size and alignment alone, so that a block goes back where it came
// from; counting neither allocates nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(all(unix, not(miri)))]
        if is_big(layout.size(), layout) {
            return big(layout.size()).0;
        }
        // SAFETY: the caller's contract is passed on.
        let pointer = unsafe { self.0.alloc(layout) };
        if !pointer.is_null() {
            add(given_for(layout));
        }
        pointer
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        #[cfg(all(unix, not(miri)))]
        if is_big(layout.size(), layout) {
            let (pointer, zeroed) = big(layout.size());
            if !zeroed && !pointer.is_null() {
                // SAFETY: the block has that many bytes.
                unsafe { pointer.write_bytes(0, layout.size()) };
            }
            return pointer;
        }
        // SAFETY: the caller's contract is passed on.
        let pointer = unsafe { self.0.alloc_zeroed(layout) };
        if !pointer.is_null() {
            add(given_for(layout));
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-given_for(layout));
        #[cfg(all(unix, not(miri)))]
        if is_big(layout.size(), layout)
            && let Some(block) = NonNull::new(pointer)
        {
            // SAFETY: a block of this size and alignment came from there; the rest is the caller's contract.
            return unsafe { pages::free(block, layout.size()) };
        }
        // SAFETY: the caller's contract is passed on.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        #[cfg(all(unix, not(miri)))]
        if is_big(layout.size(), layout) || is_big(new_size, layout) {
            // SAFETY: the caller's contract is passed on.
            return unsafe { self.realloc_big(pointer, layout, new_size) };
        }
        // SAFETY: the caller's contract is passed on.
        let moved = unsafe { self.0.realloc(pointer, layout, new_size) };
        if !moved.is_null() {
            let new = given(new_size.max(layout.align()));
            add(new.cast_signed() - given_for(layout));
        }
        moved
    }
}

/// What a block of this layout takes. Blocks are as large as they are aligned, at the least.
#[inline]
fn given_for(layout: Layout) -> isize {
    given(layout.size().max(layout.align())).cast_signed()
}

/// A big block, counted, and whether it is known to be zeroed.
#[cfg(all(unix, not(miri)))]
#[cold]
fn big(size: usize) -> (*mut u8, bool) {
    let (pointer, zeroed) = pages::alloc(size);
    if !pointer.is_null() {
        add(given(size).cast_signed());
    }
    (pointer, zeroed)
}

#[cfg(all(unix, not(miri)))]
impl<A: GlobalAlloc> Counting<A> {
    /// [`GlobalAlloc::realloc`] from or to a big block.
    ///
    /// # Safety
    /// As there.
    #[cold]
    unsafe fn realloc_big(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let old_size = layout.size();
        if is_big(old_size, layout)
            && is_big(new_size, layout)
            && let Some(block) = NonNull::new(pointer)
            // SAFETY: a block of this size and alignment came from there.
            && unsafe { pages::resize(block, old_size, new_size) }
        {
            add(given(new_size).cast_signed() - given(old_size).cast_signed());
            return pointer;
        }
        // SAFETY: the caller promises that the new size is a valid one for this alignment; both blocks have at least the
        // smaller size and do not overlap.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let moved = self.alloc(new_layout);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, old_size.min(new_size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}

/// Bytes of physical memory that the process occupies, as the system says; 0 where it cannot be asked.
///
/// This reads a file: a few microseconds, so once a second rather than once a command.
pub fn resident() -> usize {
    #[cfg(target_os = "linux")]
    {
        let Ok(text) = std::fs::read_to_string("/proc/self/statm") else {
            return 0;
        };
        let pages = text.split(' ').nth(1).and_then(|n| n.parse::<usize>().ok());
        pages.unwrap_or(0) * page_size()
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        // The highest value so far: an upper bound, and all that is portable.
        // SAFETY: getrusage fills the struct it is given; zeroes are a valid rusage.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
            usage
        };
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        usize::try_from(usage.ru_maxrss).unwrap_or(0) * unit
    }
    #[cfg(not(unix))]
    {
        0
    }
}

#[cfg(target_os = "linux")]
fn page_size() -> usize {
    // SAFETY: sysconf only reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_the_classes() {
        for (asked, gives) in [
            (1, 8),
            (8, 8),
            (9, 16),
            (17, 32),
            (64, 64),
            (65, 80),
            (129, 160),
            (1000, 1024),
            (4097, 5120),
            (32_768, 32_768),
            (32_769, 32_768 + PAGE),
        ] {
            assert_eq!(given(asked), gives, "{asked}");
        }
        for size in 1..10_000 {
            let rounded = given(size);
            assert!(rounded >= size && given(rounded) == rounded, "{size}");
        }
    }

    #[test]
    fn what_a_thread_allocates_and_frees_is_counted() {
        // Large enough to stand out from what other tests' threads do at the same time is not possible
        // in general; the thread's own count is exact, so look at that.
        let before = UNFLUSHED.with(Cell::get);
        add(1000);
        assert_eq!(UNFLUSHED.with(Cell::get), before + 1000);
        add(-1000);
        assert_eq!(UNFLUSHED.with(Cell::get), before);
        flush();
        assert_eq!(UNFLUSHED.with(Cell::get), 0);
        assert!(peak() >= 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn resident_memory_is_plausible() {
        assert!(resident() > 100_000);
    }
}
