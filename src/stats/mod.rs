//! Counters: what INFO and the log report.
//!
//! Each thread that serves requests counts for itself (no shared cache line is written on a request's way); whoever asks
//! adds the threads up.  A counter has one writer, so counting is a load and a store.

mod latency;
mod throttle;
pub mod ticks;
pub mod usage;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use dashmap::DashMap;
pub use latency::Histogram;
pub use throttle::Throttle;

/// A count with one writer and any number of readers.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one. Only the owning thread calls it.
    #[inline]
    pub fn bump(&self) {
        self.add(1);
    }

    /// Adds `n`. Only the owning thread calls it.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    /// Adds `n` from any thread.
    pub fn add_shared(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to zero. A count that is added at this moment may survive.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Declares the counters of a thread, and their sum.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one thread has counted.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: Counter,)* }

        /// The sum over all threads.
        #[derive(Debug, Default, Clone, Copy)]
        pub struct Totals { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            fn add_to(&self, totals: &mut Totals) { $(totals.$name += self.$name.get();)* }
            fn reset(&self) { $(self.$name.reset();)* }
        }
    };
}

counters! {
    /// Commands executed.
    commands,
    /// Connections accepted.
    connections,
    /// Connections refused because of `maxclients` or protected mode.
    rejected_connections,
    /// Bytes received.
    net_input,
    /// Bytes sent.
    net_output,
    /// Reads of a socket that gave something.
    reads,
    /// Writes to a socket.
    writes,
    /// Look-ups by reading commands that found their key.
    keyspace_hits,
    /// Look-ups by reading commands that did not.
    keyspace_misses,
    /// Of these, look-ups for keys that have expired, as far as that is remembered.
    misses_expired,
    /// Look-ups for keys that were evicted, as far as that is remembered.
    misses_evicted,
    /// Keys removed because their time had come.
    expired_keys,
    /// Hash fields removed because their time had come.
    expired_fields,
    /// Sweeps that ended because their share of time was used up.
    expired_time_cap_reached,
    /// Microseconds spent sweeping.
    expire_cycle_micros,
    /// Keys removed to make room.
    evicted_keys,
    /// Records, elements and nodes moved out of slabs that were mostly empty.
    blocks_moved,
    /// Milliseconds that the passes took which did so, the present one left out.
    defragmentation_millis,
    /// Connections closed to make room.
    evicted_clients,
    /// Error replies of every kind.
    error_replies,
    /// Errors that came out of a panic.
    unexpected_errors,
    /// Connections closed for a query buffer over its limit.
    query_buffer_disconnections,
    /// Connections closed for output over its limit.
    output_buffer_disconnections,
    /// Failed AUTH attempts.
    auth_denied,
    /// Requests of users who may not use the command.
    commands_denied,
    /// Requests of users who may not use a key.
    keys_denied,
    /// Requests of users who may not use a channel.
    channels_denied,
    /// Batches of requests executed by the workers.
    cycles,
    /// Commands that changed something.
    changes,
    /// How long those batches took, in [`ticks`].
    cycle_ticks,
}

/// Statistics of one command on one thread.
#[derive(Debug, Default)]
pub struct CommandCounters {
    /// Executions.
    pub calls: Counter,
    /// Time spent, in [`ticks`].
    pub ticks: Counter,
    /// Refused before execution.
    pub rejected: Counter,
    /// Answered by an error.
    pub failed: Counter,
    /// How long each execution took; made at the first.
    pub latency: std::sync::OnceLock<Box<Histogram>>,
}

/// What one thread counts, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub struct ThreadStats {
    /// The plain counters.
    pub counters: Counters,
    /// By command id.
    pub commands: Box<[CommandCounters]>,
}

/// All statistics of a server.
#[derive(Debug)]
pub struct Stats {
    threads: Box<[ThreadStats]>,
    errors: DashMap<String, u64>,
    /// Share of keys found dead by the sweeper, in millionths: a running mean.
    pub stale_millionths: AtomicU64,
    /// When the pass of defragmentation that is on its way began, in milliseconds of the server's clock; 0 if there is none.
    pub defragmenting_since: AtomicI64,
    /// Operations in the last second, by the cron's sampling.
    pub ops_per_second: AtomicU64,
    /// Bytes in the last second received.
    pub input_per_second: AtomicU64,
    /// Bytes in the last second sent.
    pub output_per_second: AtomicU64,
    /// Batches of requests in the last second.
    pub cycles_per_second: AtomicU64,
    /// Microseconds that a batch took in the last second, on the average.
    pub micros_per_cycle: AtomicU64,
}

/// Distinct error codes that are counted each for itself. Scripts may invent more of them without end: those are counted together.
const MAX_ERROR_CODES: usize = 128;
/// The name under which they are counted.
const ERRORS_OVERFLOW: &str = "ERRORSTATS_OVERFLOW";
/// The codes of Larder's own errors, which are counted in any case.
const OWN_ERROR_CODES: &[&str] = &[
    "BUSY",
    "BUSYGROUP",
    "BUSYKEY",
    "ERR",
    "EXECABORT",
    "IOERR",
    "NOAUTH",
    "NOGROUP",
    "NOPROTO",
    "NOREPLICAS",
    "NOSCRIPT",
    "NOTBUSY",
    "OOM",
    "UNBLOCKED",
    "UNKILLABLE",
    "WRONGPASS",
    "WRONGTYPE",
];

impl Stats {
    /// Statistics for `threads` threads and `commands` commands.
    pub fn new(threads: usize, commands: usize) -> Self {
        let thread = || ThreadStats {
            counters: Counters::default(),
            commands: (0..commands).map(|_| CommandCounters::default()).collect(),
        };
        Self {
            threads: (0..threads).map(|_| thread()).collect(),
            errors: DashMap::new(),
            stale_millionths: AtomicU64::new(0),
            defragmenting_since: AtomicI64::new(0),
            ops_per_second: AtomicU64::new(0),
            input_per_second: AtomicU64::new(0),
            output_per_second: AtomicU64::new(0),
            cycles_per_second: AtomicU64::new(0),
            micros_per_cycle: AtomicU64::new(0),
        }
    }

    /// The counters that thread `thread` writes: workers first, then the service threads.
    #[inline]
    pub fn of(&self, thread: usize) -> &ThreadStats {
        &self.threads[thread]
    }

    /// Every thread's counters.
    pub fn threads(&self) -> &[ThreadStats] {
        &self.threads
    }

    /// The sum over all threads.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for thread in &self.threads {
            thread.counters.add_to(&mut totals);
        }
        totals
    }

    /// Counts an error reply by its code (`ERR`, `WRONGTYPE`, ...).
    pub fn count_error(&self, code: &str) {
        if let Some(mut count) = self.errors.get_mut(code) {
            *count += 1;
            return;
        }
        let is_full = self.errors.len() >= MAX_ERROR_CODES;
        let code = match is_full && !OWN_ERROR_CODES.contains(&code) {
            true => ERRORS_OVERFLOW,
            false => code,
        };
        *self.errors.entry(code.to_owned()).or_default() += 1;
    }

    /// The counts by error code, in the order of the codes.
    pub fn errors(&self) -> Vec<(String, u64)> {
        let mut all: Vec<_> = self
            .errors
            .iter()
            .map(|e| (e.key().clone(), *e.value()))
            .collect();
        all.sort();
        all
    }

    /// `CONFIG RESETSTAT`.
    pub fn reset(&self) {
        for thread in &self.threads {
            thread.counters.reset();
            for command in &thread.commands {
                for counter in [
                    &command.calls,
                    &command.ticks,
                    &command.rejected,
                    &command.failed,
                ] {
                    counter.reset();
                }
                if let Some(histogram) = command.latency.get() {
                    histogram.reset();
                }
            }
        }
        self.errors.clear();
        self.stale_millionths.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beyond_the_limit_are_counted_together() {
        let stats = Stats::new(1, 1);
        (0..1000).for_each(|n| stats.count_error(&format!("CODE{n}")));
        for code in ["CODE0", "ERR", "CODE999"] {
            stats.count_error(code);
        }
        let errors = stats.errors();
        let count = |code: &str| {
            errors
                .iter()
                .find(|(name, _)| name == code)
                .map(|(_, n)| *n)
        };
        assert_eq!(errors.len(), MAX_ERROR_CODES + 2);
        assert_eq!(
            (count("CODE0"), count("ERR"), count("CODE999")),
            (Some(2), Some(1), None)
        );
        assert_eq!(count(ERRORS_OVERFLOW), Some(1000 - 128 + 1));
    }
}
