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
