//! Streams: entries in the order of their ids, read by consumer groups.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
