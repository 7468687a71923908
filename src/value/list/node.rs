//! A node of a large list: many elements packed into one buffer, or a big one alone.

use std::ops::Range;

use bytes::Bytes;

use super::{Element, End, Limits};
use crate::memory::{Mover, SlabVec, counting};
use crate::value::packed::frame::{self, Frames};

/// A node; never empty while it is in a list.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Packed(Packed),
    /// An element that is too long to share a node, in an allocation that replies can share.
    Big(Box<Bytes>),
}

impl Node {
    /// A node of one element.
    pub(super) fn of(element: Element<'_>, end: End, limits: Limits) -> Self {
        if !limits.is_big(element.len()) {
            let mut packed = Packed::default();
            packed.push(end, &element, limits);
            return Self::Packed(packed);
        }
        Self::Big(Box::new(element.to_shared()))
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.len(),
            Self::Big(_) => 1,
        }
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.heap(),
            Self::Big(bytes) => size_of::<Bytes>() + counting::given(bytes.len()),
        }
    }

    /// Whether an element of `len` bytes still fits.
    pub(super) fn admits(&self, len: usize, limits: Limits) -> bool {
        match self {
            Self::Packed(packed) => packed.admits(len, limits),
            Self::Big(_) => false,
        }
    }

    /// The elements from `index` on.
    #[inline]
    pub(super) fn elements_from(&self, index: usize) -> Elements<'_> {
        match self {
            Self::Packed(packed) => {
                Elements::Packed(Frames::new(&packed.frames()[packed.offset(index)..]))
            }
            Self::Big(bytes) => Elements::Big((index == 0).then_some(bytes)),
        }
    }

    /// The elements.
    #[inline]
    pub(super) fn elements(&self) -> Elements<'_> {
        match self {
            Self::Packed(packed) => Elements::Packed(Frames::new(packed.frames())),
            Self::Big(bytes) => Elements::Big(Some(bytes)),
        }
    }

    /// Inserts an element, which the node admits, such that it has this index.
    pub(super) fn insert(&mut self, index: usize, element: Element<'_>, limits: Limits) {
        if let Self::Packed(packed) = self {
            packed.insert(index, &element, limits);
        }
    }

    /// Splits off the elements from `index` on, of which there are some.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        match self {
            Self::Packed(packed) => Self::Packed(packed.split_off(index)),
            Self::Big(_) => std::mem::replace(self, Self::Packed(Packed::default())),
        }
    }

    /// Takes the elements of the node behind this one.
    pub(super) fn append(&mut self, next: &Packed, limits: Limits) {
        if let Self::Packed(packed) = self {
            packed.append(next, limits);
        }
    }

    /// Removes the elements with these indices.
    pub(super) fn remove_range(&mut self, indices: Range<usize>) {
        match self {
            Self::Packed(packed) => packed.remove_range(indices),
            Self::Big(_) => *self = Self::Packed(Packed::default()),
        }
    }

    /// Removes up to `most` elements that equal `element`, beginning with those nearest to `from`.
    pub(super) fn remove_equal(&mut self, element: &[u8], most: usize, from: End) {
        match self {
            Self::Packed(packed) => packed.remove_equal(element, most, from),
            Self::Big(bytes) if **bytes == element && most > 0 => {
                *self = Self::Packed(Packed::default());
            }
            Self::Big(_) => {}
        }
    }

    /// Moves packed elements out of a slab that is to be emptied. Those that replies can share stay.
    pub(super) fn relocate(&mut self, mover: &mut Mover) {
        if let Self::Packed(packed) = self {
            packed.buffer.relocate(mover);
        }
    }

    /// Gives back room that is not needed.
    pub(super) fn fit(&mut self) {
        if let Self::Packed(packed) = self {
            packed.fit();
        }
    }
}

/// A node's elements, from either end.
#[derive(Debug, Clone)]
pub(super) enum Elements<'a> {
    Packed(Frames<'a>),
    Big(Option<&'a Bytes>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Self::Packed(frames) => frames.next().map(Element::Plain),
            Self::Big(bytes) => bytes.take().map(Element::Shared),
        }
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Packed(frames) => frames.next_back().map(Element::Plain),
            Self::Big(bytes) => bytes.take().map(Element::Shared),
        }
    }
}

/// Framed elements somewhere in a buffer, with room on both sides: pushing and popping move no other element.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// All of it is initialised.
    buffer: SlabVec<u8>,
    start: u32,
    end: u32,
    count: u32,
}

impl Packed {
    /// A node of `count` elements that are framed already.
    pub(super) fn from_frames(frames: &[u8], count: usize) -> Self {
        let mut buffer = SlabVec::zeroed(frames.len());
        buffer[..frames.len()].copy_from_slice(frames);
        Self {
            buffer,
            start: 0,
            end: frames.len() as u32,
            count: count as u32,
        }
    }

    #[inline]
    fn bounds(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The frames.
    #[inline]
    pub(super) fn frames(&self) -> &[u8] {
        &self.buffer[self.bounds()]
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        self.buffer.heap()
    }

    /// Whether an element of `len` bytes still fits.
    #[inline]
    pub(super) fn admits(&self, len: usize, limits: Limits) -> bool {
        limits.admits(self.used(), self.len(), len)
    }

    /// Bytes of the frames.
    #[inline]
    pub(super) fn used(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Where the frame at `index` begins.
    fn offset(&self, index: usize) -> usize {
        Frames::new(self.frames()).offset(index, self.count as usize)
    }

    /// Adds an element at an end.
    #[inline]
    pub(super) fn push(&mut self, end: End, element: &[u8], limits: Limits) {
        let size = frame::size(element.len());
        let (start, stop) = (self.start as usize, self.end as usize);
        let at = match end {
            End::Head if start >= size => {
                self.start -= size as u32;
                start - size
            }
            End::Tail if self.buffer.len() - stop >= size => {
                self.end += size as u32;
                stop
            }
            End::Head => self.open(0, size, limits),
            End::Tail => self.open(stop - start, size, limits),
        };
        frame::write(&mut self.buffer[at..at + size], element);
        self.count += 1;
    }

    /// Removes the element at an end, once `see` has seen it.
    #[inline]
    pub(super) fn pop(&mut self, end: End, see: impl FnOnce(&[u8])) {
        let mut frames = Frames::new(self.frames());
        let element = match end {
            End::Head => frames.next(),
            End::Tail => frames.next_back(),
        };
        let left = frames.bytes().len() as u32;
        see(element.unwrap_or_default());
        match end {
            End::Head => self.start = self.end - left,
            End::Tail => self.end = self.start + left,
        }
        self.count -= 1;
    }

    /// Inserts an element such that it has this index.
    pub(super) fn insert(&mut self, index: usize, element: &[u8], limits: Limits) {
        let size = frame::size(element.len());
        let at = self.open(self.offset(index), size, limits);
        frame::write(&mut self.buffer[at..at + size], element);
        self.count += 1;
    }

    /// Replaces the element at `index` by one that fits, and says whether it did.
    pub(super) fn set(&mut self, index: usize, element: &[u8], limits: Limits) -> bool {
        let offset = self.offset(index);
        let Some(old) = Frames::new(&self.frames()[offset..]).next() else {
            return false;
        };
        let (old, new) = (frame::size(old.len()), frame::size(element.len()));
        if old == new {
            let at = self.start as usize + offset;
            frame::write(&mut self.buffer[at..at + new], element);
            return true;
        }
        if limits.is_big(element.len())
            || !limits.admits_all(self.used() - old + new, self.count as usize)
        {
            return false;
        }
        self.close(offset..offset + old);
        let at = self.open(offset, new, limits);
        frame::write(&mut self.buffer[at..at + new], element);
        true
    }

    /// Removes the elements with these indices.
    pub(super) fn remove_range(&mut self, indices: Range<usize>) {
        let range = self.offset(indices.start)..self.offset(indices.end);
        self.close(range);
        self.count -= indices.len() as u32;
        if self.used() < self.buffer.len() / 2 {
            self.fit();
        }
    }

    /// Removes up to `most` elements that equal `element`, beginning with those nearest to `from`.
    fn remove_equal(&mut self, element: &[u8], most: usize, from: End) {
        let doomed = Frames::new(self.frames()).matches(element, most, from == End::Head);
        let base = self.start as usize;
        // What stays moves towards the start, over the gaps before it.
        let mut to = base;
        let mut read = 0;
        let end = self.used();
        for gap in doomed.iter().cloned().chain(std::iter::once(end..end)) {
            self.buffer.copy_within(base + read..base + gap.start, to);
            to += gap.start - read;
            read = gap.end;
        }
        self.end = to as u32;
        self.count -= doomed.len() as u32;
        if self.used() < self.buffer.len() / 2 {
            self.fit();
        }
    }

    /// Splits off the elements from `index` on.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let offset = self.offset(index);
        let right = Self::from_frames(&self.frames()[offset..], self.count as usize - index);
        self.end = self.start + offset as u32;
        self.count = index as u32;
        self.fit();
        right
    }

    /// Takes the elements of the node behind this one.
    pub(super) fn append(&mut self, next: &Self, limits: Limits) {
        let at = self.open(self.used(), next.used(), limits);
        self.buffer[at..at + next.used()].copy_from_slice(next.frames());
        self.count += next.count;
    }

    /// Gives back room that is more than a sixteenth of the node.
    pub(super) fn fit(&mut self) {
        if self.buffer.len() - self.used() > self.buffer.len() / 16 {
            *self = Self::from_frames(self.frames(), self.count as usize);
        }
    }

    /// Makes `size` bytes of room at `offset` of the frames and returns where in the buffer they are.
    fn open(&mut self, offset: usize, size: usize, limits: Limits) -> usize {
        let (start, end, used) = (self.start as usize, self.end as usize, self.used());
        let (before, behind) = (start, self.buffer.len() - end);
        let nearer_head = offset == 0 || offset * 2 < used;
        let (new_start, at) = if before + behind < size {
            let mut buffer = SlabVec::zeroed(limits.room(used, size));
            // The room is where the next element will probably go.
            let start = match offset {
                0 => buffer.len() - used - size,
                _ => 0,
            };
            buffer[start..start + offset].copy_from_slice(&self.frames()[..offset]);
            buffer[start + offset + size..start + size + used]
                .copy_from_slice(&self.frames()[offset..]);
            self.buffer = buffer;
            (start, start + offset)
        } else if nearer_head && before >= size {
            self.buffer.copy_within(start..start + offset, start - size);
            (start - size, start - size + offset)
        } else if behind >= size && offset > 0 {
            self.buffer
                .copy_within(start + offset..end, start + offset + size);
            (start, start + offset)
        } else {
            // There is room, but not on the side of this end: half of it moves there, so that ends that take turns do not
            // move the node each time.
            let left = before + behind - size;
            let new_start = left / 2;
            self.buffer.copy_within(start..end, new_start);
            self.buffer.copy_within(
                new_start + offset..new_start + used,
                new_start + offset + size,
            );
            (new_start, new_start + offset)
        };
        self.start = new_start as u32;
        self.end = (new_start + used + size) as u32;
        at
    }

    /// Closes the gap that removing these bytes of the frames leaves, by moving what is shorter.
    fn close(&mut self, range: Range<usize>) {
        let (start, end) = (self.start as usize, self.end as usize);
        if range.start < self.used() - range.end {
            self.buffer
                .copy_within(start..start + range.start, start + range.len());
            self.start += range.len() as u32;
        } else {
            self.buffer
                .copy_within(start + range.end..end, start + range.start);
            self.end -= range.len() as u32;
        }
    }
}
