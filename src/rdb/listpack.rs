//! Listpacks: Redis's packed sequences of strings and integers. Read with every entry checked; written for lists.
//!
//! ```text
//! bytes (4)   entries (2, 65535: unknown)   entry...   0xff
//! entry: encoding with length or number   [data]   its length, readable from behind
//! ```

use super::Error;
use crate::value::number;

const HEADER: usize = 6;
const END: u8 = 0xFF;
/// This number of entries says that somebody has to count.
const UNCOUNTED: u16 = u16::MAX;

/// An entry of a listpack or ziplist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Bytes(&'a [u8]),
    Int(i64),
}

impl<'a> Entry<'a> {
    /// The entry as text; `digits` is room for an integer's.
    pub(super) fn text<'t>(self, digits: &'t mut itoa::Buffer) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(value) => digits.format(value).as_bytes(),
        }
    }

    /// The entry as an integer, whichever way it is written.
    pub(super) fn int(self) -> Result<i64, Error> {
        match self {
            Self::Bytes(bytes) => number::parse_i64(bytes).ok_or(Error::Format),
            Self::Int(value) => Ok(value),
        }
    }

    /// The entry as a score.
    pub(super) fn score(self) -> Result<f64, Error> {
        match self {
            Self::Bytes(bytes) => number::parse_f64(bytes).ok_or(Error::Format),
            Self::Int(value) => Ok(value as f64),
        }
    }
}

/// The entries of a listpack, each checked when it is reached; an error ends them.
#[derive(Debug)]
pub(super) struct Listpack<'a> {
    /// From the next entry to the end mark.
    rest: &'a [u8],
    /// Entries still to come, if the header tells.
    announced: Option<usize>,
}

impl<'a> Listpack<'a> {
    /// Reads `bytes`, whose header must agree with their number.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Error::Format)?;
        let [a, b, c, d, e, f] = *header;
        let total = u32::from_le_bytes([a, b, c, d]) as usize;
        let count = u16::from_le_bytes([e, f]);
        if total != bytes.len() || rest.is_empty() {
            return Err(Error::Format);
        }
        Ok(Self {
            rest,
            announced: (count != UNCOUNTED).then_some(usize::from(count)),
        })
    }

    /// How many entries there can be at the most.
    pub(super) fn at_most(&self) -> usize {
        // The shortest entry has a byte and another for its length.
        let most = self.rest.len() / 2;
        self.announced.map_or(most, |count| count.min(most))
    }

    /// The next entry; `None` at a proper end.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'a>>, Error> {
        if self.rest == [END] {
            return match self.announced {
                None | Some(0) => Ok(None),
                Some(_) => Err(Error::Format),
            };
        }
        let (entry, len) = decode(self.rest)?;
        let back = BackLength::new(len);
        let rest = self.rest[len..]
            .strip_prefix(back.bytes())
            .ok_or(Error::Format)?;
        if let Some(left) = &mut self.announced {
            *left = left.checked_sub(1).ok_or(Error::Format)?;
        }
        self.rest = rest;
        Ok(Some(entry))
    }

    /// The next entry, which there must be.
    pub(super) fn expect(&mut self) -> Result<Entry<'a>, Error> {
        self.next()?.ok_or(Error::Format)
    }
}

/// The entry that `bytes` begin with, and the length of its encoding and data.
fn decode(bytes: &[u8]) -> Result<(Entry<'_>, usize), Error> {
    let (&first, behind) = bytes.split_first().ok_or(Error::Format)?;
    let text = |header: usize, len: usize| {
        let data = bytes
            .get(header..)
            .and_then(|data| data.get(..len))
            .ok_or(Error::Format)?;
        Ok((Entry::Bytes(data), header + len))
    };
    let int = |len: usize| {
        let data = behind.get(..len).ok_or(Error::Format)?;
        Ok((Entry::Int(little_endian(data)), 1 + len))
    };
    let second = || behind.first().copied().ok_or(Error::Format);
    match first {
        0x00..=0x7F => Ok((Entry::Int(i64::from(first)), 1)),
        0x80..=0xBF => text(1, usize::from(first & 0x3F)),
        0xC0..=0xDF => {
            // Thirteen bits with a sign.
            let bits = u16::from(first & 0x1F) << 8 | u16::from(second()?);
            Ok((Entry::Int(i64::from((bits << 3) as i16 >> 3)), 2))
        }
        0xE0..=0xEF => text(2, usize::from(first & 0x0F) << 8 | usize::from(second()?)),
        0xF0 => {
            let len = behind.first_chunk().ok_or(Error::Format)?;
            text(5, u32::from_le_bytes(*len) as usize)
        }
        0xF1 => int(2),
        0xF2 => int(3),
        0xF3 => int(4),
        0xF4 => int(8),
        _ => Err(Error::Format),
    }
}

/// Up to eight bytes as a number with a sign, the least significant byte first.
pub(super) fn little_endian(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let mut wide = [if negative { 0xFF } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

/// The length of an entry as it is written behind it: seven bits a byte, the last byte holding the lowest; all but the
/// first have their eighth bit set.
struct BackLength {
    bytes: [u8; 5],
    len: usize,
}

impl BackLength {
    fn new(length: usize) -> Self {
        let len = match length {
            0..=0x7F => 1,
            0x80..=0x3FFF => 2,
            0x4000..=0x001F_FFFF => 3,
            0x0020_0000..=0x0FFF_FFFF => 4,
            _ => 5,
        };
        let mut bytes = [0; 5];
        for (at, byte) in bytes[..len].iter_mut().enumerate() {
            let bits = (length >> (7 * (len - 1 - at))) as u8 & 0x7F;
            *byte = if at == 0 { bits } else { bits | 0x80 };
        }
        Self { bytes, len }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A listpack under construction.
#[derive(Debug)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    count: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; HEADER],
            count: 0,
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends an element: what is the text of an integer as an integer.
    pub(super) fn push(&mut self, element: &[u8]) {
        match number::parse_i64(element) {
            Some(value) => self.push_int(value),
            None => self.push_bytes(element),
        }
    }

    fn push_bytes(&mut self, element: &[u8]) {
        let start = self.bytes.len();
        match element.len() {
            len @ 0..=0x3F => self.bytes.push(0x80 | len as u8),
            len @ 0x40..=0xFFF => self
                .bytes
                .extend_from_slice(&[0xE0 | (len >> 8) as u8, len as u8]),
            len => {
                self.bytes.push(0xF0);
                self.bytes.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(element);
        self.end(start);
    }

    pub(super) fn push_int(&mut self, value: i64) {
        let start = self.bytes.len();
        let wide = value.to_le_bytes();
        match value {
            0..=127 => self.bytes.push(value as u8),
            -4096..=4095 => self
                .bytes
                .extend_from_slice(&[0xC0 | (value >> 8) as u8 & 0x1F, value as u8]),
            -0x8000..=0x7FFF => self.bytes.extend_from_slice(&[0xF1, wide[0], wide[1]]),
            -0x80_0000..=0x7F_FFFF => {
                self.bytes.push(0xF2);
                self.bytes.extend_from_slice(&wide[..3]);
            }
            -0x8000_0000..=0x7FFF_FFFF => {
                self.bytes.push(0xF3);
                self.bytes.extend_from_slice(&wide[..4]);
            }
            _ => {
                self.bytes.push(0xF4);
                self.bytes.extend_from_slice(&wide);
            }
        }
        self.end(start);
    }

    fn end(&mut self, start: usize) {
        let back = BackLength::new(self.bytes.len() - start);
        self.bytes.extend_from_slice(back.bytes());
        self.count += 1;
    }

    /// The finished bytes; the builder is empty again.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::replace(&mut self.bytes, vec![0; HEADER]);
        bytes.push(END);
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        let count = u16::try_from(self.count).unwrap_or(UNCOUNTED);
        bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
        self.count = 0;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut listpack = Listpack::new(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = listpack.next()? {
            entries.push(entry.text(&mut itoa::Buffer::new()).to_vec());
        }
        Ok(entries)
    }

    fn write(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut builder = Builder::new();
        elements.iter().for_each(|element| builder.push(element));
        builder.finish()
    }

    #[test]
    fn as_a_server_writes_it() {
        let bytes = b"\x0f\0\0\0\x03\0\x81a\x02\x01\x01\xc1\x2c\x02\xff";
        let elements = [b"a".to_vec(), b"1".to_vec(), b"300".to_vec()];
        assert_eq!(read(bytes), Ok(elements.to_vec()));
        assert_eq!(write(&elements), bytes);
    }

    #[test]
    fn numbers_and_lengths_at_every_border() {
        let mut elements: Vec<Vec<u8>> = Vec::new();
        for bits in [0, 7, 12, 13, 15, 16, 23, 24, 31, 32, 62] {
            for value in [
                (1i64 << bits) - 1,
                1 << bits,
                -(1 << bits),
                -(1 << bits) - 1,
            ] {
                elements.push(value.to_string().into_bytes());
            }
        }
        elements.push(i64::MIN.to_string().into_bytes());
        elements.push(i64::MAX.to_string().into_bytes());
        for len in [0, 63, 64, 126, 127, 4095, 4096, 16_380, 16_384, 2_097_152] {
            elements.push(vec![b'x'; len]);
        }
        assert_eq!(read(&write(&elements)), Ok(elements));
    }

    #[test]
    fn more_entries_than_the_header_can_tell() {
        let elements = vec![b"a".to_vec(); 70_000];
        let bytes = write(&elements);
        assert_eq!(bytes[4..6], [0xFF, 0xFF]);
        assert_eq!(read(&bytes), Ok(elements));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
            prop_assert_eq!(read(&write(&elements)), Ok(elements));
        }

        #[test]
        fn damage_is_noticed_or_harmless(
            elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..10),
            at in any::<prop::sample::Index>(),
            with in any::<u8>(),
        ) {
            let mut bytes = write(&elements);
            let at = at.index(bytes.len());
            bytes[at] = with;
            let _ = read(&bytes);
            let _ = read(&bytes[..at]);
        }
    }
}
