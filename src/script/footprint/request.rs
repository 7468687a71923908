//! The arguments of a command that the source calls.

use super::kind::Kind;
use super::tree::Expression;
use super::{Commands, Place};

/// Values in a row: the arguments of a call, what is assigned or returned.
pub(super) struct Values<'a> {
    /// One for each expression.
    pub(super) kinds: Vec<Kind<'a>>,
    /// If the last expression can be any number of values: what all of them but the first are.
    pub(super) rest: Option<Kind<'a>>,
}

impl<'a> Values<'a> {
    /// The value at this place.
    pub(super) fn at(&self, index: usize) -> Kind<'a> {
        let behind = self.rest.unwrap_or(Kind::Nothing);
        self.kinds.get(index).copied().unwrap_or(behind)
    }

    /// The values without the first.
    pub(super) fn behind_first(&self) -> Values<'a> {
        Values {
            kinds: self.kinds[1..].to_vec(),
            rest: self.rest,
        }
    }

    /// How many values are certainly there.
    pub(super) fn certain(&self) -> usize {
        self.kinds.len() - usize::from(self.rest.is_some())
    }
}

/// Whether a command of these arguments, from number `name` on, touches only declared keys.
pub(super) fn is_within_keys(
    expressions: &[Expression<'_>],
    values: &Values<'_>,
    name: usize,
    commands: &Commands<'_>,
) -> bool {
    let request = Request {
        expressions: expressions.get(name..).unwrap_or_default(),
        values,
        name,
    };
    let (Kind::Words(names), true) = (values.at(name), name < values.certain()) else {
        return false;
    };
    let mut known = names.iter().peekable();
    // Without a name that is one, there is none to ask for.
    known.peek().is_some()
        && known.all(|name| {
            commands(&name.to_ascii_lowercase(), request.constant(1))
                .is_some_and(|places| places.iter().all(|place| request.has_keys_at(*place)))
        })
}

/// Arguments counted from the command's name.
struct Request<'r, 'a> {
    expressions: &'r [Expression<'a>],
    values: &'r Values<'a>,
    name: usize,
}

impl<'a> Request<'_, 'a> {
    fn is_certain(&self, index: usize) -> bool {
        self.name + index < self.values.certain()
    }

    fn is_safe_key(&self, index: usize) -> bool {
        self.values.at(self.name + index).is_safe_key()
    }

    /// The argument, if it is one string that was written out.
    fn constant(&self, index: usize) -> Option<&'a [u8]> {
        let Kind::Words(words) = self.values.at(self.name + index) else {
            return None;
        };
        let mut words = words.iter();
        let word = words.next()?;
        (self.is_certain(index) && words.next().is_none()).then_some(word)
    }

    /// The argument, if it is a number that was written out.
    fn number(&self, index: usize) -> Option<usize> {
        let (Expression::Number(digits) | Expression::Text(Some(digits))) =
            self.expressions.get(index)?
        else {
            return None;
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Whether every argument that can be a key by this rule is a declared one. One that is not there is none: the command
    /// fails.
    fn has_keys_at(&self, place: Place) -> bool {
        let given = self.expressions.len();
        let (first, step, behind) = match place {
            Place::Range { first, last, step } => {
                let behind = match usize::try_from(last) {
                    Ok(last) => Some(last.saturating_add(1)),
                    Err(_) if self.values.rest.is_some() => None,
                    Err(_) => Some((given + 1).saturating_sub(last.unsigned_abs())),
                };
                (first, step, behind)
            }
            Place::Counted {
                number,
                first,
                step,
            } => {
                let span = |count: usize| first.saturating_add(count.saturating_mul(step));
                (first, step, self.number(number).map(span))
            }
        };
        // Without an end that is known, all that follows must be keys.
        let behind = behind.unwrap_or(usize::MAX);
        let may_reach_rest = behind > given && self.values.rest.is_some();
        (first..behind.min(given))
            .step_by(step.max(1))
            .all(|index| self.is_safe_key(index))
            && (!may_reach_rest || self.values.rest.is_some_and(Kind::is_safe_key))
    }
}
