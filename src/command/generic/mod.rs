//! Commands on keys of any type: existence, expiry, names, iteration.

mod delete;
mod dump;
pub(crate) mod expire;
mod migrate;
pub(crate) mod object;
pub(crate) mod rename;
mod scan;
mod sort;
mod wait;

use super::help::help;
use super::table::keys::{KeySpec, of_migrate, of_sort, of_sort_ro};
use super::table::words::{
    ACCESS, ASKING, Acl, BLOCKING, Command, DELETE, DENYOOM, FAST, Group, INCOMPLETE, INSERT,
    LOADING, Lock, OW, READONLY, RM, RO, RW, STALE, UPDATE, WRITE, key, keys, keys_after,
    unknown_keys,
};

const RESTORE_SYNTAX: &str = "key ttl:integer serialized-value:string [REPLACE@3.0.0] [ABSTTL@5.0.0] \
    [IDLETIME seconds:integer@5.0.0] [FREQ frequency:integer@5.0.0]";

/// The keys that SORT's patterns lead to.
const BY_PATTERN: KeySpec = unknown_keys(&[RO, ACCESS]).note(
    "The keys that BY and GET lead to. Their names are made of the elements that are sorted.",
);

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Generic, "copy", -3, rename::copy)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RO, ACCESS]), key(2, &[OW, UPDATE])])
        .since("6.2.0")
        .summary("Copies a key's value to another key.")
        .syntax("source:key destination:key [DB destination-db:integer] [REPLACE]")
        .complexity("O(N), N being the number of items in the value; O(1) for strings"),
    Command::new(Group::Generic, "del", -2, delete::del)
        .flags(&[WRITE])
        .keys(&[keys(1, -1, 1, &[RM, DELETE])])
        .since("1.0.0")
        .summary("Removes keys.")
        .syntax("key...")
        .complexity("O(N), N being the number of keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"]),
    Command::new(Group::Generic, "dump", 2, dump::dump)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.6.0")
        .summary("Returns a key's value in a serialised form, for RESTORE.")
        .syntax("key")
        .complexity("O(N), N being the size of the value in bytes or elements")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Generic, "exists", -2, delete::exists)
        .flags(&[READONLY, FAST])
        .keys(&[keys(1, -1, 1, &[RO])])
        .since("1.0.0")
        .summary("Counts how many of the given keys are there.")
        .syntax("key...")
        .complexity("O(N), N being the number of keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"]),
    Command::new(Group::Generic, "expire", -3, expire::expire)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("1.0.0")
        .summary("Lets a key expire after some seconds.")
        .syntax("key seconds:integer [condition: NX|XX|GT|LT]@7.0.0"),
    Command::new(Group::Generic, "expireat", -3, expire::expireat)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("1.2.0")
        .summary("Lets a key expire at a Unix time in seconds.")
        .syntax("key unix-time-seconds:unix-time [condition: NX|XX|GT|LT]@7.0.0"),
    Command::new(Group::Generic, "expiretime", 2, expire::expiretime)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("7.0.0")
        .summary("Returns the Unix time in seconds at which a key expires.")
        .syntax("key"),
    Command::new(Group::Generic, "keys", 2, scan::keys)
        .flags(&[READONLY])
        .acl(&[Acl::DANGEROUS])
        .lock(Lock::All)
        .since("1.0.0")
        .summary("Returns all keys that match a pattern.")
        .syntax("pattern")
        .complexity("O(N), N being the number of keys in the database")
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"]),
    Command::new(Group::Generic, "migrate", -6, migrate::migrate)
        .flags(&[WRITE])
        .acl(&[Acl::DANGEROUS])
        .keys(&[
            key(3, &[RW, ACCESS, DELETE]),
            keys_after("KEYS", -2, &[RW, ACCESS, DELETE, INCOMPLETE]),
        ])
        .finder_decides(of_migrate)
        .secrets(migrate::is_credential)
        .since("2.6.0")
        .summary("Moves keys to another server.")
        .syntax(
            "host port:integer <key-selector: key|empty-string=''> destination-db:integer \
            timeout:integer [COPY@3.0.0] [REPLACE@3.0.0] [authentication: AUTH auth@4.0.7|AUTH2 \
            (auth2: username password)@6.0.0] [KEYS keys:key...@3.0.6]",
        )
        .complexity("O(N), N being the size of the values in bytes or elements, here and there")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Generic, "move", 3, rename::move_to_db)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("1.0.0")
        .summary("Moves a key to another database.")
        .syntax("key db:integer"),
    Command::new(Group::Generic, "object", -2, help)
        .since("2.2.3")
        .summary("Looks into how a key's value is kept.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Generic, "encoding", 3, object::object_encoding)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO])])
                .since("2.2.3")
                .summary("Returns the internal form of a key's value.")
                .syntax("key")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Generic, "freq", 3, object::object_freq)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO])])
                .since("4.0.0")
                .summary("Returns how often a key is used, on a logarithmic scale.")
                .syntax("key")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Generic, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("6.2.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Generic, "idletime", 3, object::object_idletime)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO])])
                .since("2.2.3")
                .summary("Returns for how many seconds a key was not used.")
                .syntax("key")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Generic, "refcount", 3, object::object_refcount)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO])])
                .since("2.2.3")
                .summary("Returns the number of references to a key's value.")
                .syntax("key")
                .tips(&["nondeterministic_output"]),
        ]),
    Command::new(Group::Generic, "persist", 2, expire::persist)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("2.2.0")
        .summary("Clears a key's expiry.")
        .syntax("key"),
    Command::new(Group::Generic, "pexpire", -3, expire::pexpire)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("2.6.0")
        .summary("Lets a key expire after some milliseconds.")
        .syntax("key milliseconds:integer [condition: NX|XX|GT|LT]@7.0.0"),
    Command::new(Group::Generic, "pexpireat", -3, expire::pexpireat)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("2.6.0")
        .summary("Lets a key expire at a Unix time in milliseconds.")
        .syntax("key unix-time-milliseconds:unix-time [condition: NX|XX|GT|LT]@7.0.0"),
    Command::new(Group::Generic, "pexpiretime", 2, expire::pexpiretime)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("7.0.0")
        .summary("Returns the Unix time in milliseconds at which a key expires.")
        .syntax("key"),
    Command::new(Group::Generic, "pttl", 2, expire::pttl)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.6.0")
        .summary("Returns how many milliseconds a key has left.")
        .syntax("key")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Generic, "randomkey", 1, scan::randomkey)
        .flags(&[READONLY])
        .lock(Lock::All)
        .since("1.0.0")
        .summary("Returns a key picked at random.")
        .tips(&[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ]),
    Command::new(Group::Generic, "rename", 3, rename::rename)
        .flags(&[WRITE])
        .keys(&[key(1, &[RW, ACCESS, DELETE]), key(2, &[OW, UPDATE])])
        .since("1.0.0")
        .summary("Gives a key another name, replacing what had it.")
        .syntax("key newkey:key"),
    Command::new(Group::Generic, "renamenx", 3, rename::renamenx)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE]), key(2, &[OW, INSERT])])
        .since("1.0.0")
        .summary("Gives a key another name unless something has it already.")
        .syntax("key newkey:key"),
    Command::new(Group::Generic, "restore", -4, dump::restore)
        .flags(&[WRITE, DENYOOM])
        .acl(&[Acl::DANGEROUS])
        .keys(&[key(1, &[OW, UPDATE])])
        .since("2.6.0")
        .summary("Makes a key of what DUMP has returned.")
        .syntax(RESTORE_SYNTAX)
        .complexity(
            "O(N), N being the size of the value in bytes or elements; O(N*log N) for sorted sets",
        ),
    Command::new(Group::Server, "restore-asking", -4, dump::restore)
        .flags(&[WRITE, DENYOOM, ASKING])
        .acl(&[Acl::DANGEROUS, Acl::KEYSPACE])
        .keys(&[key(1, &[OW, UPDATE])])
        .since("3.0.0")
        .summary("For nodes among themselves: RESTORE into a slot that is being imported.")
        .syntax(RESTORE_SYNTAX)
        .complexity(
            "O(N), N being the size of the value in bytes or elements; O(N*log N) for sorted sets",
        ),
    Command::new(Group::Generic, "scan", -2, scan::scan)
        .flags(&[READONLY])
        .lock(Lock::Each)
        .since("2.8.0")
        .summary("Walks through the keys, a part at a time.")
        .syntax("cursor:integer [MATCH pattern] [COUNT count:integer] [TYPE type@6.0.0]")
        .complexity("O(1) a call, O(N) for the whole walk, N being the number of keys")
        .tips(&[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ]),
    Command::new(Group::Generic, "sort", -2, sort::sort)
        .flags(&[WRITE, DENYOOM])
        .acl(&[Acl::LIST, Acl::SET, Acl::SORTEDSET, Acl::DANGEROUS])
        .keys(&[
            key(1, &[RO, ACCESS]),
            BY_PATTERN,
            unknown_keys(&[OW, UPDATE]).note("The key behind STORE, which may stand anywhere."),
        ])
        .finder(of_sort)
        .lock_by(sort::locks)
        .since("1.0.0")
        .summary("Sorts a list, a set or a sorted set, and returns or stores the result.")
        .syntax(
            "key [BY by-pattern{pattern}:pattern#1] [LIMIT (limit: offset:integer count:integer)] [GET \
            get-pattern{pattern}:pattern#1]... [order: ASC|DESC] [sorting=ALPHA] [STORE destination:key#2]",
        )
        .complexity(
            "O(N+M*log(M)), N being the number of elements and M the number of those returned, \
            where a LIMIT begins at the first; N*log(N) at worst",
        ),
    Command::new(Group::Generic, "sort_ro", -2, sort::sort_ro)
        .flags(&[READONLY])
        .acl(&[Acl::LIST, Acl::SET, Acl::SORTEDSET, Acl::DANGEROUS])
        .keys(&[key(1, &[RO, ACCESS]), BY_PATTERN])
        .finder(of_sort_ro)
        .lock_by(sort::locks)
        .since("7.0.0")
        .summary("Sorts a list, a set or a sorted set, and returns the result.")
        .syntax(
            "key [BY by-pattern{pattern}:pattern#1] [LIMIT (limit: offset:integer count:integer)] [GET \
            get-pattern{pattern}:pattern#1]... [order: ASC|DESC] [sorting=ALPHA]",
        )
        .complexity(
            "O(N+M*log(M)), N being the number of elements and M the number of those returned, \
            where a LIMIT begins at the first; N*log(N) at worst",
        ),
    Command::new(Group::Generic, "touch", -2, delete::touch)
        .flags(&[READONLY, FAST])
        .keys(&[keys(1, -1, 1, &[RO])])
        .since("3.2.1")
        .summary("Refreshes the idle time of keys and counts those that are there.")
        .syntax("key...")
        .complexity("O(N), N being the number of keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"]),
    Command::new(Group::Generic, "ttl", 2, expire::ttl)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns how many seconds a key has left.")
        .syntax("key")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Generic, "type", 2, delete::type_of)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("1.0.0")
        .summary("Returns the type of a key's value.")
        .syntax("key"),
    Command::new(Group::Generic, "unlink", -2, delete::del)
        .flags(&[WRITE, FAST])
        .keys(&[keys(1, -1, 1, &[RM, DELETE])])
        .since("4.0.0")
        .summary("Removes keys and gives their memory back in the background.")
        .syntax("key...")
        .complexity("O(N), N being the number of keys")
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"]),
    Command::new(Group::Generic, "wait", 3, wait::wait)
        .flags(&[BLOCKING])
        .acl(&[Acl::CONNECTION])
        .lock(Lock::None)
        .blocking(wait::REPLICAS)
        .since("3.0.0")
        .summary("Waits until replicas have what this connection wrote.")
        .syntax("numreplicas:integer timeout:integer")
        .tips(&["request_policy:all_shards", "response_policy:agg_min"]),
    Command::new(Group::Generic, "waitaof", 4, wait::waitaof)
        .flags(&[BLOCKING])
        .acl(&[Acl::CONNECTION])
        .lock(Lock::None)
        .blocking(wait::FILES)
        .since("7.2.0")
        .summary("Waits until files, here and at replicas, have what this connection wrote.")
        .syntax("numlocal:integer numreplicas:integer timeout:integer")
        .tips(&["request_policy:all_shards", "response_policy:agg_min"]),
];
