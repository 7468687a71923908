//! Unpacking LZF: what Redis compresses long strings with.
//!
//! A control byte below 32 announces that many bytes and one, to be taken as they are; any other is a reference to what
//! was unpacked before: three bits of length, thirteen of distance. A length of seven is continued in another byte.

use super::Error;

/// The shortest reference that repeats `MOST` bytes takes three.
const SHORTEST: usize = 3;
/// The most bytes that one reference repeats: 7 + 255 + 2.
const MOST: usize = 264;

/// Whether so many bytes can give `len`.
pub(super) fn is_possible(packed: usize, len: usize) -> bool {
    len / MOST <= packed / SHORTEST
}

/// Unpacks `packed`, which must give exactly `len` bytes.
///
/// # Errors
/// [`Error::Format`] if it does not, or a reference points before the beginning.
pub(super) fn unpack(packed: &[u8], len: usize) -> Result<Vec<u8>, Error> {
    // What cannot be true is refused before it is allocated.
    if !is_possible(packed.len(), len) {
        return Err(Error::Format);
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = packed;
    while let Some((&control, behind)) = rest.split_first() {
        rest = behind;
        if control < 32 {
            let (literal, behind) = rest
                .split_at_checked(usize::from(control) + 1)
                .ok_or(Error::Format)?;
            rest = behind;
            if literal.len() > len - out.len() {
                return Err(Error::Format);
            }
            out.extend_from_slice(literal);
            continue;
        }
        let mut count = usize::from(control >> 5);
        if count == 7 {
            count += usize::from(byte(&mut rest)?);
        }
        count += 2;
        let distance = (usize::from(control & 0x1F) << 8 | usize::from(byte(&mut rest)?)) + 1;
        if distance > out.len() || count > len - out.len() {
            return Err(Error::Format);
        }
        let from = out.len() - distance;
        // A reference may reach into what it is writing itself: then a pattern repeats.
        for at in from..from + count {
            out.push(out[at]);
        }
    }
    if out.len() == len {
        Ok(out)
    } else {
        Err(Error::Format)
    }
}

fn byte(rest: &mut &[u8]) -> Result<u8, Error> {
    let (&first, behind) = rest.split_first().ok_or(Error::Format)?;
    *rest = behind;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_and_references() {
        assert_eq!(unpack(b"\x02abc", 3), Ok(b"abc".to_vec()));
        assert_eq!(unpack(b"\x00a\x20\x00", 4), Ok(b"aaaa".to_vec()));
        assert_eq!(unpack(b"\x01ab\x40\x01", 6), Ok(b"ababab".to_vec()));
        // Two hundred times the same letter, as a server packs it.
        assert_eq!(
            unpack(b"\x01aa\xe0\xbb\x00\x01aa", 200),
            Ok(vec![b'a'; 200])
        );
    }

    #[test]
    fn what_is_damaged_is_refused() {
        for (packed, len) in [
            (&b"\x02ab"[..], 3),
            (b"\x02abc", 2),
            (b"\x02abc", 4),
            (b"\x20\x00", 3),
            (b"\x00a\x20\x01", 4),
            (b"\x00a\x20", 4),
            (b"\x00a\xe0", 4),
            (b"", 1),
            (b"\x00a", usize::MAX),
        ] {
            assert_eq!(unpack(packed, len), Err(Error::Format), "{packed:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(packed in prop::collection::vec(any::<u8>(), 0..300), len in 0usize..100_000) {
            if let Ok(out) = unpack(&packed, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
