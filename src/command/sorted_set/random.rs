//! ZRANDMEMBER.

use super::reply::Shape;
use super::view::read;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::random::{self, Draws};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;
use crate::value::zset::ZSetView;

/// How many members are wanted, and how.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// One, not in an array.
    One,
    /// So many, each at most once.
    Distinct(usize),
    /// So many draws.
    Draws(usize),
}

fn parse(args: Args<'_>) -> Result<(Wanted, bool), ReplyError> {
    let Some(count) = args.get(2) else {
        return Ok((Wanted::One, false));
    };
    let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
    if count == i64::MIN {
        let most = i64::MAX;
        return Err(ReplyError::err(format_args!(
            "value is out of range, value must between -{most} and {most}"
        )));
    }
    let with_scores = match (args.len(), args.get(3)) {
        (3, _) => false,
        (4, Some(word)) if word.eq_ignore_ascii_case(b"WITHSCORES") => true,
        _ => return Err(ReplyError::SYNTAX),
    };
    let magnitude = count.unsigned_abs();
    if with_scores && magnitude > i64::MAX as u64 / 2 {
        return Err(ReplyError::VALUE_RANGE);
    }
    let magnitude = usize::try_from(magnitude).unwrap_or(usize::MAX);
    let wanted = if count < 0 {
        Wanted::Draws(magnitude)
    } else {
        Wanted::Distinct(magnitude)
    };
    Ok((wanted, with_scores))
}

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub(super) fn zrandmember(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (wanted, with_scores) = parse(args)?;
    let shape = Shape::new(with_scores, ctx.reply);
    let zset = read(&mut ctx.keys, args.at(1))?;
    let reply = &mut *ctx.reply;
    match (zset, wanted) {
        (None, Wanted::One) => reply.null(),
        (None, _) => reply.array(0),
        (Some(zset), Wanted::One) => {
            if let Some((name, _)) = zset.by_rank(random::below(zset.len())) {
                reply.bulk(name);
            }
        }
        (Some(zset), Wanted::Distinct(count)) if count >= zset.len() => {
            shape.list(reply, zset.len(), zset.iter());
        }
        (Some(zset), Wanted::Distinct(count)) => {
            let ranks = random::distinct_below(zset.len(), count);
            let pick = picker(zset);
            shape.list(reply, count, ranks.into_iter().filter_map(pick));
        }
        (Some(zset), Wanted::Draws(count)) => {
            let most = ctx.server.settings.proto_max_bulk_len();
            draw(reply, zset, count, shape, most)?;
        }
    }
    Ok(Outcome::Done)
}

/// Answers `count` members, each drawn from the whole set, unless that takes more than `most` bytes.
fn draw(
    reply: &mut Reply,
    zset: ZSetView<'_>,
    count: usize,
    shape: Shape,
    most: usize,
) -> Result<(), ReplyError> {
    let mut room = Draws::new(count, most)?;
    let (pick, members) = (picker(zset), zset.len());
    shape.begin(reply, count);
    for (name, score) in (0..count).filter_map(|_| pick(random::below(members))) {
        room.take(name.len())?;
        shape.member(reply, name, score);
    }
    Ok(())
}

/// The member of a rank. A packed set is unpacked once.
fn picker<'a>(zset: ZSetView<'a>) -> impl Fn(usize) -> Option<(&'a [u8], f64)> {
    let unpacked: Vec<_> = match zset {
        ZSetView::Packed(packed) => packed.iter().collect(),
        ZSetView::Large(_) => Vec::new(),
    };
    move |rank| match zset {
        ZSetView::Packed(_) => unpacked.get(rank).copied(),
        ZSetView::Large(large) => large.by_rank(rank),
    }
}
