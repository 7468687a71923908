//! ACL's questions that are not about one user's rules: CAT, DRYRUN, GENPASS, WHOAMI.

use super::check::{ask, no_permission_to_run};
use crate::acl::{Denied, generate_password};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::table::{self, Acl, Command};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// The most bits of a password.
const MAX_BITS: i64 = 4096;

/// `ACL CAT [category]`
pub(super) fn cat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let names: Vec<&str> = match (args.get(2), args.len()) {
        (None, _) => Acl::all_names().collect(),
        (Some(name), 3) => {
            let category = Acl::named(name).ok_or_else(|| {
                ReplyError::from_bytes([b"ERR Unknown category '", short(name), b"'"].concat())
            })?;
            let all = table::all().iter();
            let of = all.filter(|command| command.acl.contains(category));
            of.map(|command| command.full_name()).collect()
        }
        _ => return Err(ReplyError::subcommand_syntax(args.at(1), "acl")),
    };
    ctx.reply.array(names.len());
    for name in names {
        ctx.reply.bulk(name.as_bytes());
    }
    Ok(Outcome::Done)
}

/// `ACL DRYRUN username command [arg ...]`
pub(super) fn dryrun(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let not_found = |what: &str, name: &[u8]| {
        ReplyError::from_bytes([b"ERR ", what.as_bytes(), b" '", name, b"' not found"].concat())
    };
    let user = ctx.server.users.get(args.at(2));
    let user = user.ok_or_else(|| not_found("User", args.at(2)))?;
    let request = args.rest(3);
    let command: &'static Command =
        table::resolve(request).ok_or_else(|| not_found("Command", args.at(3)))?;
    if !command.accepts(request.len()) {
        return Err(ReplyError::wrong_arity(command.full_name()));
    }
    let no_access = |what: &str, index: usize| {
        let before = format!("User {} has no permissions to access the '", user.name());
        let after = format!("' {what}");
        [before.as_bytes(), request.at(index), after.as_bytes()].concat()
    };
    match ask(&user, command, request) {
        Ok(()) => ctx.reply.ok(),
        Err(Denied::Command) => ctx
            .reply
            .bulk(no_permission_to_run(&user, command).as_bytes()),
        Err(Denied::Key(index)) => ctx.reply.bulk(&no_access("key", index)),
        Err(Denied::Channel(index)) => ctx.reply.bulk(&no_access("channel", index)),
    }
    Ok(Outcome::Done)
}

/// `ACL GENPASS [bits]`
pub(super) fn genpass(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let bits = match (args.get(2), args.len()) {
        (None, _) => 256,
        (Some(text), 3) => number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?,
        _ => return Err(ReplyError::subcommand_syntax(args.at(1), "acl")),
    };
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(ReplyError::err(format_args!(
            "ACL GENPASS argument must be the number of bits for the output password, a positive number up to {MAX_BITS}"
        )));
    }
    let digits = usize::try_from(bits).unwrap_or(0).div_ceil(4);
    let password = generate_password(digits).ok_or(ReplyError::fixed(
        "ERR the system has no random numbers to give",
    ))?;
    ctx.reply.bulk(password.as_bytes());
    Ok(Outcome::Done)
}

/// `ACL WHOAMI`
pub(super) fn whoami(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let user = ctx.session.client().identity().user;
    ctx.reply.bulk(user.as_bytes());
    Ok(Outcome::Done)
}

/// What of a name is quoted.
fn short(name: &[u8]) -> &[u8] {
    &name[..name.len().min(128)]
}
