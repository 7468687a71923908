//! CONFIG: the settings, read and changed while the server runs. What a parameter is and may be is in [`crate::config`].

use crate::command::{CommandResult, Context, Outcome};
use crate::config::{ConfigError, is_sensitive};
use crate::memory::reclaim;
use crate::resp::{Args, ReplyError};

/// `CONFIG GET parameter [parameter ...]`: a map of the names that match, and their values.
pub(super) fn get(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = args.rest(2).iter().collect();
    let found = ctx.server.settings.get(&patterns);
    ctx.reply.map(found.len());
    for (name, value) in found {
        ctx.reply.bulk(name.as_bytes());
        ctx.reply.bulk(value.as_bytes());
    }
    Ok(Outcome::Done)
}

/// `CONFIG SET parameter value [parameter value ...]`: all of them or none.
pub(super) fn set(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let words: Vec<&[u8]> = args.rest(2).iter().collect();
    let (pairs, []) = words.as_chunks::<2>() else {
        return Err(ReplyError::SYNTAX);
    };
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let settings = &ctx.server.settings;
    let is_local = ctx.session.client().origin.local;
    let protected_allowed = settings.enable_protected_configs().allows(is_local);
    settings.set(&pairs, protected_allowed).map_err(refusal)?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Whether an argument is the value of a setting that nobody shall see.
pub(super) fn is_secret(args: Args<'_>, index: usize) -> bool {
    let is_value = index > 2 && index % 2 == 1;
    is_value && args.get(index - 1).is_some_and(is_sensitive)
}

/// `CONFIG RESETSTAT`
pub(super) fn reset_stat(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.server.stats.reset();
    reclaim::reset_freed_objects();
    ctx.server.cap.reset_exceeded();
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CONFIG REWRITE`
pub(super) fn rewrite(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    if settings.users_file().is_none() {
        let users = ctx.server.users.for_configuration(settings);
        let refused = |why| ReplyError::err(format_args!("Rewriting config file: {why}"));
        settings.set_users(users.map_err(refused)?);
    }
    settings.rewrite().map_err(refusal)?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

fn refusal(error: ConfigError) -> ReplyError {
    ReplyError::new(error.to_string())
}
