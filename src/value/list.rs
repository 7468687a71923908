//! Large lists.

use std::collections::VecDeque;

/// A large list.
#[derive(Debug, Default, Clone)]
pub struct List(VecDeque<Box<[u8]>>);

impl List {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        self.0.iter().map(|element| element.len() + 16).sum()
    }

    /// The elements.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|element| &element[..])
    }
}
