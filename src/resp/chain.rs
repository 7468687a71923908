//! The output chain: bytes that wait to be sent.
//!
//! Everything small is appended to one flat buffer that is reused; big values are spliced in by reference and never
//! copied. Positions count from the start of the flat buffer and stay valid until bytes are consumed, which never
//! happens while a reply is being written.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::pool;

/// A flat buffer above this size is not kept once it has been sent.
const KEPT: usize = 4 * pool::BUFFER_LEN;

/// A shared chunk that is sent before the flat byte at `at`.
struct Splice {
    at: usize,
    bytes: Bytes,
}

/// Flat bytes with shared chunks spliced in between.
#[derive(Default)]
pub(super) struct Chain {
    flat: Vec<u8>,
    /// How many bytes of `flat` have been sent.
    sent: usize,
    /// In order. The sent part of the first is cut off it.
    splices: VecDeque<Splice>,
    /// The bytes in `splices`.
    spliced: usize,
}

/// A position in the chain, to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    flat: usize,
    splices: usize,
}

impl Chain {
    /// The flat buffer, to append to.
    #[inline]
    pub(super) fn flat(&mut self) -> &mut Vec<u8> {
        if self.flat.capacity() == 0 {
            self.flat = pool::take_write();
        }
        &mut self.flat
    }

    /// Appends `bytes` without copying them.
    pub(super) fn splice(&mut self, bytes: Bytes) {
        self.spliced += bytes.len();
        self.splices.push_back(Splice {
            at: self.flat.len(),
            bytes,
        });
    }

    /// The number of bytes that wait.
    #[inline]
    pub(super) fn pending(&self) -> usize {
        self.flat.len() - self.sent + self.spliced
    }

    /// The bytes of memory held, without the shared chunks.
    pub(super) fn memory(&self) -> usize {
        self.flat.capacity() + self.splices.capacity() * size_of::<Splice>()
    }

    /// The shared chunks: how many, and how many bytes.
    pub(super) fn shared(&self) -> (usize, usize) {
        (self.splices.len(), self.spliced)
    }

    /// The bytes of chunks that nobody else has any more.
    pub(super) fn unshared(&self) -> usize {
        let chunks = self.splices.iter().map(|splice| &splice.bytes);
        chunks
            .filter(|chunk| chunk.is_unique())
            .map(Bytes::len)
            .sum()
    }

    /// Where the next byte will go.
    #[inline]
    pub(super) fn position(&self) -> Position {
        Position {
            flat: self.flat.len(),
            splices: self.splices.len(),
        }
    }

    /// The number of bytes that were appended since `position`.
    #[inline]
    pub(super) fn len_since(&self, position: Position) -> usize {
        let flat = self.flat.len() - position.flat;
        match self.splices.len() > position.splices {
            false => flat,
            true => flat + self.spliced_since(position),
        }
    }

    #[cold]
    fn spliced_since(&self, position: Position) -> usize {
        let splices = self.splices.range(position.splices..);
        splices.map(|splice| splice.bytes.len()).sum()
    }

    /// Takes back what was appended since `position`.
    pub(super) fn truncate(&mut self, position: Position) {
        self.flat.truncate(position.flat);
        for splice in self.splices.drain(position.splices..) {
            self.spliced -= splice.bytes.len();
        }
    }

    /// Takes out what was appended since `position`.
    pub(super) fn split_off(&mut self, position: Position) -> Chain {
        let flat = self.flat.split_off(position.flat);
        let mut splices = self.splices.split_off(position.splices);
        let mut spliced = 0;
        for splice in &mut splices {
            splice.at -= position.flat;
            spliced += splice.bytes.len();
        }
        self.spliced -= spliced;
        Chain {
            flat,
            sent: 0,
            splices,
            spliced,
        }
    }

    /// Moves all that waits in `other`, of which nothing has been sent, to the end of this one.
    pub(super) fn take_from(&mut self, other: &mut Chain) {
        debug_assert_eq!(
            other.sent, 0,
            "bytes are sent only from a connection's chain"
        );
        let start = self.flat().len();
        self.flat.extend_from_slice(&other.flat);
        other.flat.clear();
        if other.splices.is_empty() {
            return;
        }
        self.spliced += std::mem::take(&mut other.spliced);
        let splices = other.splices.drain(..).map(|splice| Splice {
            at: start + splice.at,
            ..splice
        });
        self.splices.extend(splices);
    }

    /// The offset in the flat buffer where the next byte will go.
    pub(super) fn offset(&self) -> usize {
        self.flat.len()
    }

    /// Replaces the `len` flat bytes at `offset` by `bytes`, moving what follows if the lengths differ.
    pub(super) fn replace(&mut self, offset: usize, len: usize, bytes: &[u8]) {
        if bytes.len() == len {
            self.flat[offset..offset + len].copy_from_slice(bytes);
            return;
        }
        self.flat
            .splice(offset..offset + len, bytes.iter().copied());
        for splice in self
            .splices
            .iter_mut()
            .rev()
            .take_while(|splice| splice.at > offset)
        {
            splice.at = splice.at - len + bytes.len();
        }
    }

    /// Fills `slices` with what is to be sent first. Returns how many of them are used.
    pub(super) fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        for piece in self.pieces().take(slices.len()) {
            slices[used] = IoSlice::new(piece);
            used += 1;
        }
        used
    }

    /// The waiting bytes in order, in as few pieces as they lie in. None is empty.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(self.sent).chain(self.splices.iter().map(|splice| splice.at));
        let ends = self
            .splices
            .iter()
            .map(|splice| splice.at)
            .chain([self.flat.len()]);
        let flats = starts.zip(ends).map(|(start, end)| &self.flat[start..end]);
        let shared = self
            .splices
            .iter()
            .map(|splice| &splice.bytes[..])
            .chain([&[][..]]);
        flats
            .zip(shared)
            .flat_map(|(flat, shared)| [flat, shared])
            .filter(|piece| !piece.is_empty())
    }

    /// The waiting bytes in one piece.
    #[inline]
    pub(super) fn contiguous(&mut self) -> &[u8] {
        if !self.splices.is_empty() {
            self.flatten();
        }
        &self.flat[self.sent..]
    }

    #[cold]
    fn flatten(&mut self) {
        let mut flat = Vec::with_capacity(self.pending());
        for piece in self.pieces() {
            flat.extend_from_slice(piece);
        }
        self.reset();
        self.flat = flat;
        self.spliced = 0;
    }

    /// Forgets what waits.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.splices.is_empty() && self.flat.capacity() <= KEPT {
            self.flat.clear();
            self.sent = 0;
        } else {
            self.reset();
            self.spliced = 0;
        }
    }

    /// Drops the first `n` waiting bytes: they have been sent.
    pub(super) fn consume(&mut self, mut n: usize) {
        assert!(n <= self.pending(), "more bytes were sent than waited");
        while n > 0 {
            let boundary = self
                .splices
                .front()
                .map_or(self.flat.len(), |splice| splice.at);
            let flat = n.min(boundary - self.sent);
            self.sent += flat;
            n -= flat;
            if n > 0 {
                n -= self.consume_splice(n);
            }
        }
        if self.sent == self.flat.len() && self.splices.is_empty() {
            self.reset();
        } else if self.sent > KEPT && self.sent > self.flat.len() / 2 {
            self.flat.drain(..self.sent);
            for splice in &mut self.splices {
                splice.at -= self.sent;
            }
            self.sent = 0;
        }
    }

    /// Gives the flat buffer back to the thread's pool if nothing waits.
    pub(super) fn release_if_empty(&mut self) {
        if self.pending() == 0 && self.flat.capacity() > 0 {
            self.reset();
            pool::give_write(std::mem::take(&mut self.flat));
        }
    }

    /// Drops up to `n` bytes of the first splice, and the splice when it is used up. Returns how many.
    fn consume_splice(&mut self, n: usize) -> usize {
        let first = self
            .splices
            .front_mut()
            .expect("pending bytes that are not flat are spliced");
        let n = n.min(first.bytes.len());
        if n == first.bytes.len() {
            self.splices.pop_front();
        } else {
            let _ = first.bytes.split_to(n);
        }
        self.spliced -= n;
        n
    }

    fn reset(&mut self) {
        self.flat.clear();
        self.sent = 0;
        self.splices = VecDeque::new();
        if self.flat.capacity() > KEPT {
            self.flat = Vec::new();
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        pool::give_write(std::mem::take(&mut self.flat));
    }
}
