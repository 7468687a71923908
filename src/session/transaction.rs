//! `MULTI` and `WATCH`: the requests that wait for `EXEC`, and the keys whose change makes it fail.

use std::sync::Arc;

use crate::keyspace::Keyspace;
use crate::keyspace::waiting::Watched;
use crate::resp::{Args, OwnedArgs};

/// A request that waits for `EXEC`.
#[derive(Debug)]
pub struct Queued {
    /// The command's number in the command table.
    pub command: usize,
    /// Its arguments.
    pub args: OwnedArgs,
}

/// What has been queued since `MULTI`.
#[derive(Debug, Default)]
pub struct Transaction {
    queue: Vec<Queued>,
    /// A request could not be queued: `EXEC` will refuse.
    refused: bool,
    bytes: usize,
    /// How many have been executed, while `EXEC` is at it.
    executed: usize,
}

impl Transaction {
    /// Adds a request.
    pub fn push(&mut self, command: usize, args: Args<'_>) {
        let args = args.to_owned();
        self.bytes += args.memory() + size_of::<Queued>();
        self.queue.push(Queued { command, args });
    }

    /// The requests, in order.
    pub fn queue(&self) -> &[Queued] {
        &self.queue
    }

    /// The bytes that the queue holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Notes that a request could not be queued.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether a request could not be queued.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// The number of the request that is to be executed next, or is in the middle of it.
    pub fn executed(&self) -> usize {
        self.executed
    }

    /// Notes that one more request has been executed.
    pub fn advance(&mut self) {
        self.executed += 1;
    }
}

/// The keys that a client watches.
#[derive(Debug, Default)]
pub struct Watch {
    watched: Arc<Watched>,
    keys: Vec<(usize, Box<[u8]>)>,
    bytes: usize,
}

impl Watch {
    /// Whether one of the keys has changed.
    pub fn is_changed(&self) -> bool {
        self.watched.is_changed()
    }

    /// What whoever changes a key marks.
    pub fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }

    /// The keys, with their databases.
    pub fn keys(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.keys.iter().map(|(db, key)| (*db, &**key))
    }

    /// How many keys are watched.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is watched.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The bytes that the keys take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a key. False if it is watched already.
    pub fn add(&mut self, db: usize, key: &[u8]) -> bool {
        let is_new = !self.keys().any(|watched| watched == (db, key));
        if is_new {
            self.bytes += key.len() + size_of::<(usize, Box<[u8]>)>();
            self.keys.push((db, key.into()));
        }
        is_new
    }

    /// Ends it. Takes locks: not for handlers.
    pub fn end(self, keyspace: &Keyspace) {
        for (db, key) in self.keys() {
            keyspace.unwatch(db, key, &self.watched);
        }
    }
}
