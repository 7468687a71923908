//! What a handler gets and leaves behind.

use crate::resp::{Args, Reply, ReplyError};

use super::table::Command;

/// Everything that a command's handler may see. There is no socket here and no lock.
pub struct Context<'a> {
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// The command itself: a container's subcommand where there is one.
    pub command: &'static Command,
}

/// What a handler leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The reply is written.
    Done,
}

/// A handler's result. An error is the whole reply.
pub type CommandResult = Result<Outcome, ReplyError>;

/// A command's function.
pub type Handler = fn(&mut Context<'_>, Args<'_>) -> CommandResult;
