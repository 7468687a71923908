//! The arithmetic of `INCRBYFLOAT` and `HINCRBYFLOAT`: a 64-bit mantissa, a 15-bit exponent.
//!
//! Clients see this format through the digits it yields: 10.5 + 0.1 is 10.6, where an `f64` shown
//! with the same 17 decimals gives 10.59999999999999964.  It is what C calls `long double` on
//! x86-64; here it is done in integers, hence alike on every processor.  Reading, adding and
//! writing are each correctly rounded (to nearest, ties to even).  Hexadecimal is not read.

use super::format_i64;

/// Why two texts could not be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatError {
    /// One of them is not a number.
    NotFloat,
    /// The sum is infinite or undefined.
    NotFinite,
}

/// Adds two numbers given as text.  The sum is a plain decimal with up to 17 digits after the
/// point, never in scientific notation.
pub fn add_floats(a: &[u8], b: &[u8]) -> Result<String, FloatError> {
    let a = Extended::parse(a).ok_or(FloatError::NotFloat)?;
    let b = Extended::parse(b).ok_or(FloatError::NotFloat)?;
    Ok(a.checked_add(b).ok_or(FloatError::NotFinite)?.to_decimal())
}

/// A number in the 80-bit format: `mantissa * 2^exponent`, or an infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    /// The top bit is set, unless the number is zero or the exponent is the smallest.
    mantissa: u64,
    exponent: i32,
}

/// The weight of the lowest bit of the smallest number, and of the largest.
const MIN_EXPONENT: i32 = -16_445;
const MAX_EXPONENT: i32 = 16_320;
/// The exponent that marks an infinity.
const INFINITE: i32 = i32::MAX;

/// Longer texts are no numbers.
const MAX_TEXT: usize = 5 * 1024 - 1;
/// Digits after the point.
const DECIMALS: usize = 17;

impl Extended {
    const ZERO: Self = Self {
        negative: false,
        mantissa: 0,
        exponent: MIN_EXPONENT,
    };

    /// Reads a decimal or hexadecimal number or an infinity, under the rules of [`super::parse_f64`].
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
            return Some(Self {
                negative,
                mantissa: 0,
                exponent: INFINITE,
            });
        }
        if let Some(digits) = unsigned
            .strip_prefix(b"0x")
            .or_else(|| unsigned.strip_prefix(b"0X"))
        {
            return Some(Self {
                negative,
                ..Self::parse_hexadecimal(digits)?
            });
        }
        let decimal = Decimal::parse(unsigned)?;
        let number = if decimal.is_zero() {
            Self::ZERO
        } else {
            decimal.round().filter(|it| it.mantissa != 0)?
        };
        Some(Self { negative, ..number })
    }

    /// Hexadecimal digits around a point, perhaps with a power of two behind a `p`, as C's `strtold` reads them too.
    fn parse_hexadecimal(text: &[u8]) -> Option<Self> {
        /// Powers beyond this are far outside of what any number can have.
        const FAR: i32 = 100_000;
        let (digits, power) = match text
            .iter()
            .position(|byte| byte.eq_ignore_ascii_case(&b'p'))
        {
            Some(at) => (
                &text[..at],
                std::str::from_utf8(&text[at + 1..])
                    .ok()?
                    .parse::<i32>()
                    .ok()?
                    .clamp(-FAR, FAR),
            ),
            None => (text, 0),
        };
        let (mut wide, mut exponent, mut inexact) = (0_u128, power, false);
        let (mut some, mut behind_point) = (false, false);
        for byte in digits {
            if *byte == b'.' && !behind_point {
                behind_point = true;
                continue;
            }
            let digit = (*byte as char).to_digit(16)?;
            some = true;
            if wide >> 124 == 0 {
                wide = wide << 4 | u128::from(digit);
                exponent -= if behind_point { 4 } else { 0 };
            } else {
                inexact |= digit != 0;
                exponent += if behind_point { 0 } else { 4 };
            }
        }
        match wide {
            _ if !some => None,
            0 => Some(Self::ZERO),
            _ => Self::round(wide, exponent, inexact).filter(|number| number.mantissa != 0),
        }
    }

    /// Whether the number is no infinity.
    pub fn is_finite(self) -> bool {
        self.exponent != INFINITE
    }

    /// The sum, unless that is infinite or undefined.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        /// Bits below the mantissa while adding; two are left above it for the carry.
        const GUARD: u32 = 62;

        if !self.is_finite() || !other.is_finite() {
            return None;
        }
        let swap = (self.exponent, self.mantissa) < (other.exponent, other.mantissa);
        let (large, small) = if swap { (other, self) } else { (self, other) };
        if small.mantissa == 0 {
            return Some(large);
        }
        let shift = large.exponent.abs_diff(small.exponent);
        let (a, b) = (
            u128::from(large.mantissa) << GUARD,
            u128::from(small.mantissa) << GUARD,
        );
        let aligned = b.checked_shr(shift).unwrap_or(0);
        let inexact = aligned.checked_shl(shift) != Some(b);
        let sum = if large.negative == small.negative {
            a + aligned
        } else {
            // What was shifted out of the smaller number is still to be taken off.
            a - aligned - u128::from(inexact)
        };
        let sum = Self::round(sum, large.exponent - GUARD as i32, inexact)?;
        Some(Self {
            negative: large.negative && sum.mantissa != 0,
            ..sum
        })
    }

    /// The nearest number to `(wide + fraction) * 2^exponent`, where the fraction is below one and
    /// not zero exactly if `inexact`; `wide` must then have more than 65 bits.  `None`: too large.
    fn round(wide: u128, exponent: i32, inexact: bool) -> Option<Self> {
        let excess = 64 - wide.leading_zeros() as i32;
        let shift = excess.max(MIN_EXPONENT - exponent);
        let exponent = exponent + shift;
        let mantissa = if shift <= 0 {
            (wide << -shift) as u64
        } else {
            match round_shift(wide, shift as u32, inexact) {
                mantissa if mantissa >> 64 == 0 => mantissa as u64,
                // It was rounded up to the next power of two.
                _ if exponent < MAX_EXPONENT => {
                    return Some(Self {
                        negative: false,
                        mantissa: 1 << 63,
                        exponent: exponent + 1,
                    });
                }
                _ => return None,
            }
        };
        if mantissa == 0 {
            return Some(Self::ZERO);
        }
        (exponent <= MAX_EXPONENT).then_some(Self {
            negative: false,
            mantissa,
            exponent,
        })
    }

    /// A plain decimal, rounded to 17 digits after the point, without trailing zeros.
    pub fn to_decimal(self) -> String {
        const ONE: u64 = 10u64.pow(DECIMALS as u32);

        if !self.is_finite() {
            return if self.negative { "-inf" } else { "inf" }.to_owned();
        }
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if self.exponent >= 0 {
            let mut whole = Big::from_u64(self.mantissa);
            whole.shift_left(self.exponent as u32);
            whole.write_decimal(&mut text);
            return text;
        }
        let shift = self.exponent.unsigned_abs();
        let whole = self.mantissa.checked_shr(shift).unwrap_or(0);
        let part = self.mantissa - whole.checked_shl(shift).unwrap_or(0);
        // Below 2^121: at a shift of 122 and more it rounds to nothing.
        let scaled = u128::from(part) * u128::from(ONE);
        let fraction = if shift > 122 {
            0
        } else {
            round_shift(scaled, shift, false) as u64
        };
        let (whole, fraction) = if fraction == ONE {
            (u128::from(whole) + 1, 0)
        } else {
            (u128::from(whole), fraction)
        };
        if whole == 0 && fraction == 0 {
            return "0".to_owned();
        }
        text.push_str(itoa::Buffer::new().format(whole));
        if fraction != 0 {
            text.push('.');
            let digits = format_i64(fraction as i64);
            text.extend(std::iter::repeat_n('0', DECIMALS - digits.len()));
            text.push_str(digits.trim_end_matches('0'));
        }
        text
    }
}

/// `wide / 2^shift` to the nearest, ties to even; `inexact`: it is a little more than `wide`.
fn round_shift(wide: u128, shift: u32, inexact: bool) -> u128 {
    if shift > 128 {
        return 0;
    }
    let quotient = wide.checked_shr(shift).unwrap_or(0);
    let half = 1u128 << (shift - 1);
    let rest = wide - quotient.checked_shl(shift).unwrap_or(0);
    let up = rest > half || (rest == half && (inexact || quotient & 1 == 1));
    quotient + u128::from(up)
}

/// An unsigned decimal as it was written: digits around a point, times a power of ten.
struct Decimal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i32,
}

impl<'a> Decimal<'a> {
    /// Exponents are cut off here, far outside of what any number can have.
    const FAR: i32 = 100_000;

    fn parse(text: &'a [u8]) -> Option<Self> {
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&text[..at], Self::parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        let some = !whole.is_empty() || !fraction.is_empty();
        let sound = some && whole.iter().chain(fraction).all(u8::is_ascii_digit);
        sound.then_some(Self {
            whole,
            fraction,
            exponent,
        })
    }

    fn parse_exponent(text: &[u8]) -> Option<i32> {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            _ => (false, text),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0, |value: i32, digit| {
            (value * 10 + i32::from(digit - b'0')).min(Self::FAR)
        });
        Some(if negative { -value } else { value })
    }

    fn is_zero(&self) -> bool {
        self.digits().all(|digit| digit == 0)
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> + Clone + '_ {
        self.whole
            .iter()
            .chain(self.fraction)
            .map(|byte| byte - b'0')
    }

    /// The nearest number, zero if it is too small; `None` if it is too large.  Not for zero.
    fn round(&self) -> Option<Extended> {
        /// As many digits as surely fit 128 bits.
        const FAST_DIGITS: usize = 38;
        /// Ten to this power leaves a quotient of 128 bits the bits that rounding needs.
        const FAST_POWER: u32 = 18;

        let leading = self.digits().take_while(|&digit| digit == 0).count();
        let trailing = self.digits().rev().take_while(|&digit| digit == 0).count();
        let total = self.whole.len() + self.fraction.len();
        let count = total - leading - trailing;
        // The number is its digits from the first to the last that is not zero, times 10^scale.
        let scale = self.exponent - self.fraction.len() as i32 + trailing as i32;
        let digits = self.digits().skip(leading).take(count);
        let magnitude = scale + count as i32;
        if magnitude > 4_934 {
            return None;
        }
        if magnitude < -4_951 {
            return Some(Extended::ZERO);
        }
        if count <= FAST_DIGITS {
            let integer = digits
                .clone()
                .fold(0, |integer: u128, digit| integer * 10 + u128::from(digit));
            if scale <= 0 && scale.unsigned_abs() <= FAST_POWER {
                let power = u128::from(10u64.pow(scale.unsigned_abs()));
                let shift = integer.leading_zeros();
                let wide = integer << shift;
                return Extended::round(wide / power, -(shift as i32), wide % power != 0);
            }
            if scale > 0 && scale as usize + count <= FAST_DIGITS {
                return Extended::round(integer * 10u128.pow(scale as u32), 0, false);
            }
        }
        let mut integer = Big::from_u64(0);
        for digit in digits {
            integer.multiply_add(10, u32::from(digit));
        }
        if scale >= 0 {
            integer.scale_by_ten(scale as u32);
            let (wide, exponent, inexact) = integer.top();
            return Extended::round(wide, exponent, inexact);
        }
        let mut power = Big::from_u64(1);
        power.scale_by_ten(scale.unsigned_abs());
        // As many bits more than the divisor as make a quotient of 100.
        let shift = (power.bits() + 100).saturating_sub(integer.bits());
        integer.shift_left(shift);
        let (quotient, inexact) = integer.divide(&power);
        let (wide, exponent, cut) = quotient.top();
        Extended::round(wide, exponent - shift as i32, inexact || cut)
    }
}

/// A natural number of any size, for the few that do not fit 128 bits.
#[derive(Clone)]
struct Big {
    /// From the lowest; the last is not zero.
    limbs: Vec<u32>,
}

impl Big {
    fn from_u64(value: u64) -> Self {
        let mut big = Self {
            limbs: vec![value as u32, (value >> 32) as u32],
        };
        big.trim();
        big
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    fn bits(&self) -> u32 {
        self.limbs.last().map_or(0, |last| {
            self.limbs.len() as u32 * 32 - last.leading_zeros()
        })
    }

    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry != 0 {
            self.limbs.push(carry as u32);
        }
    }

    fn scale_by_ten(&mut self, power: u32) {
        for _ in 0..power / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        self.multiply_add(10u32.pow(power % 9), 0);
    }

    fn shift_left(&mut self, bits: u32) {
        self.multiply_add(1 << (bits % 32), 0);
        if !self.limbs.is_empty() {
            self.limbs
                .splice(0..0, std::iter::repeat_n(0, bits as usize / 32));
        }
    }

    /// The highest 97 to 128 bits, the weight of the lowest of them, and whether any was cut off.
    fn top(&self) -> (u128, i32, bool) {
        let below = self.limbs.len().saturating_sub(4);
        let wide = self.limbs[below..]
            .iter()
            .rev()
            .fold(0, |wide: u128, &limb| wide << 32 | u128::from(limb));
        (
            wide,
            below as i32 * 32,
            self.limbs[..below].iter().any(|&limb| limb != 0),
        )
    }

    /// The quotient, and whether anything remains: school division, with a quotient digit estimated
    /// from the leading limbs.
    fn divide(mut self, divisor: &Self) -> (Self, bool) {
        // With the divisor's top bit set an estimate is at most two too large.
        let align = (32 - divisor.bits() % 32) % 32;
        let mut divisor = divisor.clone();
        divisor.shift_left(align);
        self.shift_left(align);
        self.limbs.push(0);
        let size = divisor.limbs.len();
        let lead = u64::from(divisor.limbs[size - 1]);
        let mut quotient = vec![0; self.limbs.len().saturating_sub(size)];
        for at in (0..quotient.len()).rev() {
            let window = &mut self.limbs[at..=at + size];
            let head = u64::from(window[size]) << 32 | u64::from(window[size - 1]);
            let mut digit = (head / lead).min(u64::from(u32::MAX));
            // Take digit * divisor off the window; while that leaves less than nothing, give back.
            let mut borrow = 0i64;
            let mut carry = 0u64;
            for (limb, &d) in window.iter_mut().zip(divisor.limbs.iter().chain(&[0])) {
                carry += u64::from(d) * digit;
                let difference = i64::from(*limb) - (carry & 0xffff_ffff) as i64 + borrow;
                *limb = difference as u32;
                borrow = difference >> 32;
                carry >>= 32;
            }
            while borrow < 0 {
                digit -= 1;
                let mut carry = 0u64;
                for (limb, &d) in window.iter_mut().zip(divisor.limbs.iter().chain(&[0])) {
                    carry += u64::from(*limb) + u64::from(d);
                    *limb = carry as u32;
                    carry >>= 32;
                }
                borrow += carry as i64;
            }
            quotient[at] = digit as u32;
        }
        let mut quotient = Self { limbs: quotient };
        quotient.trim();
        (quotient, self.limbs.iter().any(|&limb| limb != 0))
    }

    fn write_decimal(mut self, text: &mut String) {
        let mut groups = Vec::new();
        while !self.limbs.is_empty() {
            let mut rest = 0u64;
            for limb in self.limbs.iter_mut().rev() {
                rest = rest << 32 | u64::from(*limb);
                *limb = (rest / 1_000_000_000) as u32;
                rest %= 1_000_000_000;
            }
            self.trim();
            groups.push(rest as i64);
        }
        for (i, &group) in groups.iter().rev().enumerate() {
            let digits = format_i64(group);
            if i > 0 {
                text.extend(std::iter::repeat_n('0', 9 - digits.len()));
            }
            text.push_str(&digits);
        }
    }
}

#[cfg(test)]
mod tests;
