//! A small list: its elements in order.

use super::Walker;

/// A packed list, to be read.
#[derive(Debug, Clone, Copy)]
pub struct PackedList<'a>(&'a [u8]);

impl<'a> PackedList<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Number of elements.
    pub fn len(self) -> usize {
        Walker::begin(self.0).1
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The elements, from the head to the tail.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let (mut walker, _) = Walker::begin(self.0);
        std::iter::from_fn(move || walker.element())
    }
}
