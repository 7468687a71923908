//! Large sets: a table of members, each one thin allocation.
//!
//! A member takes its bytes, one for its length, what the slabs round that up by (to a multiple of
//! eight) and nine in the table; finding one takes two cache misses.  Who comes with several members
//! names them together ([`Set::batch`]), and the misses overlap.
//!
//! Dropping a set takes time in proportion to its length and little stack: hand large ones to
//! [`crate::memory::reclaim`].

mod member;

pub use member::OwnedMember;

use crate::memory::{Mover, class_size};
use crate::value::hasher;
use crate::value::packed::{IntSet, PackedSet};
use crate::value::relocate::{Cursor, Relocate};
use crate::value::table::Table;
use crate::value::{number, table};
use member::Member;

/// A large set.
#[derive(Debug, Default)]
pub struct Set {
    members: Table<OwnedMember>,
    /// Bytes of the members' allocations.
    member_bytes: usize,
}

/// How many members are on their way into the cache at once.
pub const BATCH: usize = 16;

/// Up to [`BATCH`] names with their hashes, whose cache lines are on their way.
#[derive(Debug)]
pub struct Batch<'n> {
    names: [(&'n [u8], u64); BATCH],
    len: usize,
}

impl<'n> Batch<'n> {
    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = Name<'n>> + Clone {
        let names = self.names[..self.len].iter();
        names.map(|&(bytes, hash)| Name { bytes, hash })
    }
}

/// What may be a member, and its hash.
#[derive(Debug, Clone, Copy)]
pub struct Name<'n> {
    bytes: &'n [u8],
    hash: u64,
}

impl<'n> From<&'n [u8]> for Name<'n> {
    #[inline]
    fn from(bytes: &'n [u8]) -> Self {
        let hash = hasher::hash(bytes);
        Self { bytes, hash }
    }
}

impl Set {
    /// An empty set.
    pub const fn new() -> Self {
        Self {
            members: Table::new(),
            member_bytes: 0,
        }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Bytes that the set occupies on the heap beyond its own size.
    pub fn memory(&self) -> usize {
        self.members.memory() + self.member_bytes
    }

    /// Takes up to [`BATCH`] names and starts loading what it takes to find them. `None` if there are none left.
    pub fn batch<'n>(&self, names: &mut impl Iterator<Item = &'n [u8]>) -> Option<Batch<'n>> {
        let mut batch = Batch {
            names: [(&[], 0); BATCH],
            len: 0,
        };
        for (slot, name) in batch.names.iter_mut().zip(names) {
            *slot = (name, hasher::hash(name));
            batch.len += 1;
        }
        if batch.len > 1 {
            self.members
                .prefetch_all(batch.iter().map(|name| name.hash));
        }
        (batch.len > 0).then_some(batch)
    }

    /// Starts loading what it takes to find these members.
    pub fn prefetch<'n>(&self, names: impl Iterator<Item = &'n [u8]> + Clone) {
        self.members.prefetch_all(names.map(hasher::hash));
    }

    /// Whether there is such a member.
    #[inline]
    pub fn contains<'n>(&self, name: impl Into<Name<'n>>) -> bool {
        let Name { bytes, hash } = name.into();
        let found = self.members.find(hash, |member| member.bytes() == bytes);
        found.is_some()
    }

    /// Adds a member and tells whether it is new.
    #[inline]
    pub fn insert<'n>(&mut self, name: impl Into<Name<'n>>) -> bool {
        let Name { bytes, hash } = name.into();
        let added = self.members.insert_if_absent(
            hash,
            |member| member.bytes() == bytes,
            || OwnedMember::new(bytes),
        );
        match added {
            Some(member) => {
                self.member_bytes += class_size(member.size());
                true
            }
            None => false,
        }
    }

    /// Removes a member and tells whether it was there.
    pub fn remove<'n>(&mut self, name: impl Into<Name<'n>>) -> bool {
        let Name { bytes, hash } = name.into();
        let removed = self.members.remove(hash, |member| member.bytes() == bytes);
        removed.inspect(|member| self.discount(member)).is_some()
    }

    fn discount(&mut self, member: &OwnedMember) {
        self.member_bytes -= class_size(member.size());
    }

    /// All members, in no particular order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.members.iter())
    }

    /// A step of a walk through all members: see [`Table::scan`].
    pub fn scan<'a>(
        &'a self,
        position: u64,
        count: usize,
        mut visit: impl FnMut(&'a [u8]),
    ) -> Option<u64> {
        self.members
            .scan(position, count, |member| visit(member.bytes()))
    }

    /// A member at random, each with the same chance.  `random` gives uniform 64-bit numbers.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<&[u8]> {
        self.members.random(random).map(Member::bytes)
    }

    /// Takes out a member at random, each with the same chance.
    pub fn pop(&mut self, random: &mut impl FnMut() -> u64) -> Option<OwnedMember> {
        let member = self.members.random_mut(random)?.remove();
        self.discount(&member);
        Some(member)
    }
}

impl Relocate for Set {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        self.members.relocate(at, mover, |_, _| {})
    }
}

/// The members of a large set, in no particular order.
#[derive(Debug)]
pub struct Iter<'a>(table::Iter<'a, OwnedMember>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next().map(Member::bytes)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'m> FromIterator<&'m [u8]> for Set {
    fn from_iter<I: IntoIterator<Item = &'m [u8]>>(members: I) -> Self {
        let mut set = Self::new();
        for member in members {
            set.insert(member);
        }
        set
    }
}

impl Clone for Set {
    fn clone(&self) -> Self {
        self.iter().collect()
    }
}

impl From<PackedSet<'_>> for Set {
    fn from(packed: PackedSet<'_>) -> Self {
        packed.iter().collect()
    }
}

impl From<IntSet<'_>> for Set {
    fn from(ints: IntSet<'_>) -> Self {
        let mut set = Self::new();
        for member in ints.iter() {
            set.insert(number::format_i64(member).as_ref());
        }
        set
    }
}

#[cfg(test)]
mod tests;
