//! A log of the last commands that were slow, or large: what SLOWLOG and COMMANDLOG show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::resp::Args;

/// The most arguments that an entry keeps; the last one then says how many there were.
const MAX_ARGS: usize = 32;
/// The most bytes of an argument that an entry keeps, but for the note of how many there were.
const MAX_ARG_BYTES: usize = 128;
/// What stands for an argument that must not be shown.
pub(super) const REDACTED: &[u8] = b"(redacted)";

/// A command that was remembered.
#[derive(Debug)]
pub struct Entry {
    /// Its number; never reused.
    pub id: u64,
    /// When it ended, in seconds since the Unix epoch.
    pub time: i64,
    /// What made it worth remembering: microseconds or bytes.
    pub value: u64,
    /// Its arguments, cut to a size.
    pub args: Vec<Box<[u8]>>,
    /// The client's address.
    pub addr: Box<str>,
    /// The client's name.
    pub name: bytes::Bytes,
}

/// The newest entries of one kind.
#[derive(Debug, Default)]
pub struct CommandLog {
    /// The least value that is remembered.
    limit: AtomicU64,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The newest first.
    list: VecDeque<Arc<Entry>>,
    next_id: u64,
    max_len: usize,
}

impl CommandLog {
    /// From which value on entries are kept, and how many.
    pub(super) fn configure(&self, limit: Option<u64>, max_len: usize) {
        self.limit.store(limit.unwrap_or(u64::MAX), Relaxed);
        let mut entries = self.entries.lock();
        entries.max_len = max_len;
        entries.list.truncate(max_len);
    }

    /// Whether this value is worth an entry.
    pub fn wants(&self, value: u64) -> bool {
        value >= self.limit.load(Relaxed)
    }

    /// Adds an entry, whatever its number.
    pub fn add(&self, mut entry: Entry) {
        let mut entries = self.entries.lock();
        if entries.max_len == 0 {
            return;
        }
        entry.id = entries.next_id;
        entries.next_id += 1;
        let most = entries.max_len - 1;
        entries.list.truncate(most);
        entries.list.push_front(Arc::new(entry));
    }

    /// The newest entries, at most so many.
    pub fn newest(&self, count: usize) -> Vec<Arc<Entry>> {
        self.entries
            .lock()
            .list
            .iter()
            .take(count)
            .cloned()
            .collect()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.lock().list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all entries.
    pub fn reset(&self) {
        self.entries.lock().list.clear();
    }
}

/// The arguments as an entry keeps them. `is_secret` tells which must not be shown.
pub fn shortened(args: Args<'_>, is_secret: impl Fn(usize) -> bool) -> Vec<Box<[u8]>> {
    let kept = match args.len() {
        len if len > MAX_ARGS => MAX_ARGS - 1,
        len => len,
    };
    let mut list: Vec<Box<[u8]>> = Vec::with_capacity(kept + 1);
    for (index, arg) in args.iter().take(kept).enumerate() {
        list.push(match arg.split_at_checked(MAX_ARG_BYTES) {
            _ if is_secret(index) => REDACTED.into(),
            None | Some((_, [])) => arg.into(),
            Some((start, rest)) => {
                let note = format!("... ({} more bytes)", rest.len());
                [start, note.as_bytes()].concat().into()
            }
        });
    }
    if kept < args.len() {
        let note = format!("... ({} more arguments)", args.len() - kept);
        list.push(note.into_bytes().into());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedArgs;

    fn entry(value: u64) -> Entry {
        Entry {
            id: 0,
            time: 0,
            value,
            args: Vec::new(),
            addr: "".into(),
            name: bytes::Bytes::new(),
        }
    }

    #[test]
    fn the_newest_are_kept_and_numbers_go_on() {
        let log = CommandLog::default();
        log.configure(Some(5), 2);
        assert!(log.wants(5) && !log.wants(4));
        (0..3).for_each(|value| log.add(entry(value)));
        let seen = |log: &CommandLog| -> Vec<(u64, u64)> {
            let all = log.newest(9);
            all.iter().map(|entry| (entry.id, entry.value)).collect()
        };
        assert_eq!(seen(&log), [(2, 2), (1, 1)]);
        log.configure(None, 1);
        assert!(!log.wants(u64::MAX - 1));
        assert_eq!(seen(&log), [(2, 2)]);
        log.reset();
        log.add(entry(7));
        assert_eq!(seen(&log), [(3, 7)]);
        log.configure(Some(0), 0);
        log.add(entry(8));
        assert!(log.is_empty());
    }

    #[test]
    fn arguments_are_cut_and_secrets_hidden() {
        let shown = |args: OwnedArgs| -> Vec<String> {
            let list = shortened(args.view(), |index| index == 1);
            list.iter()
                .map(|arg| String::from_utf8_lossy(arg).into_owned())
                .collect()
        };
        let long = "x".repeat(129);
        let whole = "x".repeat(128);
        assert_eq!(
            shown(["auth", "secret", &whole, &long].into_iter().collect()),
            [
                "auth",
                "(redacted)",
                &whole,
                &format!("{whole}... (1 more bytes)")
            ]
        );
        let exact = shown((0..32).map(|n| n.to_string()).collect());
        assert_eq!((exact.len(), &*exact[31]), (32, "31"));
        let many = shown((0..33).map(|n| n.to_string()).collect());
        assert_eq!((many.len(), &*many[31]), (32, "... (2 more arguments)"));
    }
}
