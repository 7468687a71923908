//! Packed encodings: a small hash, set or sorted set as one sequence of bytes inside its key's record.
//!
//! ```text
//! hash:  count (field value)...          fields in the order of their insertion
//! set:   count member...                 members in the order of their insertion
//! zset:  count (score member)...         by score, then by the members' bytes
//! list:  count (frame)...                elements that can be walked from either end: see [`frame`]
//! ```
//!
//! A count is a number of 7 bits a byte, the eighth saying that another follows; fields, values and
//! members are such a number and that many bytes.  An element thus costs one byte more than it has.
//! Everything is found by walking, which is faster than hashing for what is small; how small, is
//! for the caller to say.  An empty sequence is an empty collection.
//!
//! [`PackedHash`] and [`PackedZSet`] read bytes; their associated functions edit a [`PackedBuf`],
//! which is wherever the bytes live.  Reading is bounds-checked: in bytes that are damaged a walk
//! ends early, and nothing panics.  Values stay slices of the record, hence numbers are kept as the
//! text that came: writing them in binary would save a few bytes of the longer ones, and cost every
//! reader a copy.

pub mod frame;
mod hash;
mod int_set;
mod list;
mod set;
mod zset;

pub use hash::PackedHash;
pub use int_set::IntSet;
pub use list::PackedList;
pub use set::{Iter as PackedSetIter, PackedSet};
pub use zset::{Iter as PackedZSetIter, PackedZSet};

/// Where packed bytes live, to be edited.
pub trait PackedBuf {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// Replaces `remove` bytes at `at` by the parts of `insert`.
    fn splice(&mut self, at: usize, remove: usize, insert: &[&[u8]]);
}

impl PackedBuf for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn splice(&mut self, at: usize, remove: usize, insert: &[&[u8]]) {
        drop(Vec::splice(self, at..at + remove, insert.concat()));
    }
}

/// Bits of a number in each of its bytes.
const BITS: u32 = 7;
/// Says that another byte follows.
const MORE: u8 = 1 << BITS;

/// A number as it is written, on the stack.
struct Number {
    bytes: [u8; 10],
    len: usize,
}

impl Number {
    fn new(mut value: usize) -> Self {
        let mut number = Self {
            bytes: [0; 10],
            len: 1,
        };
        while value >= usize::from(MORE) {
            number.bytes[number.len - 1] = value as u8 | MORE;
            number.len += 1;
            value >>= BITS;
        }
        number.bytes[number.len - 1] = value as u8;
        number
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A place in packed bytes, moving forward.
#[derive(Debug, Clone, Copy)]
struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    /// Behind the count, and the count.
    #[inline]
    fn begin(bytes: &'a [u8]) -> (Self, usize) {
        let mut walker = Self { bytes, at: 0 };
        let count = walker.number().unwrap_or(0);
        (walker, count)
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn number(&mut self) -> Option<usize> {
        let first = self.byte()?;
        if first < MORE {
            return Some(usize::from(first));
        }
        let mut value = usize::from(first & !MORE);
        let mut shift = BITS;
        loop {
            let byte = self.byte()?;
            value |= usize::from(byte & !MORE).checked_shl(shift)?;
            shift += BITS;
            if byte < MORE {
                return Some(value);
            }
        }
    }

    #[inline]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(taken)
    }

    /// A field, a value or a member.
    #[inline]
    fn element(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.take(len)
    }
}

/// Writes the count anew.
fn set_count(buf: &mut impl PackedBuf, count: usize) {
    let (walker, _) = Walker::begin(buf.bytes());
    let old_len = walker.at;
    buf.splice(0, old_len, &[Number::new(count).as_bytes()]);
}

/// Appends a number to bytes under construction.
fn push_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(Number::new(number).as_bytes());
}

/// Appends a field, a value or a member to bytes under construction.
fn push_element(bytes: &mut Vec<u8>, element: &[u8]) {
    push_number(bytes, element.len());
    bytes.extend_from_slice(element);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_read_back(number in any::<usize>(), shift in 0u32..64) {
            let number = number >> shift;
            let written = Number::new(number);
            let mut walker = Walker { bytes: written.as_bytes(), at: 0 };
            prop_assert_eq!(walker.number(), Some(number));
            prop_assert_eq!(walker.at, written.len);
        }

        #[test]
        fn damaged_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let hash = PackedHash::new(&bytes);
            prop_assert!(hash.iter().count() <= bytes.len());
            let _ = (hash.get(b"x"), hash.nth(3));
            let zset = PackedZSet::new(&bytes);
            prop_assert!(zset.iter().count() <= bytes.len());
            let _ = (zset.rank(b"x"), zset.iter_rev(0..100).count());
            let mut edited = bytes.clone();
            PackedHash::insert(&mut edited, b"field", b"value");
            PackedHash::remove(&mut edited, b"field");
            let mut edited = bytes;
            PackedZSet::insert(&mut edited, b"member", 1.0);
            PackedZSet::remove_range(&mut edited, 0..2);
        }
    }
}
