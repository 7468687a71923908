//! Ids of entries: a time in milliseconds and a number within it, `1526919030474-55`.

use std::fmt::{self, Write as _};
use std::ops::Deref;

/// An entry's id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Usually the Unix time in milliseconds at which the entry was added.
    pub ms: u64,
    /// Tells the entries of one millisecond apart.
    pub seq: u64,
}

/// The id that a new entry shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewId {
    /// `*`: the time, or the one behind the last.
    Auto,
    /// `ms-*`: the next one of this millisecond.
    Within(u64),
    /// This one.
    Exactly(StreamId),
}

impl StreamId {
    /// Below every entry's id: no entry has it.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The last id there is.
    pub const MAX: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// An id of its two parts.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The id behind this one.
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self::new(self.ms, seq)),
            None => Some(Self::new(self.ms.checked_add(1)?, 0)),
        }
    }

    /// The id before this one.
    pub fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self::new(self.ms, seq)),
            None => Some(Self::new(self.ms.checked_sub(1)?, u64::MAX)),
        }
    }

    /// Reads `ms-seq`, or `ms` alone, to which `missing_seq` belongs.
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<Self> {
        let (ms, seq) = split(text);
        Some(Self::new(part(ms)?, seq.map_or(Some(missing_seq), part)?))
    }

    /// Reads a bound of a range: an id, `-` for the lowest or `+` for the highest.
    pub fn parse_bound(text: &[u8], missing_seq: u64) -> Option<Self> {
        match text {
            b"-" => Some(Self::MIN),
            b"+" => Some(Self::MAX),
            _ => Self::parse(text, missing_seq),
        }
    }

    /// The id as text.
    pub fn text(self) -> IdText {
        let mut text = IdText {
            bytes: [0; IdText::CAPACITY],
            len: 0,
        };
        let mut digits = itoa::Buffer::new();
        // Two numbers of 20 digits and a dash always fit.
        let _ = text.write_str(digits.format(self.ms));
        let _ = text.write_str("-");
        let _ = text.write_str(digits.format(self.seq));
        text
    }
}

impl NewId {
    /// Reads what XADD takes for an id.
    pub fn parse(text: &[u8]) -> Option<Self> {
        match split(text) {
            (b"*", None) => Some(Self::Auto),
            (ms, Some(b"*")) => Some(Self::Within(part(ms)?)),
            _ => Some(Self::Exactly(StreamId::parse(text, 0)?)),
        }
    }
}

fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'-', text) {
        Some(dash) => (&text[..dash], Some(&text[dash + 1..])),
        None => (text, None),
    }
}

/// A number as the C library reads one: leading spaces, a plus and leading zeros are passed over.
fn part(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9)
            .then(|| number.checked_mul(10)?.checked_add(digit.into()))
            .flatten()
    })
}

/// An id as text, on the stack. Dereferences to its bytes.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl IdText {
    const CAPACITY: usize = 41;
}

impl fmt::Write for IdText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl Deref for IdText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_read_as_the_peers_read_them() {
        for (text, id) in [
            ("0-0", StreamId::MIN),
            ("5", StreamId::new(5, 9)),
            ("5-0", StreamId::new(5, 0)),
            ("01-01", StreamId::new(1, 1)),
            ("+3-1", StreamId::new(3, 1)),
            (" 3- 1", StreamId::new(3, 1)),
            ("18446744073709551615-18446744073709551615", StreamId::MAX),
        ] {
            assert_eq!(StreamId::parse(text.as_bytes(), 9), Some(id), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            "5-",
            "-5",
            "5-5-5",
            "x",
            "5-x",
            "1 ",
            "5-*",
            "*",
            "18446744073709551616",
        ] {
            assert_eq!(StreamId::parse(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(StreamId::parse_bound(b"-", 0), Some(StreamId::MIN));
        assert_eq!(StreamId::parse_bound(b"+", 0), Some(StreamId::MAX));
    }

    #[test]
    fn new_ids_may_be_left_open() {
        assert_eq!(NewId::parse(b"*"), Some(NewId::Auto));
        assert_eq!(NewId::parse(b"7-*"), Some(NewId::Within(7)));
        assert_eq!(
            NewId::parse(b"7"),
            Some(NewId::Exactly(StreamId::new(7, 0)))
        );
        for text in ["-*", "*-*", "*-1", "7-**", "7-*1"] {
            assert_eq!(NewId::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn neighbours_cross_the_millisecond() {
        let last = StreamId::new(3, u64::MAX);
        assert_eq!(last.next(), Some(StreamId::new(4, 0)));
        assert_eq!(StreamId::new(4, 0).previous(), Some(last));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.previous(), None);
    }

    proptest! {
        #[test]
        fn every_id_reads_back(ms in any::<u64>(), seq in any::<u64>()) {
            let id = StreamId::new(ms, seq);
            prop_assert_eq!(StreamId::parse(&id.text(), 0), Some(id));
        }
    }
}
