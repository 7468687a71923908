//! Room for a command: the memory cap is kept before a command is admitted.
//!
//! A command that may need memory reserves the most that its arguments can take, and if that does not fit, keys are evicted
//! until it does: a few at a time, on the request's path only where the service thread, which keeps some room free, did not
//! keep up.  What takes longer than `maxmemory-eviction-tenacity` allows is put off: the connection gives way to the others of
//! its worker, and the request is tried again.  If nothing can be evicted the client gets an error.

use std::time::{Duration, Instant};

use super::blocking;
use super::context::Suspension;
use crate::keyspace::eviction::Hunt;
use crate::memory;
use crate::observe::Event;
use crate::resp::{Args, ReplyError};
use crate::server::Server;
use crate::session::{ClientFlags, Session};

/// Evictions between two looks at the clock.
const BETWEEN_LOOKS: usize = 8;
/// What a record, its slot and its part of the table may take beside the arguments, in bytes.
const AROUND_A_KEY: usize = 128;

/// Makes sure that a command with these arguments, about to be executed for `session`, stays below the memory cap.
///
/// Takes locks of shards: the caller holds none. What is reserved is given back by [`Cap::release`](crate::memory::Cap::release).
///
/// A client that keeps what it reads hears of evicted keys before the reply to the command that they made room for: the first time
/// that something is evicted for it, the command gives way to the mailbox.
///
/// # Errors
/// There is no room, and nothing to evict.
#[inline]
pub fn make_room(
    server: &Server,
    session: &Session,
    args: Args<'_>,
) -> Result<Option<Suspension>, ReplyError> {
    let Some(limit) = server.cap.limit() else {
        return Ok(None);
    };
    let need = AROUND_A_KEY + args.iter().map(<[u8]>::len).sum::<usize>();
    if server.cap.is_far_from(limit, need) {
        return Ok(None);
    }
    let gives_way = session.tracking.as_ref().is_some_and(|own| !own.gave_way);
    reserve(server, session.worker(), limit, need, gives_way)
}

/// A command has been executed near the cap: what it has taken beyond its arguments, if that was too much, is had back at once.
#[inline]
pub fn keep_below(server: &Server, worker: usize) {
    let cap = &server.cap;
    if let Some(limit) = cap.limit()
        && cap.data() > limit
        && server.keyspace.eviction.evicts()
    {
        // It is had at the next command's expense if this takes too long.
        let _ = evict_for(server, worker, limit, || cap.data());
    }
}

/// What a program may take beyond the cap where keys may be evicted: this part of it.
const PROGRAM_SHARE: usize = 16;

/// Whether the data take more than the cap allows: what a program asks, which holds locks and cannot wait for evictions.
///
/// There was room when it began. Where keys may be evicted it may go a little beyond, rather than fail halfway: evictions
/// follow.
pub fn is_exceeded(server: &Server) -> bool {
    server.cap.limit().is_some_and(|limit| {
        let more = match server.keyspace.eviction.evicts() {
            true => limit / PROGRAM_SHARE,
            false => 0,
        };
        server.cap.data() > limit.saturating_add(more)
    })
}

#[cold]
fn reserve(
    server: &Server,
    worker: usize,
    limit: usize,
    need: usize,
    gives_way: bool,
) -> Result<Option<Suspension>, ReplyError> {
    let cap = &server.cap;
    cap.reserve(worker, need);
    let taken = || cap.data() + cap.reserved();
    let evicts = server.keyspace.eviction.evicts();
    if evicts && taken() > cap.high(limit) {
        cap.call();
    }
    if taken() <= limit {
        cap.note_exceeded(false);
        return Ok(None);
    }
    let result = if evicts && need <= limit {
        evict_for(server, worker, limit, taken)
    } else {
        Evicted::NothingLeft
    };
    match result {
        Evicted::Enough if gives_way => {
            cap.release(worker);
            Ok(Some(Suspension::Mail(server.mailboxes.of(worker).mark())))
        }
        Evicted::Enough => Ok(None),
        Evicted::NothingLeft => {
            cap.release(worker);
            cap.note_exceeded(cap.data() > limit);
            Err(ReplyError::OOM)
        }
        Evicted::TimeUp => {
            cap.release(worker);
            cap.note_exceeded(cap.data() > limit);
            Ok(Some(Suspension::Paused(Instant::now())))
        }
    }
}

/// How evictions have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evicted {
    Enough,
    NothingLeft,
    TimeUp,
}

/// Evicts on a request's path, until `taken` gives no more than `limit`.
#[cold]
fn evict_for(server: &Server, worker: usize, limit: usize, taken: impl Fn() -> usize) -> Evicted {
    let counters = &server.stats.of(worker).counters;
    let mut hunt = server.keyspace.hunt(server.clock.now(), counters);
    let started = Instant::now();
    let result = evict(server, &mut hunt, limit, taken);
    let second = || server.clock.now() / 1000;
    let latency = &server.observers.latency;
    latency.note(Event::EvictionCycle, started.elapsed(), second);
    serve_ready(server, worker, &mut hunt);
    result
}

/// Evicts until `taken` gives no more than `goal`, for as long as the settings allow.
fn evict(server: &Server, hunt: &mut Hunt<'_>, goal: usize, taken: impl Fn() -> usize) -> Evicted {
    let started = Instant::now();
    let time = time_for(server.settings.maxmemory_eviction_tenacity());
    for turn in 1.. {
        if !hunt.evict_one() {
            return Evicted::NothingLeft;
        }
        if taken() <= goal {
            return Evicted::Enough;
        }
        if turn % BETWEEN_LOOKS == 0 && time.is_some_and(|time| started.elapsed() > time) {
            return Evicted::TimeUp;
        }
    }
    Evicted::NothingLeft
}

/// How long a command may be held up by evictions at a time, by `maxmemory-eviction-tenacity`; `None` for as long as it takes.
///
/// Half a millisecond by default. Above that the peers' scale grows without bound; here it ends at one millisecond, because the
/// request is tried again, and 100 alone means to the end.
fn time_for(tenacity: u32) -> Option<Duration> {
    match tenacity {
        0..=20 => Some(Duration::from_micros(u64::from(tenacity) * 50)),
        21..100 => Some(Duration::from_millis(1)),
        _ => None,
    }
}

/// Serves those who waited for a key that has been evicted.
fn serve_ready(server: &Server, thread: usize, hunt: &mut Hunt<'_>) {
    for (db, key) in hunt.take_ready() {
        blocking::serve_key(server, thread, db, key);
    }
}

/// Evicts down to the low-water mark, for at most so long: what the service thread does. True if there is more to do.
pub fn keep_room(server: &Server, thread: usize, time: Duration) -> bool {
    let cap = &server.cap;
    let Some(limit) = cap.limit() else {
        return false;
    };
    let data = cap.data();
    if data <= cap.high(limit) || !server.keyspace.eviction.evicts() {
        cap.note_exceeded(data > limit);
        return false;
    }
    let goal = cap.low(limit);
    let started = Instant::now();
    let counters = &server.stats.of(thread).counters;
    let mut hunt = server.keyspace.hunt(server.clock.now(), counters);
    let mut more = true;
    while more && started.elapsed() < time {
        for _ in 0..BETWEEN_LOOKS {
            more = hunt.evict_one() && cap.data() > goal;
            if !more {
                break;
            }
        }
    }
    serve_ready(server, thread, &mut hunt);
    memory::flush();
    cap.note_exceeded(cap.data() > limit);
    more
}

/// [`evict_clients`] if the clients occupy more than they may.
#[inline]
pub fn bound_clients(server: &Server, thread: usize) {
    if server.cap.has_too_many_clients() {
        evict_clients(server, thread);
    }
}

/// Closes the connections that occupy most until the others fit into `maxmemory-clients`.
///
/// Those that have asked for it (`CLIENT NO-EVICT`) stay.
#[cold]
pub fn evict_clients(server: &Server, thread: usize) {
    let Some(limit) = server.cap.clients_limit() else {
        return;
    };
    // One thread at a time: those that are being closed would count for another one still.
    let Some(_turn) = server.client_eviction.try_lock() else {
        return;
    };
    let counted = server.cap.clients();
    let mut clients: Vec<_> = server
        .clients
        .all()
        .into_iter()
        .map(|client| (client.memory(), client))
        .collect();
    let mut taken: usize = clients.iter().map(|(memory, _)| memory).sum();
    clients.sort_unstable_by_key(|(memory, _)| std::cmp::Reverse(*memory));
    for (memory, client) in clients {
        if taken <= limit {
            break;
        }
        if client.flags().contains(ClientFlags::NO_EVICT) {
            continue;
        }
        if server.clients.kill(&client, &server.mailboxes) {
            taken -= memory;
            server.stats.of(thread).counters.evicted_clients.bump();
            tracing::info!(
                "Evicting client {} ({memory} bytes) because the clients take more than maxmemory-clients",
                client.origin.addr
            );
        }
    }
    server.cap.tolerate_clients(counted);
}

/// Keeps the resident size below `maxmemory-resident`: what the system counts for the process beyond what is in use comes off
/// the limit, and what is left is a ceiling for the data. Part of the service thread.
#[derive(Debug, Default)]
pub struct ResidentWatch {
    /// Bytes beyond what is in use, as they were seen lately.
    beyond: usize,
}

/// The ceiling is never below this share of the limit: what lies between values cannot be had back by evicting all of them.
const LEAST_SHARE: usize = 4;

impl ResidentWatch {
    /// Looks at the resident size, and sets the ceiling.
    pub fn watch(&mut self, server: &Server) {
        let limit = usize::try_from(server.settings.maxmemory_resident()).unwrap_or(usize::MAX);
        if limit == 0 {
            server.cap.set_ceiling(None);
            return;
        }
        let (resident, used) = (memory::resident(), memory::used());
        if resident > limit {
            memory::purge();
        }
        // It is looked at a few times a second: what comes in between must fit, too.
        let ceiling = self.ceiling(limit - limit / 32, resident, used);
        server.cap.set_ceiling(Some(ceiling));
    }

    fn ceiling(&mut self, limit: usize, resident: usize, used: usize) -> usize {
        let beyond = resident.saturating_sub(used);
        // More is believed at once, less only by and by: what was just evicted is still resident for a moment.
        self.beyond = match beyond {
            more if more > self.beyond => self.beyond.midpoint(more),
            less => self.beyond - (self.beyond - less) / 8,
        };
        limit.saturating_sub(self.beyond).max(limit / LEAST_SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenacity_is_time_and_no_stall_is_long() {
        assert_eq!(time_for(0), Some(Duration::ZERO));
        assert_eq!(time_for(10), Some(Duration::from_micros(500)));
        assert_eq!(time_for(99), Some(Duration::from_millis(1)));
        assert_eq!(time_for(100), None);
    }

    #[test]
    fn what_is_resident_beyond_the_data_comes_off_the_ceiling() {
        let mut watch = ResidentWatch::default();
        let mut settle = |resident, used| {
            let ceilings = (0..100).map(|_| watch.ceiling(1000, resident, used));
            ceilings.last().unwrap()
        };
        assert!((895..=905).contains(&settle(500, 400)));
        assert!((695..=705).contains(&settle(1200, 900)));
        assert!((892..=900).contains(&settle(700, 600)));
        assert_eq!(settle(5000, 100), 250);
    }
}
