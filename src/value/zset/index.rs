//! The index of members by name: it owns them, and keeps count of their bytes.
//!
//! Entries of the tree point at members, so the order of things matters: a member enters the index before its
//! entry enters the tree, and what is taken out of the index lives until its entry is out of the tree.

use super::Insertion;
use super::member::{Entry, Member, MemberRef};
use crate::memory::{Mover, class_size};
use crate::value::hasher;
use crate::value::relocate::Cursor;
use crate::value::table::Table;

#[derive(Default)]
pub(super) struct Index {
    members: Table<Member>,
    /// Bytes of the members' allocations.
    member_bytes: usize,
}

/// A member whose score has changed.
pub(super) struct Change {
    pub(super) old: Option<f64>,
    /// For the tree, with the new score.
    pub(super) entry: Entry,
}

impl Change {
    pub(super) fn insertion(&self) -> Insertion {
        self.old.map_or(Insertion::Added, Insertion::Updated)
    }
}

impl Index {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.members.memory() + self.member_bytes
    }

    pub(super) fn prefetch<'n>(&self, names: impl Iterator<Item = &'n [u8]> + Clone) {
        self.members.prefetch_all(names.map(hasher::hash));
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<MemberRef<'_>> {
        self.members
            .find(hasher::hash(name), |other| other.name() == name)
    }

    /// Gives the member the score that `decide` makes of its present one. `None` if that changes nothing.
    #[inline]
    pub(super) fn update(
        &mut self,
        name: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<Change> {
        let hash = hasher::hash(name);
        let Some(mut found) = self.members.find_mut(hash, |other| other.name() == name) else {
            let entry = self.add_hashed(hash, name, decide(None)?);
            return Some(Change { old: None, entry });
        };
        let old = found.get().score();
        let score = decide(Some(old))?;
        assert!(!score.is_nan(), "a score is a number");
        if score == old {
            return None;
        }
        found.get_mut().set_score(score);
        // SAFETY: the index owns the member, and gives it away only as the module says.
        let entry = unsafe { Entry::new(found.get(), score) };
        Some(Change {
            old: Some(old),
            entry,
        })
    }

    /// Adds a member that is not there.
    pub(super) fn add(&mut self, name: &[u8], score: f64) -> Entry {
        self.add_hashed(hasher::hash(name), name, score)
    }

    fn add_hashed(&mut self, hash: u64, name: &[u8], score: f64) -> Entry {
        assert!(!score.is_nan(), "a score is a number");
        let member = self.members.insert_new(hash, Member::new(name, score));
        self.member_bytes += class_size(member.size());
        // SAFETY: as above.
        unsafe { Entry::new(member, score) }
    }

    /// Takes a member out by its name. It must live until its entry is out of the tree.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<Member> {
        let member = self
            .members
            .remove(hasher::hash(name), |other| other.name() == name)?;
        self.member_bytes -= class_size(member.as_ref().size());
        Some(member)
    }

    /// Takes the member out whose entry has left the tree.
    pub(super) fn take_entry(&mut self, entry: &Entry) -> Member {
        let member = self
            .members
            .remove(hasher::hash(entry.name()), |other| entry.is_for(other))
            .expect("the index has the members of the tree");
        self.member_bytes -= class_size(member.as_ref().size());
        member
    }

    /// See [`Table::relocate`]. `moved` gets the new entries of the members that move, whose old ones are there for the last time.
    pub(super) fn relocate(
        &mut self,
        at: &mut Cursor,
        mover: &mut Mover,
        mut moved: impl FnMut(Entry),
    ) -> bool {
        self.members.relocate(at, mover, |_, member| {
            if let Some(member) = member {
                // SAFETY: as above; the index owns the member at its new address.
                moved(unsafe { Entry::new(member, member.score()) });
            }
        })
    }

    /// See [`Table::scan`].
    pub(super) fn scan(
        &self,
        position: u64,
        count: usize,
        visit: impl FnMut(MemberRef<'_>),
    ) -> Option<u64> {
        self.members.scan(position, count, visit)
    }
}
