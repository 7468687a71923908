//! Bitmaps: strings as arrays of bits.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
