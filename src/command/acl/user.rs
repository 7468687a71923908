//! ACL's subcommands about users: SETUSER, DELUSER, GETUSER, LIST, USERS, and the file of users, LOAD and SAVE.

use std::path::PathBuf;

use super::change::follow;
use crate::acl::Selector;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::config::replace_file;
use crate::resp::{Args, Reply, ReplyError};
use crate::session::DEFAULT_USER;

const NO_FILE: ReplyError = ReplyError::fixed(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command \
     and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis \
     configuration.",
);

/// `ACL SETUSER username [rule ...]`
pub(super) fn setuser(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let server = ctx.server;
    let rules = args.rest(3).iter();
    let changes = server
        .users
        .set(args.at(2), rules, &server.settings)
        .map_err(|why| ReplyError::from_bytes([b"ERR ", &why[..]].concat()))?;
    follow(ctx, &changes);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `ACL DELUSER username [username ...]`
pub(super) fn deluser(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let names = args.rest(2);
    if names.iter().any(|name| name == DEFAULT_USER.as_bytes()) {
        return Err(ReplyError::fixed(
            "ERR The 'default' user cannot be removed",
        ));
    }
    let changes = ctx.server.users.delete(names.iter());
    follow(ctx, &changes);
    ctx.reply
        .int(i64::try_from(changes.len()).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// `ACL GETUSER username`
pub(super) fn getuser(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let reply = &mut *ctx.reply;
    let Some(user) = ctx.server.users.get(args.at(2)) else {
        reply.null();
        return Ok(Outcome::Done);
    };
    reply.map(6);
    reply.bulk(b"flags");
    reply.set(user.flags().count());
    for flag in user.flags() {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"passwords");
    reply.array(user.passwords().len());
    for hash in user.passwords() {
        reply.bulk(hash.as_bytes());
    }
    describe(reply, user.root());
    reply.bulk(b"selectors");
    reply.array(user.selectors().len());
    for selector in user.selectors() {
        reply.map(3);
        describe(reply, selector);
    }
    Ok(Outcome::Done)
}

/// Three fields of a map.
fn describe(reply: &mut Reply, selector: &Selector) {
    reply.bulk(b"commands");
    reply.bulk(selector.describe_commands().as_bytes());
    reply.bulk(b"keys");
    reply.bulk(&selector.describe_keys());
    reply.bulk(b"channels");
    reply.bulk(&selector.describe_channels());
}

/// `ACL LIST`
pub(super) fn list(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let lines = ctx.server.users.lines();
    ctx.reply.array(lines.len());
    for line in lines {
        ctx.reply.bulk(&line);
    }
    Ok(Outcome::Done)
}

/// `ACL USERS`
pub(super) fn users(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let users = ctx.server.users.all();
    ctx.reply.array(users.len());
    for user in users {
        ctx.reply.bulk(user.name().as_bytes());
    }
    Ok(Outcome::Done)
}

/// `ACL LOAD`
pub(super) fn load(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let file = file(ctx)?;
    let loaded = ctx.server.users.load(&file, &ctx.server.settings);
    let changes = loaded.map_err(ReplyError::err)?;
    follow(ctx, &changes);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `ACL SAVE`
pub(super) fn save(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let file = file(ctx)?;
    let mut text = ctx.server.users.lines().join(&b'\n');
    text.push(b'\n');
    replace_file(&file, &text).map_err(|why| {
        tracing::warn!("ACL SAVE: cannot write '{}': {why}", file.display());
        ReplyError::fixed(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        )
    })?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

fn file(ctx: &Context<'_>) -> Result<PathBuf, ReplyError> {
    ctx.server.settings.users_file().ok_or(NO_FILE)
}
