//! Each thread's own lists of free blocks, one a class.
//!
//! A list holds at most [`LIST_BYTES`] and half of it moves to or from the central store at a time. When the
//! thread ends its lists go back; what it allocates or frees after that goes to the central store
//! block by block. The same slow path serves a thread's first use: every list starts out empty, with a
//! limit of none, so that the fast paths need no check for either.

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

use super::central::{self, Free};
use super::{SlabUsage, class, lines, pool};
use crate::memory::counting;

/// The most that one list holds, in bytes. Every block on a list may be the last of its slab.
const LIST_BYTES: usize = 32 * 1024;
/// The most that one list holds, in blocks.
const LIST_BLOCKS: usize = 256;

struct List {
    head: Cell<*mut Free>,
    blocks: Cell<u32>,
    /// The list is flushed when it would grow beyond this. Zero before the first use and after the last.
    limit: Cell<u32>,
}

struct Cache {
    lists: [List; class::COUNT],
    closed: Cell<bool>,
    /// The last [`ASKED`] that it has followed.
    followed: Cell<u32>,
}

/// How often the threads were asked to give their lists back.
static ASKED: AtomicU32 = AtomicU32::new(0);

thread_local! {
    // No destructor, so that access needs no check: that is `CLOSER`'s matter.
    static CACHE: Cache = const {
        Cache {
            lists: [const {
                List {
                    head: Cell::new(null_mut()),
                    blocks: Cell::new(0),
                    limit: Cell::new(0),
                }
            }; class::COUNT],
            closed: Cell::new(false),
            followed: Cell::new(0),
        }
    };
    static CLOSER: Closer = const { Closer };
}

/// Gives a thread's lists back when it ends.
struct Closer;

impl Drop for Closer {
    fn drop(&mut self) {
        CACHE.with(|cache| {
            cache.closed.set(true);
            for (class, list) in cache.lists.iter().enumerate() {
                list.limit.set(0);
                if list.blocks.get() > 0 {
                    let blocks = list.blocks.replace(0) as usize;
                    // SAFETY: the blocks on the list are unused and of its class.
                    unsafe { central::put(class, list.head.replace(null_mut()), blocks) };
                }
            }
        });
        counting::flush();
    }
}

#[inline]
pub(super) fn alloc(class: usize) -> NonNull<u8> {
    CACHE.with(|cache| {
        let list = &cache.lists[class];
        let Some(block) = NonNull::new(list.head.get()) else {
            return refill(cache, class);
        };
        // SAFETY: a block on the list is valid, unused, and holds its link.
        list.head.set(unsafe { block.as_ref().next });
        list.blocks.set(list.blocks.get() - 1);
        block.cast()
    })
}

/// # Safety
/// The block was handed out for `class`, and nobody uses it any more.
#[inline]
pub(super) unsafe fn free(block: NonNull<u8>, class: usize) {
    CACHE.with(|cache| {
        let list = &cache.lists[class];
        if list.blocks.get() >= list.limit.get() {
            flush(cache, class);
        }
        let block = block.cast::<Free>().as_ptr();
        // SAFETY: the block is unused by the caller's promise, and every class holds a word, aligned.
        unsafe { (*block).next = list.head.get() };
        list.head.set(block);
        list.blocks.set(list.blocks.get() + 1);
        if list.limit.get() == 0 {
            flush(cache, class);
        }
    });
}

/// Takes a batch from the central store and returns one block of it.
#[cold]
#[inline(never)]
fn refill(cache: &Cache, class: usize) -> NonNull<u8> {
    open(cache, class);
    let list = &cache.lists[class];
    let batch = (list.limit.get() as usize / 2).max(1);
    let (head, blocks) = central::take(class, batch);
    // SAFETY: the blocks are ours now, and linked.
    list.head.set(unsafe { head.as_ref().next });
    list.blocks.set((blocks - 1) as u32);
    head.cast()
}

/// Moves the older half of a full list to the central store; all of it when the thread is ending.
#[cold]
#[inline(never)]
fn flush(cache: &Cache, class: usize) {
    open(cache, class);
    let list = &cache.lists[class];
    let (blocks, limit) = (list.blocks.get(), list.limit.get());
    if blocks == 0 || blocks < limit {
        return;
    }
    let keep = limit / 2;
    list.blocks.set(keep);
    // SAFETY: the list has `blocks` valid, unused blocks of its class, more than `keep` of them; cut behind
    // the `keep`th, the rest is no longer on it.
    unsafe {
        let rest = if keep == 0 {
            list.head.replace(null_mut())
        } else {
            let mut last = list.head.get();
            for _ in 1..keep {
                last = (*last).next;
            }
            std::mem::replace(&mut (*last).next, null_mut())
        };
        central::put(class, rest, (blocks - keep) as usize);
    }
}

/// Asks all threads to give their lists back; the calling one does so at once.
pub(super) fn ask_back() {
    ASKED.fetch_add(1, Ordering::Relaxed);
    give_back();
}

/// Gives the calling thread's lists back if somebody has asked for it since the last time.
#[inline]
pub(super) fn give_back_if_asked() {
    let asked = ASKED.load(Ordering::Relaxed);
    if CACHE.with(|cache| cache.followed.replace(asked)) != asked {
        give_back();
    }
}

/// Moves all of the calling thread's lists to the central store.
pub(super) fn give_back() {
    CACHE.with(|cache| {
        for (class, list) in cache.lists.iter().enumerate() {
            let blocks = list.blocks.replace(0) as usize;
            let head = list.head.replace(null_mut());
            if blocks > 0 {
                // SAFETY: the blocks on the list are unused and of its class.
                unsafe { central::put(class, head, blocks) };
            }
        }
    });
}

/// [`free`] that does not keep the block for the calling thread.
///
/// # Safety
/// As for [`free`].
pub(super) unsafe fn free_to_center(block: NonNull<u8>, class: usize) {
    let block = block.cast::<Free>().as_ptr();
    // SAFETY: the block is unused by the caller's promise, and every class holds a word, aligned.
    unsafe {
        (*block).next = null_mut();
        central::put(class, block, 1);
    }
}

/// Sets the list's limit at its first use, unless the thread is ending.
fn open(cache: &Cache, class: usize) {
    let list = &cache.lists[class];
    if list.limit.get() == 0 && !cache.closed.get() {
        // Registers the destructor. It cannot be set up any more only while the thread ends.
        if CLOSER.try_with(|_| ()).is_ok() {
            let blocks = (LIST_BYTES / class::size(class)).clamp(2, LIST_BLOCKS);
            list.limit.set(blocks as u32);
        }
    }
}

pub(super) fn usage() -> SlabUsage {
    let pool = pool::usage();
    SlabUsage {
        allocated: central::handed_out() + lines::in_use(),
        in_slabs: pool.in_use,
        resident: pool.in_use + pool.warm,
        mapped: pool.mapped,
    }
}
