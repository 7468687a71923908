//! GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER: the places within an area.

use super::query::{Form, Order, Query};
use super::reply::Writer;
use super::result::new_set;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::sorted_set::store::store;
use crate::command::sorted_set::view::read;
use crate::keyspace::Event;
use crate::resp::{Args, Reply};
use crate::value::geo::cell::Cell;
use crate::value::geo::{Place, Shape};
use crate::value::zset::range::ScoreBound;
use crate::value::zset::{Direction, ScoreRange, ZSetView};

/// A member that is in the area.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) name: &'a [u8],
    pub(super) score: f64,
    pub(super) place: Place,
    /// From the centre, in metres.
    pub(super) distance: f64,
}

/// `GEORADIUS key longitude latitude radius M | KM | FT | MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC |
/// DESC] [STORE key | STOREDIST key]`
pub(super) fn georadius(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::RadiusAt { stores: true })
}

/// `GEORADIUS_RO`: the same without STORE and STOREDIST.
pub(super) fn georadius_ro(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::RadiusAt { stores: false })
}

/// `GEORADIUSBYMEMBER key member radius M | KM | FT | MI` and the options of GEORADIUS
pub(super) fn georadiusbymember(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::RadiusByMember { stores: true })
}

/// `GEORADIUSBYMEMBER_RO`: the same without STORE and STOREDIST.
pub(super) fn georadiusbymember_ro(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::RadiusByMember { stores: false })
}

/// `GEOSEARCH key [FROMMEMBER member | FROMLONLAT longitude latitude] BYRADIUS radius unit | BYBOX width height unit |
/// BYPOLYGON count longitude latitude [longitude latitude ...] [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST]
/// [WITHHASH]`
pub(super) fn geosearch(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::Search)
}

/// `GEOSEARCHSTORE destination source`, the options of GEOSEARCH that choose, and `[STOREDIST]`
pub(super) fn geosearchstore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    search(ctx, args, Form::SearchStore)
}

fn search(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let zset = read(&mut ctx.keys, args.at(form.source_at()))?;
    let query = Query::parse(args, form, zset)?;
    let hits = match (zset, query.shape()) {
        (Some(zset), Some(shape)) => find(zset, &shape, &query),
        _ => Vec::new(),
    };
    match query.store {
        None => answer(ctx.reply, &hits, &query),
        Some(destination) => {
            let event = match form {
                Form::Search | Form::SearchStore => "geosearchstore",
                Form::RadiusAt { .. } | Form::RadiusByMember { .. } => "georadiusstore",
            };
            let set = new_set(ctx.server, hits, destination, query.unit);
            store(ctx, destination.key, Some(set), Event::zset(event));
        }
    }
    Ok(Outcome::Done)
}

/// The members in the area, in the order that was asked for.
fn find<'z>(zset: ZSetView<'z>, shape: &Shape, query: &Query<'_>) -> Vec<Hit<'z>> {
    let centre = shape.centre();
    let enough = query.count.filter(|_| query.any).unwrap_or(usize::MAX);
    let candidates = shape.scores(centre).flat_map(|scores| {
        let range = ScoreRange {
            min: ScoreBound {
                score: scores.start as f64,
                exclusive: false,
            },
            max: ScoreBound {
                score: scores.end as f64,
                exclusive: true,
            },
        };
        zset.range(zset.score_range(&range), Direction::Forward)
    });
    let mut hits: Vec<_> = candidates
        .filter_map(|(name, score)| {
            let place = Cell::of_score(score).middle();
            let distance = shape.distance(centre, place)?;
            Some(Hit {
                name,
                score,
                place,
                distance,
            })
        })
        .take(enough)
        .collect();
    // The first of many make sense only if they are the nearest, unless any will do.
    let order = match query.order {
        Order::Any if query.count.is_some() && !query.any => Order::Nearest,
        order => order,
    };
    match order {
        Order::Any => {}
        Order::Nearest => hits.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
        Order::Farthest => hits.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
    }
    hits.truncate(query.count.unwrap_or(usize::MAX));
    hits
}

/// Writes the members, each with what was asked for.
fn answer(reply: &mut Reply, hits: &[Hit<'_>], query: &Query<'_>) {
    let extras = [query.with_distance, query.with_hash, query.with_place]
        .iter()
        .filter(|wanted| **wanted)
        .count();
    let mut writer = Writer::default();
    reply.array(hits.len());
    for hit in hits {
        if extras > 0 {
            reply.array(1 + extras);
        }
        reply.bulk(hit.name);
        if query.with_distance {
            writer.distance(reply, hit.distance / query.unit);
        }
        if query.with_hash {
            reply.int(hit.score as i64);
        }
        if query.with_place {
            writer.place(reply, hit.place);
        }
    }
}
