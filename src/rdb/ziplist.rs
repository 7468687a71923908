//! Ziplists: what came before listpacks. Servers up to Redis 6.2 wrote them.
//!
//! ```text
//! bytes (4)   offset of the last entry (4)   entries (2, 65535: unknown)   entry...   0xff
//! entry: length of the entry before (1 or 5)   encoding with length or number   [data]
//! ```

use super::Error;
use super::listpack::{Entry, little_endian};

const HEADER: usize = 10;
const END: u8 = 0xFF;
const UNCOUNTED: u16 = u16::MAX;
/// From this length of the entry before on, four more bytes hold it.
const LONG: u8 = 0xFE;

/// The entries of a ziplist, each checked when it is reached; an error ends them.
#[derive(Debug)]
pub(super) struct Ziplist<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the header says that the last entry begins.
    tail: usize,
    /// Length of the entry before.
    previous: usize,
    announced: Option<usize>,
}

impl<'a> Ziplist<'a> {
    /// Reads `bytes`, whose header must agree with their number.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Error::Format)?;
        let [a, b, c, d, e, f, g, h, i, j] = *header;
        let count = u16::from_le_bytes([i, j]);
        if u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() || rest.is_empty() {
            return Err(Error::Format);
        }
        Ok(Self {
            bytes,
            at: HEADER,
            tail: u32::from_le_bytes([e, f, g, h]) as usize,
            previous: 0,
            announced: (count != UNCOUNTED).then_some(usize::from(count)),
        })
    }

    /// How many entries there can be at the most.
    pub(super) fn at_most(&self) -> usize {
        let most = (self.bytes.len() - self.at) / 2;
        self.announced.map_or(most, |count| count.min(most))
    }

    /// The next entry; `None` at a proper end.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'a>>, Error> {
        let rest = &self.bytes[self.at..];
        if rest == [END] {
            let whole = self.announced.is_none_or(|left| left == 0);
            return if whole && self.tail == self.at - self.previous {
                Ok(None)
            } else {
                Err(Error::Format)
            };
        }
        let (&first, behind) = rest.split_first().ok_or(Error::Format)?;
        let (previous, prefix) = if first < LONG {
            (usize::from(first), 1)
        } else if first == LONG {
            let long = behind.first_chunk().ok_or(Error::Format)?;
            (u32::from_le_bytes(*long) as usize, 5)
        } else {
            return Err(Error::Format);
        };
        if previous != self.previous {
            return Err(Error::Format);
        }
        let (entry, len) = decode(&rest[prefix..])?;
        if let Some(left) = &mut self.announced {
            *left = left.checked_sub(1).ok_or(Error::Format)?;
        }
        self.previous = prefix + len;
        self.at += self.previous;
        Ok(Some(entry))
    }
}

/// The entry whose encoding `bytes` begin with, and the length of encoding and data.
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
    match first {
        0x00..=0x3F => text(1, usize::from(first)),
        0x40..=0x7F => {
            let low = behind.first().ok_or(Error::Format)?;
            text(2, usize::from(first & 0x3F) << 8 | usize::from(*low))
        }
        0x80 => {
            let len = behind.first_chunk().ok_or(Error::Format)?;
            text(5, u32::from_be_bytes(*len) as usize)
        }
        0xC0 => int(2),
        0xD0 => int(4),
        0xE0 => int(8),
        0xF0 => int(3),
        0xFE => int(1),
        0xF1..=0xFD => Ok((Entry::Int(i64::from(first & 0x0F) - 1), 1)),
        _ => Err(Error::Format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut ziplist = Ziplist::new(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = ziplist.next()? {
            entries.push(entry.text(&mut itoa::Buffer::new()).to_vec());
        }
        Ok(entries)
    }

    /// Puts the header before entries, the last of which begins at `tail`.
    fn ziplist(entries: &[u8], tail: u32, count: u16) -> Vec<u8> {
        let mut bytes = (entries.len() as u32 + 11).to_le_bytes().to_vec();
        bytes.extend_from_slice(&tail.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(entries);
        bytes.push(END);
        bytes
    }

    #[test]
    fn entries_of_every_kind() {
        let mut entries = Vec::new();
        let (mut previous, mut last) = (0, 0);
        let long = [&b"\x41\x2c"[..], &[b'x'; 300]].concat();
        let longer = [&b"\x80\0\0\x40\0"[..], &[b'y'; 0x4000]].concat();
        for encoded in [
            &b"\x01a"[..],
            &long,
            &longer,
            b"\xc0\x2c\x01",
            b"\xd0\0\0\0\x80",
            b"\xe0\0\0\0\0\0\0\0\x80",
            b"\xf0\xff\xff\xff",
            b"\xfe\x80",
            b"\xf1",
            b"\xfd",
            b"\x00",
        ] {
            last = entries.len();
            match u8::try_from(previous) {
                Ok(short) if short < LONG => entries.push(short),
                _ => {
                    entries.push(LONG);
                    entries.extend_from_slice(&(previous as u32).to_le_bytes());
                }
            }
            entries.extend_from_slice(encoded);
            previous = entries.len() - last;
        }
        let bytes = ziplist(&entries, 10 + last as u32, 11);
        let expected = [
            b"a".to_vec(),
            vec![b'x'; 300],
            vec![b'y'; 0x4000],
            b"300".to_vec(),
            b"-2147483648".to_vec(),
            b"-9223372036854775808".to_vec(),
            b"-1".to_vec(),
            b"-128".to_vec(),
            b"0".to_vec(),
            b"12".to_vec(),
            b"".to_vec(),
        ];
        assert_eq!(read(&bytes), Ok(expected.to_vec()));
    }

    #[test]
    fn a_header_that_lies_is_noticed() {
        let entries = b"\x00\x01a\x03\x01b";
        assert!(read(&ziplist(entries, 13, 2)).is_ok());
        assert!(read(&ziplist(entries, 13, UNCOUNTED)).is_ok());
        for (tail, count) in [(10, 2), (13, 1), (13, 3), (0, 2)] {
            assert_eq!(read(&ziplist(entries, tail, count)), Err(Error::Format));
        }
        assert_eq!(
            read(&ziplist(b"\x00\x01a\x02\x01b", 13, 2)),
            Err(Error::Format)
        );
        assert_eq!(read(b""), Err(Error::Format));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&ziplist(&bytes, 10, UNCOUNTED));
        }
    }
}
