//! Large hashes.
use crate::clock::UnixMillis;
/// A large hash.
#[derive(Debug, Clone, Default)]
pub struct Hash {}
impl Hash {
    /// Empty.
    pub fn new() -> Self {
        Self {}
    }
    /// Fields.
    pub fn len(&self) -> usize {
        0
    }
    /// No fields.
    pub fn is_empty(&self) -> bool {
        true
    }
    /// Bytes.
    pub fn memory(&self) -> usize {
        0
    }
    /// Earliest.
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        None
    }
    /// Expire.
    pub fn expire_due(&mut self, _now: UnixMillis, _budget: usize, _on_removed: impl FnMut(&[u8])) {
    }
}
