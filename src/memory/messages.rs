//! What is on its way to several clients at once: published messages, invalidations, lines for monitors.
//!
//! Large ones are not copied for every receiver: they lie in one allocation until the last of them has got it. It belongs to
//! no client, so that no sum of clients' buffers has it; and it is no data, so that it must not count against the memory cap.
//! Here such allocations are added up, each once, however many wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::counting::given;

/// Messages of this size in bytes and more are shared by their receivers.
pub const SHARED_LEN: usize = 16 * 1024;

static IN_MESSAGES: AtomicUsize = AtomicUsize::new(0);

/// A message that is counted as long as somebody holds it.
struct Message(Vec<u8>);

impl Message {
    fn new(bytes: Vec<u8>) -> Self {
        IN_MESSAGES.fetch_add(given(bytes.capacity()), Ordering::Relaxed);
        Self(bytes)
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        IN_MESSAGES.fetch_sub(given(self.0.capacity()), Ordering::Relaxed);
    }
}

/// A message that may have many receivers.
pub fn share(bytes: Vec<u8>) -> Bytes {
    match bytes.len() {
        0..SHARED_LEN => Bytes::from(bytes),
        _ => Bytes::from_owner(Message::new(bytes)),
    }
}

/// The bytes of large messages that somebody is still to get.
pub fn bytes() -> usize {
    IN_MESSAGES.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_is_counted_until_its_last_receiver_has_it() {
        let size = 64 << 20;
        let message = share(vec![0; size]);
        let receivers = [message.slice(..10), message.clone()];
        drop(message);
        // Other tests have messages, too, but none as large.
        assert!((size..size + size / 2).contains(&bytes()));
        drop(receivers);
        assert!(bytes() < size / 2);
        assert_eq!(share(vec![1; 100]).len(), 100);
    }
}
