//! The data structures: they know nothing of keys, clients or time zones; usable and testable alone.

pub mod bits;
pub mod geo;
pub mod glob;
pub mod hash;
pub mod hasher;
pub mod hll;
mod length;
pub mod list;
pub mod number;
pub mod packed;
pub mod relocate;
pub mod set;
pub mod stream;
pub mod table;
pub mod zset;
