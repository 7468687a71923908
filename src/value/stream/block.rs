//! Blocks: runs of entries, packed into one sequence of bytes.
//!
//! ```text
//! template: count (name)...                           the field names of the first entry
//! entry:    length  flags  ms  seq  (value)...        with the template's field names
//!           length  flags  ms  seq  count (name value)...    with names of its own
//! ```
//!
//! Lengths, counts and ids are numbers of 7 bits a byte; `length` counts what follows it, so that an entry is passed over
//! in one step. `ms` and `seq` are distances from the block's base, the id of its first entry, or `seq` in full where `ms`
//! differs. An entry with the usual fields thus costs some five bytes more than its values, and one a value.
//!
//! A deleted entry is marked. Those at the front are jumped over by `head`; when more than half of the bytes are dead, the
//! block is written anew, so that deleting costs O(1) amortised whatever a block's size.

use super::id::StreamId;
use crate::memory::{Mover, SlabVec};

/// Says that an entry is deleted.
const DELETED: u8 = 1;
/// Says that an entry has the template's field names.
const TEMPLATE: u8 = 2;
/// Bits of a number in each of its bytes.
const BITS: u32 = 7;
/// Says that another byte follows.
const MORE: u8 = 1 << BITS;
/// A block with fewer dead bytes is not worth writing anew.
const WORTHWHILE: usize = 256;

/// A run of entries, at least one of them not deleted.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The id of the first entry it ever had: no entry has a lower one.
    base: StreamId,
    /// The id of the entry that was added last, even if it is deleted.
    last: StreamId,
    last_is_there: bool,
    bytes: SlabVec<u8>,
    /// Where the template ends.
    entries_at: u32,
    /// Where the first entry that is not deleted begins.
    head: u32,
    /// Bytes of the deleted entries behind `head`.
    dead: u32,
    /// Entries that are there.
    live: u32,
    /// Entries that were deleted. They count for how full a block is, as with the peers, although they may be gone.
    deleted: u32,
}

/// An entry that is there.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    fields: Fields<'a>,
}

impl<'a> Entry<'a> {
    /// Its fields with their values, in the order in which they came.
    pub fn fields(&self) -> Fields<'a> {
        self.fields.clone()
    }
}

/// The fields of an entry, with their values.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    left: usize,
    /// The names, if they are the template's.
    names: Option<Walker<'a>>,
    walker: Walker<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.element(),
            None => self.walker.element(),
        };
        Some((name, self.walker.element()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// An entry's header, and where it lies.
#[derive(Debug, Clone, Copy)]
struct Header {
    at: usize,
    flags: u8,
    flags_at: usize,
    id: StreamId,
    body: usize,
    end: usize,
}

impl Header {
    fn is_deleted(self) -> bool {
        self.flags & DELETED != 0
    }
}

impl Block {
    /// A block that begins with this entry. `size` is about how many bytes it will have.
    pub(super) fn new<'f>(
        id: StreamId,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        size: usize,
    ) -> Self {
        let mut bytes = SlabVec::with_capacity(size);
        push_number(&mut bytes, fields.clone().count() as u64);
        for (name, _) in fields.clone() {
            push_element(&mut bytes, name);
        }
        let entries_at = offset(bytes.len());
        let mut block = Self {
            base: id,
            last: id,
            last_is_there: true,
            bytes,
            entries_at,
            head: entries_at,
            dead: 0,
            live: 0,
            deleted: 0,
        };
        block.push(id, fields);
        block
    }

    /// Appends an entry, whose id is above those of all others that are there.
    pub(super) fn push<'f>(
        &mut self,
        id: StreamId,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) {
        let usual = self.names_are(fields.clone().map(|(name, _)| name));
        let ms = id.ms - self.base.ms;
        let seq = if ms == 0 {
            id.seq - self.base.seq
        } else {
            id.seq
        };
        let names_len: usize = match usual {
            true => 0,
            false => {
                let (count, len) = fields.clone().fold((0, 0), |(n, len), (name, _)| {
                    (n + 1, len + element_len(name))
                });
                number_len(count) + len
            }
        };
        let values_len: usize = fields.clone().map(|(_, value)| element_len(value)).sum();
        let len = 1 + number_len(ms) + number_len(seq) + names_len + values_len;
        self.bytes.reserve(number_len(len as u64) + len);
        push_number(&mut self.bytes, len as u64);
        self.bytes.push(if usual { TEMPLATE } else { 0 });
        push_number(&mut self.bytes, ms);
        push_number(&mut self.bytes, seq);
        if !usual {
            push_number(&mut self.bytes, fields.clone().count() as u64);
        }
        for (name, value) in fields {
            if !usual {
                push_element(&mut self.bytes, name);
            }
            push_element(&mut self.bytes, value);
        }
        self.last = id;
        self.last_is_there = true;
        self.live += 1;
    }

    /// No more entries will come: gives back the room for them.
    pub(super) fn seal(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Moves the bytes out of a slab that is to be emptied.
    pub(super) fn relocate(&mut self, mover: &mut Mover) {
        self.bytes.relocate(mover);
    }

    /// The lowest id that an entry may have.
    pub(super) fn base(&self) -> StreamId {
        self.base
    }

    /// The highest id that an entry may have.
    pub(super) fn last(&self) -> StreamId {
        self.last
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.live as usize
    }

    /// Number of entries, with those that were deleted.
    pub(super) fn len_with_deleted(&self) -> usize {
        self.live as usize + self.deleted as usize
    }

    /// Bytes in use, those of deleted entries included.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.bytes.heap()
    }

    /// The id of the first entry.
    pub(super) fn first_live(&self) -> StreamId {
        self.header(self.head as usize).id
    }

    /// The id of the last entry.
    pub(super) fn last_live(&self) -> StreamId {
        if self.last_is_there {
            return self.last;
        }
        let last = self.headers().last();
        last.map_or(self.last, |header| header.id)
    }

    /// The entries from `from` on.
    pub(super) fn iter_from(&self, from: StreamId) -> Iter<'_> {
        let mut at = self.head as usize;
        if from > self.base {
            while at < self.bytes.len() {
                let header = self.header(at);
                if header.id >= from && !header.is_deleted() {
                    break;
                }
                at = header.end;
            }
        }
        Iter { block: self, at }
    }

    /// Where the entries up to `to` lie, in their order.
    pub(super) fn places_to(&self, to: StreamId, places: &mut Vec<u32>) {
        places.clear();
        let headers = self.headers().take_while(|header| header.id <= to);
        places.extend(headers.map(|header| offset(header.at)));
    }

    /// The entry at one of [`Block::places_to`].
    pub(super) fn entry_at(&self, place: u32) -> Entry<'_> {
        self.entry(self.header(place as usize))
    }

    /// The entry with this id.
    pub(super) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.find(id).map(|header| self.entry(header))
    }

    /// Deletes an entry and tells whether it was there. The block may be empty then.
    pub(super) fn delete(&mut self, id: StreamId) -> bool {
        match self.find(id) {
            Some(header) => {
                self.mark(header);
                self.tidy();
                true
            }
            None => false,
        }
    }

    /// Deletes the first entry.
    pub(super) fn delete_first(&mut self) {
        self.mark(self.header(self.head as usize));
        self.tidy();
    }

    fn mark(&mut self, header: Header) {
        self.bytes[header.flags_at] |= DELETED;
        self.last_is_there &= header.id != self.last;
        self.live -= 1;
        self.deleted += 1;
        self.dead += offset(header.end - header.at);
        // The head moves on to the next entry that is there.
        let mut at = self.head as usize;
        while at < self.bytes.len() {
            let header = self.header(at);
            if !header.is_deleted() {
                break;
            }
            self.dead -= offset(header.end - at);
            at = header.end;
        }
        self.head = offset(at);
    }

    /// Writes the block anew if it is mostly dead.
    fn tidy(&mut self) {
        let dead = (self.head - self.entries_at + self.dead) as usize;
        if dead < WORTHWHILE || dead * 2 < self.bytes.len() {
            return;
        }
        let mut bytes = SlabVec::with_capacity(self.bytes.len() - dead);
        bytes.extend_from_slice(&self.bytes[..self.entries_at as usize]);
        for header in self.headers() {
            bytes.extend_from_slice(&self.bytes[header.at..header.end]);
        }
        self.bytes = bytes;
        self.head = self.entries_at;
        self.dead = 0;
    }

    /// The headers of the entries that are there.
    fn headers(&self) -> impl Iterator<Item = Header> {
        let mut at = self.head as usize;
        std::iter::from_fn(move || {
            while at < self.bytes.len() {
                let header = self.header(at);
                at = header.end;
                if !header.is_deleted() {
                    return Some(header);
                }
            }
            None
        })
    }

    fn find(&self, id: StreamId) -> Option<Header> {
        if id < self.base || id > self.last {
            return None;
        }
        // Deleted entries may have higher ids than what was added behind them: see `Log::set_last_id`.
        self.headers()
            .find(|header| header.id >= id)
            .filter(|header| header.id == id)
    }

    #[inline]
    fn header(&self, at: usize) -> Header {
        let mut walker = Walker {
            bytes: &self.bytes,
            at,
        };
        let len = walker.number() as usize;
        let flags_at = walker.at;
        let flags = self.bytes[flags_at];
        walker.at += 1;
        let (ms, seq) = (walker.number(), walker.number());
        let id = match ms {
            0 => StreamId::new(self.base.ms, self.base.seq + seq),
            _ => StreamId::new(self.base.ms + ms, seq),
        };
        Header {
            at,
            flags,
            flags_at,
            id,
            body: walker.at,
            end: flags_at + len,
        }
    }

    fn entry(&self, header: Header) -> Entry<'_> {
        let mut walker = Walker {
            bytes: &self.bytes,
            at: header.body,
        };
        let mut names = Walker {
            bytes: &self.bytes,
            at: 0,
        };
        let fields = if header.flags & TEMPLATE != 0 {
            let left = names.number() as usize;
            Fields {
                left,
                names: Some(names),
                walker,
            }
        } else {
            let left = walker.number() as usize;
            Fields {
                left,
                names: None,
                walker,
            }
        };
        Entry {
            id: header.id,
            fields,
        }
    }

    /// Whether these are the template's field names.
    fn names_are<'f>(&self, mut names: impl Iterator<Item = &'f [u8]>) -> bool {
        let mut template = Walker {
            bytes: &self.bytes,
            at: 0,
        };
        let count = template.number();
        (0..count).all(|_| names.next() == Some(template.element())) && names.next().is_none()
    }
}

/// Entries of a block in their order.
#[derive(Debug, Clone)]
pub(super) struct Iter<'a> {
    block: &'a Block,
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        while self.at < self.block.bytes.len() {
            let header = self.block.header(self.at);
            self.at = header.end;
            if !header.is_deleted() {
                return Some(self.block.entry(header));
            }
        }
        None
    }
}

/// A place in a block's bytes, moving forward. A block reads only what it has written: there is nothing to check but the
/// slice's bounds.
#[derive(Debug, Clone, Copy)]
struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    #[inline]
    fn number(&mut self) -> u64 {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            value |= u64::from(byte & !MORE) << shift;
            if byte < MORE {
                return value;
            }
            shift += BITS;
        }
    }

    #[inline]
    fn element(&mut self) -> &'a [u8] {
        let len = self.number() as usize;
        let element = &self.bytes[self.at..self.at + len];
        self.at += len;
        element
    }
}

fn push_number(bytes: &mut SlabVec<u8>, mut value: u64) {
    while value >= u64::from(MORE) {
        bytes.push(value as u8 | MORE);
        value >>= BITS;
    }
    bytes.push(value as u8);
}

fn push_element(bytes: &mut SlabVec<u8>, element: &[u8]) {
    push_number(bytes, element.len() as u64);
    bytes.extend_from_slice(element);
}

/// How many bytes a number has.
fn number_len(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(BITS) as usize
}

fn element_len(element: &[u8]) -> usize {
    number_len(element.len() as u64) + element.len()
}

/// An offset into a block.
fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a log bounds its blocks, and an entry, to 1 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields<'a>(
        pairs: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
        pairs
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
    }

    #[test]
    fn the_usual_fields_are_not_repeated() {
        let pairs = [("sensor", "1234"), ("temperature", "19.8")];
        let base = StreamId::new(1_700_000_000_000, 0);
        let mut block = Block::new(base, fields(&pairs), 0);
        let first = block.size();
        block.push(StreamId::new(base.ms + 100, 0), fields(&pairs));
        // The length, the flags, the two parts of the id, and a byte a value.
        assert_eq!(block.size() - first, 1 + 1 + 2 + 8 + 2);
        block.push(StreamId::new(base.ms + 100, 1), fields(&[("sensor", "1")]));
        let read: Vec<_> = block.iter_from(StreamId::MIN).collect();
        assert!(read[1].fields().eq(fields(&pairs)));
        assert!(read[2].fields().eq(fields(&[("sensor", "1")])));
        assert_eq!(read[2].id, StreamId::new(base.ms + 100, 1));
    }

    #[test]
    fn deleted_entries_give_their_bytes_back() {
        let value = "v".repeat(100);
        let pairs = [("f", value.as_str())];
        let mut block = Block::new(StreamId::new(1, 0), fields(&pairs), 0);
        for ms in 2..=100 {
            block.push(StreamId::new(ms, 0), fields(&pairs));
        }
        for ms in (2..=99).rev() {
            assert!(block.delete(StreamId::new(ms, 0)));
            assert!(!block.delete(StreamId::new(ms, 0)));
        }
        assert_eq!((block.len(), block.len_with_deleted()), (2, 100));
        assert!(block.size() < 1000);
        assert_eq!(block.last_live(), StreamId::new(100, 0));
        block.delete_first();
        assert_eq!(block.first_live(), StreamId::new(100, 0));
        block.delete_first();
        assert_eq!(block.len(), 0);
    }

    proptest! {
        #[test]
        fn numbers_have_their_length(value in any::<u64>(), shift in 0u32..64) {
            let mut bytes = SlabVec::new();
            push_number(&mut bytes, value >> shift);
            prop_assert_eq!(bytes.len(), number_len(value >> shift));
            let mut walker = Walker { bytes: &bytes, at: 0 };
            prop_assert_eq!(walker.number(), value >> shift);
        }
    }
}
