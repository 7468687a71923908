//! AUTH and HELLO: who the client is, and which protocol it speaks.
//!
//! Who may log in with which password is known to [`crate::users`]. Passwords are never logged.

use super::client::check_name;
use crate::command::acl;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::config::REDIS_VERSION;
use crate::resp::{Args, Protocol, ReplyError};
use crate::session::DEFAULT_USER;
use crate::value::number;

const NO_PASSWORD_SET: ReplyError = ReplyError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. \
     Are you sure your configuration is correct?",
);
const HELLO_NEEDS_AUTH: ReplyError = ReplyError::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
     option can be used to authenticate the client and select the RESP protocol version at the same time",
);
const BAD_VERSION: ReplyError =
    ReplyError::fixed("ERR Protocol version is not an integer or out of range");

/// `AUTH [username] password`
pub(super) fn auth(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (user, password) = match args.len() {
        2 if default_needs_no_password(ctx) => return Err(NO_PASSWORD_SET),
        2 => (DEFAULT_USER.as_bytes(), args.at(1)),
        3 => (args.at(1), args.at(2)),
        _ => return Err(ReplyError::SYNTAX),
    };
    log_in(ctx, args, user, password)?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
pub(super) fn hello(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let protocol = match args.get(1) {
        None => None,
        Some(text) => match number::parse_i64(text).ok_or(BAD_VERSION)? {
            2 => Some(Protocol::Resp2),
            3 => Some(Protocol::Resp3),
            _ => return Err(ReplyError::NO_PROTO),
        },
    };
    let (mut credentials, mut name) = (None, None);
    let mut at = 2;
    while let Some(option) = args.get(at) {
        match (option, args.get(at + 1), args.get(at + 2)) {
            (word, Some(user), Some(password)) if word.eq_ignore_ascii_case(b"AUTH") => {
                credentials = Some((user, password));
                at += 3;
            }
            (word, Some(text), _) if word.eq_ignore_ascii_case(b"SETNAME") => {
                check_name(text)?;
                name = Some(text);
                at += 2;
            }
            (word, ..) => return Err(bad_option(word)),
        }
    }
    if let Some((user, password)) = credentials {
        log_in(ctx, args, user, password)?;
    }
    if ctx.server.users.needs_password() && !ctx.session.is_authenticated() {
        return Err(HELLO_NEEDS_AUTH);
    }
    if let Some(name) = name {
        super::client::set_name(ctx.session, name);
    }
    if let Some(protocol) = protocol {
        set_protocol(ctx, protocol);
    }
    greet(ctx);
    Ok(Outcome::Done)
}

fn default_needs_no_password(ctx: &Context<'_>) -> bool {
    let default = ctx.server.users.get(DEFAULT_USER.as_bytes());
    default.is_some_and(|user| user.needs_no_password())
}

/// Whether an argument of HELLO is a user or a password: nobody shall see them.
pub(super) fn is_credential_of_hello(args: Args<'_>, index: usize) -> bool {
    let is_auth = |at| {
        args.get(at)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH"))
    };
    (index > 2 && is_auth(index - 1)) || (index > 3 && is_auth(index - 2))
}

/// What HELLO answers: facts about the server, under the names and with the values that clients look for.
fn greet(ctx: &mut Context<'_>) {
    let id = i64::try_from(ctx.session.id()).unwrap_or(i64::MAX);
    let reply = &mut *ctx.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.int(i64::from(reply.protocol().number()));
    reply.bulk(b"id");
    reply.int(id);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}

/// Has the connection speak `protocol` from the next reply on.
pub(super) fn set_protocol(ctx: &mut Context<'_>, protocol: Protocol) {
    ctx.reply.set_protocol(protocol);
    ctx.session.client().set_protocol(protocol.number());
}

/// Authenticates the session; it stays who it was if that fails. Which of user and password is wrong is not told.
fn log_in(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    user: &[u8],
    password: &[u8],
) -> Result<(), ReplyError> {
    if ctx.server.users.log_in(ctx.session, user, password) {
        return Ok(());
    }
    acl::note_failed_login(ctx, args, user);
    Err(ReplyError::WRONG_PASS)
}

fn bad_option(option: &[u8]) -> ReplyError {
    ReplyError::from_bytes([b"ERR Syntax error in HELLO option '", option, b"'"].concat())
}
