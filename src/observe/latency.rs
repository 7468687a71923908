//! Spikes of latency: for each kind of event the seconds in which it took longer than `latency-monitor-threshold`.
//!
//! A command is compared with the threshold in [`Watch`](super::Watch); what happens beside commands (a sweep, eviction,
//! defragmentation) asks [`Latency::note`]. One sample is kept a second, the worst, and the last 160 of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

/// Samples that are kept of an event.
const KEPT: usize = 160;

/// What can take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A command that may take time.
    Command,
    /// A command that should never take long.
    FastCommand,
    /// The sweeper, removing what has expired.
    ExpireCycle,
    /// Removing keys to make room.
    EvictionCycle,
    /// Moving values out of slabs that are mostly empty.
    ActiveDefragCycle,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Command,
        Self::FastCommand,
        Self::ExpireCycle,
        Self::EvictionCycle,
        Self::ActiveDefragCycle,
    ];

    /// Its name in LATENCY's replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::FastCommand => "fast-command",
            Self::ExpireCycle => "expire-cycle",
            Self::EvictionCycle => "eviction-cycle",
            Self::ActiveDefragCycle => "active-defrag-cycle",
        }
    }
}

/// What has been seen of one event.
#[derive(Debug, Clone, Default)]
pub struct Spikes {
    /// Seconds since the Unix epoch, and the milliseconds of the worst sample in each; the oldest first.
    pub samples: VecDeque<(i64, u64)>,
    /// The longest ever, in milliseconds.
    pub longest: u64,
    /// All samples ever: their sum in milliseconds, and their number.
    pub sum: u64,
    /// See `sum`.
    pub count: u64,
}

impl Spikes {
    fn add(&mut self, second: i64, millis: u64) {
        self.longest = self.longest.max(millis);
        if let Some((last, worst)) = self.samples.back_mut()
            && *last == second
        {
            *worst = (*worst).max(millis);
            return;
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.sum += millis;
        self.count += 1;
        self.samples.push_back((second, millis));
    }
}

/// The spikes of all events.
#[derive(Debug, Default)]
pub struct Latency {
    /// Milliseconds; 0 if nothing is kept.
    threshold: AtomicU64,
    spikes: [Mutex<Spikes>; Event::ALL.len()],
}

impl Latency {
    pub(super) fn set_threshold(&self, millis: u64) {
        self.threshold.store(millis, Relaxed);
    }

    /// Milliseconds from which an event is kept; 0 if none is.
    pub fn threshold(&self) -> u64 {
        self.threshold.load(Relaxed)
    }

    /// Keeps an event that took this long and ended at this second, if it is worth it.
    pub fn note(&self, event: Event, took: Duration, second: impl FnOnce() -> i64) {
        let (millis, threshold) = (took.as_millis(), self.threshold());
        if threshold > 0 && millis >= threshold.into() {
            let millis = u64::try_from(millis).unwrap_or(u64::MAX);
            self.spikes[event as usize].lock().add(second(), millis);
        }
    }

    /// What has been seen of an event; nothing if it was never slow.
    pub fn spikes(&self, event: Event) -> Option<Spikes> {
        let spikes = self.spikes[event as usize].lock();
        (!spikes.samples.is_empty()).then(|| spikes.clone())
    }

    /// The events that have been slow.
    pub fn all(&self) -> impl Iterator<Item = (Event, Spikes)> + '_ {
        let seen = |event| self.spikes(event).map(|spikes| (event, spikes));
        Event::ALL.into_iter().filter_map(seen)
    }

    /// Forgets an event. Whether there was something to forget.
    pub fn reset(&self, event: Event) -> bool {
        let old = std::mem::take(&mut *self.spikes[event as usize].lock());
        !old.samples.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_second_is_kept() {
        let latency = Latency::default();
        let note = |millis, second| {
            latency.note(Event::Command, Duration::from_millis(millis), || second);
        };
        note(500, 1);
        assert!(latency.spikes(Event::Command).is_none(), "off at first");
        latency.set_threshold(10);
        for (millis, second) in [(9, 1), (10, 2), (30, 2), (20, 2), (12, 3)] {
            note(millis, second);
        }
        let spikes = latency.spikes(Event::Command).unwrap();
        assert_eq!(spikes.samples, [(2, 30), (3, 12)]);
        assert_eq!((spikes.longest, spikes.count), (30, 2));
        (4..400).for_each(|second| note(11, second));
        let spikes = latency.spikes(Event::Command).unwrap();
        assert_eq!(
            (spikes.samples.len(), spikes.samples[0]),
            (KEPT, (400 - 160, 11))
        );
        assert!(latency.reset(Event::Command) && !latency.reset(Event::Command));
        assert_eq!(latency.all().count(), 0);
    }
}
