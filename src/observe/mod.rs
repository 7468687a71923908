//! What operators watch a running server by: the logs of slow and large commands, MONITOR, and the latency of events.
//!
//! All that a request's way has to know of it is in [`Watch`], on one cache line that is written when somebody changes
//! a setting or begins to monitor: behind a command its duration and its sizes are compared with that line, and what is
//! kept is kept elsewhere, by functions that are seldom called. The locks in here are leaves: they are held to append
//! or to copy, and nothing is locked under them.

mod command_log;
mod latency;
mod monitor;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

pub use command_log::{CommandLog, Entry, shortened};
pub use latency::{Event, Latency, Spikes};
pub use monitor::{Monitors, line};

use crate::config::Settings;

/// What the logs of commands are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// Commands that took long, in microseconds.
    Slow,
    /// Requests of many bytes.
    LargeRequest,
    /// Replies of many bytes.
    LargeReply,
}

impl LogKind {
    /// All kinds, in the order of [`Observers::logs`].
    pub const ALL: [Self; 3] = [Self::Slow, Self::LargeRequest, Self::LargeReply];

    /// The name that COMMANDLOG gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::LargeRequest => "large-request",
            Self::LargeReply => "large-reply",
        }
    }
}

/// From which figures on a command is looked at more closely. A limit that is switched off is above every figure.
#[derive(Debug)]
#[repr(align(64))]
pub struct Watch {
    /// Nanoseconds: the lower one of the slow log's limit and of the latency monitor's.
    nanos: AtomicU64,
    /// Bytes of a request.
    request: AtomicUsize,
    /// Bytes of a reply.
    reply: AtomicUsize,
    /// Whether anybody monitors.
    monitored: AtomicBool,
    /// Whether the durations of commands are kept (`latency-tracking`).
    tracks_latency: AtomicBool,
}

impl Watch {
    /// Whether a command that took so long and was so large has to be looked at.
    #[inline]
    pub fn notices(&self, nanos: u64, request: usize, reply: usize) -> bool {
        nanos >= self.nanos.load(Relaxed)
            || request >= self.request.load(Relaxed)
            || reply >= self.reply.load(Relaxed)
    }

    /// Whether anybody monitors.
    #[inline]
    pub fn is_monitored(&self) -> bool {
        self.monitored.load(Relaxed)
    }

    /// Whether the durations of commands are kept, for LATENCY HISTOGRAM and INFO.
    #[inline]
    pub fn tracks_latency(&self) -> bool {
        self.tracks_latency.load(Relaxed)
    }
}

/// All that a server is watched by.
#[derive(Debug)]
pub struct Observers {
    /// What a request's way looks at.
    pub watch: Watch,
    /// In the order of [`LogKind::ALL`].
    logs: [CommandLog; 3],
    /// The spikes of latency.
    pub latency: Latency,
    monitors: Monitors,
}

/// The settings that [`Observers::configure`] reads.
pub const SETTINGS: &[&str] = &[
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "commandlog-request-larger-than",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-large-reply-max-len",
    "latency-monitor-threshold",
    "latency-tracking",
];

impl Observers {
    /// Nothing has been seen yet.
    pub fn new(settings: &Settings) -> Self {
        let observers = Self {
            watch: Watch {
                nanos: AtomicU64::new(u64::MAX),
                request: AtomicUsize::new(usize::MAX),
                reply: AtomicUsize::new(usize::MAX),
                monitored: AtomicBool::new(false),
                tracks_latency: AtomicBool::new(true),
            },
            logs: LogKind::ALL.map(|_| CommandLog::default()),
            latency: Latency::default(),
            monitors: Monitors::default(),
        };
        observers.configure(settings);
        observers
    }

    /// Applies [`SETTINGS`].
    pub fn configure(&self, settings: &Settings) {
        let limits = [
            (
                settings.slowlog_log_slower_than(),
                settings.slowlog_max_len(),
            ),
            (
                settings.commandlog_request_larger_than(),
                settings.commandlog_large_request_max_len(),
            ),
            (
                settings.commandlog_reply_larger_than(),
                settings.commandlog_large_reply_max_len(),
            ),
        ];
        let mut least = [u64::MAX; 3];
        for ((log, (limit, len)), least) in self.logs.iter().zip(limits).zip(&mut least) {
            let limit = u64::try_from(limit).ok().filter(|_| len > 0);
            log.configure(limit, len);
            *least = limit.unwrap_or(u64::MAX);
        }
        let [micros, request, reply] = least;
        let millis = settings.latency_monitor_threshold();
        self.latency.set_threshold(millis);
        let spike = match millis {
            0 => u64::MAX,
            _ => millis.saturating_mul(1_000_000),
        };
        let bytes = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        self.watch
            .nanos
            .store(micros.saturating_mul(1000).min(spike), Relaxed);
        self.watch.request.store(bytes(request), Relaxed);
        self.watch
            .tracks_latency
            .store(settings.latency_tracking(), Relaxed);
        self.watch.reply.store(bytes(reply), Relaxed);
    }

    /// The log of one kind.
    pub fn log(&self, kind: LogKind) -> &CommandLog {
        &self.logs[kind as usize]
    }

    /// Who monitors. Changes go through [`Observers::change_monitors`].
    pub fn monitors(&self) -> &Monitors {
        &self.monitors
    }

    /// Lets somebody begin or end to monitor.
    pub fn change_monitors(&self, change: impl FnOnce(&Monitors)) {
        change(&self.monitors);
        self.watch
            .monitored
            .store(!self.monitors.is_empty(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_are_off_notice_nothing() {
        let observers = Observers::new(&Settings::new());
        let watch = &observers.watch;
        // Ten milliseconds and a megabyte.
        assert!(!watch.notices(9_999_999, 1 << 19, 1 << 19));
        assert!(watch.notices(10_000_000, 0, 0));
        assert!(watch.notices(0, 1 << 20, 0) && watch.notices(0, 0, 1 << 20));
        assert!(!watch.is_monitored());
    }
}
