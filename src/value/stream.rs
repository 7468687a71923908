//! Streams.

/// A stream.
#[derive(Debug, Default, Clone)]
pub struct Stream {}

impl Stream {
    /// Number of entries.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        0
    }
}
