//! `CLIENT HELP`, `PUBSUB HELP` and their like: derived from the container's entries in the command table.

use super::context::{CommandResult, Context, Outcome};
use super::table;
use crate::resp::Args;

/// The handler of every `HELP` subcommand: for each subcommand a line of syntax and one of what it does,
/// `HELP` itself last.
pub(super) fn help(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let container = table::find(args.at(0)).expect("a subcommand is found through its container");
    let title = format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        container.name.to_ascii_uppercase()
    );
    let reply = &mut *ctx.reply;
    reply.array(1 + 2 * container.subcommands.len());
    reply.simple(&title);
    let is_help = |subcommand: &&table::Command| subcommand.name == "help";
    let others = container
        .subcommands
        .iter()
        .filter(|subcommand| !is_help(subcommand));
    for subcommand in others.chain(container.subcommands.iter().filter(is_help)) {
        let line = format!(
            "{} {}",
            subcommand.name.to_ascii_uppercase(),
            subcommand.hint()
        );
        reply.simple(line.trim_end());
        reply.simple(&format!("    {}", subcommand.summary));
    }
    Ok(Outcome::Done)
}
