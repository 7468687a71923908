//! The handler of commands whose own is not written yet.

use super::{CommandResult, Context};
use crate::resp::{Args, ReplyError};

/// Answers that the command cannot be used yet.
pub(super) fn not_yet(context: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(ReplyError::err(format!(
        "'{}' is not available yet",
        context.command.full_name()
    )))
}
