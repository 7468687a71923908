//! What all connections of a server share.
//!
//! A process may hold several servers (the tests do): nothing here is global.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::{Clock, UnixMillis};
use crate::config::Settings;
use crate::keyspace::eviction::{Eviction, EvictionSettings};
use crate::keyspace::readers::Reader;
use crate::keyspace::{Event, Keyspace, Observer};
use crate::mailbox::{ClientId, Mailboxes};
use crate::memory::Cap;
use crate::migration::Migrations;
use crate::observe::{self, Observers};
use crate::pubsub::{Notifications, PubSub};
use crate::script::Scripts;
use crate::session::{Pause, Registry};
use crate::stats::{Stats, Throttle};
use crate::tracking::Tracking;
use crate::users::Users;

/// A running server's shared state; always behind an `Arc`.
pub struct Server {
    /// The settings, as they are now.
    pub settings: Settings,
    /// How much memory there is.
    pub cap: Arc<Cap>,
    /// All keys.
    pub keyspace: Keyspace,
    /// Counters.
    pub stats: Stats,
    /// Held by who is closing connections because they occupy too much.
    pub client_eviction: parking_lot::Mutex<()>,
    /// The connections.
    pub clients: Arc<Registry>,
    /// Who may use the server, and how.
    pub users: Arc<Users>,
    /// Channels and patterns.
    pub pubsub: Arc<PubSub>,
    /// Clients that keep what they read.
    pub tracking: Arc<Tracking>,
    /// The logs of commands, those who monitor, the spikes of latency.
    pub observers: Arc<Observers>,
    /// How to reach the other workers' connections.
    pub mailboxes: Arc<Mailboxes>,
    /// The keys that are on their way to other servers.
    pub migrations: Migrations,
    /// Scripts and functions.
    pub scripts: Scripts,
    /// The wall clock.
    pub clock: Clock,
    /// `CLIENT PAUSE`.
    pub pause: Pause,
    /// What the running server knows of itself.
    pub facts: Facts,
    /// The sweeper may run (`DEBUG SET-ACTIVE-EXPIRE`).
    pub active_expire: AtomicBool,
    /// The cron may run (`DEBUG PAUSE-CRON`).
    pub cron_paused: AtomicBool,
    /// Warns that somebody makes a browser talk to the server, but not for every such connection.
    pub http_warning: Throttle,
    shutdown: Shutdown,
}

/// Facts of this run.
#[derive(Debug)]
pub struct Facts {
    /// 40 hexadecimal digits, different in every run.
    pub run_id: String,
    /// When the server started: the monotonic clock.
    pub started: Instant,
    /// When the server started: the wall clock.
    pub started_at: UnixMillis,
    /// Bytes in use before the first connection.
    pub memory_at_start: usize,
    /// What replicas would know this server's data by: 40 hexadecimal digits.
    pub replication_id: parking_lot::Mutex<String>,
}

/// Clients who want to hear of keys as they go.
struct Watchers {
    notifications: Arc<Notifications>,
    tracking: Arc<Tracking>,
}

impl Observer for Watchers {
    fn event(&self, db: usize, key: &[u8], event: Event) {
        self.notifications.publish(db, key, event);
    }

    fn changed(&self, keys: &[Box<[u8]>], by: ClientId) {
        self.tracking.broadcast(keys, by);
    }

    fn invalidate(&self, key: &[u8], readers: &[Reader], by: ClientId) {
        self.tracking.invalidate(key, readers, by);
    }

    fn invalidate_all(&self) {
        self.tracking.invalidate_all();
    }
}

/// The request to end the server.
#[derive(Debug, Default)]
struct Shutdown {
    asked: AtomicBool,
    notify: tokio::sync::Notify,
}

/// Threads that count beside the workers: the acceptor and the sweeper, in this order behind the workers.
pub const SERVICE_THREADS: usize = 2;

impl Server {
    /// A server with these settings and `workers` workers, not yet listening.
    pub fn new(settings: Settings, workers: usize, clock: Clock) -> Self {
        let databases = settings.databases().max(1);
        Self::with_keyspace(settings, workers, clock, Keyspace::new(databases))
    }

    /// The same over a keyspace that somebody listens to.
    pub fn with_keyspace(
        settings: Settings,
        workers: usize,
        clock: Clock,
        keyspace: Keyspace,
    ) -> Self {
        let cap = Arc::new(Cap::new(workers));
        limit_memory(&settings, &cap, &keyspace.eviction);
        let (to_cap, to_eviction) = (Arc::clone(&cap), Arc::clone(&keyspace.eviction));
        settings.on_change(MEMORY_SETTINGS, move |settings| {
            limit_memory(settings, &to_cap, &to_eviction);
            to_cap.call();
            Ok(())
        });
        let (pubsub, mailboxes) = (Arc::<PubSub>::default(), Arc::new(Mailboxes::new(workers)));
        let notifications = Arc::new(Notifications::new(
            Arc::clone(&pubsub),
            Arc::clone(&mailboxes),
            keyspace.interests().clone(),
        ));
        let clients = Arc::<Registry>::default();
        let tracking = Arc::new(Tracking::new(
            Arc::clone(&clients),
            Arc::clone(&mailboxes),
            keyspace.interests().clone(),
        ));
        let users = Arc::new(Users::new(Arc::clone(&clients)));
        users.set_default_password(&settings.requirepass());
        let to_users = Arc::clone(&users);
        settings.on_change(&["requirepass"], move |settings| {
            to_users.set_default_password(&settings.requirepass());
            Ok(())
        });
        notifications.select(settings.notify_keyspace_events());
        keyspace.set_observer(Box::new(Watchers {
            notifications: Arc::clone(&notifications),
            tracking: Arc::clone(&tracking),
        }));
        settings.on_change(&["notify-keyspace-events"], move |settings| {
            notifications.select(settings.notify_keyspace_events());
            Ok(())
        });
        let observers = Arc::new(Observers::new(&settings));
        let to_observers = Arc::clone(&observers);
        settings.on_change(observe::SETTINGS, move |settings| {
            to_observers.configure(settings);
            Ok(())
        });
        Self {
            observers,
            cap,
            keyspace,
            stats: Stats::new(workers + SERVICE_THREADS, crate::command::table::count()),
            client_eviction: parking_lot::Mutex::default(),
            clients,
            users,
            pubsub,
            tracking,
            mailboxes,
            migrations: Migrations::default(),
            scripts: Scripts::default(),
            pause: Pause::default(),
            facts: Facts {
                run_id: random_id(),
                started: Instant::now(),
                started_at: clock.now(),
                memory_at_start: crate::memory::used(),
                replication_id: parking_lot::Mutex::new(random_id()),
            },
            active_expire: AtomicBool::new(true),
            cron_paused: AtomicBool::new(false),
            http_warning: Throttle::new(Duration::from_secs(60)),
            shutdown: Shutdown::default(),
            settings,
            clock,
        }
    }

    /// The number of the acceptor thread, for [`Stats::of`].
    pub fn acceptor_thread(&self) -> usize {
        self.mailboxes.workers()
    }

    /// The number of the sweeper thread, for [`Stats::of`].
    pub fn sweeper_thread(&self) -> usize {
        self.mailboxes.workers() + 1
    }

    /// Asks the server to end: stop accepting, finish what is being answered, exit.
    pub fn shut_down(&self) {
        self.shutdown.asked.store(true, Ordering::SeqCst);
        self.shutdown.notify.notify_waiters();
        self.mailboxes.broadcast(&crate::mailbox::Post::WakeAll);
    }

    /// Whether the server has been asked to end.
    pub fn is_shutting_down(&self) -> bool {
        self.shutdown.asked.load(Ordering::SeqCst)
    }

    /// Waits until the server is asked to end.
    pub async fn shutdown_asked(&self) {
        loop {
            let asked = self.shutdown.notify.notified();
            if self.is_shutting_down() {
                return;
            }
            asked.await;
        }
    }
}

/// The settings that say how much memory there is and what gives way.
const MEMORY_SETTINGS: &[&str] = &[
    "maxmemory",
    "maxmemory-clients",
    "maxmemory-policy",
    "maxmemory-samples",
    "lfu-log-factor",
    "lfu-decay-time",
];

/// Applies [`MEMORY_SETTINGS`].
fn limit_memory(settings: &Settings, cap: &Cap, eviction: &Eviction) {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    cap.set_limit(bytes(settings.maxmemory()));
    cap.set_clients_limit(bytes(settings.maxmemory_clients_bytes()));
    eviction.configure(EvictionSettings {
        policy: settings.maxmemory_policy(),
        samples: settings.maxmemory_samples(),
        log_factor: settings.lfu_log_factor(),
        decay_minutes: settings.lfu_decay_time(),
    });
}

/// A number that nobody can predict and no other run has.
pub fn random_u64() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // RandomState draws its keys from the operating system.
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

/// 40 hexadecimal digits at random.
pub fn random_id() -> String {
    let digits: String = (0..3).map(|_| format!("{:016x}", random_u64())).collect();
    digits[..40].to_owned()
}
