//! The write guard: the only way to change a record.
//!
//! A [`KeyMut`] is a key that exists, under its shard's lock.  Its methods change the record; when it goes out of scope
//! after a change it settles the accounts: the count of expiring keys, the expiry index, the listeners behind the door.

use super::door::{Change, Door, Effects, Event};
use super::record::{NewValue, Record, RecordRef, Value};
use super::shard::{Expiring, Part};
use super::waiting::Waiting;
use crate::clock::UnixMillis;
use crate::resp::OwnedArgs;
use crate::stats::Counters;
use crate::value::table::Slot;

/// A key that exists, to be changed.
#[derive(Debug)]
pub struct KeyMut<'a> {
    /// Empty only while the guard itself removes the key.
    slot: Option<Slot<'a, Record>>,
    expiring: &'a mut Expiring,
    waiting: &'a mut Waiting,
    door: &'a Door,
    effects: &'a mut Effects,
    db: usize,
    /// What the record counted for when the guard was made.
    counted: Expiring,
    old_size: usize,
    event: Option<Event>,
}

impl<'a> KeyMut<'a> {
    pub(super) fn new(
        slot: Slot<'a, Record>,
        expiring: &'a mut Expiring,
        waiting: &'a mut Waiting,
        door: &'a Door,
        effects: &'a mut Effects,
        db: usize,
    ) -> Self {
        let counted = Expiring::of(slot.get());
        Self {
            slot: Some(slot),
            expiring,
            waiting,
            door,
            effects,
            db,
            counted,
            old_size: 0,
            event: None,
        }
    }

    /// The record.
    #[inline]
    pub fn record(&self) -> RecordRef<'_> {
        self.slot().get()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> Value<'_> {
        self.record().value()
    }

    /// The moment from which the key no longer exists.
    pub fn expiry(&self) -> Option<UnixMillis> {
        self.record().expiry()
    }

    /// Changes the record, and announces the change as `event`.
    ///
    /// Of several changes through one guard the last event is announced.
    pub fn change<R>(&mut self, event: Event, f: impl FnOnce(&mut Record) -> R) -> R {
        self.before();
        self.event = Some(event);
        let mut result = None;
        self.slot_mut().replace_with(|mut record| {
            result = Some(f(&mut record));
            record
        });
        result.expect("replace_with calls its function")
    }

    /// [`KeyMut::change`] by something that knows only in the end whether it changes anything: it says so beside
    /// its result, and if it did not, nothing is announced.
    pub fn change_if<R>(&mut self, event: Event, f: impl FnOnce(&mut Record) -> (R, bool)) -> R {
        self.before();
        let mut result = None;
        self.slot_mut().replace_with(|mut record| {
            result = Some(f(&mut record));
            record
        });
        let (result, changed) = result.expect("replace_with calls its function");
        if changed {
            self.event = Some(event);
        }
        result
    }

    /// What [`KeyMut::change`] has just done is two things (an entry added, others trimmed away): it is announced as
    /// `event`, too.
    pub fn also(&mut self, event: Event) {
        if let Some(first) = self.event.replace(event) {
            self.announce(first);
        }
    }

    /// Replaces the value; the expiry stays.
    pub fn set_value(&mut self, value: NewValue<'_>, event: Event) {
        self.change(event, |record| record.set_value(value));
    }

    /// Sets or takes away the expiry.
    pub fn set_expiry(&mut self, expiry: Option<UnixMillis>, event: Event) {
        self.change(event, |record| record.set_expiry(expiry));
    }

    /// Something has happened that the command did not ask for (a field's time had come): this request is replayed
    /// ahead of the command's effect.
    pub fn effect_first(&mut self, request: impl FnOnce() -> OwnedArgs) {
        if self.door.listener().is_some() {
            self.effects.gather().first.push((self.db, request()));
        }
    }

    /// Removes the key.
    pub fn delete(self, event: Event) {
        drop(self.take(event));
    }

    /// Removes the key and gives its record.
    ///
    /// A change through this guard is announced before, under its own name.
    pub fn take(mut self, event: Event) -> Record {
        self.before();
        if let Some(change) = self.event {
            self.announce(change);
        }
        let record = self.remove();
        self.expiring.settle(self.counted, Expiring::default());
        self.effects.changed = true;
        let key = record.view().key();
        self.signal(key);
        self.door.tell(self.db, key, event);
        if let Some(listener) = self.door.listener() {
            listener.after(&Change {
                db: self.db,
                key: record.view().key(),
                event,
                old_size: self.old_size,
                new_size: 0,
            });
        }
        // The slot is empty now: there is nothing left to settle.
        self.event = None;
        record
    }

    /// Removes a key whose time has come.
    pub(super) fn expire(self, counters: &Counters) {
        counters.expired_keys.bump();
        self.lose(Event::EXPIRED);
    }

    /// Removes a key that no command has asked to remove. Its effect is a `DEL` of its own, ahead of the command's if there is one.
    pub(super) fn lose(mut self, event: Event) {
        self.before();
        let record = self.remove();
        self.expiring.settle(self.counted, Expiring::default());
        let key = record.view().key();
        self.signal(key);
        self.door.tell(self.db, key, event);
        if let Some(listener) = self.door.listener() {
            listener.after(&Change {
                db: self.db,
                key: record.view().key(),
                event,
                old_size: self.old_size,
                new_size: 0,
            });
            self.effects.gather().first.push((
                self.db,
                OwnedArgs::from_iter([&b"DEL"[..], record.view().key()]),
            ));
        }
    }

    fn slot(&self) -> &Slot<'a, Record> {
        self.slot
            .as_ref()
            .expect("the slot is given up only by methods that consume the guard")
    }

    fn slot_mut(&mut self) -> &mut Slot<'a, Record> {
        self.slot
            .as_mut()
            .expect("the slot is given up only by methods that consume the guard")
    }

    fn remove(&mut self) -> Record {
        self.slot
            .take()
            .expect("the slot is given up only by methods that consume the guard")
            .remove()
    }

    /// Tells those who care about this key that it has changed.
    #[inline]
    fn signal(&mut self, key: &[u8]) {
        self.door.note_change(key, self.effects);
        if self.waiting.note_change(key, self.door, self.effects.by) {
            self.effects.gather().ready.push_back((self.db, key.into()));
        }
    }

    /// Tells what has happened, and the listener what the record is now.
    fn announce(&mut self, event: Event) {
        self.door.tell(self.db, self.record().key(), event);
        if let Some(listener) = self.door.listener() {
            let record = self.record();
            let new_size = record.memory();
            listener.after(&Change {
                db: self.db,
                key: record.key(),
                event,
                old_size: self.old_size,
                new_size,
            });
            self.old_size = new_size;
        }
    }

    fn before(&mut self) {
        if self.event.is_none()
            && let Some(listener) = self.door.listener()
        {
            let record = self.record();
            let size = record.memory();
            listener.before(self.db, record.key(), Some(record));
            self.old_size = size;
        }
    }
}

impl Drop for KeyMut<'_> {
    #[inline]
    fn drop(&mut self) {
        let Some(event) = self.event else { return };
        self.effects.changed = true;
        let counts = Expiring::of(self.record());
        self.expiring.settle(self.counted, counts);
        let slot = self.slot.as_ref();
        let key = slot.expect("what was changed is there").get().key();
        self.door.note_change(key, self.effects);
        if self.waiting.note_change(key, self.door, self.effects.by) {
            let key = key.into();
            self.effects.gather().ready.push_back((self.db, key));
        }
        self.announce(event);
    }
}

/// Puts a new record into a table; its key must not be there.
pub(super) fn insert(
    part: &mut Part,
    hash: u64,
    record: Record,
    door: &Door,
    effects: &mut Effects,
    db: usize,
    event: Event,
) {
    let view = record.view();
    door.note_change(view.key(), effects);
    door.tell(db, view.key(), Event::NEW);
    door.tell(db, view.key(), event);
    if let Some(listener) = door.listener() {
        listener.before(db, view.key(), None);
        listener.after(&Change {
            db,
            key: view.key(),
            event,
            old_size: 0,
            new_size: view.memory(),
        });
    }
    effects.changed = true;
    if part.waiting.note_change(view.key(), door, effects.by) {
        effects.gather().ready.push_back((db, view.key().into()));
    }
    part.expiring
        .settle(Expiring::default(), Expiring::of(view));
    part.table.insert_new(hash, record);
}
