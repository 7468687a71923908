//! The size classes, and how large a slab each of them uses.
//!
//! * 8 to 256 bytes in steps of 8, where the keys of a cache live;
//! * to 4 kB in sixteen steps a doubling (16 bytes apart up to 512, 32 up to 1024, and so on);
//! * above, the sizes of which a whole number just fits a slab.
//!
//! Every multiple of a cache line up to 2 kB is a class of its own. Classes up to 1 kB live in slabs
//! of 64 kB, larger ones in 256 kB, so that what remains at a slab's end stays below 2%.
//! Arrays of lines have these sizes too, but not these slabs: few different sizes fill each other's gaps.

use super::LINE;

/// Number of classes. Class 0 stays unused, so that up to 256 bytes the class is the size in words.
pub(super) const COUNT: usize = TABLES.2;

/// Bytes of a block of each class.
pub(super) static SIZES: [u32; COUNT] = {
    let mut sizes = [0; COUNT];
    let mut class = 0;
    while class < COUNT {
        sizes[class] = TABLES.0[class];
        class += 1;
    }
    sizes
};

/// For sizes above 256: the class by size in units of 16 bytes, rounded up.
static CLASSES: [u8; UNITS] = TABLES.1;

/// Bytes at a slab's beginning that describe it: one line, so that what follows is aligned to lines.
pub(super) const HEADER: usize = LINE;
/// Slabs for classes up to [`SMALL_MAX`].
pub(super) const SMALL_SLAB: usize = 64 * 1024;
/// Slabs for the other classes.
pub(super) const LARGE_SLAB: usize = 256 * 1024;
/// The largest block in a [`SMALL_SLAB`].
pub(super) const SMALL_MAX: usize = 1024;

/// No class follows the first one that reaches this.
const LIMIT: usize = 16_000;
const UNITS: usize = LIMIT / 16 + 129;
const ROOM: usize = 160;

const TABLES: ([u32; ROOM], [u8; UNITS], usize) = build();

const fn build() -> ([u32; ROOM], [u8; UNITS], usize) {
    let mut sizes = [0u32; ROOM];
    let mut size = 0;
    let mut count = 1;
    while size < LIMIT {
        size = if size < 256 {
            size + 8
        } else if size < 4096 {
            size + (1 << (size.ilog2() - 4))
        } else {
            fitting(size)
        };
        sizes[count] = size as u32;
        count += 1;
    }
    let mut classes = [0u8; UNITS];
    let mut unit = 0;
    let mut class = 1;
    while unit * 16 <= size {
        while (sizes[class] as usize) < unit * 16 {
            class += 1;
        }
        classes[unit] = class as u8;
        unit += 1;
    }
    (sizes, classes, count)
}

/// The next size after `size`, at most a sixteenth larger where that is possible, that fills a large slab.
const fn fitting(size: usize) -> usize {
    let usable = LARGE_SLAB - HEADER;
    let mut blocks = usable / size;
    let mut best = 0;
    while blocks > 1 {
        let next = usable / blocks / LINE * LINE;
        if next > size {
            if best != 0 && next > size + size / 16 {
                break;
            }
            best = next;
        }
        blocks -= 1;
    }
    best
}

/// The class of a size of at most `MAX_SLAB` bytes.
#[inline]
pub(super) fn of(size: usize) -> usize {
    if size <= 256 {
        // A size of zero gets the smallest block.
        (size.max(1) + 7) >> 3
    } else {
        CLASSES[(size + 15) >> 4] as usize
    }
}

/// Bytes of a block of `class`.
#[inline]
pub(super) fn size(class: usize) -> usize {
    SIZES[class] as usize
}

/// Bytes of a slab of `class`; slabs are aligned to their size.
#[inline]
pub(super) fn slab_size(class: usize) -> usize {
    if size(class) <= SMALL_MAX {
        SMALL_SLAB
    } else {
        LARGE_SLAB
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_SLAB;
    use super::*;

    #[test]
    fn every_size_has_the_smallest_class_that_holds_it() {
        for asked in 1..=MAX_SLAB {
            let class = of(asked);
            assert!(size(class) >= asked, "{asked}");
            assert!(size(class - 1) < asked, "{asked}");
            if asked > 256 {
                assert!(size(class) <= asked + asked / 15 + 16, "{asked}");
            } else {
                assert!(size(class) < asked + 8, "{asked}");
            }
        }
        assert_eq!(of(0), 1);
        const { assert!(COUNT < 256, "a class fits a byte") };
    }

    #[test]
    fn lines_stay_lines_and_little_is_left_at_a_slabs_end() {
        for lines in 1..=MAX_SLAB / LINE {
            assert!(size(of(lines * LINE)).is_multiple_of(LINE), "{lines}");
        }
        for class in 1..COUNT {
            let usable = slab_size(class) - HEADER;
            let left = usable % size(class);
            assert!(
                left * 50 < usable,
                "class {class} of {}: {left}",
                size(class)
            );
        }
    }
}
