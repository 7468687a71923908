//! BITFIELD and BITFIELD_RO: integers of any width within a string.
//!
//! Everything is read before the first operation is done. The string grows once, to the end of the last field that is
//! written, whether its operation then succeeds or not.

use super::parse_offset;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::string::in_place::change_bytes;
use crate::command::string::value::StringView;
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::{bits, number};

/// The integer that a field holds: `i5`, `u16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Type {
    signed: bool,
    width: u32,
}

impl Type {
    fn parse(text: &[u8]) -> Result<Self, ReplyError> {
        let parsed = text.split_first().and_then(|(sign, width)| {
            let (signed, widest) = match sign {
                b'i' => (true, 64),
                b'u' => (false, 63),
                _ => return None,
            };
            let width = u32::try_from(number::parse_i64(width)?).ok()?;
            (1..=widest)
                .contains(&width)
                .then_some(Self { signed, width })
        });
        parsed.ok_or(ReplyError::fixed(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))
    }

    /// The least and the greatest that it holds.
    fn limits(self) -> (i128, i128) {
        if self.signed {
            let half = 1_i128 << (self.width - 1);
            (-half, half - 1)
        } else {
            (0, (1 << self.width) - 1)
        }
    }

    /// The number that the low bits of `raw` stand for; those above them are ignored.
    fn number(self, raw: u64) -> i64 {
        let above = 64 - self.width;
        if self.signed {
            (raw << above) as i64 >> above
        } else {
            (raw << above >> above) as i64
        }
    }

    /// The number that is kept for `exact`; `None` if it does not fit and must.
    fn fit(self, exact: i128, overflow: Overflow) -> Option<i64> {
        let (least, greatest) = self.limits();
        let fits = (least..=greatest).contains(&exact);
        match overflow {
            _ if fits => Some(exact as i64),
            Overflow::Wrap => Some(self.number(exact as u64)),
            Overflow::Saturate => Some(exact.clamp(least, greatest) as i64),
            Overflow::Fail => None,
        }
    }
}

/// What becomes of a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

impl Overflow {
    fn parse(word: &[u8]) -> Result<Self, ReplyError> {
        let words: [(&[u8], _); 3] = [
            (b"WRAP", Self::Wrap),
            (b"SAT", Self::Saturate),
            (b"FAIL", Self::Fail),
        ];
        words
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map(|(_, overflow)| overflow)
            .ok_or(ReplyError::fixed("ERR Invalid OVERFLOW type specified"))
    }
}

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Add(i64),
}

/// One operation on one field.
#[derive(Debug, Clone, Copy)]
struct Step {
    action: Action,
    kind: Type,
    at: u64,
    overflow: Overflow,
}

impl Step {
    /// Reads all the operations of a request.
    fn parse_all(ctx: &Context<'_>, args: Args<'_>) -> Result<Vec<Self>, ReplyError> {
        let mut steps = Vec::new();
        let mut overflow = Overflow::Wrap;
        let mut at = 2;
        while let Some(word) = args.get(at) {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            let behind = args.len() - at - 1;
            let takes_number = is(b"SET") || is(b"INCRBY");
            if is(b"OVERFLOW") && behind >= 1 {
                overflow = Overflow::parse(args.at(at + 1))?;
                at += 2;
                continue;
            }
            if !(is(b"GET") && behind >= 2 || takes_number && behind >= 3) {
                return Err(ReplyError::SYNTAX);
            }
            let kind = Type::parse(args.at(at + 1))?;
            let offset = args.at(at + 2);
            let offset = match offset.strip_prefix(b"#") {
                Some(index) => parse_offset(ctx, index, kind.width)?,
                None => parse_offset(ctx, offset, 1)?,
            };
            let action = if takes_number {
                let number = number::parse_i64(args.at(at + 3)).ok_or(ReplyError::NOT_INTEGER)?;
                if is(b"SET") {
                    Action::Set(number)
                } else {
                    Action::Add(number)
                }
            } else {
                Action::Get
            };
            steps.push(Self {
                action,
                kind,
                at: offset,
                overflow,
            });
            at += if takes_number { 4 } else { 3 };
        }
        Ok(steps)
    }

    fn read(&self, bytes: &[u8]) -> i64 {
        self.kind
            .number(bits::field(bytes, self.at, self.kind.width))
    }

    /// Does it and answers it; tells whether the field changed.
    fn run(&self, bytes: &mut [u8], reply: &mut Reply) -> bool {
        let old = self.read(bytes);
        let (new, answer) = match self.action {
            Action::Get => {
                reply.int(old);
                return false;
            }
            Action::Set(number) => {
                // What is set in an unsigned field is unsigned itself: -1 is too large, not too small.
                let exact = if self.kind.signed {
                    i128::from(number)
                } else {
                    i128::from(number as u64)
                };
                let new = self.kind.fit(exact, self.overflow);
                (new, new.and(Some(old)))
            }
            Action::Add(number) => {
                let exact = i128::from(old) + i128::from(number);
                let new = self.kind.fit(exact, self.overflow);
                (new, new)
            }
        };
        match answer {
            Some(number) => reply.int(number),
            None => reply.null(),
        }
        if let Some(new) = new {
            bits::set_field(bytes, self.at, self.kind.width, new as u64);
        }
        new.is_some_and(|new| new != old)
    }
}

/// `BITFIELD_RO key [GET encoding offset ...]`
pub(super) fn bitfield_ro(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let steps = Step::parse_all(ctx, args)?;
    if steps.iter().any(|step| step.action != Action::Get) {
        return Err(ReplyError::fixed(
            "ERR BITFIELD_RO only supports the GET subcommand",
        ));
    }
    answer(ctx, args.at(1), &steps)
}

/// Answers operations that are all `GET`.
fn answer(ctx: &mut Context<'_>, key: &[u8], steps: &[Step]) -> CommandResult {
    let mut string = StringView::read(&mut ctx.keys, key)?;
    let bytes = string.bytes();
    ctx.reply.array(steps.len());
    for step in steps {
        ctx.reply.int(step.read(bytes));
    }
    Ok(Outcome::Done)
}

/// `BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value | INCRBY encoding offset
/// increment ...]`
pub(super) fn bitfield(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let steps = Step::parse_all(ctx, args)?;
    let key = args.at(1);
    let written = steps
        .iter()
        .filter(|step| step.action != Action::Get)
        .map(|step| (step.at + u64::from(step.kind.width)).div_ceil(8) as usize);
    let Some(len) = written.max() else {
        return answer(ctx, key, &steps);
    };
    let event = Event::string("setbit");
    let reply = &mut *ctx.reply;
    let mut run_all = |bytes: &mut [u8]| {
        reply.array(steps.len());
        // Every step is run, also after one that has changed something.
        steps
            .iter()
            .fold(false, |changed, step| step.run(bytes, reply) || changed)
    };
    if let Some(mut found) = ctx.keys.edit(key) {
        let grows = StringView::of(found.record())?.bytes().len() < len;
        found.change_if(event, |record| {
            let changed = change_bytes(record, len, run_all);
            ((), changed || grows)
        });
    } else {
        let mut record = ctx.keys.draft(key, NewValue::Raw(b""));
        change_bytes(&mut record, len, &mut run_all);
        ctx.keys.put(ctx.keys.db, record, event);
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Type {
        Type::parse(text.as_bytes()).expect("it is one")
    }

    #[test]
    fn types_are_a_letter_and_a_width() {
        assert!(kind("i64").signed && kind("i64").width == 64);
        assert!(!kind("u63").signed && kind("u1").width == 1);
        for text in [
            "", "i", "u64", "i65", "u0", "i0", "x8", "U8", "u08", "u+8", "u 8", "u-1",
        ] {
            assert!(Type::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_wraps_saturates_or_fails() {
        for (text, exact, wrapped, saturated) in [
            ("u8", 256, 0, 255),
            ("u8", -1, 255, 0),
            ("i8", 128, -128, 127),
            ("i8", -129, 127, -128),
            ("u1", 3, 1, 1),
            ("i1", 1, -1, 0),
            ("u63", 1 << 63, 0, i64::MAX),
            ("i64", 1 << 63, i64::MIN, i64::MAX),
            ("i64", -(1 << 63) - 1, i64::MAX, i64::MIN),
        ] {
            let kind = kind(text);
            assert_eq!(kind.fit(exact, Overflow::Wrap), Some(wrapped), "{text}");
            assert_eq!(
                kind.fit(exact, Overflow::Saturate),
                Some(saturated),
                "{text}"
            );
            assert_eq!(kind.fit(exact, Overflow::Fail), None, "{text}");
        }
        assert_eq!(kind("i64").fit(-(1 << 63), Overflow::Fail), Some(i64::MIN));
        assert_eq!(
            kind("u63").fit((1 << 63) - 1, Overflow::Fail),
            Some(i64::MAX)
        );
    }
}
