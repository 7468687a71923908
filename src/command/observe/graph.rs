//! `LATENCY GRAPH`: the samples of an event as columns of characters, each with its age below.

use std::fmt::Write as _;

use super::latency::event;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};

/// The height of the drawing in lines, and the levels that a line tells apart.
const ROWS: usize = 4;
const LEVELS: &[char] = &['_', 'o', '#'];

/// `LATENCY GRAPH event`
pub(super) fn graph(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let latency = &ctx.server.observers.latency;
    let found = event(args.at(2)).and_then(|event| Some((event, latency.spikes(event)?)));
    let Some((event, spikes)) = found else {
        let text = [b"ERR No samples available for event '", args.at(2), b"'"].concat();
        return Err(ReplyError::from_bytes(text));
    };
    let millis = spikes.samples.iter().map(|(_, millis)| *millis);
    let (high, low) = (millis.clone().max(), millis.clone().min());
    let (high, low) = (high.unwrap_or(0), low.unwrap_or(0));
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name(),
        spikes.longest,
        "-".repeat(80)
    );
    let now = ctx.server.clock.now() / 1000;
    let ages = spikes.samples.iter().map(|(second, _)| age(now - second));
    let heights = millis.map(|millis| height(millis, low, high));
    draw(
        &mut text,
        &heights.collect::<Vec<_>>(),
        &ages.collect::<Vec<_>>(),
    );
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// A height in levels, from 0 for the lowest to the top of the drawing for the highest.
fn height(millis: u64, low: u64, high: u64) -> usize {
    let most = (ROWS * LEVELS.len() - 1) as u64;
    let part = u128::from(millis - low) * u128::from(most);
    (part / u128::from((high - low).max(1))) as usize
}

/// Draws the columns, and below each the letters of its label, from top to bottom.
fn draw(text: &mut String, heights: &[usize], labels: &[String]) {
    let mut line = |cells: String| writeln!(text, "{cells}").expect("a String takes all");
    for row in (0..ROWS).rev() {
        let cell = |height: &usize| match height.checked_sub(row * LEVELS.len()) {
            Some(level) if level < LEVELS.len() => LEVELS[level],
            Some(_) => '|',
            None => ' ',
        };
        line(heights.iter().map(cell).collect());
    }
    line(String::new());
    let longest = labels.iter().map(String::len).max().unwrap_or(0);
    for at in 0..longest {
        let letter = |label: &String| label.as_bytes().get(at).map_or(' ', |c| char::from(*c));
        line(labels.iter().map(letter).collect());
    }
}

/// How long ago, in the largest unit that gives at least 1.
fn age(seconds: i64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let fits = |unit: &&(i64, char)| seconds >= unit.0;
    let (size, name) = units.iter().find(fits).copied().unwrap_or((1, 's'));
    format!("{}{name}", seconds.max(0) / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_reaches_the_top() {
        let heights = [10, 40, 120].map(|millis| height(millis, 10, 120));
        assert_eq!(heights, [0, 3, 11]);
        assert_eq!(height(7, 7, 7), 0);
        let mut text = String::new();
        draw(
            &mut text,
            &heights,
            &["90s".into(), "5m".into(), "1s".into()],
        );
        assert_eq!(text, "  #\n  |\n _|\n_||\n\n951\n0ms\ns  \n");
    }

    #[test]
    fn ages_are_short() {
        assert_eq!(
            [0, 59, 60, 7_200, 200_000].map(age),
            ["0s", "59s", "1m", "2h", "2d"]
        );
    }
}
