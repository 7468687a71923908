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
//!
//! The free runs of a chunk that is to be emptied lie in a bin of their own, from which nothing is taken.

use parking_lot::{Mutex, MutexGuard};
use std::alloc::handle_alloc_error;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::class::LARGE_SLAB as CHUNK;
use super::compaction::Census;
use super::{LINE, MAX_SLAB, general_layout, pool};

const HEAPS: usize = 4;
/// Lines of a chunk, its header's included.
const CHUNK_LINES: usize = CHUNK / LINE;
const HEADER_LINES: usize = size_of::<Chunk>().div_ceil(LINE);
/// What an empty chunk has to give.
const USABLE_LINES: usize = CHUNK_LINES - HEADER_LINES;
/// Runs of so many lines and more are in one bin. Nothing larger is asked for.
const LAST_BIN: usize = MAX_SLAB.div_ceil(LINE);
/// The bin of the free runs in chunks that are to be emptied, of whatever length.
const LEAVING_BIN: usize = LAST_BIN + 1;

/// What stands at the beginning of every chunk.
struct Chunk {
    heap: usize,
    /// Lines in use.
    used: usize,
    /// Neighbours among the heap's chunks.
    next: *mut Chunk,
    previous: *mut Chunk,
    /// It is to be emptied: nothing is taken from it meanwhile.
    leaving: AtomicBool,
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
    bins: [*mut Run; LEAVING_BIN + 1],
    /// One bit a bin from which runs are taken: there is something in it.
    occupied: [u64; LAST_BIN / 64 + 1],
    /// All chunks.
    chunks: *mut Chunk,
    /// The chunk that a walk over them comes to next.
    walk: *mut Chunk,
}

// SAFETY: free runs and chunk headers are reached only through their heap, that is under its lock.
unsafe impl Send for Heap {}

static STORES: [Mutex<Heap>; HEAPS] = [const {
    Mutex::new(Heap {
        bins: [null_mut(); LEAVING_BIN + 1],
        occupied: [0; LAST_BIN / 64 + 1],
        chunks: null_mut(),
        walk: null_mut(),
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
    let mut number = HEAP.with(Cell::get);
    if number == HEAPS {
        number = NEXT_HEAP.fetch_add(1, Ordering::Relaxed) % HEAPS;
        HEAP.with(|heap| heap.set(number));
    }
    take_from(number, lines)
}

/// A run from the heap that has given this one.
///
/// # Safety
/// `block` came from [`take`] and is in use.
pub(super) unsafe fn take_alike(block: NonNull<u8>, lines: usize) -> NonNull<u8> {
    // SAFETY: a chunk with a run in use is valid, and its heap stays the same.
    let number = unsafe { (*chunk_of(block.cast().as_ptr())).heap };
    take_from(number, lines)
}

fn take_from(number: usize, lines: usize) -> NonNull<u8> {
    debug_assert!((1..=LAST_BIN).contains(&lines));
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
        (*chunk_of(run)).used += lines;
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
        (*chunk).used -= lines;
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
            heap.forget(chunk);
            drop(heap);
            pool::put(chunk.cast(), CHUNK);
        }
    }
    IN_USE.fetch_sub(lines * LINE, Ordering::Relaxed);
}

/// Whether a run in use lies in a chunk that is to be emptied. A hint: the answer may change at any time.
///
/// # Safety
/// It came from [`take`] and is in use.
pub(super) unsafe fn is_leaving(block: NonNull<u8>) -> bool {
    // SAFETY: a chunk with a run in use is valid, and its mark is atomic.
    let leaving = unsafe { &(*chunk_of(block.cast().as_ptr())).leaving };
    leaving.load(Ordering::Relaxed)
}

/// Marks the emptiest chunks as to be emptied, such that up to `most` bytes of runs have to be moved. Returns how many bytes there are to
/// be had back.
pub(super) fn begin_emptying(most: &mut usize) -> usize {
    let mut census = Census::new(USABLE_LINES);
    // SAFETY: the walk shows chunks whose heap is locked.
    walk(|_, chunk| census.count(unsafe { (*chunk).used }));
    let mut lines = *most / LINE;
    let mut leavers = census.choose(&mut lines);
    if leavers.are_none() {
        return 0;
    }
    let (mut gain, mut moved) = (0, 0);
    walk(|heap, chunk| {
        // SAFETY: as above.
        unsafe {
            let used = (*chunk).used;
            if leavers.take(used) {
                moved += used * LINE;
                gain += (USABLE_LINES - used) * LINE;
                heap.set_leaving(chunk, true);
            }
        }
    });
    *most = most.saturating_sub(moved);
    gain
}

/// What could not be emptied serves again.
pub(super) fn end_emptying() {
    walk(|heap, chunk| {
        // SAFETY: the walk shows chunks whose heap is locked.
        unsafe {
            if (*chunk).leaving.load(Ordering::Relaxed) {
                heap.set_leaving(chunk, false);
            }
        }
    });
}

/// Chunks that are looked at before others get the heap.
const CHUNKS_A_HOLD: usize = 16;

/// Shows all chunks, but for some that come and go meanwhile. Others use the heaps in between.
fn walk(mut show: impl FnMut(&mut Heap, *mut Chunk)) {
    for store in &STORES {
        let mut heap = store.lock();
        heap.walk = heap.chunks;
        'heap: loop {
            for _ in 0..CHUNKS_A_HOLD {
                let chunk = heap.walk;
                if chunk.is_null() {
                    break 'heap;
                }
                // SAFETY: a heap's chunks are valid while it is locked, and the walk passes on what leaves it.
                heap.walk = unsafe { (*chunk).next };
                show(&mut heap, chunk);
            }
            MutexGuard::bump(&mut heap);
        }
    }
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
                used: 0,
                next: self.chunks,
                previous: null_mut(),
                leaving: AtomicBool::new(false),
                edges: [0; CHUNK_LINES / 64],
            });
            if !self.chunks.is_null() {
                (*self.chunks).previous = chunk;
            }
            self.chunks = chunk;
            self.insert(memory.add(HEADER_LINES * LINE).cast(), USABLE_LINES);
        }
    }

    /// Takes a chunk without runs in use off the list.
    ///
    /// # Safety
    /// It is one of this heap's, and none of its runs is in a bin.
    unsafe fn forget(&mut self, chunk: *mut Chunk) {
        // SAFETY: the chunk and its neighbours are valid.
        unsafe {
            let (next, previous) = ((*chunk).next, (*chunk).previous);
            if previous.is_null() {
                self.chunks = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            if self.walk == chunk {
                self.walk = next;
            }
        }
    }

    /// Says whether a chunk is to be emptied; its free runs go to where they belong then.
    ///
    /// # Safety
    /// It is one of this heap's.
    unsafe fn set_leaving(&mut self, chunk: *mut Chunk, leaving: bool) {
        let mut line = HEADER_LINES;
        // SAFETY: the chunk is valid. The first edge from its beginning on, or behind a free run, is that of a free run, which begins with
        // its length.
        unsafe {
            let mark = &(*chunk).leaving;
            while let Some(edge) = next_edge(chunk, line) {
                let run = chunk.byte_add(edge * LINE).cast::<Run>();
                let lines = (*run).lines;
                self.remove(run);
                mark.store(leaving, Ordering::Relaxed);
                self.insert(run, lines);
                mark.store(!leaving, Ordering::Relaxed);
                line = edge + lines;
            }
            mark.store(leaving, Ordering::Relaxed);
        }
    }

    /// # Safety
    /// The lines from `run` on are free, belong to a chunk of this heap and to no other free run.
    unsafe fn insert(&mut self, run: *mut Run, lines: usize) {
        // SAFETY: the run lies in a chunk of this heap.
        let bin = unsafe { bin_of(run, lines) };
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
        if bin != LEAVING_BIN {
            self.occupied[bin / 64] |= 1 << (bin % 64);
        }
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
            let bin = bin_of(run, lines);
            if !next.is_null() {
                (*next).previous = previous;
            }
            if previous.is_null() {
                self.bins[bin] = next;
                if next.is_null() && bin != LEAVING_BIN {
                    self.occupied[bin / 64] &= !(1 << (bin % 64));
                }
            } else {
                (*previous).next = next;
            }
            flip_edges(run, lines);
        }
    }
}

/// The bin for a free run of so many lines.
///
/// # Safety
/// The run lies in a valid chunk whose heap is locked.
unsafe fn bin_of(run: *mut Run, lines: usize) -> usize {
    // SAFETY: the caller's promise.
    if unsafe { (*chunk_of(run)).leaving.load(Ordering::Relaxed) } {
        LEAVING_BIN
    } else {
        lines.min(LAST_BIN)
    }
}

fn chunk_of(run: *mut Run) -> *mut Chunk {
    run.map_addr(|address| address & !(CHUNK - 1)).cast()
}

/// The number of the run's first line in its chunk.
fn line_of(run: *mut Run) -> usize {
    run.addr() % CHUNK / LINE
}

/// The first line from `line` on that is an edge.
///
/// # Safety
/// The chunk is valid and its heap locked.
unsafe fn next_edge(chunk: *mut Chunk, line: usize) -> Option<usize> {
    // SAFETY: the caller's promise.
    let edges = unsafe { &(*chunk).edges };
    let mut word = line / 64;
    let mut bits = edges.get(word)? & (u64::MAX << (line % 64));
    while bits == 0 {
        word += 1;
        bits = *edges.get(word)?;
    }
    Some(word * 64 + bits.trailing_zeros() as usize)
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
