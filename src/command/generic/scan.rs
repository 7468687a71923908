//! Finding keys: SCAN, KEYS, RANDOMKEY.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::random;
use crate::command::scan_options::{self, ScanOptions};
use crate::command::scripting;
use crate::keyspace::ValueType;
use crate::keyspace::scan::Cursor;
use crate::resp::{Args, ReplyError};
use crate::value::glob;

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(super) fn scan(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut wanted_type = None;
    let options = ScanOptions::parse(
        scan_options::cursor(args.at(1))?,
        args.rest(2),
        |word, next| match next {
            Some(name) if word.eq_ignore_ascii_case(b"TYPE") => {
                wanted_type = Some(name);
                Ok(2)
            }
            _ if word.eq_ignore_ascii_case(b"NOVALUES") => Err(ReplyError::new(
                "ERR NOVALUES option can only be used in HSCAN",
            )),
            _ => Err(ReplyError::SYNTAX),
        },
    )?;
    let wanted_type = wanted_type.map(type_named).transpose()?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    let seen = ctx.server.keyspace.reservations.ended();
    let next = ctx
        .keys
        .scan(Cursor(options.cursor), options.count, |record| {
            let is_wanted_type =
                wanted_type.is_none_or(|wanted| wanted == Some(record.kind().value_type()));
            if is_wanted_type && options.wants(record.key()) {
                found.push(record.key().to_vec());
            }
        });
    let next = match next {
        Ok(next) => next,
        Err(met) => return scripting::wait_or_retry(ctx, met, seen),
    };
    ScanOptions::begin_reply(ctx.reply, next.0, found.len());
    found.iter().for_each(|key| ctx.reply.bulk(key));
    Ok(Outcome::Done)
}

/// The type that a name stands for; `None` for the types of Redis that no key here can have.
fn type_named(name: &[u8]) -> Result<Option<ValueType>, ReplyError> {
    match name.to_ascii_lowercase().as_slice() {
        b"string" => Ok(Some(ValueType::String)),
        b"hash" => Ok(Some(ValueType::Hash)),
        b"zset" => Ok(Some(ValueType::ZSet)),
        b"list" => Ok(Some(ValueType::List)),
        b"set" => Ok(Some(ValueType::Set)),
        b"stream" => Ok(Some(ValueType::Stream)),
        _ => Err(ReplyError::err(format!(
            "unknown type name '{}'",
            String::from_utf8_lossy(name)
        ))),
    }
}

/// `KEYS pattern`
pub(super) fn keys(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let pattern = args.at(1);
    let at = ctx.reply.defer();
    let mut count = 0;
    let reply = &mut *ctx.reply;
    ctx.keys.each_key(|record| {
        if pattern == b"*" || glob::matches(pattern, record.key()) {
            reply.bulk(record.key());
            count += 1;
        }
    });
    ctx.reply.array_at(at, count);
    Ok(Outcome::Done)
}

/// `RANDOMKEY`
pub(super) fn randomkey(ctx: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    match ctx.keys.random_key(random::next) {
        Some(key) => ctx.reply.bulk(&key),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}
