//! Emptying slabs that are mostly empty, so that their memory goes back.
//!
//! [`begin`] marks such slabs: no block is taken from them any more. Whoever knows the owners of blocks asks of each whether it
//! [`lies in one`](is_leaving) and moves it ([`moved`]). [`end`] lets those that could not be emptied serve again.

use std::ptr::NonNull;

use super::{MAX_SLAB, cache, central, class};
use crate::memory::counting;

/// Marks slabs that are mostly empty, up to `most` bytes of blocks to be moved. Returns about how many bytes there are to be had
/// back.
pub fn begin(mut most: usize) -> usize {
    // What this thread keeps for itself may lie in such slabs, too.
    cache::give_back();
    let classes = (1..class::COUNT).rev();
    classes
        .map(|class| central::begin_emptying(class, &mut most))
        .sum()
}

/// Ends it.
pub fn end() {
    (1..class::COUNT).for_each(central::end_emptying);
}

/// Whether a block lies in a slab that is to be emptied.
///
/// # Safety
/// The block came from [`alloc`](super::alloc) or [`resize`](super::resize) for this `size`, and is in use.
#[inline]
pub unsafe fn is_leaving(block: NonNull<u8>, size: usize) -> bool {
    // SAFETY: the caller's promise.
    size <= MAX_SLAB && unsafe { central::is_leaving(block, class::of(size)) }
}

/// Moves a block's contents to another block, and gives the old one back.
///
/// # Safety
/// As for [`free`](super::free); after the call only the returned block is valid.
pub unsafe fn moved(block: NonNull<u8>, size: usize) -> NonNull<u8> {
    let to = super::alloc(size);
    // SAFETY: both blocks have that size, and a fresh block overlaps no other; the rest is the caller's promise.
    unsafe {
        to.as_ptr().copy_from_nonoverlapping(block.as_ptr(), size);
        let class = class::of(size);
        counting::add(-class::size(class).cast_signed());
        // Kept for this thread it would be the next one to be taken.
        cache::free_to_center(block, class);
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{alloc, free, usage};

    #[test]
    fn sparse_slabs_are_emptied_and_nothing_is_lost() {
        // A size that no other test uses.
        const SIZE: usize = 1_733;
        let mut blocks: Vec<_> = (0..4_000_u32)
            .map(|number| {
                let block = alloc(SIZE);
                // SAFETY: the block is ours and that large.
                unsafe { block.cast::<u32>().write(number) };
                (number, block)
            })
            .collect();
        blocks.retain(|(number, block)| {
            let stays = number.is_multiple_of(10);
            if !stays {
                // SAFETY: the block is ours.
                unsafe { free(*block, SIZE) };
            }
            stays
        });
        let before = usage().in_slabs;
        assert!(begin(usize::MAX) > 1 << 20);
        for (_, block) in &mut blocks {
            // SAFETY: the block is ours.
            unsafe {
                if is_leaving(*block, SIZE) {
                    *block = moved(*block, SIZE);
                }
            }
        }
        end();
        assert!(usage().in_slabs + (1 << 20) < before);
        for (number, block) in blocks {
            // SAFETY: the block is ours and holds its number.
            unsafe {
                assert_eq!(block.cast::<u32>().read(), number);
                free(block, SIZE);
            }
        }
    }
}
