//! Hashes: fields with values under one key, each field with an expiry of its own if asked for.

mod basic;
mod expire;
pub(super) mod view;
mod walk;

use super::table::words::{
    ACCESS, Command, DELETE, DENYOOM, FAST, Group, INSERT, READONLY, RO, RW, UPDATE, WRITE, key,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Hash, "hdel", -3, basic::hdel)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, DELETE])])
        .member(2)
        .since("2.0.0")
        .summary("Removes fields from a hash, and the hash with its last field.")
        .syntax("key field...")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hexists", 3, basic::hexists)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .member(2)
        .since("2.0.0")
        .summary("Tells whether a hash has a field.")
        .syntax("key field"),
    Command::new(Group::Hash, "hexpire", -6, expire::hexpire)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("9.0.0")
        .summary("Lets fields of a hash expire after some seconds.")
        .syntax(
            "key seconds:integer [condition: NX|XX|GT|LT] FIELDS (fields: numfields:integer \
            field...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hexpireat", -6, expire::hexpireat)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("9.0.0")
        .summary("Lets fields of a hash expire at a Unix time in seconds.")
        .syntax(
            "key unix-time-seconds:integer [condition: NX|XX|GT|LT]@9.0.0 FIELDS (fields: \
            numfields:integer field...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hexpiretime", -5, expire::hexpiretime)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("9.0.0")
        .summary("Returns the Unix times in seconds at which fields of a hash expire.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hget", 3, basic::hget)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("2.0.0")
        .summary("Returns the value of a field in a hash.")
        .syntax("key field"),
    Command::new(Group::Hash, "hgetall", 2, basic::hgetall)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Returns all fields of a hash with their values.")
        .syntax("key")
        .complexity("O(N), N being the number of fields in the hash")
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Hash, "hgetdel", -5, expire::hgetdel)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("9.1.0")
        .summary("Returns the values of fields in a hash and removes these fields.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hgetex", -5, expire::hgetex)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("9.0.0")
        .summary("Returns the values of fields in a hash and sets or clears the fields' expiry.")
        .syntax(
            "key [expiration: EX seconds:integer|PX milliseconds:integer|EXAT \
            unix-time-seconds:unix-time|PXAT unix-time-milliseconds:unix-time|PERSIST] \
            FIELDS (fields: numfields:integer field...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hincrby", 4, basic::hincrby)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .member(2)
        .since("2.0.0")
        .summary(
            "Raises the integer in a hash's field by the given amount, starting from 0 \
            when it is missing.",
        )
        .syntax("key field increment:integer"),
    Command::new(Group::Hash, "hincrbyfloat", 4, basic::hincrbyfloat)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .member(2)
        .since("2.6.0")
        .summary(
            "Raises the number in a hash's field by a fraction, starting from 0 when it is \
            missing.",
        )
        .syntax("key field increment:double"),
    Command::new(Group::Hash, "hkeys", 2, basic::hkeys)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Returns the names of all fields in a hash.")
        .syntax("key")
        .complexity("O(N), N being the number of fields in the hash")
        .tips(&["nondeterministic_output_order"]),
    Command::new(Group::Hash, "hlen", 2, basic::hlen)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("2.0.0")
        .summary("Returns the number of fields in a hash.")
        .syntax("key"),
    Command::new(Group::Hash, "hmget", -3, basic::hmget)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("2.0.0")
        .summary("Returns the values of several fields in a hash.")
        .syntax("key field...")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hmset", -4, basic::hmset)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .member(2)
        .since("2.0.0")
        .summary("Sets fields of a hash.")
        .syntax("key (data: field value)...")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hpersist", -5, expire::hpersist)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("9.0.0")
        .summary("Clears the expiry of fields in a hash.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hpexpire", -6, expire::hpexpire)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("9.0.0")
        .summary("Lets fields of a hash expire after some milliseconds.")
        .syntax(
            "key milliseconds:integer [condition: NX|XX|GT|LT]@9.0.0 FIELDS (fields: \
            numfields:integer field...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hpexpireat", -6, expire::hpexpireat)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("9.0.0")
        .summary("Lets fields of a hash expire at a Unix time in milliseconds.")
        .syntax(
            "key unix-time-milliseconds:integer [condition: NX|XX|GT|LT]@9.0.0 FIELDS \
            (fields: numfields:integer field...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hpexpiretime", -5, expire::hpexpiretime)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("9.0.0")
        .summary("Returns the Unix times in milliseconds at which fields of a hash expire.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hpttl", -5, expire::hpttl)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("9.0.0")
        .summary("Returns how many milliseconds fields of a hash have left.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hrandfield", -2, walk::hrandfield)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns fields of a hash picked at random.")
        .syntax("key [options: count:integer [WITHVALUES]]")
        .complexity("O(N), N being the number of fields returned")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Hash, "hscan", -3, walk::hscan)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.0")
        .summary("Walks through the fields of a hash, a part at a time.")
        .syntax("key cursor:integer [MATCH pattern] [COUNT count:integer] [NOVALUES]")
        .complexity("O(1) a call, O(N) for the whole walk, N being the size of the collection")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Hash, "hset", -4, basic::hset)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .member(2)
        .since("2.0.0")
        .summary("Sets fields of a hash, creating it when missing.")
        .syntax("key (data: field value)...")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hsetex", -6, expire::hsetex)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("9.0.0")
        .summary("Sets fields of a hash with one expiry for all, under conditions if asked for.")
        .syntax(
            "key [key-condition: NX|XX] [fields-condition: FNX|FXX] [expiration: EX \
            seconds:integer|PX milliseconds:integer|EXAT unix-time-seconds:unix-time|PXAT \
            unix-time-milliseconds:unix-time|KEEPTTL] FIELDS (fields: numfields:integer \
            (data: field value)...)",
        )
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hsetnx", 4, basic::hsetnx)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .member(2)
        .since("2.0.0")
        .summary("Sets a field of a hash unless it is there already.")
        .syntax("key field value"),
    Command::new(Group::Hash, "hstrlen", 3, basic::hstrlen)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .member(2)
        .since("3.2.0")
        .summary("Returns the length of a field's value in bytes.")
        .syntax("key field"),
    Command::new(Group::Hash, "httl", -5, expire::httl)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("9.0.0")
        .summary("Returns how many seconds fields of a hash have left.")
        .syntax("key FIELDS (fields: numfields:integer field...)")
        .complexity("O(N), N being the number of fields named"),
    Command::new(Group::Hash, "hvals", 2, basic::hvals)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Returns the values of all fields in a hash.")
        .syntax("key")
        .complexity("O(N), N being the number of fields in the hash")
        .tips(&["nondeterministic_output_order"]),
];
