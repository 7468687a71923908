//! Whether a session may execute a request, and what is noted when it may not.
//!
//! Nothing here is on the way of a connection whose user may do everything: who calls these functions has seen
//! [`Session::is_restricted`].

use std::time::Instant;

use crate::acl::{self, Denied, Permission, Reason, User};
use crate::command::connection::client_line;
use crate::command::context::Context;
use crate::command::table::{self, Command, Flags, Keys, asked, keys_of};
use crate::resp::{Args, ReplyError};
use crate::server::Server;
use crate::session::{Client, Session};
use crate::stats::Counters;

/// Where a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum Place {
    /// By the client, who may be queueing a transaction.
    Client,
    /// By EXEC: when it was queued it was allowed.
    Exec,
    /// By a script.
    Script,
}

/// Whether a session may execute a request now. What is denied is counted and logged.
///
/// # Errors
/// That it has to log in first, or why it may not.
#[cold]
#[inline(never)]
pub(in crate::command) fn check(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: Args<'_>,
    place: Place,
) -> Result<(), ReplyError> {
    if !server.users.refresh(session) {
        return Err(ReplyError::NO_AUTH);
    }
    if !session.is_authenticated() && server.users.needs_password() {
        return match command.flags.contains(Flags::NO_AUTH) {
            true => Ok(()),
            false => Err(ReplyError::NO_AUTH),
        };
    }
    let Err(denied) = ask(session.user(), command, args) else {
        return Ok(());
    };
    // A transaction and a script are shown as such.
    let shown = match place {
        Place::Client => Some(command),
        Place::Exec => table::find(b"exec"),
        Place::Script => None,
    };
    if let Some(shown) = shown {
        session.client().set_last_command(shown.id());
    }
    let asker = Asker::of(server, session, place);
    asker.note(command, args, denied);
    let user = session.user();
    let text = match place {
        Place::Client => return Err(refusal(user, command, denied)),
        Place::Script => format!(
            "ERR ACL failure in script: {}",
            reason(user, command, denied)
        ),
        Place::Exec => format!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is \
             no longer allowed for the following reason: {}",
            match denied {
                Denied::Command => "no permission to execute the command or subcommand",
                Denied::Key(_) => "no permission to touch the specified keys",
                Denied::Channel(_) =>
                    "no permission to access one of the channels used as arguments to the command",
            }
        ),
    };
    Err(ReplyError::new(text))
}

/// Whether a session may call a command with these arguments, which may be too few: nothing is noted if not.
pub(in crate::command) fn may_call(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: Args<'_>,
) -> bool {
    if !session.is_restricted() {
        return true;
    }
    server.users.refresh(session) && ask(session.user(), command, args).is_ok()
}

/// Whether a session may execute a request that reads keys which the request does not name.
pub(in crate::command) fn may_read_any_key(
    server: &Server,
    session: &mut Session,
    command: &'static Command,
    args: Args<'_>,
) -> bool {
    if !session.is_restricted() {
        return true;
    }
    if !server.users.refresh(session) {
        return false;
    }
    let keys = keys_of(command, args).unwrap_or_default();
    let request = asked(command, args, &keys);
    session.user().allows_on_any_key(&request, Permission::READ)
}

/// Whether a user may make a request.
pub(super) fn ask(user: &User, command: &Command, args: Args<'_>) -> Result<(), Denied> {
    let keys = keys_of(command, args).unwrap_or_default();
    let keys = match keys.iter().all(|key| key.index < args.len()) {
        true => keys,
        false => Keys::default(),
    };
    user.check(&asked(command, args, &keys))
}

/// What a client is told whose request is denied.
pub(super) fn refusal(user: &User, command: &Command, denied: Denied) -> ReplyError {
    ReplyError::new(format!("NOPERM {}", reason(user, command, denied)))
}

fn reason(user: &User, command: &Command, denied: Denied) -> String {
    match denied {
        Denied::Command => no_permission_to_run(user, command),
        Denied::Key(_) => "No permissions to access a key".into(),
        Denied::Channel(_) => "No permissions to access a channel".into(),
    }
}

/// `User <name> has no permissions to run the '<command>' command`
pub(super) fn no_permission_to_run(user: &User, command: &Command) -> String {
    format!(
        "User {} has no permissions to run the '{}' command",
        user.name(),
        command.full_name()
    )
}

/// Counts and logs that the client could not log in as `user`. `args` are what it has tried.
pub(in crate::command) fn note_failed_login(ctx: &Context<'_>, args: Args<'_>, user: &[u8]) {
    ctx.session.client().set_last_command(ctx.command.id());
    let mut asker = Asker::of(ctx.server, ctx.session, Place::Client);
    asker.user = user;
    asker.counters().auth_denied.bump();
    asker.add(Reason::Auth, args.at(0));
}

/// Who is denied something, for the log.
pub(super) struct Asker<'a> {
    pub(super) server: &'a Server,
    /// The number of the calling thread.
    pub(super) thread: usize,
    pub(super) client: &'a Client,
    pub(super) user: &'a [u8],
    pub(super) context: acl::Context,
}

impl<'a> Asker<'a> {
    fn of(server: &'a Server, session: &'a Session, place: Place) -> Self {
        Self {
            server,
            thread: session.worker(),
            client: session.client(),
            user: session.user().name().as_bytes(),
            context: match place {
                Place::Client if session.transaction.is_some() => acl::Context::Multi,
                Place::Client => acl::Context::Toplevel,
                Place::Exec => acl::Context::Multi,
                Place::Script => acl::Context::Lua,
            },
        }
    }

    fn counters(&self) -> &'a Counters {
        &self.server.stats.of(self.thread).counters
    }

    /// Counts and logs what is denied.
    pub(super) fn note(&self, command: &'static Command, args: Args<'_>, denied: Denied) {
        let counters = self.counters();
        match denied {
            Denied::Command => {
                counters.commands_denied.bump();
                self.add(Reason::Command, command.full_name().as_bytes());
            }
            Denied::Key(index) => {
                counters.keys_denied.bump();
                self.add(Reason::Key, args.at(index));
            }
            Denied::Channel(index) => {
                counters.channels_denied.bump();
                self.add(Reason::Channel, args.at(index));
            }
        }
    }

    fn add(&self, reason: Reason, object: &[u8]) {
        let server = self.server;
        let client = client_line(self.client, Instant::now()).to_string();
        let now = server.clock.now();
        let entry = acl::Entry::new(reason, self.context, object, self.user, client, now);
        let max_len = server.settings.acllog_max_len();
        server.users.log.add(entry, max_len);
    }
}
