//! A set of integers alone, sorted.

/// A set of integers, to be read.
#[derive(Debug, Clone, Copy)]
pub struct IntSet<'a>(&'a [u8]);

impl<'a> IntSet<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Number of members.
    pub fn len(self) -> usize {
        self.0.len() / 8
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = i64> + 'a {
        let (words, _) = self.0.as_chunks::<8>();
        words.iter().map(|word| i64::from_le_bytes(*word))
    }
}
