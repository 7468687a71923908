//! The settings as the server reads them: one relaxed atomic load for a number, a short read lock for a text.
//!
//! [`Settings`] holds one value for every parameter of the table. Accessors are methods named like the parameter. Whoever
//! must act on a change (a listener on `port`, the log on `loglevel`) registers a function with
//! [`Settings::on_change`]; it may refuse the change, which then is undone as a whole.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};

use super::choice::{
    AclPubsubDefault, Choice, LogFormat, LogLevel, MaxmemoryPolicy, ProtectedAction, TlsAuthClients,
};
use super::event::EventClasses;
use super::table::{BUFFER_CLASSES, COUNT, TABLE, buffer_limits, find, position};
use super::value::Value;
use crate::memory::machine;

/// The run-time values of all parameters. Shared by reference; everything in it may change at any time.
pub struct Settings {
    /// Numbers, positions of words and sets of bits; unused where the parameter is text.
    numbers: [AtomicU64; COUNT],
    /// Texts; unused where the parameter is a number.
    texts: [RwLock<Arc<str>>; COUNT],
    /// Whether a file, a flag or CONFIG SET gave the value.
    explicit: [AtomicBool; COUNT],
    /// `client-output-buffer-limit` in numbers, because every reply asks for it.
    output_limits: [AtomicOutputLimit; BUFFER_CLASSES.len()],
    /// Counts the changes, for whoever keeps something derived from settings.
    generation: AtomicU64,
    hooks: RwLock<Vec<Hook>>,
    /// Held by whoever changes settings, so that changes come one after the other.
    pub(super) change: Mutex<()>,
    /// The file that CONFIG REWRITE writes.
    pub(super) file: RwLock<Option<PathBuf>>,
    /// The users that directives define, each as a name and rules; for CONFIG REWRITE those that there are now.
    pub(super) users: RwLock<Vec<Vec<String>>>,
}

const OUTPUT_LIMIT: usize = position("client-output-buffer-limit");

/// A function that acts on a change of some parameters, and their positions.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) positions: Arc<[usize]>,
    pub(super) apply: Arc<Apply>,
}

/// What a hook does: act on the new settings, or say why they cannot be.
type Apply = dyn Fn(&Settings) -> Result<(), String> + Send + Sync;

/// The classes of clients that `client-output-buffer-limit` tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputLimitClass {
    /// Clients that ask and get answers.
    Normal,
    /// Replicas.
    Replica,
    /// Clients with a subscription.
    Pubsub,
}

/// How much output a client may leave unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is disconnected at once; 0 means no limit.
    pub hard: u64,
    /// Bytes at which it is disconnected after `soft_seconds`; 0 means no limit.
    pub soft: u64,
    /// Seconds for which it may stay above `soft`.
    pub soft_seconds: u32,
}

#[derive(Default)]
struct AtomicOutputLimit {
    hard: AtomicU64,
    soft: AtomicU64,
    soft_seconds: AtomicU64,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// All defaults.
    pub fn new() -> Self {
        let settings = Self {
            numbers: std::array::from_fn(|_| AtomicU64::new(0)),
            texts: std::array::from_fn(|_| RwLock::new(Arc::default())),
            explicit: std::array::from_fn(|_| AtomicBool::new(false)),
            output_limits: Default::default(),
            generation: AtomicU64::new(0),
            hooks: RwLock::default(),
            change: Mutex::new(()),
            file: RwLock::new(None),
            users: RwLock::default(),
        };
        for (position, parameter) in TABLE.iter().enumerate() {
            settings.store(position, parameter.default_value());
        }
        settings
    }

    /// Calls `apply` after every change by CONFIG SET of one or more of the parameters named, with the new settings in
    /// place. If it fails, all parameters of that CONFIG SET get their old values back, the functions that had already
    /// run are called again, and the client gets the error.
    ///
    /// It runs on the thread of the client, so it must be short, and must not change settings itself.
    ///
    /// # Panics
    /// If a name is not in the table.
    pub fn on_change(
        &self,
        names: &[&str],
        apply: impl Fn(&Self) -> Result<(), String> + Send + Sync + 'static,
    ) {
        let positions = names
            .iter()
            .map(|name| find(name).expect("a hook names a parameter of the table"))
            .collect();
        self.hooks.write().push(Hook {
            positions,
            apply: Arc::new(apply),
        });
    }

    /// Grows with every change. Whoever keeps something derived from settings compares it to know if it is stale.
    pub fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }

    /// True if a file, a flag or CONFIG SET gave this parameter a value, even if it is the default.
    pub fn is_explicit(&self, name: &str) -> bool {
        find(name).is_some_and(|position| self.explicit[position].load(Relaxed))
    }

    /// The file that the server was started with, if any.
    pub fn file(&self) -> Option<PathBuf> {
        self.file.read().clone()
    }

    /// The users that the configuration defines, each as a name and rules.
    pub fn users(&self) -> Vec<Vec<String>> {
        self.users.read().clone()
    }

    /// Says which users CONFIG REWRITE shall write.
    pub fn set_users(&self, users: Vec<Vec<String>>) {
        *self.users.write() = users;
    }

    /// The file of users, if there is one (`aclfile`).
    pub fn users_file(&self) -> Option<PathBuf> {
        let name = self.aclfile();
        let directory = PathBuf::from(&*self.dir());
        (!name.is_empty()).then(|| directory.join(&*name))
    }

    pub(super) fn value(&self, position: usize) -> Value {
        if TABLE[position].is_text() {
            Value::Text(self.text(position))
        } else {
            Value::Number(self.number(position))
        }
    }

    pub(super) fn store(&self, position: usize, value: Value) {
        match value {
            Value::Number(number) => self.numbers[position].store(number, Relaxed),
            Value::Text(text) => {
                if position == OUTPUT_LIMIT {
                    for (cell, limit) in self.output_limits.iter().zip(buffer_limits(&text)) {
                        cell.hard.store(limit.hard, Relaxed);
                        cell.soft.store(limit.soft, Relaxed);
                        cell.soft_seconds.store(limit.soft_seconds.into(), Relaxed);
                    }
                }
                *self.texts[position].write() = text;
            }
        }
        self.generation.fetch_add(1, Relaxed);
    }

    pub(super) fn set_explicit(&self, position: usize, explicit: bool) -> bool {
        self.explicit[position].swap(explicit, Relaxed)
    }

    /// The hooks that a change of these parameters calls, in the order of registration.
    pub(super) fn hooks_of(&self, changed: &[usize]) -> Vec<Hook> {
        let hooks = self.hooks.read();
        hooks
            .iter()
            .filter(|hook| {
                hook.positions
                    .iter()
                    .any(|position| changed.contains(position))
            })
            .cloned()
            .collect()
    }

    fn number(&self, position: usize) -> u64 {
        self.numbers[position].load(Relaxed)
    }

    fn text(&self, position: usize) -> Arc<str> {
        self.texts[position].read().clone()
    }

    /// Threads that serve clients: `workers`, or the cores of this machine.
    pub fn worker_threads(&self) -> usize {
        match self.workers() {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }

    /// `maxmemory` in bytes; 0 means no limit. A percentage is one of what the machine or the container has.
    pub fn maxmemory(&self) -> u64 {
        bytes_of(self.maxmemory_setting(), || machine::available() as u64)
    }

    /// `maxmemory-resident` in bytes, as [`Settings::maxmemory`].
    pub fn maxmemory_resident(&self) -> u64 {
        bytes_of(self.maxmemory_resident_setting(), || {
            machine::available() as u64
        })
    }

    /// `maxmemory-clients` in bytes; 0 means no limit. A percentage is one of `maxmemory`.
    pub fn maxmemory_clients_bytes(&self) -> u64 {
        bytes_of(self.maxmemory_clients(), || self.maxmemory())
    }

    /// How much output a client of this class may leave unread.
    pub fn output_limit(&self, class: OutputLimitClass) -> OutputLimit {
        let cell = &self.output_limits[class as usize];
        OutputLimit {
            hard: cell.hard.load(Relaxed),
            soft: cell.soft.load(Relaxed),
            soft_seconds: u32::try_from(cell.soft_seconds.load(Relaxed)).unwrap_or(u32::MAX),
        }
    }

    /// Whether TLS clients must show a certificate: what was asked for, or by default `yes` with a CA and `no` without.
    pub fn client_certificates(&self) -> TlsAuthClients {
        let no_authority = self.tls_ca_cert_file().is_empty() && self.tls_ca_cert_dir().is_empty();
        if no_authority && !self.is_explicit("tls-auth-clients") {
            TlsAuthClients::No
        } else {
            self.tls_auth_clients()
        }
    }
}

/// Bytes, from bytes or a negative percentage of a whole.
fn bytes_of(setting: i64, whole: impl FnOnce() -> u64) -> u64 {
    match setting {
        0.. => setting.unsigned_abs(),
        // In two steps, so that nothing overflows.
        _ => whole() / 100 * setting.unsigned_abs(),
    }
}

/// How a stored number becomes what an accessor gives.
trait FromStored {
    fn from_stored(stored: u64) -> Self;
}

impl FromStored for bool {
    fn from_stored(stored: u64) -> Self {
        stored != 0
    }
}

impl FromStored for u64 {
    fn from_stored(stored: u64) -> Self {
        stored
    }
}

impl FromStored for i64 {
    fn from_stored(stored: u64) -> Self {
        stored.cast_signed()
    }
}

impl FromStored for usize {
    fn from_stored(stored: u64) -> Self {
        Self::try_from(stored).unwrap_or(Self::MAX)
    }
}

impl FromStored for u32 {
    fn from_stored(stored: u64) -> Self {
        Self::try_from(stored).unwrap_or(Self::MAX)
    }
}

impl FromStored for u16 {
    fn from_stored(stored: u64) -> Self {
        Self::try_from(stored).unwrap_or(Self::MAX)
    }
}

impl FromStored for EventClasses {
    fn from_stored(stored: u64) -> Self {
        Self(u32::from_stored(stored))
    }
}

macro_rules! from_stored_choice {
    ($($choice:ty),+) => {
        $(impl FromStored for $choice {
            fn from_stored(stored: u64) -> Self {
                Self::at(usize::from_stored(stored))
            }
        })+
    };
}

from_stored_choice!(
    AclPubsubDefault,
    LogLevel,
    LogFormat,
    ProtectedAction,
    TlsAuthClients,
    MaxmemoryPolicy
);

/// Declares the accessors: `name: Type = "parameter"`. A name that the table does not know does not compile.
macro_rules! accessors {
    (numbers { $($number:ident: $type:ty = $name:literal,)+ } texts { $($text:ident = $text_name:literal,)+ }) => {
        impl Settings {
            $(
                #[doc = concat!("`", $name, "`: see the table of parameters.")]
                #[inline]
                pub fn $number(&self) -> $type {
                    <$type>::from_stored(self.number(const { position($name) }))
                }
            )+
            $(
                #[doc = concat!("`", $text_name, "`: see the table of parameters.")]
                pub fn $text(&self) -> Arc<str> {
                    self.text(const { position($text_name) })
                }
            )+
        }
    };
}

accessors! {
    numbers {
        port: u16 = "port",
        workers: usize = "workers",
        maxclients: usize = "maxclients",
        timeout: u64 = "timeout",
        tcp_backlog: u32 = "tcp-backlog",
        tcp_keepalive: u64 = "tcp-keepalive",
        unixsocketperm: u32 = "unixsocketperm",
        client_query_buffer_limit: usize = "client-query-buffer-limit",
        proto_max_bulk_len: usize = "proto-max-bulk-len",
        script_memory_limit: usize = "script-memory-limit",
        maxmemory_clients: i64 = "maxmemory-clients",
        protected_mode: bool = "protected-mode",
        enable_debug_command: ProtectedAction = "enable-debug-command",
        enable_protected_configs: ProtectedAction = "enable-protected-configs",
        acl_pubsub_default: AclPubsubDefault = "acl-pubsub-default",
        acllog_max_len: usize = "acllog-max-len",
        tls_port: u16 = "tls-port",
        tls_auth_clients: TlsAuthClients = "tls-auth-clients",
        databases: usize = "databases",
        maxmemory_setting: i64 = "maxmemory",
        maxmemory_resident_setting: i64 = "maxmemory-resident",
        maxmemory_eviction_tenacity: u32 = "maxmemory-eviction-tenacity",
        maxmemory_policy: MaxmemoryPolicy = "maxmemory-policy",
        maxmemory_samples: usize = "maxmemory-samples",
        tracking_table_max_keys: usize = "tracking-table-max-keys",
        lfu_decay_time: u32 = "lfu-decay-time",
        lfu_log_factor: u32 = "lfu-log-factor",
        active_expire_effort: u32 = "active-expire-effort",
        notify_keyspace_events: EventClasses = "notify-keyspace-events",
        lazyfree_lazy_user_flush: bool = "lazyfree-lazy-user-flush",
        hash_max_listpack_entries: usize = "hash-max-listpack-entries",
        hash_max_listpack_value: usize = "hash-max-listpack-value",
        zset_max_listpack_entries: usize = "zset-max-listpack-entries",
        zset_max_listpack_value: usize = "zset-max-listpack-value",
        set_max_intset_entries: usize = "set-max-intset-entries",
        set_max_listpack_entries: usize = "set-max-listpack-entries",
        set_max_listpack_value: usize = "set-max-listpack-value",
        hll_sparse_max_bytes: usize = "hll-sparse-max-bytes",
        list_max_listpack_size: i64 = "list-max-listpack-size",
        stream_node_max_bytes: usize = "stream-node-max-bytes",
        stream_node_max_entries: usize = "stream-node-max-entries",
        activedefrag: bool = "activedefrag",
        active_defrag_ignore_bytes: usize = "active-defrag-ignore-bytes",
        active_defrag_threshold_lower: usize = "active-defrag-threshold-lower",
        active_defrag_cycle_max: u32 = "active-defrag-cycle-max",
        hz: u32 = "hz",
        loglevel: LogLevel = "loglevel",
        log_format: LogFormat = "log-format",
        stats_interval: u64 = "stats-interval",
        slowlog_log_slower_than: i64 = "slowlog-log-slower-than",
        slowlog_max_len: usize = "slowlog-max-len",
        commandlog_request_larger_than: i64 = "commandlog-request-larger-than",
        commandlog_large_request_max_len: usize = "commandlog-large-request-max-len",
        commandlog_reply_larger_than: i64 = "commandlog-reply-larger-than",
        commandlog_large_reply_max_len: usize = "commandlog-large-reply-max-len",
        latency_monitor_threshold: u64 = "latency-monitor-threshold",
        latency_tracking: bool = "latency-tracking",
        busy_reply_threshold: u64 = "busy-reply-threshold",
        io_threads: usize = "io-threads",
        replica_priority: u32 = "replica-priority",
        min_replicas_to_write: u32 = "min-replicas-to-write",
        min_replicas_max_lag: u32 = "min-replicas-max-lag",
        extended_redis_compatibility: bool = "extended-redis-compatibility",
    }
    texts {
        bind = "bind",
        unixsocket = "unixsocket",
        requirepass = "requirepass",
        aclfile = "aclfile",
        dir = "dir",
        tls_cert_file = "tls-cert-file",
        tls_key_file = "tls-key-file",
        tls_ca_cert_file = "tls-ca-cert-file",
        tls_ca_cert_dir = "tls-ca-cert-dir",
        tls_protocols = "tls-protocols",
        logfile = "logfile",
        pidfile = "pidfile",
        latency_tracking_info_percentiles = "latency-tracking-info-percentiles",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let settings = Settings::new();
        assert_eq!(settings.port(), 6379);
        assert_eq!(&*settings.bind(), "127.0.0.1 -::1");
        assert_eq!(settings.proto_max_bulk_len(), 512 << 20);
        assert_eq!(settings.list_max_listpack_size(), -2);
        assert_eq!(settings.loglevel(), LogLevel::Notice);
        assert_eq!(settings.notify_keyspace_events(), EventClasses(0));
        assert!(settings.protected_mode());
        assert!(settings.worker_threads() >= 1);
        let pubsub = OutputLimit {
            hard: 32 << 20,
            soft: 8 << 20,
            soft_seconds: 60,
        };
        assert_eq!(settings.output_limit(OutputLimitClass::Pubsub), pubsub);
    }

    #[test]
    fn client_certificates_are_asked_for_only_with_an_authority() {
        let settings = Settings::new();
        assert_eq!(settings.client_certificates(), TlsAuthClients::No);
        settings.store(position("tls-ca-cert-file"), Value::Text("ca.pem".into()));
        assert_eq!(settings.client_certificates(), TlsAuthClients::Yes);
    }

    #[test]
    fn every_change_is_a_new_generation() {
        let settings = Settings::new();
        let before = settings.generation();
        settings.store(position("port"), Value::Number(1));
        assert_ne!(settings.generation(), before);
    }
}
