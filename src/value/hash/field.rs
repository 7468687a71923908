//! Fields: one thin allocation each, for name, value and perhaps an expiry.
//!
//! ```text
//! length of the name * 2 + (1: it expires)   name   [expiry]   length of the value   value
//! 1 to 10 B                                  ...    8 B        1 to 10 B             ...
//! ```
//!
//! What may change comes last: a new value or expiry leaves the name where it is, and the block too
//! if the new size has the same class.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::clock::UnixMillis;
use crate::memory;
use crate::value::hasher;
use crate::value::length::{length_bytes, read_length, write_length};
use crate::value::table::Thin;

/// The bit of the first length that says that the field expires.
const EXPIRES: u8 = 1;
const EXPIRY_LEN: usize = size_of::<UnixMillis>();

/// An owned field.
pub(super) struct OwnedField(NonNull<u8>);

// SAFETY: a field owns its allocation, which holds plain bytes.
unsafe impl Send for OwnedField {}
// SAFETY: through a shared field one only reads.
unsafe impl Sync for OwnedField {}

/// Where the parts of a field lie in its block.
#[derive(Clone, Copy)]
struct Layout {
    name_at: usize,
    name_len: usize,
    expires: bool,
}

impl Layout {
    /// Where the expiry is, or would be.
    #[inline]
    fn name_end(self) -> usize {
        self.name_at + self.name_len
    }

    /// Where the value begins, with its length.
    #[inline]
    fn value_at(self) -> usize {
        self.name_end() + if self.expires { EXPIRY_LEN } else { 0 }
    }
}

impl OwnedField {
    pub(super) fn new(name: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Self {
        let head = name.len() << 1;
        let mut layout = Layout {
            name_at: length_bytes(head),
            name_len: name.len(),
            expires: false,
        };
        layout.expires = expiry.is_some();
        let block = memory::alloc(layout.value_at() + length_bytes(value.len()) + value.len());
        let mut field = Self(block);
        // SAFETY: the block has room for the first length, the name and what follows.
        unsafe {
            let name_at = write_length(block.as_ptr(), head);
            ptr::copy_nonoverlapping(name.as_ptr(), name_at, name.len());
            field.write_tail(layout, value, expiry);
        }
        field
    }

    /// The field, borrowed.
    #[inline]
    pub(super) fn as_ref(&self) -> Field<'_> {
        Field(self.0, PhantomData)
    }

    /// Writes what is behind the name, and the bit that tells of an expiry.
    ///
    /// # Safety
    /// The block's name is written, and it has room for the value and the expiry as `layout` says.
    unsafe fn write_tail(&mut self, layout: Layout, value: &[u8], expiry: Option<UnixMillis>) {
        // SAFETY: the caller's promise.
        unsafe {
            self.mark(expiry);
            let at = self.0.as_ptr().add(layout.value_at());
            let at = write_length(at, value.len());
            ptr::copy_nonoverlapping(value.as_ptr(), at, value.len());
        }
    }

    /// Writes the expiry, if there is one, and the bit that tells of it.
    ///
    /// # Safety
    /// The block's name is written, and it has room for an expiry.
    unsafe fn mark(&mut self, expiry: Option<UnixMillis>) {
        let name_end = self.as_ref().layout().name_end();
        let block = self.0.as_ptr();
        // SAFETY: the first byte is written, and there is room behind the name.
        unsafe {
            let first = block.read();
            match expiry {
                Some(moment) => {
                    block.write(first | EXPIRES);
                    let at = block.add(name_end).cast::<UnixMillis>();
                    at.write_unaligned(moment);
                }
                None => block.write(first & !EXPIRES),
            }
        }
    }

    fn resize(&mut self, old: usize, new: usize) {
        // SAFETY: `old` is the size that the block was allocated with, or resized to.
        self.0 = unsafe { memory::resize(self.0, old, new) };
    }

    /// The same field with another value and expiry.
    pub(super) fn with_value(mut self, value: &[u8], expiry: Option<UnixMillis>) -> Self {
        let (old_size, mut layout) = (self.as_ref().size(), self.as_ref().layout());
        layout.expires = expiry.is_some();
        let new_size = layout.value_at() + length_bytes(value.len()) + value.len();
        self.resize(old_size, new_size);
        // SAFETY: resizing keeps the name, and the block has the size that the parts add up to.
        unsafe { self.write_tail(layout, value, expiry) };
        self
    }

    /// The same field with another expiry.
    pub(super) fn with_expiry(mut self, expiry: Option<UnixMillis>) -> Self {
        let (size, old) = (self.as_ref().size(), self.as_ref().layout());
        let mut new = old;
        new.expires = expiry.is_some();
        let new_size = size - old.value_at() + new.value_at();
        self.resize(size, size.max(new_size));
        // SAFETY: the block has the larger of both sizes while the value moves over, and the expiry
        // is written where the value no longer is.
        unsafe {
            let block = self.0.as_ptr();
            ptr::copy(
                block.add(old.value_at()),
                block.add(new.value_at()),
                size - old.value_at(),
            );
            self.mark(expiry);
        }
        self.resize(size.max(new_size), new_size);
        self
    }
}

impl Drop for OwnedField {
    fn drop(&mut self) {
        let size = self.as_ref().size();
        // SAFETY: the block was allocated with this size, or resized to it, and its owner lets go.
        unsafe { memory::free(self.0, size) }
    }
}

/// A field of a large hash, borrowed.
#[derive(Clone, Copy)]
pub struct Field<'a>(NonNull<u8>, PhantomData<&'a [u8]>);

// SAFETY: it stands for a shared borrow of plain bytes.
unsafe impl Send for Field<'_> {}
// SAFETY: as above.
unsafe impl Sync for Field<'_> {}

impl<'a> Field<'a> {
    #[inline]
    fn layout(self) -> Layout {
        // SAFETY: a block begins with this length.
        let (head, name_at) = unsafe { read_length(self.0.as_ptr()) };
        Layout {
            name_at,
            name_len: head >> 1,
            expires: head & usize::from(EXPIRES) != 0,
        }
    }

    /// Bytes of the block from `at`.
    ///
    /// # Safety
    /// They must be there.
    #[inline]
    unsafe fn slice(self, at: usize, len: usize) -> &'a [u8] {
        // SAFETY: the caller's promise; the block is borrowed for 'a.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(at), len) }
    }

    /// The field's name.
    #[inline]
    pub fn name(self) -> &'a [u8] {
        let layout = self.layout();
        // SAFETY: the name lies behind its length.
        unsafe { self.slice(layout.name_at, layout.name_len) }
    }

    /// The field's value.
    #[inline]
    pub fn value(self) -> &'a [u8] {
        let at = self.layout().value_at();
        // SAFETY: the value lies behind its length, which is where the layout says.
        unsafe {
            let (len, count) = read_length(self.0.as_ptr().add(at));
            self.slice(at + count, len)
        }
    }

    /// When the field expires, if it does.
    #[inline]
    pub fn expiry(self) -> Option<UnixMillis> {
        let layout = self.layout();
        layout.expires.then(|| {
            // SAFETY: the layout says that an expiry lies behind the name.
            unsafe {
                let at = self.0.as_ptr().add(layout.name_end());
                at.cast::<UnixMillis>().read_unaligned()
            }
        })
    }

    /// Whether the field's time has come: for anybody who asks it is there no more.
    #[inline]
    pub fn is_expired(self, now: UnixMillis) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// Bytes of the block, as they were asked for.
    #[inline]
    pub(super) fn size(self) -> usize {
        let at = self.layout().value_at();
        // SAFETY: the value's length is where the layout says.
        let (len, count) = unsafe { read_length(self.0.as_ptr().add(at)) };
        at + count + len
    }
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Field")
            .field("name", &format_args!("{}", self.name().escape_ascii()))
            .field("value", &format_args!("{}", self.value().escape_ascii()))
            .field("expiry", &self.expiry())
            .finish()
    }
}

// SAFETY: a block has an address of its own, aligned to 8, until it is taken back; borrows only read.
unsafe impl Thin for OwnedField {
    type Ref<'a> = Field<'a>;
    /// Fields change by being replaced.
    type Mut<'a> = Field<'a>;

    const REACH: usize = memory::LINE + 1;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Field<'a> {
        Field(raw, PhantomData)
    }

    #[inline]
    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> Field<'a> {
        Field(raw, PhantomData)
    }

    fn size(field: Field<'_>) -> usize {
        field.size()
    }

    #[inline]
    fn hash(field: Field<'_>) -> u64 {
        hasher::hash(field.name())
    }

    #[inline]
    fn deadline(field: Field<'_>) -> Option<u64> {
        // Before 1970 is long ago all the same.
        field.expiry().map(|expiry| expiry.max(0).cast_unsigned())
    }
}
