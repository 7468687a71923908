//! The general allocator: mimalloc, asked in the way that is quickest for it.
//!
//! It aligns every block of more than 8 bytes to 16, whatever it is asked for, and to find that out anew for each block is
//! a third of the cost of allocating it. So it is told of an alignment only where that is larger.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as mi;

/// What mimalloc aligns blocks to by itself, and from which size on.
const NATURAL: usize = 16;

/// mimalloc as a global allocator.
#[derive(Debug, Default)]
pub struct General;

/// The size to ask for in order to get the alignment without asking for it; none if it has to be asked for.
#[inline]
const fn natural(size: usize, align: usize) -> Option<usize> {
    if align > NATURAL {
        None
    } else if align > size {
        Some(align)
    } else {
        Some(size)
    }
}

// SAFETY: mimalloc's blocks have the size that is asked for, and the alignment: up to 8 always, 16 from the size of 9 bytes on, and
// what is asked for otherwise. All its ways of allocating agree with all its ways of freeing.
unsafe impl GlobalAlloc for General {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size may be asked for; the alignment is a power of two.
        unsafe {
            match natural(layout.size(), layout.align()) {
                Some(size) => mi::mi_malloc(size),
                None => mi::mi_malloc_aligned(layout.size(), layout.align()),
            }
            .cast()
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            match natural(layout.size(), layout.align()) {
                Some(size) => mi::mi_zalloc(size),
                None => mi::mi_zalloc_aligned(layout.size(), layout.align()),
            }
            .cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the block is one of mimalloc's, as the caller promises.
        unsafe { mi::mi_free(pointer.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            match natural(new_size, layout.align()) {
                Some(size) => mi::mi_realloc(pointer.cast(), size),
                None => mi::mi_realloc_aligned(pointer.cast(), new_size, layout.align()),
            }
            .cast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_as_asked() {
        let allocator = General;
        for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
            for size in (1..200).chain([255, 1000, 4095, 5000, 20_000]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: blocks are freed once, with the layout that they have, and used within their size.
                unsafe {
                    let pointers = [
                        allocator.alloc(layout),
                        allocator.alloc_zeroed(layout),
                        allocator.realloc(allocator.alloc(layout), layout, size + 40),
                    ];
                    for pointer in pointers {
                        assert!(!pointer.is_null());
                        assert_eq!(pointer.addr() % align, 0, "{size} bytes");
                    }
                    assert_eq!(*pointers[1].add(size - 1), 0);
                    let larger = Layout::from_size_align(size + 40, align).unwrap();
                    allocator.dealloc(pointers[0], layout);
                    allocator.dealloc(pointers[1], layout);
                    allocator.dealloc(pointers[2], larger);
                }
            }
        }
    }
}
