//! `CLIENT HELP`, `PUBSUB HELP` and their like: derived from the container's entries in the command table.

use std::fmt::Display;

use super::context::{CommandResult, Context, Outcome};
use super::table;
use crate::resp::{Args, Reply};

/// The handler of every `HELP` subcommand: for each subcommand a line of syntax and one of what it does, HELP's last.
pub(super) fn help(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let container = table::find(args.at(0)).expect("a subcommand is found through its container");
    let (last, others): (Vec<_>, Vec<_>) = container
        .subcommands
        .iter()
        .map(|subcommand| (subcommand.name, subcommand.hint(), subcommand.summary))
        .partition(|(name, ..)| *name == "help");
    list(ctx.reply, container.name, others.into_iter().chain(last));
    Ok(Outcome::Done)
}

/// Replies with the subcommands of `command`: the name, the arguments and the purpose of each.
pub(super) fn list<'a, H: Display>(
    reply: &mut Reply,
    command: &str,
    subcommands: impl Iterator<Item = (&'a str, H, &'a str)>,
) {
    let array = reply.defer();
    reply.simple(&format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        command.to_ascii_uppercase()
    ));
    let mut lines = 1;
    for (name, syntax, summary) in subcommands {
        reply.simple(format!("{} {syntax}", name.to_ascii_uppercase()).trim_end());
        reply.simple(&format!("    {summary}"));
        lines += 2;
    }
    reply.array_at(array, lines);
}
