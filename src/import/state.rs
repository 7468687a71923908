//! How far an import has come, kept in a file so that a later run goes on.
//!
//! ```text
//! larder import state 1
//! from redis://10.0.0.1:6379
//! to redis://127.0.0.1:6379
//! database 0
//! cursor 1234
//! copied 100000
//! ...
//! ```
//!
//! Every key before the cursor is answered for; those behind it may have been copied too, and are copied again.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::address::Address;

const FIRST_LINE: &str = "larder import state 1";
/// The file is written no more often than this, and at the end.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far an import has come.
#[derive(Debug)]
pub(super) struct State {
    file: Option<PathBuf>,
    from: String,
    to: String,
    /// The database that is being copied.
    pub(super) db: usize,
    /// Where SCAN goes on in it.
    pub(super) cursor: String,
    /// Keys that the target has taken.
    pub(super) copied: u64,
    /// Bytes of their values as they travelled.
    pub(super) bytes: u64,
    /// Keys that were gone before they could be fetched.
    pub(super) gone: u64,
    /// Keys that could not be copied.
    pub(super) failed: u64,
    /// Whether everything is copied.
    pub(super) finished: bool,
    saved: Instant,
}

impl State {
    /// The state in the file, or the beginning if there is no file.
    pub(super) fn open(file: Option<&Path>, from: &Address, to: &Address) -> Result<Self, String> {
        let mut state = Self {
            file: file.map(Path::to_owned),
            from: from.to_string(),
            to: to.to_string(),
            db: 0,
            cursor: "0".into(),
            copied: 0,
            bytes: 0,
            gone: 0,
            failed: 0,
            finished: false,
            saved: Instant::now(),
        };
        let Some(file) = file else { return Ok(state) };
        match fs::read_to_string(file) {
            Ok(text) => state
                .read(&text)
                .map_err(|why| format!("{}: {why}", file.display()))?,
            Err(why) if why.kind() == ErrorKind::NotFound => {}
            Err(why) => return Err(format!("{}: cannot read it: {why}", file.display())),
        }
        Ok(state)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err("this is no state of an import".into());
        }
        for line in lines {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{name}: not a number"))
            };
            match name {
                "from" if value != self.from => {
                    return Err(format!("this is the state of an import from {value}"));
                }
                "to" if value != self.to => {
                    return Err(format!("this is the state of an import to {value}"));
                }
                "from" | "to" => {}
                "database" => self.db = number()? as usize,
                "cursor" => {
                    number()?;
                    self.cursor = value.to_owned();
                }
                "copied" => self.copied = number()?,
                "bytes" => self.bytes = number()?,
                "gone" => self.gone = number()?,
                "failed" => self.failed = number()?,
                "finished" => self.finished = true,
                _ => return Err(format!("'{name}' is not known here")),
            }
        }
        Ok(())
    }

    /// Begins with a database.
    pub(super) fn enter(&mut self, db: usize) {
        self.db = db;
        self.cursor = "0".into();
    }

    /// Writes the file, if it was not written just now.
    pub(super) fn save_now_and_then(&mut self) -> Result<(), String> {
        if self.saved.elapsed() < INTERVAL {
            return Ok(());
        }
        self.save()
    }

    /// Writes the file, whole or not at all.
    pub(super) fn save(&mut self) -> Result<(), String> {
        self.saved = Instant::now();
        let Some(file) = &self.file else {
            return Ok(());
        };
        let fresh = file.with_added_extension("new");
        fs::write(&fresh, self.text())
            .and_then(|()| fs::rename(&fresh, file))
            .map_err(|why| format!("{}: cannot write it: {why}", file.display()))
    }

    fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nfrom {}\nto {}\n", self.from, self.to);
        for (name, number) in [
            ("database", self.db as u64),
            ("copied", self.copied),
            ("bytes", self.bytes),
            ("gone", self.gone),
            ("failed", self.failed),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name} {number}");
        }
        let _ = writeln!(text, "cursor {}", self.cursor);
        if self.finished {
            text.push_str("finished\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> (Address, Address) {
        let parse = |text: &str| text.parse().unwrap();
        (parse("redis://:x@a:1"), parse("redis://b:2"))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (from, to) = addresses();
        let mut state = State::open(None, &from, &to).unwrap();
        (state.db, state.cursor) = (3, "18446744073709551615".into());
        (state.copied, state.bytes, state.gone, state.failed) = (1, 2, 3, 4);
        let text = state.text();
        assert!(!text.contains('x'), "no password in {text}");
        let mut other = State::open(None, &from, &to).unwrap();
        other.read(&text).unwrap();
        assert_eq!(other.text(), text);
        assert!(!other.finished);
    }

    #[test]
    fn the_state_of_something_else_is_refused() {
        let (from, to) = addresses();
        let text = State::open(None, &from, &to).unwrap().text();
        let mut turned = State::open(None, &to, &from).unwrap();
        assert!(turned.read(&text).unwrap_err().contains("redis://a:1"));
        for text in [
            "",
            "hello",
            "larder import state 1\ncursor x",
            "larder import state 1\nnews 1",
        ] {
            assert!(turned.read(text).is_err(), "{text}");
        }
    }
}
