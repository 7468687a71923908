//! The bytes of RESP's headers and scalars, appended to a buffer.
//!
//! Lengths and numbers below [`SMALL`] come from a table: writing one is an eight-byte store.

/// Numbers below this have their header in the table.
const SMALL: usize = 512;

/// `?N\r\n` for every small N, padded to eight bytes; the prefix is patched in.
static HEADERS: [[u8; 8]; SMALL] = headers();

const fn headers() -> [[u8; 8]; SMALL] {
    let mut table = [[0; 8]; SMALL];
    let mut n = 0;
    while n < SMALL {
        let digits = small_digits(n);
        let (mut rest, mut at) = (n, digits);
        while at > 0 {
            table[n][at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            at -= 1;
        }
        table[n][digits + 1] = b'\r';
        table[n][digits + 2] = b'\n';
        n += 1;
    }
    table
}

const fn small_digits(n: usize) -> usize {
    1 + (n >= 10) as usize + (n >= 100) as usize
}

/// Appends `prefix`, `n` and a line end: the header of a bulk or an aggregate.
#[inline]
pub(super) fn header(out: &mut Vec<u8>, prefix: u8, n: usize) {
    if n < SMALL {
        let mut bytes = HEADERS[n];
        bytes[0] = prefix;
        let end = out.len() + small_digits(n) + 3;
        out.extend_from_slice(&bytes);
        out.truncate(end);
    } else {
        number(out, prefix, n);
    }
}

/// Appends `:n` and a line end.
#[inline]
pub(super) fn int(out: &mut Vec<u8>, n: i64) {
    match usize::try_from(n) {
        Ok(n) => header(out, b':', n),
        Err(_) => number(out, b':', n),
    }
}

/// Appends a bulk string.
#[inline]
pub(super) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 24);
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Appends one line: `prefix`, `text`, line end.
#[inline]
pub(super) fn line(out: &mut Vec<u8>, prefix: u8, text: &[u8]) {
    out.reserve(text.len() + 3);
    out.push(prefix);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn number(out: &mut Vec<u8>, prefix: u8, n: impl itoa::Integer) {
    line(out, prefix, itoa::Buffer::new().format(n).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_numbers() {
        let numbers = (0..1200).chain([9_999, 10_000, 1 << 40, i64::MAX as usize]);
        for n in numbers {
            let mut out = b"x".to_vec();
            header(&mut out, b'$', n);
            int(&mut out, n as i64);
            int(&mut out, -(n as i64));
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!("x${n}\r\n:{n}\r\n:{}\r\n", -(n as i64))
            );
        }
        let mut out = Vec::new();
        int(&mut out, i64::MIN);
        bulk(&mut out, b"");
        assert_eq!(out, b":-9223372036854775808\r\n$0\r\n\r\n");
    }
}
