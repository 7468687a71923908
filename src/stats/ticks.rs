//! A cheap clock for timing commands: the processor's own counter where it is steady, else the system's monotonic clock.
//!
//! One reading costs a few nanoseconds; it is taken once a command, the end of one being the start of the next.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A reading of the clock, in units of its own: compare and subtract, then convert with [`to_nanos`].
pub type Ticks = u64;

struct Scale {
    /// Nanoseconds a tick, times 2^32; 0 where the system's clock serves.
    nanos_per_tick: u64,
    origin: Instant,
}

static SCALE: OnceLock<Scale> = OnceLock::new();

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn counter() -> Option<u64> {
    // SAFETY: every x86-64 processor has the time stamp counter, and user code may read it.
    Some(unsafe { std::arch::x86_64::_rdtsc() })
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn counter() -> Option<u64> {
    None
}

/// What both clocks said at one instant, as nearly as can be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    at: Instant,
    ticks: u64,
}

impl Reading {
    /// Of some tries the one in which the least time passed: a thread may lose its processor between the two clocks, for many
    /// times the two milliseconds of a calibration.
    fn take(mut counter: impl FnMut() -> Option<u64>) -> Option<Self> {
        let tries = (0..8).filter_map(|_| {
            let before = counter()?;
            let at = Instant::now();
            let width = counter()?.saturating_sub(before);
            let ticks = before + width / 2;
            Some((width, Self { at, ticks }))
        });
        let best = tries.min_by_key(|(width, _)| *width);
        best.map(|(_, reading)| reading)
    }
}

fn calibrate() -> Scale {
    // This may take long, and must not be part of what is measured.
    let is_steady = std::fs::read_to_string("/proc/cpuinfo")
        .is_ok_and(|info| info.contains("constant_tsc") && info.contains("nonstop_tsc"));
    let origin = Instant::now();
    let nanos_per_tick = is_steady.then(measure).flatten().unwrap_or(0);
    Scale {
        nanos_per_tick,
        origin,
    }
}

/// Nanoseconds a tick, times 2^32.
fn measure() -> Option<u64> {
    let first = Reading::take(counter)?;
    while first.at.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let last = Reading::take(counter)?;
    let ticks = u128::from(last.ticks.saturating_sub(first.ticks).max(1));
    u64::try_from(((last.at - first.at).as_nanos() << 32) / ticks).ok()
}

fn scale() -> &'static Scale {
    SCALE.get_or_init(calibrate)
}

/// The time now.
#[inline]
pub fn now() -> Ticks {
    let scale = scale();
    if scale.nanos_per_tick != 0
        && let Some(ticks) = counter()
    {
        return ticks;
    }
    u64::try_from(scale.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// What the clock is, for people.
pub fn describe() -> String {
    match scale().nanos_per_tick {
        0 => "POSIX clock_gettime".to_owned(),
        scale => format!(
            "X86 TSC @ {:.2} ticks/us",
            1000.0 * (1_u64 << 32) as f64 / scale as f64
        ),
    }
}

/// A difference of two readings in nanoseconds.
#[inline]
pub fn to_nanos(ticks: Ticks) -> u64 {
    match scale().nanos_per_tick {
        0 => ticks,
        scale => ((u128::from(ticks) * u128::from(scale)) >> 32) as u64,
    }
}

/// Whether a reading was taken before another one.
#[inline]
pub fn is_before(one: Ticks, other: Ticks) -> bool {
    (other.wrapping_sub(one) as i64) > 0
}

/// So many nanoseconds as a difference of two readings.
pub fn from_nanos(nanos: u64) -> Ticks {
    match scale().nanos_per_tick {
        0 => nanos,
        scale => ((u128::from(nanos) << 32) / u128::from(scale)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_loses_its_processor_between_the_clocks_tries_again() {
        // The third try is the only one that was not interrupted.
        let mut counts = [0, 9_000, 10_000, 17_000, 20_000, 20_050].into_iter();
        let reading = Reading::take(|| counts.next()).expect("there were counts");
        assert_eq!(reading.ticks, 20_025);
        assert_eq!(Reading::take(|| None), None);
    }

    #[test]
    fn agrees_with_the_monotonic_clock() {
        let (ticks, instant) = (now(), Instant::now());
        while instant.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let (nanos, truth) = (
            to_nanos(now() - ticks) as f64,
            instant.elapsed().as_nanos() as f64,
        );
        // The two readings are not taken at one instant: only a wrong scale is an error.
        assert!(
            nanos > truth * 0.2 && nanos < truth * 5.0,
            "{nanos} against {truth}"
        );
    }
}
