//! A small list: its elements in order, each framed so that both ends are as near.

use std::ops::Range;

use super::frame::{self, Ends, Frames};
use super::{Number, PackedBuf, Walker, push_number, set_count};
use crate::value::list::End;

/// A packed list, to be read.
#[derive(Debug, Clone, Copy)]
pub struct PackedList<'a>(&'a [u8]);

impl<'a> PackedList<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Packs `count` elements that are framed already.
    pub fn from_frames(frames: &[u8], count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(frames.len() + Number::new(count).len);
        push_number(&mut bytes, count);
        bytes.extend_from_slice(frames);
        bytes
    }

    /// Number of elements.
    #[inline]
    pub fn len(self) -> usize {
        Walker::begin(self.0).1
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The elements, from the head to the tail; or, reversed, from the tail to the head.
    #[inline]
    pub fn iter(self) -> Frames<'a> {
        Frames::new(&self.0[self.frames_at()..])
    }

    /// The element at an index.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        self.iter_from(index).next()
    }

    /// The elements from an index on.
    pub fn iter_from(self, index: usize) -> Frames<'a> {
        let frames = self.iter();
        Frames::new(&frames.bytes()[frames.offset(index, self.len())..])
    }

    /// Where the first frame begins.
    fn frames_at(self) -> usize {
        Walker::begin(self.0).0.at
    }

    /// Inserts an element such that it has this index; behind the last if the index is larger than it can be.
    pub fn insert(buf: &mut impl PackedBuf, index: usize, element: &[u8]) {
        let list = PackedList(buf.bytes());
        let count = list.len();
        let offset = list.iter().offset(index, count);
        // The count comes first: it may get longer.
        set_count(buf, count.saturating_add(1));
        let at = PackedList(buf.bytes()).frames_at() + offset;
        let ends = Ends::of(element);
        buf.splice(at, 0, &[ends.before(), element, ends.behind()]);
    }

    /// Adds an element at an end.
    pub fn push(buf: &mut impl PackedBuf, end: End, element: &[u8]) {
        let index = match end {
            End::Head => 0,
            End::Tail => PackedList(buf.bytes()).len(),
        };
        Self::insert(buf, index, element);
    }

    /// Adds elements at an end, one after the other, by one change of the record.
    pub fn extend<'e>(
        buf: &mut impl PackedBuf,
        end: End,
        elements: impl ExactSizeIterator<Item = &'e [u8]> + DoubleEndedIterator,
    ) {
        let count = PackedList(buf.bytes()).len().saturating_add(elements.len());
        let mut frames = Vec::new();
        match end {
            End::Head => elements
                .rev()
                .for_each(|element| frame::append(&mut frames, element)),
            End::Tail => elements.for_each(|element| frame::append(&mut frames, element)),
        }
        set_count(buf, count);
        let at = match end {
            End::Head => PackedList(buf.bytes()).frames_at(),
            End::Tail => buf.bytes().len(),
        };
        buf.splice(at, 0, &[&frames]);
    }

    /// Replaces the element at an index, which there must be.
    pub fn set(buf: &mut impl PackedBuf, index: usize, element: &[u8]) {
        let list = PackedList(buf.bytes());
        let Some(old) = list.get(index) else { return };
        let old_size = frame::size(old.len());
        let at = list.frames_at() + list.iter().offset(index, list.len());
        let ends = Ends::of(element);
        buf.splice(at, old_size, &[ends.before(), element, ends.behind()]);
    }

    /// Removes the elements with these indices, as far as there are any.
    pub fn remove_range(buf: &mut impl PackedBuf, indices: Range<usize>) {
        let list = PackedList(buf.bytes());
        let (count, frames) = (list.len(), list.iter());
        let end = indices.end.min(count);
        let removed = end.saturating_sub(indices.start);
        if removed == 0 {
            return;
        }
        let start = frames.offset(indices.start, count);
        let len = frames.offset(end, count).saturating_sub(start);
        buf.splice(list.frames_at() + start, len, &[]);
        set_count(buf, count - removed);
    }

    /// Removes up to `most` elements that equal `element`, beginning with those nearest to `from`.  Returns how many.
    pub fn remove_equal(buf: &mut impl PackedBuf, element: &[u8], most: usize, from: End) -> usize {
        let list = PackedList(buf.bytes());
        let (count, at) = (list.len(), list.frames_at());
        let frames = list.iter();
        let doomed = frames.matches(element, most, from == End::Head);
        let (Some(first), Some(last)) = (doomed.first(), doomed.last()) else {
            return 0;
        };
        // What lies between the doomed is copied, so that the record changes its size once.
        let between: Vec<u8> = doomed
            .windows(2)
            .flat_map(|pair| &frames.bytes()[pair[0].end..pair[1].start])
            .copied()
            .collect();
        buf.splice(at + first.start, last.end - first.start, &[&between]);
        set_count(buf, count.saturating_sub(doomed.len()));
        doomed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_bytes_are_an_empty_list() {
        let mut bytes = Vec::new();
        assert!(PackedList::new(&bytes).is_empty());
        assert_eq!(PackedList::new(&bytes).get(0), None);
        assert_eq!(PackedList::remove_equal(&mut bytes, b"", 1, End::Head), 0);
        PackedList::remove_range(&mut bytes, 0..7);
        PackedList::push(&mut bytes, End::Head, b"");
        assert_eq!(PackedList::new(&bytes).get(0), Some(&b""[..]));
        assert_eq!(bytes, [1, 0, 0]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(End, Vec<u8>),
        Extend(End, Vec<Vec<u8>>),
        Insert(usize, Vec<u8>),
        Set(usize, Vec<u8>),
        RemoveRange(usize, usize),
        RemoveEqual(Vec<u8>, usize, End),
    }

    fn step() -> impl Strategy<Value = Step> {
        let element = prop_oneof![
            4 => prop::collection::vec(b'a'..b'c', 0..3),
            1 => (120usize..300).prop_map(|len| vec![b'v'; len]),
        ];
        let end = prop::sample::select(vec![End::Head, End::Tail]);
        prop_oneof![
            6 => (end.clone(), element.clone()).prop_map(|(end, element)| Step::Push(end, element)),
            1 => (end.clone(), prop::collection::vec(element.clone(), 0..5))
                .prop_map(|(end, elements)| Step::Extend(end, elements)),
            2 => (0usize..200, element.clone()).prop_map(|(at, element)| Step::Insert(at, element)),
            2 => (0usize..200, element.clone()).prop_map(|(at, element)| Step::Set(at, element)),
            1 => (0usize..200, 0usize..4).prop_map(|(at, len)| Step::RemoveRange(at, len)),
            1 => (element, 1usize..4, end).prop_map(|(element, most, end)| Step::RemoveEqual(element, most, end)),
        ]
    }

    fn remove_equal(model: &mut Vec<Vec<u8>>, element: &[u8], most: usize, from: End) -> usize {
        let matching = (0..model.len()).filter(|at| model[*at] == element);
        let mut doomed: Vec<usize> = match from {
            End::Head => matching.take(most).collect(),
            End::Tail => matching.rev().take(most).collect(),
        };
        doomed.sort_unstable();
        doomed.iter().rev().for_each(|at| drop(model.remove(*at)));
        doomed.len()
    }

    proptest! {
        #[test]
        fn it_does_what_a_vector_does(steps in prop::collection::vec(step(), 0..300)) {
            let mut bytes = Vec::new();
            let mut model: Vec<Vec<u8>> = Vec::new();
            for step in steps {
                match step {
                    Step::Push(end, element) => {
                        PackedList::push(&mut bytes, end, &element);
                        let at = if end == End::Head { 0 } else { model.len() };
                        model.insert(at, element);
                    }
                    Step::Extend(end, elements) => {
                        PackedList::extend(&mut bytes, end, elements.iter().map(Vec::as_slice));
                        for element in elements {
                            let at = if end == End::Head { 0 } else { model.len() };
                            model.insert(at, element);
                        }
                    }
                    Step::Insert(at, element) => {
                        let at = at % (model.len() + 1);
                        PackedList::insert(&mut bytes, at, &element);
                        model.insert(at, element);
                    }
                    Step::Set(at, element) => {
                        PackedList::set(&mut bytes, at, &element);
                        if let Some(old) = model.get_mut(at) {
                            *old = element;
                        }
                    }
                    Step::RemoveRange(at, len) => {
                        PackedList::remove_range(&mut bytes, at..at + len);
                        let end = (at + len).min(model.len());
                        model.drain(at.min(end)..end);
                    }
                    Step::RemoveEqual(element, most, from) => {
                        let removed = PackedList::remove_equal(&mut bytes, &element, most, from);
                        prop_assert_eq!(removed, remove_equal(&mut model, &element, most, from));
                    }
                }
                let list = PackedList::new(&bytes);
                prop_assert_eq!(list.len(), model.len());
                prop_assert!(list.iter().eq(model.iter()));
                prop_assert!(list.iter().rev().eq(model.iter().rev()));
                for (index, element) in model.iter().enumerate() {
                    prop_assert_eq!(list.get(index), Some(&element[..]));
                }
                prop_assert_eq!(list.get(model.len()), None);
                let frames = list.iter();
                if !model.is_empty() {
                    prop_assert_eq!(&PackedList::from_frames(frames.bytes(), model.len()), &bytes);
                }
            }
        }

        #[test]
        fn damaged_lists_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let list = PackedList::new(&bytes);
            let _ = (list.get(3), list.iter().rev().count());
            let mut edited = bytes.clone();
            PackedList::push(&mut edited, End::Head, b"element");
            PackedList::set(&mut edited, 2, b"element");
            let mut edited = bytes;
            PackedList::remove_equal(&mut edited, b"", 2, End::Tail);
            PackedList::remove_range(&mut edited, 1..3);
        }
    }
}
