//! `LATENCY DOCTOR`: the spikes in words, and what helps.

use std::fmt::Write as _;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::observe::{Event, Spikes};
use crate::resp::Args;
use crate::server::Server;

/// `LATENCY DOCTOR`
pub(super) fn doctor(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let text = report(ctx.server);
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn report(server: &Server) -> String {
    let latency = &server.observers.latency;
    let seen: Vec<(Event, Spikes)> = latency.all().collect();
    if seen.is_empty() {
        return match latency.threshold() {
            0 => "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Larder instance. CONFIG SET \
                  latency-monitor-threshold <milliseconds> enables it.\n"
                .to_owned(),
            _ => "No latency spike was observed since the last reset, not in the slightest bit.\n".to_owned(),
        };
    }
    let mut text = String::from("Latency spikes were observed:\n\n");
    let now = server.clock.now() / 1000;
    for (number, (event, spikes)) in seen.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", number + 1, describe(*event, spikes, now));
    }
    text.push_str("\nWhat helps:\n\n");
    for (event, _) in &seen {
        let _ = writeln!(text, "- {}: {}", event.name(), advice(*event));
    }
    text
}

fn describe(event: Event, spikes: &Spikes, now: i64) -> String {
    let millis = spikes.samples.iter().map(|(_, millis)| *millis);
    let count = spikes.samples.len().max(1) as u64;
    let average = millis.clone().sum::<u64>() / count;
    let deviation = millis.map(|millis| millis.abs_diff(average)).sum::<u64>() / count;
    let first = spikes.samples.front().map_or(now, |(second, _)| *second);
    let period = (now - first).max(0) as f64 / count as f64;
    format!(
        "{}: {count} latency spikes (average {average}ms, mean deviation {deviation}ms, period {period:.2} sec). Worst all \
         time event {}ms.",
        event.name(),
        spikes.longest
    )
}

fn advice(event: Event) -> &'static str {
    match event {
        Event::Command => {
            "SLOWLOG GET shows which commands took long. Commands that look at a whole collection or at all keys take time in \
             proportion: SCAN, HSCAN and their like do it in steps. A script that takes long is better cut into several."
        }
        Event::FastCommand => {
            "such commands take microseconds of work. When they are slow the machine has too little to give: look for other \
             programs on the same cores, a limit on processor time, swapping, or a virtual machine that is not scheduled."
        }
        Event::ExpireCycle => {
            "many keys expire at the same time. Adding some random time to expirations spreads them; 'active-expire-effort' says \
             how much of a core the sweeper may take."
        }
        Event::EvictionCycle => {
            "much has to be evicted at a time, or values are large. More 'maxmemory' or smaller values help; a higher \
             'maxmemory-eviction-tenacity' makes one request wait longer instead of several."
        }
        Event::ActiveDefragCycle => {
            "a lower 'active-defrag-cycle-max' gives defragmentation less time at once."
        }
    }
}
