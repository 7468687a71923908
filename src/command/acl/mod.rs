//! ACL: users, and the rules of what they may do. What a user is, is in [`crate::acl`]; which users there are, in
//! [`crate::users`].
//!
//! The question whether a session may execute a request is asked in [`check`], by the dispatcher, by EXEC and by scripts.
//! Whoever changes users ends in [`change`] what connections may not do any more.

mod change;
mod check;
mod log;
mod query;
mod user;

pub(super) use change::end_wait;
pub(super) use check::{Place, check, may_call, may_read_any_key, note_failed_login};

use super::help::help;
use super::table::words::{ADMIN, Command, Group, LOADING, NOSCRIPT, STALE};

pub(super) const COMMANDS: &[Command] = &[Command::new(Group::Server, "acl", -2, help)
    .since("6.0.0")
    .summary("Tells about users and their rights, and changes them.")
    .complexity("Depends on the subcommand")
    .subcommands(&[
        Command::new(Group::Server, "cat", -2, query::cat)
            .flags(&[NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Lists the categories of commands, or the commands of one.")
            .syntax("[category]")
            .complexity("O(1): categories and commands are a fixed number"),
        Command::new(Group::Server, "deluser", -3, user::deluser)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .secrets(|_, index| index > 1)
            .since("6.0.0")
            .summary("Removes users and closes their connections.")
            .syntax("username...")
            .complexity("O(N), N being the number of connections")
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new(Group::Server, "dryrun", -4, query::dryrun)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("7.0.0")
            .summary("Tells whether a user may execute a command, without executing it.")
            .syntax("username command [arg...]"),
        Command::new(Group::Server, "genpass", -2, query::genpass)
            .flags(&[NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Returns a password that nobody can guess.")
            .syntax("[bits:integer]"),
        Command::new(Group::Server, "getuser", 3, user::getuser)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .secrets(|_, index| index > 1)
            .since("6.0.0")
            .summary("Returns the rules of a user.")
            .syntax("username")
            .complexity("O(N), N being the number of rules"),
        Command::new(Group::Server, "help", 2, help)
            .flags(&[LOADING, STALE])
            .since("6.0.0")
            .summary("Explains the subcommands."),
        Command::new(Group::Server, "list", 2, user::list)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Returns the rules of all users, as an ACL file holds them.")
            .complexity("O(N), N being the number of users"),
        Command::new(Group::Server, "load", 2, user::load)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Replaces all users by those of the ACL file.")
            .complexity("O(N), N being the number of users and connections"),
        Command::new(Group::Server, "log", -2, log::log)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Returns what users were denied lately.")
            .syntax("[operation: count:integer|RESET]")
            .complexity("O(N), N being the number of entries"),
        Command::new(Group::Server, "save", 2, user::save)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Writes all users to the ACL file.")
            .complexity("O(N), N being the number of users")
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new(Group::Server, "setuser", -3, user::setuser)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .secrets(|_, index| index > 1)
            .since("6.0.0")
            .summary("Makes a user, or changes the rules of one.")
            .syntax("username [rule...]")
            .complexity("O(N), N being the number of rules and connections")
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        Command::new(Group::Server, "users", 2, user::users)
            .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Returns the names of all users.")
            .complexity("O(N), N being the number of users"),
        Command::new(Group::Server, "whoami", 2, query::whoami)
            .flags(&[NOSCRIPT, LOADING, STALE])
            .since("6.0.0")
            .summary("Returns the user of this connection."),
    ])];
