//! `CLIENT PAUSE`: for a while, all commands or those that write wait.
//!
//! A request that has to wait suspends its *connection*; the worker goes on with the others and tries the request again
//! when the pause ends.  While one pause lasts, another can lengthen it and make it stricter, never the reverse; only
//! `CLIENT UNPAUSE` ends it early.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

/// Which commands wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseMode {
    /// Those that write, or may (`PUBLISH`).
    Write = 1,
    /// All of them.
    All = 2,
}

/// The server's pause, if there is one.
#[derive(Debug, Default)]
pub struct Pause {
    /// 0 or the mode: so that nobody takes the lock while there is no pause.
    hint: AtomicU8,
    state: Mutex<Option<(PauseMode, Instant)>>,
}

impl Pause {
    /// Starts a pause until `until`, or makes the present one longer or stricter.
    pub fn start(&self, mode: PauseMode, until: Instant, now: Instant) {
        let mut state = self.state.lock();
        let (mode, until) = match *state {
            Some((present, end)) if end > now => (mode.max(present), until.max(end)),
            _ => (mode, until),
        };
        *state = Some((mode, until));
        self.hint.store(mode as u8, Ordering::Release);
    }

    /// Ends the pause. The caller then wakes the workers.
    pub fn end(&self) {
        let mut state = self.state.lock();
        *state = None;
        self.hint.store(0, Ordering::Release);
    }

    /// Whether there may be a pause: one load, for the dispatcher's way of every request.
    #[inline]
    pub fn is_possible(&self) -> bool {
        self.hint.load(Ordering::Acquire) != 0
    }

    /// The pause that holds at `now`: its mode and its end.
    pub fn current(&self, now: Instant) -> Option<(PauseMode, Instant)> {
        if !self.is_possible() {
            return None;
        }
        let mut state = self.state.lock();
        if state.is_some_and(|(_, end)| end <= now) {
            *state = None;
            self.hint.store(0, Ordering::Release);
        }
        *state
    }

    /// Until when a command has to wait, if it has to. `writes`: it is a write command, or may act as one. The clock is
    /// only read when there may be a pause.
    #[inline]
    pub fn holds(&self, writes: bool, now: impl FnOnce() -> Instant) -> Option<Instant> {
        if !self.is_possible() {
            return None;
        }
        let (mode, end) = self.current(now())?;
        (writes || mode == PauseMode::All).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pause_only_grows_until_it_ends() {
        let pause = Pause::default();
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        assert_eq!(pause.current(start), None);
        pause.start(PauseMode::All, after(10), start);
        pause.start(PauseMode::Write, after(5), start);
        assert_eq!(pause.current(start), Some((PauseMode::All, after(10))));
        assert_eq!(pause.holds(false, || start), Some(after(10)));
        assert_eq!(pause.current(after(10)), None);
        assert!(!pause.is_possible());
        pause.start(PauseMode::Write, after(20), after(11));
        assert_eq!(pause.holds(false, || after(11)), None);
        assert_eq!(pause.holds(true, || after(11)), Some(after(20)));
        pause.end();
        assert_eq!(pause.holds(true, || after(11)), None);
    }
}
