//! `MULTI` and `WATCH`: the requests that wait for `EXEC`, and the keys whose change makes it fail.

use std::sync::Arc;

use crate::keyspace::Keyspace;
use crate::keyspace::waiting::Watched;
use crate::resp::{Args, OwnedArgs};

/// A request that waits for `EXEC`.
#[derive(Debug, Clone, Copy)]
pub struct Queued<'t> {
    /// The command's number in the command table.
    pub command: usize,
    /// Its size in bytes as it was received.
    pub wire_bytes: usize,
    /// Its arguments.
    pub args: Args<'t>,
}

/// A request without its arguments.
#[derive(Debug)]
struct Request {
    /// The command's number.
    command: usize,
    /// How many arguments it has.
    args: usize,
    wire_bytes: usize,
}

/// What has been queued since `MULTI`.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The arguments of all requests, one behind the other.
    args: OwnedArgs,
    /// The requests without their arguments.
    requests: Vec<Request>,
    /// A request could not be queued: `EXEC` will refuse.
    refused: bool,
    /// How many have been executed, while `EXEC` is at it, and how many arguments they had.
    executed: usize,
    consumed: usize,
}

impl Transaction {
    /// A transaction that is over is kept for the next one if it holds no more than this.
    const KEPT: usize = 4096;

    /// Adds a request.
    pub fn push(&mut self, command: usize, args: Args<'_>, wire_bytes: usize) {
        self.requests.push(Request {
            command,
            args: args.len(),
            wire_bytes,
        });
        self.args.append(args);
    }

    /// The requests, in order.
    pub fn queue(&self) -> impl Iterator<Item = Queued<'_>> {
        let mut at = 0;
        self.requests.iter().map(move |request| {
            let queued = self.queued(request, at);
            at += request.args;
            queued
        })
    }

    /// A request whose arguments begin at `at`.
    fn queued(&self, request: &Request, at: usize) -> Queued<'_> {
        Queued {
            command: request.command,
            wire_bytes: request.wire_bytes,
            args: self.args.view().part(at, request.args),
        }
    }

    /// How many requests are queued.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The bytes that the queue holds.
    pub fn bytes(&self) -> usize {
        self.args.memory() + self.requests.capacity() * size_of::<Request>()
    }

    /// Itself without any request, to be used again; nothing if it holds much.
    pub(super) fn emptied(mut self: Box<Self>) -> Option<Box<Self>> {
        if self.bytes() > Self::KEPT {
            return None;
        }
        self.args.clear();
        self.requests.clear();
        (self.refused, self.executed, self.consumed) = (false, 0, 0);
        Some(self)
    }

    /// Notes that a request could not be queued.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether a request could not be queued.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// The request that is to be executed next, or is in the middle of it.
    pub fn next(&self) -> Option<Queued<'_>> {
        let request = self.requests.get(self.executed)?;
        Some(self.queued(request, self.consumed))
    }

    /// Notes that one more request has been executed.
    pub fn advance(&mut self) {
        if let Some(request) = self.requests.get(self.executed) {
            self.consumed += request.args;
            self.executed += 1;
        }
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
