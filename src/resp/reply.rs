//! What a command's handler writes its answer to.
//!
//! A [`Reply`] belongs to a connection: an output chain, the protocol version, and whether replies are switched off.
//! Handlers say what they mean (a map, a double, a null) and RESP2 clients get what Redis gives them instead. Writing
//! small replies allocates nothing: they are appended to one flat buffer that is reused. Nothing here blocks or fails;
//! the connection bounds [`Reply::pending`].

use std::fmt;
use std::io::IoSlice;

use bytes::Bytes;

use super::chain::{Chain, Position};
use super::double::DoubleText;
use super::encode;
use super::error::ReplyError;
use crate::memory::messages;

/// Bulks of this size in bytes and more are sent from their own allocation when they have one.
pub const SPLICED_LEN: usize = messages::SHARED_LEN;

/// The protocol version that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// What every connection starts with.
    #[default]
    Resp2,
    /// Chosen by `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// 2 or 3.
    pub fn number(self) -> u8 {
        match self {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        }
    }
}

/// A point in the output to return to, if a handler fails halfway.
#[derive(Clone, Copy, Debug)]
pub struct Mark(Position);

/// An aggregate whose length is not known yet. Resolve the innermost first.
#[must_use = "the reply is broken until the length is written"]
#[derive(Debug)]
pub struct Deferred {
    /// Where the placeholder lies; none when the reply is muted.
    offset: Option<usize>,
}

/// The length of the placeholder of a deferred header: right for the lengths 0 to 9.
const PLACEHOLDER: usize = 4;

/// A connection's output.
#[derive(Default)]
pub struct Reply {
    chain: Chain,
    protocol: Protocol,
    muted: bool,
    /// While muted: the elements of a push message that are still to be written.
    push_left: usize,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("protocol", &self.protocol)
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// An empty output in this protocol.
    pub fn new(protocol: Protocol) -> Reply {
        Reply {
            protocol,
            ..Reply::default()
        }
    }

    /// What `write` writes, as bytes of its own: to encode a message once and send it to many.
    pub fn encode(protocol: Protocol, write: impl FnOnce(&mut Reply)) -> Bytes {
        let mut reply = Reply::new(protocol);
        write(&mut reply);
        reply.to_bytes()
    }

    /// The protocol version.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether the protocol is RESP3.
    #[inline]
    pub fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// Changes the protocol version of what is written from now on.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// While muted, nothing but push messages is written (`CLIENT REPLY OFF` and `SKIP`).
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.push_left = 0;
    }

    /// Whether replies are switched off.
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        if self.writes(0) {
            self.chain.flat().extend_from_slice(b"+OK\r\n");
        }
    }

    /// A simple string. `text` must be one line.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']), "a simple string is one line");
        if self.writes(0) {
            encode::line(self.chain.flat(), b'+', text.as_bytes());
        }
    }

    /// An error.
    pub fn error(&mut self, error: &ReplyError) {
        if self.writes(0) {
            encode::line(self.chain.flat(), b'-', error.as_bytes());
        }
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        if self.writes(0) {
            encode::int(self.chain.flat(), value);
        }
    }

    /// A bulk string, copied.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        if self.writes(0) {
            encode::bulk(self.chain.flat(), bytes);
        }
    }

    /// A bulk string; not copied when it is long.
    pub fn bulk_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SPLICED_LEN {
            self.bulk(bytes);
        } else if self.writes(0) {
            encode::header(self.chain.flat(), b'$', bytes.len());
            self.chain.splice(bytes.clone());
            self.chain.flat().extend_from_slice(b"\r\n");
        }
    }

    /// The decimal text of an integer as a bulk string.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// No value.
    #[inline]
    pub fn null(&mut self) {
        self.either(b"$-1\r\n", b"_\r\n");
    }

    /// No array.
    pub fn null_array(&mut self) {
        self.either(b"*-1\r\n", b"_\r\n");
    }

    /// A boolean; an integer in RESP2.
    pub fn bool(&mut self, value: bool) {
        if value {
            self.either(b":1\r\n", b"#t\r\n");
        } else {
            self.either(b":0\r\n", b"#f\r\n");
        }
    }

    /// The header of an array: `len` elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        if self.writes(len) {
            encode::header(self.chain.flat(), b'*', len);
        }
    }

    /// The header of a map: `len` keys, each with its value, follow. A flat array in RESP2.
    #[inline]
    pub fn map(&mut self, len: usize) {
        if self.writes(len * 2) {
            let (prefix, len) = if self.is_resp3() {
                (b'%', len)
            } else {
                (b'*', len * 2)
            };
            encode::header(self.chain.flat(), prefix, len);
        }
    }

    /// The header of a set: `len` members follow. An array in RESP2.
    #[inline]
    pub fn set(&mut self, len: usize) {
        if self.writes(len) {
            let prefix = if self.is_resp3() { b'~' } else { b'*' };
            encode::header(self.chain.flat(), prefix, len);
        }
    }

    /// The header of a push message: `len` elements follow. An array in RESP2. Written even when muted.
    pub fn push(&mut self, len: usize) {
        if self.muted {
            self.push_left = len;
        }
        let prefix = if self.is_resp3() { b'>' } else { b'*' };
        encode::header(self.chain.flat(), prefix, len);
    }

    /// The header of attributes: `len` names with their values, then the reply itself, follow. RESP3 only.
    pub fn attribute(&mut self, len: usize) {
        debug_assert!(self.is_resp3(), "RESP2 has no attributes");
        if self.writes(len * 2) {
            encode::header(self.chain.flat(), b'|', len);
        }
    }

    /// A floating-point number; a bulk string in RESP2.
    #[inline]
    pub fn double(&mut self, value: f64) {
        self.double_text(&DoubleText::new(value));
    }

    /// A floating-point number without an exponent; a bulk string in RESP2.
    pub fn human_double(&mut self, value: f64) {
        if value.is_finite() {
            self.double_text(format!("{}", value + 0.0).as_bytes());
        } else {
            self.double(value);
        }
    }

    /// A floating-point number that has been formatted already; a bulk string in RESP2.
    pub fn double_text(&mut self, text: &[u8]) {
        if self.writes(0) {
            match self.protocol {
                Protocol::Resp2 => encode::bulk(self.chain.flat(), text),
                Protocol::Resp3 => encode::line(self.chain.flat(), b',', text),
            }
        }
    }

    /// A big number in decimal; a bulk string in RESP2.
    pub fn bignum(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']), "a number is one line");
        if self.writes(0) {
            match self.protocol {
                Protocol::Resp2 => encode::bulk(self.chain.flat(), text.as_bytes()),
                Protocol::Resp3 => encode::line(self.chain.flat(), b'(', text.as_bytes()),
            }
        }
    }

    /// A text to show as it is, `format` being `txt` or `mkd`; a bulk string in RESP2.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        debug_assert_eq!(
            format.len(),
            3,
            "a verbatim string's format has three letters"
        );
        if self.writes(0) {
            let flat = self.chain.flat();
            match self.protocol {
                Protocol::Resp2 => encode::bulk(flat, text),
                Protocol::Resp3 => {
                    encode::header(flat, b'=', text.len() + 4);
                    flat.extend_from_slice(format.as_bytes());
                    flat.push(b':');
                    flat.extend_from_slice(text);
                    flat.extend_from_slice(b"\r\n");
                }
            }
        }
    }

    /// Begins an aggregate whose length [`array_at`](Self::array_at) and its like tell when it is complete. Such aggregates
    /// nest; they must not be part of a push message.
    pub fn defer(&mut self) -> Deferred {
        if !self.writes(0) {
            return Deferred { offset: None };
        }
        let offset = self.chain.offset();
        self.chain.flat().extend_from_slice(&[0; PLACEHOLDER]);
        Deferred {
            offset: Some(offset),
        }
    }

    /// The deferred aggregate is an array of `len` elements.
    pub fn array_at(&mut self, at: Deferred, len: usize) {
        self.header_at(at, b'*', len);
    }

    /// The deferred aggregate is a map of `len` keys with their values.
    pub fn map_at(&mut self, at: Deferred, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header_at(at, b'*', len * 2),
            Protocol::Resp3 => self.header_at(at, b'%', len),
        }
    }

    /// The deferred aggregate is a set of `len` members.
    pub fn set_at(&mut self, at: Deferred, len: usize) {
        let prefix = if self.is_resp3() { b'~' } else { b'*' };
        self.header_at(at, prefix, len);
    }

    /// A point to return to with [`truncate_to`](Self::truncate_to).
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark(self.chain.position())
    }

    /// The number of bytes written since `mark`. Nothing may have been sent in between.
    #[inline]
    pub fn written_since(&self, mark: Mark) -> usize {
        self.chain.len_since(mark.0)
    }

    /// Takes back everything written since `mark`. Nothing may have been sent in between.
    pub fn truncate_to(&mut self, mark: Mark) {
        self.chain.truncate(mark.0);
    }

    /// Takes out everything written since `mark`, to be [put back](Self::append) later. Nothing may have been sent in between.
    pub fn split_off(&mut self, mark: Mark) -> Reply {
        Reply {
            chain: self.chain.split_off(mark.0),
            protocol: self.protocol,
            muted: self.muted,
            push_left: 0,
        }
    }

    /// Puts back what was [split off](Self::split_off).
    pub fn append(&mut self, mut other: Reply) {
        self.chain.take_from(&mut other.chain);
    }

    /// Whether nothing has been written since `mark`.
    pub fn is_at(&self, mark: Mark) -> bool {
        self.chain.position() == mark.0
    }

    /// A complete reply that is encoded already. Muted like any reply.
    pub fn append_raw(&mut self, bytes: &[u8]) {
        if self.writes(0) {
            self.chain.flat().extend_from_slice(bytes);
        }
    }

    /// A complete push message that is encoded already: written even when muted, and not copied when it is long.
    pub fn deliver(&mut self, message: &Bytes) {
        if message.len() < SPLICED_LEN {
            self.chain.flat().extend_from_slice(message);
        } else {
            self.chain.splice(message.clone());
        }
    }

    /// The number of bytes that have not been sent.
    #[inline]
    pub fn pending(&self) -> usize {
        self.chain.pending()
    }

    /// The bytes of memory that the output holds, without the shared chunks.
    pub fn memory(&self) -> usize {
        self.chain.memory()
    }

    /// The shared chunks in the output: how many, and how many bytes.
    pub fn shared(&self) -> (usize, usize) {
        self.chain.shared()
    }

    /// The bytes of the shared chunks that nobody else has any more. Looks at each of them.
    pub fn unshared(&self) -> usize {
        self.chain.unshared()
    }

    /// Fills `slices` with what is to be sent first, for a vectored write. Returns how many of them are used.
    pub fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.chain.io_slices(slices)
    }

    /// Drops the first `n` bytes: they have been sent.
    ///
    /// # Panics
    /// When that is more than there is.
    pub fn consume(&mut self, n: usize) {
        self.chain.consume(n);
    }

    /// Gives the memory back to the thread's pool if nothing waits to be sent. The connection calls this before it waits.
    pub fn release_if_empty(&mut self) {
        self.chain.release_if_empty();
    }

    /// Everything that has not been sent, in one piece: long values are copied.
    #[inline]
    pub fn contiguous(&mut self) -> &[u8] {
        self.chain.contiguous()
    }

    /// Forgets everything that has not been sent.
    #[inline]
    pub fn clear(&mut self) {
        self.chain.clear();
    }

    /// Moves the complete replies that have been written to `other` here. Muted like any reply.
    pub fn take_from(&mut self, other: &mut Reply) {
        if self.writes(0) {
            self.chain.take_from(&mut other.chain);
        }
        other.clear();
    }

    /// A copy of everything that has not been sent.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(self.pending());
        for piece in self.chain.pieces() {
            bytes.extend_from_slice(piece);
        }
        messages::share(bytes)
    }

    /// Whether an element is to be written that `children` elements will follow.
    #[inline(always)]
    fn writes(&mut self, children: usize) -> bool {
        !self.muted || self.writes_muted(children)
    }

    /// While muted, the elements of a push message are counted down, so that it is written to its end.
    #[cold]
    fn writes_muted(&mut self, children: usize) -> bool {
        if self.push_left == 0 {
            return false;
        }
        self.push_left += children;
        self.push_left -= 1;
        true
    }

    #[inline]
    fn either(&mut self, resp2: &[u8], resp3: &[u8]) {
        if self.writes(0) {
            let bytes = if self.is_resp3() { resp3 } else { resp2 };
            self.chain.flat().extend_from_slice(bytes);
        }
    }

    fn header_at(&mut self, at: Deferred, prefix: u8, len: usize) {
        let Some(offset) = at.offset else { return };
        if len < 10 {
            self.chain.replace(
                offset,
                PLACEHOLDER,
                &[prefix, b'0' + len as u8, b'\r', b'\n'],
            );
        } else {
            let mut header = Vec::with_capacity(24);
            encode::header(&mut header, prefix, len);
            self.chain.replace(offset, PLACEHOLDER, &header);
        }
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
