//! Why a key is not there: the hashes of keys that have lately expired or were evicted, and what the policy wants to remember of them.
//! (Of keys that were deleted too, if the policy wants to remember something; nobody is told of these.)
//!
//! A fixed number of cells, one for each of some bits of the hash, holding other bits of it, the cause, and 16 bits that are the
//! policy's: a later loss overwrites an earlier one with the same cell.  So it forgets, sooner the more is lost, and then a
//! miss counts as one of a key that was never there; and in one of sixteen thousand look-ups it takes one key for another.
//! Cells are four bytes; there are half to twice as many as keys, up to sixteen million and a 64th of the memory cap, and none
//! before the first loss.
//!
//! ```text
//! hash      of the policy   cause
//! 14 bits   16 bits         2 bits
//! ```

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::keyspace::hash::KeyHash;
use crate::random;

/// Cells of the smallest history; each larger one has four times as many.
const FEWEST_CELLS: usize = 1 << 14;
const SIZES: usize = 6;
/// The history is at most so small a part of the memory cap.
const SHARE_OF_LIMIT: usize = 64;

/// How a key was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Cause {
    /// Its time had come.
    Expired = 1,
    /// It gave way to others.
    Evicted = 2,
    /// A client has deleted it.
    Deleted = 3,
}

/// A loss, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How the key was lost.
    pub cause: Cause,
    /// What the policy remembers of it.
    pub memory: u16,
}

/// The bits of a cell that hold the cause, those above it that are the policy's, and the others.
const CAUSE: u32 = 0b11;
const MEMORY_SHIFT: u32 = 2;
const PRINT: u32 = !0 << 18;

/// The history of losses. Any thread may use it at any time: a lost update is a miss that counts for another cause.
#[derive(Debug, Default)]
pub struct Losses {
    histories: [OnceLock<Box<[AtomicU32]>>; SIZES],
    /// 0 before the first loss, else 1 and the size in use.
    size: AtomicUsize,
}

impl Losses {
    /// Notes that a key is lost, and what the policy wants to remember of it.
    #[inline]
    pub fn note(&self, hash: KeyHash, cause: Cause, memory: u16) {
        let cells = match self.cells() {
            Some(cells) => cells,
            None => self.open(0),
        };
        let (cell, print) = place(cells, hash);
        let bits = print | u32::from(memory) << MEMORY_SHIFT | cause as u32;
        cell.store(bits, Ordering::Relaxed);
    }

    /// How a key that is not there was lost, if that is known.
    #[inline]
    pub fn cause(&self, hash: KeyHash) -> Option<Cause> {
        let (cell, print) = place(self.cells()?, hash);
        let found = cell.load(Ordering::Relaxed);
        (found & PRINT == print)
            .then(|| loss(found))?
            .map(|loss| loss.cause)
    }

    /// A key is created: what became of an earlier one of this name is of no interest any more. Tells it.
    #[inline]
    pub fn forget(&self, hash: KeyHash) -> Option<Loss> {
        let (cell, print) = place(self.cells()?, hash);
        let found = cell.load(Ordering::Relaxed);
        if found & PRINT != print {
            return None;
        }
        let loss = loss(found)?;
        cell.store(0, Ordering::Relaxed);
        Some(loss)
    }

    /// Looks into a cell drawn at random.
    pub fn draw(&self) -> Option<Loss> {
        let cells = self.cells()?;
        loss(cells[random::below(cells.len())].load(Ordering::Relaxed))
    }

    /// The number of cells.
    pub fn capacity(&self) -> usize {
        self.cells().map_or(0, <[AtomicU32]>::len)
    }

    /// Makes the history as large as is right for so many keys, and small beside `limit` bytes. A larger one begins empty.
    /// Called now and then.
    pub fn fit(&self, keys: usize, limit: usize) {
        let size = self.size.load(Ordering::Relaxed);
        let fits = |size: &usize| {
            let cells = FEWEST_CELLS << (2 * size);
            cells / 2 <= keys && cells * size_of::<AtomicU32>() <= limit / SHARE_OF_LIMIT
        };
        let wanted = (0..SIZES).rev().find(fits).unwrap_or(0);
        if size > 0 && wanted + 1 > size {
            self.open(wanted);
        }
    }

    /// Bytes that it occupies.
    pub fn memory(&self) -> usize {
        let cells = self.histories.iter().filter_map(OnceLock::get);
        cells.map(|cells| size_of_val::<[AtomicU32]>(cells)).sum()
    }

    #[inline]
    fn cells(&self) -> Option<&[AtomicU32]> {
        let size = self.size.load(Ordering::Relaxed).checked_sub(1)?;
        self.histories[size].get().map(|cells| &**cells)
    }

    #[cold]
    fn open(&self, size: usize) -> &[AtomicU32] {
        let cells = self.histories[size].get_or_init(|| {
            let count = FEWEST_CELLS << (2 * size);
            (0..count).map(|_| AtomicU32::new(0)).collect()
        });
        self.size.fetch_max(size + 1, Ordering::Relaxed);
        cells
    }
}

/// The loss that a cell tells of.
#[inline]
fn loss(cell: u32) -> Option<Loss> {
    let cause = match cell & CAUSE {
        1 => Cause::Expired,
        2 => Cause::Evicted,
        3 => Cause::Deleted,
        _ => return None,
    };
    let memory = (cell >> MEMORY_SHIFT) as u16;
    Some(Loss { cause, memory })
}

/// The cell of a hash, and the bits that tell it from others there.
#[inline]
fn place(cells: &[AtomicU32], hash: KeyHash) -> (&AtomicU32, u32) {
    let hash = hash.table();
    // The number of cells is a power of two. The fingerprint is made of the hash's upper end.
    let print = (hash >> 32) as u32 & PRINT;
    (&cells[hash as usize & (cells.len() - 1)], print)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: usize) -> KeyHash {
        KeyHash::of(n.to_string().as_bytes())
    }

    #[test]
    fn the_last_loss_is_known_until_the_key_comes_back() {
        let losses = Losses::default();
        assert_eq!((losses.cause(hash(1)), losses.memory()), (None, 0));
        losses.note(hash(1), Cause::Expired, 7);
        assert_eq!(losses.cause(hash(1)), Some(Cause::Expired));
        losses.note(hash(1), Cause::Evicted, 9);
        assert_eq!(losses.cause(hash(1)), Some(Cause::Evicted));
        let (cause, memory) = (Cause::Evicted, 9);
        assert_eq!(losses.forget(hash(1)), Some(Loss { cause, memory }));
        assert_eq!(
            (losses.cause(hash(1)), losses.forget(hash(1))),
            (None, None)
        );
    }

    #[test]
    fn most_of_what_is_lately_lost_is_known_and_nothing_else() {
        let losses = Losses::default();
        (0..100_000).for_each(|n| losses.note(hash(n), Cause::Evicted, 0));
        let known = |range: std::ops::Range<usize>| {
            range.filter(|n| losses.cause(hash(*n)).is_some()).count()
        };
        assert!(known(96_000..100_000) > 3_000);
        assert!(known(100_000..200_000) < 40);
        assert_eq!(losses.memory(), FEWEST_CELLS * 4);
        losses.fit(100_000, 1 << 20);
        assert_eq!(losses.memory(), FEWEST_CELLS * 4);
        losses.fit(100_000, usize::MAX);
        assert_eq!(losses.capacity(), FEWEST_CELLS * 4);
        assert_eq!(known(0..100_000), 0);
        assert_eq!(losses.memory(), FEWEST_CELLS * 4 * (1 + 4));
        losses.fit(usize::MAX, usize::MAX);
        losses.note(hash(1), Cause::Expired, 7);
        assert_eq!(known(1..2), 1);
    }
}
