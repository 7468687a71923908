//! One set made of several: unions, intersections, differences; answered, counted or stored.
//!
//! The sets are read where they are. An intersection walks the smallest; a difference either looks the members of its first
//! set up in the others or takes the others' members out of a copy of it, whichever seems less work.

use std::ops::ControlFlow;

use super::view::{Member, SetMut, SetView};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Access, Event, Expiry, NewValue, Record, Value};
use crate::memory::reclaim;
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::set::{BATCH, Set};

/// How the sets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// A set under a key; what is no key is an empty one.
type Source<'a> = Option<SetView<'a>>;

fn len_of(source: &Source<'_>) -> usize {
    source.map_or(0, SetView::len)
}

/// Looks the keys up, and counts them as read.
fn check(
    keys: &mut Access<'_>,
    names: impl Iterator<Item = impl AsRef<[u8]>>,
) -> Result<(), ReplyError> {
    for name in names {
        keys.read(name.as_ref()).map(SetView::of).transpose()?;
    }
    Ok(())
}

/// The sets under keys that were looked up before.
fn sources<'c>(keys: &'c Access<'_>, names: impl Iterator<Item = &'c [u8]>) -> Vec<Source<'c>> {
    names
        .map(|name| keys.view(name).and_then(SetView::in_record))
        .collect()
}

/// Visits the members that all of the sets have, until `visit` has seen enough. Gives the smallest set.
fn intersect<'a>(
    mut sources: Vec<Source<'a>>,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Source<'a> {
    sources.sort_by_key(len_of);
    let (smallest, others) = sources.split_first()?;
    let mut members = (*smallest)?.iter();
    let mut chunk: Vec<Member<'_>> = Vec::with_capacity(BATCH);
    loop {
        chunk.extend(members.by_ref().take(BATCH));
        if chunk.is_empty() {
            return *smallest;
        }
        for other in others.iter().flatten() {
            let present = other.contains_each(chunk.iter().map(Member::bytes));
            let mut present = present.iter();
            chunk.retain(|_| present.next().is_some_and(|present| *present));
        }
        for member in chunk.drain(..) {
            if visit(member.bytes()).is_break() {
                return *smallest;
            }
        }
    }
}

/// Where members are gathered: a scratch set for an answer, a record for a key.
trait Target {
    /// Adds a member and tells whether it is new.
    fn insert(&mut self, member: &[u8]) -> bool;
    /// Removes a member if it is there.
    fn remove(&mut self, member: &[u8]);
    fn is_empty(&self) -> bool;
}

impl Target for Set {
    fn insert(&mut self, member: &[u8]) -> bool {
        Set::insert(self, member)
    }

    fn remove(&mut self, member: &[u8]) {
        Set::remove(self, member);
    }

    fn is_empty(&self) -> bool {
        Set::is_empty(self)
    }
}

impl Target for SetMut<'_> {
    fn insert(&mut self, member: &[u8]) -> bool {
        SetMut::insert(self, member)
    }

    fn remove(&mut self, member: &[u8]) {
        SetMut::remove(self, member);
    }

    fn is_empty(&self) -> bool {
        self.view().len() == 0
    }
}

/// How a difference is best made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Look the members of the first set up in the others.
    LookUp,
    /// Take the members of the others out of a copy of the first.
    TakeOut,
}

impl Plan {
    fn of(sources: &[Source<'_>]) -> Self {
        let present = sources.iter().flatten();
        let look_ups = len_of(&sources[0]).saturating_mul(present.clone().count());
        let moves = present.map(|set| set.len()).sum::<usize>();
        // A look-up is less than a member copied, and ends early where it succeeds.
        if look_ups / 2 <= moves {
            Self::LookUp
        } else {
            Self::TakeOut
        }
    }
}

/// Visits the members of the first set that no other has, by looking them up.
fn look_up_difference(mut sources: Vec<Source<'_>>, mut visit: impl FnMut(&[u8])) {
    // The largest of the others has the best chance to end a look-up early.
    sources[1..].sort_by_key(|source| std::cmp::Reverse(len_of(source)));
    let Some((Some(first), others)) = sources.split_first() else {
        return;
    };
    for member in first.iter() {
        let member = member.bytes();
        if !others.iter().flatten().any(|set| set.contains(member)) {
            visit(member);
        }
    }
}

/// Fills `target` with the members of the first set that no other has, by taking the others' out.
fn take_out_difference(sources: &[Source<'_>], target: &mut impl Target) {
    let mut sources = sources.iter();
    if let Some(Some(first)) = sources.next() {
        first.each(|member| {
            target.insert(member);
        });
    }
    for other in sources.flatten() {
        if target.is_empty() {
            return;
        }
        other.each(|member| target.remove(member));
    }
}

/// Drops a scratch set, a large one off the request's path.
fn let_go(set: Set) {
    if set.len() > BATCH {
        // It was never anybody's key: it does not count as one that was let go.
        let bytes = set.memory();
        reclaim::later_counted(set, 0, bytes);
    }
}

/// Answers the set made of those under `names`.
fn answer(ctx: &mut Context<'_>, names: Args<'_>, operation: Operation) -> CommandResult {
    check(&mut ctx.keys, names.iter())?;
    let sources = sources(&ctx.keys, names.iter());
    let reply = &mut *ctx.reply;
    if operation == Operation::Difference && Plan::of(&sources) == Plan::TakeOut {
        let mut left = Set::new();
        take_out_difference(&sources, &mut left);
        reply.set(left.len());
        left.iter().for_each(|member| reply.bulk(member));
        let_go(left);
        return Ok(Outcome::Done);
    }
    let at = reply.defer();
    let mut count = 0;
    let mut show = |member: &[u8]| {
        count += 1;
        reply.bulk(member);
    };
    match operation {
        Operation::Union => {
            let mut seen = Set::new();
            for source in sources.into_iter().flatten() {
                source.each(|member| {
                    if seen.insert(member) {
                        show(member);
                    }
                });
            }
            let_go(seen);
        }
        Operation::Intersection => {
            intersect(sources, |member| {
                show(member);
                ControlFlow::Continue(())
            });
        }
        Operation::Difference => look_up_difference(sources, show),
    }
    reply.set_at(at, count);
    Ok(Outcome::Done)
}

/// Stores the set made of those under the other keys under the first, and answers how many members it has.
fn store(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    operation: Operation,
    event: &'static str,
) -> CommandResult {
    let (key, names) = (args.at(1), args.rest(2));
    check(&mut ctx.keys, names.iter())?;
    let sources = sources(&ctx.keys, names.iter());
    let mut record = ctx.keys.draft(key, NewValue::IntSet(b""));
    let mut set = SetMut::new(&mut record, &ctx.server.settings);
    match operation {
        Operation::Union => {
            for source in sources.into_iter().flatten() {
                source.each(|member| {
                    set.insert(member);
                });
            }
        }
        Operation::Intersection => {
            let smallest = sources.iter().min_by_key(|source| len_of(source));
            if !matches!(smallest, Some(Some(SetView::Ints(_)))) {
                set.begin_packed();
            }
            intersect(sources, |member| {
                set.insert(member);
                ControlFlow::Continue(())
            });
            set.compact();
        }
        Operation::Difference => match Plan::of(&sources) {
            Plan::LookUp => look_up_difference(sources, |member| {
                set.insert(member);
            }),
            Plan::TakeOut => take_out_difference(&sources, &mut set),
        },
    }
    let members = set.view().len();
    ctx.reply.int(members as i64);
    if members == 0 {
        ctx.keys.remove(key, Event::DEL);
    } else {
        replace(&mut ctx.keys, key, record, Event::set(event));
    }
    Ok(Outcome::Done)
}

/// Sets `key` to the set in `record`, whatever it holds.
fn replace(keys: &mut Access<'_>, key: &[u8], mut record: Record, event: Event) {
    let value = match record.view().value() {
        Value::IntSet(bytes) => NewValue::IntSet(bytes),
        Value::PackedSet(bytes) => NewValue::PackedSet(bytes),
        _ => NewValue::Set(Box::new(std::mem::take(record.set_mut()))),
    };
    keys.set(key, value, Expiry::Never, event);
}

/// `SUNION key [key ...]`
pub(super) fn sunion(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer(ctx, args.rest(1), Operation::Union)
}

/// `SINTER key [key ...]`
pub(super) fn sinter(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer(ctx, args.rest(1), Operation::Intersection)
}

/// `SDIFF key [key ...]`
pub(super) fn sdiff(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    answer(ctx, args.rest(1), Operation::Difference)
}

/// `SUNIONSTORE destination key [key ...]`
pub(super) fn sunionstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(ctx, args, Operation::Union, "sunionstore")
}

/// `SINTERSTORE destination key [key ...]`
pub(super) fn sinterstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(ctx, args, Operation::Intersection, "sinterstore")
}

/// `SDIFFSTORE destination key [key ...]`
pub(super) fn sdiffstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(ctx, args, Operation::Difference, "sdiffstore")
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub(super) fn sintercard(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let numkeys = number::parse_i64(args.at(1)).filter(|numkeys| *numkeys > 0);
    let numkeys = numkeys.ok_or(ReplyError::fixed("ERR numkeys should be greater than 0"))?;
    let behind = args.rest(2);
    let numkeys = usize::try_from(numkeys)
        .ok()
        .filter(|numkeys| *numkeys <= behind.len())
        .ok_or(ReplyError::fixed(
            "ERR Number of keys can't be greater than number of args",
        ))?;
    let mut limit = usize::MAX;
    let mut options = behind.rest(numkeys).iter();
    while let Some(word) = options.next() {
        let given = options.next();
        let given = given.filter(|_| word.eq_ignore_ascii_case(b"LIMIT"));
        limit = number::parse_i64(given.ok_or(ReplyError::SYNTAX)?)
            .and_then(|limit| usize::try_from(limit).ok())
            .ok_or(ReplyError::fixed("ERR LIMIT can't be negative"))?;
        if limit == 0 {
            limit = usize::MAX;
        }
    }
    check(&mut ctx.keys, behind.iter().take(numkeys))?;
    let sources = sources(&ctx.keys, behind.iter().take(numkeys));
    let mut count = 0;
    intersect(sources, |_| {
        count += 1;
        if count == limit {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    ctx.reply.int(count as i64);
    Ok(Outcome::Done)
}
