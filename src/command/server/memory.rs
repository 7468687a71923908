//! MEMORY: where the memory is, and how many bytes a key occupies.

use std::fmt::Write as _;

use super::figures::MemoryFigures;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::memory;
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;

/// Below this no diagnosis makes sense, in bytes.
const TOO_LITTLE: usize = 5 << 20;

/// `MEMORY USAGE key [SAMPLES count]`: the bytes of the key's record and of all that it holds.
///
/// Every value knows its size, so nothing has to be sampled.
pub(super) fn usage(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut options = args.rest(3).iter();
    while let Some(word) = options.next() {
        let count = options
            .next()
            .filter(|_| word.eq_ignore_ascii_case(b"SAMPLES"));
        let count = count.ok_or(ReplyError::SYNTAX)?;
        if number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)? < 0 {
            return Err(ReplyError::SYNTAX);
        }
    }
    match ctx.keys.peek(args.at(2)) {
        Some(record) => ctx.reply.int(record.memory() as i64),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}

/// A part of the reply to `MEMORY STATS`.
enum Figure {
    Bytes(usize),
    Ratio(f64),
}

/// `MEMORY STATS`
pub(super) fn stats(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    use Figure::{Bytes, Ratio};
    let databases = ctx.keys.figures();
    let held = MemoryFigures::now(ctx.server, &databases);
    let ratio = |large: usize, small: usize| Ratio(large as f64 / small.max(1) as f64);
    let data = held.used - held.startup;
    let scripts = &ctx.server.scripts;
    let before = [
        ("peak.allocated", Bytes(held.peak)),
        ("total.allocated", Bytes(held.used)),
        ("startup.allocated", Bytes(held.startup)),
        ("replication.backlog", Bytes(0)),
        ("replicas.repl.buffer", Bytes(0)),
        ("clients.slaves", Bytes(0)),
        ("clients.normal", Bytes(held.clients)),
        ("cluster.links", Bytes(0)),
        ("cluster.slot_import", Bytes(0)),
        ("cluster.slot_export", Bytes(0)),
        ("aof.buffer", Bytes(0)),
        ("lua.caches", Bytes(scripts.memory())),
        ("functions.caches", Bytes(scripts.libraries.all().memory())),
    ];
    let behind = [
        ("overhead.db.hashtable.lut", Bytes(held.tables)),
        ("overhead.db.hashtable.rehashing", Bytes(0)),
        ("overhead.total", Bytes(held.overhead)),
        ("db.dict.rehashing.count", Bytes(0)),
        ("keys.count", Bytes(held.keys)),
        ("keys.bytes-per-key", Bytes(data / held.keys.max(1))),
        ("dataset.bytes", Bytes(held.dataset)),
        (
            "dataset.percentage",
            Ratio(MemoryFigures::percentage(held.dataset, data)),
        ),
        (
            "peak.percentage",
            Ratio(MemoryFigures::percentage(held.used, held.peak)),
        ),
        ("allocator.allocated", Bytes(held.used)),
        ("allocator.active", Bytes(held.active)),
        ("allocator.resident", Bytes(held.resident)),
        ("allocator.muzzy", Bytes(0)),
        (
            "allocator-fragmentation.ratio",
            ratio(held.active, held.used),
        ),
        (
            "allocator-fragmentation.bytes",
            Bytes(held.active.saturating_sub(held.used)),
        ),
        ("allocator-rss.ratio", ratio(held.resident, held.active)),
        (
            "allocator-rss.bytes",
            Bytes(held.resident.saturating_sub(held.active)),
        ),
        ("rss-overhead.ratio", ratio(held.process, held.resident)),
        (
            "rss-overhead.bytes",
            Bytes(held.process.saturating_sub(held.resident)),
        ),
        ("fragmentation", ratio(held.process, held.used)),
        (
            "fragmentation.bytes",
            Bytes(held.process.saturating_sub(held.used)),
        ),
    ];
    let used = databases.iter().filter(|database| database.keys > 0);
    ctx.reply.map(before.len() + used.count() + behind.len());
    write(ctx.reply, &before);
    for (db, database) in databases.iter().enumerate() {
        if database.keys > 0 {
            ctx.reply.bulk(format!("db.{db}").as_bytes());
            ctx.reply.map(2);
            write(
                ctx.reply,
                &[
                    ("overhead.hashtable.main", Bytes(database.table_bytes)),
                    // The deadlines are in the records; their index is part of the table.
                    ("overhead.hashtable.expires", Bytes(0)),
                ],
            );
        }
    }
    write(ctx.reply, &behind);
    Ok(Outcome::Done)
}

fn write(reply: &mut Reply, figures: &[(&str, Figure)]) {
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        match figure {
            Figure::Bytes(bytes) => reply.int(*bytes as i64),
            Figure::Ratio(ratio) => reply.double(*ratio),
        }
    }
}

/// `MEMORY DOCTOR`: what is out of the ordinary, and what helps.
pub(super) fn doctor(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let held = MemoryFigures::now(ctx.server, &ctx.keys.figures());
    let text = match held.used {
        0..TOO_LITTLE => {
            "This instance is empty or nearly so: there is nothing to find yet.".to_owned()
        }
        _ => diagnose(&held, ctx.server.clients.connected()),
    };
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn diagnose(held: &MemoryFigures, clients: usize) -> String {
    let ratio = |large: usize, small: usize| large as f64 / small.max(1) as f64;
    let mut findings = Vec::new();
    if ratio(held.peak, held.used) > 1.5 {
        findings.push(
            "Peak: once more than one and a half times of what is used now was in use. Memory that was given back may still be counted \
             as resident for a while; MEMORY PURGE gives back what can be."
                .to_owned(),
        );
    }
    let waste = held.active.saturating_sub(held.used);
    if ratio(held.active, held.used) > 1.1 && waste > 10 << 20 {
        findings.push(format!(
            "Fragmentation: {waste} bytes are free between values and of no use to other sizes. With 'activedefrag yes' values are moved \
             together."
        ));
    }
    if ratio(held.process, held.resident) > 1.1
        && held.process.saturating_sub(held.resident) > 10 << 20
    {
        findings.push(
            "Overhead: the process occupies more than its allocators know of: stacks, scripts, what libraries hold.".to_owned(),
        );
    }
    if held.clients / clients.max(1) > 200 << 10 {
        findings.push(
            "Clients: their buffers hold more than 200 kB each on average. Some read too slowly; 'client-output-buffer-limit' and \
             'maxmemory-clients' bound that, CLIENT LIST shows who (tot-mem)."
                .to_owned(),
        );
    }
    if findings.is_empty() {
        return "Nothing out of the ordinary was found.".to_owned();
    }
    let mut text = String::from("This was found:\n\n");
    for finding in findings {
        let _ = writeln!(text, " * {finding}\n");
    }
    text
}

/// `MEMORY MALLOC-STATS`
pub(super) fn malloc_stats(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let slabs = memory::usage();
    let (pages, kept) = memory::big_usage();
    let lines = [
        ("in use", memory::used()),
        ("slabs: in use by threads", slabs.allocated),
        ("slabs: serving a size", slabs.in_slabs),
        ("slabs: resident", slabs.resident),
        ("slabs: address space", slabs.mapped),
        ("pages: in use", pages),
        ("pages: free and kept", kept),
        ("waiting to be freed", memory::reclaim::pending_bytes()),
        ("process: resident", memory::resident()),
    ];
    let mut text = String::from("Bytes, as Larder's allocators count them\n");
    for (name, bytes) in lines {
        let _ = writeln!(text, "{name:<26}{bytes:>16}");
    }
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `MEMORY PURGE`
pub(super) fn purge(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    memory::purge();
    ctx.reply.ok();
    Ok(Outcome::Done)
}
