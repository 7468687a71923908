//! `larder import`: copies all keys of a running server, Redis, Valkey or Larder, into a running Larder.
//!
//! The source keeps serving meanwhile. It is walked by SCAN; every key is fetched by DUMP and put by RESTORE, with the
//! moment at which it expires. What is written to the source while the import runs may or may not come along; a key that
//! was there throughout does. While the target restores one batch the source dumps the next. A batch is bounded by keys
//! and adapts to their size, so that neither server nor this program holds much more than the largest value.
//!
//! With `--state` a file remembers how far the walk has come, and a later run goes on from there.

mod address;
mod progress;
mod state;

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use address::Address;
use larder::config::arguments::Import;
use larder::peer::Peer;
use larder::resp::ReplyError;
use larder::resp::decode::Value;
use progress::{Progress, shown};
use state::State;

/// The bytes of payloads that a batch aims at.
const BATCH_BYTES: usize = 1024 * 1024;
/// The bytes of keys in one batch: as many requests as fit into a socket while their replies wait.
const BATCH_KEYS: usize = 32 * 1024;
/// How many of the keys that could not be copied are told by name.
const TOLD: usize = 10;

/// Copies what the arguments ask for. Gives whether every key was copied; an error is the line that says what stopped it.
pub(crate) fn import(arguments: &Import) -> Result<bool, String> {
    let from: Address = arguments.from.parse()?;
    let to: Address = arguments.to.parse()?;
    if to.db.is_some() && from.db.is_none() {
        return Err(format!(
            "{to}: a database of the target makes sense only with one of the source"
        ));
    }
    let mut state = State::open(arguments.state.as_deref(), &from, &to)?;
    if state.finished {
        progress::say("nothing is left to do: the state file says that this import is finished");
        return Ok(state.failed == 0);
    }
    let timeout = Duration::from_secs(arguments.timeout);
    let mut import = Importer {
        source: connect(&from, timeout)?,
        target: connect(&to, timeout)?,
        from,
        to,
        batch: arguments.batch.min(16),
        most: arguments.batch,
        absolute: true,
        failures: 0,
        progress: Progress::default(),
    };
    let done = import.run(&mut state);
    let saved = state.save();
    import.progress.end(&state);
    match done.and(saved) {
        Ok(()) => Ok(state.failed == 0),
        Err(why) if arguments.state.is_some() => {
            Err(format!("{why}; the same command goes on from here"))
        }
        Err(why) => Err(why),
    }
}

/// Connects and authenticates.
fn connect(address: &Address, timeout: Duration) -> Result<Peer, String> {
    let mut peer = Peer::connect(&address.host, address.port, timeout).map_err(lost(address))?;
    if let Some(password) = &address.password {
        peer.authenticate(
            address.user.as_deref().map(str::as_bytes),
            password.as_bytes(),
        )
        .map_err(lost(address))?
        .map_err(refused(address))?;
    }
    match peer.ask(&[b"PING"]).map_err(lost(address))? {
        Value::Error(error) => Err(refused(address)(error)),
        _ => Ok(peer),
    }
}

/// What a failure of the connection to this server is called.
fn lost(address: &Address) -> impl Fn(io::Error) -> String {
    move |why| match why.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("{address}: no answer in time")
        }
        io::ErrorKind::UnexpectedEof => format!("{address}: the server closed the connection"),
        _ => format!("{address}: {why}"),
    }
}

/// What an error that this server answers is called.
fn refused(address: &Address) -> impl Fn(ReplyError) -> String {
    move |error| format!("{address}: {error}")
}

struct Importer {
    source: Peer,
    target: Peer,
    from: Address,
    to: Address,
    /// Keys in the next batch.
    batch: usize,
    /// Keys in any batch.
    most: usize,
    /// Whether the source tells moments of expiry (Redis 7.0): else it is asked for times to live.
    absolute: bool,
    /// Failures told by name.
    failures: usize,
    progress: Progress,
}

/// What became of one key at the source.
struct Dumped {
    expiry: Value,
    payload: Value,
}

impl Importer {
    /// Copies every database from where the state stands.
    fn run(&mut self, state: &mut State) -> Result<(), String> {
        let answer = self.ask_source(&[b"PEXPIRETIME", b""])?;
        self.absolute = !matches!(answer, Value::Error(_));
        for (db, keys) in self.databases()? {
            if db < state.db {
                continue;
            }
            if db > state.db {
                state.enter(db);
            }
            self.progress.database(db, keys, state);
            self.select(db)?;
            self.walk(state)?;
        }
        state.finished = true;
        Ok(())
    }

    fn ask_source(&mut self, words: &[&[u8]]) -> Result<Value, String> {
        self.source.ask(words).map_err(lost(&self.from))
    }

    /// The databases to be copied, with their numbers of keys.
    fn databases(&mut self) -> Result<Vec<(usize, u64)>, String> {
        if let Some(db) = self.from.db {
            self.source
                .select(db)
                .map_err(lost(&self.from))?
                .map_err(refused(&self.from))?;
            let Value::Int(keys) = self.ask_source(&[b"DBSIZE"])? else {
                return Err(format!("{}: DBSIZE is not answered", self.from));
            };
            return Ok(vec![(db, keys.unsigned_abs())]);
        }
        match self.ask_source(&[b"INFO", b"keyspace"])? {
            Value::Bulk(text) | Value::Verbatim { text, .. } => Ok(databases_of(&text)),
            Value::Error(error) => Err(refused(&self.from)(error)),
            _ => Err(format!("{}: INFO is not answered", self.from)),
        }
    }

    /// Chooses the database on both sides: the same, unless the target's is given.
    fn select(&mut self, db: usize) -> Result<(), String> {
        let target = self.to.db.unwrap_or(db);
        for (peer, address, db) in [
            (&mut self.source, &self.from, db),
            (&mut self.target, &self.to, target),
        ] {
            peer.select(db)
                .map_err(lost(address))?
                .map_err(|error| format!("{address}: database {db}: {error}"))?;
        }
        Ok(())
    }

    /// Copies one database from where its cursor stands. The state moves on when all keys of a step are answered for.
    fn walk(&mut self, state: &mut State) -> Result<(), String> {
        loop {
            let count = itoa::Buffer::new().format(self.most).to_owned();
            let cursor = state.cursor.clone();
            let reply =
                self.ask_source(&[b"SCAN", cursor.as_bytes(), b"COUNT", count.as_bytes()])?;
            let (next, keys) = match reply {
                Value::Error(error) => return Err(refused(&self.from)(error)),
                reply => step_of(reply)
                    .ok_or_else(|| format!("{}: SCAN's answer makes no sense", self.from))?,
            };
            self.copy(keys.into(), state)?;
            state.cursor = next;
            if state.cursor == "0" {
                return state.save();
            }
            state.save_now_and_then()?;
        }
    }

    /// Copies these keys in batches. Replies of the target are awaited one batch later.
    fn copy(&mut self, mut keys: VecDeque<Vec<u8>>, state: &mut State) -> Result<(), String> {
        let mut sent: Vec<Vec<u8>> = Vec::new();
        while !keys.is_empty() {
            let mut batch = Vec::with_capacity(self.batch.min(keys.len()));
            let mut bytes = 0;
            while batch.len() < self.batch
                && (batch.is_empty() || bytes < BATCH_KEYS)
                && let Some(key) = keys.pop_front()
            {
                bytes += key.len();
                batch.push(key);
            }
            self.request(&batch)?;
            self.answered(&mut sent, state)?;
            let mut payloads = 0;
            for key in batch {
                let dumped = self.dumped()?;
                payloads += self.forward(key, dumped, &mut sent, state)?;
                if self.target.pending() >= BATCH_BYTES {
                    self.target.send().map_err(lost(&self.to))?;
                    self.answered(&mut sent, state)?;
                }
            }
            self.target.send().map_err(lost(&self.to))?;
            self.adapt(payloads);
            self.progress.tick(state);
        }
        self.answered(&mut sent, state)
    }

    /// Asks the source for these keys.
    fn request(&mut self, keys: &[Vec<u8>]) -> Result<(), String> {
        let expiry: &[u8] = if self.absolute {
            b"PEXPIRETIME"
        } else {
            b"PTTL"
        };
        for key in keys {
            self.source.push(&[expiry, key]);
            self.source.push(&[b"DUMP", key]);
        }
        self.source.send().map_err(lost(&self.from))
    }

    fn dumped(&mut self) -> Result<Dumped, String> {
        let expiry = self.source.reply().map_err(lost(&self.from))?;
        let payload = self.source.reply().map_err(lost(&self.from))?;
        Ok(Dumped { expiry, payload })
    }

    /// Hands one key on to the target, unless it is gone or the source refuses it. Gives the bytes of its value.
    fn forward(
        &mut self,
        key: Vec<u8>,
        dumped: Dumped,
        sent: &mut Vec<Vec<u8>>,
        state: &mut State,
    ) -> Result<usize, String> {
        match (dumped.expiry, dumped.payload) {
            (Value::Error(error), _) | (_, Value::Error(error)) => {
                self.fail(&key, &error, state);
                Ok(0)
            }
            (Value::Int(expiry), Value::Bulk(payload)) => {
                // -1: it does not expire; -2: it was gone when that was asked, and is back.
                let digits = itoa::Buffer::new().format(expiry.max(0)).to_owned();
                let mut words = vec![
                    &b"RESTORE"[..],
                    &key,
                    digits.as_bytes(),
                    &payload,
                    b"REPLACE",
                ];
                if self.absolute {
                    words.push(b"ABSTTL");
                }
                self.target.push(&words);
                state.bytes += payload.len() as u64;
                sent.push(key);
                Ok(payload.len())
            }
            (Value::Int(_), Value::Null) => {
                state.gone += 1;
                Ok(0)
            }
            _ => Err(format!("{}: DUMP's answer makes no sense", self.from)),
        }
    }

    /// Waits for what the target says of the keys that were sent to it.
    fn answered(&mut self, sent: &mut Vec<Vec<u8>>, state: &mut State) -> Result<(), String> {
        for key in sent.drain(..) {
            match self.target.reply().map_err(lost(&self.to))? {
                Value::Error(error) => self.fail(&key, &error, state),
                _ => state.copied += 1,
            }
        }
        Ok(())
    }

    fn fail(&mut self, key: &[u8], error: &ReplyError, state: &mut State) {
        state.failed += 1;
        self.failures += 1;
        if self.failures <= TOLD {
            self.progress
                .say(&format!("database {}: {}: {error}", state.db, shown(key)));
        }
        if self.failures == TOLD {
            self.progress.say("further keys that fail are only counted");
        }
    }

    /// Twice as many keys next time if these were small, fewer if they were large.
    fn adapt(&mut self, payloads: usize) {
        if payloads > BATCH_BYTES {
            self.batch = (self.batch / 2).max(1);
        } else if payloads < BATCH_BYTES / 2 {
            self.batch = (self.batch * 2).min(self.most);
        }
    }
}

/// The databases in INFO's text, with their numbers of keys.
fn databases_of(text: &[u8]) -> Vec<(usize, u64)> {
    let text = String::from_utf8_lossy(text);
    let mut databases: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let (db, facts) = line.strip_prefix("db")?.split_once(":keys=")?;
            let keys = facts.split(',').next()?.trim();
            Some((db.parse().ok()?, keys.parse().ok()?))
        })
        .collect();
    databases.sort_unstable();
    databases
}

/// The next cursor and the keys in a reply of SCAN.
fn step_of(reply: Value) -> Option<(String, Vec<Vec<u8>>)> {
    let Value::Array(parts) = reply else {
        return None;
    };
    let [Value::Bulk(cursor), Value::Array(keys)] = <[Value; 2]>::try_from(parts).ok()? else {
        return None;
    };
    let keys = keys.into_iter().map(|key| match key {
        Value::Bulk(key) => Some(key.to_vec()),
        _ => None,
    });
    let cursor = String::from_utf8(cursor.to_vec()).ok()?;
    Some((cursor, keys.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_read_from_info() {
        let text = b"# Keyspace\r\ndb3:keys=12,expires=1,avg_ttl=0\r\ndb0:keys=7\r\ndbx:keys=1\r\n";
        assert_eq!(databases_of(text), [(0, 7), (3, 12)]);
        assert!(databases_of(b"").is_empty());
    }
}
