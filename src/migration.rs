//! Sending keys to another server, on a thread of its own: the part of `MIGRATE` that waits.
//!
//! Values come here serialised and go by RESTORE. Whoever asked looks for the [`Outcome`] when its worker is woken; it
//! alone decides what becomes of the keys that the target has taken.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::clock::UnixMillis;
use crate::mailbox::{Mailboxes, Post};
use crate::peer::{Peer, verdict};
use crate::resp::ReplyError;
use crate::resp::decode::Value;

/// How many migrations may run at the same time: each has a thread.
const MOST: usize = 16;
/// Requests are sent when they are this long, in bytes.
const BATCH: usize = 1024 * 1024;

const NO_CONNECTION: ReplyError =
    ReplyError::fixed("IOERR error or timeout connecting to the client");
const NOT_WRITTEN: ReplyError =
    ReplyError::fixed("IOERR error or timeout writing to target instance");
const NOT_READ: ReplyError =
    ReplyError::fixed("IOERR error or timeout reading from target instance");

/// A key on its way.
#[derive(Debug)]
pub struct Parcel {
    /// The key.
    pub key: Box<[u8]>,
    /// Its value, serialised.
    pub payload: Vec<u8>,
    /// How long it lives, in milliseconds from when the order was given.
    pub ttl: Option<u64>,
    /// When it expires here.
    pub expiry: Option<UnixMillis>,
}

/// Who asks another server.
#[derive(Debug)]
pub struct Identity {
    /// The user; the default one if absent.
    pub user: Option<Box<[u8]>>,
    /// The password.
    pub password: Box<[u8]>,
}

/// What is to be sent where.
#[derive(Debug)]
pub struct Order {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The database there.
    pub db: usize,
    /// The longest wait for the target, not zero.
    pub timeout: Duration,
    /// Who asks there, if it has to be said.
    pub identity: Option<Identity>,
    /// Whether keys there may be replaced.
    pub replace: bool,
    /// This server's run id: keys that would come back to it are not sent.
    pub run_id: String,
    /// The keys.
    pub parcels: Vec<Parcel>,
}

/// What has become of an order.
#[derive(Debug)]
pub struct Outcome {
    /// For each of the first parcels, whether the target has taken it; it has not taken those behind.
    pub taken: Vec<bool>,
    /// The first thing that went wrong.
    pub error: Option<ReplyError>,
}

/// An order that is being carried out.
#[derive(Debug)]
pub struct Migration {
    order: Order,
    given: Instant,
    outcome: OnceLock<Outcome>,
}

impl Migration {
    /// What was ordered.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// What has become of it, if that is known.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }
}

/// The migrations of a server.
#[derive(Debug, Default)]
pub struct Migrations {
    running: Arc<AtomicUsize>,
}

impl Migrations {
    /// Begins to carry out an order; worker `worker` is woken when its outcome is known.  `None` if too much is going on.
    pub fn start(
        &self,
        order: Order,
        mailboxes: &Arc<Mailboxes>,
        worker: usize,
    ) -> Option<Arc<Migration>> {
        let room = self
            .running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
                (running < MOST).then_some(running + 1)
            });
        room.ok()?;
        let migration = Arc::new(Migration {
            order,
            given: Instant::now(),
            outcome: OnceLock::new(),
        });
        let run = Run {
            migration: Arc::clone(&migration),
            running: Arc::clone(&self.running),
            mailboxes: Arc::clone(mailboxes),
            worker,
        };
        // Where no thread is to be had, `run` is dropped, which says that nothing was sent.
        let _ = std::thread::Builder::new()
            .name("migrate".into())
            .spawn(move || {
                let outcome = carry_out(&run.migration);
                let _ = run.migration.outcome.set(outcome);
            });
        Some(migration)
    }
}

/// A migration on its thread. However that ends, there is an outcome, and the worker hears of it.
struct Run {
    migration: Arc<Migration>,
    running: Arc<AtomicUsize>,
    mailboxes: Arc<Mailboxes>,
    worker: usize,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.migration
            .outcome
            .get_or_init(|| Outcome::nothing(NO_CONNECTION));
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.mailboxes.of(self.worker).post(Post::WakeAll);
    }
}

impl Outcome {
    fn nothing(error: ReplyError) -> Self {
        Self {
            taken: Vec::new(),
            error: Some(error),
        }
    }
}

fn carry_out(migration: &Migration) -> Outcome {
    let order = &migration.order;
    let mut peer = match connect(order) {
        Ok(peer) => peer,
        Err(error) => return Outcome::nothing(error),
    };
    let mut outcome = Outcome {
        taken: Vec::with_capacity(order.parcels.len()),
        error: None,
    };
    let mut unanswered = 0;
    let mut parcels = order.parcels.iter().peekable();
    while let Some(parcel) = parcels.next() {
        let passed = u64::try_from(migration.given.elapsed().as_millis()).unwrap_or(u64::MAX);
        // 0 would be for ever.
        let ttl = parcel
            .ttl
            .map_or(0, |ttl| ttl.saturating_sub(passed).max(1));
        let mut digits = itoa::Buffer::new();
        let mut words = vec![
            &b"RESTORE"[..],
            &parcel.key,
            digits.format(ttl).as_bytes(),
            &parcel.payload,
        ];
        if order.replace {
            words.push(b"REPLACE");
        }
        peer.push(&words);
        unanswered += 1;
        if peer.pending() < BATCH && parcels.peek().is_some() {
            continue;
        }
        if peer.send().is_err() {
            outcome.error.get_or_insert(NOT_WRITTEN);
            return outcome;
        }
        for _ in 0..std::mem::take(&mut unanswered) {
            let Ok(reply) = peer.reply() else {
                outcome.error.get_or_insert(NOT_READ);
                return outcome;
            };
            let verdict = verdict(reply);
            outcome.taken.push(verdict.is_ok());
            if let Err(error) = verdict {
                outcome.error.get_or_insert_with(|| quoted(&error));
            }
        }
    }
    outcome
}

/// A connection on which the database is chosen.
fn connect(order: &Order) -> Result<Peer, ReplyError> {
    let mut peer =
        Peer::connect(&order.host, order.port, order.timeout).map_err(|why| match why.kind() {
            // The peers find out that nobody listens when they write.
            io::ErrorKind::ConnectionRefused => NOT_WRITTEN,
            _ => NO_CONNECTION,
        })?;
    if let Some(Identity { user, password }) = &order.identity {
        peer.authenticate(user.as_deref(), password)
            .map_err(|_| NOT_READ)?
            .map_err(|error| quoted(&error))?;
    }
    // Replaced by itself, a key would then be removed as one that has arrived.
    let info = peer.ask(&[b"INFO", b"server"]).map_err(|_| NOT_READ)?;
    if says(&info, &order.run_id) {
        return Err(NOT_READ);
    }
    peer.select(order.db)
        .map_err(|_| NOT_READ)?
        .map_err(|error| quoted(&error))?;
    Ok(peer)
}

/// Whether a reply's text has this in it.
fn says(reply: &Value, text: &str) -> bool {
    let Value::Bulk(bytes) = reply else {
        return false;
    };
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

fn quoted(error: &ReplyError) -> ReplyError {
    ReplyError::err(format_args!("Target instance replied with error: {error}"))
}
