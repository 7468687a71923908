//! Ranges by rank, score and name: answered, counted, stored.

use std::ops::Range;

use super::reply::Shape;
use super::store::{NewSet, store};
use super::view::{Thresholds, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::Event;
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::zset::range::limit;
use crate::value::zset::{Direction, LexRange, RankRange, ScoreRange, ZSetView};

/// What a range's bounds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// A range's bounds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bounds<'a> {
    Rank(RankRange),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Bounds<'a> {
    pub(super) fn parse(by: By, min: &'a [u8], max: &'a [u8]) -> Result<Self, ReplyError> {
        match by {
            By::Rank => Ok(Self::Rank(RankRange {
                start: number::parse_i64(min).ok_or(ReplyError::NOT_INTEGER)?,
                stop: number::parse_i64(max).ok_or(ReplyError::NOT_INTEGER)?,
            })),
            By::Score => ScoreRange::parse(min, max)
                .map(Self::Score)
                .ok_or(ReplyError::fixed("ERR min or max is not a float")),
            By::Lex => LexRange::parse(min, max)
                .map(Self::Lex)
                .ok_or(ReplyError::fixed(
                    "ERR min or max not valid string range item",
                )),
        }
    }

    /// The ranks of the members in the range.
    pub(super) fn ranks(&self, zset: ZSetView<'_>, direction: Direction) -> Range<usize> {
        match self {
            Self::Rank(range) => range.of(zset.len(), direction),
            Self::Score(range) => zset.score_range(range),
            Self::Lex(range) => zset.lex_range(range),
        }
    }
}

/// What a command's name leaves open.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// What the bounds are, if `BYSCORE` and `BYLEX` do not say it.
    by: Option<By>,
    /// Which way the range is walked, if `REV` does not say it.
    direction: Option<Direction>,
    /// Whether there is `WITHSCORES`.
    with_scores: bool,
}

/// What is asked for.
#[derive(Debug)]
struct Query<'a> {
    bounds: Bounds<'a>,
    direction: Direction,
    /// `LIMIT offset count`
    limit: Option<(i64, i64)>,
    with_scores: bool,
}

impl<'a> Query<'a> {
    /// Parses the bounds at `bounds_at`, and the options behind them.
    fn parse(args: Args<'a>, bounds_at: usize, form: Form) -> Result<Self, ReplyError> {
        // Each is said once: by the name or by a word.
        let (mut by, mut direction) = (form.by, form.direction);
        let (mut limit, mut with_scores) = (None, false);
        let mut at = bounds_at + 2;
        while let Some(word) = args.get(at) {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            at += 1;
            if form.with_scores && is(b"WITHSCORES") {
                with_scores = true;
            } else if let (true, Some(offset), Some(count)) =
                (is(b"LIMIT"), args.get(at), args.get(at + 1))
            {
                let offset = number::parse_i64(offset).ok_or(ReplyError::NOT_INTEGER)?;
                let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
                limit = Some((offset, count));
                at += 2;
            } else if direction.is_none() && is(b"REV") {
                direction = Some(Direction::Backward);
            } else if by.is_none() && is(b"BYLEX") {
                by = Some(By::Lex);
            } else if by.is_none() && is(b"BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        let by = by.unwrap_or(By::Rank);
        if by == By::Rank && limit.take().is_some_and(|(_, count)| count != -1) {
            return Err(ReplyError::fixed(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if by == By::Lex && with_scores {
            return Err(ReplyError::fixed(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let direction = direction.unwrap_or(Direction::Forward);
        let (first, second) = (args.at(bounds_at), args.at(bounds_at + 1));
        let bounds = match direction {
            // Backward, the upper bound comes first; ranks count from there.
            Direction::Backward if by != By::Rank => Bounds::parse(by, second, first),
            _ => Bounds::parse(by, first, second),
        }?;
        Ok(Self {
            bounds,
            direction,
            limit,
            with_scores,
        })
    }

    /// The ranks of what is asked for.
    fn ranks(&self, zset: ZSetView<'_>) -> Range<usize> {
        let ranks = self.bounds.ranks(zset, self.direction);
        match self.limit {
            Some((offset, count)) => limit(ranks, offset, count, self.direction),
            None => ranks,
        }
    }
}

fn answer(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let query = Query::parse(args, 2, form)?;
    let shape = Shape::new(query.with_scores, ctx.reply);
    match read(&mut ctx.keys, args.at(1))? {
        Some(zset) => {
            let ranks = query.ranks(zset);
            let members = zset.range(ranks.clone(), query.direction);
            shape.list(ctx.reply, ranks.len(), members);
        }
        None => ctx.reply.array(0),
    }
    Ok(Outcome::Done)
}

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub(super) fn zrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let form = Form {
        by: None,
        direction: None,
        with_scores: true,
    };
    answer(ctx, args, form)
}

fn answer_by(ctx: &mut Context<'_>, args: Args<'_>, by: By, direction: Direction) -> CommandResult {
    let form = Form {
        by: Some(by),
        direction: Some(direction),
        with_scores: true,
    };
    answer(ctx, args, form)
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub(super) fn zrevrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer_by(ctx, args, By::Rank, Direction::Backward)
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub(super) fn zrangebyscore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer_by(ctx, args, By::Score, Direction::Forward)
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub(super) fn zrevrangebyscore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer_by(ctx, args, By::Score, Direction::Backward)
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub(super) fn zrangebylex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer_by(ctx, args, By::Lex, Direction::Forward)
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub(super) fn zrevrangebylex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer_by(ctx, args, By::Lex, Direction::Backward)
}

/// `ZRANGESTORE dst src start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub(super) fn zrangestore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let form = Form {
        by: None,
        direction: None,
        with_scores: false,
    };
    let query = Query::parse(args, 3, form)?;
    let thresholds = Thresholds::of(&ctx.server.settings);
    let set = read(&mut ctx.keys, args.at(2))?.map(|zset| {
        // The direction decides which members are meant; what is stored is in order all the same.
        let members = zset.range(query.ranks(zset), Direction::Forward);
        NewSet::from_sorted(members, thresholds)
    });
    store(ctx, args.at(1), set, Event::zset("zrangestore"));
    Ok(Outcome::Done)
}

fn count(ctx: &mut Context<'_>, args: Args<'_>, by: By) -> CommandResult {
    let bounds = Bounds::parse(by, args.at(2), args.at(3))?;
    let members = read(&mut ctx.keys, args.at(1))?
        .map_or(0, |zset| bounds.ranks(zset, Direction::Forward).len());
    ctx.reply.int(members as i64);
    Ok(Outcome::Done)
}

/// `ZCOUNT key min max`
pub(super) fn zcount(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count(ctx, args, By::Score)
}

/// `ZLEXCOUNT key min max`
pub(super) fn zlexcount(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count(ctx, args, By::Lex)
}
