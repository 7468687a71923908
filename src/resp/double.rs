//! The text of floating-point numbers, as Redis prints scores.
//!
//! Whole numbers print as integers; others with the fewest digits that read back as the same number, in decimal or, when
//! very small or very large, in scientific notation. `inf`, `-inf` and `nan` are the special ones.

use std::fmt::Write;
use std::ops::Deref;

/// Magnitudes up to this print as integers when they are whole: 2^62.
const WHOLE: f64 = (1u64 << 62) as f64;

/// The longest text: a sign, seventeen digits, a point, `e-308`; or six zeros behind a point and seventeen digits.
const MAX_LEN: usize = 32;

/// A formatted number, without allocation. Dereferences to its bytes.
#[derive(Clone, Copy)]
pub struct DoubleText {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl DoubleText {
    /// The text of `value`.
    pub fn new(value: f64) -> DoubleText {
        let mut text = DoubleText {
            bytes: [0; MAX_LEN],
            len: 0,
        };
        if value.is_nan() {
            text.push(b"nan");
        } else if value.is_infinite() {
            text.push(if value < 0.0 { b"-inf" } else { b"inf" });
        } else if value == 0.0 {
            text.push(if value.is_sign_negative() {
                b"-0"
            } else {
                b"0"
            });
        } else if value.abs() <= WHOLE && value.trunc() == value {
            text.push(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            text.push_shortest(value);
        }
        text
    }

    /// The text as a string.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self).expect("numbers are ASCII")
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }

    fn push_zeros(&mut self, count: usize) {
        self.push(&b"0000000000000000000000"[..count]);
    }

    /// Appends the shortest digits that identify `value`, laid out as Redis does.
    fn push_shortest(&mut self, value: f64) {
        let mut scientific = DoubleText {
            bytes: [0; MAX_LEN],
            len: 0,
        };
        write!(scientific, "{:e}", value.abs()).expect("17 digits and an exponent fit");
        let split = scientific
            .iter()
            .position(|&byte| byte == b'e')
            .expect("{:e} prints an exponent");
        let exponent: i32 = scientific.as_str()[split + 1..]
            .parse()
            .expect("{:e} prints a number behind its e");
        let mut digits = [0; 17];
        let mut count = 0;
        for &byte in scientific[..split].iter().filter(|&&byte| byte != b'.') {
            digits[count] = byte;
            count += 1;
        }
        if value < 0.0 {
            self.push(b"-");
        }
        self.layout(&digits[..count], exponent);
    }

    /// Appends `d.ddd * 10^exponent`: in decimal when that needs few zeros, else in scientific notation.
    fn layout(&mut self, digits: &[u8], exponent: i32) {
        let count = digits.len() as i32;
        // Zeros to append (or, negative, places behind the point).
        let shift = exponent + 1 - count;
        if shift >= 0 && exponent < count + 7 {
            self.push(digits);
            self.push_zeros(shift as usize);
        } else if shift < 0 && exponent < 0 && (shift > -7 || exponent > -4) {
            self.push(b"0.");
            self.push_zeros((-exponent - 1) as usize);
            self.push(digits);
        } else if shift < 0 && exponent >= 0 && (shift > -7 || exponent < 4) {
            let (whole, fraction) = digits.split_at(exponent as usize + 1);
            self.push(whole);
            self.push(b".");
            self.push(fraction);
        } else {
            self.push(&digits[..1]);
            if count > 1 {
                self.push(b".");
                self.push(&digits[1..]);
            }
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            self.push(itoa::Buffer::new().format(exponent.abs()).as_bytes());
        }
    }
}

impl Deref for DoubleText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Write for DoubleText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_redis_prints_scores() {
        // Taken from a real server: ZADD key <score> member, then ZSCORE.
        let cases = [
            ("0", "0"),
            ("1", "1"),
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("0.1", "0.1"),
            ("0.3", "0.3"),
            ("3.14159265358979", "3.14159265358979"),
            ("1e5", "100000"),
            ("1e-5", "0.00001"),
            ("1.5e-5", "0.000015"),
            ("0.0001", "0.0001"),
            ("0.00012345", "1.2345e-4"),
            ("0.000123456789", "1.23456789e-4"),
            ("0.00001234567890123", "1.234567890123e-5"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("1.5e-7", "1.5e-7"),
            ("123456.789", "123456.789"),
            ("1e15", "1000000000000000"),
            ("1e16", "10000000000000000"),
            ("1e17", "100000000000000000"),
            ("1e18", "1000000000000000000"),
            ("4611686018427387904", "4611686018427387904"),
            ("4611686018427387905", "4611686018427387904"),
            ("9223372036854775807", "9223372036854776000"),
            ("1e19", "1e+19"),
            ("1e20", "1e+20"),
            ("1e21", "1e+21"),
            ("1.5e21", "1.5e+21"),
            ("1.234567890123456e25", "1.234567890123456e+25"),
            ("1e22", "1e+22"),
            ("1e25", "1e+25"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("2.2250738585072014e-308", "2.2250738585072014e-308"),
            ("123456789012345678", "123456789012345680"),
            ("-1.5", "-1.5"),
            ("-1e-7", "-1e-7"),
            ("-1e100", "-1e+100"),
            ("inf", "inf"),
            ("-inf", "-inf"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1234567.1234567", "1.2345671234567e+6"),
            ("0.1234567890123456", "0.1234567890123456"),
            ("12345678901.5", "12345678901.5"),
            ("1e10", "10000000000"),
            ("-0.000001", "-0.000001"),
            ("1.0000000000000002", "1.0000000000000002"),
            ("12e18", "1.2e+19"),
            ("9.5e18", "9.5e+18"),
            ("1.1e19", "1.1e+19"),
            ("-1.7976931348623157e-300", "-1.7976931348623157e-300"),
            ("1.2345678901234567e-5", "1.2345678901234568e-5"),
            ("0.001234567890123456", "0.001234567890123456"),
        ];
        for (score, expected) in cases {
            assert_eq!(
                DoubleText::new(score.parse().unwrap()).as_str(),
                expected,
                "{score}"
            );
        }
        assert_eq!(DoubleText::new(-0.0).as_str(), "-0");
        assert_eq!(DoubleText::new(f64::NAN).as_str(), "nan");
    }

    proptest::proptest! {
        #[test]
        fn reads_back_as_the_same_number(value in proptest::prelude::any::<f64>()) {
            proptest::prop_assert_eq!(DoubleText::new(value).as_str().parse::<f64>().unwrap(), value);
        }
    }
}
