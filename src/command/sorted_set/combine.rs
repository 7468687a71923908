//! One sorted set made of several: unions, intersections, differences; answered, counted or stored.
//!
//! Plain sets may be among them: their members have the score 1.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;

use super::reply::Shape;
use super::store::{NewSet, store};
use super::view::{Thresholds, view_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::set::view::{Member, SetView};
use crate::keyspace::{Access, Event, RecordRef};
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::zset::ZSetView;

/// How the sets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What happens to the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Answer,
    Count,
    Store,
}

/// How the scores of one member become one: `AGGREGATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn named(word: &[u8]) -> Option<Self> {
        let words: [(&[u8], _); 3] = [
            (b"SUM", Self::Sum),
            (b"MIN", Self::Min),
            (b"MAX", Self::Max),
        ];
        let found = words
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        found.map(|(_, aggregate)| *aggregate)
    }

    /// Neither result is NaN as long as `score` is not: opposite infinities add up to 0.
    fn join(self, score: f64, other: f64) -> f64 {
        match self {
            Self::Sum => not_nan(score + other),
            Self::Min if other < score => other,
            Self::Max if other > score => other,
            Self::Min | Self::Max => score,
        }
    }
}

/// Zero times infinity, and the sum of opposite infinities, are 0.
fn not_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The options behind the keys.
#[derive(Debug)]
struct Options<'a> {
    /// As many as keys, or none: then all are 1.
    weights: Args<'a>,
    aggregate: Aggregate,
    with_scores: bool,
    /// The most that is counted.
    limit: Option<usize>,
}

impl<'a> Options<'a> {
    fn parse(
        args: Args<'a>,
        numkeys: usize,
        operation: Operation,
        wanted: Use,
    ) -> Result<Self, ReplyError> {
        let mut options = Self {
            weights: args.rest(args.len()),
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: None,
        };
        let joins_scores = operation != Operation::Difference && wanted != Use::Count;
        let mut at = 0;
        while let Some(word) = args.get(at) {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            at += 1;
            let next = args.get(at);
            if joins_scores && is(b"WEIGHTS") && args.len() - at >= numkeys {
                options.weights = args.rest(at);
                if !(at..at + numkeys).all(|index| number::parse_f64(args.at(index)).is_some()) {
                    return Err(ReplyError::fixed("ERR weight value is not a float"));
                }
                at += numkeys;
            } else if let (true, true, Some(name)) = (joins_scores, is(b"AGGREGATE"), next) {
                options.aggregate = Aggregate::named(name).ok_or(ReplyError::SYNTAX)?;
                at += 1;
            } else if wanted == Use::Answer && is(b"WITHSCORES") {
                options.with_scores = true;
            } else if let (Use::Count, true, Some(limit)) = (wanted, is(b"LIMIT"), next) {
                let limit = number::parse_i64(limit).and_then(|limit| usize::try_from(limit).ok());
                let limit = limit.ok_or(ReplyError::fixed("ERR LIMIT can't be negative"))?;
                options.limit = Some(limit).filter(|limit| *limit > 0);
                at += 1;
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        Ok(options)
    }

    fn weight(&self, index: usize) -> f64 {
        self.weights
            .get(index)
            .and_then(number::parse_f64)
            .unwrap_or(1.0)
    }
}

/// What a source holds.
#[derive(Debug, Clone, Copy)]
enum Contents<'a> {
    ZSet(ZSetView<'a>),
    Set(SetView<'a>),
}

impl<'a> Contents<'a> {
    /// The sorted set or set in `record`; `WRONGTYPE` if it holds something else.
    fn of(record: RecordRef<'a>) -> Result<Self, ReplyError> {
        match SetView::in_record(record) {
            Some(set) => Ok(Self::Set(set)),
            None => view_of(record).map(Self::ZSet),
        }
    }
}

/// The score of every member of a set.
const SET_SCORE: f64 = 1.0;

/// One of the sets. What is no key is an empty one.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    contents: Option<Contents<'a>>,
    weight: f64,
}

impl<'a> Source<'a> {
    fn len(&self) -> usize {
        match self.contents {
            Some(Contents::ZSet(zset)) => zset.len(),
            Some(Contents::Set(set)) => set.len(),
            None => 0,
        }
    }

    fn score(&self, name: &[u8]) -> Option<f64> {
        match self.contents? {
            Contents::ZSet(zset) => zset.score(name),
            Contents::Set(set) => set.contains(name).then_some(SET_SCORE),
        }
    }

    fn members(self) -> impl Iterator<Item = Scored<'a>> {
        let (zset, set) = match self.contents {
            Some(Contents::ZSet(zset)) => (Some(zset), None),
            Some(Contents::Set(set)) => (None, Some(set)),
            None => (None, None),
        };
        let scored = zset.into_iter().flatten();
        scored
            .map(|(name, score)| (Member::Bytes(name), score))
            .chain(
                set.into_iter()
                    .flat_map(SetView::iter)
                    .map(|member| (member, SET_SCORE)),
            )
    }
}

type Scored<'a> = (Member<'a>, f64);

/// The members of all the sets, each once, in no order.
fn union<'a>(sources: &[Source<'a>], aggregate: Aggregate) -> Vec<Scored<'a>> {
    let largest = sources.iter().map(Source::len).max().unwrap_or(0);
    let mut scores = HashMap::with_capacity_and_hasher(largest, RandomState::new());
    for source in sources {
        for (name, score) in source.members() {
            let score = not_nan(score * source.weight);
            scores
                .entry(name)
                .and_modify(|joined| *joined = aggregate.join(*joined, score))
                .or_insert(score);
        }
    }
    scores.into_iter().collect()
}

/// The members that all of the sets have, in no order. `sources` come from the smallest to the largest.
fn intersection<'a>(
    sources: &[Source<'a>],
    aggregate: Aggregate,
) -> impl Iterator<Item = Scored<'a>> {
    let smallest = sources.first().copied();
    smallest.into_iter().flat_map(move |smallest| {
        smallest.members().filter_map(move |(name, score)| {
            let first = not_nan(score * smallest.weight);
            let score = sources[1..].iter().try_fold(first, |joined, source| {
                Some(aggregate.join(joined, source.score(name.bytes())? * source.weight))
            })?;
            Some((name, score))
        })
    })
}

/// The members of the first set that no other has, in its order.
fn difference<'a>(sources: &[Source<'a>]) -> Vec<Scored<'a>> {
    let Some((first, others)) = sources.split_first() else {
        return Vec::new();
    };
    // Look up the fewer: the members of the first set in each of the others, or those of the others in one table.
    if others.iter().map(Source::len).sum::<usize>() < first.len() {
        let mut names = HashSet::with_hasher(RandomState::new());
        names.extend(
            others
                .iter()
                .flat_map(|source| source.members())
                .map(|(name, _)| name),
        );
        let members = first.members();
        return members.filter(|(name, _)| !names.contains(name)).collect();
    }
    let is_elsewhere = |name: &[u8]| others.iter().any(|source| source.score(name).is_some());
    let members = first.members();
    members
        .filter(|(name, _)| !is_elsewhere(name.bytes()))
        .collect()
}

/// By score, then by name.
pub(in crate::command) fn sort<N: AsRef<[u8]>>(members: &mut [(N, f64)]) {
    members.sort_unstable_by(|(name, score), (other, other_score)| {
        // The two zeros are the same score, unlike in the total order.
        (score + 0.0)
            .total_cmp(&(other_score + 0.0))
            .then_with(|| name.as_ref().cmp(other.as_ref()))
    });
}

/// The sets under `keys`, which were looked up before.
fn sources<'c>(
    keys: &'c Access<'_>,
    names: impl Iterator<Item = &'c [u8]>,
    options: &Options<'_>,
) -> Vec<Source<'c>> {
    names
        .enumerate()
        .map(|(index, name)| Source {
            contents: keys.view(name).and_then(|record| Contents::of(record).ok()),
            weight: options.weight(index),
        })
        .collect()
}

/// The command, its number of keys being argument `numkeys_at`.
fn combine(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    numkeys_at: usize,
    operation: Operation,
    wanted: Use,
) -> CommandResult {
    let numkeys = number::parse_i64(args.at(numkeys_at)).ok_or(ReplyError::NOT_INTEGER)?;
    if numkeys < 1 {
        return Err(ReplyError::err(format_args!(
            "at least 1 input key is needed for '{}' command",
            ctx.command.full_name()
        )));
    }
    let behind = args.rest(numkeys_at + 1);
    let numkeys = usize::try_from(numkeys)
        .ok()
        .filter(|numkeys| *numkeys <= behind.len())
        .ok_or(ReplyError::SYNTAX)?;
    // Types before options, as the peers check them; and each key counts as looked up.
    for key in behind.iter().take(numkeys) {
        ctx.keys.read(key).map(Contents::of).transpose()?;
    }
    let options = Options::parse(behind.rest(numkeys), numkeys, operation, wanted)?;
    let mut sources = sources(&ctx.keys, behind.iter().take(numkeys), &options);
    if operation != Operation::Difference {
        // The order in which scores are added shows in their last bits.
        sources.sort_by_key(Source::len);
    }
    if wanted == Use::Count {
        let common = intersection(&sources, options.aggregate);
        let count = common.take(options.limit.unwrap_or(usize::MAX)).count();
        ctx.reply.int(count as i64);
        return Ok(Outcome::Done);
    }
    let (mut members, event) = match operation {
        Operation::Union => (union(&sources, options.aggregate), "zunionstore"),
        Operation::Intersection => {
            let common = intersection(&sources, options.aggregate);
            (common.collect(), "zinterstore")
        }
        Operation::Difference => (difference(&sources), "zdiffstore"),
    };
    let in_order = operation == Operation::Difference
        && !matches!(sources[0].contents, Some(Contents::Set(_)));
    if !in_order {
        sort(&mut members);
    }
    let scored = members.iter().map(|(name, score)| (name.bytes(), *score));
    if wanted == Use::Store {
        let thresholds = Thresholds::of(&ctx.server.settings);
        let set = NewSet::from_sorted(scored, thresholds);
        store(ctx, args.at(1), Some(set), Event::zset(event));
    } else {
        let shape = Shape::new(options.with_scores, ctx.reply);
        shape.list(ctx.reply, members.len(), scored);
    }
    Ok(Outcome::Done)
}

/// `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub(super) fn zunion(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 1, Operation::Union, Use::Answer)
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub(super) fn zinter(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 1, Operation::Intersection, Use::Answer)
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub(super) fn zdiff(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 1, Operation::Difference, Use::Answer)
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub(super) fn zintercard(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 1, Operation::Intersection, Use::Count)
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub(super) fn zunionstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 2, Operation::Union, Use::Store)
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub(super) fn zinterstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 2, Operation::Intersection, Use::Store)
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub(super) fn zdiffstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    combine(ctx, args, 2, Operation::Difference, Use::Store)
}
