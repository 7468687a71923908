//! How much one node holds: `list-max-listpack-size`.

use crate::memory;
use crate::value::packed::frame;

/// What a node, and a packed list as a whole, may hold at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    bytes: usize,
    entries: usize,
}

/// What the peers' empty node takes, counted so that lists change their encoding where the peers' do.
const HEADER: usize = 7;
/// The most bytes of a node whose elements are limited rather than its bytes.
const SAFE_BYTES: usize = 8 * 1024;
/// The most elements that can be asked for.
const MOST_ENTRIES: usize = 32_767;

impl Limits {
    /// From the value of `list-max-listpack-size`: a number of elements or, from -1 to -5, a class of sizes from 4 kB to
    /// 64 kB.
    pub fn from_setting(setting: i64) -> Self {
        match setting {
            0.. => Self {
                bytes: SAFE_BYTES,
                entries: usize::try_from(setting)
                    .unwrap_or(MOST_ENTRIES)
                    .clamp(1, MOST_ENTRIES),
            },
            _ => {
                let bytes = 2048 << setting.max(-5).unsigned_abs();
                // No frame is shorter than two bytes: empty elements cannot fill a node, but their number can.
                Self {
                    bytes,
                    entries: bytes,
                }
            }
        }
    }

    /// Whether an element of `len` bytes cannot share a node with others.
    pub(super) fn is_big(self, len: usize) -> bool {
        len > self.bytes || len >= super::BIG_ELEMENT
    }

    /// Whether a node with `count` elements in `used` bytes has room for another of `len` bytes.
    #[inline]
    pub(super) fn admits(self, used: usize, count: usize, len: usize) -> bool {
        count < self.entries
            && len < super::BIG_ELEMENT
            && used + frame::size(len) <= self.node_bytes()
    }

    /// Whether `count` elements in `used` bytes can be one node.
    pub(super) fn admits_all(self, used: usize, count: usize) -> bool {
        count <= self.entries && used <= self.node_bytes()
    }

    /// The most bytes of a node that elements share: a cache line less than asked for, which is a size that fills the slabs.
    #[inline]
    fn node_bytes(self) -> usize {
        self.bytes - memory::LINE
    }

    /// Whether a packed list with `count` elements in `used` bytes stays packed with `more` elements of `len` bytes in all.
    pub fn keep_packed(self, used: usize, count: usize, more: usize, len: usize) -> bool {
        count.saturating_add(more) <= self.entries
            && used.saturating_add(HEADER).saturating_add(len) <= self.bytes
    }

    /// Whether a large list that has shrunk to one node of `count` elements in `used` bytes is packed again: at half of what
    /// made it large, so that a list at the border does not change at every step.
    pub(super) fn pack_again(self, used: usize, count: usize) -> bool {
        count <= self.entries / 2 && HEADER + used <= self.bytes / 2
    }

    /// The room that a node of `used` bytes asks for when it gets `more`: twice as much as it has, up to the limit.
    pub(super) fn room(self, used: usize, more: usize) -> usize {
        let needed = used + more;
        let doubled = needed.next_power_of_two().max(memory::LINE);
        doubled.min(self.node_bytes()).max(needed)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from_setting(-2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers() {
        for (setting, bytes) in [(-1, 4096), (-2, 8192), (-5, 65536), (-6, 65536)] {
            let limits = Limits::from_setting(setting);
            assert_eq!(limits.bytes, bytes, "{setting}");
            assert!(limits.keep_packed(0, 0, 1, bytes - HEADER));
            assert!(!limits.keep_packed(0, 0, 1, bytes - HEADER + 1));
        }
        for (setting, entries) in [(0, 1), (1, 1), (128, 128), (i64::MAX, MOST_ENTRIES)] {
            let limits = Limits::from_setting(setting);
            assert!(limits.keep_packed(0, 0, entries, 0) && limits.admits(0, entries - 1, 1));
            assert!(!limits.keep_packed(0, 0, entries + 1, 0) && !limits.admits(0, entries, 1));
        }
        assert_eq!(Limits::from_setting(i64::MIN), Limits::from_setting(-5));
    }

    #[test]
    fn room_grows_by_doubling_and_ends_at_the_limit() {
        let limits = Limits::default();
        assert_eq!(limits.room(0, 3), 64);
        assert_eq!(limits.room(100, 29), 256);
        assert_eq!(limits.room(4096, 26), 8128);
        assert_eq!(limits.room(8200, 26), 8226);
        assert_eq!(memory::class_size(8128), 8128);
        assert_eq!(
            memory::class_size(Limits::from_setting(-3).node_bytes()),
            16320
        );
    }
}
