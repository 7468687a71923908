//! Libraries of functions as bytes: what `FUNCTION DUMP` returns and `FUNCTION RESTORE` takes.

use super::reader::{Limits, Reader};
use super::writer::Writer;
use super::{Error, VERSION, payload};

/// A library's source follows.
const FUNCTION: u8 = 245;

/// The payload of libraries, from their sources.
pub fn payload<'c>(codes: impl Iterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer(&mut bytes);
    for code in codes {
        writer.byte(FUNCTION);
        writer.string(code);
    }
    payload::seal(&mut bytes, VERSION);
    bytes
}

/// The sources of the libraries in a payload.
///
/// # Errors
/// If it is damaged, or holds something else.
pub fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let (body, _) = payload::open(bytes)?;
    let limits = Limits {
        string: body.len().saturating_mul(64),
        unpacked: body.len().saturating_mul(64),
    };
    let mut reader = Reader::new(body, limits);
    let mut codes = Vec::new();
    while reader.left() > 0 {
        match reader.byte()? {
            FUNCTION => codes.push(reader.string()?.to_vec()),
            _ => return Err(Error::Format),
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let codes = [&b"#!lua name=a\nreturn"[..], b"", b"12"];
        let bytes = payload(codes.into_iter());
        assert_eq!(read(&bytes).unwrap(), codes);
        assert_eq!(
            read(&payload([].into_iter())).unwrap(),
            Vec::<Vec<u8>>::new()
        );
        assert_eq!(read(b"x"), Err(Error::Footer));
        let mut other = vec![0, 1, b'x'];
        payload::seal(&mut other, VERSION);
        assert_eq!(read(&other), Err(Error::Format));
    }
}
