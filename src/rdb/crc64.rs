//! The checksum of payloads: the CRC-64 of Jones's polynomial, reflected, starting from 0.

/// The polynomial 0xad93d23594c935a9 with its bits reflected.
const POLYNOMIAL: u64 = 0x95AC_9329_AC4B_C9B5;
/// Bytes taken at a time, each through a table of its own.
const STRIDE: usize = 8;

/// `TABLES[n][byte]`: what `byte` contributes when `n` more bytes follow it.
static TABLES: [[u64; 256]; STRIDE] = tables();

const fn tables() -> [[u64; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut behind = 1;
    while behind < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[behind - 1][byte];
            tables[behind][byte] = tables[0][(before & 0xFF) as usize] ^ (before >> 8);
            byte += 1;
        }
        behind += 1;
    }
    tables
}

/// The checksum of `bytes`.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    let crc = strides.iter().fold(0, |crc, stride| {
        let mixed = (crc ^ u64::from_le_bytes(*stride)).to_le_bytes();
        (0..STRIDE).fold(0, |sum, at| {
            sum ^ TABLES[STRIDE - 1 - at][usize::from(mixed[at])]
        })
    });
    rest.iter().fold(crc, |crc, byte| {
        TABLES[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value() {
        assert_eq!(checksum(b"123456789"), 0xE9C6_D914_C4B8_D9CA);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn strides_and_single_bytes_agree() {
        let bytes: Vec<u8> = (0..200).map(|i| (i * 37) as u8).collect();
        for len in 0..bytes.len() {
            let slowly = bytes[..len].iter().fold(0, |crc: u64, byte| {
                TABLES[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
            });
            assert_eq!(checksum(&bytes[..len]), slowly);
        }
    }
}
