//! HyperLogLog: strings that estimate how many different things were seen.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
