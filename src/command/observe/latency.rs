//! LATENCY's figures: the samples of slow events, and the histograms of commands.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::table::{self, Command};
use crate::observe::Event;
use crate::resp::{Args, Reply};
use crate::server::Server;
use crate::stats::Histogram;

/// The event of that name.
pub(super) fn event(name: &[u8]) -> Option<Event> {
    let is_meant = |event: &Event| name.eq_ignore_ascii_case(event.name().as_bytes());
    Event::ALL.into_iter().find(is_meant)
}

fn int(reply: &mut Reply, n: u64) {
    reply.int(i64::try_from(n).unwrap_or(i64::MAX));
}

/// `LATENCY HISTORY event`: seconds and milliseconds; nothing for what is no event.
pub(super) fn history(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let spikes = event(args.at(2)).and_then(|event| ctx.server.observers.latency.spikes(event));
    let samples = spikes.unwrap_or_default().samples;
    ctx.reply.array(samples.len());
    for (second, millis) in samples {
        ctx.reply.array(2);
        ctx.reply.int(second);
        int(ctx.reply, millis);
    }
    Ok(Outcome::Done)
}

/// `LATENCY LATEST`: of each event its name, the second and the milliseconds of its last sample, the longest ever, the
/// sum of all, and their number.
pub(super) fn latest(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let all: Vec<_> = ctx.server.observers.latency.all().collect();
    ctx.reply.array(all.len());
    for (event, spikes) in all {
        let (second, millis) = spikes.samples.back().copied().unwrap_or_default();
        ctx.reply.array(6);
        ctx.reply.bulk(event.name().as_bytes());
        ctx.reply.int(second);
        for figure in [millis, spikes.longest, spikes.sum, spikes.count] {
            int(ctx.reply, figure);
        }
    }
    Ok(Outcome::Done)
}

/// `LATENCY RESET [event ...]`: how many events were forgotten.
pub(super) fn reset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let latency = &ctx.server.observers.latency;
    let named = args.rest(2);
    let forgotten = match named.is_empty() {
        true => Event::ALL.map(|event| latency.reset(event)).to_vec(),
        false => {
            let events = named.iter().filter_map(event);
            events.map(|event| latency.reset(event)).collect()
        }
    };
    let count = forgotten.iter().filter(|forgotten| **forgotten).count();
    int(ctx.reply, count as u64);
    Ok(Outcome::Done)
}

/// `LATENCY HISTOGRAM [command ...]`: for each command with calls their number, and how many of them took at most so many
/// microseconds, in powers of two. A container stands for its subcommands.
pub(super) fn histogram(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let named = args.rest(2);
    let commands: Vec<&Command> = match named.is_empty() {
        true => table::all().to_vec(),
        false => {
            let found = named.iter().filter_map(table::find_path);
            found.flat_map(with_subcommands).collect()
        }
    };
    let reply = &mut *ctx.reply;
    let map = reply.defer();
    let mut shown = 0;
    for command in commands {
        let counts = counts_of(ctx.server, command);
        let Some((_, calls)) = counts.last() else {
            continue;
        };
        shown += 1;
        reply.bulk(command.full_name().as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        int(reply, *calls);
        reply.bulk(b"histogram_usec");
        reply.map(counts.len());
        for (micros, count) in counts {
            int(reply, micros);
            int(reply, count);
        }
    }
    reply.map_at(map, shown);
    Ok(Outcome::Done)
}

fn with_subcommands(command: &'static Command) -> Vec<&'static Command> {
    match command.subcommands {
        [] => vec![command],
        subcommands => subcommands.iter().collect(),
    }
}

/// The histogram of a command over all threads: microseconds and how many calls took at most that, rising.
fn counts_of(server: &Server, command: &Command) -> Vec<(u64, u64)> {
    let threads = server.stats.threads().iter();
    let histograms: Vec<&Histogram> = threads
        .filter_map(|thread| thread.commands[command.id()].latency.get())
        .map(|histogram| &**histogram)
        .collect();
    Histogram::cumulative(&histograms)
}
