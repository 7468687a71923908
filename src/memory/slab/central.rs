//! The central store: the slabs of every class, each class behind a lock of its own.
//!
//! A slab hands out blocks by carving them off its unused end and by reusing freed ones. Slabs with a block
//! to give are on their class's list; full ones are on none and come back with their first freed block;
//! empty ones go to the [`pool`].

use parking_lot::{Mutex, MutexGuard};
use std::alloc::handle_alloc_error;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::compaction::Census;
use super::{class, pool};

/// A block that nobody uses; its first word links it to the next one.
pub(super) struct Free {
    pub(super) next: *mut Free,
}

/// What stands at the beginning of every slab.
struct Slab {
    /// Freed blocks.
    free: *mut Free,
    /// Offset of the part never handed out.
    fresh: usize,
    /// Blocks handed out.
    live: usize,
    /// Neighbours on the class's list.
    next: *mut Slab,
    previous: *mut Slab,
    listed: bool,
    /// It is to be emptied: no block is taken from it meanwhile.
    leaving: AtomicBool,
}

const _: () = assert!(size_of::<Slab>() <= class::HEADER);

/// The slabs of one class that have a block to give, and those that are to be emptied.
struct Store {
    first: *mut Slab,
    leaving: *mut Slab,
    /// The listed slab that a walk over them comes to next.
    walk: *mut Slab,
}

// SAFETY: the slabs of a store are reached only through it, that is under its lock.
unsafe impl Send for Store {}

static STORES: [Mutex<Store>; class::COUNT] = [const {
    Mutex::new(Store {
        first: null_mut(),
        leaving: null_mut(),
        walk: null_mut(),
    })
}; class::COUNT];

/// Bytes of the blocks handed out.
static HANDED_OUT: AtomicUsize = AtomicUsize::new(0);

/// Bytes of the blocks that threads have.
pub(super) fn handed_out() -> usize {
    HANDED_OUT.load(Ordering::Relaxed)
}

/// Takes up to `count` blocks of `class` as a list, with its length: at least one.
pub(super) fn take(class: usize, count: usize) -> (NonNull<Free>, usize) {
    let size = class::size(class);
    let mut head: *mut Free = null_mut();
    let mut taken = 0;
    let mut store = STORES[class].lock();
    while taken < count {
        if store.first.is_null() {
            // One slab's worth is enough: what is there already will do.
            if taken > 0 {
                break;
            }
            let Some(memory) = pool::take(class::slab_size(class)) else {
                drop(store);
                handle_alloc_error(super::general_layout(size, 8));
            };
            store.add(memory);
        }
        let slab = store.first;
        // SAFETY: listed slabs are valid and ours while the store is locked; blocks on their lists or
        // beyond `fresh` are used by nobody.
        unsafe {
            while taken < count {
                let block = (*slab).give(class);
                if block.is_null() {
                    store.unlist(slab);
                    break;
                }
                (*block).next = head;
                head = block;
                taken += 1;
            }
        }
    }
    drop(store);
    HANDED_OUT.fetch_add(taken * size, Ordering::Relaxed);
    (
        NonNull::new(head).expect("at least one block was taken"),
        taken,
    )
}

/// Takes back a list of `count` blocks of `class`.
///
/// # Safety
/// The blocks were handed out for that class, and nobody uses them any more.
pub(super) unsafe fn put(class: usize, mut blocks: *mut Free, count: usize) {
    let slab_size = class::slab_size(class);
    let mut empty: *mut Slab = null_mut();
    {
        let mut store = STORES[class].lock();
        while !blocks.is_null() {
            let block = blocks;
            // SAFETY: slabs are aligned to their size, so that masking a block's address gives its slab;
            // the block is unused by the caller's promise.
            unsafe {
                blocks = (*block).next;
                let slab = block
                    .map_addr(|address| address & !(slab_size - 1))
                    .cast::<Slab>();
                (*block).next = (*slab).free;
                (*slab).free = block;
                (*slab).live -= 1;
                if (*slab).live == 0 {
                    if (*slab).listed {
                        store.unlist(slab);
                    } else if (*slab).leaving.load(Ordering::Relaxed) {
                        store.unlist_leaving(slab);
                    }
                    (*slab).next = empty;
                    empty = slab;
                } else if !(*slab).listed && !(*slab).leaving.load(Ordering::Relaxed) {
                    store.list(slab);
                }
            }
        }
    }
    HANDED_OUT.fetch_sub(count * class::size(class), Ordering::Relaxed);
    while !empty.is_null() {
        let slab = empty;
        // SAFETY: the slab has no live block and is on no list: it is ours alone.
        empty = unsafe { (*slab).next };
        pool::put(slab.cast(), slab_size);
    }
}

/// Marks the emptiest slabs of a class as to be emptied, such that up to `most` bytes of blocks have to be moved. Returns how many bytes
/// of slabs there are to be had back.
pub(super) fn begin_emptying(class: usize, most: &mut usize) -> usize {
    let size = class::size(class);
    let capacity = (class::slab_size(class) - class::HEADER) / size;
    let mut census = Census::new(capacity);
    // SAFETY: the walk shows listed slabs, whose store is locked.
    walk(class, |_, slab| census.count(unsafe { (*slab).live }));
    let mut blocks = *most / size;
    let mut leavers = census.choose(&mut blocks);
    if leavers.are_none() {
        return 0;
    }
    let (mut gain, mut moved) = (0, 0);
    walk(class, |store, slab| {
        // SAFETY: as above.
        unsafe {
            let live = (*slab).live;
            if leavers.take(live) {
                moved += live * size;
                gain += (capacity - live) * size;
                store.let_leave(slab);
            }
        }
    });
    *most = most.saturating_sub(moved);
    gain
}

/// What could not be emptied serves again.
pub(super) fn end_emptying(class: usize) {
    let mut store = STORES[class].lock();
    while !store.leaving.is_null() {
        for _ in 0..SLABS_A_HOLD {
            let slab = store.leaving;
            if slab.is_null() {
                return;
            }
            // SAFETY: the slabs to be emptied are valid while the store is locked.
            unsafe {
                store.unlist_leaving(slab);
                store.list(slab);
            }
        }
        MutexGuard::bump(&mut store);
    }
}

/// Slabs that are looked at before others get the store.
const SLABS_A_HOLD: usize = 128;

/// Shows all slabs of a class that are listed, but for some that come and go meanwhile. Others use the store in between.
fn walk(class: usize, mut show: impl FnMut(&mut Store, *mut Slab)) {
    let mut store = STORES[class].lock();
    store.walk = store.first;
    loop {
        for _ in 0..SLABS_A_HOLD {
            let slab = store.walk;
            if slab.is_null() {
                return;
            }
            // SAFETY: listed slabs are valid while the store is locked, and the walk passes on what leaves the list.
            store.walk = unsafe { (*slab).next };
            show(&mut store, slab);
        }
        MutexGuard::bump(&mut store);
    }
}

/// Whether a block in use lies in a slab that is to be emptied. A hint: the answer may change at any time.
///
/// # Safety
/// The block was handed out for `class` and is in use.
pub(super) unsafe fn is_leaving(block: NonNull<u8>, class: usize) -> bool {
    let slab = block
        .as_ptr()
        .map_addr(|address| address & !(class::slab_size(class) - 1))
        .cast::<Slab>();
    // SAFETY: a slab with a block in use is valid, and its mark is atomic.
    let leaving = unsafe { &(*slab).leaving };
    leaving.load(Ordering::Relaxed)
}

impl Slab {
    /// A block, or null if there is none left.
    ///
    /// # Safety
    /// The slab serves `class` and its store is locked.
    unsafe fn give(&mut self, class: usize) -> *mut Free {
        let mut block = self.free;
        if block.is_null() {
            let size = class::size(class);
            if self.fresh + size > class::slab_size(class) {
                return null_mut();
            }
            let slab: *mut u8 = std::ptr::from_mut(self).cast();
            // The block lies outside the header that `self` borrows: reach it by the slab's address.
            block = std::ptr::with_exposed_provenance_mut(slab.addr() + self.fresh);
            self.fresh += size;
        } else {
            // SAFETY: a block on the free list is valid and holds its link.
            self.free = unsafe { (*block).next };
        }
        self.live += 1;
        block
    }
}

impl Store {
    /// Makes a slab of fresh memory and lists it.
    fn add(&mut self, memory: *mut u8) {
        let slab = memory.cast::<Slab>();
        // SAFETY: the pool gives slabs to one user at a time, aligned and large enough for the header.
        unsafe {
            slab.write(Slab {
                free: null_mut(),
                fresh: class::HEADER,
                live: 0,
                next: null_mut(),
                previous: null_mut(),
                listed: false,
                leaving: AtomicBool::new(false),
            });
            self.list(slab);
        }
    }

    /// Takes a slab off the list, to be emptied.
    ///
    /// # Safety
    /// The slab is on this store's list.
    unsafe fn let_leave(&mut self, slab: *mut Slab) {
        // SAFETY: the caller's promise; slabs on either list are valid while the store is locked.
        unsafe {
            self.unlist(slab);
            (*slab).leaving.store(true, Ordering::Relaxed);
            (*slab).next = self.leaving;
            (*slab).previous = null_mut();
            if !self.leaving.is_null() {
                (*self.leaving).previous = slab;
            }
        }
        self.leaving = slab;
    }

    /// # Safety
    /// The slab is one of this store's that are to be emptied.
    unsafe fn unlist_leaving(&mut self, slab: *mut Slab) {
        // SAFETY: the caller's promise; slabs on either list are valid while the store is locked.
        unsafe {
            let (next, previous) = ((*slab).next, (*slab).previous);
            if previous.is_null() {
                self.leaving = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            (*slab).leaving.store(false, Ordering::Relaxed);
        }
    }

    /// # Safety
    /// The slab is valid, serves this store's class and is not listed.
    unsafe fn list(&mut self, slab: *mut Slab) {
        // SAFETY: listed slabs are valid while the store is locked.
        unsafe {
            (*slab).next = self.first;
            (*slab).previous = null_mut();
            (*slab).listed = true;
            if !self.first.is_null() {
                (*self.first).previous = slab;
            }
        }
        self.first = slab;
    }

    /// # Safety
    /// The slab is on this store's list.
    unsafe fn unlist(&mut self, slab: *mut Slab) {
        // SAFETY: listed slabs and their neighbours are valid while the store is locked.
        unsafe {
            let (next, previous) = ((*slab).next, (*slab).previous);
            if previous.is_null() {
                self.first = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
            (*slab).listed = false;
            if self.walk == slab {
                self.walk = next;
            }
        }
    }
}
