//! The service thread: what runs beside the workers, `hz` times a second, and more often while many keys expire.
//!
//! It sweeps expired keys out of the keyspace, for at most a share of its time that `active-expire-effort` sets (25 % at
//! the lowest, half of its time more while it is behind); once a second it samples the counters that INFO shows as rates; and every `stats-interval` seconds it logs
//! how the cache fares. It holds one shard's lock at a time,
//! but where what expired is waited for, and ends soon after the server has been asked to end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::command::blocking;
use crate::command::room::{self, ResidentWatch};
use crate::keyspace::Locks;
use crate::keyspace::compaction::Compactor;
use crate::keyspace::expiry::{Sweeper, Swept};
use crate::memory;
use crate::observe::Event;
use crate::server::Server;
use crate::stats::{Counters, Totals, ticks};

/// The longest sleep: after a shutdown has been asked for, the thread ends within this time.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
/// The shortest time from one sweep to the next.
const SHORTEST_PERIOD: Duration = Duration::from_millis(5);
/// Of the expiring keys, one in so many may be found dead by a sweep before the next one comes sooner: about half of them are dead on
/// average, and as many that expired within the unit of time that the index tells apart.
const DEAD_ONE_IN: f64 = 400.0;
/// Expired keys that a sweep may find whatever their share.
const FEW_EXPIRED: f64 = 256.0;

/// Workers have had a beat or two within this time.
const BEATS: Duration = Duration::from_millis(250);

/// Starts the service thread of a server; call it once.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn_service_thread(server: Arc<Server>) -> std::io::Result<JoinHandle<()>> {
    let run = move || {
        let mut service = Service::new(&server, Instant::now());
        server.cap.serve();
        while !server.is_shutting_down() {
            let (started, begun) = (Instant::now(), ticks::now());
            if !server.cron_paused.load(Ordering::Relaxed) {
                // A defect that one turn meets must not end expiry for good.
                let turn = AssertUnwindSafe(|| service.turn(&server, started));
                if catch_unwind(turn).is_err() {
                    tracing::error!("The service thread failed unexpectedly; it goes on");
                }
                // It is an event loop like the workers', and what shows that an idle server is alive.
                let counters = counters(&server);
                counters.cycles.bump();
                counters.cycle_ticks.add(ticks::now().wrapping_sub(begun));
            }
            // Workers that need room wake it up.
            std::thread::park_timeout(
                service
                    .period(&server)
                    .saturating_sub(started.elapsed())
                    .min(LONGEST_SLEEP),
            );
        }
    };
    std::thread::Builder::new()
        .name("service".to_owned())
        .spawn(run)
}

/// What the thread remembers from turn to turn.
struct Service {
    sweeper: Sweeper,
    resident: ResidentWatch,
    compactor: Compactor,
    /// The shard where keys that clients have read are forgotten next.
    readers: usize,
    swept: Instant,
    /// The last sweep was not through in its time.
    behind: bool,
    /// Keys that expire in a second, as it was lately.
    expire_rate: f64,
    /// Expiring keys when they were last counted.
    expiring: usize,
    sampled: Instant,
    sample: Totals,
    logged: Instant,
    logged_totals: Totals,
}

impl Service {
    fn new(server: &Server, now: Instant) -> Self {
        let totals = server.stats.totals();
        Self {
            sweeper: Sweeper::default(),
            resident: ResidentWatch::default(),
            compactor: Compactor::new(BEATS),
            readers: 0,
            swept: now,
            behind: false,
            expire_rate: 0.0,
            expiring: 0,
            sampled: now,
            sample: totals,
            logged: now,
            logged_totals: totals,
        }
    }

    /// The time from one turn to the next.
    fn period(&self, server: &Server) -> Duration {
        period(server.settings.hz(), self.expire_rate, self.expiring)
    }

    fn turn(&mut self, server: &Server, now: Instant) {
        let is_due = now - self.swept >= self.period(server);
        // Clients may be told of what expires, as of all else that this thread removes.
        let may_tell = !server.mailboxes.are_full();
        if server.active_expire.load(Ordering::Relaxed) && is_due && may_tell {
            let since = now - self.swept;
            self.swept = now;
            self.sweep(server, since);
        }
        // Whoever calls while this goes on is heard, too.
        server.cap.was_called();
        // The peak is the highest that was ever asked for.
        memory::peak();
        self.resident.watch(server);
        room::keep_room(server, server.sweeper_thread(), self.period(server) / 2);
        // Some of those who were spared may not be any more.
        server.cap.tolerate_clients(0);
        room::bound_clients(server, server.sweeper_thread());
        self.compact(server, now - self.sampled >= SECOND);
        if may_tell {
            self.bound_readers(server);
        }
        if now - self.sampled >= SECOND {
            self.sample(server, now);
        }
        let interval = Duration::from_secs(server.settings.stats_interval());
        if interval > Duration::ZERO && now - self.logged >= interval {
            self.log(server);
            self.logged = now;
        }
    }

    /// Forgets keys that clients have read if there are too many of them.
    fn bound_readers(&mut self, server: &Server) {
        let most = server.settings.tracking_table_max_keys();
        let excess = server.keyspace.readers().keys().saturating_sub(most);
        if most > 0 && excess > 0 {
            self.readers = server.keyspace.forget_readers(excess, self.readers);
        }
    }

    /// One sweep; the last one was that long ago.
    fn sweep(&mut self, server: &Server, since: Duration) {
        let counters = counters(server);
        let started = Instant::now();
        let effort = server.settings.active_expire_effort();
        let limit = time_to_sweep(self.period(server), effort, self.behind);
        let swept = self
            .sweeper
            .sweep(&server.keyspace, server.clock.now(), limit, counters);
        for (db, key) in self.sweeper.take_ready() {
            blocking::serve_key(server, server.sweeper_thread(), db, key);
        }
        let took = started.elapsed();
        counters.expire_cycle_micros.add(micros(took));
        note(server, Event::ExpireCycle, took);
        self.behind = swept.time_cap_reached;
        self.expire_rate = mean_rate(self.expire_rate, swept.expired, since);
        if swept.time_cap_reached {
            counters.expired_time_cap_reached.bump();
        }
        let stale = &server.stats.stale_millionths;
        stale.store(
            stale_share(stale.load(Ordering::Relaxed), swept, self.expiring),
            Ordering::Relaxed,
        );
    }

    /// Goes on moving values together; begins with it if it is worth it, asked once a second.
    fn compact(&mut self, server: &Server, may_begin: bool) {
        let settings = &server.settings;
        let since = &server.stats.defragmenting_since;
        if !self.compactor.is_running() {
            let slabs = memory::usage();
            let waste = slabs.in_slabs.saturating_sub(slabs.allocated);
            let is_worth_it = settings.activedefrag()
                && waste > settings.active_defrag_ignore_bytes()
                && waste / 100 * 100
                    > slabs.allocated / 100 * settings.active_defrag_threshold_lower();
            // What is moved is there twice until a slab is empty.
            let most = (waste / 2).max(slabs.allocated / 8);
            if !may_begin || !is_worth_it || !self.compactor.begin(most, waste / 8) {
                return;
            }
            since.store(server.clock.now(), Ordering::Relaxed);
        }
        let time = self.period(server) * settings.active_defrag_cycle_max() / 100;
        let before = self.compactor.moved;
        let started = Instant::now();
        self.compactor.step(&server.keyspace, time);
        note(server, Event::ActiveDefragCycle, started.elapsed());
        let counters = counters(server);
        counters.blocks_moved.add(self.compactor.moved - before);
        if !self.compactor.is_running() {
            let took = server.clock.now() - since.swap(0, Ordering::Relaxed);
            counters
                .defragmentation_millis
                .add(u64::try_from(took).unwrap_or(0));
        }
        memory::flush();
    }

    /// Turns the counters into rates, and counts the expiring keys.
    fn sample(&mut self, server: &Server, now: Instant) {
        let (totals, elapsed) = (server.stats.totals(), now - self.sampled);
        // CONFIG RESETSTAT may have set a counter back.
        let grown = |count: fn(&Totals) -> u64| count(&totals).saturating_sub(count(&self.sample));
        let rate = |cell: &AtomicU64, count: fn(&Totals) -> u64| {
            cell.store(
                (grown(count) as f64 / elapsed.as_secs_f64()) as u64,
                Ordering::Relaxed,
            );
        };
        let stats = &server.stats;
        rate(&stats.ops_per_second, |totals| totals.commands);
        rate(&stats.input_per_second, |totals| totals.net_input);
        rate(&stats.output_per_second, |totals| totals.net_output);
        rate(&stats.cycles_per_second, |totals| totals.cycles);
        let cycles = grown(|totals| totals.cycles);
        let nanos = ticks::to_nanos(grown(|totals| totals.cycle_ticks));
        let per_cycle = (nanos / 1000).checked_div(cycles).unwrap_or(0);
        stats.micros_per_cycle.store(per_cycle, Ordering::Relaxed);
        (self.sampled, self.sample) = (now, totals);
        let (keys, expiring) = count_keys(server);
        self.expiring = expiring;
        let limit = server.cap.limit().unwrap_or(usize::MAX);
        server.keyspace.eviction.losses.fit(keys, limit);
    }

    /// The periodic line: counts since the start, and the hit ratio since the line before.
    fn log(&mut self, server: &Server) {
        let totals = server.stats.totals();
        let hits = totals
            .keyspace_hits
            .saturating_sub(self.logged_totals.keyspace_hits);
        let misses = totals
            .keyspace_misses
            .saturating_sub(self.logged_totals.keyspace_misses);
        self.logged_totals = totals;
        let (keys, expiring) = count_keys(server);
        tracing::info!(
            hits = totals.keyspace_hits,
            misses = totals.keyspace_misses,
            misses_expired = totals.misses_expired,
            misses_evicted = totals.misses_evicted,
            hit_ratio = %hit_ratio(hits, misses),
            expired = totals.expired_keys,
            evicted = totals.evicted_keys,
            keys,
            expiring,
            memory = memory::used(),
            clients = server.clients.connected(),
            "Statistics"
        );
    }
}

/// Keeps an event that took long.
fn note(server: &Server, event: Event, took: Duration) {
    let second = || server.clock.now() / 1000;
    server.observers.latency.note(event, took, second);
}

/// The counters that this thread writes.
fn counters(server: &Server) -> &Counters {
    &server.stats.of(server.sweeper_thread()).counters
}

/// The keys of all databases, and how many of them have an expiry.
fn count_keys(server: &Server) -> (usize, usize) {
    let mut access = server
        .keyspace
        .access(Locks::None, 0, server.clock.now(), counters(server))
        .expect("no lock, nothing reserved");
    let figures = access.figures();
    figures.iter().fold((0, 0), |(keys, expiring), database| {
        (keys + database.keys, expiring + database.expiring)
    })
}

/// How long a turn may sweep: a quarter of its time, and 2 % more for every step of effort above the first; half of it more where
/// the sweeps fall behind, as when very many keys expire at once.
fn time_to_sweep(period: Duration, effort: u32, behind: bool) -> Duration {
    let share = 25 + 2 * effort.clamp(1, 10).saturating_sub(1);
    period * (share + if behind { 50 } else { 0 }) / 100
}

/// The time from one sweep to the next: a `hz`th of a second, or less if too many of the `expiring` keys would be dead by then, at so many a
/// second.
fn period(hz: u32, expire_rate: f64, expiring: usize) -> Duration {
    let usual = SECOND / hz.clamp(1, 500);
    let bearable = (expiring as f64 / DEAD_ONE_IN).max(FEW_EXPIRED);
    let wanted = bearable / expire_rate.max(1.0);
    usual.min(Duration::from_secs_f64(wanted).max(SHORTEST_PERIOD))
}

/// The running mean of how many keys expire in a second, after `expired` more in so much time: what is a quarter of a second ago counts for
/// a third.
fn mean_rate(mean: f64, expired: usize, time: Duration) -> f64 {
    let seconds = time.as_secs_f64().max(1e-6);
    let kept = (-4.0 * seconds).exp();
    mean * kept + (1.0 - kept) * expired as f64 / seconds
}

/// The running mean of the share of expiring keys that a sweep found dead, in millionths: each sweep counts for 5 %.
fn stale_share(mean: u64, swept: Swept, expiring: usize) -> u64 {
    let share = (swept.expired * 1_000_000)
        .checked_div(expiring.max(swept.expired))
        .unwrap_or(0);
    (mean * 95 + share as u64 * 5) / 100
}

/// Hits among all look-ups with three decimals, or `-` if there was none.
fn hit_ratio(hits: u64, misses: u64) -> String {
    match hits + misses {
        0 => "-".to_owned(),
        all => format!("{:.3}", hits as f64 / all as f64),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Settings;
    use crate::keyspace::{Event, NewValue};

    /// A server with a hand-driven clock that stands at 1,000,000 ms.
    fn server() -> (Arc<Server>, Arc<std::sync::atomic::AtomicI64>) {
        let (clock, hand) = Clock::manual(1_000_000);
        (Arc::new(Server::new(Settings::new(), 1, clock)), hand)
    }

    fn create(server: &Server, keys: usize, expiry: i64) {
        let mut access = server
            .keyspace
            .access(Locks::All, 0, 1_000_000, counters(server))
            .unwrap();
        for i in 0..keys {
            let key = format!("{expiry}:{i}");
            access.create(key.as_bytes(), NewValue::Int(1), Some(expiry), Event::SET);
        }
    }

    #[test]
    fn what_has_expired_is_swept_and_the_rest_stays() {
        let (server, hand) = server();
        create(&server, 1000, 1_000_500);
        create(&server, 10, 2_000_000);
        let now = Instant::now();
        let mut service = Service::new(&server, now);
        service.turn(&server, now + SECOND);
        assert_eq!(count_keys(&server), (1010, 1010));
        hand.store(1_001_000, Ordering::Relaxed);
        server.active_expire.store(false, Ordering::Relaxed);
        service.turn(&server, now + SECOND * 2);
        assert_eq!(count_keys(&server), (1010, 1010));
        server.active_expire.store(true, Ordering::Relaxed);
        // What a removal moves behind the sweep is left to the next one.
        (3..6).for_each(|second| service.turn(&server, now + SECOND * second));
        assert_eq!(count_keys(&server), (10, 10));
        let totals = server.stats.totals();
        assert_eq!(
            (totals.expired_keys, totals.expired_time_cap_reached),
            (1000, 0)
        );
        assert!(server.stats.stale_millionths.load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn rates_are_of_one_second() {
        let (server, _) = server();
        let now = Instant::now();
        let mut service = Service::new(&server, now);
        server.stats.of(0).counters.commands.add(500);
        service.turn(&server, now + SECOND / 2);
        assert_eq!(server.stats.ops_per_second.load(Ordering::Relaxed), 0);
        service.turn(&server, now + SECOND * 2);
        assert_eq!(server.stats.ops_per_second.load(Ordering::Relaxed), 250);
        server.stats.reset();
        service.turn(&server, now + SECOND * 4);
        assert_eq!(server.stats.ops_per_second.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn effort_buys_time() {
        let tenth = Duration::from_millis(100);
        assert_eq!(time_to_sweep(tenth, 1, false), Duration::from_millis(25));
        assert_eq!(time_to_sweep(tenth, 10, false), Duration::from_millis(43));
        assert_eq!(time_to_sweep(tenth, 1, true), Duration::from_millis(75));
    }

    #[test]
    fn many_dead_keys_are_looked_for_more_often() {
        let millis = |hz, rate, expiring| period(hz, rate, expiring).as_millis();
        assert_eq!(millis(10, 0.0, 0), 100);
        assert_eq!(millis(10, 1000.0, 1_000_000), 100);
        assert_eq!(millis(10, 100_000.0, 1_000_000), 25);
        assert_eq!(millis(10, 100_000.0, 200_000), 5);
        assert_eq!(millis(10, 1e9, 200_000), 5);
        // Few, whatever there is; and those who want it more often have it.
        assert_eq!(millis(10, 2_000.0, 100), 100);
        assert_eq!(millis(500, 1e9, 100), 2);
    }

    #[test]
    fn the_rate_of_expiry_follows_the_sweeps() {
        let mut rate = 0.0;
        for sweep in 0..400 {
            // As the index gives them: some sweeps find much, others nothing.
            let expired = if sweep % 4 == 0 { 2000 } else { 0 };
            rate = mean_rate(rate, expired, Duration::from_millis(5));
        }
        assert!((95_000.0..105_000.0).contains(&rate), "{rate}");
        for _ in 0..20 {
            rate = mean_rate(rate, 0, Duration::from_millis(100));
        }
        assert!(rate < 100.0, "{rate}");
        assert!(mean_rate(0.0, 10, Duration::ZERO).is_finite());
    }

    #[test]
    fn the_stale_share_follows_the_sweeps_slowly() {
        let swept = |expired| Swept {
            expired,
            ..Swept::default()
        };
        assert_eq!(stale_share(0, swept(10), 100), 5000);
        assert_eq!(stale_share(0, swept(0), 0), 0);
        assert_eq!(stale_share(1_000_000, swept(0), 100), 950_000);
        // More than were counted a moment ago.
        assert_eq!(stale_share(0, swept(10), 5), 50_000);
    }

    #[test]
    fn the_thread_ends_with_the_server() {
        let (server, _) = server();
        let thread = spawn_service_thread(Arc::clone(&server)).unwrap();
        server.shut_down();
        thread.join().unwrap();
        assert_eq!(
            (hit_ratio(0, 0), hit_ratio(3, 1)),
            ("-".to_owned(), "0.750".to_owned())
        );
    }
}
