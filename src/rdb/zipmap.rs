//! Zipmaps: how Redis before 2.6 wrote small hashes.
//!
//! ```text
//! fields (1, 254: unknown)   (length   field   length   unused bytes (1)   value   unused)...   0xff
//! ```

use super::Error;

const END: u8 = 0xFF;
/// The length follows in four bytes.
const LONG: u8 = 0xFE;

/// A field and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// The fields of a zipmap with their values.
#[derive(Debug)]
pub(super) struct Zipmap<'a>(&'a [u8]);

impl<'a> Zipmap<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        // The number of fields is a hint only.
        let (_, rest) = bytes.split_first().ok_or(Error::Format)?;
        Ok(Self(rest))
    }

    /// How many fields there can be at the most.
    pub(super) fn at_most(&self) -> usize {
        self.0.len() / 3
    }

    /// The next field and its value; `None` at a proper end.
    pub(super) fn next(&mut self) -> Result<Option<Pair<'a>>, Error> {
        if self.0 == [END] {
            return Ok(None);
        }
        let len = self.length()?;
        let field = self.take(len)?;
        let len = self.length()?;
        let unused = usize::from(self.take(1)?[0]);
        let value = self.take(len)?;
        self.take(unused)?;
        Ok(Some((field, value)))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Error::Format)?;
        self.0 = rest;
        Ok(taken)
    }

    fn length(&mut self) -> Result<usize, Error> {
        match self.take(1)?[0] {
            END => Err(Error::Format),
            LONG => {
                let long = self.take(4)?;
                Ok(u32::from_le_bytes([long[0], long[1], long[2], long[3]]) as usize)
            }
            short => Ok(usize::from(short)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_values_and_gaps() {
        let bytes = b"\x02\x01a\x01\x00b\xfe\x02\0\0\0cd\x00\x02xx\xff";
        let mut zipmap = Zipmap::new(bytes).expect("a zipmap");
        assert_eq!(zipmap.next(), Ok(Some((&b"a"[..], &b"b"[..]))));
        assert_eq!(zipmap.next(), Ok(Some((&b"cd"[..], &b""[..]))));
        assert_eq!(zipmap.next(), Ok(None));
        for bytes in [&b"\x01\x01a\x01\x00"[..], b"\x01\x01a\xff", b"\x01"] {
            assert_eq!(
                Zipmap::new(bytes).and_then(|mut zipmap| zipmap.next()),
                Err(Error::Format)
            );
        }
        assert!(Zipmap::new(b"").is_err());
    }
}
