//! Random numbers for commands that choose.
//!
//! [`Draws`] bounds the commands that draw as often as the client likes.

use crate::resp::ReplyError;

pub use crate::random::{below, next};

/// `count` different ones of `from`, each subset with the same probability; in random order.
pub fn choose<T>(mut from: Vec<T>, count: usize) -> Vec<T> {
    for at in 0..count.min(from.len()) {
        let other = at + below(from.len() - at);
        from.swap(at, other);
    }
    from.truncate(count);
    from
}

/// `count` different numbers below `bound`, each subset with the same probability; in ascending order.
pub fn distinct_below(bound: usize, count: usize) -> Vec<usize> {
    // Floyd's sampling: as many draws as numbers, however close `count` is to `bound`.
    let mut chosen = std::collections::HashSet::with_capacity(count.min(bound));
    for last in bound.saturating_sub(count)..bound {
        let drawn = below(last + 1);
        if !chosen.insert(drawn) {
            chosen.insert(last);
        }
    }
    let mut chosen: Vec<_> = chosen.into_iter().collect();
    chosen.sort_unstable();
    chosen
}

/// What the reply of a draw has beside the element, in bytes and roughly: lengths, line ends, a score.
const AROUND_A_DRAW: usize = 32;

/// The bytes that a number of draws, each from the whole, may still take in the reply.
///
/// Such a number has no bound of its own: a negative count asks for any number of elements of a small key.
#[derive(Debug)]
pub struct Draws {
    left: usize,
}

impl Draws {
    /// Room for `count` draws in `most` bytes; an error if it cannot be enough.
    pub fn new(count: usize, most: usize) -> Result<Self, ReplyError> {
        match count.checked_mul(AROUND_A_DRAW) {
            Some(least) if least <= most => Ok(Self { left: most - least }),
            _ => Err(ReplyError::VALUE_RANGE),
        }
    }

    /// Takes the room for an element of `len` bytes; an error if there is too little.
    pub fn take(&mut self, len: usize) -> Result<(), ReplyError> {
        self.left = self.left.checked_sub(len).ok_or(ReplyError::VALUE_RANGE)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_bounded_by_number_and_by_size() {
        assert!(Draws::new(usize::MAX, usize::MAX).is_err());
        assert!(Draws::new(4, 4 * AROUND_A_DRAW - 1).is_err());
        let mut draws = Draws::new(4, 4 * AROUND_A_DRAW + 10).expect("there is room");
        assert!(draws.take(10).is_ok());
        assert!(draws.take(1).is_err());
    }

    #[test]
    fn distinct_numbers_are_distinct_and_all_of_them_come() {
        let mut seen = [0; 10];
        for _ in 0..1000 {
            let chosen = distinct_below(10, 3);
            assert!(chosen.len() == 3 && chosen.is_sorted_by(|a, b| a < b));
            chosen.iter().for_each(|number| seen[*number] += 1);
        }
        // 300 on average; 14 is the standard deviation.
        assert!(seen.iter().all(|count| (200..400).contains(count)));
        assert_eq!(distinct_below(3, 3), [0, 1, 2]);
        assert_eq!(distinct_below(3, 9), [0, 1, 2]);
        assert!(distinct_below(0, 2).is_empty());
    }
}
