//! What a handler gets: the server, the session that asks, the keys it may touch, and where its reply goes.

use crate::clock::UnixMillis;
use crate::keyspace::Access;
use crate::resp::{Reply, ReplyError};
use crate::script::Ticket;
use crate::server::Server;
use crate::session::Session;

use super::table::Command;

/// Everything that a command's handler may see.  There is no socket here and no lock.
pub struct Context<'a> {
    /// What all connections share.
    pub server: &'a Server,
    /// The connection that asks.
    pub session: &'a mut Session,
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// The keys that the command named, locked.
    pub keys: Access<'a>,
    /// The moment at which the command runs.
    pub now: UnixMillis,
    /// The command itself: a container's subcommand where there is one.
    pub command: &'static Command,
    /// The command is called by a script.
    pub in_script: bool,
    /// The script that the request goes on with, if it was set aside in the middle.
    pub resumes: Option<Ticket>,
}

/// What a handler leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The reply is written.
    Done,
    /// The connection shall wait: nothing more of it is executed until then.
    Suspend(Suspension),
}

/// What a suspended connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// The end of `CLIENT PAUSE`, at this moment or earlier; then the same request is tried again.
    Paused(std::time::Instant),
    /// A moment; the reply is already written and is held back until then.
    Until(std::time::Instant),
    /// The ends of the connections that it has killed ([`Session::killer`]), but not beyond this moment; the reply is already
    /// written and is held back until then.
    Killing(std::time::Instant),
    /// The target of a migration ([`Session::migration`]); then the same request is tried again.
    Migrating,
    /// A script in the request takes long: others get their turn, then it goes on.
    Script(Ticket),
    /// The end of somebody else's script that holds on to a key; at this moment the request is tried again anyway.
    Reserved(std::time::Instant),
    /// Room in the [mailboxes](crate::mailbox); at this moment the request is tried again.
    Delivery(std::time::Instant),
    /// What was posted to the worker's mailbox up to this mark is handed over; then the same request is tried again.
    Mail(u64),
    /// A key ([`Client::waiting`](crate::session::Client::waiting) tells which), but not beyond this moment if there is one; the reply comes from whoever
    /// changes the key.
    Blocked(Option<std::time::Instant>),
}

impl Suspension {
    /// Whether the reply is written and held back.
    pub fn holds_output(self) -> bool {
        matches!(self, Self::Until(_) | Self::Killing(_))
    }

    /// Whether the request is not through, but tried again after the wait.
    pub fn tries_again(self) -> bool {
        !matches!(self, Self::Until(_) | Self::Killing(_) | Self::Blocked(_))
    }
}

/// A handler's result. An error is the whole reply.
pub type CommandResult = Result<Outcome, ReplyError>;

/// A command's function.
pub type Handler = fn(&mut Context<'_>, crate::resp::Args<'_>) -> CommandResult;
