//! HRANDFIELD and HSCAN.

use super::view::{FieldView, HashView};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::random;
use crate::command::scan_options::ScanOptions;
use crate::keyspace::scan::Position;
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;

/// `HRANDFIELD key [count [WITHVALUES]]`
pub(super) fn hrandfield(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.get(2) {
        None => None,
        Some(text) => {
            let count = number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?;
            let most = i64::MAX;
            if count == i64::MIN || (args.len() > 3 && !(-most / 2..=most / 2).contains(&count)) {
                let most = if args.len() > 3 { most / 2 } else { most };
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
    let now = ctx.now;
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let reply = &mut *ctx.reply;
    let fields = hash.map(HashView::fields).unwrap_or_default();
    match count {
        None if fields.is_empty() => reply.null(),
        None => reply.bulk(fields[random::below(fields.len())].name),
        Some(_) if fields.is_empty() => reply.array(0),
        // A negative count: that many draws, the same field perhaps more than once.
        Some(count) if count < 0 => {
            let draws = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            begin(reply, draws, with_values);
            (0..draws).for_each(|_| show(reply, fields[random::below(fields.len())], with_values));
        }
        Some(count) => {
            let wanted = usize::try_from(count)
                .unwrap_or(usize::MAX)
                .min(fields.len());
            let chosen = random::choose(fields, wanted);
            begin(reply, chosen.len(), with_values);
            chosen
                .into_iter()
                .for_each(|field| show(reply, field, with_values));
        }
    }
    Ok(Outcome::Done)
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
    let mut values = true;
    let options = ScanOptions::parse(args, 2, |word, _| {
        if word.eq_ignore_ascii_case(b"NOVALUES") {
            values = false;
            return Ok(1);
        }
        Err(ReplyError::SYNTAX)
    })?;
    let now = ctx.now;
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
    let mut next = Position::START;
    match hash {
        None => {}
        // A packed hash is returned whole.
        Some(HashView::Packed(packed)) => {
            fields.extend(packed.iter().filter(|(name, _)| options.wants(name)))
        }
        Some(HashView::Large(large, now)) => {
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
