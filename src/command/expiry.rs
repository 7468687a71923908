//! Options that give a key or a field its time to live (`EX`, `PX`, `EXAT`, `PXAT`), shared by every command that has them.

use crate::clock::UnixMillis;
use crate::resp::ReplyError;
use crate::value::number;

/// A unit of time in an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
}

/// What a time in an argument counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// From now: a time to live.
    Now,
    /// From the Unix epoch: a moment.
    Epoch,
}

/// One of the four ways to write an expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The unit.
    pub unit: Unit,
    /// What it counts from.
    pub basis: Basis,
}

impl Form {
    /// `EX`: seconds from now.
    pub const EX: Self = Self {
        unit: Unit::Seconds,
        basis: Basis::Now,
    };
    /// `PX`: milliseconds from now.
    pub const PX: Self = Self {
        unit: Unit::Millis,
        basis: Basis::Now,
    };
    /// `EXAT`: seconds since the epoch.
    pub const EXAT: Self = Self {
        unit: Unit::Seconds,
        basis: Basis::Epoch,
    };
    /// `PXAT`: milliseconds since the epoch.
    pub const PXAT: Self = Self {
        unit: Unit::Millis,
        basis: Basis::Epoch,
    };

    /// The form that an option's word stands for.
    pub fn from_option(word: &[u8]) -> Option<Self> {
        if word.eq_ignore_ascii_case(b"EX") {
            Some(Self::EX)
        } else if word.eq_ignore_ascii_case(b"PX") {
            Some(Self::PX)
        } else if word.eq_ignore_ascii_case(b"EXAT") {
            Some(Self::EXAT)
        } else if word.eq_ignore_ascii_case(b"PXAT") {
            Some(Self::PXAT)
        } else {
            None
        }
    }

    /// The moment that `argument` names, for the command `command` (its name in small letters, for the error).
    ///
    /// Times of zero and below, and those that overflow, are errors.
    pub fn moment(
        self,
        argument: &[u8],
        now: UnixMillis,
        command: &str,
    ) -> Result<UnixMillis, ReplyError> {
        let amount = number::parse_i64(argument).ok_or(ReplyError::NOT_INTEGER)?;
        Some(amount)
            .filter(|amount| *amount > 0)
            .and_then(|amount| self.to_moment(amount, now))
            .ok_or_else(|| ReplyError::invalid_expire(command))
    }

    /// The moment that an amount names; `None` on overflow.
    pub fn to_moment(self, amount: i64, now: UnixMillis) -> Option<UnixMillis> {
        let millis = match self.unit {
            Unit::Seconds => amount.checked_mul(1000)?,
            Unit::Millis => amount,
        };
        match self.basis {
            Basis::Now => millis.checked_add(now),
            Basis::Epoch => Some(millis),
        }
    }
}
