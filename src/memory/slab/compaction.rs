//! Emptying slabs that are mostly empty, so that their memory goes back.
//!
//! [`Pass::begin`] marks such slabs: no block is taken from them any more. Whoever knows the owners of blocks walks over them with a
//! [`Mover`], which moves the blocks that lie there. When the pass is dropped, what could not be emptied serves again.
//!
//! Of a size's slabs the emptiest leave, as many as the others have room for the blocks of: so what is moved fills gaps, and no more of
//! it is moved than has to be. Chunks of arrays are treated alike.

use std::ptr::NonNull;

use parking_lot::{Mutex, MutexGuard};

use super::{LINE, MAX_SLAB, class, imp};
use crate::memory::counting;

/// There is one pass at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Slabs that are to be emptied.
#[derive(Debug)]
pub struct Pass {
    gain: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Pass {
    /// Marks slabs, such that about `most` bytes of blocks are to be moved.
    pub fn begin(mut most: usize) -> Self {
        let alone = ALONE.lock();
        let gain = imp::begin_emptying(&mut most);
        Self {
            gain,
            _alone: alone,
        }
    }

    /// About how many bytes there are to be had back.
    pub fn gain(&self) -> usize {
        self.gain
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        imp::end_emptying();
    }
}

/// A block that has been moved elsewhere.
#[derive(Debug)]
enum Left {
    /// One of a class.
    Block(NonNull<u8>, usize),
    /// An array of so many lines.
    Lines(NonNull<u8>, usize),
}

/// What looking at a block costs, in bytes of a budget: it is seldom in the cache.
const LOOK: usize = LINE;
/// What moving one costs beside its bytes.
const MOVE: usize = 4 * LINE;

/// Moves blocks that lie in slabs to be emptied, as far as its budget reaches.
///
/// The old blocks go back when it is dropped: do so without a lock, since a slab that has become empty is given to the system.
#[derive(Debug)]
pub struct Mover {
    /// Bytes that may still be read or copied.
    budget: usize,
    /// What has been moved, where it was.
    left: Vec<Left>,
    moved: u64,
    /// For tests: moves whatever it sees.
    everything: bool,
}

impl Mover {
    /// One that reads and copies about so many bytes.
    pub const fn new(budget: usize) -> Self {
        Self {
            budget,
            left: Vec::new(),
            moved: 0,
            everything: false,
        }
    }

    /// One that moves every block, wherever it lies.
    #[cfg(test)]
    pub fn of_everything(budget: usize) -> Self {
        let mut mover = Self::new(budget);
        mover.everything = true;
        mover
    }

    /// Whether the budget allows for more.
    #[inline]
    pub fn may_go_on(&self) -> bool {
        self.budget > 0
    }

    /// How many blocks it has moved.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Takes the cost of looking at something off the budget.
    #[inline]
    pub fn look(&mut self) {
        self.spend(LOOK);
    }

    #[inline]
    fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    /// Copies a block elsewhere if it lies in a slab to be emptied. The old one is still there for whoever has to be told of its new
    /// address; then comes [`Mover::release`].
    ///
    /// # Safety
    /// The block came from [`alloc`](super::alloc) or [`resize`](super::resize) for this `size`, and is in use.
    #[inline]
    pub unsafe fn copy(&mut self, block: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
        self.look();
        if size > MAX_SLAB {
            return None;
        }
        // SAFETY: the caller's promise.
        if !self.everything && !unsafe { imp::is_leaving(block, class::of(size)) } {
            return None;
        }
        self.spend(MOVE + size);
        self.moved += 1;
        let to = super::alloc(size);
        // SAFETY: both blocks have that size, and a fresh block overlaps no other.
        unsafe {
            to.as_ptr().copy_from_nonoverlapping(block.as_ptr(), size);
        }
        Some(to)
    }

    /// Gives a block back that [`Mover::copy`] has copied.
    ///
    /// # Safety
    /// As for [`free`](super::free).
    #[inline]
    pub unsafe fn release(&mut self, block: NonNull<u8>, size: usize) {
        self.left.push(Left::Block(block, class::of(size)));
    }

    /// Moves an array of lines if it lies in a chunk to be emptied.
    ///
    /// # Safety
    /// The array came from [`alloc_lines`](super::alloc_lines) for so many lines, and nobody else knows its address; if it has moved,
    /// only the new one is valid.
    pub unsafe fn move_lines(&mut self, array: NonNull<u8>, lines: usize) -> Option<NonNull<u8>> {
        self.look();
        if lines * LINE > MAX_SLAB {
            return None;
        }
        // What is given follows from what was asked for, as in `alloc_lines`.
        let size = class::size(class::of(lines * LINE));
        // SAFETY: the caller's promise; both arrays have that size, and a fresh one overlaps no other.
        unsafe {
            if !self.everything && !imp::is_leaving_lines(array) {
                return None;
            }
            let to = imp::alloc_lines_alike(array, size / LINE);
            to.as_ptr().copy_from_nonoverlapping(array.as_ptr(), size);
            self.left.push(Left::Lines(array, size / LINE));
            self.spend(MOVE + size);
            self.moved += 1;
            Some(to)
        }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        for left in self.left.drain(..) {
            // SAFETY: who released it, or knew an array's address alone, uses it no more; it has that class, or so many lines.
            unsafe {
                match left {
                    // Kept for this thread it would be the next one to be taken.
                    Left::Block(block, class) => {
                        counting::add(-class::size(class).cast_signed());
                        imp::free_to_center(block, class);
                    }
                    Left::Lines(array, lines) => {
                        imp::free_lines(array, lines);
                    }
                }
            }
        }
    }
}

/// Degrees of fullness that are told apart.
const LEVELS: usize = 32;
/// Slabs that are fuller than this do not leave: 13 of 16 parts.
const FULL: usize = LEVELS * 13 / 16;

/// How full slabs are that have something to give, and how many of each fullness are to leave.
#[derive(Debug)]
pub(super) struct Census {
    /// What a slab holds, in whatever unit.
    capacity: usize,
    slabs: [usize; LEVELS],
    used: [usize; LEVELS],
}

impl Census {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slabs: [0; LEVELS],
            used: [0; LEVELS],
        }
    }

    fn level(&self, used: usize) -> usize {
        (used * LEVELS / self.capacity).min(LEVELS - 1)
    }

    /// Counts a slab of which so much is in use.
    pub(super) fn count(&mut self, used: usize) {
        let level = self.level(used);
        self.slabs[level] += 1;
        self.used[level] += used;
    }

    /// Chooses who leaves, the emptiest first, as long as the others have room for what they leave behind, and that is not more
    /// than `most`. What will be moved comes off `most`.
    pub(super) fn choose(mut self, most: &mut usize) -> Leavers {
        let slabs: usize = self.slabs.iter().sum();
        let mut room = slabs * self.capacity - self.used.iter().sum::<usize>();
        let mut leavers = Leavers {
            of: [0; LEVELS],
            census: Self::new(self.capacity),
        };
        let mut moved = 0;
        for level in 0..FULL {
            let Some(each) = self.used[level].checked_div(self.slabs[level]) else {
                continue;
            };
            while self.slabs[level] > 0 {
                let left = room.saturating_sub(self.capacity - each);
                if moved + each > left || each > *most {
                    return leavers;
                }
                self.slabs[level] -= 1;
                leavers.of[level] += 1;
                room = left;
                moved += each;
                *most -= each;
            }
        }
        leavers
    }
}

/// How many slabs are to leave, by how full they are.
#[derive(Debug)]
pub(super) struct Leavers {
    of: [usize; LEVELS],
    census: Census,
}

impl Leavers {
    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.of == [0; LEVELS]
    }

    /// Whether a slab of which so much is in use is one of them. Ask once for each.
    pub(super) fn take(&mut self, used: usize) -> bool {
        let left = &mut self.of[self.census.level(used)];
        let leaves = *left > 0;
        *left -= usize::from(leaves);
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emptiest_leave_for_the_gaps_of_the_others() {
        let chosen = |fullness: &[usize]| {
            let mut census = Census::new(320);
            fullness.iter().for_each(|&used| census.count(used));
            let mut most = usize::MAX;
            census.choose(&mut most).of.iter().sum::<usize>()
        };
        // A tenth in use: what nine have goes into one, but for what that has itself.
        assert_eq!(chosen(&[32; 10]), 9);
        assert_eq!(chosen(&[160; 10]), 5);
        assert_eq!(chosen(&[240; 12]), 3);
        // Not worth it; nowhere to go; one into the other.
        assert_eq!(chosen(&[290; 100]), 0);
        assert_eq!(chosen(&[10]), 0);
        assert_eq!(chosen(&[10, 300]), 1);
        assert_eq!(chosen(&[100, 300, 300]), 0);
        assert_eq!(chosen(&[1, 1, 1]), 2);
    }

    #[test]
    fn no_more_is_moved_than_is_allowed() {
        let mut census = Census::new(320);
        (0..10).for_each(|_| census.count(32));
        let mut most = 100;
        let mut leavers = census.choose(&mut most);
        assert_eq!((most, leavers.of.iter().sum::<usize>()), (4, 3));
        assert!(!leavers.take(100) && leavers.take(33) && leavers.take(39) && leavers.take(32));
        assert!(leavers.are_none() && !leavers.take(32));
    }
}

#[cfg(all(test, unix, not(miri)))]
mod emptying_tests {
    use super::*;
    use crate::memory::{alloc, alloc_lines, free, free_lines};

    /// How many large slabs blocks lie in. What the whole process has in slabs would be other tests' matter, too.
    fn slabs(blocks: &[(u32, NonNull<u8>)]) -> usize {
        let addresses = blocks.iter().map(|(_, block)| block.addr().get());
        let slabs = addresses.map(|address| address / class::LARGE_SLAB);
        slabs.collect::<std::collections::HashSet<_>>().len()
    }

    /// Of 4,000 blocks one in ten stays; then all move that are to.
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
        let before = slabs(&blocks);
        let pass = Pass::begin(usize::MAX);
        assert!(pass.gain() > 1 << 20);
        let mut mover = Mover::new(usize::MAX);
        for (_, block) in &mut blocks {
            // SAFETY: the block is ours.
            unsafe {
                if let Some(to) = mover.copy(*block, SIZE) {
                    mover.release(*block, SIZE);
                    *block = to;
                }
            }
        }
        // What was there is in less than a fifth of the slabs.
        assert!((200..=400).contains(&mover.moved()), "{}", mover.moved());
        drop(mover);
        drop(pass);
        assert!(
            slabs(&blocks) * 3 < before,
            "{} of {before}",
            slabs(&blocks)
        );
        for (number, block) in blocks {
            // SAFETY: the block is ours and holds its number.
            unsafe {
                assert_eq!(block.cast::<u32>().read(), number);
                free(block, SIZE);
            }
        }
    }

    #[test]
    fn sparse_chunks_of_arrays_are_emptied_too() {
        const LINES: usize = 29;
        let mut arrays: Vec<_> = (0..4_000_u32)
            .map(|number| {
                let array = alloc_lines(LINES);
                // SAFETY: the array is ours and that large.
                unsafe { array.cast::<u32>().write(number) };
                (number, array)
            })
            .collect();
        arrays.retain(|(number, array)| {
            let stays = number.is_multiple_of(10);
            if !stays {
                // SAFETY: the array is ours.
                unsafe { free_lines(*array, LINES) };
            }
            stays
        });
        let before = slabs(&arrays);
        let pass = Pass::begin(usize::MAX);
        let mut mover = Mover::new(usize::MAX);
        for (_, array) in &mut arrays {
            // SAFETY: the array is ours.
            if let Some(to) = unsafe { mover.move_lines(*array, LINES) } {
                *array = to;
            }
        }
        drop(mover);
        assert!(
            slabs(&arrays) * 2 < before,
            "{} of {before}",
            slabs(&arrays)
        );
        // Arrays come and go meanwhile, in chunks that leave too.
        let (middle, behind) = (arrays.len() / 2, arrays.len() - 1);
        for at in [middle, 0, behind] {
            // SAFETY: the array is ours.
            unsafe { free_lines(arrays[at].1, LINES) };
            arrays[at].1 = alloc_lines(LINES);
            // SAFETY: the array is ours and that large.
            unsafe { arrays[at].1.cast::<u32>().write(arrays[at].0) };
        }
        drop(pass);
        for (number, array) in arrays {
            // SAFETY: the array is ours and holds its number.
            unsafe {
                assert_eq!(array.cast::<u32>().read(), number);
                free_lines(array, LINES);
            }
        }
    }
}
