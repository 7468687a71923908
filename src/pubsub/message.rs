//! A published message on the wire.
//!
//! RESP3 differs from RESP2 in the first byte only (a push instead of an array), so both forms are made in one go and
//! share one allocation.

use bytes::{BufMut, Bytes};

use crate::mailbox::Kind;
use crate::memory::messages;

/// The message as RESP2 and as RESP3 clients read it. `topic` is the subscription that it meets: the channel itself, or
/// the pattern that matches it.
pub(super) fn encode(kind: Kind, topic: &[u8], channel: &[u8], message: &[u8]) -> (Bytes, Bytes) {
    let parts: &[&[u8]] = match kind {
        Kind::Channel => &[b"message", channel, message],
        Kind::Pattern => &[b"pmessage", topic, channel, message],
        Kind::Shard => &[b"smessage", channel, message],
    };
    // A header is `$`, at most 20 digits and two line breaks.
    let size = 4 + parts.iter().map(|part| part.len() + 25).sum::<usize>();
    let mut both = Vec::with_capacity(2 * size);
    let mut digits = itoa::Buffer::new();
    both.put_u8(b'*');
    both.put_slice(digits.format(parts.len()).as_bytes());
    both.put_slice(b"\r\n");
    for part in parts {
        both.put_u8(b'$');
        both.put_slice(digits.format(part.len()).as_bytes());
        both.put_slice(b"\r\n");
        both.put_slice(part);
        both.put_slice(b"\r\n");
    }
    let length = both.len();
    both.extend_from_within(..length);
    both[length] = b'>';
    let both = messages::share(both);
    (both.slice(..length), both.slice(length..))
}
