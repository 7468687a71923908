//! HyperLogLogs: strings that estimate how many different things were seen.
//!
//! There is no type of its own: GET and SET move a HyperLogLog to and from Redis and Valkey, whose bytes are the same. It
//! is sparse up to `hll-sparse-max-bytes`, then dense. A count is cached in the string itself, so that PFCOUNT of one key
//! may change it. See [`crate::value::hll`].

mod debug;
mod pf;
#[cfg(test)]
mod tests;

use super::table::keys::of_pfmerge;
use super::table::words::{
    ACCESS, ADMIN, Command, DENYOOM, FAST, Group, INSERT, READONLY, RO, RW, WRITE, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Hyperloglog, "pfadd", -2, pf::pfadd)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("2.8.9")
        .summary(
            "Counts elements in a HyperLogLog, and tells whether its estimate may have changed.",
        )
        .syntax("key [element]...")
        .complexity("O(1) for each element"),
    Command::new(Group::Hyperloglog, "pfcount", -2, pf::pfcount)
        .flags(&[READONLY])
        .keys(&[
            keys(1, -1, 1, &[RW, ACCESS]).note("Writes the cached count, which is in the value")
        ])
        .since("2.8.9")
        .summary("Estimates how many different elements one or several HyperLogLogs have seen.")
        .syntax("key...")
        .complexity(
            "O(1) when the count of one key is cached, else O(N), N being the number of keys",
        ),
    Command::new(Group::Hyperloglog, "pfdebug", 3, debug::pfdebug)
        .flags(&[WRITE, DENYOOM, ADMIN])
        .keys(&[key(2, &[RW, ACCESS])])
        .since("2.8.9")
        .summary("Shows the inside of a HyperLogLog.")
        .syntax("subcommand key")
        .complexity("O(1)")
        .internal(),
    Command::new(Group::Hyperloglog, "pfmerge", -2, pf::pfmerge)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, ACCESS, INSERT]), keys(2, -1, 1, &[RO, ACCESS])])
        .finder(of_pfmerge)
        .since("2.8.9")
        .summary("Adds what several HyperLogLogs have seen to one of them or to a new one.")
        .syntax("destkey:key [sourcekey:key]...")
        .complexity("O(N), N being the number of keys"),
    Command::new(Group::Hyperloglog, "pfselftest", 1, debug::pfselftest)
        .flags(&[ADMIN])
        .since("2.8.9")
        .summary("Checks that HyperLogLogs count as they should.")
        .internal(),
];
