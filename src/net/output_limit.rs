//! `client-output-buffer-limit`: how much a client may leave unread, and for how long.

use std::time::{Duration, Instant};

use crate::config::{OutputLimit, OutputLimitClass, Settings};
use crate::session::Session;

/// The bytes of a reply that the peers keep in the client itself.
const OWN_BUFFER: usize = 16 * 1024;

/// Watches one connection's unsent output.
#[derive(Debug, Default)]
pub(super) struct OutputWatch {
    /// Since when the soft limit has been exceeded without a break.
    over_soft: Option<Instant>,
}

impl OutputWatch {
    /// Whether a connection with `pending` unsent bytes has to go.
    pub(super) fn is_exceeded(
        &mut self,
        settings: &Settings,
        session: &Session,
        pending: usize,
        now: impl FnOnce() -> Instant,
    ) -> bool {
        // The peers do not count what fits into a client's own buffer: with a limit of nothing short replies still get through.
        let pending = pending.saturating_sub(OWN_BUFFER);
        if pending == 0 {
            self.over_soft = None;
            return false;
        }
        // Who monitors is sent without asking, like a subscriber.
        let class = if session.is_subscribed() || session.is_monitoring {
            OutputLimitClass::Pubsub
        } else {
            OutputLimitClass::Normal
        };
        self.check(settings.output_limit(class), pending as u64, now)
    }

    fn check(&mut self, limit: OutputLimit, pending: u64, now: impl FnOnce() -> Instant) -> bool {
        if limit.hard > 0 && pending >= limit.hard {
            return true;
        }
        if limit.soft == 0 || pending < limit.soft {
            self.over_soft = None;
            return false;
        }
        let now = now();
        let since = *self.over_soft.get_or_insert(now);
        now.saturating_duration_since(since) > Duration::from_secs(limit.soft_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_at_once_and_the_soft_one_takes_its_time() {
        let limit = OutputLimit {
            hard: 100,
            soft: 10,
            soft_seconds: 5,
        };
        let start = Instant::now();
        let at = |seconds| move || start + Duration::from_secs(seconds);
        let mut watch = OutputWatch::default();
        assert!(watch.check(limit, 100, at(0)));
        assert!(!watch.check(limit, 10, at(0)));
        assert!(!watch.check(limit, 99, at(5)));
        assert!(watch.check(limit, 99, at(6)));
        assert!(!watch.check(limit, 9, at(7)), "a break");
        assert!(!watch.check(limit, 99, at(8)));
        assert!(!watch.check(limit, 99, at(13)));
        assert!(watch.check(limit, 99, at(14)));
    }

    #[test]
    fn zero_is_no_limit() {
        let mut watch = OutputWatch::default();
        assert!(!watch.check(OutputLimit::default(), u64::MAX, Instant::now));
    }
}
