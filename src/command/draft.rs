//! A value that is read from outside and is no key yet: elements go into a draft record through the families' own
//! guards, which alone decide how a value is held.

use std::collections::BTreeMap;

use crate::clock::UnixMillis;
use crate::command::hash::view::HashMut;
use crate::command::list::view::ListMut;
use crate::command::set::view::SetMut;
use crate::command::sorted_set::view::{Thresholds, ZSetMut};
use crate::config::Settings;
use crate::keyspace::{NewValue, Record};
use crate::rdb::{Build, BuildStream, Collection, StreamState};
use crate::value::hash::FieldExpiry;
use crate::value::list::{Element, End};
use crate::value::number;
use crate::value::stream::{BlockLimits, ConsumerKey, Group, Log, Pending, Stream, StreamId};
use crate::value::zset::Insertion;

/// A record that gets its value element by element.
pub(super) struct Draft<'s> {
    record: Record,
    settings: &'s Settings,
    /// How many elements were announced.
    coming: usize,
    stream: Option<Box<StreamDraft>>,
}

impl<'s> Draft<'s> {
    /// A draft in `record`, whose value does not matter.
    pub(super) fn new(record: Record, settings: &'s Settings) -> Self {
        Self {
            record,
            settings,
            coming: 0,
            stream: None,
        }
    }

    /// The record with its value.
    pub(super) fn finish(mut self) -> Record {
        if let Some(draft) = self.stream {
            self.record
                .set_value(NewValue::Stream(Box::new(draft.stream)));
        }
        self.record
    }

    fn stream_mut(&mut self) -> &mut StreamDraft {
        self.stream.get_or_insert_default()
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
            Collection::Set => NewValue::IntSet(b""),
            Collection::ZSet => NewValue::PackedZSet(b""),
            Collection::Hash => NewValue::PackedHash(b""),
        });
    }

    fn push(&mut self, element: &[u8]) {
        ListMut::new(&mut self.record, self.settings).push(End::Tail, Element::Plain(element));
    }

    fn member(&mut self, member: &[u8]) -> bool {
        SetMut::new(&mut self.record, self.settings).insert(member)
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

/// A stream while it is being made.
#[derive(Debug, Default)]
struct StreamDraft {
    stream: Stream,
    /// The payload is too old to tell how much groups have read.
    counts: bool,
    /// The last group, which is in the stream only when it is complete.
    group: Option<(Box<[u8]>, Group)>,
    /// What is pending in it and was not yet found with its owner.
    unowned: BTreeMap<StreamId, (UnixMillis, u64)>,
    consumer: Option<ConsumerKey>,
}

impl BuildStream for Draft<'_> {
    fn stream(&mut self) {
        self.stream = Some(Box::default());
    }

    fn entry(&mut self, id: StreamId, fields: &[&[u8]]) -> bool {
        let limits = BlockLimits {
            bytes: self.settings.stream_node_max_bytes(),
            entries: self.settings.stream_node_max_entries(),
        };
        let log = &mut self.stream_mut().stream.log;
        let fields = fields.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let fits = id > log.last_id() && Log::can_hold(fields.clone());
        if fits {
            log.append(id, fields, limits);
        }
        fits
    }

    fn state(&mut self, state: StreamState) -> bool {
        let draft = self.stream_mut();
        let log = &mut draft.stream.log;
        let length = log.len() as u64;
        let added = state.added.unwrap_or(length);
        if state.length != length || state.last < log.last_entry_id() || added < length {
            return false;
        }
        log.set_last_id(state.last);
        log.set_max_deleted_id(state.max_deleted.unwrap_or(StreamId::MIN));
        log.set_entries_added(added);
        draft.counts = state.added.is_none();
        true
    }

    fn group(&mut self, name: &[u8], last: StreamId, read: Option<u64>) -> bool {
        let draft = self.stream_mut();
        let read = if draft.counts {
            draft.stream.log.count_up_to(last)
        } else {
            read
        };
        draft.group = Some((name.into(), Group::new(last, read)));
        !draft.stream.groups.contains_key(name)
    }

    fn pending(&mut self, id: StreamId, delivered: UnixMillis, times: u64) -> bool {
        let unowned = &mut self.stream_mut().unowned;
        unowned.insert(id, (delivered, times)).is_none()
    }

    fn consumer(&mut self, name: &[u8], seen: UnixMillis, active: Option<UnixMillis>) -> bool {
        let draft = self.stream_mut();
        let Some((_, group)) = &mut draft.group else {
            return false;
        };
        let (key, is_new) = group.find_or_create(name, seen);
        group.consumer_mut(key).active = active;
        draft.consumer = Some(key);
        is_new
    }

    fn owns(&mut self, id: StreamId) -> bool {
        let draft = self.stream_mut();
        match (&mut draft.group, draft.consumer, draft.unowned.remove(&id)) {
            (Some((_, group)), Some(owner), Some((delivered, count))) => {
                let pending = Pending {
                    owner,
                    delivered,
                    count,
                };
                group.set_pending(id, pending);
                true
            }
            _ => false,
        }
    }

    fn group_end(&mut self) -> bool {
        let draft = self.stream_mut();
        draft.consumer = None;
        if let Some((name, group)) = draft.group.take() {
            draft.stream.groups.insert(name, group);
        }
        draft.unowned.is_empty()
    }
}
