//! Elements that can be walked from either end: the length stands before the bytes and, mirrored, behind them.
//!
//! ```text
//! length  bytes  length, its own bytes in reverse order
//! ```
//!
//! A small list is a count and such frames; so is a node of a large one.  Up to 127 bytes an element costs two bytes more
//! than it has.  Reading is bounds-checked: in damaged bytes a walk ends early.

use std::ops::Range;

use super::{BITS, MORE, Number};

/// Bytes that the frame of an element of `len` bytes takes.
#[inline]
pub fn size(len: usize) -> usize {
    let mut size = len + 2;
    let mut rest = len >> BITS;
    while rest > 0 {
        size += 2;
        rest >>= BITS;
    }
    size
}

/// Writes the frame of `element` into `to`, which has exactly its [`size`].
///
/// # Panics
/// If it has not.
#[inline]
pub fn write(to: &mut [u8], element: &[u8]) {
    let len = element.len();
    if let (Ok(short @ 0..MORE), [first, middle @ .., last]) = (u8::try_from(len), &mut *to) {
        *first = short;
        *last = short;
        middle.copy_from_slice(element);
        return;
    }
    let ends = Ends::of(element);
    to[..ends.before().len()].copy_from_slice(ends.before());
    to[ends.before().len()..][..len].copy_from_slice(element);
    to[ends.before().len() + len..].copy_from_slice(ends.behind());
}

/// Appends the frame of `element` to bytes under construction.
pub(super) fn append(bytes: &mut Vec<u8>, element: &[u8]) {
    let ends = Ends::of(element);
    bytes.extend_from_slice(ends.before());
    bytes.extend_from_slice(element);
    bytes.extend_from_slice(ends.behind());
}

/// What stands around an element: its length, in both directions.
pub(super) struct Ends {
    before: Number,
    behind: Number,
}

impl Ends {
    pub(super) fn of(element: &[u8]) -> Self {
        let before = Number::new(element.len());
        let mut behind = Number::new(element.len());
        behind.bytes[..behind.len].reverse();
        Self { before, behind }
    }

    pub(super) fn before(&self) -> &[u8] {
        self.before.as_bytes()
    }

    pub(super) fn behind(&self) -> &[u8] {
        self.behind.as_bytes()
    }
}

/// A number of 7 bits a byte, and how many bytes it took.
#[inline]
fn number<'b>(mut bytes: impl Iterator<Item = &'b u8>) -> Option<(usize, usize)> {
    let first = *bytes.next()?;
    if first < MORE {
        return Some((usize::from(first), 1));
    }
    let mut value = usize::from(first & !MORE);
    for (byte, width) in bytes.zip(2..) {
        let shift = BITS * (width - 1);
        value |= usize::from(byte & !MORE).checked_shl(shift)?;
        if *byte < MORE {
            return Some((value, width as usize));
        }
    }
    None
}

/// Framed elements, from either end.
#[derive(Debug, Clone, Copy)]
pub struct Frames<'a>(&'a [u8]);

impl<'a> Frames<'a> {
    /// The elements in `bytes`, which are frames and nothing else.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of the frames that are left.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Where the frame at `index` begins, of `count` frames in all; the end if there are not that many.  Walks from the
    /// nearer end.
    pub fn offset(mut self, index: usize, count: usize) -> usize {
        let len = self.0.len();
        if index <= count / 2 {
            self.by_ref().take(index).for_each(drop);
            len - self.0.len()
        } else {
            self.by_ref()
                .rev()
                .take(count.saturating_sub(index))
                .for_each(drop);
            self.0.len()
        }
    }

    /// Where the frames lie whose elements equal `element`: the first `most` of them, in their order; if not `forward`, the
    /// last `most`.
    pub fn matches(mut self, element: &[u8], most: usize, forward: bool) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if forward {
            let len = self.0.len();
            while found.len() < most {
                let start = len - self.0.len();
                let Some(next) = self.next() else { break };
                if next == element {
                    found.push(start..len - self.0.len());
                }
            }
        } else {
            while found.len() < most {
                let end = self.0.len();
                let Some(next) = self.next_back() else { break };
                if next == element {
                    found.push(self.0.len()..end);
                }
            }
            found.reverse();
        }
        found
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, width) = number(self.0.iter())?;
        let behind = self.0.get(width..)?;
        let (element, rest) = behind.split_at_checked(len)?;
        self.0 = rest.get(width..)?;
        Some(element)
    }
}

impl DoubleEndedIterator for Frames<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (len, width) = number(self.0.iter().rev())?;
        let before = self.0.len().checked_sub(width)?;
        let start = before.checked_sub(len)?;
        let element = &self.0[start..before];
        self.0 = &self.0[..start.checked_sub(width)?];
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for element in elements {
            let at = bytes.len();
            bytes.resize(at + size(element.len()), 0);
            write(&mut bytes[at..], element);
        }
        bytes
    }

    /// Elements around the lengths at which a length takes another byte.
    fn element() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => prop::collection::vec(b'a'..b'd', 0..3),
            1 => (120usize..135, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
            1 => (16_380usize..16_390, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        ]
    }

    proptest! {
        #[test]
        fn frames_are_walked_from_both_ends(elements in prop::collection::vec(element(), 0..20)) {
            let bytes = framed(&elements);
            let frames = Frames::new(&bytes);
            prop_assert!(frames.eq(elements.iter()));
            prop_assert!(frames.rev().eq(elements.iter().rev()));
            let mut offset = 0;
            for (index, element) in elements.iter().enumerate() {
                prop_assert_eq!(frames.offset(index, elements.len()), offset);
                offset += size(element.len());
            }
            prop_assert_eq!(frames.offset(elements.len(), elements.len()), bytes.len());
        }

        #[test]
        fn matches_are_the_first_or_the_last(elements in prop::collection::vec(element(), 0..20), most in 0usize..4) {
            let bytes = framed(&elements);
            let frames = Frames::new(&bytes);
            let all = frames.matches(b"a", usize::MAX, true);
            prop_assert!(all.iter().all(|range| bytes[range.clone()] == *b"\x01a\x01"));
            prop_assert_eq!(all.len(), elements.iter().filter(|element| *element == b"a").count());
            let kept = most.min(all.len());
            prop_assert_eq!(&frames.matches(b"a", most, true)[..], &all[..kept]);
            prop_assert_eq!(&frames.matches(b"a", most, false)[..], &all[all.len() - kept..]);
        }

        #[test]
        fn damaged_frames_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let frames = Frames::new(&bytes);
            prop_assert!(frames.count() <= bytes.len());
            prop_assert!(frames.rev().count() <= bytes.len());
        }
    }
}
