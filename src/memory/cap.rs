//! The memory cap: how much there is, how much of it is taken, and who is about to take some.
//!
//! What counts against the cap are the *data*: all memory in use, less what clients' buffers hold, less large messages on their
//! way to clients, and less what is given up already and only waits to be freed. A write that comes near the cap *reserves* the most that it can take before it
//! begins; every worker has one reservation of its own, which only it writes, so that nothing is shared but by looking.
//!
//! A limit on the resident size works through the same cap: the service thread turns it into a ceiling for the counted
//! size ([`Cap::set_ceiling`]).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Instant;

use super::{counting, messages, reclaim, used};

/// What stands for no limit.
const NONE: usize = usize::MAX;
/// Below the cap the service thread keeps this share of it free, of what is beyond [`SMALL`]; at most [`MOST_HEADROOM`].
const HEADROOM_SHARE: usize = 100;
/// A cap of so many bytes is used to the last one.
const SMALL: usize = 32 << 20;
/// What a worker's clients hold in any case (a buffer or two, in turns) counts as data.
const USUAL_BUFFERS: usize = 64 << 10;
/// The lowest limit for clients.
const LEAST_FOR_CLIENTS: usize = 128 << 10;
const MOST_HEADROOM: usize = 32 << 20;

/// A worker's part, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    /// What the command that it executes may take.
    reserved: AtomicUsize,
    /// What its clients' buffers hold.
    clients: AtomicUsize,
    /// Of that, what nothing but the buffers holds.
    clients_own: AtomicUsize,
}

/// The memory cap of one server.
#[derive(Debug)]
pub struct Cap {
    /// `maxmemory` in bytes.
    limit: AtomicUsize,
    /// The counted size at which the resident size keeps to its limit.
    ceiling: AtomicUsize,
    /// `maxmemory-clients` in bytes.
    clients_limit: AtomicUsize,
    /// The clients' bytes when there was last nobody to close.
    clients_tolerated: AtomicUsize,
    parts: Box<[Part]>,
    started: Instant,
    /// Milliseconds from `started` to when the cap was exceeded, and one; 0 if it is not.
    exceeded_since: AtomicU64,
    /// Milliseconds for which it has been exceeded before.
    exceeded: AtomicU64,
    /// The service thread is asked to make room.
    called: AtomicBool,
    service: OnceLock<Thread>,
}

impl Cap {
    /// No cap, for `workers` workers.
    pub fn new(workers: usize) -> Self {
        Self {
            limit: AtomicUsize::new(NONE),
            ceiling: AtomicUsize::new(NONE),
            clients_limit: AtomicUsize::new(NONE),
            clients_tolerated: AtomicUsize::new(0),
            parts: (0..workers).map(|_| Part::default()).collect(),
            started: Instant::now(),
            exceeded_since: AtomicU64::new(0),
            exceeded: AtomicU64::new(0),
            called: AtomicBool::new(false),
            service: OnceLock::new(),
        }
    }

    /// Sets the cap in bytes; 0 is none.
    pub fn set_limit(&self, bytes: usize) {
        let limit = if bytes == 0 { NONE } else { bytes };
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// The bytes that the data may take at present, if there is a limit.
    #[inline]
    pub fn limit(&self) -> Option<usize> {
        let limit = self.limit.load(Ordering::Relaxed);
        let limit = limit.min(self.ceiling.load(Ordering::Relaxed));
        (limit != NONE).then_some(limit)
    }

    /// Sets the counted size above which the resident size would exceed its limit; `None` if there is no such limit.
    pub fn set_ceiling(&self, bytes: Option<usize>) {
        self.ceiling.store(bytes.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// The counted size above which the resident size would exceed its limit.
    pub fn ceiling(&self) -> Option<usize> {
        Some(self.ceiling.load(Ordering::Relaxed)).filter(|bytes| *bytes != NONE)
    }

    /// Sets how many bytes the clients may occupy together; 0 is no limit. There is always room for a few of them.
    pub fn set_clients_limit(&self, bytes: usize) {
        let limit = match bytes {
            0 => NONE,
            bytes => bytes.max(LEAST_FOR_CLIENTS),
        };
        self.clients_limit.store(limit, Ordering::Relaxed);
        self.tolerate_clients(0);
    }

    /// Nobody is left to close, or those who were chosen are about to be: as long as the clients occupy no more than so many bytes,
    /// nobody looks for more.
    pub fn tolerate_clients(&self, bytes: usize) {
        self.clients_tolerated.store(bytes, Ordering::Relaxed);
    }

    /// Whether clients have to be closed, by a glance.
    #[inline]
    pub fn has_too_many_clients(&self) -> bool {
        self.clients_limit()
            .is_some_and(|limit| self.clients_exceed(limit))
    }

    fn clients_exceed(&self, limit: usize) -> bool {
        let (taken, tolerated) = (self.clients(), &self.clients_tolerated);
        if taken <= limit && tolerated.load(Ordering::Relaxed) > 0 {
            self.tolerate_clients(0);
        }
        taken > limit && taken > tolerated.load(Ordering::Relaxed)
    }

    /// How many bytes the clients may occupy together, if there is a limit.
    #[inline]
    pub fn clients_limit(&self) -> Option<usize> {
        let limit = self.clients_limit.load(Ordering::Relaxed);
        (limit != NONE).then_some(limit)
    }

    /// The bytes down to which the service thread evicts.
    pub fn low(&self, limit: usize) -> usize {
        limit - headroom(limit)
    }

    /// The bytes at which the service thread is called.
    pub fn high(&self, limit: usize) -> usize {
        limit - headroom(limit) / 2
    }

    /// Whether so many more bytes surely fit below `limit`, by a glance.
    #[inline]
    pub fn is_far_from(&self, limit: usize, more: usize) -> bool {
        more <= counting::FLUSH_BYTES
            && used() + more + 2 * self.parts.len() * counting::FLUSH_BYTES + headroom(limit)
                <= limit
    }

    /// The bytes that count against the cap.
    pub fn data(&self) -> usize {
        used().saturating_sub(self.not_counted())
    }

    /// The bytes in use that do not count against the cap.
    pub fn not_counted(&self) -> usize {
        let clients = self.sum(|part| &part.clients_own);
        clients.saturating_sub(self.parts.len() * USUAL_BUFFERS)
            + messages::bytes()
            + reclaim::pending_bytes()
    }

    /// The bytes that clients' buffers hold.
    pub fn clients(&self) -> usize {
        self.sum(|part| &part.clients)
    }

    /// The bytes that all workers have reserved.
    pub fn reserved(&self) -> usize {
        self.sum(|part| &part.reserved)
    }

    fn sum(&self, of: impl Fn(&Part) -> &AtomicUsize) -> usize {
        let values = self
            .parts
            .iter()
            .map(|part| of(part).load(Ordering::SeqCst));
        values.fold(0, usize::wrapping_add)
    }

    /// Reserves bytes for the command that worker `worker` is about to execute. Only that worker calls it.
    pub fn reserve(&self, worker: usize, bytes: usize) {
        // Whoever looks after this sees it: of two workers that reserve at the same time, at least one sees both.
        self.parts[worker].reserved.store(bytes, Ordering::SeqCst);
    }

    /// The command has been executed, or is not. Only that worker calls it. True if something was reserved: near the cap.
    #[inline]
    pub fn release(&self, worker: usize) -> bool {
        let reserved = &self.parts[worker].reserved;
        let is_near = reserved.load(Ordering::Relaxed) != 0;
        if is_near {
            // Near the cap every byte is told.
            counting::flush();
            reserved.store(0, Ordering::Relaxed);
        }
        is_near
    }

    /// A client's buffers hold more or less than before: all that they hold, and what nothing else does. Only its worker
    /// calls it.
    pub fn settle_client(&self, worker: usize, before: (usize, usize), after: (usize, usize)) {
        let part = &self.parts[worker];
        let settle = |sum: &AtomicUsize, before: usize, after: usize| {
            let value = sum.load(Ordering::Relaxed);
            let value = value.wrapping_sub(before).wrapping_add(after);
            sum.store(value, Ordering::Relaxed);
        };
        settle(&part.clients, before.0, after.0);
        settle(&part.clients_own, before.1, after.1);
    }

    /// Notes whether more is taken than the cap allows.
    pub fn note_exceeded(&self, exceeded: bool) {
        let since = self.exceeded_since.load(Ordering::Relaxed);
        if exceeded == (since != 0) {
            return;
        }
        let now = self.millis();
        let change = self.exceeded_since.compare_exchange(
            since,
            if exceeded { now + 1 } else { 0 },
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if change.is_ok() && !exceeded {
            let passed = (now + 1).saturating_sub(since);
            self.exceeded.fetch_add(passed, Ordering::Relaxed);
        }
    }

    /// Milliseconds for which the cap has been exceeded without a break; 0 if it is not.
    pub fn exceeded_now(&self) -> u64 {
        match self.exceeded_since.load(Ordering::Relaxed) {
            0 => 0,
            since => (self.millis() + 1).saturating_sub(since),
        }
    }

    /// Milliseconds for which it has been exceeded altogether.
    pub fn exceeded_total(&self) -> u64 {
        self.exceeded.load(Ordering::Relaxed) + self.exceeded_now()
    }

    /// Begins to count from zero (`CONFIG RESETSTAT`).
    pub fn reset_exceeded(&self) {
        self.exceeded.store(0, Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The calling thread is the one to call when room is wanted.
    pub fn serve(&self) {
        let _ = self.service.set(std::thread::current());
    }

    /// Calls the service thread to make room.
    pub fn call(&self) {
        if !self.called.swap(true, Ordering::Relaxed)
            && let Some(thread) = self.service.get()
        {
            thread.unpark();
        }
    }

    /// Whether the service thread was called since it last asked.
    pub fn was_called(&self) -> bool {
        self.called.swap(false, Ordering::Relaxed)
    }
}

fn headroom(limit: usize) -> usize {
    (limit.saturating_sub(SMALL) / HEADROOM_SHARE).min(MOST_HEADROOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_are_in_their_order() {
        let cap = Cap::new(8);
        assert_eq!(cap.limit(), None);
        for limit in [1, 1000, 1 << 20, 100 << 20, 64 << 30] {
            cap.set_limit(limit);
            assert_eq!(cap.limit(), Some(limit));
            assert!(cap.low(limit) <= cap.high(limit) && cap.high(limit) <= limit);
            assert!(cap.low(limit) >= limit - limit / 100);
        }
        cap.set_ceiling(Some(500));
        assert_eq!(cap.limit(), Some(500));
        cap.set_limit(0);
        cap.set_ceiling(None);
        assert_eq!(cap.limit(), None);
    }

    #[test]
    fn parts_add_up() {
        let cap = Cap::new(2);
        cap.reserve(0, 5);
        cap.reserve(1, 7);
        assert_eq!(cap.reserved(), 12);
        cap.release(0);
        assert_eq!(cap.reserved(), 7);
        cap.settle_client(0, (0, 0), (100, 60));
        cap.settle_client(1, (0, 0), (10, 10));
        cap.settle_client(0, (100, 60), (30, 0));
        assert_eq!((cap.clients(), cap.sum(|part| &part.clients_own)), (40, 10));
    }

    #[test]
    fn nobody_looks_twice_for_clients_to_close() {
        let cap = Cap::new(1);
        cap.settle_client(0, (0, 0), (1 << 20, 0));
        assert!(!cap.has_too_many_clients());
        cap.set_clients_limit(500_000);
        assert!(cap.has_too_many_clients());
        cap.tolerate_clients(cap.clients());
        assert!(!cap.has_too_many_clients());
        cap.settle_client(0, (0, 0), (1, 0));
        assert!(cap.has_too_many_clients());
        cap.tolerate_clients(cap.clients());
        // Once they fit, no more than the limit is tolerated.
        cap.settle_client(0, (600_000, 0), (0, 0));
        assert!(!cap.has_too_many_clients());
        cap.settle_client(0, (0, 0), (100_000, 0));
        assert!(cap.has_too_many_clients());
    }

    #[test]
    fn excess_is_timed() {
        let cap = Cap::new(1);
        assert_eq!((cap.exceeded_now(), cap.exceeded_total()), (0, 0));
        cap.note_exceeded(true);
        cap.note_exceeded(true);
        while cap.exceeded_now() < 2 {
            std::thread::yield_now();
        }
        cap.note_exceeded(false);
        assert_eq!(cap.exceeded_now(), 0);
        assert!(cap.exceeded_total() >= 2);
    }
}
