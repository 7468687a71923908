//! Asking about members: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK.

use super::view::read;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::zset::{Direction, ZSetView};

/// `ZCARD key`
pub(super) fn zcard(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let members = read(&mut ctx.keys, args.at(1))?.map_or(0, ZSetView::len);
    ctx.reply.int(members as i64);
    Ok(Outcome::Done)
}

/// `ZSCORE key member`
pub(super) fn zscore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let zset = read(&mut ctx.keys, args.at(1))?;
    reply_score(ctx.reply, zset, args.at(2));
    Ok(Outcome::Done)
}

/// `ZMSCORE key member [member ...]`
pub(super) fn zmscore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let zset = read(&mut ctx.keys, args.at(1))?;
    let members = args.rest(2);
    ctx.reply.array(members.len());
    for member in members {
        reply_score(ctx.reply, zset, member);
    }
    Ok(Outcome::Done)
}

fn reply_score(reply: &mut Reply, zset: Option<ZSetView<'_>>, member: &[u8]) {
    match zset.and_then(|zset| zset.score(member)) {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// `ZRANK key member [WITHSCORE]`
pub(super) fn zrank(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(ctx, args, Direction::Forward)
}

/// `ZREVRANK key member [WITHSCORE]`
pub(super) fn zrevrank(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(ctx, args, Direction::Backward)
}

fn rank(ctx: &mut Context<'_>, args: Args<'_>, direction: Direction) -> CommandResult {
    let with_score = match (args.len(), args.get(3)) {
        (5.., _) => return Err(ReplyError::wrong_arity(ctx.command.full_name())),
        (_, None) => false,
        (_, Some(word)) if word.eq_ignore_ascii_case(b"WITHSCORE") => true,
        _ => return Err(ReplyError::SYNTAX),
    };
    let zset = read(&mut ctx.keys, args.at(1))?;
    match zset.and_then(|zset| zset.rank(args.at(2), direction)) {
        Some((rank, score)) if with_score => {
            ctx.reply.array(2);
            ctx.reply.int(rank as i64);
            ctx.reply.double(score);
        }
        Some((rank, _)) => ctx.reply.int(rank as i64),
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}
