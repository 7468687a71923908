//! Large lists: a ring of nodes, each packing many elements into one buffer.
//!
//! A node holds up to `list-max-listpack-size`, 8 kB unless told otherwise; an element that is too big for that is a node of
//! its own.  Its frames lie somewhere in its buffer, with room on both sides, so that pushing and popping at either end
//! moves nothing; the buffer of a node at an end grows by doubling, and gives its spare room back when another node comes to
//! stand beyond it.
//!
//! An index is found by summing up the nodes' lengths from the nearer end.  The ring holds the nodes' headers, 32 bytes
//! each and side by side: for ten million elements of 24 bytes that is a walk over half a megabyte at worst, and the
//! processor sees it coming.

mod limits;
mod node;

use std::collections::VecDeque;
use std::ops::{Deref, Range};

use bytes::Bytes;

pub use limits::Limits;
use node::{Node, Packed};

use super::packed::PackedList;
use super::relocate::{Cursor, Relocate};
use crate::memory::{self, Mover};

/// From this many bytes an element has an allocation of its own, which replies can share.
pub const BIG_ELEMENT: usize = 16 * 1024;

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is: the left end.
    Head,
    /// Where index -1 is: the right end.
    Tail,
}

/// An element, borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Element<'a> {
    /// Bytes that somebody else owns.
    Plain(&'a [u8]),
    /// An allocation that can be shared.
    Shared(&'a Bytes),
}

impl<'a> Element<'a> {
    /// The bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// An owned copy; of an allocation that can be shared, another share.
    pub fn to_shared(self) -> Bytes {
        match self {
            Self::Plain(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes.clone(),
        }
    }
}

impl Deref for Element<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

/// A large list.
#[derive(Debug, Default, Clone)]
pub struct List {
    nodes: VecDeque<Node>,
    len: usize,
    /// Bytes that the nodes have on the heap.
    heap: usize,
}

impl List {
    /// The same list in large form.
    pub fn from_packed(packed: PackedList<'_>) -> Self {
        let mut list = Self::default();
        if !packed.is_empty() {
            let node = Node::Packed(Packed::from_frames(packed.iter().bytes(), packed.len()));
            list.insert_node(0, node);
        }
        list
    }

    /// The same list in packed form, if it has become small enough.
    pub fn to_packed(&self, limits: Limits) -> Option<Vec<u8>> {
        match self.nodes.as_slices() {
            ([Node::Packed(packed)], []) | ([], [Node::Packed(packed)])
                if limits.pack_again(packed.used(), self.len) =>
            {
                Some(PackedList::from_frames(packed.frames(), self.len))
            }
            _ => None,
        }
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.nodes.capacity() * size_of::<Node>() + self.heap
    }

    /// The elements' bytes, from the head to the tail; or, reversed, from the tail to the head.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.elements().map(Element::bytes)
    }

    /// The elements, from the head to the tail; or, reversed, from the tail to the head.
    pub fn elements(&self) -> impl DoubleEndedIterator<Item = Element<'_>> {
        self.nodes.iter().flat_map(Node::elements)
    }

    /// The elements from an index on.
    pub fn elements_from(&self, index: usize) -> impl Iterator<Item = Element<'_>> {
        let place = self.locate(index);
        let (first, rest) = match place {
            Some((at, within)) => (Some(self.nodes[at].elements_from(within)), at + 1),
            None => (None, self.nodes.len()),
        };
        first
            .into_iter()
            .flatten()
            .chain(self.nodes.range(rest..).flat_map(Node::elements))
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<Element<'_>> {
        let (at, within) = self.locate(index)?;
        self.nodes[at].elements_from(within).next()
    }

    /// The element at an end.
    #[inline]
    pub fn peek(&self, end: End) -> Option<Element<'_>> {
        match end {
            End::Head => self.nodes.front()?.elements().next(),
            End::Tail => self.nodes.back()?.elements().next_back(),
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, element: Element<'_>, limits: Limits) {
        let at = self.at_end(end);
        if let Some(Node::Packed(packed)) = self.nodes.get_mut(at)
            && packed.admits(element.len(), limits)
        {
            let heap = packed.heap();
            packed.push(end, &element, limits);
            self.heap = self.heap - heap + packed.heap();
            self.len += 1;
            return;
        }
        if !self.nodes.is_empty() {
            self.change(at, Node::fit);
        }
        let at = match end {
            End::Head => 0,
            End::Tail => self.nodes.len(),
        };
        self.insert_node(at, Node::of(element, end, limits));
    }

    /// Removes the element at an end, once `see` has seen it; nothing happens if there is none.
    #[inline]
    pub fn pop(&mut self, end: End, see: impl FnOnce(Element<'_>)) {
        let at = self.at_end(end);
        match self.nodes.get_mut(at) {
            Some(Node::Packed(packed)) if packed.len() > 1 => {
                packed.pop(end, |element| see(Element::Plain(element)));
                self.len -= 1;
            }
            Some(node) => {
                if let Some(element) = node.elements().next() {
                    see(element);
                }
                self.remove_nodes(at..at + 1);
            }
            None => {}
        }
    }

    /// Inserts an element such that it has this index; behind the last if the index is larger than it can be.
    pub fn insert(&mut self, index: usize, element: Element<'_>, limits: Limits) {
        let Some((at, within)) = self.locate(index) else {
            return self.push(End::Tail, element, limits);
        };
        if index == 0 {
            return self.push(End::Head, element, limits);
        }
        if self.nodes[at].admits(element.len(), limits) {
            return self.change(at, |node| node.insert(within, element, limits));
        }
        // The place of the first node behind the new element.
        let mut behind = at;
        if within > 0 {
            let right = self.change(at, |node| node.split_off(within));
            behind += 1;
            self.insert_node(behind, right);
        }
        if self.nodes[behind - 1].admits(element.len(), limits) {
            self.change(behind - 1, |node| node.insert(node.len(), element, limits));
        } else if self.nodes[behind].admits(element.len(), limits) {
            self.change(behind, |node| node.insert(0, element, limits));
        } else {
            self.insert_node(behind, Node::of(element, End::Tail, limits));
        }
        for at in (behind.saturating_sub(2)..=behind + 1).rev() {
            self.merge(at, limits);
        }
    }

    /// Replaces the element at an index; tells whether there is one.
    pub fn set(&mut self, index: usize, element: Element<'_>, limits: Limits) -> bool {
        let Some((at, within)) = self.locate(index) else {
            return false;
        };
        let done = self.change(at, |node| match node {
            Node::Packed(packed) if packed.len() > 1 => packed.set(within, &element, limits),
            alone => {
                *alone = Node::of(element, End::Tail, limits);
                true
            }
        });
        if !done {
            self.remove_range(index..index + 1);
            self.insert(index, element, limits);
        }
        true
    }

    /// Removes the elements with these indices, as far as there are any.
    pub fn remove_range(&mut self, indices: Range<usize>) {
        let mut left = indices.end.min(self.len).saturating_sub(indices.start);
        let Some((mut at, within)) = self.locate(indices.start).filter(|_| left > 0) else {
            return;
        };
        if within > 0 {
            let removed = left.min(self.nodes[at].len() - within);
            self.change(at, |node| node.remove_range(within..within + removed));
            left -= removed;
            at += 1;
        }
        let mut end = at;
        while end < self.nodes.len() && left >= self.nodes[end].len() {
            left -= self.nodes[end].len();
            end += 1;
        }
        self.remove_nodes(at..end);
        if left > 0 {
            self.change(at, |node| node.remove_range(0..left));
        }
    }

    /// Removes up to `most` elements that equal `element`, beginning with those nearest to `from`.  Returns how many.
    pub fn remove_equal(&mut self, element: &[u8], most: usize, from: End) -> usize {
        let before = self.len;
        for step in 0..self.nodes.len() {
            let removed = before - self.len;
            if removed == most {
                break;
            }
            let at = match from {
                End::Head => step,
                End::Tail => self.nodes.len() - 1 - step,
            };
            self.change(at, |node| {
                node.remove_equal(element, most - removed, from);
            });
        }
        if self.len < before {
            let heap = &mut self.heap;
            self.nodes.retain(|node| {
                if node.len() == 0 {
                    *heap -= node.heap();
                }
                node.len() > 0
            });
        }
        before - self.len
    }

    /// The node at an end, if there is any.
    #[inline]
    fn at_end(&self, end: End) -> usize {
        match end {
            End::Head => 0,
            End::Tail => self.nodes.len().saturating_sub(1),
        }
    }

    /// The node that holds the element at `index`, and which of its elements that is.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index < self.len / 2 {
            let mut left = index;
            for (at, node) in self.nodes.iter().enumerate() {
                if left < node.len() {
                    return Some((at, left));
                }
                left -= node.len();
            }
        } else {
            let mut left = self.len.checked_sub(index)?;
            for (at, node) in self.nodes.iter().enumerate().rev() {
                if left <= node.len() {
                    return Some((at, node.len() - left)).filter(|_| left > 0);
                }
                left -= node.len();
            }
        }
        None
    }

    /// Changes a node and keeps the accounts.
    fn change<R>(&mut self, at: usize, f: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[at];
        let (len, heap) = (node.len(), node.heap());
        let result = f(node);
        self.len = self.len - len + node.len();
        self.heap = self.heap - heap + node.heap();
        result
    }

    fn insert_node(&mut self, at: usize, node: Node) {
        self.len += node.len();
        self.heap += node.heap();
        self.nodes.insert(at, node);
    }

    fn remove_nodes(&mut self, range: Range<usize>) {
        let many = range.len() > FREE_INLINE;
        for node in self.nodes.range(range.clone()) {
            self.len -= node.len();
            self.heap -= node.heap();
        }
        let removed = self.nodes.drain(range);
        if many {
            let removed: Vec<_> = removed.collect();
            let bytes = removed.iter().map(Node::heap).sum();
            memory::reclaim::later(removed, bytes);
        } else {
            drop(removed);
        }
        if self.nodes.capacity() > 4 * self.nodes.len().max(SMALL_RING) {
            self.nodes.shrink_to(2 * self.nodes.len());
        }
    }

    /// Makes one node of the node at `at` and the next, if they fit into one.
    fn merge(&mut self, at: usize, limits: Limits) {
        let (Some(Node::Packed(left)), Some(Node::Packed(right))) =
            (self.nodes.get(at), self.nodes.get(at + 1))
        else {
            return;
        };
        if limits.admits_all(left.used() + right.used(), left.len() + right.len()) {
            let right = right.clone();
            self.remove_nodes(at + 1..at + 2);
            self.change(at, |node| node.append(&right, limits));
        }
    }
}

impl Relocate for List {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        while mover.may_go_on() {
            let Some(node) = self.nodes.get_mut(at.place) else {
                return true;
            };
            mover.look();
            node.relocate(mover);
            at.place += 1;
        }
        at.place >= self.nodes.len()
    }
}

/// More nodes than this are freed on a thread of their own, off the request's path.
const FREE_INLINE: usize = 64;
/// A ring of headers is not made smaller than for this many nodes.
const SMALL_RING: usize = 16;

#[cfg(test)]
mod tests;
