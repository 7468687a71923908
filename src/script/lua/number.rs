//! Numbers as text, as C's `printf("%.*g")` writes them.

use std::io::Write;

/// Writes a number with so many significant digits at the most.
pub(super) fn write(text: &mut Vec<u8>, value: f64, precision: usize) {
    if value.fract() == 0.0
        && value.abs() < 1e14
        && precision >= 14
        && (value != 0.0 || value.is_sign_positive())
    {
        text.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
        return;
    }
    if !value.is_finite() {
        let word: &[u8] = match (value.is_nan(), value.is_sign_negative()) {
            (true, false) => b"nan",
            (true, true) => b"-nan",
            (false, false) => b"inf",
            (false, true) => b"-inf",
        };
        text.extend_from_slice(word);
        return;
    }
    if precision >= 14 && write_short(text, value) {
        return;
    }
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= precision as i32 {
        text.extend_from_slice(without_zeros(digits).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
    } else {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        text.extend_from_slice(without_zeros(&format!("{value:.decimals$}")).as_bytes());
    }
}

/// Writes a number that has few decimals: most fractions do. A decimal of up to 14 digits that is the number but for the last bit is what
/// rounding to 14 digits gives.
fn write_short(text: &mut Vec<u8>, value: f64) -> bool {
    if !(0.001..1e8).contains(&value.abs()) {
        return false;
    }
    let mut scale = 1_u64;
    for decimals in 1..=6 {
        scale *= 10;
        let scaled = value.abs() * scale as f64;
        if scaled.fract() == 0.0 {
            if value < 0.0 {
                text.push(b'-');
            }
            let (whole, fraction) = (scaled as u64 / scale, scaled as u64 % scale);
            text.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
            text.push(b'.');
            let mut buffer = itoa::Buffer::new();
            let digits = buffer.format(fraction);
            text.extend(std::iter::repeat_n(b'0', decimals - digits.len()));
            // The product before may have missed being an integer by its last bit.
            text.extend_from_slice(digits.trim_end_matches('0').as_bytes());
            return true;
        }
    }
    false
}

/// Without the zeros at the end of a fraction.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// The number at the start of a text, as C's `strtod` reads it without blanks, and how many bytes it is. Zero if there is none.
pub(super) fn read(text: &[u8]) -> (f64, usize) {
    let at = |index: usize| text.get(index).copied().unwrap_or(0);
    let start = usize::from(matches!(at(0), b'+' | b'-'));
    let signed = |value: f64| if at(0) == b'-' { -value } else { value };
    let rest = &text[start..];
    let starts =
        |word: &[u8]| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word);
    if starts(b"infinity") {
        return (signed(f64::INFINITY), start + 8);
    }
    if starts(b"inf") {
        return (signed(f64::INFINITY), start + 3);
    }
    if starts(b"nan") {
        return (signed(f64::NAN), start + 3);
    }
    if starts(b"0x") {
        if let Some((value, length)) = hexadecimal(&rest[2..]) {
            return (signed(value), start + 2 + length);
        }
        return (signed(0.0), start + 1);
    }
    let digits = |from: usize| {
        text.get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let whole = digits(start);
    let mut end = start + whole;
    let mut fraction = 0;
    if at(end) == b'.' {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return (0.0, 0);
    }
    if at(end) | 0x20 == b'e' {
        let sign = usize::from(matches!(at(end + 1), b'+' | b'-'));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let value = std::str::from_utf8(&text[..end])
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0);
    (value, end)
}

/// A hexadecimal number behind its `0x`.
fn hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let mut value = 0.0_f64;
    let (mut exponent, mut digits, mut index, mut behind_point) = (0_i32, 0_usize, 0, false);
    loop {
        match text.get(index) {
            Some(b'.') if !behind_point => behind_point = true,
            Some(&byte) if byte.is_ascii_hexdigit() => {
                value = value * 16.0 + f64::from(char::from(byte).to_digit(16).unwrap_or(0));
                digits += 1;
                exponent -= if behind_point { 4 } else { 0 };
            }
            _ => break,
        }
        index += 1;
    }
    if digits == 0 {
        return None;
    }
    if text.get(index).is_some_and(|byte| byte | 0x20 == b'p') {
        let sign = usize::from(matches!(text.get(index + 1), Some(b'+' | b'-')));
        let from = index + 1 + sign;
        let length = text
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if length > 0 {
            let written = std::str::from_utf8(&text[from..from + length])
                .ok()?
                .parse::<i32>()
                .unwrap_or(100_000);
            let written = if text.get(index + 1) == Some(&b'-') {
                -written
            } else {
                written
            };
            exponent = exponent.saturating_add(written);
            index = from + length;
        }
    }
    Some((value * 2.0_f64.powi(exponent), index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_does() {
        for (value, precision, expected) in [
            (0.0, 14, "0"),
            (-0.0, 14, "-0"),
            (1.0, 14, "1"),
            (0.1, 14, "0.1"),
            (1e14, 14, "1e+14"),
            (123_456_789_012_345.0, 14, "1.2345678901234e+14"),
            (1e15, 14, "1e+15"),
            (1e-5, 14, "1e-05"),
            (0.0001, 14, "0.0001"),
            (1.0 / 3.0, 14, "0.33333333333333"),
            (99.999_999_999_999_99, 14, "100"),
            (1234.5, 3, "1.23e+03"),
            (0.5, 1, "0.5"),
            (1e300, 14, "1e+300"),
            (f64::INFINITY, 14, "inf"),
        ] {
            let mut text = Vec::new();
            write(&mut text, value, precision);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }

    #[test]
    fn short_decimals_are_written_as_the_long_way_does() {
        for step in 1..20_000 {
            for scale in [10.0, 1000.0, 1e6, 7.0, -30.0] {
                let value = f64::from(step * 37) / scale;
                let mut text = Vec::new();
                write(&mut text, value, 14);
                let decimals = 13 - value.abs().log10().floor() as usize;
                let expected = if value.abs() >= 1.0 {
                    format!("{value:.decimals$}")
                } else {
                    continue;
                };
                let expected = if expected.contains('.') {
                    without_zeros(&expected)
                } else {
                    &expected
                };
                assert_eq!(String::from_utf8(text).unwrap(), expected);
            }
        }
    }

    #[test]
    fn numbers_are_read_as_c_does() {
        for (text, value, length) in [
            ("1", 1.0, 1),
            ("1.", 1.0, 2),
            ("-.5x", -0.5, 3),
            ("1e", 1.0, 1),
            ("1e+", 1.0, 1),
            ("1e+2,", 100.0, 4),
            ("0x10", 16.0, 4),
            ("0x", 0.0, 1),
            ("0x.8p1", 1.0, 6),
            ("Infinity", f64::INFINITY, 8),
            ("-inf", f64::NEG_INFINITY, 4),
            ("-", 0.0, 0),
            ("", 0.0, 0),
            (".", 0.0, 0),
            ("1e999", f64::INFINITY, 5),
        ] {
            assert_eq!(read(text.as_bytes()), (value, length), "{text}");
        }
    }
}
