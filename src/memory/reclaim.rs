//! Letting go of big values off the request's path.
//!
//! Dropping a hash of a million fields takes a tenth of a second; [`later`] moves that to one background
//! thread. It is started at the first use, can be called from any thread and never blocks the caller. The
//! queue needs no limit of its own: what waits in it was memory in use before and is still counted as such.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

static PENDING: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);
static PENDING_BYTES: AtomicUsize = AtomicUsize::new(0);
static QUEUE: OnceLock<Option<Sender<Job>>> = OnceLock::new();

struct Job {
    value: Box<dyn Send>,
    objects: u64,
    bytes: usize,
}

/// Drops `value` soon, on the background thread. It counts as one object of so many bytes.
pub fn later<T: Send + 'static>(value: T, bytes: usize) {
    later_counted(value, 1, bytes);
}

/// Drops `value` soon, on the background thread, and counts it as `objects` objects: the number of keys
/// when a whole database is let go. `bytes` is about what it occupies: as long as it waits that is memory in use, but no
/// reason to evict anything.
pub fn later_counted<T: Send + 'static>(value: T, objects: u64, bytes: usize) {
    PENDING.fetch_add(objects, Ordering::Relaxed);
    PENDING_BYTES.fetch_add(bytes, Ordering::Relaxed);
    let job = Job {
        value: Box::new(value),
        objects,
        bytes,
    };
    let unsent = match QUEUE.get_or_init(start) {
        Some(queue) => queue.send(job).err().map(|error| error.0),
        None => Some(job),
    };
    // No thread could be started: the caller pays.
    if let Some(job) = unsent {
        release(job);
    }
}

/// Objects that wait for the background thread (`lazyfree_pending_objects`).
pub fn pending_objects() -> u64 {
    PENDING.load(Ordering::Relaxed)
}

/// Bytes that wait for it, about.
pub fn pending_bytes() -> usize {
    PENDING_BYTES.load(Ordering::Relaxed)
}

/// Objects that were dropped here since the start or the last [`reset_freed_objects`]
/// (`lazyfreed_objects`).
pub fn freed_objects() -> u64 {
    FREED.load(Ordering::Relaxed)
}

/// Starts [`freed_objects`] from zero again (`CONFIG RESETSTAT`).
pub fn reset_freed_objects() {
    FREED.store(0, Ordering::Relaxed);
}

fn start() -> Option<Sender<Job>> {
    let (sender, receiver) = channel();
    let started = std::thread::Builder::new()
        .name("reclaim".to_owned())
        .spawn(move || run(&receiver));
    match started {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::warn!(%error, "no thread for freeing values in the background");
            None
        }
    }
}

fn run(queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        release(job);
        // Its thread needs none of what it frees, and may sleep for long.
        super::give_back();
        super::flush();
    }
}

fn release(job: Job) {
    let Job {
        value,
        objects,
        bytes,
    } = job;
    // A destructor that panics must not take the thread with it, nor a caller that frees in place.
    if catch_unwind(AssertUnwindSafe(|| drop(value))).is_err() {
        tracing::error!("a value's destructor panicked");
    }
    FREED.fetch_add(objects, Ordering::Relaxed);
    PENDING.fetch_sub(objects, Ordering::Relaxed);
    PENDING_BYTES.fetch_sub(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;
    use std::time::{Duration, Instant};

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    #[test]
    fn values_are_dropped_elsewhere_and_counted() {
        let (gate, wait) = sync_channel::<()>(0);
        struct Waits(
            std::sync::Mutex<Receiver<()>>,
            Sender<std::thread::ThreadId>,
        );
        impl Drop for Waits {
            fn drop(&mut self) {
                let _ = self.0.lock().expect("unshared").recv();
                let _ = self.1.send(std::thread::current().id());
            }
        }
        let (tell, told) = channel();
        let before = freed_objects();
        later(Bomb, 0);
        later_counted(Waits(std::sync::Mutex::new(wait), tell), 7, 0);
        assert!(pending_objects() >= 7);
        gate.send(()).expect("the thread outlives the panic before");
        let thread = told.recv().expect("sent by the drop");
        assert_ne!(thread, std::thread::current().id());
        let deadline = Instant::now() + Duration::from_secs(5);
        while freed_objects() < before + 8 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(freed_objects() >= before + 8);
    }
}
