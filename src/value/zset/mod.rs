//! Sorted sets: members with scores, ordered by score and, where scores are equal, by the members' bytes.
//!
//! A large set is a [`ZSet`]: an index of members by name, whose records hold the scores, and a counted tree of
//! entries in order. Finding a member takes two cache misses, its rank and any range a walk down the tree.
//! Every range is a range of ranks (see [`range`]), and [`ZSetView`] shows packed sets in the same way.
//!
//! * `index` finds members by name and owns them.
//! * `member` is the record of one member, and what the tree knows of it.
//! * `tree` and `node` are the counted tree.
//!
//! A set has no NaN: callers refuse it before. The two zeros are the same score; the one that came first stays.

use std::ops::Range;

mod index;
mod member;
mod node;
pub mod range;
mod tree;
mod view;

pub use range::{Direction, LexBound, LexRange, RankRange, ScoreBound, ScoreRange};
pub use view::{ViewIter, ZSetView};

use index::Index;
use member::{Entry, MemberRef};
use tree::{Entries, Tree};

use super::relocate::{Cursor, Relocate};
use crate::memory::{Mover, SlabVec};

/// A large sorted set.
///
/// Dropping it takes time in proportion to its length and little stack: hand large ones to
/// [`crate::memory::reclaim`].
#[derive(Default)]
pub struct ZSet {
    tree: Tree,
    index: Index,
}

/// What an insertion did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Insertion {
    /// The member is new.
    Added,
    /// The member had another score, this one.
    Updated(f64),
    /// Nothing has changed.
    Same,
}

/// Ranges are removed in parts of so many members: the tree first, then the index.
const REMOVED_AT_ONCE: usize = 1024;

impl ZSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of members that come in order, each once: the fast way to build one.
    ///
    /// # Panics
    /// If a score is NaN.
    pub fn from_sorted<'m>(members: impl IntoIterator<Item = (&'m [u8], f64)>) -> Self {
        let mut index = Index::default();
        let mut last: Option<Entry> = None;
        let tree = Tree::from_sorted(members.into_iter().map(|(name, score)| {
            debug_assert!(
                last.is_none_or(|last| last.is_before(score, name)),
                "members come in order"
            );
            let entry = index.add(name, score);
            last = Some(entry);
            entry
        }));
        Self { tree, index }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the set occupies beyond its own size. The tree's share is an estimate, so that this is quick.
    pub fn memory(&self) -> usize {
        self.tree.memory() + self.index.memory()
    }

    /// Gives `member` this score, and inserts it if it is not there.
    ///
    /// # Panics
    /// If the score is NaN.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Insertion {
        self.update(member, |_| Some(score))
    }

    /// Gives `member` the score that `decide` makes of its present one, which is `None` if it is not there.
    /// If `decide` returns `None` nothing changes. One look-up, whatever the conditions are.
    ///
    /// # Panics
    /// If the score is NaN.
    pub fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Insertion {
        let Some(change) = self.index.update(member, decide) else {
            return Insertion::Same;
        };
        match change.old {
            Some(old) => self.tree.update(old, change.entry),
            None => self.tree.insert(change.entry),
        }
        change.insertion()
    }

    /// Removes `member` and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let removed = self.index.take(member)?;
        // The member lives until the end of this function: the tree may still read it.
        self.tree.remove(removed.score(), removed.name());
        Some(removed.score())
    }

    /// Removes the first member, once `see` has seen it, and returns what `see` makes of it.
    pub fn pop_min<R>(&mut self, see: impl FnOnce(&[u8], f64) -> R) -> Option<R> {
        self.pop(0, see)
    }

    /// Removes the last member, once `see` has seen it, and returns what `see` makes of it.
    pub fn pop_max<R>(&mut self, see: impl FnOnce(&[u8], f64) -> R) -> Option<R> {
        self.pop(self.len().checked_sub(1)?, see)
    }

    fn pop<R>(&mut self, rank: usize, see: impl FnOnce(&[u8], f64) -> R) -> Option<R> {
        let entry = *self.tree.get(rank)?;
        let seen = see(entry.name(), entry.score());
        self.tree.remove(entry.score(), entry.name());
        drop(self.index.take_entry(&entry));
        Some(seen)
    }

    /// Removes the members with these ranks and returns how many there were.
    pub fn remove_range(&mut self, ranks: Range<usize>) -> usize {
        let end = ranks.end.min(self.len());
        let count = end.saturating_sub(ranks.start);
        let mut left = count;
        let mut entries = SlabVec::with_capacity(left.min(REMOVED_AT_ONCE));
        while left > 0 {
            let now = left.min(REMOVED_AT_ONCE);
            self.tree
                .drain(ranks.start..ranks.start + now, &mut entries);
            entries.iter().take(AHEAD).for_each(Entry::prefetch);
            for (at, entry) in entries.iter().enumerate() {
                if let Some(later) = entries.get(at + AHEAD) {
                    later.prefetch();
                }
                drop(self.index.take_entry(entry));
            }
            entries.clear();
            left -= now;
        }
        count
    }

    /// Starts loading what it takes to find these members by name.
    pub fn prefetch<'n>(&self, names: impl Iterator<Item = &'n [u8]> + Clone) {
        self.index.prefetch(names);
    }

    /// The score of `member`.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.index.find(member).map(MemberRef::score)
    }

    /// How many members come before `member`.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        self.rank_and_score(member).map(|(rank, _)| rank)
    }

    /// How many members come before `member`, and its score.
    pub fn rank_and_score(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        let rank = self
            .tree
            .partition_point(|entry| entry.is_before(score, member));
        Some((rank, score))
    }

    /// The member before which there are `rank` others, and its score.
    pub fn by_rank(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.tree.get(rank).map(pair)
    }

    /// A member, each with the same chance, and its score. `random` gives uniform 64-bit numbers.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<(&[u8], f64)> {
        let rank = (u128::from(random()) * self.len() as u128) >> 64;
        self.by_rank(rank as usize)
    }

    /// All members in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// The members with these ranks in order; ranks that no member has are left out.
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter(self.tree.range(ranks))
    }

    /// The ranks of the members whose scores are in the range. Their number is `ZCOUNT`'s answer.
    pub fn score_range(&self, range: &ScoreRange) -> Range<usize> {
        let start = self
            .tree
            .partition_point(|entry| range.begins_after(entry.score()));
        let end = self
            .tree
            .partition_point(|entry| range.reaches(entry.score()));
        start..end.max(start)
    }

    /// The ranks of the members in the range of names, if all members have the same score; otherwise the
    /// answer is some range.
    pub fn lex_range(&self, range: &LexRange<'_>) -> Range<usize> {
        let start = self
            .tree
            .partition_point(|entry| range.begins_after(entry.name()));
        let end = self
            .tree
            .partition_point(|entry| range.reaches(entry.name()));
        start..end.max(start)
    }

    /// Visits about `count` members from `position` on, in no useful order, and returns the position of the
    /// next step, or `None` at the end. The first position is 0. What is in the set throughout a walk is visited.
    pub fn scan(
        &self,
        position: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], f64),
    ) -> Option<u64> {
        self.index.scan(position, count, |member| {
            visit(member.name(), member.score())
        })
    }

    /// Checks that index and tree agree and that the tree is one.
    #[cfg(test)]
    fn check(&self) {
        self.tree.check();
        assert_eq!(self.index.len(), self.len());
        for (name, score) in self.iter() {
            assert_eq!(self.score(name).map(f64::to_bits), Some(score.to_bits()));
        }
    }
}

/// The part of a walk that is the tree's: behind all of the index.
const TREE: usize = usize::MAX;

impl Relocate for ZSet {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        if at.part != TREE {
            let tree = &mut self.tree;
            if !self.index.relocate(at, mover, |moved| tree.replace(moved)) {
                return false;
            }
            *at = Cursor {
                part: TREE,
                place: 0,
            };
        }
        self.tree.relocate(&mut at.place, mover)
    }
}

/// How many entries ahead of the one that is worked on are asked for.
const AHEAD: usize = 4;

fn pair(entry: &Entry) -> (&[u8], f64) {
    (entry.name(), entry.score())
}

impl Clone for ZSet {
    fn clone(&self) -> Self {
        Self::from_sorted(self.iter())
    }
}

impl std::fmt::Debug for ZSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = self
            .iter()
            .map(|(name, score)| (name.escape_ascii().to_string(), score));
        formatter.debug_map().entries(members).finish()
    }
}

/// Members and their scores in order, from both ends.
#[derive(Clone)]
pub struct Iter<'a>(Entries<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(pair)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl std::iter::FusedIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a ZSet {
    type Item = (&'a [u8], f64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
