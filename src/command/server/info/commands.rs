//! The sections Commandstats, Errorstats and Latencystats.

use super::Source;
use super::text::{Text, ratio, safe};
use crate::command::table;
use crate::stats::{CommandCounters, Counter, Histogram, Stats, ticks};

/// What every thread has counted of one command.
fn of_command(stats: &Stats, id: usize) -> impl Iterator<Item = &CommandCounters> {
    stats
        .threads()
        .iter()
        .map(move |thread| &thread.commands[id])
}

pub(super) fn calls(source: &mut Source<'_, '_>, text: &mut Text) {
    let stats = &source.server.stats;
    for command in table::all() {
        let sum = |counter: fn(&CommandCounters) -> &Counter| -> u64 {
            of_command(stats, command.id())
                .map(|counters| counter(counters).get())
                .sum()
        };
        let calls = sum(|counters| &counters.calls);
        let (rejected, failed) = (
            sum(|counters| &counters.rejected),
            sum(|counters| &counters.failed),
        );
        if calls + rejected + failed == 0 {
            continue;
        }
        let micros = ticks::to_nanos(sum(|counters| &counters.ticks)) / 1000;
        let mean = ratio(micros as f64, calls as f64);
        text.field(
            format_args!("cmdstat_{}", command.full_name()),
            format_args!(
                "calls={calls},usec={micros},usec_per_call={mean},rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

pub(super) fn errors(source: &mut Source<'_, '_>, text: &mut Text) {
    for (code, count) in source.server.stats.errors() {
        text.field(
            format_args!("errorstat_{}", safe(&code)),
            format_args!("count={count}"),
        );
    }
}

/// The percentiles that `latency-tracking-info-percentiles` names, in microseconds.
pub(super) fn latencies(source: &mut Source<'_, '_>, text: &mut Text) {
    if !source.server.settings.latency_tracking() {
        return;
    }
    let setting = source.setting("latency-tracking-info-percentiles");
    let (names, percents): (Vec<&str>, Vec<f64>) = setting
        .split_whitespace()
        .filter_map(|word| Some((word, word.parse::<f64>().ok()?)))
        .unzip();
    for command in table::all() {
        let histograms: Vec<&Histogram> = of_command(&source.server.stats, command.id())
            .filter_map(|counters| counters.latency.get().map(|histogram| &**histogram))
            .collect();
        let Some(nanos) = Histogram::percentiles(&histograms, &percents) else {
            continue;
        };
        let values: Vec<String> = names
            .iter()
            .zip(nanos)
            .map(|(name, nanos)| format!("p{name}={}.{:03}", nanos / 1000, nanos % 1000))
            .collect();
        text.field(
            format_args!("latency_percentiles_usec_{}", command.full_name()),
            values.join(","),
        );
    }
}
