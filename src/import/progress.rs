//! What an import says while it runs: one line that is written over on a terminal, else a line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::state::State;

/// How often the line on a terminal changes.
const ON_TERMINAL: Duration = Duration::from_millis(200);
/// How often there is a line elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);
/// Clears a terminal's line from the cursor on.
const CLEAR: &str = "\x1b[K";
/// How much of a key is shown.
const KEY: usize = 60;

/// The progress of an import, on standard error.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    started: Instant,
    told: Instant,
    /// Keys that were copied before this run, if it goes on with another.
    before: Option<u64>,
    db: usize,
    keys: u64,
    /// What was copied when the database began.
    offset: u64,
}

impl Default for Progress {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            terminal: std::io::stderr().is_terminal(),
            started: now,
            told: now,
            before: None,
            db: 0,
            keys: 0,
            offset: 0,
        }
    }
}

impl Progress {
    /// A database of so many keys begins, or goes on.
    pub(super) fn database(&mut self, db: usize, keys: u64, state: &State) {
        self.before.get_or_insert(state.copied);
        (self.db, self.keys, self.offset) = (db, keys, state.copied);
    }

    /// Something has been done.
    pub(super) fn tick(&mut self, state: &State) {
        let interval = if self.terminal {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        if self.told.elapsed() < interval {
            return;
        }
        self.told = Instant::now();
        let line = format!(
            "database {}: {} of about {} keys, {}",
            self.db,
            state.copied - self.offset,
            self.keys,
            self.rates(state)
        );
        if self.terminal {
            write(&format!("\r{line}{CLEAR}"));
        } else {
            say(&line);
        }
    }

    fn rates(&self, state: &State) -> String {
        let copied = state.copied - self.before.unwrap_or(state.copied);
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let mut text = format!("{:.0} keys/s", copied as f64 / seconds);
        if state.failed > 0 {
            text.push_str(&format!(", {} failed", state.failed));
        }
        text
    }

    /// Says something between the lines of progress.
    pub(super) fn say(&self, line: &str) {
        if self.terminal {
            write(&format!("\r{CLEAR}"));
        }
        say(line);
    }

    /// The last line.
    pub(super) fn end(&self, state: &State) {
        let mut line = format!(
            "{} keys copied, {} bytes of values, {}",
            state.copied,
            state.bytes,
            self.rates(state)
        );
        if state.gone > 0 {
            line.push_str(&format!(", {} expired or deleted meanwhile", state.gone));
        }
        self.say(&line);
    }
}

/// One line on standard error.
pub(super) fn say(line: &str) {
    write(&format!("larder: {line}\n"));
}

/// Nobody left to read it is no error.
fn write(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A key as it is shown: on one line, and not too long.
pub(super) fn shown(key: &[u8]) -> String {
    let mut text = format!("'{}'", key[..key.len().min(KEY)].escape_ascii());
    if key.len() > KEY {
        text.push_str("...");
    }
    text
}
