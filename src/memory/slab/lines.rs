//! Arrays of whole cache lines, whose sizes change as tables grow.
//!
//! In slabs of one size such arrays would leave a trail: a growing table passes through every size, and
//! a few stragglers of each keep that size's slabs. So arrays of all sizes share *chunks*, and neighbours that
//! are free are joined. A request takes the smallest free run that is large enough.
//!
//! A free run says its length in its first and its last line; one bit for every line of the chunk marks the
//! first and the last lines of free runs, which is all that joining needs to know. Runs in use carry
//! nothing. A chunk without runs in use goes back to the pool.
//!
//! There are a few heaps, each behind its lock, so that threads seldom meet; a run goes back to the
//! heap whose chunk it is in.

use parking_lot::Mutex;
use std::alloc::handle_alloc_error;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::class::LARGE_SLAB as CHUNK;
use super::{LINE, MAX_SLAB, general_layout, pool};

const HEAPS: usize = 4;
/// Lines of a chunk, its header's included.
const CHUNK_LINES: usize = CHUNK / LINE;
const HEADER_LINES: usize = size_of::<Chunk>().div_ceil(LINE);
/// What an empty chunk has to give.
const USABLE_LINES: usize = CHUNK_LINES - HEADER_LINES;
/// Runs of so many lines and more are in one bin. Nothing larger is asked for.
const LAST_BIN: usize = MAX_SLAB.div_ceil(LINE);

/// What stands at the beginning of every chunk.
struct Chunk {
    heap: usize,
    /// One bit a line: it is the first or the last of a free run.
    edges: [u64; CHUNK_LINES / 64],
}

/// What stands at the beginning of a free run. Its last word is its number of lines again.
struct Run {
    next: *mut Run,
    previous: *mut Run,
    lines: usize,
}

/// Free runs by length.
struct Heap {
    bins: [*mut Run; LAST_BIN + 1],
    /// One bit a bin: there is something in it.
    occupied: [u64; LAST_BIN / 64 + 1],
}

// SAFETY: free runs and chunk headers are reached only through their heap, that is under its lock.
unsafe impl Send for Heap {}

static STORES: [Mutex<Heap>; HEAPS] = [const {
    Mutex::new(Heap {
        bins: [null_mut(); LAST_BIN + 1],
        occupied: [0; LAST_BIN / 64 + 1],
    })
}; HEAPS];

/// Bytes of the runs in use.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static NEXT_HEAP: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The thread's heap; `HEAPS` before it has one.
    static HEAP: Cell<usize> = const { Cell::new(HEAPS) };
}

/// Bytes of the runs in use.
pub(super) fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// A run of `lines` lines, at most [`LAST_BIN`].
pub(super) fn take(lines: usize) -> NonNull<u8> {
    debug_assert!((1..=LAST_BIN).contains(&lines));
    let mut number = HEAP.with(Cell::get);
    if number == HEAPS {
        number = NEXT_HEAP.fetch_add(1, Ordering::Relaxed) % HEAPS;
        HEAP.with(|heap| heap.set(number));
    }
    let mut heap = STORES[number].lock();
    if heap.smallest(lines).is_none() {
        let Some(memory) = pool::take(CHUNK) else {
            drop(heap);
            handle_alloc_error(general_layout(lines * LINE, LINE));
        };
        heap.add(memory, number);
    }
    let bin = heap
        .smallest(lines)
        .expect("an empty chunk has room for every run");
    // SAFETY: runs in the bins of a locked heap are free and valid.
    let run = unsafe {
        let run = heap.bins[bin];
        heap.remove(run);
        let rest = (*run).lines - lines;
        if rest > 0 {
            heap.insert(run.byte_add(lines * LINE), rest);
        }
        run
    };
    drop(heap);
    IN_USE.fetch_add(lines * LINE, Ordering::Relaxed);
    NonNull::new(run)
        .expect("bins that are occupied hold runs")
        .cast()
}

/// Takes a run back.
///
/// # Safety
/// It came from [`take`] with the same number of lines, and nobody uses it any more.
pub(super) unsafe fn put(block: NonNull<u8>, lines: usize) {
    let mut run = block.cast::<Run>().as_ptr();
    let chunk = chunk_of(run);
    let mut whole = lines;
    // SAFETY: chunks are aligned to their size, so that masking an address gives its chunk, whose `heap` never
    // changes while a run is in use; the rest happens under that heap's lock. An edge bit next to the run
    // belongs to a free run there, whose length its edge lines tell; the header's lines have none.
    unsafe {
        let mut heap = STORES[(*chunk).heap].lock();
        let first = line_of(run);
        let behind = first + lines;
        if behind < CHUNK_LINES && is_edge(chunk, behind) {
            let next = run.byte_add(lines * LINE);
            whole += (*next).lines;
            heap.remove(next);
        }
        if is_edge(chunk, first - 1) {
            let before = *run.cast::<usize>().sub(1);
            run = run.byte_sub(before * LINE);
            whole += before;
            heap.remove(run);
        }
        if whole < USABLE_LINES {
            heap.insert(run, whole);
        } else {
            drop(heap);
            pool::put(chunk.cast(), CHUNK);
        }
    }
    IN_USE.fetch_sub(lines * LINE, Ordering::Relaxed);
}

impl Heap {
    /// The first bin with runs of at least `lines`.
    fn smallest(&self, lines: usize) -> Option<usize> {
        let mut word = lines / 64;
        let mut bits = self.occupied[word] & (u64::MAX << (lines % 64));
        while bits == 0 {
            word += 1;
            bits = *self.occupied.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Makes an empty chunk of a slab's memory.
    fn add(&mut self, memory: *mut u8, heap: usize) {
        let chunk = memory.cast::<Chunk>();
        // SAFETY: the pool gives slabs to one user at a time, aligned and `CHUNK` long.
        unsafe {
            chunk.write(Chunk {
                heap,
                edges: [0; CHUNK_LINES / 64],
            });
            self.insert(memory.add(HEADER_LINES * LINE).cast(), USABLE_LINES);
        }
    }

    /// # Safety
    /// The lines from `run` on are free, belong to a chunk of this heap and to no other free run.
    unsafe fn insert(&mut self, run: *mut Run, lines: usize) {
        let bin = lines.min(LAST_BIN);
        let head = self.bins[bin];
        // SAFETY: the lines are free by the caller's promise, and those in bins are valid.
        unsafe {
            run.write(Run {
                next: head,
                previous: null_mut(),
                lines,
            });
            *run.byte_add(lines * LINE).cast::<usize>().sub(1) = lines;
            if !head.is_null() {
                (*head).previous = run;
            }
            flip_edges(run, lines);
        }
        self.bins[bin] = run;
        self.occupied[bin / 64] |= 1 << (bin % 64);
    }

    /// # Safety
    /// The run is in one of this heap's bins.
    unsafe fn remove(&mut self, run: *mut Run) {
        // SAFETY: the run and its neighbours in the bin are valid.
        unsafe {
            let Run {
                next,
                previous,
                lines,
            } = run.read();
            let bin = lines.min(LAST_BIN);
            if !next.is_null() {
                (*next).previous = previous;
            }
            if previous.is_null() {
                self.bins[bin] = next;
                if next.is_null() {
                    self.occupied[bin / 64] &= !(1 << (bin % 64));
                }
            } else {
                (*previous).next = next;
            }
            flip_edges(run, lines);
        }
    }
}

fn chunk_of(run: *mut Run) -> *mut Chunk {
    run.map_addr(|address| address & !(CHUNK - 1)).cast()
}

/// The number of the run's first line in its chunk.
fn line_of(run: *mut Run) -> usize {
    run.addr() % CHUNK / LINE
}

/// # Safety
/// The chunk is valid and its heap locked.
unsafe fn is_edge(chunk: *mut Chunk, line: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*chunk).edges[line / 64] >> (line % 64) & 1 == 1 }
}

/// Marks the first and the last line of a run as edges, or as none if they are.
///
/// # Safety
/// The run is in a valid chunk whose heap is locked.
unsafe fn flip_edges(run: *mut Run, lines: usize) {
    let (chunk, first) = (chunk_of(run), line_of(run));
    let last = first + lines - 1;
    // SAFETY: the caller's promise.
    unsafe {
        (*chunk).edges[first / 64] ^= 1 << (first % 64);
        if last != first {
            (*chunk).edges[last / 64] ^= 1 << (last % 64);
        }
    }
}
