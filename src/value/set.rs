//! Large sets.

use std::collections::BTreeSet;

/// A large set.
#[derive(Debug, Default, Clone)]
pub struct Set(BTreeSet<Box<[u8]>>);

impl Set {
    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        self.0.iter().map(|member| member.len() + 16).sum()
    }

    /// The members.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|member| &member[..])
    }
}
