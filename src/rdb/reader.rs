//! A place in serialised bytes, moving forward: lengths, strings, numbers.

use std::ops::Deref;

use super::{Error, lzf};
use crate::value::number;

/// How much a payload may unpack to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest string.
    pub string: usize,
    /// All that is larger than it is in the payload, together: compressed strings, and names that a stream's entries
    /// share there. The rest is bounded by the payload itself.
    pub unpacked: usize,
}

/// Serialised bytes, to be read from the front.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    longest: usize,
    /// So many bytes may still become of what is shorter in the payload.
    allowance: usize,
}

/// A string as it is read: a piece of the input, or made of it.
#[derive(Debug)]
pub(super) enum Text<'a> {
    Slice(&'a [u8]),
    Unpacked(Vec<u8>),
    Digits(number::Text),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Slice(bytes) => bytes,
            Self::Unpacked(bytes) => bytes,
            Self::Digits(text) => text.as_ref(),
        }
    }
}

/// What stands where a length is expected.
enum Length {
    Plain(u64),
    /// A string in a special form follows.
    Special(u8),
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub fn new(bytes: &'a [u8], limits: Limits) -> Self {
        Self {
            rest: bytes,
            longest: limits.string,
            allowance: limits.unpacked,
        }
    }

    /// The bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Error::Format)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Error::Format)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Eight bytes of a number: milliseconds, mostly.
    pub(super) fn millis(&mut self) -> Result<i64, Error> {
        self.array().map(i64::from_le_bytes)
    }

    /// A score in binary; NaN is none.
    pub(super) fn score(&mut self) -> Result<f64, Error> {
        let score = self.array().map(f64::from_le_bytes)?;
        if score.is_nan() {
            return Err(Error::Format);
        }
        Ok(score)
    }

    /// A score as text, behind a byte that tells its length or one of three special scores.
    pub(super) fn text_score(&mut self) -> Result<f64, Error> {
        match self.byte()? {
            253 => Err(Error::Format),
            254 => Ok(f64::INFINITY),
            255 => Ok(f64::NEG_INFINITY),
            len => number::parse_f64(self.take(usize::from(len))?).ok_or(Error::Format),
        }
    }

    /// One or two bits say how long the number is, which begins with the most significant byte.
    fn any_length(&mut self) -> Result<Length, Error> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(first)),
            1 => Length::Plain(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            2 => Length::Plain(match first {
                0x80 => u64::from(u32::from_be_bytes(self.array()?)),
                0x81 => u64::from_be_bytes(self.array()?),
                _ => return Err(Error::Format),
            }),
            _ => Length::Special(first & 0x3F),
        })
    }

    /// A number in the form of a length.
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        match self.any_length()? {
            Length::Plain(number) => Ok(number),
            Length::Special(_) => Err(Error::Format),
        }
    }

    /// How many elements follow, each of which takes at least `size` bytes.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, Error> {
        let count = self.number()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len() / size)
            .ok_or(Error::Format)
    }

    /// How many elements a collection has that must not be empty, each of which takes at least `size` bytes.
    pub(super) fn some(&mut self, size: usize) -> Result<usize, Error> {
        self.count(size).and_then(|count| match count {
            0 => Err(Error::Format),
            count => Ok(count),
        })
    }

    /// A string: plain, a number in binary, or compressed.
    pub(super) fn string(&mut self) -> Result<Text<'a>, Error> {
        let number = match self.any_length()? {
            Length::Plain(len) => {
                let len = usize::try_from(len).map_err(|_| Error::Format)?;
                let bytes = self.take(len)?;
                return if len > self.longest {
                    Err(Error::TooLarge)
                } else {
                    Ok(Text::Slice(bytes))
                };
            }
            Length::Special(0) => i64::from(i8::from_le_bytes(self.array()?)),
            Length::Special(1) => i64::from(i16::from_le_bytes(self.array()?)),
            Length::Special(2) => i64::from(i32::from_le_bytes(self.array()?)),
            Length::Special(3) => return self.compressed(),
            Length::Special(_) => return Err(Error::Format),
        };
        Ok(Text::Digits(number::format_i64(number)))
    }

    /// Something becomes larger than it is in the payload by so many bytes.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or(Error::TooLarge)?;
        Ok(())
    }

    fn compressed(&mut self) -> Result<Text<'a>, Error> {
        let packed_len = self.count(1)?;
        let len = usize::try_from(self.number()?).map_err(|_| Error::Format)?;
        let packed = self.take(packed_len)?;
        if !lzf::is_possible(packed_len, len) {
            return Err(Error::Format);
        }
        if len > self.longest {
            return Err(Error::TooLarge);
        }
        self.charge(len)?;
        lzf::unpack(packed, len).map(Text::Unpacked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        string: 1000,
        unpacked: 250,
    };

    fn string(bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Reader::new(bytes, LIMITS)
            .string()
            .map(|text| text.to_vec())
    }

    #[test]
    fn lengths_in_all_widths() {
        for (bytes, number) in [
            (&b"\x3f"[..], 63),
            (b"\x40\x40", 64),
            (b"\x7f\xff", 16_383),
            (b"\x80\x00\x01\x00\x00", 65_536),
            (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff", u64::MAX),
        ] {
            assert_eq!(Reader::new(bytes, LIMITS).number(), Ok(number));
            assert_eq!(
                Reader::new(&bytes[..bytes.len() - 1], LIMITS).number(),
                Err(Error::Format)
            );
        }
        for bytes in [&b"\x82\0\0\0\0"[..], b"\xc0\x01"] {
            assert_eq!(Reader::new(bytes, LIMITS).number(), Err(Error::Format));
        }
    }

    #[test]
    fn strings_in_all_forms() {
        assert_eq!(string(b"\x05hello"), Ok(b"hello".to_vec()));
        assert_eq!(string(b"\xc0\x80"), Ok(b"-128".to_vec()));
        assert_eq!(string(b"\xc1\x39\x30"), Ok(b"12345".to_vec()));
        assert_eq!(string(b"\xc2\x00\x00\x00\x80"), Ok(b"-2147483648".to_vec()));
        let packed = b"\xc3\x09\x40\xc8\x01aa\xe0\xbb\x00\x01aa";
        assert_eq!(string(packed), Ok(vec![b'a'; 200]));
        for bytes in [&b"\x05hell"[..], b"\xc4\x00", b"\xc3\x09\x40\xc8\x01a", b""] {
            assert_eq!(string(bytes), Err(Error::Format), "{bytes:?}");
        }
    }

    #[test]
    fn what_unpacks_is_limited() {
        let packed = b"\xc3\x09\x40\xc8\x01aa\xe0\xbb\x00\x01aa";
        let twice = [&packed[..], packed].concat();
        let mut reader = Reader::new(&twice, LIMITS);
        assert!(reader.string().is_ok());
        assert_eq!(reader.string().err(), Some(Error::TooLarge));
        assert_eq!(
            string(b"\xc3\x01\x81\xff\xff\xff\xff\xff\xff\xff\xffx").err(),
            Some(Error::Format)
        );
        let long = [b"\x43\xe9", &[b'x'; 1001][..]].concat();
        assert_eq!(string(&long).err(), Some(Error::TooLarge));
    }

    #[test]
    fn counts_are_bounded_by_what_is_left() {
        let mut reader = Reader::new(b"\x02abcd", LIMITS);
        assert_eq!(reader.some(2), Ok(2));
        assert_eq!(Reader::new(b"\x02abc", LIMITS).some(2), Err(Error::Format));
        assert_eq!(Reader::new(b"\x00abc", LIMITS).some(2), Err(Error::Format));
    }

    #[test]
    fn scores_are_numbers() {
        let text = |bytes: &[u8]| Reader::new(bytes, LIMITS).text_score();
        assert_eq!(text(b"\x031.5"), Ok(1.5));
        assert_eq!(text(b"\xfe"), Ok(f64::INFINITY));
        assert_eq!(text(b"\xff"), Ok(f64::NEG_INFINITY));
        for bytes in [&b"\xfd"[..], b"\x03nan", b"\x031.", b"\x00"] {
            assert_eq!(text(bytes), Err(Error::Format));
        }
        let nan = f64::NAN.to_le_bytes();
        assert_eq!(Reader::new(&nan, LIMITS).score(), Err(Error::Format));
    }
}
