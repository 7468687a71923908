//! The 24 bits of access history in every record, and what they mean.
//!
//! Which meaning holds depends on the policy, as it does for the peers: a *clock* of seconds since the last access, or
//! 16 bits of minutes and an 8-bit *frequency* that grows with the logarithm of the accesses and decays with time. After a
//! change of the policy the bits that are there are read in the new way, until accesses have replaced them.

use crate::clock::UnixMillis;
use crate::random;

/// What the access history of records is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum History {
    /// The second of the last access.
    Clock = 0,
    /// The minute of the last access and a logarithmic count of accesses.
    Frequency = 1,
    /// What the policy makes of it: [`Policy::created`](super::Policy::created) and [`Policy::touched`](super::Policy::touched).
    Own = 2,
}

/// The bits of a history.
const MASK: u32 = 0x00FF_FFFF;
/// The frequency of a key that has just been created: high enough to live for a while.
const INITIAL_FREQUENCY: u8 = 5;

/// The second, in 24 bits.
#[inline]
pub(super) fn clock(now: UnixMillis) -> u32 {
    (now / 1000) as u32 & MASK
}

/// Seconds since a history's last access, where it is a clock.
#[inline]
pub(super) fn idle_seconds(history: u32, now: UnixMillis) -> u32 {
    clock(now).wrapping_sub(history) & MASK
}

/// The history of a key that was last accessed so many seconds before `now`.
pub(super) fn idle_for(seconds: i64, now: UnixMillis) -> u32 {
    clock(now.saturating_sub(seconds.saturating_mul(1000)))
}

/// How frequencies grow and decay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// `lfu-log-factor`: how slowly they grow.
    pub(super) log_factor: u32,
    /// `lfu-decay-time`: minutes until they fall by one; 0 for never.
    pub(super) decay_minutes: u32,
}

fn minute(now: UnixMillis) -> u16 {
    (now / 60_000) as u16
}

/// A history with this frequency, as of `now`.
pub(super) fn with_frequency(frequency: u8, now: UnixMillis) -> u32 {
    u32::from(minute(now)) << 8 | u32::from(frequency)
}

/// The history of a key that is created.
pub(super) fn new_frequency(now: UnixMillis) -> u32 {
    with_frequency(INITIAL_FREQUENCY, now)
}

impl Rate {
    /// The frequency as it has decayed since the last access.
    pub(super) fn frequency(self, history: u32, now: UnixMillis) -> u8 {
        let passed = minute(now).wrapping_sub((history >> 8) as u16);
        let steps = u32::from(passed)
            .checked_div(self.decay_minutes)
            .unwrap_or(0);
        (history as u8).saturating_sub(u8::try_from(steps).unwrap_or(u8::MAX))
    }

    /// The history after one more access.
    pub(super) fn touched(self, history: u32, now: UnixMillis) -> u32 {
        let mut frequency = self.frequency(history, now);
        if frequency < u8::MAX {
            let above = frequency.saturating_sub(INITIAL_FREQUENCY);
            let odds = usize::from(above) * self.log_factor as usize + 1;
            if odds == 1 || random::below(odds) == 0 {
                frequency += 1;
            }
        }
        with_frequency(frequency, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        log_factor: 10,
        decay_minutes: 1,
    };
    const HOUR: UnixMillis = 3_600_000;

    #[test]
    fn idle_time_is_counted_in_seconds_and_wraps() {
        let now = 1_800_000_000_000;
        assert_eq!(idle_seconds(clock(now), now + 5_999), 5);
        assert_eq!(idle_seconds(idle_for(1000, now), now), 1000);
        assert_eq!(idle_seconds(idle_for(i64::MAX, now), now) & !MASK, 0);
    }

    #[test]
    fn frequencies_grow_with_the_logarithm_and_decay_by_the_minute() {
        let now = 1_800_000_000_000;
        let mut history = new_frequency(now);
        assert_eq!(RATE.frequency(history, now), INITIAL_FREQUENCY);
        for _ in 0..100_000 {
            history = RATE.touched(history, now);
        }
        let frequency = RATE.frequency(history, now);
        assert!((100..200).contains(&frequency), "{frequency}");
        assert_eq!(RATE.frequency(history, now + 10 * 60_000), frequency - 10);
        assert_eq!(RATE.frequency(history, now + 5 * HOUR), 0);
        let never = Rate {
            decay_minutes: 0,
            ..RATE
        };
        assert_eq!(never.frequency(history, now + 5 * HOUR), frequency);
        let at_once = Rate {
            log_factor: 0,
            ..RATE
        };
        for _ in 0..300 {
            history = at_once.touched(history, now);
        }
        assert_eq!(at_once.frequency(history, now), 255);
    }
}
