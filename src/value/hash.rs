//! Large hashes: a table of fields, each one thin allocation with its value and perhaps an expiry.
//!
//! Finding a field takes two cache misses.  A field with an expiry is kept until somebody removes
//! it: [`Hash::get`] and the walks show it with its [`Field::expiry`], and it is the caller, who has
//! the time, that treats it as absent.  [`Hash::expire_due`] removes what is due without looking at
//! the rest.
//!
//! Dropping a hash takes time in proportion to its length and little stack: hand large ones to
//! [`crate::memory::reclaim`].

mod field;

pub use field::Field;

use crate::clock::UnixMillis;
use crate::memory::{Mover, class_size};
use crate::value::hasher;
use crate::value::packed::PackedHash;
use crate::value::relocate::{Cursor, Relocate};
use crate::value::table::{DEADLINE_UNIT_MS, Slot, Table};
use field::OwnedField;

/// A large hash.
#[derive(Debug, Default)]
pub struct Hash {
    fields: Table<OwnedField>,
    /// Bytes of the fields' allocations.
    field_bytes: usize,
    /// How many fields have an expiry.
    expiring: usize,
}

/// What becomes of a field's expiry when its value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldExpiry {
    /// The field expires no more.
    Never,
    /// It stays as it is; a new field has none.
    Keep,
    /// The field expires at this moment.
    At(UnixMillis),
}

impl FieldExpiry {
    fn after(self, present: Option<UnixMillis>) -> Option<UnixMillis> {
        match self {
            Self::Never => None,
            Self::Keep => present,
            Self::At(moment) => Some(moment),
        }
    }
}

impl Hash {
    /// An empty hash.
    pub const fn new() -> Self {
        Self {
            fields: Table::new(),
            field_bytes: 0,
            expiring: 0,
        }
    }

    /// Number of fields, with those that have expired but are not removed.
    #[inline]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes that the hash occupies on the heap beyond its own size.
    pub fn memory(&self) -> usize {
        self.fields.memory() + self.field_bytes
    }

    /// Finds a field.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.fields
            .find(hasher::hash(name), |field| field.name() == name)
    }

    /// Starts loading what it takes to find these fields.
    pub fn prefetch<'n>(&self, names: impl Iterator<Item = &'n [u8]> + Clone) {
        self.fields.prefetch_all(names.map(hasher::hash));
    }

    /// Whether there is such a field.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// Gives a field a value, without an expiry, and tells whether the field was there before.
    pub fn insert(&mut self, name: &[u8], value: &[u8]) -> bool {
        self.insert_with(name, value, FieldExpiry::Never)
    }

    /// Gives a field a value and tells whether the field was there before.
    pub fn insert_with(&mut self, name: &[u8], value: &[u8], expiry: FieldExpiry) -> bool {
        let hash = hasher::hash(name);
        let found = self.fields.find_mut(hash, |field| field.name() == name);
        let Some(mut slot) = found else {
            self.add(hash, name, value, expiry.after(None));
            return false;
        };
        let before = Share::of(slot.get());
        let expiry = expiry.after(slot.get().expiry());
        slot.replace_with(|field| field.with_value(value, expiry));
        let after = Share::of(slot.get());
        self.recount(before, after);
        true
    }

    fn add(&mut self, hash: u64, name: &[u8], value: &[u8], expiry: Option<UnixMillis>) {
        let field = OwnedField::new(name, value, expiry);
        let share = Share::of(self.fields.insert_new(hash, field));
        self.recount(Share::NOTHING, share);
    }

    /// Sets or clears a field's expiry and tells whether the field is there.
    pub fn set_expiry(&mut self, name: &[u8], expiry: Option<UnixMillis>) -> bool {
        let hash = hasher::hash(name);
        let found = self.fields.find_mut(hash, |field| field.name() == name);
        let Some(mut slot) = found else {
            return false;
        };
        let before = Share::of(slot.get());
        slot.replace_with(|field| field.with_expiry(expiry));
        let after = Share::of(slot.get());
        self.recount(before, after);
        true
    }

    /// Removes a field and tells whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let removed = self
            .fields
            .remove(hasher::hash(name), |field| field.name() == name);
        let Some(field) = removed else {
            return false;
        };
        self.recount(Share::of(field.as_ref()), Share::NOTHING);
        true
    }

    fn recount(&mut self, before: Share, after: Share) {
        self.field_bytes = self.field_bytes - before.bytes + after.bytes;
        self.expiring = self.expiring - before.expiring + after.expiring;
    }

    /// All fields, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter()
    }

    /// A step of a walk through all fields: see [`Table::scan`].
    pub fn scan<'a>(
        &'a self,
        position: u64,
        count: usize,
        visit: impl FnMut(Field<'a>),
    ) -> Option<u64> {
        self.fields.scan(position, count, visit)
    }

    /// A field at random, each with the same chance.  `random` gives uniform 64-bit numbers.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<Field<'_>> {
        self.fields.random(random)
    }

    /// How many fields have an expiry.
    pub fn expiring(&self) -> usize {
        self.expiring
    }

    /// When [`Hash::expire_due`] is worth its while again: no later than [`DEADLINE_UNIT_MS`] after the
    /// first expiry of a field, and perhaps earlier.  `None` if no field expires.
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        if self.expiring == 0 {
            return None;
        }
        let passed = self
            .fields
            .earliest_deadline()?
            .saturating_add(DEADLINE_UNIT_MS);
        Some(UnixMillis::try_from(passed).unwrap_or(UnixMillis::MAX))
    }

    /// Removes fields whose expiry has passed, up to [`DEADLINE_UNIT_MS`] late, and shows the name of each to
    /// `on_removed`.  It looks at up to `budget` buckets of fields and goes on from there at the
    /// next call.
    pub fn expire_due(
        &mut self,
        now: UnixMillis,
        budget: usize,
        mut on_removed: impl FnMut(&[u8]),
    ) {
        if self.expiring == 0 {
            return;
        }
        let mut budget = budget;
        let now = now.max(0).cast_unsigned();
        while let Some(field) = self.fields.next_due(now, &mut budget).map(Slot::remove) {
            self.recount(Share::of(field.as_ref()), Share::NOTHING);
            on_removed(field.as_ref().name());
        }
    }
}

impl Relocate for Hash {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        self.fields.relocate(at, mover, |_, _| {})
    }
}

/// What a field contributes to the hash's figures.
#[derive(Clone, Copy)]
struct Share {
    bytes: usize,
    expiring: usize,
}

impl Share {
    const NOTHING: Self = Self {
        bytes: 0,
        expiring: 0,
    };

    #[inline]
    fn of(field: Field<'_>) -> Self {
        Self {
            bytes: class_size(field.size()),
            expiring: usize::from(field.expiry().is_some()),
        }
    }
}

impl Clone for Hash {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        for field in self.iter() {
            let hash = hasher::hash(field.name());
            copy.add(hash, field.name(), field.value(), field.expiry());
        }
        copy
    }
}

impl From<PackedHash<'_>> for Hash {
    fn from(packed: PackedHash<'_>) -> Self {
        let mut hash = Self::new();
        for (name, value) in packed.iter() {
            hash.add(hasher::hash(name), name, value, None);
        }
        hash
    }
}

#[cfg(test)]
mod tests;
