//! The one door for writes: who hears of a change, and in which form.
//!
//! Every change of a record goes through [`super::entry::KeyMut`], which calls here *before* it touches a key and
//! *after* it has changed one.  *After* fires only if something changed, so `SADD` of a present member is silent.
//! Behind the command's last change its **effect** is handed on: the command's own arguments, or the deterministic form
//! that the handler gave (an absolute expiry, `DEL` for what expired), such that replaying the effects in their order
//! into an empty keyspace gives the same keyspace.  Order numbers are drawn while all locks of the command are held.
//!
//! Beside that listener there is an [`Observer`], for clients who want to hear of keys as they go: it is told of those classes of events
//! alone in which somebody has an [`Interest`].
//!
//! Expiry's index is kept by the door itself. With no listener and no interest the door costs two branches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::readers::{Reader, ReaderFigures};
use super::record::RecordRef;
use crate::mailbox::ClientId;
use crate::resp::{Args, OwnedArgs};

/// What happened to a key, by the name under which notifications announce it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The name, as in Redis's keyspace notifications.
    pub name: &'static str,
    /// The class that `notify-keyspace-events` selects it by.
    pub class: EventClass,
}

/// Classes of events, as `notify-keyspace-events` has letters for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventClass {
    /// `g`: commands for any type.
    Generic,
    /// `$`: strings.
    String,
    /// `h`: hashes.
    Hash,
    /// `z`: sorted sets.
    ZSet,
    /// `l`: lists.
    List,
    /// `s`: sets.
    Set,
    /// `t`: streams.
    Stream,
    /// `x`: what expired.
    Expired,
    /// `e`: what was evicted.
    Evicted,
    /// `n`: a key that was not there. Comes before the event of the command.
    New,
    /// `m`: a key that was read was not there.
    Miss,
    /// No letter: a change that the peers announce to nobody, such as a result that was cached.
    Silent,
}

impl Event {
    /// An event of the class `class`.
    pub const fn new(class: EventClass, name: &'static str) -> Self {
        Self { name, class }
    }

    /// A generic event.
    pub const fn generic(name: &'static str) -> Self {
        Self::new(EventClass::Generic, name)
    }

    /// An event of strings.
    pub const fn string(name: &'static str) -> Self {
        Self::new(EventClass::String, name)
    }

    /// An event of hashes.
    pub const fn hash(name: &'static str) -> Self {
        Self::new(EventClass::Hash, name)
    }

    /// An event of sorted sets.
    pub const fn zset(name: &'static str) -> Self {
        Self::new(EventClass::ZSet, name)
    }

    /// An event of lists.
    pub const fn list(name: &'static str) -> Self {
        Self::new(EventClass::List, name)
    }

    /// An event of sets.
    pub const fn set(name: &'static str) -> Self {
        Self::new(EventClass::Set, name)
    }

    /// An event of streams.
    pub const fn stream(name: &'static str) -> Self {
        Self::new(EventClass::Stream, name)
    }

    /// An event that no notification is sent for.
    pub const fn silent(name: &'static str) -> Self {
        Self::new(EventClass::Silent, name)
    }

    /// A key was deleted.
    pub const DEL: Self = Self::generic("del");
    /// A key's time had come.
    pub const EXPIRED: Self = Self::new(EventClass::Expired, "expired");
    /// A key gave way to others.
    pub const EVICTED: Self = Self::new(EventClass::Evicted, "evicted");
    /// A key got a time to live.
    pub const EXPIRE: Self = Self::generic("expire");
    /// A string was set.
    pub const SET: Self = Self::string("set");
    /// A key that was not there is.
    pub const NEW: Self = Self::new(EventClass::New, "new");
    /// A key that was read was not there.
    pub const MISS: Self = Self::new(EventClass::Miss, "keymiss");
}

/// Which events somebody wants to hear of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interest(u32);

impl Interest {
    /// In nothing.
    pub const NONE: Self = Self(0);
    /// In every key that changes.
    const CHANGES: Self = Self(1 << 31);

    /// In a class of events.
    pub const fn in_class(class: EventClass) -> Self {
        Self(1 << class as u8)
    }

    /// In both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn includes(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What the observer is told of; whoever has a clone can change it.
#[derive(Debug, Clone, Default)]
pub struct Interests(Arc<AtomicU32>);

impl Interests {
    /// From now on there is an interest in these classes of events, and in no other.
    pub fn set_classes(&self, classes: Interest) {
        let set = |before: u32| Some(before & Interest::CHANGES.0 | classes.0);
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// From now on there is an interest in changes, or none.
    pub fn set_changes(&self, wanted: bool) {
        if wanted {
            self.0.fetch_or(Interest::CHANGES.0, Ordering::Relaxed);
        } else {
            self.0.fetch_and(!Interest::CHANGES.0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn include(&self, other: Interest) -> bool {
        Interest(self.0.load(Ordering::Relaxed)).includes(other)
    }
}

/// One change, as listeners hear of it.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The database.
    pub db: usize,
    /// The key.
    pub key: &'a [u8],
    /// What happened.
    pub event: Event,
    /// The size of the record before, in bytes; 0 if there was none.
    pub old_size: usize,
    /// The size of the record after; 0 if it is gone.
    pub new_size: usize,
}

/// Somebody who wants to know of every write.
///
/// Called with the shard's lock held: it must be quick, and must not call back into the keyspace.
pub trait Listener: Send + Sync {
    /// `key` is about to be touched for the first time in this command; `record` is what it holds.
    fn before(&self, db: usize, key: &[u8], record: Option<RecordRef<'_>>) {
        let _ = (db, key, record);
    }

    /// A key has changed.
    fn after(&self, change: &Change<'_>) {
        let _ = change;
    }

    /// A command's effect on database `db`, as a request that has the same result whenever it is replayed.
    ///
    /// `order` rises by one from effect to effect, in an order that agrees with the order of the writes of every key.
    fn effect(&self, order: u64, db: usize, request: &Args<'_>);
}

/// Clients who want to hear of keys as they go.
///
/// Called with the shard's lock held: it must be quick, and must not call back into the keyspace.
pub trait Observer: Send + Sync {
    /// Something has happened to a key that somebody has an interest in.
    fn event(&self, db: usize, key: &[u8], event: Event);

    /// Somebody has an interest in changes, and these keys have changed, or are gone. `by` is the client that did it; 0 if none did.
    fn changed(&self, keys: &[Box<[u8]>], by: ClientId);

    /// What these clients have read of a key is not true any more.
    fn invalidate(&self, key: &[u8], readers: &[Reader], by: ClientId);

    /// Nothing that anybody has read is true any more.
    fn invalidate_all(&self);
}

/// The listeners and the order of effects.
#[derive(Default)]
pub struct Door {
    listener: Option<Box<dyn Listener>>,
    order: AtomicU64,
    observer: OnceLock<Box<dyn Observer>>,
    interests: Interests,
    readers: ReaderFigures,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("listening", &self.listener.is_some())
            .field("order", &self.order)
            .finish()
    }
}

impl Door {
    /// A door with somebody behind it.
    pub fn with(listener: Box<dyn Listener>) -> Self {
        Self {
            listener: Some(listener),
            ..Self::default()
        }
    }

    /// From now on `observer` is told. Only the first one counts.
    pub(super) fn set_observer(&self, observer: Box<dyn Observer>) {
        let _ = self.observer.set(observer);
    }

    /// What the observer is told of.
    pub(super) fn interests(&self) -> &Interests {
        &self.interests
    }

    /// Tells of an event, if somebody has an interest in it.
    #[inline]
    pub(super) fn tell(&self, db: usize, key: &[u8], event: Event) {
        if self.interests.include(Interest::in_class(event.class)) {
            self.tell_observer(db, key, event);
        }
    }

    #[cold]
    fn tell_observer(&self, db: usize, key: &[u8], event: Event) {
        if let Some(observer) = self.observer.get() {
            observer.event(db, key, event);
        }
    }

    /// Notes that a key is not any more what it was, if somebody has an interest in that: to be told when the command is through.
    #[inline]
    pub(super) fn note_change(&self, key: &[u8], effects: &mut Effects) {
        if self.interests.include(Interest::CHANGES) {
            effects.add_touched(key);
        }
    }

    /// Tells of the changes that were noted.
    #[inline]
    pub(super) fn tell_changes(&self, effects: &mut Effects) {
        let by = effects.by;
        if let Some(gathered) = effects.gathered()
            && !gathered.touched.is_empty()
        {
            let touched = std::mem::take(&mut gathered.touched);
            if let Some(observer) = self.observer.get() {
                observer.changed(&touched, by);
            }
        }
    }

    /// Whoever listens.
    #[inline]
    pub fn listener(&self) -> Option<&dyn Listener> {
        self.listener.as_deref()
    }

    /// What is remembered of readers.
    pub(super) fn readers(&self) -> &ReaderFigures {
        &self.readers
    }

    /// What these clients have read of a key is not true any more.
    pub(super) fn invalidate(&self, key: &[u8], readers: &[Reader], by: ClientId) {
        if let Some(observer) = self.observer.get() {
            observer.invalidate(key, readers, by);
        }
    }

    /// Nothing that anybody has read is true any more.
    pub(super) fn invalidate_all(&self) {
        if let Some(observer) = self.observer.get() {
            observer.invalidate_all();
        }
    }

    /// Hands on an effect. The caller holds every lock that the effect's keys need.
    pub(super) fn deliver(&self, db: usize, request: &Args<'_>) {
        if let Some(listener) = &self.listener {
            listener.effect(self.order.fetch_add(1, Ordering::Relaxed), db, request);
        }
    }
}

/// Whether several commands are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Unit {
    /// Each command is for itself.
    #[default]
    None,
    /// They are one, and nothing was handed on yet.
    Begun,
    /// They are one, and that has been said.
    Delivered,
}

/// The effects that one command has gathered so far.
///
/// Made and dropped with every command: what few commands leave is behind one word.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Something changed: without a form of its own, the command's arguments are its effect.
    pub(super) changed: bool,
    /// Whether the command is part of several that are one.
    pub(super) unit: Unit,
    /// The client that asks; 0 if none does.
    pub(super) by: ClientId,
    gathered: Option<Box<Gathered>>,
}

/// What somebody has to be told.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What expired on the way: always before the command's own effect.
    pub(super) first: Vec<(usize, OwnedArgs)>,
    /// The deterministic form, if the handler gave one. Empty: the command has no effect of its own.
    pub(super) instead: Option<Vec<(usize, OwnedArgs)>>,
    /// Keys that have changed while somebody waited for them, in the order of the changes.
    pub(super) ready: VecDeque<(usize, Box<[u8]>)>,
    /// Keys that have changed while somebody had an interest in that.
    touched: Vec<Box<[u8]>>,
}

impl Effects {
    /// What has been gathered, if anything has.
    #[inline]
    pub(super) fn gathered(&mut self) -> Option<&mut Gathered> {
        self.gathered.as_deref_mut()
    }

    /// The place to gather.
    #[cold]
    pub(super) fn gather(&mut self) -> &mut Gathered {
        self.gathered.get_or_insert_default()
    }

    /// Keys are ready for those who wait for them.
    pub(super) fn add_ready(&mut self, keys: impl Iterator<Item = (usize, Box<[u8]>)>) {
        for key in keys {
            self.gather().ready.push_back(key);
        }
    }

    /// All that has been gathered, if anything has.
    pub(super) fn into_gathered(self) -> Option<Box<Gathered>> {
        self.gathered
    }

    #[cold]
    fn add_touched(&mut self, key: &[u8]) {
        let touched = &mut self.gather().touched;
        if touched.last().is_none_or(|last| &**last != key) {
            touched.push(key.into());
        }
    }
}
