//! The counted tree: entries ordered by score and name, reachable by place and by rank.
//!
//! Everything but a visit of every entry takes a walk from the root to a leaf. A tree of a billion entries is
//! six nodes deep, which bounds all recursion, that of dropping a tree too.

use std::iter::FusedIterator;
use std::ops::Range;

use super::member::Entry;
use super::node::{MAX, Node, Removal};
use crate::memory::{Mover, SlabVec};

pub(super) struct Tree {
    root: Node,
    len: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            root: Node::empty(),
            len: 0,
        }
    }
}

impl Tree {
    /// A tree of entries that come in order: all leaves full but the last.
    pub(super) fn from_sorted(mut entries: impl Iterator<Item = Entry>) -> Self {
        let mut len = 0;
        let mut level = Vec::new();
        loop {
            let mut leaf: SlabVec<_> = entries.by_ref().take(MAX).collect();
            if leaf.is_empty() {
                break;
            }
            leaf.shrink_to_fit();
            len += leaf.len();
            level.push(Node::Leaf(leaf));
        }
        while level.len() > 1 {
            let mut nodes = level.into_iter();
            let mut above = Vec::with_capacity(nodes.len().div_ceil(MAX));
            while nodes.len() > 0 {
                above.push(Node::over(nodes.by_ref().take(MAX).collect()));
            }
            level = above;
        }
        Self {
            root: level.pop().unwrap_or(Node::empty()),
            len,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory(&self) -> usize {
        self.root.memory(self.len)
    }

    /// Inserts an entry that is not there.
    pub(super) fn insert(&mut self, entry: Entry) {
        self.len += 1;
        if let Some(right) = self.root.insert(entry, true) {
            let left = std::mem::replace(&mut self.root, Node::empty());
            self.root = Node::over([left, right].into_iter().collect());
        }
    }

    /// Removes an entry that is there.
    pub(super) fn remove(&mut self, score: f64, name: &[u8]) {
        self.take_out(score, name, None);
    }

    /// Moves the entry with `score` and `entry`'s name to where `entry` belongs.
    pub(super) fn update(&mut self, score: f64, entry: Entry) {
        if self.take_out(score, entry.name(), Some(entry)) == Removal::Removed {
            self.insert(entry);
        }
    }

    fn take_out(&mut self, score: f64, name: &[u8], moved: Option<Entry>) -> Removal {
        let removal = self.root.remove(score, name, moved);
        debug_assert!(
            removal != Removal::Missing,
            "the index and the tree have the same members"
        );
        if removal == Removal::Removed {
            self.len -= 1;
            self.lower();
        }
        removal
    }

    /// Removes the entries with these ranks, which exist, and appends them to `out`.
    pub(super) fn drain(&mut self, ranks: Range<usize>, out: &mut SlabVec<Entry>) {
        if !ranks.is_empty() {
            self.root.drain(ranks.start, ranks.end, out);
            self.len -= ranks.len();
            self.lower();
        }
    }

    /// Puts an entry in the place of another one for the same member with the same score.
    pub(super) fn replace(&mut self, entry: Entry) {
        self.root.replace(entry);
    }

    /// Goes on with moving nodes from a rank on, and moves it on; true at the end.
    pub(super) fn relocate(&mut self, rank: &mut usize, mover: &mut Mover) -> bool {
        while mover.may_go_on() && *rank < self.len {
            mover.look();
            *rank += self.root.relocate(*rank, mover);
        }
        *rank >= self.len
    }

    /// Takes away roots that nothing hangs on but one node.
    fn lower(&mut self) {
        while let Some(child) = self.root.take_only_child() {
            self.root = child;
        }
        if self.len == 0 {
            self.root = Node::empty();
        }
    }

    /// How many entries from the first on are `before`: it holds for some first ones and for no later one.
    #[inline]
    pub(super) fn partition_point(&self, before: impl Fn(&Entry) -> bool) -> usize {
        self.root.partition_point(before)
    }

    #[inline]
    pub(super) fn get(&self, rank: usize) -> Option<&Entry> {
        if rank >= self.len {
            return None;
        }
        let (leaf, at) = self.root.leaf_of(rank);
        leaf.get(at)
    }

    /// The entries with these ranks; ranks that no entry has are left out.
    pub(super) fn range(&self, ranks: Range<usize>) -> Entries<'_> {
        let end = ranks.end.min(self.len);
        Entries {
            tree: self,
            ranks: ranks.start.min(end)..end,
            front: &[],
            back: &[],
        }
    }

    #[cfg(test)]
    pub(super) fn leaves(&self) -> usize {
        self.root.leaves()
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.root.count(), self.len);
        self.root.check();
    }
}

/// How many members ahead of the one that is read are asked for.
const AHEAD: usize = 8;

/// Entries in order, from both ends.
#[derive(Clone)]
pub(super) struct Entries<'a> {
    tree: &'a Tree,
    /// What is still to come. A leaf's rest is kept at either end; the next leaf is found by its rank.
    ranks: Range<usize>,
    front: &'a [Entry],
    back: &'a [Entry],
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a Entry;

    #[inline]
    fn next(&mut self) -> Option<&'a Entry> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.front.is_empty() {
            let (leaf, at) = self.tree.root.leaf_of(self.ranks.start);
            self.front = &leaf[at..leaf.len().min(at + self.ranks.len())];
            self.front.iter().take(AHEAD).for_each(Entry::prefetch);
        }
        let (entry, rest) = self.front.split_first()?;
        if let Some(later) = rest.get(AHEAD) {
            later.prefetch();
        }
        self.front = rest;
        self.ranks.start += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }
}

impl<'a> DoubleEndedIterator for Entries<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<&'a Entry> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.back.is_empty() {
            let (leaf, at) = self.tree.root.leaf_of(self.ranks.end - 1);
            self.back = &leaf[(at + 1).saturating_sub(self.ranks.len())..=at];
            self.back.iter().rev().take(AHEAD).for_each(Entry::prefetch);
        }
        let (entry, rest) = self.back.split_last()?;
        if let Some(later) = rest.len().checked_sub(AHEAD + 1) {
            rest[later].prefetch();
        }
        self.back = rest;
        self.ranks.end -= 1;
        Some(entry)
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}
