//! SPOP and SRANDMEMBER.

use std::collections::HashSet;

use super::view::{Member, SetMut, SetView, delete_if_empty, edit, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::random::{self, Draws};
use crate::config::Settings;
use crate::keyspace::{Event, KeyMut, Record};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;
use crate::value::set::{OwnedMember, Set};

const SPOP: Event = Event::set("spop");
/// The most members that one request of an effect removes.
const EFFECT_MEMBERS: usize = 1024;

/// A member that was taken out.
#[derive(Debug)]
enum Taken {
    Small(Vec<u8>),
    Large(OwnedMember),
}

impl Taken {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Large(member) => member.bytes(),
        }
    }
}

/// `SPOP key [count]`
pub(super) fn spop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match (args.len(), args.get(2)) {
        (4.., _) => return Err(ReplyError::SYNTAX),
        (_, None) => None,
        (_, Some(text)) => Some(
            number::parse_i64(text)
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(ReplyError::NOT_POSITIVE)?,
        ),
    };
    let (key, settings) = (args.at(1), &ctx.server.settings);
    let Some(mut found) = edit(&mut ctx.keys, key)? else {
        match count {
            None => ctx.reply.null(),
            Some(_) => ctx.reply.set(0),
        }
        return Ok(Outcome::Done);
    };
    let len = length(&found);
    if count == Some(0) {
        ctx.reply.set(0);
    } else if count.is_some_and(|count| count >= len) {
        ctx.reply.set(len);
        let record = empty(found);
        if let Some(set) = SetView::in_record(record.view()) {
            set.each(|member| ctx.reply.bulk(member));
        }
        ctx.keys
            .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", key])]);
    } else {
        let wanted = count.unwrap_or(1);
        let taken = found.change(SPOP, |record| take(record, settings, wanted));
        delete_if_empty(found);
        if count.is_some() {
            ctx.reply.set(taken.len());
        }
        for member in &taken {
            ctx.reply.bulk(member.bytes());
        }
        ctx.keys.effect_instead(|| removals(key, &taken));
    }
    Ok(Outcome::Done)
}

fn length(found: &KeyMut<'_>) -> usize {
    SetView::in_record(found.record()).map_or(0, SetView::len)
}

/// Removes a key all of whose members are popped, and gives its record.
fn empty(mut found: KeyMut<'_>) -> Record {
    // Two things have happened: it was popped, and then it was gone.
    found.change(SPOP, |_| ());
    found.take(Event::DEL)
}

/// The requests that remove what was taken.
fn removals(key: &[u8], taken: &[Taken]) -> Vec<OwnedArgs> {
    let request = |members: &[Taken]| {
        let head = [b"SREM", key].into_iter();
        OwnedArgs::from_iter(head.chain(members.iter().map(Taken::bytes)))
    };
    taken.chunks(EFFECT_MEMBERS).map(request).collect()
}

/// Takes `count` members, fewer than there are or one, out of the set in `record`.
fn take(record: &mut Record, settings: &Settings, count: usize) -> Vec<Taken> {
    let mut set = SetMut::new(record, settings);
    if let Some(large) = set.large() {
        let popped = (0..count).map_while(|_| large.pop(&mut random::next));
        return popped.map(Taken::Large).collect();
    }
    let members = set.view().iter();
    let taken: Vec<_> = if count == 1 {
        let at = random::below(set.view().len());
        members.skip(at).take(1).map(owned).collect()
    } else {
        let chosen = random::choose(members.collect(), count);
        chosen.into_iter().map(owned).collect()
    };
    for member in &taken {
        set.remove(member.bytes());
    }
    taken
}

fn owned(member: Member<'_>) -> Taken {
    Taken::Small(member.bytes().to_vec())
}

/// `SRANDMEMBER key [count]`
pub(super) fn srandmember(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match (args.len(), args.get(2)) {
        (4.., _) => return Err(ReplyError::SYNTAX),
        (_, None) => None,
        (_, Some(text)) => Some(number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?),
    };
    if count == Some(i64::MIN) {
        let most = i64::MAX;
        return Err(ReplyError::err(format_args!(
            "value is out of range, value must between -{most} and {most}"
        )));
    }
    let set = read(&mut ctx.keys, args.at(1))?;
    let reply = &mut *ctx.reply;
    let magnitude = usize::try_from(count.unwrap_or(1).unsigned_abs()).unwrap_or(usize::MAX);
    match (set, count) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
        (Some(set), None) => draw(set, 1, |member| {
            reply.bulk(member);
            Ok(())
        })?,
        (Some(set), Some(..0)) => {
            let mut room = Draws::new(magnitude, ctx.server.settings.proto_max_bulk_len())?;
            reply.array(magnitude);
            draw(set, magnitude, |member| {
                room.take(member.len())?;
                reply.bulk(member);
                Ok(())
            })?;
        }
        (Some(set), Some(_)) if magnitude >= set.len() => {
            reply.array(set.len());
            set.each(|member| reply.bulk(member));
        }
        (Some(SetView::Large(set)), Some(_)) if magnitude < set.len() / 3 => {
            reply.array(magnitude);
            for member in distinct(set, magnitude) {
                reply.bulk(member);
            }
        }
        (Some(set), Some(_)) => {
            let chosen = random::choose(set.iter().collect(), magnitude);
            reply.array(chosen.len());
            chosen.iter().for_each(|member| reply.bulk(member.bytes()));
        }
    }
    Ok(Outcome::Done)
}

/// Draws `count` times from the whole set, which has members.
fn draw(
    set: SetView<'_>,
    count: usize,
    mut visit: impl FnMut(&[u8]) -> Result<(), ReplyError>,
) -> Result<(), ReplyError> {
    match set {
        SetView::Large(set) => {
            for _ in 0..count {
                set.random(&mut random::next).map_or(Ok(()), &mut visit)?;
            }
        }
        small if count == 1 => {
            let member = small.iter().nth(random::below(small.len()));
            member.map_or(Ok(()), |member| visit(member.bytes()))?;
        }
        small => {
            let members: Vec<_> = small.iter().collect();
            for _ in 0..count {
                visit(members[random::below(members.len())].bytes())?;
            }
        }
    }
    Ok(())
}

/// `count` different members, much fewer than there are.
fn distinct(set: &Set, count: usize) -> impl Iterator<Item = &[u8]> {
    let mut seen = HashSet::with_capacity(count);
    // Two draws of three are new ones.
    std::iter::from_fn(move || set.random(&mut random::next))
        .filter(move |member| seen.insert(member.as_ptr()))
        .take(count)
}
