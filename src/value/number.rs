//! Numbers as text: the integers and floating-point numbers that commands take, keep and answer.
//!
//! * Integers are strict: one spelling for each number, so that `7` may be kept as an integer and
//!   given back as the very bytes that came (`+7`, `07`, `-0` and ` 7` stay strings).
//! * Scores are `f64`.  They are read leniently (`1.`, `.5`, `+5`, `inf`) and written with the
//!   fewest digits that read back as the same number.
//! * `INCRBYFLOAT` and `HINCRBYFLOAT` add in 80-bit arithmetic: see [`Extended`].

mod extended;

use std::fmt::{self, Write as _};
use std::ops::Deref;

pub use extended::{Extended, FloatError, add_floats};

use crate::resp::DoubleText;

/// The most digits of an `i64`.
const MAX_DIGITS: usize = 19;

/// Reads an integer written in its one canonical form.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, text),
    };
    let (&first, rest) = digits.split_first()?;
    if !first.is_ascii_digit() || digits.len() > MAX_DIGITS {
        return None;
    }
    if first == b'0' {
        return (text.len() == 1).then_some(0);
    }
    // Nineteen digits cannot overflow 64 bits without a sign.
    let mut magnitude = u64::from(first - b'0');
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Reads a score or another `f64`: decimal, optionally with an exponent, or an infinity.
///
/// Refused are spaces, NaN, hexadecimal, and what is too large or too small (but not zero) for an
/// `f64`: `1e400` is an error and no infinity.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    // Up to 2^53 every integer is exact, and most scores are small integers.
    if text.len() <= 15
        && let Some(integer) = parse_i64(text)
    {
        return Some(integer as f64);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let mantissa = || {
        text.bytes()
            .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
    };
    let sound = if value.is_nan() {
        false
    } else if value.is_infinite() {
        // Spelt out, and not overflown.
        !text.bytes().any(|byte| byte.is_ascii_digit())
    } else {
        value != 0.0 || !mantissa().any(|byte| matches!(byte, b'1'..=b'9'))
    };
    sound.then_some(value)
}

/// A short text held on the stack.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Text {
    const CAPACITY: usize = 40;

    const fn new() -> Self {
        Self {
            bytes: [0; Self::CAPACITY],
            len: 0,
        }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let room = self
            .bytes
            .get_mut(start..start + text.len())
            .ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len() as u8;
        Ok(())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)])
            .expect("only whole strings are written")
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// An integer as text.
pub fn format_i64(value: i64) -> Text {
    let mut text = Text::new();
    // The longest has 20 bytes.
    let _ = text.write_str(itoa::Buffer::new().format(value));
    text
}

/// A score as replies show it: integers up to 2^62 in full, everything else with the fewest digits
/// that read back as the same number, in scientific notation where zeros would outnumber them.
pub fn format_score(score: f64) -> Text {
    let mut text = Text::new();
    // The longest has 26 bytes.
    let _ = text.write_str(DoubleText::new(score).as_str());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_have_one_spelling() {
        for (text, value) in [
            ("0", 0),
            ("7", 7),
            ("-1", -1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            "00",
            " 1",
            "1 ",
            "1a",
            "a",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "1\0",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn floats_are_read_leniently_but_whole() {
        for (text, value) in [
            ("3", 3.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+5", 5.0),
            ("-1.5e3", -1500.0),
            ("007", 7.0),
            ("0e999", 0.0),
            ("5e-324", 5e-324),
            ("inf", f64::INFINITY),
            ("+INF", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("123456789012345678", 123_456_789_012_345_680.0),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "", " 1", "1 ", "nan", "-nan", "1e400", "-1e400", "1e-400", "0x10", "1e", "e5", ".",
            "infinit", "1_0", "\u{ff11}",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    /// What the established servers answer to `ZSCORE`.
    #[test]
    fn scores_look_as_clients_expect() {
        for (score, text) in [
            (3.0, "3"),
            (-3.0, "-3"),
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e18, "1000000000000000000"),
            (1e19, "1e+19"),
            (1e20, "1e+20"),
            (-1e21, "-1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (123_456_789_012_345_678.0, "123456789012345680"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (9_223_372_036_854_775_807.0, "9223372036854776000"),
            (5e-324, "5e-324"),
            (2.236_067_977_499_79, "2.23606797749979"),
            (f64::MAX, "1.7976931348623157e+308"),
            (0.000_123_45, "1.2345e-4"),
            (1.1e25, "1.1e+25"),
            (12_345_678_901_234_567_890_123.0, "12345678901234568000000"),
            (-12.25, "-12.25"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(&*format_score(score), text);
        }
        assert_eq!(&*format_score(f64::NAN), "nan");
    }

    proptest! {
        #[test]
        fn every_score_reads_back(bits in any::<u64>()) {
            let score = f64::from_bits(bits);
            prop_assume!(!score.is_nan());
            let text = format_score(score);
            prop_assert_eq!(parse_f64(text.as_ref()), Some(score));
        }

        #[test]
        fn integers_read_back(value in any::<i64>()) {
            prop_assert_eq!(parse_i64(format_i64(value).as_ref()), Some(value));
        }

        #[test]
        fn only_canonical_text_is_an_integer(text in "[-+ 0-9]{0,21}") {
            let canonical = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(parse_i64(text.as_bytes()), canonical);
        }
    }
}
