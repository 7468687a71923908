//! A payload's footer: the version of the format and the checksum of everything before it.

use super::crc64::checksum;
use super::{Error, is_readable};

const VERSION_LEN: usize = size_of::<u16>();
const CHECKSUM_LEN: usize = size_of::<u64>();

/// The bytes before the footer, and the version that the footer names.
///
/// # Errors
/// [`Error::Footer`] if there is no footer, the version cannot be read, or the checksum is wrong.
pub fn open(payload: &[u8]) -> Result<(&[u8], u16), Error> {
    let (signed, sum) = payload
        .split_last_chunk::<CHECKSUM_LEN>()
        .ok_or(Error::Footer)?;
    let (body, version) = signed
        .split_last_chunk::<VERSION_LEN>()
        .ok_or(Error::Footer)?;
    let version = u16::from_le_bytes(*version);
    if is_readable(version) && checksum(signed) == u64::from_le_bytes(*sum) {
        Ok((body, version))
    } else {
        Err(Error::Footer)
    }
}

/// Appends the footer to a body.
pub fn seal(body: &mut Vec<u8>, version: u16) {
    body.extend_from_slice(&version.to_le_bytes());
    let sum = checksum(body);
    body.extend_from_slice(&sum.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened() {
        let mut payload = b"body".to_vec();
        seal(&mut payload, 10);
        assert_eq!(open(&payload), Ok((&b"body"[..], 10)));
        for at in 0..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] ^= 1;
            assert_eq!(open(&damaged), Err(Error::Footer), "{at}");
        }
        assert_eq!(open(&payload[..9]), Err(Error::Footer));
        assert_eq!(open(b""), Err(Error::Footer));
    }

    #[test]
    fn versions_of_two_lines_are_read() {
        for (version, readable) in [
            (0, false),
            (1, true),
            (12, true),
            (13, false),
            (79, false),
            (80, true),
            (81, false),
            (u16::MAX, false),
        ] {
            let mut payload = b"body".to_vec();
            seal(&mut payload, version);
            assert_eq!(open(&payload).is_ok(), readable, "{version}");
        }
    }
}
