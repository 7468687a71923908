//! A small set: its members in the order of their insertion.

use super::Walker;

/// A packed set, to be read.
#[derive(Debug, Clone, Copy)]
pub struct PackedSet<'a>(&'a [u8]);

impl<'a> PackedSet<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Number of members.
    pub fn len(self) -> usize {
        Walker::begin(self.0).1
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The members, in the order of their insertion.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let (mut walker, _) = Walker::begin(self.0);
        std::iter::from_fn(move || walker.element())
    }
}
