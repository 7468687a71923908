//! CLIENT's subcommands about the connection that asks: what it is called, what it wants.

use bytes::Bytes;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::session::{ClientFlags, ReplyMode, Session};

const BAD_NAME: ReplyError =
    ReplyError::fixed("ERR Client names cannot contain spaces, newlines or special characters.");

/// `CLIENT ID`
pub(super) fn id(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply
        .int(i64::try_from(ctx.session.id()).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// `CLIENT GETNAME`
pub(super) fn getname(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let name = ctx.session.client().identity().name;
    if name.is_empty() {
        ctx.reply.null();
    } else {
        ctx.reply.bulk(&name);
    }
    Ok(Outcome::Done)
}

/// `CLIENT SETNAME connection-name`: the empty name takes the name away.
pub(super) fn setname(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    check_name(args.at(2))?;
    set_name(ctx.session, args.at(2));
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Whether a connection may have this name: `CLIENT LIST` must stay readable.
pub(super) fn check_name(name: &[u8]) -> Result<(), ReplyError> {
    if is_one_word(name) {
        Ok(())
    } else {
        Err(BAD_NAME)
    }
}

/// Gives the connection a name that was checked.
pub(super) fn set_name(session: &Session, name: &[u8]) {
    let name = Bytes::copy_from_slice(name);
    session.client().rename(|identity| identity.name = name);
}

/// `CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>`
pub(super) fn setinfo(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (attribute, value) = (args.at(2), args.at(3));
    let is_name = attribute.eq_ignore_ascii_case(b"LIB-NAME");
    if !is_name && !attribute.eq_ignore_ascii_case(b"LIB-VER") {
        return Err(ReplyError::from_bytes(
            [b"ERR Unrecognized option '", attribute, b"'"].concat(),
        ));
    }
    if !is_one_word(value) {
        let rest = &b" cannot contain spaces, newlines or special characters."[..];
        return Err(ReplyError::from_bytes([b"ERR ", attribute, rest].concat()));
    }
    let value = Bytes::copy_from_slice(value);
    ctx.session.client().rename(|identity| {
        *if is_name {
            &mut identity.lib_name
        } else {
            &mut identity.lib_ver
        } = value;
    });
    ctx.reply.ok();
    Ok(Outcome::Done)
}

fn is_one_word(text: &[u8]) -> bool {
    text.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// `CLIENT REPLY <ON | OFF | SKIP>`: OFF and SKIP have no reply themselves.
pub(super) fn reply(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let word = args.at(2);
    let session = &mut *ctx.session;
    if word.eq_ignore_ascii_case(b"ON") {
        session.reply_mode = ReplyMode::On;
        ctx.reply.set_muted(false);
        ctx.reply.ok();
    } else if word.eq_ignore_ascii_case(b"OFF") {
        session.reply_mode = ReplyMode::Off;
    } else if word.eq_ignore_ascii_case(b"SKIP") {
        if session.reply_mode != ReplyMode::Off {
            session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(ReplyError::SYNTAX);
    }
    Ok(Outcome::Done)
}

/// `CLIENT CAPA capability [capability ...]`: those that nobody knows are ignored.
pub(super) fn capa(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args
        .rest(2)
        .iter()
        .any(|word| word.eq_ignore_ascii_case(b"redirect"))
    {
        ctx.session.client().set_can_redirect();
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT IMPORT-SOURCE <ON | OFF>`: the peers mark clients that fill a server in their import mode, which Larder does not have.
pub(super) fn import_source(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !args.at(2).eq_ignore_ascii_case(b"OFF") {
        return Err(ReplyError::fixed("ERR Server is not in import mode"));
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT NO-EVICT <ON | OFF>`
pub(super) fn no_evict(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let on = on_or_off(args.at(2))?;
    ctx.session.client().set_flags(ClientFlags::NO_EVICT, on);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT NO-TOUCH <ON | OFF>`
pub(super) fn no_touch(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let on = on_or_off(args.at(2))?;
    ctx.session.no_touch = on;
    ctx.session.client().set_flags(ClientFlags::NO_TOUCH, on);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

fn on_or_off(word: &[u8]) -> Result<bool, ReplyError> {
    if word.eq_ignore_ascii_case(b"ON") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"OFF") {
        Ok(false)
    } else {
        Err(ReplyError::SYNTAX)
    }
}
