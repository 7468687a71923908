//! Strings: bytes under a key, and integers and numbers kept as such.

mod change;
mod get;
pub(crate) mod in_place;
mod lcs;
mod set;
pub(crate) mod value;

use super::table::keys::of_set;
use super::table::words::{
    ACCESS, Command, DELETE, DENYOOM, FAST, Group, INSERT, OW, READONLY, RM, RO, RW, UPDATE,
    VARIABLE_FLAGS, WRITE, counted_keys, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::String, "append", 3, change::append)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("2.0.0")
        .summary("Adds bytes to the end of a string, creating it when missing.")
        .syntax("key value")
        .complexity("O(1) amortised, when what is appended is short"),
    Command::new(Group::String, "decr", 2, change::decr)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary("Lowers the integer in a key by one, starting from 0 when the key is missing.")
        .syntax("key"),
    Command::new(Group::String, "decrby", 3, change::decrby)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary(
            "Lowers the integer in a key by the given amount, starting from 0 when the key \
            is missing.",
        )
        .syntax("key decrement:integer"),
    Command::new(Group::String, "delifeq", 3, change::delifeq)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RM, DELETE])])
        .since("9.0.0")
        .summary("Removes a key if its string equals the given one.")
        .syntax("key value"),
    Command::new(Group::String, "get", 2, get::get)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the string in a key.")
        .syntax("key"),
    Command::new(Group::String, "getdel", 2, get::getdel)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("6.2.0")
        .summary("Returns the string in a key and removes the key.")
        .syntax("key"),
    Command::new(Group::String, "getex", -2, get::getex)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE]).note("Changes the expiry, not the value")])
        .since("6.2.0")
        .summary("Returns the string in a key and sets or clears the key's expiry.")
        .syntax(
            "key [expiration: EX seconds:integer|PX milliseconds:integer|EXAT \
            unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|PERSIST]",
        ),
    Command::new(Group::String, "getrange", 4, get::getrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.4.0")
        .summary("Returns a part of a string.")
        .syntax("key start:integer end:integer")
        .complexity("O(N), N being the length of what is returned"),
    Command::new(Group::String, "getset", 3, set::getset)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary("Replaces a key's value and returns the string that was there.")
        .syntax("key value"),
    Command::new(Group::String, "incr", 2, change::incr)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary("Raises the integer in a key by one, starting from 0 when the key is missing.")
        .syntax("key"),
    Command::new(Group::String, "incrby", 3, change::incrby)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary(
            "Raises the integer in a key by the given amount, starting from 0 when the key \
            is missing.",
        )
        .syntax("key increment:integer"),
    Command::new(Group::String, "incrbyfloat", 3, change::incrbyfloat)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("2.6.0")
        .summary(
            "Raises the number in a key by a fraction, starting from 0 when the key is \
            missing.",
        )
        .syntax("key increment:double"),
    Command::new(Group::String, "lcs", -3, lcs::lcs)
        .flags(&[READONLY])
        .keys(&[keys(1, 1, 1, &[RO, ACCESS])])
        .since("7.0.0")
        .summary("Finds the longest subsequence that two strings have in common.")
        .syntax("key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]")
        .complexity("O(N*M), N and M being the lengths of the two strings"),
    Command::new(Group::String, "mget", -2, get::mget)
        .flags(&[READONLY, FAST])
        .keys(&[keys(1, -1, 1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the strings in several keys at once.")
        .syntax("key...")
        .complexity("O(N), N being the number of keys")
        .tips(&["request_policy:multi_shard"]),
    Command::new(Group::String, "mset", -3, set::mset)
        .flags(&[WRITE, DENYOOM])
        .keys(&[keys(1, -1, 2, &[OW, UPDATE])])
        .since("1.0.1")
        .summary("Sets several keys at once.")
        .syntax("(data: key value)...")
        .complexity("O(N), N being the number of keys")
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ]),
    Command::new(Group::String, "msetex", -4, set::msetex)
        .flags(&[WRITE, DENYOOM])
        .keys(&[counted_keys(1, 2, &[OW, UPDATE])])
        .since("9.1.0")
        .summary("Sets several keys at once, with a condition and one expiry for all.")
        .syntax(
            "numkeys:integer (data: key value)... [condition: NX|XX] [expiration: EX \
            seconds:integer|PX milliseconds:integer|EXAT unix-time-seconds:unix-time|PXAT \
            unix-time-milliseconds:unix-time|KEEPTTL]",
        )
        .complexity("O(N), N being the number of keys")
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ]),
    Command::new(Group::String, "msetnx", -3, set::msetnx)
        .flags(&[WRITE, DENYOOM])
        .keys(&[keys(1, -1, 2, &[OW, INSERT])])
        .since("1.0.1")
        .summary("Sets several keys at once, unless one of them is there already.")
        .syntax("(data: key value)...")
        .complexity("O(N), N being the number of keys"),
    Command::new(Group::String, "psetex", 4, set::psetex)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE])])
        .since("2.6.0")
        .summary("Sets a key to a string that expires after some milliseconds.")
        .syntax("key milliseconds:integer value"),
    Command::new(Group::String, "set", -3, set::set)
        .flags(&[WRITE, DENYOOM])
        .keys(&[
            key(1, &[RW, ACCESS, UPDATE, VARIABLE_FLAGS]).note("Reads the old value only with GET")
        ])
        .finder(of_set)
        .since("1.0.0")
        .summary("Sets a key to a string, with a condition and an expiry if asked for.")
        .syntax(
            "key value [condition: NX@2.6.12|XX@2.6.12|IFEQ comparison-value@8.1.0] \
            [GET@6.2.0] [expiration: EX seconds:integer@2.6.12|PX \
            milliseconds:integer@2.6.12|EXAT unix-time-seconds:unix-time@6.2.0|PXAT \
            unix-time-milliseconds:unix-time@6.2.0|KEEPTTL@6.0.0]",
        ),
    Command::new(Group::String, "setex", 4, set::setex)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE])])
        .since("2.0.0")
        .summary("Sets a key to a string that expires after some seconds.")
        .syntax("key seconds:integer value"),
    Command::new(Group::String, "setnx", 3, set::setnx)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[OW, INSERT])])
        .since("1.0.0")
        .summary("Sets a key to a string unless the key is there already.")
        .syntax("key value"),
    Command::new(Group::String, "setrange", 4, change::setrange)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("2.2.0")
        .summary(
            "Writes over a part of a string from an offset on, padding it with zero bytes \
            as needed.",
        )
        .syntax("key offset:integer value")
        .complexity("O(M), M being the length of what is written"),
    Command::new(Group::String, "strlen", 2, get::strlen)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("2.2.0")
        .summary("Returns the length of a string in bytes.")
        .syntax("key"),
    Command::new(Group::String, "substr", 4, get::getrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns a part of a string.")
        .syntax("key start:integer end:integer")
        .complexity("O(N), N being the length of what is returned"),
];
