//! Sets: different members in no order.
//!
//! A set of few integers is packed into its key's record in ascending order (`intset`), one of few other members in the
//! order in which they came (`listpack`), a large one is a table (`hashtable`); [`view`] hides which, and knows when one
//! becomes the other. A set only ever grows out of a form, except that SINTERSTORE looks at what it has made.
//!
//! * `basic` adds, removes and asks for members that are named, and returns them all.
//! * `random` picks members, `scan` walks through them.
//! * `combine` makes one set of several.

mod basic;
mod combine;
mod random;
mod scan;
#[cfg(test)]
mod tests;
pub(super) mod view;

use super::table::words::{
    ACCESS, Command, DELETE, DENYOOM, FAST, Group, INSERT, OW, READONLY, RO, RW, UPDATE, WRITE,
    counted_keys, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Set, "sadd", -3, basic::sadd)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .member(2)
        .since("1.0.0")
        .summary("Adds members to a set.")
        .syntax("key member...")
        .complexity("O(N), N being the number of members named"),
    Command::new(Group::Set, "scard", 2, basic::scard)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("1.0.0")
        .summary("Returns the number of members in a set.")
        .syntax("key"),
    Command::new(Group::Set, "sdiff", -2, combine::sdiff)
        .flags(&[READONLY])
        .keys(&[keys(1, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the members of the first set that are in none of the others.")
        .syntax("key...")
        .complexity("O(N), N being all members of all sets")
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Set, "sdiffstore", -3, combine::sdiffstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), keys(2, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Stores the members of the first set that are in none of the others.")
        .syntax("destination:key key...")
        .complexity("O(N), N being all members of all sets"),
    Command::new(Group::Set, "sinter", -2, combine::sinter)
        .flags(&[READONLY])
        .keys(&[keys(1, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the members that all of several sets share.")
        .syntax("key...")
        .complexity(
            "O(N*K) at worst, N being the size of the smallest set and K the number of sets",
        )
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Set, "sintercard", -3, combine::sintercard)
        .flags(&[READONLY])
        .keys(&[counted_keys(1, 1, &[RO, ACCESS])])
        .since("7.0.0")
        .summary("Counts the members that all of several sets share, up to a limit if asked for.")
        .syntax("numkeys:integer key... [LIMIT limit:integer]")
        .complexity(
            "O(N*K) at worst, N being the size of the smallest set and K the number of sets",
        ),
    Command::new(Group::Set, "sinterstore", -3, combine::sinterstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), keys(2, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Stores the members that all of several sets share.")
        .syntax("destination:key key...")
        .complexity(
            "O(N*K) at worst, N being the size of the smallest set and K the number of sets",
        ),
    Command::new(Group::Set, "sismember", 3, basic::sismember)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .member(2)
        .since("1.0.0")
        .summary("Tells whether a set has a member.")
        .syntax("key member"),
    Command::new(Group::Set, "smembers", 2, basic::smembers)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns all members of a set.")
        .syntax("key")
        .complexity("O(N), N being the size of the set")
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Set, "smismember", -3, basic::smismember)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("6.2.0")
        .summary("Tells which of several members a set has.")
        .syntax("key member...")
        .complexity("O(N), N being the number of members named"),
    Command::new(Group::Set, "smove", 4, basic::smove)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE]), key(2, &[RW, INSERT])])
        .since("1.0.0")
        .summary("Moves a member from one set to another.")
        .syntax("source:key destination:key member"),
    Command::new(Group::Set, "spop", -2, random::spop)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("1.0.0")
        .summary("Takes members picked at random out of a set.")
        .syntax("key [count:integer@3.2.0]")
        .complexity("O(N), N being the number of members taken")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Set, "srandmember", -2, random::srandmember)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns members of a set picked at random.")
        .syntax("key [count:integer@2.6.0]")
        .complexity("O(N), N being the number of members returned")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Set, "srem", -3, basic::srem)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, DELETE])])
        .member(2)
        .since("1.0.0")
        .summary("Removes members from a set, and the set with its last member.")
        .syntax("key member...")
        .complexity("O(N), N being the number of members named"),
    Command::new(Group::Set, "sscan", -3, scan::sscan)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.0")
        .summary("Walks through the members of a set, a part at a time.")
        .syntax("key cursor:integer [MATCH pattern] [COUNT count:integer]")
        .complexity("O(1) a call, O(N) for the whole walk, N being the size of the set")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Set, "sunion", -2, combine::sunion)
        .flags(&[READONLY])
        .keys(&[keys(1, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the members that are in any of several sets.")
        .syntax("key...")
        .complexity("O(N), N being all members of all sets")
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Set, "sunionstore", -3, combine::sunionstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), keys(2, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Stores the members that are in any of several sets.")
        .syntax("destination:key key...")
        .complexity("O(N), N being all members of all sets"),
];
