//! At most so often: for log lines that strangers can provoke.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Lets something through at most once in an interval, whoever asks.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    started: Instant,
    /// Milliseconds from the start to the end of the present interval; 0 before the first.
    closed_until: AtomicU64,
}

impl Throttle {
    /// Open at first, then closed for `interval` each time.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            started: Instant::now(),
            closed_until: AtomicU64::new(0),
        }
    }

    /// Whether it may happen now; if so, not again for the interval.
    pub fn lets_through(&self) -> bool {
        let now = millis(self.started.elapsed());
        let until = self.closed_until.load(Relaxed);
        let next = now.saturating_add(millis(self.interval)).max(1);
        now >= until
            && self
                .closed_until
                .compare_exchange(until, next, Relaxed, Relaxed)
                .is_ok()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_an_interval() {
        let throttle = Throttle::new(Duration::from_secs(3600));
        assert!(throttle.lets_through());
        assert!(!throttle.lets_through());
        let open = Throttle::new(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(open.lets_through());
    }
}
