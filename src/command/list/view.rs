//! A list, whichever way its record holds it: reading it, and changing it through its record.

use std::ops::{ControlFlow, Range};

use crate::config::Settings;
use crate::keyspace::{Access, KeyMut, Kind, NewValue, Record, RecordRef, Value, ValueType};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::list::{Element, End, Limits, List};
use crate::value::packed::PackedList;

/// A list to be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum ListView<'a> {
    Packed(PackedList<'a>),
    Large(&'a List),
}

impl<'a> ListView<'a> {
    /// The list in `record`; `WRONGTYPE` if it holds something else.
    pub(super) fn of(record: RecordRef<'a>) -> Result<Self, ReplyError> {
        match record.value() {
            Value::PackedList(bytes) => Ok(Self::Packed(PackedList::new(bytes))),
            Value::List(list) => Ok(Self::Large(list)),
            _ => Err(ReplyError::WRONG_TYPE),
        }
    }

    /// Number of elements.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Packed(packed) => packed.len(),
            Self::Large(list) => list.len(),
        }
    }

    /// The element at an index.
    pub(super) fn get(self, index: usize) -> Option<Element<'a>> {
        match self {
            Self::Packed(packed) => packed.get(index).map(Element::Plain),
            Self::Large(list) => list.get(index),
        }
    }

    /// The element at an end.
    pub(super) fn peek(self, end: End) -> Option<Element<'a>> {
        match self {
            Self::Packed(packed) => match end {
                End::Head => packed.iter().next().map(Element::Plain),
                End::Tail => packed.iter().next_back().map(Element::Plain),
            },
            Self::Large(list) => list.peek(end),
        }
    }

    /// Shows the elements with these indices, of which there are as many.
    pub(super) fn each(self, indices: Range<usize>, mut see: impl FnMut(Element<'a>)) {
        match self {
            Self::Packed(packed) => packed
                .iter_from(indices.start)
                .take(indices.len())
                .for_each(|element| see(Element::Plain(element))),
            Self::Large(list) => list
                .elements_from(indices.start)
                .take(indices.len())
                .for_each(see),
        }
    }

    /// Shows the elements one after the other, beginning at an end, each with its index, until `see` has seen enough.
    pub(super) fn walk(self, from: End, mut see: impl FnMut(usize, &'a [u8]) -> ControlFlow<()>) {
        fn run<'a>(
            elements: impl DoubleEndedIterator<Item = &'a [u8]>,
            len: usize,
            from: End,
            mut see: impl FnMut(usize, &'a [u8]) -> ControlFlow<()>,
        ) {
            let _ = match from {
                End::Head => (0..len).zip(elements).try_for_each(|(at, e)| see(at, e)),
                End::Tail => (0..len)
                    .rev()
                    .zip(elements.rev())
                    .try_for_each(|(at, e)| see(at, e)),
            };
        }
        match self {
            Self::Packed(packed) => run(packed.iter(), packed.len(), from, &mut see),
            Self::Large(list) => run(list.iter(), list.len(), from, &mut see),
        }
    }

    /// The index of the first element that equals `element`.
    pub(super) fn find(self, element: &[u8]) -> Option<usize> {
        let mut found = None;
        self.walk(End::Head, |index, other| {
            if other == element {
                found = Some(index);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// The list under `key`, to be read; `None` if there is no such key.
pub(super) fn read<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<ListView<'c>>, ReplyError> {
    keys.read(key).map(ListView::of).transpose()
}

/// The list under `key`, to be changed; `None` if there is no such key.
pub(in crate::command) fn edit<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<KeyMut<'c>>, ReplyError> {
    let found = keys.edit(key);
    match &found {
        Some(found) if found.record().kind().value_type() != ValueType::List => {
            Err(ReplyError::WRONG_TYPE)
        }
        _ => Ok(found),
    }
}

/// Answers with an element, without a copy if it can be shared.
#[inline]
pub(in crate::command) fn reply_element(reply: &mut Reply, element: Element<'_>) {
    match element {
        Element::Plain(bytes) => reply.bulk(bytes),
        Element::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// A list to be changed, in a record that may be a draft.
///
/// It grows out of its packed form as soon as that would be larger than `list-max-listpack-size` allows; [`ListMut::shrink`]
/// takes it back.
#[derive(Debug)]
pub(in crate::command) struct ListMut<'a> {
    record: &'a mut Record,
    limits: Limits,
}

impl<'a> ListMut<'a> {
    /// The list in `record`, which holds one.
    pub(in crate::command) fn new(record: &'a mut Record, settings: &Settings) -> Self {
        Self {
            record,
            limits: Limits::from_setting(settings.list_max_listpack_size()),
        }
    }

    /// Number of elements.
    pub(in crate::command) fn len(&self) -> usize {
        ListView::of(self.record.view()).map_or(0, ListView::len)
    }

    /// Adds an element at an end.
    pub(in crate::command) fn push(&mut self, end: End, element: Element<'_>) {
        let limits = self.limits;
        match self.grow(1, element.len()) {
            Some(list) => list.push(end, element, limits),
            None => PackedList::push(self.record, end, &element),
        }
    }

    /// Adds elements at an end, one after the other. Returns how many there are now.
    pub(super) fn push_all(&mut self, end: End, elements: Args<'_>) -> usize {
        let limits = self.limits;
        let bytes = elements.iter().map(<[u8]>::len).sum();
        if let Some(list) = self.grow(elements.len(), bytes) {
            for at in 0..elements.len() {
                with_element(elements, at, |element| list.push(end, element, limits));
            }
            return list.len();
        }
        match elements.get(0) {
            Some(element) if elements.len() == 1 => PackedList::push(self.record, end, element),
            _ => PackedList::extend(self.record, end, elements.iter()),
        }
        self.len()
    }

    /// Inserts an element such that it has this index.
    pub(super) fn insert(&mut self, index: usize, element: Element<'_>) {
        let limits = self.limits;
        match self.grow(1, element.len()) {
            Some(list) => list.insert(index, element, limits),
            None => PackedList::insert(self.record, index, &element),
        }
    }

    /// Replaces the element at an index, which there is.
    pub(super) fn set(&mut self, index: usize, element: Element<'_>) {
        let limits = self.limits;
        match self.grow(1, element.len()) {
            Some(list) => {
                list.set(index, element, limits);
            }
            None => PackedList::set(self.record, index, &element),
        }
    }

    /// Removes `count` elements from an end, of which there are as many, once `see` has seen them.
    pub(super) fn pop(&mut self, end: End, count: usize, mut see: impl FnMut(Element<'_>)) {
        let Value::PackedList(bytes) = self.record.view().value() else {
            let list = self.record.list_mut();
            (0..count).for_each(|_| list.pop(end, &mut see));
            return;
        };
        let packed = PackedList::new(bytes);
        let len = packed.len();
        let (elements, indices) = (
            packed.iter(),
            match end {
                End::Head => 0..count,
                End::Tail => len - count..len,
            },
        );
        match end {
            End::Head => elements
                .take(count)
                .for_each(|element| see(Element::Plain(element))),
            End::Tail => elements
                .rev()
                .take(count)
                .for_each(|element| see(Element::Plain(element))),
        }
        PackedList::remove_range(self.record, indices);
    }

    /// Removes the elements with these indices, as far as there are any.
    pub(super) fn remove_range(&mut self, indices: Range<usize>) {
        match self.record.view().kind() {
            Kind::PackedList => PackedList::remove_range(self.record, indices),
            _ => self.record.list_mut().remove_range(indices),
        }
    }

    /// Removes up to `most` elements that equal `element`, beginning with those nearest to `from`.  Returns how many.
    pub(super) fn remove_equal(&mut self, element: &[u8], most: usize, from: End) -> usize {
        match self.record.view().kind() {
            Kind::PackedList => PackedList::remove_equal(self.record, element, most, from),
            _ => self.record.list_mut().remove_equal(element, most, from),
        }
    }

    /// Packs the list again if it has become small.
    pub(super) fn shrink(&mut self) {
        if let Value::List(list) = self.record.view().value()
            && let Some(bytes) = list.to_packed(self.limits)
        {
            self.record.set_value(NewValue::PackedList(&bytes));
        }
    }

    /// The large list, if this is one or becomes one by getting `count` more elements of `bytes` bytes in all.
    fn grow(&mut self, count: usize, bytes: usize) -> Option<&mut List> {
        if let Value::PackedList(packed) = self.record.view().value() {
            let packed = PackedList::new(packed);
            let used = packed.iter().bytes().len();
            if self.limits.keep_packed(used, packed.len(), count, bytes) {
                return None;
            }
            let large = Box::new(List::from_packed(packed));
            self.record.set_value(NewValue::List(large));
        }
        Some(self.record.list_mut())
    }
}

/// Argument `at` as an element, in its own allocation if it has one.
pub(super) fn with_element<R>(args: Args<'_>, at: usize, f: impl FnOnce(Element<'_>) -> R) -> R {
    match args.shared(at) {
        Some(shared) => f(Element::Shared(&shared)),
        None => f(Element::Plain(args.at(at))),
    }
}
