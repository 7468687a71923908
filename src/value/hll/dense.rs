//! Registers of six bits each, one behind the other, the low bits of a byte first: four registers in three bytes.

use super::REGISTERS;

/// Bits of a register.
const BITS: usize = 6;
const MASK: u8 = (1 << BITS) - 1;
/// Bytes of all registers.
pub(super) const LEN: usize = REGISTERS * BITS / 8;

/// The registers in order.
pub fn ranks(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.as_chunks::<3>().0.iter().flat_map(|&[a, b, c]| {
        [a, a >> 6 | b << 2, b >> 4 | c << 4, c >> 2].map(|rank| rank & MASK)
    })
}

/// Raises a register to `rank`; tells whether it was lower. There are [`LEN`] bytes, and an index below [`REGISTERS`].
pub(super) fn raise(bytes: &mut [u8], index: usize, rank: u8) -> bool {
    let (at, shift) = (index * BITS / 8, index * BITS % 8);
    // The last register ends with the last byte; the others may go on in a next one.
    let next = bytes.get(at + 1).copied().unwrap_or(0);
    let pair = u16::from_le_bytes([bytes[at], next]);
    let mask = u16::from(MASK) << shift;
    if (pair & mask) >> shift >= u16::from(rank) {
        return false;
    }
    let [low, high] = (pair & !mask | u16::from(rank & MASK) << shift).to_le_bytes();
    bytes[at] = low;
    if let Some(next) = bytes.get_mut(at + 1) {
        *next = high;
    }
    true
}
