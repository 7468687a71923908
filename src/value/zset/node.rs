//! Nodes of the counted tree: what happens inside one, and between a node and its children.
//!
//! A leaf holds up to [`MAX`] entries in order. An inner node holds up to as many children, and of each child
//! the first entry and the number of entries below it: enough to find a place or a rank by looking at one
//! child a level. All leaves are equally deep and no node but the root is empty.
//!
//! Nodes are vectors that grow and shrink in small steps, along the size classes of the slabs: a leaf that a split left half full is also half as big, so that the order of insertion hardly shows in the
//! memory. A split at either end of the tree leaves the full node full: sets that are built in order have full
//! leaves.

use super::member::Entry;
use crate::memory::{Mover, SlabVec, prefetch_read};

/// Most entries of a leaf, most children of an inner node.
pub(super) const MAX: usize = 64;
/// A node with fewer is joined with a neighbour, or takes some from it.
const MIN: usize = MAX / 4;
/// Two neighbours become one if it has no more than this: room for the next insertions.
const JOINED: usize = MAX * 3 / 4;

/// A subtree.
pub(super) enum Node {
    Leaf(SlabVec<Entry>),
    Inner(Box<Inner>),
}

/// What became of an entry to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Removed,
    /// It is where it was, with its new score.
    Stays,
    Missing,
}

/// The three vectors have an element a child.
pub(super) struct Inner {
    firsts: SlabVec<Entry>,
    counts: SlabVec<usize>,
    children: SlabVec<Node>,
}

/// The capacity for so many elements: in steps that waste little and that the allocator has as classes.
fn capacity_for(len: usize) -> usize {
    len.next_multiple_of(if len <= MAX / 2 { 4 } else { 8 })
}

/// Inserts, growing by a step if the vector is full.
fn insert_at<T>(elements: &mut SlabVec<T>, at: usize, element: T) {
    if elements.len() == elements.capacity() {
        elements.reserve_exact(capacity_for(elements.len() + 1) - elements.len());
    }
    elements.insert(at, element);
}

/// Gives capacity back that is more than two steps beyond what is needed.
fn trim<T>(elements: &mut SlabVec<T>) {
    if elements.capacity() >= capacity_for(elements.len()) + 16 {
        elements.shrink_to(capacity_for(elements.len() + 4));
    }
}

/// Splits off what is from `at` on; both parts are as big as they need to be.
fn split_off<T>(elements: &mut SlabVec<T>, at: usize) -> SlabVec<T> {
    let mut right = SlabVec::with_capacity(capacity_for(elements.len() - at));
    elements.move_to(at..elements.len(), &mut right);
    elements.shrink_to(capacity_for(at));
    right
}

/// Where to split a full node into which an element goes at `at`: in the middle, but at the ends of the whole
/// tree such that the new element gets a node of its own. An element comes first in a leaf only at the tree's
/// beginning; behind the last one of a node in the midst of the tree others may follow in any order, and each
/// would get a node of its own.
fn split_place(at: usize, is_last: bool) -> usize {
    if at == 0 || at == MAX && is_last {
        at
    } else {
        MAX / 2
    }
}

impl Node {
    pub(super) const fn empty() -> Self {
        Self::Leaf(SlabVec::new())
    }

    /// A node over `children`, in order, none of them empty, at most [`MAX`].
    pub(super) fn over(children: SlabVec<Self>) -> Self {
        debug_assert!(children.len() <= MAX);
        Self::Inner(Box::new(Inner {
            firsts: children.iter().map(Self::first).collect(),
            counts: children.iter().map(Self::count).collect(),
            children,
        }))
    }

    /// Entries below.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(inner) => inner.counts.iter().sum(),
        }
    }

    /// Entries of a leaf, children of an inner node.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(inner) => inner.children.len(),
        }
    }

    /// The only child of an inner node that has no other.
    pub(super) fn take_only_child(&mut self) -> Option<Self> {
        match self {
            Self::Inner(inner) if inner.children.len() == 1 => inner.children.pop(),
            _ => None,
        }
    }

    /// The first entry; the node is not empty.
    fn first(&self) -> Entry {
        match self {
            Self::Leaf(entries) => entries[0],
            Self::Inner(inner) => inner.firsts[0],
        }
    }

    /// Bytes of this node and all below: exact for a leaf, else an estimate from the number of entries. An entry
    /// is 16 B, of which 13 in 14 are in use, and its part of the inner nodes 1.3 B.
    pub(super) fn memory(&self, entries: usize) -> usize {
        match self {
            Self::Leaf(entries) => entries.capacity() * size_of::<Entry>(),
            Self::Inner(_) => entries * 37 / 2,
        }
    }

    /// Asks the processor for all of a leaf at once: a search would ask for one line after the other.
    #[inline]
    fn prefetch(&self) {
        if let Self::Leaf(entries) = self {
            for line in entries.chunks(64 / size_of::<Entry>()) {
                prefetch_read(line.as_ptr());
            }
        }
    }

    /// How many entries from the first on are `before`: it holds for some first ones and for no later one.
    #[inline]
    pub(super) fn partition_point(&self, before: impl Fn(&Entry) -> bool) -> usize {
        let (mut node, mut rank) = (self, 0);
        loop {
            match node {
                Self::Leaf(entries) => return rank + entries.partition_point(&before),
                Self::Inner(inner) => {
                    let Some(child) = inner.firsts.partition_point(&before).checked_sub(1) else {
                        return rank;
                    };
                    node = &inner.children[child];
                    node.prefetch();
                    rank += inner.counts[..child].iter().sum::<usize>();
                }
            }
        }
    }

    /// The leaf with the entry of this rank, and its place there; the rank is less than the count.
    #[inline]
    pub(super) fn leaf_of(&self, mut rank: usize) -> (&[Entry], usize) {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(entries) => return (entries, rank),
                Self::Inner(inner) => {
                    let (child, rest) = inner.child_of(rank);
                    (node, rank) = (&inner.children[child], rest);
                }
            }
        }
    }

    /// Inserts an entry that is not there. If the node had to be split, what is now right of it is returned.
    /// `is_last` says that nothing in the tree comes after this node.
    pub(super) fn insert(&mut self, entry: Entry, is_last: bool) -> Option<Self> {
        match self {
            Self::Leaf(entries) => {
                let at = place(entries, entry.score(), entry.name());
                if entries.len() < MAX {
                    insert_at(entries, at, entry);
                    return None;
                }
                let middle = split_place(at, is_last);
                let mut right = split_off(entries, middle);
                if at < middle || at == 0 {
                    insert_at(entries, at, entry);
                } else {
                    insert_at(&mut right, at - middle, entry);
                }
                Some(Self::Leaf(right))
            }
            Self::Inner(inner) => {
                let child = inner.child_for(entry.score(), entry.name());
                inner.children[child].prefetch();
                let is_last_child = is_last && child + 1 == inner.children.len();
                let right = inner.children[child].insert(entry, is_last_child);
                inner.firsts[child] = inner.children[child].first();
                inner.counts[child] += 1;
                let right = right?;
                inner.counts[child] -= right.count();
                inner.insert(child + 1, right, is_last).map(Self::Inner)
            }
        }
    }

    /// Removes the entry with this score and name, unless `moved`, which is the same entry with its new score,
    /// keeps its place: then it is put there. The node may be empty after it.
    pub(super) fn remove(&mut self, score: f64, name: &[u8], moved: Option<Entry>) -> Removal {
        match self {
            Self::Leaf(entries) => {
                let at = place(entries, score, name);
                if !entries
                    .get(at)
                    .is_some_and(|entry| entry.score() == score && entry.name() == name)
                {
                    return Removal::Missing;
                }
                if let Some(moved) = moved.filter(|moved| keeps_place(entries, at, moved)) {
                    entries[at] = moved;
                    return Removal::Stays;
                }
                entries.remove(at);
                trim(entries);
                Removal::Removed
            }
            Self::Inner(inner) => {
                let child = inner.child_for(score, name);
                inner.children[child].prefetch();
                let removal = inner.children[child].remove(score, name, moved);
                if removal == Removal::Removed {
                    inner.counts[child] -= 1;
                    inner.settle(child);
                }
                removal
            }
        }
    }

    /// Moves the entries with the ranks `from..to` to `out`. The node may be empty after it.
    pub(super) fn drain(&mut self, from: usize, to: usize, out: &mut SlabVec<Entry>) {
        match self {
            Self::Leaf(entries) => {
                entries.move_to(from..to, out);
                trim(entries);
            }
            Self::Inner(inner) => inner.drain(from, to, out),
        }
    }

    /// Puts an entry in the place of another one for the same member with the same score.
    pub(super) fn replace(&mut self, entry: Entry) {
        match self {
            Self::Leaf(entries) => {
                let at = place(entries, entry.score(), entry.name());
                debug_assert!(entries[at].name() == entry.name());
                entries[at] = entry;
            }
            Self::Inner(inner) => {
                let child = inner.child_for(entry.score(), entry.name());
                inner.children[child].prefetch();
                inner.children[child].replace(entry);
                inner.firsts[child] = inner.children[child].first();
            }
        }
    }

    /// Moves the leaf with the entry of this rank, which there is, and the nodes above that begin with that entry, out of slabs that are to
    /// be emptied. Returns how many entries the leaf has from there on.
    pub(super) fn relocate(&mut self, rank: usize, mover: &mut Mover) -> usize {
        match self {
            Self::Leaf(entries) => {
                entries.relocate(mover);
                entries.len() - rank
            }
            Self::Inner(inner) => {
                if rank == 0 {
                    inner.firsts.relocate(mover);
                    inner.counts.relocate(mover);
                    inner.children.relocate(mover);
                }
                let (child, rest) = inner.child_of(rank);
                inner.children[child].relocate(rest, mover)
            }
        }
    }

    /// Appends what is in the right neighbour, which is equally deep.
    fn append(&mut self, right: Self) {
        match (self, right) {
            (Self::Leaf(entries), Self::Leaf(mut more)) => {
                entries.reserve_exact(capacity_for(entries.len() + more.len()) - entries.len());
                more.move_to(0..more.len(), entries);
            }
            (Self::Inner(inner), Self::Inner(mut more)) => {
                more.firsts.move_to(0..more.firsts.len(), &mut inner.firsts);
                more.counts.move_to(0..more.counts.len(), &mut inner.counts);
                more.children
                    .move_to(0..more.children.len(), &mut inner.children);
            }
            _ => unreachable!("all leaves of a tree are equally deep"),
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Leaf(entries) => Self::Leaf(split_off(entries, at)),
            Self::Inner(inner) => Self::Inner(Box::new(inner.split_off(at))),
        }
    }

    #[cfg(test)]
    pub(super) fn leaves(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Inner(inner) => inner.children.iter().map(Self::leaves).sum(),
        }
    }

    /// Checks what the module promises. Returns the depth.
    #[cfg(test)]
    pub(super) fn check(&self) -> usize {
        match self {
            Self::Leaf(entries) => {
                assert!(entries.len() <= MAX);
                for pair in entries.windows(2) {
                    assert!(pair[0].is_before(pair[1].score(), pair[1].name()));
                }
                0
            }
            Self::Inner(inner) => {
                assert!((1..=MAX).contains(&inner.children.len()));
                assert_eq!(inner.firsts.len(), inner.children.len());
                assert_eq!(inner.counts.len(), inner.children.len());
                for (child, node) in inner.children.iter().enumerate() {
                    assert!(inner.counts[child] > 0 && inner.counts[child] == node.count());
                    let first = node.first();
                    assert!(
                        inner.firsts[child].is_of(&first)
                            && inner.firsts[child].score() == first.score()
                    );
                    if let Some(next) = inner.firsts.get(child + 1) {
                        let (leaf, last) = node.leaf_of(node.count() - 1);
                        assert!(leaf[last].is_before(next.score(), next.name()));
                    }
                }
                let depths: Vec<_> = inner.children.iter().map(Self::check).collect();
                assert!(depths.iter().all(|&depth| depth == depths[0]));
                depths[0] + 1
            }
        }
    }
}

/// Where an entry with this score and name is or belongs.
fn place(entries: &[Entry], score: f64, name: &[u8]) -> usize {
    entries.partition_point(|entry| entry.is_before(score, name))
}

/// Whether an entry could stand at `at` too, as the neighbours in the leaf show. At the ends they do not: the
/// first entry of a leaf is known further up.
fn keeps_place(entries: &[Entry], at: usize, moved: &Entry) -> bool {
    let neighbours = at.checked_sub(1).and_then(|from| entries.get(from..at + 2));
    let Some([before, _, behind]) = neighbours else {
        return false;
    };
    before.is_before(moved.score(), moved.name()) && moved.is_before(behind.score(), behind.name())
}

impl Inner {
    /// The child where an entry with this score and name is or belongs.
    fn child_for(&self, score: f64, name: &[u8]) -> usize {
        let not_behind = |first: &Entry| {
            first.score() < score || (first.score() == score && first.name() <= name)
        };
        self.firsts.partition_point(not_behind).saturating_sub(1)
    }

    /// The child with the entry of this rank, and the entry's rank there.
    #[inline]
    fn child_of(&self, mut rank: usize) -> (usize, usize) {
        let mut child = 0;
        while rank >= self.counts[child] {
            rank -= self.counts[child];
            child += 1;
        }
        (child, rank)
    }

    /// Inserts a child; splits if there are too many and returns what is now to the right.
    fn insert(&mut self, at: usize, child: Node, is_last: bool) -> Option<Box<Self>> {
        if self.children.len() < MAX {
            self.insert_child(at, child);
            return None;
        }
        let middle = split_place(at, is_last);
        let mut right = self.split_off(middle);
        if at < middle {
            self.insert_child(at, child);
        } else {
            right.insert_child(at - middle, child);
        }
        Some(Box::new(right))
    }

    fn insert_child(&mut self, at: usize, child: Node) {
        insert_at(&mut self.firsts, at, child.first());
        insert_at(&mut self.counts, at, child.count());
        insert_at(&mut self.children, at, child);
    }

    fn remove_child(&mut self, at: usize) -> Node {
        self.firsts.remove(at);
        self.counts.remove(at);
        let child = self.children.remove(at);
        trim(&mut self.firsts);
        trim(&mut self.counts);
        trim(&mut self.children);
        child
    }

    fn split_off(&mut self, at: usize) -> Self {
        Self {
            firsts: split_off(&mut self.firsts, at),
            counts: split_off(&mut self.counts, at),
            children: split_off(&mut self.children, at),
        }
    }

    /// After a removal below `child`: drops it if it is empty, and joins it with a neighbour if it is small.
    fn settle(&mut self, child: usize) {
        let width = self.children[child].width();
        if width == 0 {
            self.remove_child(child);
            return;
        }
        self.firsts[child] = self.children[child].first();
        if width < MIN && self.children.len() > 1 {
            self.balance(if child > 0 { child - 1 } else { 0 });
        }
    }

    /// Makes one node of the child at `left` and the next one, or two of about the same size.
    fn balance(&mut self, left: usize) {
        let right = self.remove_child(left + 1);
        let node = &mut self.children[left];
        node.append(right);
        let width = node.width();
        let right = (width > JOINED).then(|| node.split_off(width / 2));
        self.counts[left] = node.count();
        if let Some(right) = right {
            self.insert_child(left + 1, right);
        }
    }

    fn drain(&mut self, from: usize, to: usize, out: &mut SlabVec<Entry>) {
        let mut rank = 0;
        // The children that lose entries: those in between lose all.
        let (mut first, mut last) = (self.children.len(), 0);
        for child in 0..self.children.len() {
            let count = self.counts[child];
            let taken = from.max(rank)..to.min(rank + count);
            if !taken.is_empty() {
                self.children[child].drain(taken.start - rank, taken.end - rank, out);
                self.counts[child] -= taken.len();
                first = first.min(child);
                last = child;
            }
            rank += count;
        }
        // From the right, so that what is dropped or joined does not move those still to be settled.
        for child in (first..=last).rev() {
            if child < self.children.len() {
                self.settle(child);
            }
        }
    }
}
