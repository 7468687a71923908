//! PFADD, PFCOUNT, PFMERGE.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::string::in_place::change_bytes;
use crate::keyspace::{Event, NewValue, RecordRef, Value};
use crate::resp::{Args, ReplyError};
use crate::value::hll::{self, Corrupted, Encoding, Hll, HllBuf, Registers};

/// What a HyperLogLog announces when it has changed.
const EVENT: Event = Event::string("pfadd");

const NOT_ONE: ReplyError =
    ReplyError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");

/// The error for a HyperLogLog whose runs make no sense.
pub(super) fn damaged(_: Corrupted) -> ReplyError {
    ReplyError::fixed("INVALIDOBJ Corrupted HLL object detected")
}

/// The HyperLogLog in `record`.
pub(super) fn view_of(record: RecordRef<'_>) -> Result<Hll<'_>, ReplyError> {
    let bytes = match record.value() {
        Value::Str(bytes) => bytes,
        Value::BigStr(bytes) => bytes,
        // An integer's digits are none.
        Value::Int(_) => return Err(NOT_ONE),
        _ => return Err(ReplyError::WRONG_TYPE),
    };
    Hll::new(bytes).ok_or(NOT_ONE)
}

/// `PFADD key [element ...]`
pub(super) fn pfadd(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, elements) = (args.at(1), args.rest(2));
    let sparse_max = ctx.server.settings.hll_sparse_max_bytes();
    // An element that meets damage ends it, but what was added before stays.
    let add_all = |hll: &mut HllBuf| {
        let mut changed = false;
        for element in elements {
            match hll.add(element, sparse_max) {
                Ok(raised) => changed |= raised,
                Err(corrupted) => return (Err(corrupted), changed),
            }
        }
        (Ok(changed), changed)
    };
    let changed = if let Some(mut found) = ctx.keys.edit(key) {
        match view_of(found.record())?.encoding() {
            Encoding::Dense => found.change_if(EVENT, |record| {
                let changed = change_bytes(record, 0, |bytes| {
                    elements.iter().fold(false, |changed, element| {
                        hll::add_dense(bytes, element) || changed
                    })
                });
                (changed, changed)
            }),
            Encoding::Sparse => {
                let mut hll = HllBuf::of(view_of(found.record())?);
                found
                    .change_if(EVENT, |record| {
                        let (result, changed) = add_all(&mut hll);
                        if changed {
                            record.set_value(NewValue::Raw(hll.as_bytes()));
                        }
                        (result, changed)
                    })
                    .map_err(damaged)?
            }
        }
    } else {
        let mut hll = HllBuf::new();
        add_all(&mut hll).0.map_err(damaged)?;
        // Nothing was seen, and that could be cached; but the peers' new ones begin like this.
        hll.invalidate();
        let value = NewValue::Raw(hll.as_bytes());
        ctx.keys.create(key, value, None, EVENT);
        true
    };
    ctx.reply.int(i64::from(changed));
    Ok(Outcome::Done)
}

/// `PFCOUNT key [key ...]`
pub(super) fn pfcount(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = args.rest(1);
    let count = if keys.len() == 1 {
        count_one(ctx, args.at(1))?
    } else {
        let mut registers: Registers = [0; hll::REGISTERS];
        for key in keys {
            if let Some(record) = ctx.keys.read(key) {
                let hll = view_of(record)?;
                hll.merge_into(&mut registers).map_err(damaged)?;
            }
        }
        hll::count_registers(&registers)
    };
    ctx.reply.int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// The count of one key, which is kept in its value until that changes.
fn count_one(ctx: &mut Context<'_>, key: &[u8]) -> Result<u64, ReplyError> {
    let Some(mut found) = ctx.keys.read_to_edit(key) else {
        return Ok(0);
    };
    let hll = view_of(found.record())?;
    if let Some(count) = hll.cached() {
        return Ok(count);
    }
    let count = hll.count().map_err(damaged)?;
    // No news to anyone, yet the bytes of a copy elsewhere shall be the same.
    found.change(Event::silent("pfcount"), |record| {
        change_bytes(record, 0, |bytes| hll::set_cached(bytes, count));
    });
    Ok(count)
}

/// `PFMERGE destkey [sourcekey ...]`
pub(super) fn pfmerge(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut registers: Registers = [0; hll::REGISTERS];
    let mut any_dense = false;
    for key in args.rest(1) {
        if let Some(record) = ctx.keys.read(key) {
            let hll = view_of(record)?;
            any_dense |= hll.encoding() == Encoding::Dense;
            hll.merge_into(&mut registers).map_err(damaged)?;
        }
    }
    let sparse_max = ctx.server.settings.hll_sparse_max_bytes();
    let merge = |mut hll: HllBuf| {
        if any_dense {
            hll.make_dense()?;
        }
        hll.raise_all(&registers, sparse_max)?;
        Ok(hll)
    };
    let dest = args.at(1);
    if let Some(mut found) = ctx.keys.edit(dest) {
        let merged = merge(HllBuf::of(view_of(found.record())?)).map_err(damaged)?;
        found.set_value(NewValue::Raw(merged.as_bytes()), EVENT);
    } else {
        let merged = merge(HllBuf::new()).map_err(damaged)?;
        let value = NewValue::Raw(merged.as_bytes());
        ctx.keys.create(dest, value, None, EVENT);
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}
