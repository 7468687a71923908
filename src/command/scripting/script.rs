//! SCRIPT: the cache of scripts.

use super::program::new_script;
use super::{busy, names_flush_type};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::script::engine::Run;
use crate::script::running::{Kill, Kind};
use crate::script::store::Sha;

/// `SCRIPT LOAD script`
pub(super) fn load(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let scripts = &ctx.server.scripts;
    let sha = Sha::of(args.at(2));
    let script = match scripts.get(&sha) {
        Some(script) => script,
        None => {
            let script = new_script(args, 2)?;
            Run::check(&script, super::options(ctx.server))?;
            script
        }
    };
    scripts.add(&script, true);
    ctx.reply.bulk(sha.as_bytes());
    Ok(Outcome::Done)
}

/// `SCRIPT EXISTS sha1 [sha1 ...]`
pub(super) fn exists(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let asked = args.rest(2);
    ctx.reply.array(asked.len());
    for sha in asked {
        let is_cached = Sha::parse(sha).is_some_and(|sha| ctx.server.scripts.has(&sha));
        ctx.reply.int(is_cached.into());
    }
    Ok(Outcome::Done)
}

/// `SCRIPT SHOW sha1`
pub(super) fn show(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let script = Sha::parse(args.at(2)).and_then(|sha| ctx.server.scripts.get(&sha));
    let script = script.ok_or(ReplyError::NO_SCRIPT)?;
    ctx.reply.bulk_shared(&script.body);
    Ok(Outcome::Done)
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
pub(super) fn flush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !names_flush_type(args) {
        return Err(ReplyError::fixed(
            "ERR SCRIPT FLUSH only support SYNC|ASYNC option",
        ));
    }
    ctx.server.scripts.flush();
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `SCRIPT KILL`
pub(super) fn kill(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    end(ctx, Kind::Script)
}

/// Ends what takes long, of one kind.
pub(super) fn end(ctx: &mut Context<'_>, kind: Kind) -> CommandResult {
    match ctx.server.scripts.running.kill(kind) {
        Kill::Done => {
            ctx.reply.ok();
            Ok(Outcome::Done)
        }
        Kill::NotBusy => Err(ReplyError::fixed(
            "NOTBUSY No scripts in execution right now.",
        )),
        Kill::Unkillable => Err(ReplyError::fixed(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script \
             termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
        )),
        Kill::OtherKind => Err(busy(match kind {
            Kind::Script => Kind::Function,
            Kind::Function => Kind::Script,
        })),
    }
}

/// `SCRIPT DEBUG YES | SYNC | NO`
pub(super) fn debug(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mode = args.at(2);
    if mode.eq_ignore_ascii_case(b"NO") {
        ctx.reply.ok();
        return Ok(Outcome::Done);
    }
    Err(
        if mode.eq_ignore_ascii_case(b"YES") || mode.eq_ignore_ascii_case(b"SYNC") {
            ReplyError::fixed("ERR Larder has no debugger for scripts")
        } else {
            ReplyError::fixed("ERR Use SCRIPT DEBUG YES/SYNC/NO")
        },
    )
}
