//! Large sorted sets.
/// A large sorted set.
#[derive(Debug, Clone, Default)]
pub struct ZSet {}
impl ZSet {
    /// Empty.
    pub fn new() -> Self {
        Self {}
    }
    /// Members.
    pub fn len(&self) -> usize {
        0
    }
    /// No members.
    pub fn is_empty(&self) -> bool {
        true
    }
    /// Bytes.
    pub fn memory(&self) -> usize {
        0
    }
}
