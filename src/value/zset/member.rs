//! Members: one thin allocation each, and the entries of the tree that point at them.
//!
//! ```text
//! score   length       name
//! 8 B     1 to 10 B    ...
//! ```
//!
//! The member index owns the members. The tree holds [`Entry`]s: a copy of the score, so that a search
//! compares without leaving the node, and the member's address for its name. An address is made into an
//! entry only through an unsafe constructor, whose caller answers for the entry's life.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::memory;
use crate::value::hasher;
use crate::value::table::Thin;

/// Where the length begins: behind the score.
const LENGTH_AT: usize = size_of::<f64>();
/// Bits of the length in each of its bytes; the eighth says that another byte follows.
const LENGTH_BITS: u32 = 7;
const MORE: u8 = 1 << LENGTH_BITS;

/// An owned member of a sorted set: its name and its score.
pub(super) struct Member(NonNull<u8>);

// SAFETY: a member owns its allocation, which holds plain bytes.
unsafe impl Send for Member {}

impl Member {
    pub(super) fn new(name: &[u8], score: f64) -> Self {
        let length_bytes = length_bytes(name.len());
        let block = memory::alloc(LENGTH_AT + length_bytes + name.len());
        // SAFETY: the block has room for the score, the length and the name, one behind the other.
        unsafe {
            block.cast::<f64>().write(score);
            let mut at = block.as_ptr().add(LENGTH_AT);
            let mut rest = name.len();
            while rest >= usize::from(MORE) {
                at.write(rest as u8 | MORE);
                at = at.add(1);
                rest >>= LENGTH_BITS;
            }
            at.write(rest as u8);
            ptr::copy_nonoverlapping(name.as_ptr(), at.add(1), name.len());
        }
        Self(block)
    }

    /// The member, borrowed.
    #[inline]
    pub(super) fn as_ref(&self) -> MemberRef<'_> {
        MemberRef(self.0, PhantomData)
    }

    /// The name.
    pub(super) fn name(&self) -> &[u8] {
        self.as_ref().name()
    }

    /// The score.
    pub(super) fn score(&self) -> f64 {
        self.as_ref().score()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let size = self.as_ref().size();
        // SAFETY: `new` allocated this size, and the owner lets go of the block.
        unsafe { memory::free(self.0, size) }
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(formatter)
    }
}

/// How many bytes it takes to write down a length.
fn length_bytes(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    bits.div_ceil(LENGTH_BITS).max(1) as usize
}

/// A borrowed member.
#[derive(Clone, Copy)]
pub(super) struct MemberRef<'a>(NonNull<u8>, PhantomData<&'a Member>);

impl<'a> MemberRef<'a> {
    #[inline]
    pub(super) fn score(self) -> f64 {
        // SAFETY: a member begins with its score, aligned as the block is.
        unsafe { self.0.cast::<f64>().read() }
    }

    /// Where the name begins in the block, and its length.
    #[inline]
    fn name_place(self) -> (usize, usize) {
        let (mut at, mut length, mut shift) = (LENGTH_AT, 0, 0);
        loop {
            // SAFETY: the length stands behind the score, and its last byte has no `MORE`.
            let byte = unsafe { self.0.as_ptr().add(at).read() };
            at += 1;
            length |= usize::from(byte & !MORE) << shift;
            if byte & MORE == 0 {
                return (at, length);
            }
            shift += LENGTH_BITS;
        }
    }

    #[inline]
    pub(super) fn name(self) -> &'a [u8] {
        let (at, length) = self.name_place();
        // SAFETY: the name lies behind its length, and the member is borrowed for 'a. Only the score is ever
        // overwritten, which this slice does not cover.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(at), length) }
    }

    /// Bytes of the allocation, as they were asked for.
    pub(super) fn size(self) -> usize {
        let (at, length) = self.name_place();
        at + length
    }
}

impl std::fmt::Debug for MemberRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}: {}",
            self.name().escape_ascii(),
            self.score()
        )
    }
}

/// A borrowed member whose score may be changed.
pub(super) struct MemberMut<'a>(MemberRef<'a>);

impl MemberMut<'_> {
    /// Changes the score here; the tree's entry is the caller's to move.
    #[inline]
    pub(super) fn set_score(&mut self, score: f64) {
        // SAFETY: a member begins with its score, and nobody has a reference to it: scores are read by value.
        unsafe { self.0.0.cast::<f64>().write(score) }
    }
}

// SAFETY: both directions hand over the same block, whose address is a multiple of 8; a member stays where it
// is; and `borrow` gives what the table's caller promises to be borrowed.
unsafe impl Thin for Member {
    type Ref<'a> = MemberRef<'a>;
    type Mut<'a> = MemberMut<'a>;

    fn into_raw(self) -> NonNull<u8> {
        let block = self.0;
        std::mem::forget(self);
        block
    }

    unsafe fn from_raw(block: NonNull<u8>) -> Self {
        Self(block)
    }

    unsafe fn borrow<'a>(block: NonNull<u8>) -> MemberRef<'a> {
        MemberRef(block, PhantomData)
    }

    unsafe fn borrow_mut<'a>(block: NonNull<u8>) -> MemberMut<'a> {
        MemberMut(MemberRef(block, PhantomData))
    }

    fn size(member: MemberRef<'_>) -> usize {
        member.size()
    }

    fn hash(member: MemberRef<'_>) -> u64 {
        hasher::hash(member.name())
    }
}

/// What the tree holds of a member: its score and its address.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    score: f64,
    member: NonNull<u8>,
}

// SAFETY: an entry reads its member, which goes where the entry's set goes.
unsafe impl Send for Entry {}

impl Entry {
    /// An entry for a member that has, or is about to have, this score.
    ///
    /// # Safety
    /// The member outlives the entry and its copies, or at least every call of [`Entry::name`] on them.
    #[inline]
    pub(super) unsafe fn new(member: MemberRef<'_>, score: f64) -> Self {
        Self {
            score,
            member: member.0,
        }
    }

    #[inline]
    pub(super) fn score(&self) -> f64 {
        self.score
    }

    /// The member's name. It reads the member, while the score is at hand.
    #[inline]
    pub(super) fn name(&self) -> &[u8] {
        MemberRef(self.member, PhantomData).name()
    }

    /// Whether this is the entry for `member`: the address says it.
    #[inline]
    pub(super) fn is_for(&self, member: MemberRef<'_>) -> bool {
        self.member == member.0
    }

    /// Whether both are for the same member.
    #[cfg(test)]
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.member == other.member
    }

    /// Whether this entry comes before the place of `score` and `name`: by score, then by the name's bytes.
    #[inline]
    pub(super) fn is_before(&self, score: f64, name: &[u8]) -> bool {
        self.score < score || (self.score == score && self.name() < name)
    }

    /// Asks the processor for the member's first bytes.
    #[inline]
    pub(super) fn prefetch(&self) {
        memory::prefetch_read(self.member.as_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_lengths_come_back() {
        for length in [0, 1, 2, 127, 128, 129, 16_383, 16_384, 100_000] {
            let name: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let member = Member::new(&name, -1.5);
            assert_eq!((member.name(), member.score()), (&name[..], -1.5));
        }
    }

    #[test]
    fn a_short_name_takes_nine_bytes_more() {
        assert_eq!(Member::new(b"player:000000000000", 0.0).as_ref().size(), 28);
        assert_eq!(memory::class_size(28), 32);
    }

    #[test]
    fn the_order_is_by_score_then_by_bytes() {
        let member = Member::new(b"b", 1.0);
        // SAFETY: the member outlives the entry.
        let entry = unsafe { Entry::new(member.as_ref(), 1.0) };
        assert!(
            entry.is_before(1.5, b"")
                && entry.is_before(1.0, b"ba")
                && entry.is_before(f64::INFINITY, b"")
        );
        assert!(
            !entry.is_before(1.0, b"b")
                && !entry.is_before(1.0, b"")
                && !entry.is_before(-1.0, b"c")
        );
    }
}
