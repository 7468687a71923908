//! Intsets: sorted integers in the least of three widths that holds them all.
//!
//! ```text
//! bytes an integer (4: 2, 4 or 8)   integers (4)   integer...
//! ```

use super::Error;
use super::listpack::little_endian;

const HEADER: usize = 8;

/// The integers of an intset; they must rise.
pub(super) fn read(bytes: &[u8]) -> Result<impl ExactSizeIterator<Item = i64>, Error> {
    let (header, data) = bytes.split_first_chunk::<HEADER>().ok_or(Error::Format)?;
    let [a, b, c, d, e, f, g, h] = *header;
    let width = u32::from_le_bytes([a, b, c, d]) as usize;
    let count = u32::from_le_bytes([e, f, g, h]) as usize;
    if !matches!(width, 2 | 4 | 8) || count.checked_mul(width) != Some(data.len()) {
        return Err(Error::Format);
    }
    let members = data.chunks_exact(width).map(little_endian);
    if members.clone().is_sorted_by(|a, b| a < b) {
        Ok(members)
    } else {
        Err(Error::Format)
    }
}

/// Writes integers that rise. `bounds` are the first and the last of them.
pub(super) fn write(members: impl ExactSizeIterator<Item = i64>, bounds: [i64; 2]) -> Vec<u8> {
    let width = if bounds.iter().all(|bound| i16::try_from(*bound).is_ok()) {
        2
    } else if bounds.iter().all(|bound| i32::try_from(*bound).is_ok()) {
        4
    } else {
        8
    };
    let mut bytes = Vec::with_capacity(HEADER + members.len() * width);
    bytes.extend_from_slice(&(width as u32).to_le_bytes());
    bytes.extend_from_slice(&(members.len() as u32).to_le_bytes());
    for member in members {
        bytes.extend_from_slice(&member.to_le_bytes()[..width]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_widest() {
        for (members, width) in [
            (vec![-5, 3, 32_767], 2),
            (vec![-32_769, 1], 4),
            (vec![1, 1 << 31], 8),
            (vec![i64::MIN, i64::MAX], 8),
        ] {
            let bounds = [members[0], members[members.len() - 1]];
            let bytes = write(members.iter().copied(), bounds);
            assert_eq!(usize::from(bytes[0]), width);
            let read: Vec<i64> = read(&bytes).expect("an intset").collect();
            assert_eq!(read, members);
        }
    }

    #[test]
    fn order_and_size_are_checked() {
        for bytes in [
            &b"\x02\0\0\0\x02\0\0\0\x05\0\x03\0"[..],
            b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0",
            b"\x03\0\0\0\x01\0\0\0\x05\0\0",
            b"\x00\0\0\0\x01\0\0\0",
            b"\x08\0\0\0\xff\xff\xff\xff",
            b"\x02\0\0\0",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}
