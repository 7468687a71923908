//! GEOADD: ZADD with places for scores.

use super::parse_place;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::sorted_set::view::{Thresholds, ZSetMut, edit};
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::geo::cell::{Cell, STEPS};
use crate::value::zset::Insertion;

/// Which members are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Members {
    All,
    /// `NX`
    New,
    /// `XX`
    Present,
}

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
pub(super) fn geoadd(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (mut new, mut present, mut count_changes) = (false, false, false);
    let mut at = 2;
    while let Some(word) = args.get(at) {
        match () {
            () if word.eq_ignore_ascii_case(b"NX") => new = true,
            () if word.eq_ignore_ascii_case(b"XX") => present = true,
            () if word.eq_ignore_ascii_case(b"CH") => count_changes = true,
            () => break,
        }
        at += 1;
    }
    let places = args.rest(at);
    let members = match (new, present) {
        (false, false) => Members::All,
        (true, false) => Members::New,
        (false, true) => Members::Present,
        (true, true) => return Err(ReplyError::SYNTAX),
    };
    if places.is_empty() || !places.len().is_multiple_of(3) {
        return Err(ReplyError::SYNTAX);
    }
    // Everything or nothing: all places are read before the first member is touched.
    let mut scores = Vec::with_capacity(places.len() / 3);
    for at in (0..places.len()).step_by(3) {
        let place = parse_place(places.at(at), places.at(at + 1))?;
        scores.push(Cell::of(place, STEPS).score());
    }
    let apply = |zset: &mut ZSetMut<'_>| {
        let (mut added, mut updated) = (0, 0);
        for (index, score) in scores.iter().enumerate() {
            let done = zset.update(places.at(3 * index + 2), |old| {
                let wanted = match members {
                    Members::All => true,
                    Members::New => old.is_none(),
                    Members::Present => old.is_some(),
                };
                wanted.then_some(*score)
            });
            match done {
                Insertion::Added => added += 1,
                Insertion::Updated(_) => updated += 1,
                Insertion::Same => {}
            }
        }
        (added, updated)
    };
    let (key, event) = (args.at(1), Event::zset("zadd"));
    let thresholds = Thresholds::of(&ctx.server.settings);
    let (added, updated) = if let Some(mut found) = edit(&mut ctx.keys, key)? {
        found.change_if(event, |record| {
            let tally = apply(&mut ZSetMut::new(record, thresholds, scores.len()));
            (tally, tally != (0, 0))
        })
    } else if members == Members::Present {
        (0, 0)
    } else {
        let mut record = ctx.keys.draft(key, NewValue::PackedZSet(b""));
        let tally = apply(&mut ZSetMut::new(&mut record, thresholds, scores.len()));
        ctx.keys.put(ctx.keys.db, record, event);
        tally
    };
    let answer = if count_changes {
        added + updated
    } else {
        added
    };
    ctx.reply.int(answer);
    Ok(Outcome::Done)
}
