//! Values of parameters: reading them from words, showing them as CONFIG GET does, and as CONFIG REWRITE does.
//!
//! Reading is pure: it touches no setting, so that a CONFIG SET of several parameters can be checked as a whole before
//! anything changes. The error texts are those of CONFIG SET.

use std::borrow::Cow;
use std::sync::Arc;

use super::event::{EventClasses, INVALID_CLASS};
use super::parameter::{Kind, Parameter, Unit};

/// A value as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number (negative ones in two's complement), 0 or 1, the position of a word, or a set of bits.
    Number(u64),
    /// Text in its normal form.
    Text(Arc<str>),
}

/// Why a value was not taken: the text that follows the name in CONFIG SET's error.
pub type Reason = Cow<'static, str>;

/// Reads a number of bytes: digits and one of the units b, k, kb, m, mb, g, gb in any case, where k, m and g are
/// powers of 1000 and kb, mb and gb powers of 1024. Nothing at all is 0, as for the peers. `None` if it is none, or beyond 64 bits.
pub fn parse_memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    if text.is_empty() {
        return Some(0);
    }
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// Shows a number of bytes with the largest unit that divides it, as configuration files do.
pub fn format_memory(bytes: u64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// Reads a whole number as the peers do: no sign but `-`, no leading zero, no space, 64 bits.
pub fn parse_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !digits.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl Kind {
    /// Reads the words of a new value. `current` is the text so far: some kinds change only a part of it.
    ///
    /// # Errors
    /// Says what is wrong with the value, in CONFIG SET's words.
    pub fn parse(&self, words: &[&str], current: &str) -> Result<Value, Reason> {
        let one = || match words {
            [word] => Ok(*word),
            _ => Err(Reason::Borrowed("wrong number of arguments")),
        };
        match self {
            Self::YesNo => match one()? {
                word if word.eq_ignore_ascii_case("yes") => Ok(Value::Number(1)),
                word if word.eq_ignore_ascii_case("no") => Ok(Value::Number(0)),
                _ => Err("argument must be 'yes' or 'no'".into()),
            },
            Self::Number { min, max, unit } => parse_number(one()?, *min, *max, *unit),
            Self::Choice(choices) => {
                let word = one()?;
                let found = choices
                    .iter()
                    .position(|choice| choice.eq_ignore_ascii_case(word));
                found
                    .map(|position| Value::Number(position as u64))
                    .ok_or_else(|| not_one_of(choices))
            }
            Self::Flags(flags) => parse_flags(words, flags),
            Self::Events => match EventClasses::parse(one()?) {
                Some(classes) => Ok(Value::Number(classes.0.into())),
                None => Err(INVALID_CLASS.into()),
            },
            Self::Text(check) => {
                let word = one()?;
                check(word)?;
                Ok(Value::Text(word.into()))
            }
            Self::Words(normalise) => Ok(Value::Text(normalise(words, current)?.into())),
        }
    }

    /// Shows a value as CONFIG GET does.
    pub fn format(&self, value: &Value) -> String {
        let number = match value {
            Value::Text(text) => return text.to_string(),
            Value::Number(number) => *number,
        };
        let signed = number.cast_signed();
        match self {
            Self::YesNo => (if number == 0 { "no" } else { "yes" }).to_owned(),
            Self::Number {
                unit: Unit::Octal, ..
            } => format!("{number:o}"),
            Self::Number {
                unit: Unit::MemoryOrPercent | Unit::MemoryOrShare,
                ..
            } if signed < 0 => format!("{}%", -signed),
            Self::Number { min, .. } if *min < 0 => signed.to_string(),
            Self::Number { .. } => number.to_string(),
            Self::Choice(words) => word_at(words, number).to_owned(),
            Self::Flags(words) if number == 0 => word_at(words, 0).to_owned(),
            Self::Flags(words) => {
                let set = words
                    .iter()
                    .skip(1)
                    .enumerate()
                    .filter(|(bit, _)| number >> bit & 1 == 1);
                set.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
            }
            Self::Events => EventClasses(u32::try_from(number).unwrap_or(0)).to_string(),
            Self::Text(_) | Self::Words(_) => String::new(),
        }
    }

    /// Shows a value as a configuration file should: like [`Kind::format`], with units for memory.
    pub fn format_for_file(&self, value: &Value) -> String {
        match (self, value) {
            (
                Self::Number {
                    unit: Unit::Memory, ..
                },
                Value::Number(number),
            ) => format_memory(*number),
            (
                Self::Number {
                    unit: Unit::MemoryOrPercent | Unit::MemoryOrShare,
                    ..
                },
                Value::Number(number),
            ) if number.cast_signed() >= 0 => format_memory(*number),
            _ => self.format(value),
        }
    }
}

impl Parameter {
    /// The default as a value.
    ///
    /// # Panics
    /// If the table declares a default that its own kind refuses; a test reads every default.
    pub fn default_value(&self) -> Value {
        let words: Vec<&str> = match self.kind {
            Kind::Words(_) => self.default.split_whitespace().collect(),
            _ => vec![self.default],
        };
        match self.kind.parse(&words, "") {
            Ok(value) => value,
            Err(why) => panic!("the default of {} is wrong: {why}", self.name),
        }
    }
}

fn word_at(words: &'static [&'static str], position: u64) -> &'static str {
    usize::try_from(position)
        .ok()
        .and_then(|position| words.get(position))
        .copied()
        .unwrap_or("unknown")
}

fn not_one_of(words: &[&str]) -> Reason {
    format!(
        "argument(s) must be one of the following: {}",
        words.join(", ")
    )
    .into()
}

fn parse_flags(words: &[&str], flags: &[&str]) -> Result<Value, Reason> {
    if words.is_empty() {
        return Err(not_one_of(flags));
    }
    let mut set = 0;
    for word in words {
        match flags
            .iter()
            .position(|flag| flag.eq_ignore_ascii_case(word))
        {
            Some(0) => {}
            Some(position) => set |= 1 << (position - 1),
            None => return Err(not_one_of(flags)),
        }
    }
    // `shutdown-on-sigint` and `shutdown-on-sigterm` are the only parameters of this kind.
    let both = ["save", "nosave"].map(|word| flags.iter().position(|flag| *flag == word));
    if let [Some(save), Some(nosave)] = both
        && set >> (save - 1) & 1 == 1
        && set >> (nosave - 1) & 1 == 1
    {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::Number(set))
}

fn parse_number(word: &str, min: i128, max: i128, unit: Unit) -> Result<Value, Reason> {
    let percent = || {
        word.strip_suffix('%')
            .and_then(parse_integer)
            .filter(|percent| *percent >= 0)
    };
    let read: Option<i128> = match unit {
        Unit::Plain => parse_integer(word).map(i128::from),
        Unit::Memory => parse_memory(word).map(i128::from),
        Unit::MemoryOrPercent | Unit::MemoryOrShare => parse_memory(word)
            .map(i128::from)
            .or_else(|| percent().map(|p| -i128::from(p))),
        Unit::Octal => i64::from_str_radix(word, 8).ok().map(i128::from),
    };
    let Some(number) = read else {
        return Err(Reason::Borrowed(match unit {
            Unit::Plain => "argument couldn't be parsed into an integer",
            Unit::Memory | Unit::MemoryOrShare => "argument must be a memory value",
            Unit::MemoryOrPercent => "argument must be a memory or percent value",
            Unit::Octal => "argument couldn't be parsed as an octal number",
        }));
    };
    if (min..=max).contains(&number) {
        // In range, a number fits into 64 bits; negative ones wrap into two's complement.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        return Ok(Value::Number(number as u64));
    }
    Err(match unit {
        Unit::MemoryOrPercent | Unit::MemoryOrShare if number < 0 => {
            format!("percentage argument must be less or equal to {}", -min)
        }
        Unit::Octal => format!("argument must be between {min:o} and {max:o} inclusive"),
        _ => format!("argument must be between {min} and {max} inclusive"),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, unit: Unit) -> Result<Value, Reason> {
        Kind::Number {
            min: -100,
            max: i64::MAX.into(),
            unit,
        }
        .parse(&[text], "")
    }

    #[test]
    fn memory_units_are_powers_of_1000_or_of_1024() {
        for (text, bytes) in [
            ("", 0),
            ("7", 7),
            ("7B", 7),
            ("1k", 1000),
            ("1Kb", 1024),
            ("2m", 2_000_000),
            ("2mb", 2 << 20),
            ("1g", 1_000_000_000),
            ("3GB", 3 << 30),
        ] {
            assert_eq!(parse_memory(text), Some(bytes), "{text}");
        }
        for text in [
            "-1",
            "1x",
            "kb",
            "1 kb",
            "1.5gb",
            "99999999999999999999",
            "99999999999gb",
        ] {
            assert_eq!(parse_memory(text), None, "{text}");
        }
    }

    #[test]
    fn memory_is_written_with_the_largest_unit_that_divides_it() {
        for (bytes, text) in [
            (0, "0"),
            (1000, "1000"),
            (1024, "1kb"),
            (3 << 20, "3mb"),
            (5 << 30, "5gb"),
            (1025, "1025"),
        ] {
            assert_eq!(format_memory(bytes), text);
        }
    }

    #[test]
    fn integers_are_strict() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "1 ",
            " 1",
            "1e3",
            "0x10",
            "9223372036854775808",
        ] {
            assert_eq!(parse_integer(text), None, "{text}");
        }
        assert_eq!(parse_integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer("0"), Some(0));
    }

    #[test]
    fn errors_say_what_the_peers_say() {
        let text = |result: Result<Value, Reason>| result.unwrap_err().into_owned();
        assert_eq!(
            text(Kind::YesNo.parse(&["maybe"], "")),
            "argument must be 'yes' or 'no'"
        );
        assert_eq!(
            text(number("x", Unit::Plain)),
            "argument couldn't be parsed into an integer"
        );
        assert_eq!(
            text(number("x", Unit::Memory)),
            "argument must be a memory value"
        );
        assert_eq!(
            text(number("x", Unit::MemoryOrPercent)),
            "argument must be a memory or percent value"
        );
        assert_eq!(
            text(number("9", Unit::Octal)),
            "argument couldn't be parsed as an octal number"
        );
        assert_eq!(
            text(number("101%", Unit::MemoryOrPercent)),
            "percentage argument must be less or equal to 100"
        );
        assert_eq!(
            text(number("-101", Unit::Plain)),
            "argument must be between -100 and 9223372036854775807 inclusive"
        );
        let permissions = Kind::Number {
            min: 0,
            max: 0o777,
            unit: Unit::Octal,
        };
        assert_eq!(
            text(permissions.parse(&["1000"], "")),
            "argument must be between 0 and 777 inclusive"
        );
        assert_eq!(
            text(Kind::Choice(&["a", "b"]).parse(&["c"], "")),
            "argument(s) must be one of the following: a, b"
        );
        assert_eq!(
            text(Kind::YesNo.parse(&["yes", "no"], "")),
            "wrong number of arguments"
        );
    }

    #[test]
    fn percentages_keep_their_sign_of_percent() {
        let kind = Kind::Number {
            min: -100,
            max: i64::MAX.into(),
            unit: Unit::MemoryOrPercent,
        };
        let value = kind.parse(&["5%"], "").unwrap();
        assert_eq!(kind.format(&value), "5%");
        assert_eq!(
            kind.format_for_file(&kind.parse(&["1024"], "").unwrap()),
            "1kb"
        );
    }

    #[test]
    fn flags_are_shown_in_the_order_of_the_table() {
        let kind = Kind::Flags(&["default", "save", "nosave", "now", "force"]);
        assert_eq!(
            kind.format(&kind.parse(&["force", "NOW"], "").unwrap()),
            "now force"
        );
        assert_eq!(
            kind.format(&kind.parse(&["default"], "").unwrap()),
            "default"
        );
        assert!(kind.parse(&["save", "nosave"], "").is_err());
    }
}
