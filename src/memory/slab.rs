//! The sized allocator under records, packed values, tree nodes and bucket arrays.
//!
//! Stock allocators step by 16 bytes and more at the sizes of small keys; here the classes are 8 bytes
//! apart up to 256 bytes and at most 6.25% apart up to [`MAX_SLAB`]; what is larger goes to the general
//! allocator. The owner passes the size back when it frees, so no block carries a header.
//!
//! A block comes from its thread's list of free blocks: a handful of instructions, no atomics. The lists
//! are short and are filled from and flushed to the *central* store of their class in batches. There,
//! blocks belong to slabs (64 or 256 kB), found by masking a block's address. A slab whose last
//! block came back serves any other class, and beyond a small reserve its memory goes back to the system.
//!
//! Arrays of cache lines have a store of their own ([`alloc_lines`]): their sizes change all the time.
//!
//! Blocks may be freed by any thread. Under Miri, and where there is no `mmap`, every block is an
//! allocation of its own.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

use super::counting;

#[cfg(all(unix, not(miri)))]
mod cache;
#[cfg(all(unix, not(miri)))]
mod central;
mod class;
pub mod compaction;
#[cfg(all(unix, not(miri)))]
mod lines;
#[cfg(all(unix, not(miri)))]
mod pool;

/// Bytes of a cache line; bucket arrays are made of whole lines.
pub const LINE: usize = 64;

/// The largest size in bytes that slabs serve. Larger blocks come from the general allocator.
pub const MAX_SLAB: usize = class::SIZES[class::COUNT - 1] as usize;

/// Allocates `size` bytes, aligned to 8. The contents are whatever was there before.
#[inline]
pub fn alloc(size: usize) -> NonNull<u8> {
    if size > MAX_SLAB {
        return general_alloc(size, 8);
    }
    let class = class::of(size);
    counting::add(class::size(class).cast_signed());
    imp::alloc(class)
}

/// Gives a block back.
///
/// # Safety
/// `block` came from [`alloc`] or [`resize`] for the same `size` (or one of the same [`class_size`]), and
/// nobody uses it any more.
#[inline]
pub unsafe fn free(block: NonNull<u8>, size: usize) {
    if size > MAX_SLAB {
        // SAFETY: the caller's promise; `alloc` sends the same sizes to the general allocator.
        return unsafe { general_free(block, size, 8) };
    }
    let class = class::of(size);
    counting::add(-class::size(class).cast_signed());
    // SAFETY: the caller's promise, and the class follows from the size.
    unsafe { imp::free(block, class) }
}

/// Changes a block's size and keeps its contents up to the smaller of both sizes. The block stays where it
/// is if both sizes have the same [`class_size`].
///
/// # Safety
/// As for [`free`] with `old` as the size; after the call only the returned block is valid.
#[inline]
pub unsafe fn resize(block: NonNull<u8>, old: usize, new: usize) -> NonNull<u8> {
    if old <= MAX_SLAB && new <= MAX_SLAB {
        if class::of(old) == class::of(new) {
            return block;
        }
    } else if old > MAX_SLAB && new > MAX_SLAB {
        let layout = general_layout(old, 8);
        // SAFETY: the block came from the general allocator with this layout, and `new` is not zero.
        let moved = unsafe { std::alloc::realloc(block.as_ptr(), layout, new) };
        return NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(general_layout(new, 8)));
    }
    let moved = alloc(new);
    // SAFETY: both blocks have at least the smaller size, and a fresh block overlaps no other.
    unsafe {
        moved
            .as_ptr()
            .copy_from_nonoverlapping(block.as_ptr(), old.min(new));
        free(block, old);
    }
    moved
}

/// What [`alloc`] really gives for `size`, in bytes: the block's whole footprint.
#[inline]
pub fn class_size(size: usize) -> usize {
    if size > MAX_SLAB {
        counting::given(size)
    } else {
        class::size(class::of(size))
    }
}

/// Allocates `lines` cache lines, aligned to a line. The contents are whatever was there before.
#[inline]
pub fn alloc_lines(lines: usize) -> NonNull<u8> {
    let size = lines * LINE;
    if size > MAX_SLAB {
        return general_alloc(size, LINE);
    }
    let given = class::size(class::of(size));
    counting::add(given.cast_signed());
    imp::alloc_lines(given / LINE)
}

/// Gives back what [`alloc_lines`] gave for the same number of `lines`.
///
/// # Safety
/// `block` came from [`alloc_lines`] for the same number of lines (or one of the same [`class_lines`]), and
/// nobody uses it any more.
#[inline]
pub unsafe fn free_lines(block: NonNull<u8>, lines: usize) {
    let size = lines * LINE;
    if size > MAX_SLAB {
        // SAFETY: the caller's promise; `alloc_lines` sends the same sizes to the general allocator.
        return unsafe { general_free(block, size, LINE) };
    }
    let given = class::size(class::of(size));
    counting::add(-given.cast_signed());
    // SAFETY: the caller's promise, and what was given follows from the size.
    unsafe { imp::free_lines(block, given / LINE) }
}

/// How many lines [`alloc_lines`] really gives for `lines`: use them all.
#[inline]
pub fn class_lines(lines: usize) -> usize {
    let size = lines * LINE;
    if size > MAX_SLAB {
        // The general allocator's classes are far apart; it gives what is asked to within that.
        lines
    } else {
        class::size(class::of(size)) / LINE
    }
}

/// What the slabs hold, in bytes. Blocks above [`MAX_SLAB`] are not theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlabUsage {
    /// Handed out to threads: blocks in use and the threads' own lists of free blocks.
    pub allocated: usize,
    /// In slabs that serve a class: `allocated`, and what is free in them.
    pub in_slabs: usize,
    /// In slabs, and in empty ones kept in reserve: about what the system counts as resident.
    pub resident: usize,
    /// Address space taken from the system so far.
    pub mapped: usize,
}

/// What the slabs hold at the moment.
pub fn usage() -> SlabUsage {
    imp::usage()
}

/// Gives the memory of empty slabs that are kept in reserve back to the system.
pub fn purge() {
    #[cfg(all(unix, not(miri)))]
    pool::purge();
}

/// Gives back the free blocks that the calling thread keeps for itself.
pub fn give_back() {
    imp::give_back();
}

/// [`give_back`], if somebody who empties slabs has asked for that since the last call. Every thread that frees
/// blocks calls it now and then.
#[inline]
pub fn give_back_if_asked() {
    imp::give_back_if_asked();
}

fn general_layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align)
        .expect("an allocation is smaller than half the address space")
}

#[cold]
fn general_alloc(size: usize, align: usize) -> NonNull<u8> {
    let layout = general_layout(size, align);
    // SAFETY: the callers' sizes are not zero.
    NonNull::new(unsafe { std::alloc::alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
unsafe fn general_free(block: NonNull<u8>, size: usize, align: usize) {
    // SAFETY: the callers pass what `general_alloc` was given.
    unsafe { std::alloc::dealloc(block.as_ptr(), general_layout(size, align)) }
}

#[cfg(all(unix, not(miri)))]
mod imp {
    pub(super) use super::cache::{
        alloc, free, free_to_center, give_back, give_back_if_asked, usage,
    };
    pub(super) use super::central::is_leaving;
    pub(super) use super::lines::{
        is_leaving as is_leaving_lines, put as free_lines, take as alloc_lines,
        take_alike as alloc_lines_alike,
    };
    use super::{cache, central, class, lines};

    /// Marks slabs and chunks as to be emptied, such that up to `most` bytes have to be moved. Returns how many there are to be had back.
    pub(super) fn begin_emptying(most: &mut usize) -> usize {
        // What threads keep for themselves may lie in such slabs, too.
        cache::ask_back();
        let gain = (1..class::COUNT).rev();
        let gain = gain.map(|class| central::begin_emptying(class, most));
        gain.sum::<usize>() + lines::begin_emptying(most)
    }

    /// What could not be emptied serves again.
    pub(super) fn end_emptying() {
        cache::give_back();
        (1..class::COUNT).for_each(central::end_emptying);
        lines::end_emptying();
    }
}

/// Every block an allocation of its own, so that Miri sees each one's bounds and lifetime.
#[cfg(not(all(unix, not(miri))))]
mod imp {
    use super::{LINE, SlabUsage, class, general_layout, handle_alloc_error};
    use std::ptr::NonNull;

    fn layout(class: usize) -> std::alloc::Layout {
        general_layout(class::size(class), 8)
    }

    pub(super) fn alloc_lines(lines: usize) -> NonNull<u8> {
        super::general_alloc(lines * LINE, LINE)
    }

    /// # Safety
    /// As for [`super::free_lines`].
    pub(super) unsafe fn free_lines(block: NonNull<u8>, lines: usize) {
        // SAFETY: the layout is the one that `alloc_lines` used.
        unsafe { super::general_free(block, lines * LINE, LINE) }
    }

    pub(super) fn alloc(class: usize) -> NonNull<u8> {
        let layout = layout(class);
        // SAFETY: no class has size zero.
        NonNull::new(unsafe { std::alloc::alloc(layout) })
            .unwrap_or_else(|| handle_alloc_error(layout))
    }

    /// # Safety
    /// As for [`super::free`].
    pub(super) unsafe fn free(block: NonNull<u8>, class: usize) {
        // SAFETY: the layout is the one that `alloc` used for the class.
        unsafe { std::alloc::dealloc(block.as_ptr(), layout(class)) }
    }

    /// # Safety
    /// As for [`free`].
    pub(super) unsafe fn free_to_center(block: NonNull<u8>, class: usize) {
        // SAFETY: the caller's promise.
        unsafe { free(block, class) }
    }

    pub(super) unsafe fn is_leaving(_: NonNull<u8>, _: usize) -> bool {
        false
    }

    pub(super) unsafe fn is_leaving_lines(_: NonNull<u8>) -> bool {
        false
    }

    pub(super) unsafe fn alloc_lines_alike(_: NonNull<u8>, lines: usize) -> NonNull<u8> {
        alloc_lines(lines)
    }

    pub(super) fn give_back() {}

    pub(super) fn give_back_if_asked() {}

    pub(super) fn begin_emptying(_: &mut usize) -> usize {
        0
    }

    pub(super) fn end_emptying() {}

    pub(super) fn usage() -> SlabUsage {
        SlabUsage::default()
    }
}

#[cfg(test)]
mod tests;
