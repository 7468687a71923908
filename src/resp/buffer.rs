//! The bytes that a connection has received and not executed yet.
//!
//! One contiguous buffer that grows with what arrives and is given back to the thread's pool when empty. Whoever reads
//! from the socket asks the parser for room ([`RequestParser::read_space`](super::RequestParser::read_space)): it knows
//! whether the next bytes belong here or into the allocation of a big argument.

use super::pool;

/// The largest a buffer may grow: arguments are found by 31-bit offsets.
///
/// `client-query-buffer-limit` is checked against [`RequestParser::buffered`](super::RequestParser::buffered) by
/// whoever reads, and must be clamped to this.
pub const MAX_BUFFER: usize = (1 << 31) - (1 << 20);

/// Received bytes, contiguous.
#[derive(Default)]
pub struct ReadBuffer {
    /// Initialised throughout; empty when the buffer has been given back.
    data: Vec<u8>,
    /// Received are `data[..end]`.
    end: usize,
}

impl ReadBuffer {
    /// An empty buffer that holds no memory yet.
    pub fn new() -> ReadBuffer {
        ReadBuffer::default()
    }

    /// The received bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.data[..self.end]
    }

    /// The number of received bytes that are still held.
    #[inline]
    pub fn len(&self) -> usize {
        self.end
    }

    /// Whether nothing is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// The bytes of memory that the buffer occupies.
    pub fn capacity(&self) -> usize {
        self.data.capacity()
    }

    /// Room for the next read: at least a quarter of the pooled size. Empty only at [`MAX_BUFFER`].
    pub fn spare_mut(&mut self) -> &mut [u8] {
        if self.data.len() - self.end < pool::BUFFER_LEN / 4 {
            self.grow();
        }
        &mut self.data[self.end..]
    }

    /// Counts `n` bytes as received that were read into [`spare_mut`](Self::spare_mut).
    ///
    /// # Panics
    /// When that is more than there was room for.
    pub fn advance(&mut self, n: usize) {
        assert!(
            n <= self.data.len() - self.end,
            "more bytes were read than there was room for"
        );
        self.end += n;
    }

    /// Appends a copy of `bytes`, as if they had been read.
    pub fn extend_from_slice(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let spare = self.spare_mut();
            let n = spare.len().min(bytes.len());
            assert!(n > 0, "a read buffer holds at most {MAX_BUFFER} bytes");
            spare[..n].copy_from_slice(&bytes[..n]);
            self.advance(n);
            bytes = &bytes[n..];
        }
    }

    /// Gives the memory back to the thread's pool if nothing is held.
    ///
    /// The connection calls this before it waits.
    pub fn release_if_empty(&mut self) {
        if self.end == 0 && !self.data.is_empty() {
            pool::give_read(std::mem::take(&mut self.data));
        }
    }

    /// The received bytes, to unescape in place.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data[..self.end]
    }

    /// Forgets the received bytes from `end` on: they were moved elsewhere.
    pub(super) fn truncate(&mut self, end: usize) {
        debug_assert!(end <= self.end);
        self.end = end;
    }

    /// Drops the first `n` bytes and moves the rest to the front.
    pub(super) fn discard(&mut self, n: usize) {
        if n < self.end {
            self.data.copy_within(n..self.end, 0);
        }
        self.end -= n;
    }

    #[cold]
    fn grow(&mut self) {
        if self.data.is_empty() {
            self.data = pool::take_read();
        } else {
            self.data.resize((self.data.len() * 2).min(MAX_BUFFER), 0);
        }
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        pool::give_read(std::mem::take(&mut self.data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_discards_and_releases() {
        let mut buffer = ReadBuffer::new();
        assert_eq!(buffer.capacity(), 0);
        let text: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        buffer.extend_from_slice(&text);
        assert_eq!(buffer.bytes(), text);
        buffer.discard(60_000);
        assert_eq!(buffer.bytes(), &text[60_000..]);
        buffer.release_if_empty();
        assert_eq!(buffer.len(), 40_000);
        buffer.discard(40_000);
        buffer.release_if_empty();
        assert_eq!(buffer.capacity(), 0);
    }
}
