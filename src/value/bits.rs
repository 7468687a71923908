//! Bytes as arrays of bits: counting them, finding one, combining several arrays, and integers of any width among them.
//!
//! Bit 0 is the most significant bit of the first byte. Long arrays are counted, searched and combined by words of 64
//! bits. What lies behind the end of an array is zero.

use std::ops::{BitAnd, BitOr, BitXor, Range};

/// Bytes in a word.
const WORD: usize = size_of::<u64>();

/// The bit at `at`.
#[inline]
pub fn bit(bytes: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & mask(at) != 0)
}

/// Sets the bit at `at`, which is in the array, and gives what it was.
#[inline]
pub fn set_bit(bytes: &mut [u8], at: u64, value: bool) -> bool {
    let byte = &mut bytes[(at / 8) as usize];
    let old = *byte & mask(at) != 0;
    if value {
        *byte |= mask(at);
    } else {
        *byte &= !mask(at);
    }
    old
}

fn mask(at: u64) -> u8 {
    0x80 >> (at % 8)
}

/// How many bits are set.
pub fn count(bytes: &[u8]) -> u64 {
    // Four counts that do not wait for each other.
    let (blocks, rest) = bytes.as_chunks::<{ 4 * WORD }>();
    let mut counts = [0_u64; 4];
    for block in blocks {
        for (count, word) in counts.iter_mut().zip(block.as_chunks::<WORD>().0) {
            *count += u64::from(u64::from_ne_bytes(*word).count_ones());
        }
    }
    let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    counts.iter().sum::<u64>() + u64::from(rest)
}

/// How many of these bits are set. The range ends within the array.
pub fn count_range(bytes: &[u8], bits: Range<u64>) -> u64 {
    let Some(part) = Part::new(bytes, bits) else {
        return 0;
    };
    let outside = |byte: u8, mask: u8| u64::from((byte & !mask).count_ones());
    count(part.bytes)
        - outside(part.first(), part.first_mask)
        - outside(part.last(), part.last_mask)
}

/// The first of these bits that is `wanted`. The range ends within the array.
pub fn find(bytes: &[u8], bits: Range<u64>, wanted: bool) -> Option<u64> {
    let part = Part::new(bytes, bits)?;
    // Looking for a one in bytes that are turned over if it is a zero that is wanted; what is outside the range is none.
    let flip = if wanted { 0 } else { 0xFF };
    let at = |index: usize, byte: u8| {
        let bit = u64::from((byte ^ flip).leading_zeros());
        part.start + index as u64 * 8 + bit
    };
    let inside = |index: usize, byte: u8| {
        let first = if index == 0 { part.first_mask } else { 0xFF };
        let is_last = index + 1 == part.bytes.len();
        let mask = first & if is_last { part.last_mask } else { 0xFF };
        (byte & mask) | (flip & !mask)
    };
    let (&first, middle) = part.bytes.split_first()?;
    if inside(0, first) != flip {
        return Some(at(0, inside(0, first)));
    }
    let (words, rest) = middle.as_chunks::<WORD>();
    let dull = u64::from_ne_bytes([flip; WORD]);
    let skipped = words
        .iter()
        .take_while(|word| u64::from_ne_bytes(**word) == dull)
        .count();
    let from = 1 + skipped * WORD;
    let rest = if skipped == words.len() {
        rest
    } else {
        &part.bytes[from..]
    };
    let (index, byte) = rest
        .iter()
        .enumerate()
        .map(|(index, byte)| (from + index, inside(from + index, *byte)))
        .find(|(_, byte)| *byte != flip)?;
    Some(at(index, byte))
}

/// The bytes that a range of bits touches, and which bits of the first and the last of them belong to it.
struct Part<'a> {
    bytes: &'a [u8],
    /// The first byte's first bit.
    start: u64,
    first_mask: u8,
    last_mask: u8,
}

impl<'a> Part<'a> {
    /// `None` if the range is empty.
    fn new(bytes: &'a [u8], bits: Range<u64>) -> Option<Self> {
        if bits.is_empty() {
            return None;
        }
        let (first, last) = (bits.start / 8, (bits.end - 1) / 8);
        Some(Self {
            bytes: &bytes[first as usize..=last as usize],
            start: first * 8,
            first_mask: 0xFF >> (bits.start % 8),
            last_mask: 0xFF << (7 - (bits.end - 1) % 8),
        })
    }

    fn first(&self) -> u8 {
        self.bytes[0]
    }

    fn last(&self) -> u8 {
        self.bytes[self.bytes.len() - 1]
    }
}

/// How several arrays become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Bits that are set in all of them.
    And,
    /// Bits that are set in any of them.
    Or,
    /// Bits that are set in an odd number of them.
    Xor,
}

/// One array as long as the longest of `sources`, to the end of which all others are zero.
pub fn combine<'a>(
    operation: Operation,
    sources: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> Vec<u8> {
    let lengths = || sources.clone().map(<[u8]>::len);
    let longest = lengths().max().unwrap_or(0);
    let shortest = lengths().min().unwrap_or(0);
    let mut sources = sources;
    let mut result = Vec::with_capacity(longest);
    result.extend_from_slice(sources.next().unwrap_or_default());
    result.resize(longest, 0);
    for source in sources {
        let target = &mut result[..source.len()];
        match operation {
            Operation::And => join(target, source, u64::bitand, u8::bitand),
            Operation::Or => join(target, source, u64::bitor, u8::bitor),
            Operation::Xor => join(target, source, u64::bitxor, u8::bitxor),
        }
    }
    if operation == Operation::And {
        result[shortest..].fill(0);
    }
    result
}

fn join(
    target: &mut [u8],
    source: &[u8],
    words: impl Fn(u64, u64) -> u64,
    bytes: impl Fn(u8, u8) -> u8,
) {
    let (target_words, target_rest) = target.as_chunks_mut::<WORD>();
    let (source_words, source_rest) = source.as_chunks::<WORD>();
    for (to, from) in target_words.iter_mut().zip(source_words) {
        *to = words(u64::from_ne_bytes(*to), u64::from_ne_bytes(*from)).to_ne_bytes();
    }
    for (to, from) in target_rest.iter_mut().zip(source_rest) {
        *to = bytes(*to, *from);
    }
}

/// The array with every bit turned over.
pub fn complement(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

/// The unsigned integer in the `width` bits (64 at the most) from `at` on.
pub fn field(bytes: &[u8], at: u64, width: u32) -> u64 {
    // Nine bytes hold 64 bits wherever they begin.
    let mut window = [0; 16];
    let start = usize::try_from(at / 8).map_or(bytes.len(), |start| start.min(bytes.len()));
    let there = &bytes[start..bytes.len().min(start + 9)];
    window[..there.len()].copy_from_slice(there);
    let bits = u128::from_be_bytes(window) << (at % 8);
    (bits >> (128 - width)) as u64
}

/// Writes the low `width` bits (64 at the most) of `value` from the bit `at` on. The array has room for them.
pub fn set_field(bytes: &mut [u8], at: u64, width: u32, value: u64) {
    let shift = 128 - width - (at % 8) as u32;
    let mask = (u128::MAX >> (128 - width)) << shift;
    let bits = (u128::from(value) << shift) & mask;
    let start = (at / 8) as usize;
    let touched = (width as usize + (at % 8) as usize).div_ceil(8);
    let target = &mut bytes[start..start + touched];
    let (mask, bits) = (mask.to_be_bytes(), bits.to_be_bytes());
    for (byte, (mask, bits)) in target.iter_mut().zip(mask.iter().zip(bits)) {
        *byte = (*byte & !mask) | bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8)
            .map(|at| bytes[at as usize / 8] >> (7 - at % 8) & 1 == 1)
            .collect()
    }

    fn bytes_of(bits: &[bool]) -> Vec<u8> {
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)))
            .collect()
    }

    /// Bytes among which long runs of zeros and of ones are frequent.
    fn array() -> impl Strategy<Value = Vec<u8>> {
        let run = (
            prop_oneof![Just(0_u8), Just(0xFF), any::<u8>()],
            0..40_usize,
        );
        prop::collection::vec(run, 0..6).prop_map(|runs| {
            runs.into_iter()
                .flat_map(|(byte, times)| std::iter::repeat_n(byte, times))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn counting_and_finding_agree_with_bit_by_bit(
            bytes in array(),
            ends in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            wanted in any::<bool>(),
        ) {
            let bits = model(&bytes);
            let end = |index: prop::sample::Index| index.index(bits.len() + 1);
            let (a, b) = (end(ends.0), end(ends.1));
            let range = a.min(b)..a.max(b);
            let wide = range.start as u64..range.end as u64;
            let ones = bits[range.clone()].iter().filter(|bit| **bit).count();
            prop_assert_eq!(count_range(&bytes, wide.clone()), ones as u64);
            prop_assert_eq!(count(&bytes), bits.iter().filter(|bit| **bit).count() as u64);
            let first = range.clone().find(|at| bits[*at] == wanted);
            prop_assert_eq!(find(&bytes, wide, wanted), first.map(|at| at as u64));
            for at in range {
                prop_assert_eq!(bit(&bytes, at as u64), bits[at]);
            }
        }

        #[test]
        fn combining_agrees_with_bit_by_bit(arrays in prop::collection::vec(array(), 1..5)) {
            let models: Vec<_> = arrays.iter().map(|bytes| model(bytes)).collect();
            let longest = models.iter().map(Vec::len).max().unwrap_or(0);
            let at = |array: &Vec<bool>, at: usize| array.get(at).copied().unwrap_or(false);
            for operation in [Operation::And, Operation::Or, Operation::Xor] {
                let expected: Vec<_> = (0..longest)
                    .map(|index| {
                        let bits = models.iter().map(|array| at(array, index));
                        bits.reduce(|a, b| match operation {
                            Operation::And => a && b,
                            Operation::Or => a || b,
                            Operation::Xor => a != b,
                        }).expect("there is an array")
                    })
                    .collect();
                let sources = arrays.iter().map(|bytes| &bytes[..]);
                prop_assert_eq!(combine(operation, sources), bytes_of(&expected));
            }
            let turned: Vec<_> = models[0].iter().map(|bit| !bit).collect();
            prop_assert_eq!(complement(&arrays[0]), bytes_of(&turned));
        }

        #[test]
        fn fields_agree_with_bit_by_bit(
            mut bytes in prop::collection::vec(any::<u8>(), 10..30),
            at in 0_u64..100,
            width in 1_u32..=64,
            value in any::<u64>(),
        ) {
            let mut bits = model(&bytes);
            let read = |bits: &[bool]| {
                let here = |at| bits.get(at as usize).copied().unwrap_or(false);
                (at..at + u64::from(width)).fold(0_u64, |sum, at| sum << 1 | u64::from(here(at)))
            };
            prop_assert_eq!(field(&bytes, at, width), read(&bits));
            if at + u64::from(width) <= bytes.len() as u64 * 8 {
                set_field(&mut bytes, at, width, value);
                for i in 0..u64::from(width) {
                    bits[(at + i) as usize] = value >> (u64::from(width) - 1 - i) & 1 == 1;
                }
                prop_assert_eq!(&bytes, &bytes_of(&bits));
                prop_assert_eq!(field(&bytes, at, width), read(&bits));
            }
        }

        #[test]
        fn set_bits_come_back(mut bytes in prop::collection::vec(any::<u8>(), 1..20), at in any::<prop::sample::Index>(), value: bool) {
            let at = at.index(bytes.len() * 8) as u64;
            let mut bits = model(&bytes);
            prop_assert_eq!(set_bit(&mut bytes, at, value), bits[at as usize]);
            bits[at as usize] = value;
            prop_assert_eq!(bytes, bytes_of(&bits));
        }
    }

    #[test]
    fn behind_the_end_everything_is_zero() {
        assert!(!bit(b"\xff", 8) && !bit(b"", u64::MAX));
        assert_eq!(field(b"\xff", 4, 8), 0xF0);
        assert_eq!(field(b"\xff", u64::MAX, 64), 0);
        assert_eq!(combine(Operation::Or, [].into_iter()), b"");
    }
}
