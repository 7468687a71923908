//! The server: facts, settings, whole databases, shutdown. COMMAND is in [`super::introspect`].

mod config;
mod debug;
mod figures;
mod flush;
mod info;
mod lolwut;
mod memory;
mod misc;
mod shutdown;
#[cfg(test)]
mod tests;

use super::help::help;
use super::introspect;
use super::table::words::{
    ADMIN, ALLOW_BUSY, Acl, Command, FAST, Group, LOADING, Lock, NO_MULTI, NOSCRIPT, READONLY, RO,
    STALE, WRITE, key,
};

/// Hints about the subcommands of MEMORY that look at everything.
const MEMORY_TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
];

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Server, "command", -1, introspect::all)
        .flags(&[LOADING, STALE])
        .acl(&[Acl::CONNECTION])
        .since("2.8.13")
        .summary("Describes all commands.")
        .complexity("O(N), N being the number of commands")
        .tips(&["nondeterministic_output_order"])
        .subcommands(&[
            Command::new(Group::Server, "count", 2, introspect::count)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("2.8.13")
                .summary("Counts the commands."),
            Command::new(Group::Server, "docs", -2, introspect::docs)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("7.0.0")
                .summary("Returns the documentation of commands.")
                .syntax("[command-name...]")
                .complexity("O(N), N being the number of commands named")
                .tips(&["nondeterministic_output_order"]),
            Command::new(Group::Server, "getkeys", -3, introspect::getkeys)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("2.8.13")
                .summary("Finds the keys in a full command.")
                .syntax("command [arg...]")
                .complexity("O(N), N being the number of arguments"),
            Command::new(
                Group::Server,
                "getkeysandflags",
                -3,
                introspect::getkeysandflags,
            )
            .flags(&[LOADING, STALE])
            .acl(&[Acl::CONNECTION])
            .since("7.0.0")
            .summary("Finds the keys in a full command and what it does with them.")
            .syntax("command [arg...]")
            .complexity("O(N), N being the number of arguments"),
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "info", -2, introspect::info)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("2.8.13")
                .summary("Describes commands.")
                .syntax("[command-name...]")
                .complexity("O(N), N being the number of commands named")
                .tips(&["nondeterministic_output_order"]),
            Command::new(Group::Server, "list", -2, introspect::list)
                .flags(&[LOADING, STALE])
                .acl(&[Acl::CONNECTION])
                .since("7.0.0")
                .summary("Lists the names of commands.")
                .syntax(
                    "[FILTERBY <filterby: MODULE module-name|ACLCAT category|PATTERN \
                    pattern>]",
                )
                .complexity("O(N), N being the number of commands")
                .tips(&["nondeterministic_output_order"]),
        ]),
    Command::new(Group::Server, "config", -2, help)
        .since("2.0.0")
        .summary("Reads and changes settings.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "get", -3, config::get)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.0.0")
                .summary("Returns the settings that match patterns.")
                .syntax("parameter...")
                .complexity("O(N), N being the number of settings named"),
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "resetstat", 2, config::reset_stat)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.0.0")
                .summary("Sets the counters of INFO back to zero.")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Server, "rewrite", 2, config::rewrite)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.0")
                .summary("Writes the settings in force into the configuration file.")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Server, "set", -4, config::set)
                .secrets(config::is_secret)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.0.0")
                .summary("Changes settings while the server runs.")
                .syntax("(data: parameter value)...")
                .complexity("O(N), N being the number of settings named")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
        ]),
    Command::new(Group::Server, "dbsize", 1, flush::dbsize)
        .flags(&[READONLY, FAST])
        .acl(&[Acl::KEYSPACE])
        .lock(Lock::Each)
        .since("1.0.0")
        .summary("Counts the keys of the database.")
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"]),
    Command::new(Group::Server, "debug", -2, debug::debug)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .lock(Lock::All)
        .since("1.0.0")
        .summary("Tools for testing the server.")
        .internal()
        .complexity("Depends on the subcommand"),
    Command::new(Group::Server, "flushall", -1, flush::flushall)
        .flags(&[WRITE])
        .acl(&[Acl::DANGEROUS, Acl::KEYSPACE])
        .lock(Lock::All)
        .since("1.0.0")
        .summary("Removes all keys of all databases.")
        .syntax("[flush-type: ASYNC@4.0.0|SYNC@6.2.0]")
        .complexity("O(N), N being the number of keys in all databases")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
    Command::new(Group::Server, "flushdb", -1, flush::flushdb)
        .flags(&[WRITE])
        .acl(&[Acl::DANGEROUS, Acl::KEYSPACE])
        .lock(Lock::All)
        .since("1.0.0")
        .summary("Removes all keys of the database.")
        .syntax("[flush-type: ASYNC@4.0.0|SYNC@6.2.0]")
        .complexity("O(N), N being the number of keys in the database")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
    Command::new(Group::Server, "info", -1, info::info)
        .flags(&[LOADING, STALE])
        .acl(&[Acl::DANGEROUS])
        .lock(Lock::Each)
        .since("1.0.0")
        .summary("Returns facts and counters of the server.")
        .syntax("[section...]")
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ]),
    Command::new(Group::Server, "lastsave", 1, misc::lastsave)
        .flags(&[LOADING, STALE, FAST])
        .acl(&[Acl::ADMIN, Acl::DANGEROUS])
        .since("1.0.0")
        .summary("Returns the Unix time of the last save.")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Server, "lolwut", -1, lolwut::lolwut)
        .flags(&[READONLY, FAST])
        .since("5.0.0")
        .summary("Draws what is in the larder, and tells the version.")
        .syntax("[VERSION version:integer]"),
    Command::new(Group::Server, "memory", -2, help)
        .since("4.0.0")
        .summary("Tells where the memory is.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("4.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "doctor", 2, memory::doctor)
                .lock(Lock::Each)
                .since("4.0.0")
                .summary("Says what is out of the ordinary about the memory, and what helps.")
                .tips(MEMORY_TIPS),
            Command::new(Group::Server, "malloc-stats", 2, memory::malloc_stats)
                .flags(&[LOADING])
                .since("4.0.0")
                .summary("Returns the allocators' own figures.")
                .tips(MEMORY_TIPS),
            Command::new(Group::Server, "purge", 2, memory::purge)
                .flags(&[LOADING])
                .since("4.0.0")
                .summary("Gives memory that the allocators keep for later back to the system.")
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
            Command::new(Group::Server, "stats", 2, memory::stats)
                .lock(Lock::Each)
                .since("4.0.0")
                .summary("Tells what the memory is used for.")
                .tips(MEMORY_TIPS),
            Command::new(Group::Server, "usage", -3, memory::usage)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO])])
                .since("4.0.0")
                .summary("Returns how many bytes a key and its value occupy.")
                .syntax("key [SAMPLES count:integer]"),
        ]),
    Command::new(Group::Server, "role", 1, misc::role)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST])
        .acl(&[Acl::ADMIN, Acl::DANGEROUS])
        .since("2.8.12")
        .summary("Returns the server's part in replication."),
    Command::new(Group::Server, "shutdown", -1, shutdown::shutdown)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY])
        .since("1.0.0")
        .summary("Ends the server.")
        .syntax(
            "[abort-selector: (save-selector-block: [save-selector: NOSAVE|SAVE] [NOW@7.0.0] \
            [FORCE@7.0.0] [SAFE@9.0.0] [FAILOVER@9.0.0])|ABORT@7.0.0]",
        ),
    Command::new(Group::Server, "swapdb", 3, flush::swapdb)
        .flags(&[WRITE, FAST])
        .acl(&[Acl::DANGEROUS, Acl::KEYSPACE])
        .lock(Lock::All)
        .since("4.0.0")
        .summary("Lets two databases change places.")
        .syntax("index1:integer index2:integer")
        .complexity(
            "O(N), N being the number of connections that watch or wait for keys of \
            the two",
        ),
    Command::new(Group::Server, "time", 1, misc::time)
        .flags(&[LOADING, STALE, FAST])
        .since("2.6.0")
        .summary("Returns the server's clock.")
        .tips(&["nondeterministic_output"]),
];
