//! The bytes of a node, in a block of the slabs.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::memory;

/// A block of bytes that knows its size; all of them are initialised.
#[derive(Debug)]
pub(super) struct Buffer {
    block: NonNull<u8>,
    /// 0 for no block at all.
    len: u32,
}

// SAFETY: a buffer owns its block, and blocks may be freed by any thread.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer is only read.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Zeros: at least `len` of them, and as many as the block has room for.
    pub(super) fn zeroed(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let len = memory::class_size(len);
        let block = memory::alloc(len);
        // SAFETY: the block has `len` bytes.
        unsafe { block.write_bytes(0, len) };
        Self {
            block,
            len: u32::try_from(len).expect("a node is far smaller than 4 GB"),
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.len as usize
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            block: NonNull::dangling(),
            len: 0,
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the block has `len` initialised bytes, and lives as long as the buffer.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr(), self.len as usize) }
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and the buffer is held mutably.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_ptr(), self.len as usize) }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the block was allocated with this size.
            unsafe { memory::free(self.block, self.len as usize) }
        }
    }
}
