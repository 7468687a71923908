//! A hash, whichever way it is held: reading it, and changing it through its record.
//!
//! A field whose expiry has passed is absent for every reader. A change that names such a field removes it first, with
//! an effect of its own, so that what follows meets the same hash whenever it is replayed.

use crate::clock::UnixMillis;
use crate::command::context::Context;
use crate::config::Settings;
use crate::keyspace::{Event, KeyMut, NewValue, Record, RecordRef, Value};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::hash::{Field, FieldExpiry, Hash};
use crate::value::packed::PackedHash;

/// A field with its value and the moment at which it ceases to exist.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldView<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) expiry: Option<UnixMillis>,
}

impl<'a> From<Field<'a>> for FieldView<'a> {
    fn from(field: Field<'a>) -> Self {
        Self {
            name: field.name(),
            value: field.value(),
            expiry: field.expiry(),
        }
    }
}

/// A hash to be read at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) enum HashView<'a> {
    Packed(PackedHash<'a>),
    Large(&'a Hash, UnixMillis),
}

impl<'a> HashView<'a> {
    /// The hash in `record`; `WRONGTYPE` if it holds something else.
    pub(super) fn of(record: RecordRef<'a>, now: UnixMillis) -> Result<Self, ReplyError> {
        match record.value() {
            Value::PackedHash(bytes) => Ok(Self::Packed(PackedHash::new(bytes))),
            Value::Hash(hash) => Ok(Self::Large(hash, now)),
            _ => Err(ReplyError::WRONG_TYPE),
        }
    }

    /// Number of fields, with those that have expired but are not yet removed.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Packed(packed) => packed.len(),
            Self::Large(hash, _) => hash.len(),
        }
    }

    /// A field that has not expired.
    pub(super) fn get(self, name: &[u8]) -> Option<FieldView<'a>> {
        match self {
            Self::Packed(packed) => {
                let value = packed.get(name)?;
                Some(FieldView {
                    name: &[],
                    value,
                    expiry: None,
                })
            }
            Self::Large(hash, now) => {
                let field = hash.get(name).filter(|field| !field.is_expired(now))?;
                Some(field.into())
            }
        }
    }

    /// A field's value.
    pub(super) fn value(self, name: &[u8]) -> Option<&'a [u8]> {
        self.get(name).map(|field| field.value)
    }

    /// Visits every field that has not expired.
    pub(super) fn each(self, mut visit: impl FnMut(FieldView<'a>)) {
        match self {
            Self::Packed(packed) => {
                packed.iter().for_each(|(name, value)| {
                    visit(FieldView {
                        name,
                        value,
                        expiry: None,
                    })
                });
            }
            Self::Large(hash, now) => {
                for field in hash.iter().filter(|field| !field.is_expired(now)) {
                    visit(field.into());
                }
            }
        }
    }

    /// All fields that have not expired.
    pub(super) fn fields(self) -> Vec<FieldView<'a>> {
        let mut fields = Vec::with_capacity(self.len());
        self.each(|field| fields.push(field));
        fields
    }
}

/// When a hash is still packed: `hash-max-listpack-entries` and `hash-max-listpack-value`.
#[derive(Debug, Clone, Copy)]
struct Thresholds {
    entries: usize,
    value: usize,
}

impl Thresholds {
    fn of(settings: &Settings) -> Self {
        Self {
            entries: settings.hash_max_listpack_entries(),
            value: settings.hash_max_listpack_value(),
        }
    }
}

/// A hash to be changed. Expired fields that the command names are already gone.
#[derive(Debug)]
pub(in crate::command) struct HashMut<'a> {
    record: &'a mut Record,
    thresholds: Thresholds,
}

impl<'a> HashMut<'a> {
    /// The hash in `record`, which holds one.
    pub(in crate::command) fn new(record: &'a mut Record, settings: &Settings) -> Self {
        Self {
            record,
            thresholds: Thresholds::of(settings),
        }
    }

    /// Sets a field; tells whether it was there before.
    pub(in crate::command) fn insert(
        &mut self,
        name: &[u8],
        value: &[u8],
        expiry: FieldExpiry,
    ) -> bool {
        if let Value::PackedHash(bytes) = self.record.view().value() {
            let packed = PackedHash::new(bytes);
            let fits = name.len() <= self.thresholds.value
                && value.len() <= self.thresholds.value
                && (packed.len() < self.thresholds.entries || packed.contains(name));
            if fits && !matches!(expiry, FieldExpiry::At(_)) {
                return PackedHash::insert(self.record, name, value);
            }
            self.enlarge();
        }
        self.record.hash_mut().insert_with(name, value, expiry)
    }

    /// Removes a field; tells whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        match self.record.view().value() {
            Value::PackedHash(_) => PackedHash::remove(self.record, name),
            _ => self.record.hash_mut().remove(name),
        }
    }

    /// Sets or takes away a field's expiry.
    pub(super) fn set_expiry(&mut self, name: &[u8], expiry: Option<UnixMillis>) {
        if matches!(self.record.view().value(), Value::PackedHash(_)) {
            if expiry.is_none() {
                return;
            }
            self.enlarge();
        }
        self.record.hash_mut().set_expiry(name, expiry);
    }

    /// From packed to large; never back.
    fn enlarge(&mut self) {
        if let Value::PackedHash(bytes) = self.record.view().value() {
            let large = Box::new(Hash::from(PackedHash::new(bytes)));
            self.record.set_value(NewValue::Hash(large));
        }
    }
}

/// Changes the hash in `found` and announces it as `event`.
pub(super) fn change<R>(
    found: &mut KeyMut<'_>,
    settings: &Settings,
    event: Event,
    f: impl FnOnce(&mut HashMut<'_>) -> R,
) -> R {
    found.change(event, |record| f(&mut HashMut::new(record, settings)))
}

/// The hash under `key`, to be changed by a command that names these fields.
///
/// Of the fields those that have expired are removed, and the hash with its last field.
pub(super) fn edit<'c, 'n>(
    ctx: &'c mut Context<'_>,
    key: &[u8],
    named: impl Iterator<Item = &'n [u8]>,
) -> Result<Option<KeyMut<'c>>, ReplyError> {
    let (server, now, counters) = (ctx.server, ctx.now, ctx.keys.counters());
    let Some(mut found) = ctx.keys.edit(key) else {
        return Ok(None);
    };
    let expired: Vec<&[u8]> = match HashView::of(found.record(), now)? {
        HashView::Large(hash, _) if hash.expiring() > 0 => named
            .filter(|name| hash.get(name).is_some_and(|field| field.is_expired(now)))
            .collect(),
        _ => Vec::new(),
    };
    if expired.is_empty() {
        return Ok(Some(found));
    }
    let event = Event::hash("hexpired");
    let removed = change(&mut found, &server.settings, event, |hash| {
        expired.iter().filter(|name| hash.remove(name)).count()
    });
    counters.expired_fields.add(removed as u64);
    found.effect_first(|| {
        OwnedArgs::from_iter([b"HDEL", key].into_iter().chain(expired.iter().copied()))
    });
    if is_empty(&found) {
        found.delete(Event::DEL);
        return Ok(None);
    }
    Ok(Some(found))
}

fn is_empty(found: &KeyMut<'_>) -> bool {
    match found.value() {
        Value::PackedHash(bytes) => PackedHash::new(bytes).is_empty(),
        Value::Hash(hash) => hash.is_empty(),
        _ => false,
    }
}

/// A hash without fields is no key.
pub(super) fn delete_if_empty(found: KeyMut<'_>) {
    if is_empty(&found) {
        found.delete(Event::DEL);
    }
}

/// Changes the hash under `key`, which is created if there is none.
pub(super) fn change_or_create<R>(
    ctx: &mut Context<'_>,
    key: &[u8],
    named: Args<'_>,
    step: usize,
    event: Event,
    f: impl FnOnce(&mut HashMut<'_>) -> R,
) -> Result<R, ReplyError> {
    let server = ctx.server;
    if let Some(mut found) = edit(ctx, key, named.iter().step_by(step))? {
        return Ok(change(&mut found, &server.settings, event, f));
    }
    let mut record = ctx.keys.draft(key, NewValue::PackedHash(b""));
    let result = f(&mut HashMut::new(&mut record, &server.settings));
    ctx.keys.put(ctx.keys.db, record, event);
    Ok(result)
}

/// The hash under `key`, to be read; `None` if there is no such key.
pub(super) fn read<'c>(
    ctx: &'c mut Context<'_>,
    key: &[u8],
) -> Result<Option<HashView<'c>>, ReplyError> {
    let now = ctx.now;
    ctx.keys
        .read(key)
        .map(|record| HashView::of(record, now))
        .transpose()
}
