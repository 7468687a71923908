//! A set of integers alone: sorted, each 2, 4 or 8 bytes wide.
//!
//! ```text
//! width integer...          all of the width of the widest; no bytes at all are the empty set
//! ```
//!
//! A member is found by halving.  The set gets wider with its first member that needs it, and never
//! narrower.

use super::PackedBuf;

/// A set of integers, to be read.
#[derive(Debug, Clone, Copy)]
pub struct IntSet<'a> {
    width: Width,
    /// Nothing but the integers.
    bytes: &'a [u8],
}

/// Bytes of each integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    /// The narrowest that holds `value`.
    fn of(value: i64) -> Self {
        if i16::try_from(value).is_ok() {
            Self::Two
        } else if i32::try_from(value).is_ok() {
            Self::Four
        } else {
            Self::Eight
        }
    }

    fn bytes(self) -> usize {
        self as usize
    }
}

/// Where the integers begin.
const HEADER: usize = 1;

impl<'a> IntSet<'a> {
    /// Reads bytes that the functions of this type have written.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let (width, bytes) = match bytes.split_first() {
            Some((2, rest)) => (Width::Two, rest),
            Some((4, rest)) => (Width::Four, rest),
            Some((8, rest)) => (Width::Eight, rest),
            _ => (Width::Two, &[][..]),
        };
        Self { width, bytes }
    }

    /// Number of members.
    #[inline]
    pub fn len(self) -> usize {
        self.bytes.len() / self.width.bytes()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The member with so many lower ones.
    #[inline]
    pub fn nth(self, index: usize) -> Option<i64> {
        fn chunk<const N: usize>(bytes: &[u8], index: usize) -> Option<[u8; N]> {
            bytes.as_chunks::<N>().0.get(index).copied()
        }
        match self.width {
            Width::Two => chunk(self.bytes, index).map(|two| i16::from_le_bytes(two).into()),
            Width::Four => chunk(self.bytes, index).map(|four| i32::from_le_bytes(four).into()),
            Width::Eight => chunk(self.bytes, index).map(i64::from_le_bytes),
        }
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator + 'a {
        (0..self.len()).map(move |index| self.nth(index).unwrap_or_default())
    }

    /// Whether `value` is a member.
    pub fn contains(self, value: i64) -> bool {
        self.find(value).is_ok()
    }

    /// The index of `value`, or the one that it would have.
    fn find(self, value: i64) -> Result<usize, usize> {
        // Who adds in ascending order finds the place at once.
        match self.len().checked_sub(1).and_then(|last| self.nth(last)) {
            None => return Err(0),
            Some(last) if last < value => return Err(self.len()),
            Some(_) => {}
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.nth(middle) {
                Some(member) if member == value => return Ok(middle),
                Some(member) if member < value => low = middle + 1,
                _ => high = middle,
            }
        }
        Err(low)
    }

    /// Adds a member and tells whether it is new.
    pub fn insert(buf: &mut impl PackedBuf, value: i64) -> bool {
        let set = IntSet::new(buf.bytes());
        let needed = Width::of(value);
        if set.bytes.is_empty() {
            let old = buf.bytes().len();
            buf.splice(
                0,
                old,
                &[&[needed as u8], &value.to_le_bytes()[..needed.bytes()]],
            );
            return true;
        }
        if needed > set.width {
            // Wider than all others: it is the lowest or the highest.
            let members = if value < 0 {
                Self::packed(needed, std::iter::once(value).chain(set.iter()))
            } else {
                Self::packed(needed, set.iter().chain(std::iter::once(value)))
            };
            let old = buf.bytes().len();
            buf.splice(0, old, &[&members]);
            return true;
        }
        let Err(index) = set.find(value) else {
            return false;
        };
        let width = set.width.bytes();
        buf.splice(HEADER + index * width, 0, &[&value.to_le_bytes()[..width]]);
        true
    }

    /// Removes a member and tells whether it was there.
    pub fn remove(buf: &mut impl PackedBuf, value: i64) -> bool {
        let set = IntSet::new(buf.bytes());
        let Ok(index) = set.find(value) else {
            return false;
        };
        let width = set.width.bytes();
        buf.splice(HEADER + index * width, width, &[]);
        true
    }

    /// Packs members that come in ascending order, each once.
    pub fn from_sorted(members: impl Iterator<Item = i64> + Clone) -> Vec<u8> {
        match members.clone().map(Width::of).max() {
            Some(width) => Self::packed(width, members),
            None => Vec::new(),
        }
    }

    fn packed(width: Width, members: impl Iterator<Item = i64>) -> Vec<u8> {
        let mut bytes = vec![width as u8];
        for member in members {
            bytes.extend_from_slice(&member.to_le_bytes()[..width.bytes()]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn members_are_as_wide_as_the_widest() {
        let mut bytes = Vec::new();
        for (member, len) in [
            (1, 3),
            (i64::from(i16::MIN), 5),
            (i64::from(i16::MAX), 7),
            (i64::from(i16::MAX) + 1, 17),
            (i64::from(i32::MIN), 21),
            (i64::from(i32::MIN) - 1, 49),
            (i64::MAX, 57),
            (i64::MIN, 65),
        ] {
            assert!(IntSet::insert(&mut bytes, member));
            assert!(!IntSet::insert(&mut bytes, member));
            assert_eq!(bytes.len(), len, "{member}");
        }
        let set = IntSet::new(&bytes);
        assert!(set.iter().is_sorted() && set.len() == 8);
        assert!(set.contains(1) && !set.contains(2));
    }

    #[test]
    fn no_bytes_are_an_empty_set() {
        let mut bytes = Vec::new();
        assert!(IntSet::new(&bytes).is_empty() && !IntSet::new(&bytes).contains(0));
        assert!(!IntSet::remove(&mut bytes, 0));
        assert!(IntSet::insert(&mut bytes, 0) && IntSet::remove(&mut bytes, 0));
        assert!(IntSet::new(&bytes).is_empty());
        assert!(IntSet::insert(&mut bytes, i64::MAX));
        assert_eq!(IntSet::new(&bytes).nth(0), Some(i64::MAX));
        assert_eq!(IntSet::new(&bytes).nth(1), None);
    }

    fn member() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => -40i64..40,
            2 => -70_000i64..70_000,
            1 => any::<i64>(),
            1 => prop::sample::select(vec![i64::MIN, i64::MAX, 32767, 32768, -32768, -32769]),
        ]
    }

    proptest! {
        #[test]
        fn it_does_what_an_ordered_set_does(steps in prop::collection::vec((any::<bool>(), member()), 0..200)) {
            let (mut bytes, mut model) = (Vec::new(), BTreeSet::new());
            for (insert, member) in steps {
                if insert {
                    prop_assert_eq!(IntSet::insert(&mut bytes, member), model.insert(member));
                } else {
                    prop_assert_eq!(IntSet::remove(&mut bytes, member), model.remove(&member));
                }
                let set = IntSet::new(&bytes);
                prop_assert_eq!(set.len(), model.len());
                prop_assert!(set.iter().eq(model.iter().copied()));
                prop_assert_eq!(set.contains(member), insert);
            }
            let again = IntSet::from_sorted(model.iter().copied());
            prop_assert!(IntSet::new(&again).iter().eq(model.into_iter()));
        }

        #[test]
        fn damaged_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64), member in member()) {
            let set = IntSet::new(&bytes);
            prop_assert!(set.iter().count() <= bytes.len());
            let _ = (set.contains(member), set.nth(3));
            let mut edited = bytes;
            IntSet::insert(&mut edited, member);
            IntSet::remove(&mut edited, member);
        }
    }
}
