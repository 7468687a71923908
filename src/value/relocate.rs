//! Moving what a large value is made of, a bounded piece at a time.
//!
//! A large value lies in many blocks of the slabs. Whoever empties slabs walks over its blocks with a [`Mover`] and a [`Cursor`]: as far
//! as the mover's budget reaches, then again from the cursor on, until the end. The value may be changed in between, or be another one
//! altogether: a cursor is where a walk goes on, and nothing more.

use crate::memory::Mover;

/// Where in a value a walk over its blocks goes on: at its beginning, at first. What it means is up to the value; any is valid for any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Which part of the value.
    pub part: usize,
    /// Which place in that part.
    pub place: usize,
}

/// A value in many blocks.
pub trait Relocate {
    /// Moves blocks from the cursor on that lie in slabs to be emptied, as far as the budget reaches, and moves the cursor on. True at the
    /// end. What changes meanwhile may be left out.
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool;
}

#[cfg(test)]
pub mod tests {
    //! What the tests of large values share.

    use proptest::prelude::*;

    use super::{Cursor, Relocate};
    use crate::memory::Mover;

    /// From one block to many.
    pub fn budget() -> impl Strategy<Value = usize> {
        prop_oneof![1usize..300, 300usize..30_000]
    }

    /// Goes on with a walk over a value that moves every block, and begins another one at its end. Returns how many were moved.
    pub fn go_on(value: &mut impl Relocate, at: &mut Cursor, budget: usize) -> u64 {
        let mut mover = Mover::of_everything(budget);
        if value.relocate(at, &mut mover) {
            *at = Cursor::default();
        }
        mover.moved()
    }
}
