//! Lists: elements in order, pushed and popped at both ends.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
