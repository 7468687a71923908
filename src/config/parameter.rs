//! What a parameter is: its name, its kind of value, its default, and what Larder does with it.
//!
//! The types are built by `const` functions, so that the table is data that the compiler checks: a line of it reads
//! `number("port", 0, 65_535, "6379").honoured("TCP port; 0 means none.")`.

use super::choice::Choice;

/// A parameter as the table declares it.
#[derive(Clone, Copy)]
pub struct Parameter {
    /// The name that CONFIG REWRITE writes and the documents show.
    pub name: &'static str,
    /// Older names of the same parameter; they work everywhere the name does.
    pub aliases: &'static [&'static str],
    /// What values it takes and how they are shown.
    pub kind: Kind,
    /// The default, as one would write it.
    pub default: &'static str,
    /// What Larder does with it.
    pub status: Status,
    /// Whether CONFIG SET may change it.
    pub mutability: Mutability,
    /// A value that must never be logged: a password.
    pub sensitive: bool,
    /// Setting it acts even if the value stays: a file that is read again.
    pub reapplied: bool,
    /// A restriction on its values, on top of its kind.
    pub restriction: Restriction,
    /// One line for people; units included.
    pub about: &'static str,
}

/// What Larder does with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what it says.
    Honoured,
    /// It is accepted, kept and shown; ignoring it harms nobody.
    Kept,
}

/// When a parameter may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// By CONFIG SET at any time.
    Any,
    /// By CONFIG SET where `enable-protected-configs` allows it.
    Protected,
    /// Only by a file or the command line.
    AtStart,
}

/// A value that the peers would take but that would deceive here.
#[derive(Clone, Copy, Debug)]
pub enum Restriction {
    /// Every value of the kind is taken.
    None,
    /// Only this value is taken; any other stops the start, and CONFIG SET answers with the reason.
    Only {
        /// The one value, as CONFIG GET shows it.
        value: &'static str,
        /// Why another is refused.
        why: &'static str,
    },
    /// Any other value than this one is taken at start with a warning. CONFIG SET refuses it when `at_run_time`.
    Warn {
        /// The value that needs no warning, as CONFIG GET shows it.
        value: &'static str,
        /// What the user should know.
        why: &'static str,
        /// Whether CONFIG SET refuses other values (rather than warning too).
        refuse_later: bool,
    },
}

/// What values a parameter takes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// A whole number.
    Number {
        /// The smallest value.
        min: i128,
        /// The largest value.
        max: i128,
        /// How it is written.
        unit: Unit,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any of these words together; the first stands for none of them.
    Flags(&'static [&'static str]),
    /// Letters of event classes.
    Events,
    /// Any text that the function accepts.
    Text(fn(&str) -> Result<(), &'static str>),
    /// Several words. The function gets the new words and the text so far, and gives the new text in its normal form.
    Words(fn(&[&str], &str) -> Result<String, String>),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Digits.
    Plain,
    /// Digits and a unit such as `mb`; shown in bytes.
    Memory,
    /// Like `Memory`, or a percentage of what there is, which the store holds as a negative number.
    MemoryOrPercent,
    /// The same, for which the peers know no percentage: whoever writes nonsense hears what they say.
    MemoryOrShare,
    /// Octal digits (file permissions).
    Octal,
}

/// The largest value of the C types that the peers' ranges are made of.
pub(super) const INT: i128 = i32::MAX as i128;
/// See [`INT`].
pub(super) const UINT: i128 = u32::MAX as i128;
/// See [`INT`].
pub(super) const LONG: i128 = i64::MAX as i128;
/// See [`INT`].
pub(super) const ULONG: i128 = u64::MAX as i128;

const fn parameter(name: &'static str, kind: Kind, default: &'static str) -> Parameter {
    Parameter {
        name,
        aliases: &[],
        kind,
        default,
        status: Status::Kept,
        mutability: Mutability::Any,
        sensitive: false,
        reapplied: false,
        restriction: Restriction::None,
        about: "",
    }
}

/// A parameter that is `yes` or `no`.
pub(super) const fn yes_no(name: &'static str, default: &'static str) -> Parameter {
    parameter(name, Kind::YesNo, default)
}

/// A whole number from `min` to `max`.
pub(super) const fn number(
    name: &'static str,
    min: i128,
    max: i128,
    default: &'static str,
) -> Parameter {
    parameter(
        name,
        Kind::Number {
            min,
            max,
            unit: Unit::Plain,
        },
        default,
    )
}

/// A number of bytes from `min` to `max`.
pub(super) const fn memory(
    name: &'static str,
    min: i128,
    max: i128,
    default: &'static str,
) -> Parameter {
    parameter(
        name,
        Kind::Number {
            min,
            max,
            unit: Unit::Memory,
        },
        default,
    )
}

/// A number of bytes, or a percentage of what there is.
pub(super) const fn memory_or_percent(name: &'static str, default: &'static str) -> Parameter {
    parameter(
        name,
        Kind::Number {
            min: -100,
            max: LONG,
            unit: Unit::MemoryOrPercent,
        },
        default,
    )
}

/// A number of bytes, or a percentage of what there is, where the peers know bytes alone.
pub(super) const fn memory_or_share(name: &'static str, default: &'static str) -> Parameter {
    parameter(
        name,
        Kind::Number {
            min: -100,
            max: LONG,
            unit: Unit::MemoryOrShare,
        },
        default,
    )
}

/// File permissions in octal digits.
pub(super) const fn permissions(name: &'static str, default: &'static str) -> Parameter {
    parameter(
        name,
        Kind::Number {
            min: 0,
            max: 0o777,
            unit: Unit::Octal,
        },
        default,
    )
}

/// One word of those given.
pub(super) const fn one_of(
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
) -> Parameter {
    parameter(name, Kind::Choice(words), default)
}

/// One word of those that an enum of [`super::choice`] declares.
pub(super) const fn choice<C: Choice>(name: &'static str, default: &'static str) -> Parameter {
    one_of(name, C::WORDS, default)
}

/// Any of the words given, together.
pub(super) const fn flags(
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
) -> Parameter {
    parameter(name, Kind::Flags(words), default)
}

/// Event classes.
pub(super) const fn events(name: &'static str) -> Parameter {
    parameter(name, Kind::Events, "")
}

/// Free text.
pub(super) const fn text(name: &'static str, default: &'static str) -> Parameter {
    const fn any(_: &str) -> Result<(), &'static str> {
        Ok(())
    }
    parameter(name, Kind::Text(any), default)
}

/// Several words in the form that `normalise` knows.
pub(super) const fn words(
    name: &'static str,
    normalise: fn(&[&str], &str) -> Result<String, String>,
    default: &'static str,
) -> Parameter {
    parameter(name, Kind::Words(normalise), default)
}

impl Parameter {
    /// Larder does what this parameter says.
    pub(super) const fn honoured(mut self, about: &'static str) -> Self {
        self.status = Status::Honoured;
        self.about = about;
        self
    }

    /// Larder accepts, keeps and shows this parameter.
    pub(super) const fn kept(mut self, about: &'static str) -> Self {
        self.status = Status::Kept;
        self.about = about;
        self
    }

    /// Other names of it.
    pub(super) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// CONFIG SET cannot change it.
    pub(super) const fn fixed(mut self) -> Self {
        self.mutability = Mutability::AtStart;
        self
    }

    /// CONFIG SET changes it only where `enable-protected-configs` allows it.
    pub(super) const fn protected(mut self) -> Self {
        self.mutability = Mutability::Protected;
        self
    }

    /// Its value is never logged.
    pub(super) const fn secret(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Setting it acts even if the value stays.
    pub(super) const fn reapplied(mut self) -> Self {
        self.reapplied = true;
        self
    }

    /// A text that must pass a test.
    pub(super) const fn checked(mut self, check: fn(&str) -> Result<(), &'static str>) -> Self {
        self.kind = Kind::Text(check);
        self
    }

    /// Values other than this one are refused, with the reason.
    pub(super) const fn only(mut self, value: &'static str, why: &'static str) -> Self {
        self.restriction = Restriction::Only { value, why };
        self
    }

    /// Values other than this one get a warning, at start and from CONFIG SET.
    pub(super) const fn warn(mut self, value: &'static str, why: &'static str) -> Self {
        self.restriction = Restriction::Warn {
            value,
            why,
            refuse_later: false,
        };
        self
    }

    /// Values other than this one get a warning at start, and an error from CONFIG SET.
    pub(super) const fn warn_at_start(mut self, value: &'static str, why: &'static str) -> Self {
        self.restriction = Restriction::Warn {
            value,
            why,
            refuse_later: true,
        };
        self
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// True if `name` is this parameter's name or one of its aliases, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    }

    /// True if it takes several words (`save 60 1`), so that one quoted argument is split.
    pub fn takes_words(&self) -> bool {
        matches!(self.kind, Kind::Words(_) | Kind::Flags(_))
    }

    /// True if its value is text rather than a number or the position of a word.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Words(_))
    }
}
