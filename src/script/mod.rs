//! Scripts: Lua programs that clients send, run as one command each.

pub mod running;

use std::sync::atomic::{AtomicU64, Ordering};

/// A script's run: the number under which it is set aside, and under which it reserves shards. Never 0, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

impl Ticket {
    /// The next one.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a server knows of scripts.
#[derive(Debug, Default)]
pub struct Scripts {
    /// Those that take long.
    pub running: running::Running,
}
