//! The requests that have been parsed and wait to be executed: at most [`WINDOW`] of them.
//!
//! A window lets the executor look ahead (hash the keys, prefetch their records) before it executes the first. It may be
//! executed in part and continued later: the bytes that its requests point to stay where they are until it is empty.

use bytes::Bytes;

use super::args::{Args, Span};
use super::buffer::ReadBuffer;

/// How many pipelined requests are looked at together.
pub const WINDOW: usize = 16;

/// Argument lists longer than this are not kept for reuse.
const KEPT_SPANS: usize = 1024;

/// One complete request.
#[derive(Clone, Copy)]
struct Request {
    /// Where its bytes start in the buffer; its spans count from there.
    start: usize,
    /// Where they end.
    end: usize,
    /// Its arguments are `spans[first_span..end_span]`.
    first_span: usize,
    end_span: usize,
    /// Its bytes as received, those that went into shared arguments included.
    wire: usize,
}

/// Parsed requests, oldest first, and the arguments so far of the one still being received.
#[derive(Default)]
pub struct Window {
    requests: Vec<Request>,
    /// How many of `requests` have been executed.
    executed: usize,
    /// The arguments of `requests`, then those of the request still being received.
    spans: Vec<Span>,
    shared: Vec<Bytes>,
}

impl Window {
    /// A window with nothing in it, and no memory yet.
    pub fn new() -> Window {
        Window::default()
    }

    /// The number of requests that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.requests.len() - self.executed
    }

    /// Whether no complete request waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The arguments of the `index`th waiting request, the oldest being 0. There is always at least one.
    ///
    /// # Panics
    /// When fewer requests wait.
    #[inline]
    pub fn args<'a>(&'a self, buffer: &'a ReadBuffer, index: usize) -> Args<'a> {
        let request = &self.requests[self.executed + index];
        Args::new(
            &buffer.bytes()[request.start..request.end],
            &self.spans[request.first_span..request.end_span],
            &self.shared,
        )
    }

    /// The size in bytes of the `index`th waiting request as it was received.
    ///
    /// # Panics
    /// When fewer requests wait.
    #[inline]
    pub fn wire_bytes(&self, index: usize) -> usize {
        self.requests[self.executed + index].wire
    }

    /// The size in bytes of all waiting requests as they were received.
    pub fn waiting_bytes(&self) -> usize {
        self.requests[self.executed..]
            .iter()
            .map(|request| request.wire)
            .sum()
    }

    /// Forgets the oldest `n` requests: they have been executed.
    ///
    /// # Panics
    /// When fewer requests wait.
    #[inline]
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "more requests were executed than waited");
        self.executed += n;
        if self.executed == self.requests.len() {
            self.reset();
        }
    }

    /// Forgets all waiting requests. A request that is still being received is not touched.
    pub fn clear(&mut self) {
        self.consume(self.len());
    }

    /// The bytes of memory beyond the usual: what argument lists and shared arguments hold.
    pub fn memory(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
            + self.shared.iter().map(Bytes::len).sum::<usize>()
    }

    /// Gives up all memory if there is nothing in the window: what an idle connection calls.
    pub fn release_if_empty(&mut self) {
        if self.requests.is_empty() && self.spans.is_empty() {
            *self = Window::default();
        }
    }

    /// Whether no more requests fit.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.requests.len() - self.executed >= WINDOW
    }

    /// Adds an argument to the request that is being received.
    #[inline]
    pub(super) fn push_span(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// Adds an argument that has its own allocation.
    pub(super) fn push_shared(&mut self, arg: Bytes) {
        self.spans.push(Span::shared(self.shared.len()));
        self.shared.push(arg);
    }

    /// The request being received is complete: its bytes are `start..end` of the buffer, and were `wire` as received.
    #[inline]
    pub(super) fn commit(&mut self, start: usize, end: usize, wire: usize) {
        let first_span = self.committed_spans();
        self.requests.push(Request {
            start,
            end,
            first_span,
            end_span: self.spans.len(),
            wire,
        });
    }

    /// Whether the request being received has arguments yet.
    #[inline]
    pub(super) fn has_partial(&self) -> bool {
        self.committed_spans() < self.spans.len()
    }

    #[inline]
    fn committed_spans(&self) -> usize {
        self.requests.last().map_or(0, |request| request.end_span)
    }

    /// All complete requests have been executed: makes room, keeping the partial one's arguments.
    #[inline]
    fn reset(&mut self) {
        let committed = self.committed_spans();
        self.requests.clear();
        self.executed = 0;
        if committed == self.spans.len() {
            self.spans.clear();
            self.shared.clear();
            if self.spans.capacity() > KEPT_SPANS {
                self.spans = Vec::new();
            }
        } else {
            self.keep_partial(committed);
        }
    }

    /// Drops the first `committed` spans and the shared arguments that only they point to.
    #[cold]
    fn keep_partial(&mut self, committed: usize) {
        self.spans.drain(..committed);
        let first_shared = self
            .spans
            .iter()
            .find_map(|span| span.shared_index())
            .unwrap_or(self.shared.len());
        self.shared.drain(..first_shared);
        for span in &mut self.spans {
            if let Some(index) = span.shared_index() {
                *span = Span::shared(index - first_shared);
            }
        }
    }
}
