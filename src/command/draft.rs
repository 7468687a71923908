//! A value that is read from outside and is no key yet: elements go into a draft record through the families' own
//! guards, which alone decide how a value is held.

use crate::clock::UnixMillis;
use crate::command::hash::view::HashMut;
use crate::command::sorted_set::view::{Thresholds, ZSetMut};
use crate::config::Settings;
use crate::keyspace::{NewValue, Record};
use crate::rdb::{Build, BuildStream, Collection, StreamId, StreamState};
use crate::value::hash::FieldExpiry;
use crate::value::number;
use crate::value::zset::Insertion;

/// A record that gets its value element by element.
pub(super) struct Draft<'s> {
    record: Record,
    settings: &'s Settings,
    /// How many elements were announced.
    coming: usize,
}

impl<'s> Draft<'s> {
    /// A draft in `record`, whose value does not matter.
    pub(super) fn new(record: Record, settings: &'s Settings) -> Self {
        Self {
            record,
            settings,
            coming: 0,
        }
    }

    /// The record with its value.
    pub(super) fn finish(self) -> Record {
        self.record
    }
}

impl Build for Draft<'_> {
    fn string(&mut self, value: &[u8]) {
        self.record.set_value(match number::parse_i64(value) {
            Some(value) => NewValue::Int(value),
            None => NewValue::Str(value),
        });
    }

    fn begin(&mut self, collection: Collection, coming: usize) {
        self.coming = coming;
        self.record.set_value(match collection {
            Collection::List => NewValue::PackedList(b""),
            Collection::Set => NewValue::PackedSet(b""),
            Collection::ZSet => NewValue::PackedZSet(b""),
            Collection::Hash => NewValue::PackedHash(b""),
        });
    }

    fn push(&mut self, _element: &[u8]) {}

    fn member(&mut self, _member: &[u8]) -> bool {
        false
    }

    fn scored(&mut self, member: &[u8], score: f64) -> bool {
        let thresholds = Thresholds::of(self.settings);
        let mut zset = ZSetMut::new(&mut self.record, thresholds, self.coming);
        zset.update(member, |old| old.is_none().then_some(score)) == Insertion::Added
    }

    fn field(&mut self, name: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> bool {
        let expiry = expiry.map_or(FieldExpiry::Never, FieldExpiry::At);
        !HashMut::new(&mut self.record, self.settings).insert(name, value, expiry)
    }
}

impl BuildStream for Draft<'_> {
    fn stream(&mut self) {}

    fn entry(&mut self, _id: StreamId, _fields: &[&[u8]]) -> bool {
        false
    }

    fn state(&mut self, _state: StreamState) -> bool {
        false
    }

    fn group(&mut self, _name: &[u8], _last: StreamId, _read: Option<u64>) -> bool {
        false
    }

    fn pending(&mut self, _id: StreamId, _delivered: UnixMillis, _times: u64) -> bool {
        false
    }

    fn consumer(&mut self, _name: &[u8], _seen: UnixMillis, _active: Option<UnixMillis>) -> bool {
        false
    }

    fn owns(&mut self, _id: StreamId) -> bool {
        false
    }

    fn group_end(&mut self) -> bool {
        false
    }
}
