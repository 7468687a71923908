//! Streams: entries in the order of their ids, read by anybody, or by groups whose consumers share them.
//!
//! A stream has one encoding, packed blocks ([`crate::value::stream`]), and lives until it is deleted: unlike other
//! collections it may be empty, since it remembers its last id and its groups.
//!
//! * `add`, `trim` and `range` are about entries; `read` and `read_group` about what lies behind an id.
//! * `group`, `pending` and `claim` are about who got what; `info` tells of everything.
//!
//! Ids that the server makes up, trimming by whole blocks, and all that depends on the time are handed on in a form that
//! does not (`effect`). Changes within groups are announced to nobody, as with the peers; only the groups' and the
//! consumers' coming and going is.

mod add;
mod claim;
mod effect;
mod group;
mod info;
mod pending;
mod range;
mod read;
mod read_group;
#[cfg(test)]
mod tests;
mod trim;
mod view;

use super::help::help;
use super::table::keys::{of_stream_readers, streams_from};
use super::table::words::{
    ACCESS, BLOCKING, Command, DELETE, DENYOOM, FAST, Group, INSERT, LOADING, READONLY, RO, RW,
    STALE, UPDATE, WRITE, key,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Stream, "xack", -4, group::xack)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("5.0.0")
        .summary("Acknowledges entries: they are no longer pending for the group's consumers.")
        .syntax("key group id...")
        .complexity("O(log P) for each id, P being the group's pending entries"),
    Command::new(Group::Stream, "xadd", -5, add::xadd)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("5.0.0")
        .summary("Appends an entry to a stream, and trims the stream if asked to.")
        .syntax(
            "key [NOMKSTREAM@6.2.0] [trim: <strategy: MAXLEN|MINID@6.2.0> [operator: \
            equal='='|approximately='~'] threshold [LIMIT count:integer@6.2.0]] <id-selector: \
            auto-id='*'|id> (data: field value)...",
        )
        .complexity("O(1) to append, O(N) to trim, N being the number of entries removed")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Stream, "xautoclaim", -6, claim::xautoclaim)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, DELETE])])
        .since("6.2.0")
        .summary("Takes over entries that have been pending for others too long, a part at a time.")
        .syntax("key group consumer min-idle-time start [COUNT count:integer] [JUSTID]")
        .complexity("O(N*log P), N being the number of entries looked at and P the pending ones")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Stream, "xclaim", -6, claim::xclaim)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("5.0.0")
        .summary("Takes over pending entries by their ids.")
        .syntax(
            "key group consumer min-idle-time id... [IDLE ms:integer] [TIME \
            unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID \
            lastid]",
        )
        .complexity("O(log P) for each id, P being the group's pending entries")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Stream, "xdel", -3, add::xdel)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, DELETE])])
        .since("5.0.0")
        .summary("Deletes entries from a stream.")
        .syntax("key id...")
        .complexity("O(log N) for each id, N being the length of the stream"),
    Command::new(Group::Stream, "xgroup", -2, help)
        .since("5.0.0")
        .summary("Creates, changes and deletes groups of consumers.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Stream, "create", -5, group::create)
                .flags(&[WRITE, DENYOOM])
                .keys(&[key(2, &[RW, INSERT])])
                .since("5.0.0")
                .summary("Creates a group that reads what comes behind an id.")
                .syntax(
                    "key group <id-selector: id|new-id='$'> [MKSTREAM] [ENTRIESREAD \
                    entriesread:integer]",
                ),
            Command::new(Group::Stream, "createconsumer", 5, group::create_consumer)
                .flags(&[WRITE, DENYOOM])
                .keys(&[key(2, &[RW, INSERT])])
                .since("6.2.0")
                .summary("Creates a consumer in a group.")
                .syntax("key group consumer"),
            Command::new(Group::Stream, "delconsumer", 5, group::delete_consumer)
                .flags(&[WRITE])
                .keys(&[key(2, &[RW, DELETE])])
                .since("5.0.0")
                .summary("Deletes a consumer with all that is pending for it.")
                .syntax("key group consumer")
                .complexity("O(N*log P), N being what is pending for it and P for the group"),
            Command::new(Group::Stream, "destroy", 4, group::destroy)
                .flags(&[WRITE])
                .keys(&[key(2, &[RW, DELETE])])
                .since("5.0.0")
                .summary("Deletes a group.")
                .syntax("key group")
                .complexity("O(N), N being what is pending for the group"),
            Command::new(Group::Stream, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Stream, "setid", -5, group::set_id)
                .flags(&[WRITE])
                .keys(&[key(2, &[RW, UPDATE])])
                .since("5.0.0")
                .summary("Lets a group go on behind another id.")
                .syntax("key group <id-selector: id|new-id='$'> [ENTRIESREAD entriesread:integer]"),
        ]),
    Command::new(Group::Stream, "xinfo", -2, help)
        .since("5.0.0")
        .summary("Tells about streams, their groups and the groups' consumers.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Stream, "consumers", 4, info::xinfo_consumers)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO, ACCESS])])
                .since("5.0.0")
                .summary("Lists the consumers of a group.")
                .syntax("key group")
                .complexity("O(N), N being the number of consumers")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Stream, "groups", 3, info::xinfo_groups)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO, ACCESS])])
                .since("5.0.0")
                .summary("Lists the groups of a stream.")
                .syntax("key")
                .complexity("O(N), N being the number of groups"),
            Command::new(Group::Stream, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Stream, "stream", -3, info::xinfo_stream)
                .flags(&[READONLY])
                .keys(&[key(2, &[RO, ACCESS])])
                .since("5.0.0")
                .summary("Tells about a stream.")
                .syntax("key [full-block: FULL [COUNT count:integer]]")
                .complexity("O(1); with FULL, O(N), N being what is shown"),
        ]),
    Command::new(Group::Stream, "xlen", 2, add::xlen)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("5.0.0")
        .summary("Returns the number of entries in a stream.")
        .syntax("key"),
    Command::new(Group::Stream, "xpending", -3, pending::xpending)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("5.0.0")
        .summary("Tells what is pending for a group's consumers.")
        .syntax(
            "key group [filters: [IDLE min-idle-time:integer@6.2.0] start end count:integer \
            [consumer]]",
        )
        .complexity(
            "O(N) without a range, N being the number of consumers; else O(M), M being the \
            pending entries looked at",
        )
        .tips(&["nondeterministic_output"]),
    Command::new(Group::Stream, "xrange", -4, range::xrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("5.0.0")
        .summary("Returns the entries in a range of ids.")
        .syntax("key start end [COUNT count:integer]")
        .complexity(
            "O(log(N)+M), N being the length of the stream and M the number of entries returned",
        ),
    Command::new(Group::Stream, "xread", -4, read::xread)
        .flags(&[READONLY, BLOCKING])
        .keys(&[streams_from(1)])
        .finder_decides(of_stream_readers)
        .blocking(read::ENTRIES)
        .since("5.0.0")
        .summary("Returns what lies behind an id in each of several streams.")
        .syntax(
            "[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS (streams: key... id...)",
        )
        .complexity(
            "O(log(N)+M) for each stream, N being its length and M the number of entries returned",
        ),
    Command::new(Group::Stream, "xreadgroup", -7, read_group::xreadgroup)
        .flags(&[WRITE, BLOCKING])
        .keys(&[streams_from(4)])
        .finder_decides(of_stream_readers)
        .blocking(read_group::UNDELIVERED)
        .since("5.0.0")
        .summary("Delivers entries of several streams to a consumer of a group.")
        .syntax(
            "GROUP (group-block: group consumer) [COUNT count:integer] [BLOCK \
            milliseconds:integer] [NOACK] STREAMS (streams: key... id...)",
        )
        .complexity(
            "O(log(N)+M*log(P)) for each stream, N being its length, M the number of entries \
            returned and P the pending ones",
        ),
    Command::new(Group::Stream, "xrevrange", -4, range::xrevrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("5.0.0")
        .summary("Returns the entries in a range of ids, from the last back.")
        .syntax("key end start [COUNT count:integer]")
        .complexity(
            "O(log(N)+M), N being the length of the stream and M the number of entries returned",
        ),
    Command::new(Group::Stream, "xsetid", -3, add::xsetid)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("5.0.0")
        .summary("Sets the last id of a stream, and other figures that it remembers.")
        .syntax(
            "key last-id [ENTRIESADDED entries-added:integer@7.0.0] [MAXDELETEDID \
            max-deleted-id@7.0.0]",
        ),
    Command::new(Group::Stream, "xtrim", -4, trim::xtrim)
        .flags(&[WRITE])
        .keys(&[key(1, &[RW, DELETE])])
        .since("5.0.0")
        .summary("Removes entries from the beginning of a stream.")
        .syntax(
            "key (trim: <strategy: MAXLEN|MINID@6.2.0> [operator: equal='='|approximately='~'] \
            threshold [LIMIT count:integer@6.2.0])",
        )
        .complexity("O(N), N being the number of entries removed")
        .tips(&["nondeterministic_output"]),
];
