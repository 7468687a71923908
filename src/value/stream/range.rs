//! Walks over a log's entries, in both directions.

use std::collections::VecDeque;

use super::block::{Block, Entry, Iter};
use super::id::StreamId;

/// The entries of a range, in the order of their ids.
#[derive(Debug, Clone)]
pub struct Range<'a> {
    blocks: &'a VecDeque<Block>,
    /// The block after the present one.
    next: usize,
    iter: Option<Iter<'a>>,
    to: StreamId,
}

impl<'a> Range<'a> {
    /// From `from`, which lies in the block `first` or behind it.
    pub(super) fn new(
        blocks: &'a VecDeque<Block>,
        first: usize,
        from: StreamId,
        to: StreamId,
    ) -> Self {
        Self {
            blocks,
            next: first + 1,
            iter: blocks.get(first).map(|block| block.iter_from(from)),
            to,
        }
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entry) = self.iter.as_mut()?.next() {
                if entry.id > self.to {
                    self.iter = None;
                    return None;
                }
                return Some(entry);
            }
            let block = self.blocks.get(self.next);
            self.next += 1;
            self.iter = block.map(|block| block.iter_from(StreamId::MIN));
        }
    }
}

/// The entries of a range, from the last to the first.
#[derive(Debug, Clone)]
pub struct RangeRev<'a> {
    blocks: &'a VecDeque<Block>,
    /// So many blocks are still to be walked, with the present one.
    left: usize,
    /// Where the present block's entries lie that are still to come. Blocks are written to be read forward.
    places: Vec<u32>,
    from: StreamId,
    to: StreamId,
}

impl<'a> RangeRev<'a> {
    /// From `to`, which lies in the first `left` blocks, down to `from`.
    pub(super) fn new(
        blocks: &'a VecDeque<Block>,
        left: usize,
        from: StreamId,
        to: StreamId,
    ) -> Self {
        let mut range = Self {
            blocks,
            left,
            places: Vec::new(),
            from,
            to,
        };
        range.look_up();
        range
    }

    fn look_up(&mut self) {
        if let Some(last) = self.left.checked_sub(1) {
            self.blocks[last].places_to(self.to, &mut self.places);
        }
    }
}

impl<'a> Iterator for RangeRev<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        while self.left > 0 {
            if let Some(place) = self.places.pop() {
                let entry = self.blocks[self.left - 1].entry_at(place);
                if entry.id < self.from {
                    break;
                }
                return Some(entry);
            }
            self.left -= 1;
            self.look_up();
        }
        self.left = 0;
        None
    }
}
