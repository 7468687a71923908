//! Sets: different members in no order.

use super::table::words::Command;

pub(super) const COMMANDS: &[Command] = &[];
