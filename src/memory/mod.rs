//! Memory: where the bytes come from, how many are in use, and how big things are let go.
//!
//! * [`slab`] is the sized allocator under records, packed values, tree nodes and bucket arrays:
//!   8-byte steps where keys live, and a free that needs no look-up because the owner knows the size.
//! * [`SlabVec`] is a vector in a block of it.
//! * `pages` gives big blocks, in whole pages, of which the system gets back what is free.
//! * [`General`] is the general allocator, and [`counting`] wraps it; together with the slabs it gives one figure, [`used`].
//! * [`reclaim`] drops big values on a thread of its own, off the request's path.
//! * [`messages`] counts what is on its way to many clients.
//! * [`cap`] says how much there may be; [`machine`] how much there is.
//! * [`prefetch`] asks the processor for a cache line ahead of its use.
//!
//! A leaf: any room may use it, and it knows nothing of keys or commands.

pub mod cap;
pub mod counting;
mod general;
pub mod machine;
pub mod messages;
#[cfg(all(unix, not(miri)))]
mod pages;
pub mod prefetch;
pub mod reclaim;
pub mod slab;
mod slab_vec;

pub use cap::Cap;
pub use counting::{Counting, flush, peak, resident, used};
pub use general::General;
pub use prefetch::prefetch_read;

/// What big blocks occupy, in bytes: those in use, and free memory that is kept for later ones.
pub fn big_usage() -> (usize, usize) {
    #[cfg(all(unix, not(miri)))]
    return pages::usage();
    #[cfg(not(all(unix, not(miri))))]
    (0, 0)
}

/// Gives memory that is kept for later back to the system.
pub fn purge() {
    #[cfg(all(unix, not(miri)))]
    pages::purge();
    slab::purge();
}

pub use slab_vec::SlabVec;

pub use slab::compaction::Mover;
pub use slab::{
    LINE, MAX_SLAB, SlabUsage, alloc, alloc_lines, class_lines, class_size, free, free_lines,
    give_back, give_back_if_asked, resize, usage,
};
