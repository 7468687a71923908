//! Spare buffers of a worker thread: a connection with nothing to read or to send holds none of its own.
//!
//! A buffer is taken when a connection becomes busy and given back when it has nothing left, so that ten thousand idle
//! connections cost no buffers, and a busy one costs no allocation.

use std::cell::RefCell;
use std::thread::LocalKey;

/// The size of a pooled buffer: what one read from a socket takes at most.
pub const BUFFER_LEN: usize = 16 * 1024;

/// A buffer to append to that has grown further than this is not kept.
const LARGEST: usize = 4 * BUFFER_LEN;

/// The room in a buffer to append to when it is new. It grows where more is appended, and stays grown.
const SMALL_LEN: usize = 2 * 1024;

/// Buffers of `BUFFER_LEN` and more that are kept per thread and kind.
const KEPT: usize = 8;

/// Smaller ones that are kept: the replies of all connections that are ready wait for each other.
const KEPT_SMALL: usize = 64;

thread_local! {
    /// Fully initialised buffers of `BUFFER_LEN` bytes, to read into.
    static READ: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Empty buffers to append replies to.
    static WRITE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// The same, smaller than `BUFFER_LEN`.
    static WRITE_SMALL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of `BUFFER_LEN` initialised bytes (their values mean nothing).
pub(super) fn take_read() -> Vec<u8> {
    READ.with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| vec![0; BUFFER_LEN])
}

/// Gives a buffer from [`take_read`] back. One that has grown is freed.
pub(super) fn give_read(buffer: Vec<u8>) {
    if buffer.len() == BUFFER_LEN {
        keep(&READ, KEPT, buffer);
    }
}

/// An empty buffer with some room to append to.
pub(super) fn take_write() -> Vec<u8> {
    WRITE
        .with_borrow_mut(Vec::pop)
        .or_else(|| WRITE_SMALL.with_borrow_mut(Vec::pop))
        .unwrap_or_else(|| Vec::with_capacity(SMALL_LEN))
}

/// Gives a buffer to append to back. One that has grown far beyond the usual is freed.
pub(super) fn give_write(mut buffer: Vec<u8>) {
    buffer.clear();
    match buffer.capacity() {
        SMALL_LEN..BUFFER_LEN => keep(&WRITE_SMALL, KEPT_SMALL, buffer),
        BUFFER_LEN..=LARGEST => keep(&WRITE, KEPT, buffer),
        _ => {}
    }
}

fn keep(pool: &'static LocalKey<RefCell<Vec<Vec<u8>>>>, most: usize, buffer: Vec<u8>) {
    // At the end of its thread the pool may be gone already: then the buffer is freed.
    let _ = pool.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() < most {
            kept.push(buffer);
        }
    });
}
