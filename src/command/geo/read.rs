//! Asking about members: GEOPOS, GEODIST, GEOHASH.

use super::parse_unit;
use super::reply::Writer;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::sorted_set::view::read;
use crate::resp::{Args, ReplyError};
use crate::value::geo::{Place, cell, cell::Cell, distance};
use crate::value::zset::ZSetView;

/// Where a member is.
pub(super) fn place_of(zset: Option<ZSetView<'_>>, member: &[u8]) -> Option<Place> {
    let score = zset?.score(member)?;
    Some(Cell::of_score(score).middle())
}

/// `GEOPOS key [member ...]`
pub(super) fn geopos(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let zset = read(&mut ctx.keys, args.at(1))?;
    let members = args.rest(2);
    let mut writer = Writer::default();
    ctx.reply.array(members.len());
    for member in members {
        match place_of(zset, member) {
            Some(place) => writer.place(ctx.reply, place),
            None => ctx.reply.null_array(),
        }
    }
    Ok(Outcome::Done)
}

/// `GEOHASH key [member ...]`
pub(super) fn geohash(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let zset = read(&mut ctx.keys, args.at(1))?;
    let members = args.rest(2);
    ctx.reply.array(members.len());
    for member in members {
        match place_of(zset, member) {
            Some(place) => ctx.reply.bulk(&cell::text(place)),
            None => ctx.reply.null(),
        }
    }
    Ok(Outcome::Done)
}

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
pub(super) fn geodist(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let unit = match (args.len(), args.get(4)) {
        (6.., _) => return Err(ReplyError::SYNTAX),
        (_, Some(word)) => parse_unit(word)?,
        (_, None) => 1.0,
    };
    let zset = read(&mut ctx.keys, args.at(1))?;
    match (place_of(zset, args.at(2)), place_of(zset, args.at(3))) {
        (Some(one), Some(other)) => {
            let distance = distance::between(one, other) / unit;
            Writer::default().distance(ctx.reply, distance);
        }
        _ => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}
