//! The wall clock as the keyspace sees it: Unix time in milliseconds, replaceable by a hand-driven clock in tests.
//!
//! Expiry is decided by this clock alone. It is read once a batch of requests, so that a request and a transaction
//! see one moment; nothing that waits (timeouts, pauses) hangs on it, those use the monotonic clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type UnixMillis = i64;

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that only a test moves.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A hand-driven clock that stands at `start`, and the handle that moves it.
    pub fn manual(start: UnixMillis) -> (Self, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(start));
        (Self::Manual(Arc::clone(&hand)), hand)
    }

    /// The time now, in milliseconds since the Unix epoch.
    pub fn now(&self) -> UnixMillis {
        match self {
            Self::System => self.now_micros() / 1000,
            Self::Manual(hand) => hand.load(Ordering::Relaxed),
        }
    }

    /// The time now, in microseconds since the Unix epoch (`TIME`).
    pub fn now_micros(&self) -> i64 {
        match self {
            // A clock set before 1970 reads as the epoch.
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
                }),
            Self::Manual(hand) => hand.load(Ordering::Relaxed) * 1000,
        }
    }
}
