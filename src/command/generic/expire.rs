//! Times to live: EXPIRE, TTL and their relatives, PERSIST.

use crate::clock::UnixMillis;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::expiry::{Basis, Form, Unit};
use crate::keyspace::Event;
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub(super) fn expire(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::EX)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpire(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::PX)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub(super) fn expireat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::EXAT)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpireat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::PXAT)
}

/// When an expiry is set, by what the key has.  HEXPIRE takes one of these; EXPIRE any that agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ExpireConditions {
    /// Only where there is none.
    pub(crate) if_none: bool,
    /// Only where there is one.
    pub(crate) if_some: bool,
    /// Only to a later moment; no expiry is the latest.
    pub(crate) if_later: bool,
    /// Only to an earlier moment.
    pub(crate) if_earlier: bool,
}

impl ExpireConditions {
    /// Takes in an option's word.
    pub(crate) fn take(&mut self, word: &[u8]) -> Result<(), ReplyError> {
        let option = match word.to_ascii_uppercase().as_slice() {
            b"NX" => &mut self.if_none,
            b"XX" => &mut self.if_some,
            b"GT" => &mut self.if_later,
            b"LT" => &mut self.if_earlier,
            _ => {
                return Err(ReplyError::err(format!(
                    "Unsupported option {}",
                    String::from_utf8_lossy(word)
                )));
            }
        };
        *option = true;
        Ok(())
    }

    /// Whether the conditions go together.
    pub(crate) fn check(self) -> Result<(), ReplyError> {
        if self.if_none && (self.if_some || self.if_later || self.if_earlier) {
            return Err(ReplyError::new(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if self.if_later && self.if_earlier {
            return Err(ReplyError::new(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(())
    }

    fn parse(words: Args<'_>) -> Result<Self, ReplyError> {
        let mut conditions = Self::default();
        words.iter().try_for_each(|word| conditions.take(word))?;
        conditions.check()?;
        Ok(conditions)
    }

    /// Whether an expiry at `new` may replace `current`.
    pub(crate) fn allow(self, current: Option<UnixMillis>, new: UnixMillis) -> bool {
        !(self.if_none && current.is_some()
            || self.if_some && current.is_none()
            || self.if_later && current.is_none_or(|current| new <= current)
            || self.if_earlier && current.is_some_and(|current| new >= current))
    }
}

fn expire_in_form(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let conditions = ExpireConditions::parse(args.rest(3))?;
    let amount = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let moment = form
        .to_moment(amount, ctx.now)
        .ok_or_else(|| ReplyError::invalid_expire(ctx.command.name))?;
    let (key, now, counters) = (args.at(1), ctx.now, ctx.keys.counters());
    let done = match ctx.keys.edit(key) {
        Some(mut found) if conditions.allow(found.expiry(), moment) => {
            if moment <= now {
                found.delete(Event::EXPIRED);
                counters.expired_keys.bump();
            } else {
                found.set_expiry(Some(moment), Event::EXPIRE);
            }
            true
        }
        _ => false,
    };
    if done {
        ctx.keys.effect_instead(|| {
            vec![if moment <= now {
                OwnedArgs::from_iter([b"DEL", key])
            } else {
                OwnedArgs::from_iter([
                    &b"PEXPIREAT"[..],
                    key,
                    itoa::Buffer::new().format(moment).as_bytes(),
                ])
            }]
        });
    }
    ctx.reply.int(i64::from(done));
    Ok(Outcome::Done)
}

/// `PERSIST key`
pub(super) fn persist(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let done = match ctx.keys.edit(args.at(1)) {
        Some(mut found) if found.expiry().is_some() => {
            found.set_expiry(None, Event::generic("persist"));
            true
        }
        _ => false,
    };
    ctx.reply.int(i64::from(done));
    Ok(Outcome::Done)
}

/// `TTL key`
pub(super) fn ttl(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::EX)
}

/// `PTTL key`
pub(super) fn pttl(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::PX)
}

/// `EXPIRETIME key`
pub(super) fn expiretime(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::EXAT)
}

/// `PEXPIRETIME key`
pub(super) fn pexpiretime(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::PXAT)
}

/// A moment in the form that a command answers in; seconds are rounded to the nearest.
pub(crate) fn moment_in(form: Form, moment: UnixMillis, now: UnixMillis) -> i64 {
    let millis = match form.basis {
        Basis::Now => (moment - now).max(0),
        Basis::Epoch => moment,
    };
    match form.unit {
        Unit::Millis => millis,
        Unit::Seconds => millis.saturating_add(500) / 1000,
    }
}

/// -2: there is no such key; -1: it has no expiry.
fn tell(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let now = ctx.now;
    let answer = match ctx.keys.look(args.at(1)) {
        None => -2,
        Some(record) => record
            .expiry()
            .map_or(-1, |moment| moment_in(form, moment, now)),
    };
    ctx.reply.int(answer);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let with = |word: &[u8]| {
            let mut conditions = ExpireConditions::default();
            conditions.take(word).expect("a condition");
            conditions
        };
        assert!(with(b"nx").allow(None, 5) && !with(b"nx").allow(Some(9), 5));
        assert!(!with(b"xx").allow(None, 5) && with(b"xx").allow(Some(9), 5));
        assert!(
            !with(b"gt").allow(None, 5)
                && !with(b"gt").allow(Some(5), 5)
                && with(b"gt").allow(Some(4), 5)
        );
        assert!(
            with(b"lt").allow(None, 5)
                && !with(b"lt").allow(Some(5), 5)
                && with(b"lt").allow(Some(6), 5)
        );
    }

    #[test]
    fn seconds_are_rounded() {
        assert_eq!(moment_in(Form::EX, 10_500, 0), 11);
        assert_eq!(moment_in(Form::EX, 10_499, 0), 10);
        assert_eq!(moment_in(Form::PX, 10_499, 499), 10_000);
        assert_eq!(moment_in(Form::EXAT, 10_499, 5_000), 10);
    }
}
