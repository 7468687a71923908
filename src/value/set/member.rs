//! Members: one thin allocation each, its length and its bytes.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::memory;
use crate::value::hasher;
use crate::value::length::{length_bytes, read_length, write_length};
use crate::value::table::Thin;

/// A member of a large set, owned.
pub struct OwnedMember(NonNull<u8>);

// SAFETY: a member owns its allocation, which holds plain bytes.
unsafe impl Send for OwnedMember {}
// SAFETY: through a shared member one only reads.
unsafe impl Sync for OwnedMember {}

impl OwnedMember {
    #[inline]
    pub(super) fn new(bytes: &[u8]) -> Self {
        let block = memory::alloc(length_bytes(bytes.len()) + bytes.len());
        // SAFETY: the block has room for the length and the bytes behind it.
        unsafe {
            let at = write_length(block.as_ptr(), bytes.len());
            ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        }
        Self(block)
    }

    fn view(&self) -> Member<'_> {
        Member(self.0, PhantomData)
    }

    /// The member's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.view().bytes()
    }

    /// Bytes of the block, as they were asked for.
    pub(super) fn size(&self) -> usize {
        self.view().size()
    }
}

impl Drop for OwnedMember {
    fn drop(&mut self) {
        let size = self.size();
        // SAFETY: the block was allocated with this size, and its owner lets go.
        unsafe { memory::free(self.0, size) }
    }
}

impl std::fmt::Debug for OwnedMember {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OwnedMember({})", self.bytes().escape_ascii())
    }
}

/// A member in a table, borrowed.
#[derive(Clone, Copy)]
pub struct Member<'a>(NonNull<u8>, PhantomData<&'a [u8]>);

impl<'a> Member<'a> {
    /// The member's bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        // SAFETY: a block is a length and so many bytes, borrowed for 'a.
        unsafe {
            let (len, at) = read_length(self.0.as_ptr());
            std::slice::from_raw_parts(self.0.as_ptr().add(at), len)
        }
    }

    /// Bytes of the block, as they were asked for.
    #[inline]
    pub(super) fn size(self) -> usize {
        // SAFETY: a block begins with its length.
        let (len, at) = unsafe { read_length(self.0.as_ptr()) };
        at + len
    }
}

// SAFETY: a block has an address of its own, aligned to 8, until it is taken back; borrows only read.
unsafe impl Thin for OwnedMember {
    type Ref<'a> = Member<'a>;
    /// Members never change.
    type Mut<'a> = Member<'a>;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Member<'a> {
        Member(raw, PhantomData)
    }

    #[inline]
    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> Member<'a> {
        Member(raw, PhantomData)
    }

    fn size(member: Member<'_>) -> usize {
        member.size()
    }

    #[inline]
    fn hash(member: Member<'_>) -> u64 {
        hasher::hash(member.bytes())
    }
}
