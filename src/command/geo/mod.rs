//! Geo: sorted sets of places on the earth.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
