//! ZADD and ZINCRBY.

use super::view::{Thresholds, ZSetMut, edit};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::zset::Insertion;

/// Which members ZADD touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Members {
    All,
    /// `NX`
    New,
    /// `XX`
    Present,
}

/// Which new scores of present members ZADD takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scores {
    All,
    /// `GT`
    Greater,
    /// `LT`
    Less,
}

/// What is to be added.
#[derive(Debug)]
struct Request<'a> {
    members: Members,
    scores: Scores,
    /// The scores are increments.
    increment: bool,
    /// Members with new scores count, too.
    count_changes: bool,
    /// Scores, which are numbers, and members.
    pairs: Args<'a>,
}

/// What is to be done with one member.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Leave,
    Set(f64),
    NotANumber,
}

/// What has been done.
#[derive(Debug)]
struct Tally {
    added: usize,
    updated: usize,
    last: Verdict,
}

impl<'a> Request<'a> {
    const OPTIONS: [&'static [u8]; 6] = [b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"];

    fn parse(args: Args<'a>, increment: bool) -> Result<Self, ReplyError> {
        let words = args.rest(2);
        let is = |word: &[u8], option: &[u8]| word.eq_ignore_ascii_case(option);
        let options = words
            .iter()
            .take_while(|word| Self::OPTIONS.iter().any(|option| is(word, option)))
            .count();
        let has = |option| words.iter().take(options).any(|word| is(word, option));
        let pairs = words.rest(options);
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err(ReplyError::SYNTAX);
        }
        let members = match (has(b"NX"), has(b"XX")) {
            (false, false) => Members::All,
            (true, false) => Members::New,
            (false, true) => Members::Present,
            (true, true) => {
                return Err(ReplyError::fixed(
                    "ERR XX and NX options at the same time are not compatible",
                ));
            }
        };
        let scores = match (has(b"GT"), has(b"LT")) {
            (false, false) => Scores::All,
            (true, false) if members != Members::New => Scores::Greater,
            (false, true) if members != Members::New => Scores::Less,
            _ => {
                return Err(ReplyError::fixed(
                    "ERR GT, LT, and/or NX options at the same time are not compatible",
                ));
            }
        };
        let increment = increment || has(b"INCR");
        if increment && pairs.len() > 2 {
            return Err(ReplyError::fixed(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        // Everything or nothing: all scores are read before the first member is touched.
        if !pairs
            .iter()
            .step_by(2)
            .all(|score| number::parse_f64(score).is_some())
        {
            return Err(ReplyError::NOT_FLOAT);
        }
        Ok(Self {
            members,
            scores,
            increment,
            count_changes: has(b"CH"),
            pairs,
        })
    }

    /// What becomes of a member whose score is `old`.
    fn judge(&self, old: Option<f64>, given: f64) -> Verdict {
        let Some(old) = old else {
            return match self.members {
                Members::Present => Verdict::Leave,
                Members::All | Members::New => Verdict::Set(given),
            };
        };
        if self.members == Members::New {
            return Verdict::Leave;
        }
        let score = if self.increment { old + given } else { given };
        if score.is_nan() {
            return Verdict::NotANumber;
        }
        let wanted = match self.scores {
            Scores::All => true,
            Scores::Greater => score > old,
            Scores::Less => score < old,
        };
        if wanted {
            Verdict::Set(score)
        } else {
            Verdict::Leave
        }
    }

    fn apply(&self, zset: &mut ZSetMut<'_>) -> Tally {
        let mut tally = Tally::NOTHING;
        let (scores, members) = (
            self.pairs.iter().step_by(2),
            self.pairs.iter().skip(1).step_by(2),
        );
        for (score, member) in scores.filter_map(number::parse_f64).zip(members) {
            let verdict = &mut tally.last;
            let done = zset.update(member, |old| {
                *verdict = self.judge(old, score);
                match *verdict {
                    Verdict::Set(score) => Some(score),
                    Verdict::Leave | Verdict::NotANumber => None,
                }
            });
            match done {
                Insertion::Added => tally.added += 1,
                Insertion::Updated(_) => tally.updated += 1,
                Insertion::Same => {}
            }
        }
        tally
    }
}

impl Tally {
    const NOTHING: Self = Self {
        added: 0,
        updated: 0,
        last: Verdict::Leave,
    };

    fn changed(&self) -> usize {
        self.added + self.updated
    }
}

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub(super) fn zadd(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(ctx, args, false)
}

/// `ZINCRBY key increment member`
pub(super) fn zincrby(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(ctx, args, true)
}

fn add(ctx: &mut Context<'_>, args: Args<'_>, increment: bool) -> CommandResult {
    let request = Request::parse(args, increment)?;
    let key = args.at(1);
    let thresholds = Thresholds::of(&ctx.server.settings);
    let coming = request.pairs.len() / 2;
    let event = Event::zset(if request.increment { "zincr" } else { "zadd" });
    let tally = if let Some(mut found) = edit(&mut ctx.keys, key)? {
        found.change_if(event, |record| {
            let tally = request.apply(&mut ZSetMut::new(record, thresholds, coming));
            let changed = tally.changed() > 0;
            (tally, changed)
        })
    } else if request.members == Members::Present {
        Tally::NOTHING
    } else {
        let mut record = ctx.keys.draft(key, NewValue::PackedZSet(b""));
        let tally = request.apply(&mut ZSetMut::new(&mut record, thresholds, coming));
        ctx.keys.put(ctx.keys.db, record, event);
        tally
    };
    match tally.last {
        Verdict::NotANumber => {
            return Err(ReplyError::fixed(
                "ERR resulting score is not a number (NaN)",
            ));
        }
        Verdict::Set(score) if request.increment => ctx.reply.double(score),
        Verdict::Leave if request.increment => ctx.reply.null(),
        _ if request.count_changes => ctx.reply.int(tally.changed() as i64),
        _ => ctx.reply.int(tally.added as i64),
    }
    Ok(Outcome::Done)
}
