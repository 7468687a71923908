//! A hint to the processor that a cache line will be read soon.
//!
//! A hint only: any address is fine, nothing is read, nothing can fault. Where the architecture has no
//! such instruction that Rust can reach, the hint does nothing.

/// Starts loading the cache line of `pointer` into all cache levels.
#[inline(always)]
pub fn prefetch_read<T>(pointer: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: PREFETCHT0 is part of the x86_64 baseline and never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(pointer.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: PRFM is a hint that never faults, whatever the address; it touches no register or flag.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{0}]",
            in(reg) pointer,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = pointer;
}
