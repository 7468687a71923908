//! The memory that the interpreters of all threads use, for INFO.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes by which what is shown of an interpreter may differ from what it uses: else threads would wait for each other behind every script.
const STEP: usize = 4096;

static SUM: AtomicUsize = AtomicUsize::new(0);

/// The bytes that all interpreters use, to a few kB each; of one that runs a script, what it used when that began or was set aside.
pub fn used() -> usize {
    SUM.load(Ordering::Relaxed)
}

/// What is shown of one interpreter, until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Share(usize);

impl Share {
    /// The interpreter uses so many bytes.
    pub(super) fn set(&mut self, used: usize) {
        if used.abs_diff(self.0) >= STEP {
            // Wraps around where it has become less.
            SUM.fetch_add(used.wrapping_sub(self.0), Ordering::Relaxed);
            self.0 = used;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        SUM.fetch_sub(self.0, Ordering::Relaxed);
    }
}
