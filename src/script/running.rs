//! The scripts that take long: who they are, and the wish that they end.
//!
//! A script enters here when it has used up its first turn and is set aside; most never do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::Ticket;
use crate::resp::OwnedArgs;

/// What kind of program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `EVAL` and its like.
    Script,
    /// `FCALL` and its like.
    Function,
}

/// A script that takes long.
#[derive(Debug)]
pub struct Run {
    /// What kind it is.
    pub kind: Kind,
    /// The function's name, or the script's digest.
    pub name: String,
    /// The request that it runs for.
    pub request: OwnedArgs,
    /// When it began.
    pub started: Instant,
    /// [`UNDECIDED`], and then for ever [`WROTE`] or [`KILLED`], whichever comes first.
    fate: AtomicU8,
}

const UNDECIDED: u8 = 0;
const WROTE: u8 = 1;
const KILLED: u8 = 2;

impl Run {
    /// A script that has just been set aside for the first time.
    pub fn new(kind: Kind, name: String, request: OwnedArgs, started: Instant) -> Self {
        Self {
            kind,
            name,
            request,
            started,
            fate: AtomicU8::new(UNDECIDED),
        }
    }

    /// It is about to change something: from now on it must not be ended halfway. False if it has to end instead.
    pub fn note_write(&self) -> bool {
        self.settle(WROTE)
    }

    /// Asks it to end. False if it must not, because it has changed something.
    pub fn kill(&self) -> bool {
        self.settle(KILLED)
    }

    /// Whether it has to end.
    pub fn ends(&self) -> bool {
        self.fate.load(Ordering::SeqCst) == KILLED
    }

    fn settle(&self, fate: u8) -> bool {
        let before =
            self.fate
                .compare_exchange(UNDECIDED, fate, Ordering::SeqCst, Ordering::SeqCst);
        before.is_ok() || before == Err(fate)
    }
}

/// What came of the wish to end a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Nothing of that kind runs.
    NotBusy,
    /// It will end.
    Done,
    /// It has written.
    Unkillable,
    /// Only something of the other kind runs.
    OtherKind,
}

/// All scripts of a server that take long.
#[derive(Debug, Default)]
pub struct Running(Mutex<BTreeMap<u64, Arc<Run>>>);

impl Running {
    /// Adds a script.
    pub fn add(&self, ticket: Ticket, run: Arc<Run>) {
        self.0.lock().insert(ticket.0, run);
    }

    /// Takes a script out that has ended.
    pub fn remove(&self, ticket: Ticket) {
        self.0.lock().remove(&ticket.0);
    }

    /// The script that has reserved something under this number.
    pub fn get(&self, ticket: Ticket) -> Option<Arc<Run>> {
        self.0.lock().get(&ticket.0).cloned()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// The script that has been running for the longest time.
    pub fn oldest(&self) -> Option<Arc<Run>> {
        self.0
            .lock()
            .values()
            .min_by_key(|run| run.started)
            .cloned()
    }

    /// Asks one script to end, if it has not written.
    pub fn kill_one(&self, ticket: Ticket) {
        if let Some(run) = self.0.lock().get(&ticket.0) {
            run.kill();
        }
    }

    /// Asks all scripts of a kind to end that have not written.
    pub fn kill(&self, kind: Kind) -> Kill {
        let running = self.0.lock();
        let mut result = match running.is_empty() {
            true => Kill::NotBusy,
            false => Kill::OtherKind,
        };
        for run in running.values().filter(|run| run.kind == kind) {
            if run.kill() {
                result = Kill::Done;
            } else if result != Kill::Done {
                result = Kill::Unkillable;
            }
        }
        result
    }
}
