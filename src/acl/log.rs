//! The log of what was denied: what `ACL LOG` shows.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::UnixMillis;

/// Entries of the same that are at most so far apart are one.
const GROUPED_MILLIS: i64 = 60_000;
/// So many of the newest entries are looked at for one of the same.
const LOOKED_AT: usize = 10;
/// The most bytes of a name that are kept.
const MAX_NAME: usize = 1024;

/// What was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
    /// To log in.
    Auth,
}

impl Reason {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Key => "key",
            Self::Channel => "channel",
            Self::Auth => "auth",
        }
    }
}

/// Where it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// By a client.
    Toplevel,
    /// In a transaction.
    Multi,
    /// By a script.
    Lua,
}

impl Context {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Toplevel => "toplevel",
            Self::Multi => "multi",
            Self::Lua => "lua",
        }
    }
}

/// Something that was denied, once or several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was denied.
    pub reason: Reason,
    /// Where it was asked for.
    pub context: Context,
    /// The name of the command, the key or the channel.
    pub object: Box<[u8]>,
    /// The user who asked.
    pub username: Box<[u8]>,
    /// The client who asked last, as `CLIENT LIST` shows it.
    pub client: Arc<str>,
    /// How many times.
    pub count: u64,
    /// Its number; never reused.
    pub id: u64,
    /// When it was denied first.
    pub created: UnixMillis,
    /// When it was denied last.
    pub updated: UnixMillis,
}

impl Entry {
    /// Something that is denied now. Long names are cut.
    pub fn new(
        reason: Reason,
        context: Context,
        object: &[u8],
        username: &[u8],
        client: String,
        now: UnixMillis,
    ) -> Self {
        let cut = |name: &[u8]| Box::from(&name[..name.len().min(MAX_NAME)]);
        Self {
            reason,
            context,
            object: cut(object),
            username: cut(username),
            client: client.into(),
            count: 1,
            id: 0,
            created: now,
            updated: now,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.reason == other.reason
            && self.context == other.context
            && (self.updated - other.updated).abs() <= GROUPED_MILLIS
            && self.object == other.object
            && self.username == other.username
    }
}

/// What was denied lately.
#[derive(Debug, Default)]
pub struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// The newest first.
    list: VecDeque<Entry>,
    next_id: u64,
}

impl Log {
    /// Adds an entry, or counts it to one of the same; of all entries the newest `max_len` stay.
    pub fn add(&self, mut entry: Entry, max_len: usize) {
        let entries = &mut *self.0.lock();
        let mut newest = entries.list.iter().take(LOOKED_AT);
        match newest
            .position(|other| other.is_same(&entry))
            .filter(|_| max_len > 0)
        {
            Some(place) => {
                if let Some(mut old) = entries.list.remove(place) {
                    (old.client, old.updated) = (entry.client, entry.updated);
                    old.count += 1;
                    entries.list.push_front(old);
                }
            }
            None => {
                if max_len > 0 {
                    entry.id = entries.next_id;
                    entries.next_id += 1;
                    entries.list.push_front(entry);
                }
                entries.list.truncate(max_len);
            }
        }
    }

    /// The newest entries, at most so many.
    pub fn newest(&self, count: usize) -> Vec<Entry> {
        self.0.lock().list.iter().take(count).cloned().collect()
    }

    /// Forgets all entries.
    pub fn reset(&self) {
        self.0.lock().list.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, now: i64) -> Entry {
        let client = format!("client at {now}");
        Entry::new(
            Reason::Key,
            Context::Toplevel,
            name.as_bytes(),
            b"alice",
            client,
            now,
        )
    }

    fn shown(log: &Log) -> Vec<(String, u64, u64, i64, i64)> {
        let one = |entry: Entry| {
            let object = String::from_utf8(entry.object.to_vec()).unwrap();
            (object, entry.count, entry.id, entry.created, entry.updated)
        };
        log.newest(100).into_iter().map(one).collect()
    }

    #[test]
    fn the_same_within_a_minute_is_one_entry() {
        let log = Log::default();
        log.add(key("a", 0), 10);
        log.add(key("b", 10), 10);
        log.add(key("a", 60_000), 10);
        assert_eq!(
            shown(&log),
            [("a".into(), 2, 0, 0, 60_000), ("b".into(), 1, 1, 10, 10)]
        );
        assert_eq!(&*log.newest(1)[0].client, "client at 60000");
        log.add(key("a", 120_001), 10);
        let other = Entry {
            context: Context::Lua,
            ..key("a", 120_001)
        };
        log.add(other, 10);
        assert_eq!(log.newest(100).len(), 4);
        assert_eq!(log.newest(2).len(), 2);
    }

    #[test]
    fn only_the_newest_ten_are_compared_and_only_so_many_are_kept() {
        let log = Log::default();
        for i in 0..11 {
            log.add(key(&i.to_string(), 0), 100);
        }
        log.add(key("0", 0), 100);
        assert_eq!(log.newest(100).len(), 12);
        log.add(key("x", 0), 5);
        assert_eq!(log.newest(100).len(), 5);
        log.add(key("x", 0), 0);
        assert!(log.newest(100).is_empty());
        log.add(key("y", 0), 1);
        log.reset();
        assert!(log.newest(100).is_empty());
    }

    #[test]
    fn long_names_are_cut() {
        let entry = key(&"x".repeat(5000), 0);
        assert_eq!(entry.object.len(), MAX_NAME);
    }
}
