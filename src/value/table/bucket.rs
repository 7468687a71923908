//! Slots and buckets: a bucket is one cache line of eight slots, a slot is one word.
//!
//! From its highest bit down, a slot holds the *tag* (the hash bits after those that chose the segment), four
//! bits that belong to the table's owner, and the address of the entry without its three lowest bits, which
//! are zero. A slot of zero is empty. The used slots of a bucket come first: a bucket is full exactly if its
//! last slot is used.

use std::ptr::NonNull;

/// Slots in a bucket.
pub(super) const SLOTS: usize = 8;

/// How many bits an address can have: user space ends at 2^47, but at 2^48 on 64-bit ARM Linux.
const ADDRESS_BITS: u32 = if cfg!(all(target_arch = "aarch64", not(target_vendor = "apple"))) {
    48
} else {
    47
};
const POINTER_BITS: u32 = ADDRESS_BITS - 3;
/// Bits of a slot that the table's owner may use as it likes.
pub const OWNER_BITS: u32 = 4;
/// Bits of the hash in a slot.
pub(super) const TAG_BITS: u32 = 64 - POINTER_BITS - OWNER_BITS;

const POINTER_MASK: u64 = (1 << POINTER_BITS) - 1;
const OWNER_MASK: u64 = (1 << OWNER_BITS) - 1;
const TAG_SHIFT: u32 = POINTER_BITS + OWNER_BITS;

/// A slot for the entry at `raw`, with the owner's bits zero.
///
/// # Panics
/// If the address is not a multiple of 8 or lies beyond the addresses that user space can have.
#[inline]
pub(super) fn pack(raw: NonNull<u8>, tag: u64) -> u64 {
    let address = raw.as_ptr().expose_provenance() as u64;
    assert!(
        address & 7 == 0 && address >> ADDRESS_BITS == 0,
        "an entry's address must be a multiple of 8 below 2^{ADDRESS_BITS}"
    );
    tag << TAG_SHIFT | address >> 3
}

/// The address of the entry in a used slot.
#[inline]
pub(super) fn pointer(slot: u64) -> NonNull<u8> {
    let address = (slot & POINTER_MASK) << 3;
    NonNull::new(std::ptr::with_exposed_provenance_mut(address as usize))
        .expect("only called for slots in use, whose address is not null")
}

/// The address of the entry in a slot, to be prefetched; of an empty one, null.
#[inline]
pub(super) fn pointer_hint(slot: u64) -> *const u8 {
    std::ptr::without_provenance(((slot & POINTER_MASK) << 3) as usize)
}

#[inline]
pub(super) fn tag(slot: u64) -> u64 {
    slot >> TAG_SHIFT
}

/// The same slot under another tag.
#[inline]
pub(super) fn with_tag(slot: u64, tag: u64) -> u64 {
    slot & (u64::MAX >> TAG_BITS) | tag << TAG_SHIFT
}

/// The same slot, owner's bits and tag, for an entry at another address.
#[inline]
pub(super) fn with_pointer(slot: u64, raw: NonNull<u8>) -> u64 {
    pack(raw, 0) | slot & !POINTER_MASK
}

#[inline]
pub(super) fn owner_bits(slot: u64) -> u8 {
    (slot >> POINTER_BITS & OWNER_MASK) as u8
}

#[inline]
pub(super) fn with_owner_bits(slot: u64, bits: u8) -> u64 {
    slot & !(OWNER_MASK << POINTER_BITS) | (u64::from(bits) & OWNER_MASK) << POINTER_BITS
}

/// The bucket where entries with `tag` belong, of `buckets`. It grows with the tag, so that the order of
/// buckets is the order of hashes.
#[inline]
pub(super) fn home(tag: u64, buckets: usize) -> usize {
    (tag as usize * buckets) >> TAG_BITS
}

/// The lowest tag whose home is `bucket` or a later one.
#[inline]
pub(super) fn first_tag(bucket: usize, buckets: usize) -> u64 {
    ((bucket as u64) << TAG_BITS).div_ceil(buckets as u64)
}

/// Bit `i` is set if slot `i` has this tag. For tag zero that includes empty slots.
#[inline]
pub(super) fn matches(bucket: &[u64; SLOTS], tag: u64) -> u32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
    {
        const { assert!(TAG_BITS == 16) };
        matches_sse2(bucket, tag)
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(miri))))]
    matches_portably(bucket, tag)
}

/// Branchless, so that compilers make vector code of it where they can.
#[cfg_attr(all(target_arch = "x86_64", not(miri)), allow(dead_code))]
#[inline]
fn matches_portably(bucket: &[u64; SLOTS], tag_wanted: u64) -> u32 {
    let mut mask = 0;
    for (index, &slot) in bucket.iter().enumerate() {
        mask |= u32::from(tag(slot) == tag_wanted) << index;
    }
    mask
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[cfg_attr(miri, allow(dead_code))]
#[inline]
fn matches_sse2(bucket: &[u64; SLOTS], tag: u64) -> u32 {
    use std::arch::x86_64::{
        __m128i, _mm_castps_si128, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_loadu_si128,
        _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi32, _mm_setzero_si128,
        _mm_shuffle_ps, _mm_srli_epi32,
    };
    // SAFETY: SSE2 is there (see the cfg above), and the four loads cover exactly the bucket's 64 bytes.
    unsafe {
        let line = bucket.as_ptr().cast::<__m128i>();
        // The upper halves of two times two slots, shifted down to their tags, compared.
        let compare = |a: __m128i, b: __m128i| {
            let upper = _mm_shuffle_ps::<0b11_01_11_01>(_mm_castsi128_ps(a), _mm_castsi128_ps(b));
            let tags = _mm_srli_epi32::<16>(_mm_castps_si128(upper));
            _mm_cmpeq_epi32(tags, _mm_set1_epi32(tag as i32))
        };
        let low = compare(_mm_loadu_si128(line), _mm_loadu_si128(line.add(1)));
        let high = compare(_mm_loadu_si128(line.add(2)), _mm_loadu_si128(line.add(3)));
        let bytes = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
        _mm_movemask_epi8(bytes) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_its_three_parts_apart() {
        let raw = NonNull::new(std::ptr::with_exposed_provenance_mut(0x7fff_ffff_fff8))
            .expect("not null");
        let most = (1 << TAG_BITS) - 1;
        let slot = with_owner_bits(pack(raw, most), 0b1010);
        assert_eq!(
            (tag(slot), owner_bits(slot), pointer(slot)),
            (most, 0b1010, raw)
        );
        let slot = with_tag(slot, 5);
        assert_eq!(
            (tag(slot), owner_bits(slot), pointer(slot)),
            (5, 0b1010, raw)
        );
        let other = NonNull::new(std::ptr::with_exposed_provenance_mut(64)).expect("not null");
        let slot = with_pointer(slot, other);
        assert_eq!(
            (tag(slot), owner_bits(slot), pointer(slot)),
            (5, 0b1010, other)
        );
    }

    #[test]
    fn homes_keep_the_order_and_first_tags_are_exact() {
        for buckets in [1, 2, 3, 7, 54, 100] {
            let mut last = 0;
            for tag in 0..1 << TAG_BITS {
                let bucket = home(tag, buckets);
                assert!(bucket < buckets && (bucket == last || bucket == last + 1));
                if bucket > last || tag == 0 {
                    assert_eq!(first_tag(bucket, buckets), tag);
                }
                last = bucket;
            }
        }
    }

    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
    #[test]
    fn both_ways_of_matching_agree() {
        let mut word = 1u64;
        for _ in 0..10_000 {
            let bucket = std::array::from_fn(|_| {
                word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                with_tag(word, (word >> 33) & 0x8003)
            });
            for tag in [0, 1, 2, 3, 0x8000, 0x8003] {
                assert_eq!(matches_sse2(&bucket, tag), matches_portably(&bucket, tag));
            }
        }
    }
}
