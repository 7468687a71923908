//! HRANDFIELD and HSCAN.

use super::view::{FieldView, HashView};
use crate::clock::UnixMillis;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::random::{self, Draws};
use crate::command::scan_options::{self, ScanOptions};
use crate::keyspace::scan::Position;
use crate::resp::{Args, Reply, ReplyError};
use crate::value::hash::Hash;
use crate::value::number;
use std::collections::HashSet;

/// `HRANDFIELD key [count [WITHVALUES]]`
pub(super) fn hrandfield(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.get(2) {
        None => None,
        Some(text) => {
            let count = number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?;
            let most = i64::MAX;
            if count == i64::MIN {
                return Err(ReplyError::err(format!(
                    "value is out of range, value must between -{most} and {most}"
                )));
            }
            Some(count)
        }
    };
    let with_values = match (args.len(), args.get(3)) {
        (..=3, _) => false,
        (4, Some(word)) if word.eq_ignore_ascii_case(b"WITHVALUES") => true,
        _ => return Err(ReplyError::SYNTAX),
    };
    if with_values && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(ReplyError::VALUE_RANGE);
    }
    let now = ctx.now;
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let reply = &mut *ctx.reply;
    let magnitude = count.map(|count| usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX));
    let pool = hash.and_then(|hash| Pool::of(hash, magnitude.unwrap_or(1)));
    match (pool, count, magnitude) {
        (None, None, _) => reply.null(),
        (None, Some(_), _) => reply.array(0),
        (Some(mut pool), Some(..0), Some(draws)) => {
            let mut room = Draws::new(draws, ctx.server.settings.proto_max_bulk_len())?;
            begin(reply, draws, with_values);
            for _ in 0..draws {
                let field = pool.draw();
                room.take(field.name.len() + if with_values { field.value.len() } else { 0 })?;
                show(reply, field, with_values);
            }
        }
        (Some(pool), Some(_), Some(wanted)) => {
            let chosen = pool.choose(wanted);
            begin(reply, chosen.len(), with_values);
            chosen
                .into_iter()
                .for_each(|field| show(reply, field, with_values));
        }
        (Some(mut pool), ..) => reply.bulk(pool.draw().name),
    }
    Ok(Outcome::Done)
}

/// Draws from a table in a row that may find only expired fields.
const TRIES: usize = 64;

/// The fields that have not expired, at least one, to choose from.
enum Pool<'a> {
    /// All of them.
    Listed(Vec<FieldView<'a>>),
    /// A large hash of which few fields are wanted, with the time: they are drawn where they are.
    Table(&'a Hash, UnixMillis),
}

impl<'a> Pool<'a> {
    /// A pool for `wanted` choices; `None` if there is no field.
    fn of(hash: HashView<'a>, wanted: usize) -> Option<Self> {
        if let HashView::Large(table, now) = hash
            && wanted < table.len() / 3
            && draw_from(table, now).is_some()
        {
            return Some(Self::Table(table, now));
        }
        let fields = hash.fields();
        (!fields.is_empty()).then_some(Self::Listed(fields))
    }

    /// Any field, each with the same probability.
    fn draw(&mut self) -> FieldView<'a> {
        if let Self::Table(table, now) = *self {
            if let Some(field) = draw_from(table, now) {
                return field;
            }
            *self = Self::Listed(HashView::Large(table, now).fields());
        }
        match self {
            Self::Listed(fields) => fields[random::below(fields.len())],
            Self::Table(..) => unreachable!("it was listed above"),
        }
    }

    /// `wanted` different fields, or all if they are fewer.
    fn choose(self, wanted: usize) -> Vec<FieldView<'a>> {
        let fields = match self {
            Self::Listed(fields) => fields,
            Self::Table(table, now) => {
                let mut seen = HashSet::with_capacity(wanted);
                // Two draws of three are new ones; if they are not, most fields have expired.
                let chosen: Vec<_> = (0..wanted * 4 + TRIES)
                    .map_while(|_| draw_from(table, now))
                    .filter(|field| seen.insert(field.name.as_ptr()))
                    .take(wanted)
                    .collect();
                if chosen.len() == wanted {
                    return chosen;
                }
                HashView::Large(table, now).fields()
            }
        };
        random::choose(fields, wanted)
    }
}

/// A field that has not expired; `None` if that is hard to find.
fn draw_from(table: &Hash, now: UnixMillis) -> Option<FieldView<'_>> {
    (0..TRIES)
        .map_while(|_| table.random(&mut random::next))
        .find(|field| !field.is_expired(now))
        .map(FieldView::from)
}

/// In RESP3 a field and its value are a pair, in RESP2 they follow each other.
fn begin(reply: &mut Reply, count: usize, with_values: bool) {
    reply.array(if with_values && !reply.is_resp3() {
        count.saturating_mul(2)
    } else {
        count
    });
}

fn show(reply: &mut Reply, field: FieldView<'_>, with_values: bool) {
    if with_values && reply.is_resp3() {
        reply.array(2);
    }
    reply.bulk(field.name);
    if with_values {
        reply.bulk(field.value);
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
pub(super) fn hscan(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (cursor, now) = (scan_options::cursor(args.at(2))?, ctx.now);
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let Some(hash) = hash else {
        ScanOptions::begin_reply(ctx.reply, 0, 0);
        return Ok(Outcome::Done);
    };
    let mut values = true;
    let options = ScanOptions::parse(cursor, args.rest(3), |word, _| {
        if word.eq_ignore_ascii_case(b"NOVALUES") {
            values = false;
            return Ok(1);
        }
        Err(ReplyError::SYNTAX)
    })?;
    let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
    let mut next = Position::START;
    match hash {
        // A packed hash is returned whole.
        HashView::Packed(packed) => {
            fields.extend(packed.iter().filter(|(name, _)| options.wants(name)))
        }
        HashView::Large(large, now) => {
            let from = Position::from_cursor(options.cursor);
            next = Position::after(large.scan(from.in_table(), options.count, |field| {
                if !field.is_expired(now) && options.wants(field.name()) {
                    fields.push((field.name(), field.value()));
                }
            }));
        }
    }
    ScanOptions::begin_reply(
        ctx.reply,
        next.cursor(),
        if values {
            fields.len() * 2
        } else {
            fields.len()
        },
    );
    for (name, value) in fields {
        ctx.reply.bulk(name);
        if values {
            ctx.reply.bulk(value);
        }
    }
    Ok(Outcome::Done)
}
