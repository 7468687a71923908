//! Lengths inside thin blocks: 7 bits a byte, the eighth saying that another follows.

/// Bits of a length in each of its bytes.
const BITS: u32 = 7;
const MORE: u8 = 1 << BITS;

/// How many bytes it takes to write down a length.
pub(super) fn length_bytes(length: usize) -> usize {
    (usize::BITS - length.leading_zeros()).div_ceil(BITS).max(1) as usize
}

/// Writes a length and returns where it ends.
///
/// # Safety
/// `at` must be good for writes of [`length_bytes`] bytes.
pub(super) unsafe fn write_length(mut at: *mut u8, mut length: usize) -> *mut u8 {
    // SAFETY: the loop writes exactly the bytes that `length_bytes` counts.
    unsafe {
        while length >= usize::from(MORE) {
            at.write(length as u8 | MORE);
            at = at.add(1);
            length >>= BITS;
        }
        at.write(length as u8);
        at.add(1)
    }
}

/// Reads a length and how many bytes it takes.
///
/// # Safety
/// [`write_length`] has written there.
#[inline]
pub(super) unsafe fn read_length(at: *const u8) -> (usize, usize) {
    let (mut length, mut count) = (0, 0);
    loop {
        // SAFETY: the last byte of a length has no `MORE`, and the loop goes no further.
        let byte = unsafe { at.add(count).read() };
        length |= usize::from(byte & !MORE) << (count as u32 * BITS);
        count += 1;
        if byte & MORE == 0 {
            return (length, count);
        }
    }
}
