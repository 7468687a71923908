//! (to come)
pub mod glob;
