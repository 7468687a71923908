//! Sorted sets: members ordered by score, then by name.
//!
//! A small set is packed into its key's record, a large one is a tree with an index; [`view`] hides which. Whatever names
//! a range, by rank, score or name, becomes a range of ranks, so one function answers, stores or removes it.
//!
//! * `add` and `remove` change one set, `read` asks about members, `range` about ranges, `random` and `scan` walk.
//! * `pop` takes from the ends, `block` waits for something to take.
//! * `combine` makes one set of several.

mod add;
mod block;
pub(in crate::command) mod combine;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod reply;
mod scan;
pub(in crate::command) mod store;
pub(in crate::command) mod view;

use super::table::words::{
    ACCESS, BLOCKING, Command, DELETE, DENYOOM, FAST, Group, OW, READONLY, RO, RW, UPDATE, WRITE,
    counted_keys, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::SortedSet, "bzmpop", -5, block::bzmpop)
        .flags(&[WRITE, BLOCKING])
        .keys(&[counted_keys(2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::MULTI)
        .since("7.0.0")
        .summary("Takes the lowest or highest members out of the first sorted set that has any, or waits for one.")
        .syntax("timeout:double numkeys:integer key... <where: MIN|MAX> [COUNT count:integer]")
        .complexity(
            "O(K)+O(M*log N), K being the number of keys, N the size of the sorted set \
            and M the number of members taken",
        ),
    Command::new(Group::SortedSet, "bzpopmax", -3, block::bzpop)
        .flags(&[WRITE, FAST, BLOCKING])
        .keys(&[keys(1, -2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::MAX)
        .since("5.0.0")
        .summary("Takes the highest member out of the first sorted set that has any, or waits for one.")
        .syntax("key... timeout:double")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "bzpopmin", -3, block::bzpop)
        .flags(&[WRITE, FAST, BLOCKING])
        .keys(&[keys(1, -2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::MIN)
        .since("5.0.0")
        .summary("Takes the lowest member out of the first sorted set that has any, or waits for one.")
        .syntax("key... timeout:double")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zadd", -4, add::zadd)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, UPDATE])])
        .member(3)
        .since("1.2.0")
        .summary("Adds members to a sorted set or changes their scores.")
        .syntax(
            "key [condition: NX|XX]@3.0.2 [comparison: GT|LT]@6.2.0 [change=CH@3.0.2] \
            [increment=INCR@3.0.2] (data: score:double member)...",
        )
        .complexity("O(log N) for each member, N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zcard", 2, read::zcard)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("1.2.0")
        .summary("Returns the number of members in a sorted set.")
        .syntax("key"),
    Command::new(Group::SortedSet, "zcount", 4, range::zcount)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Counts the members whose scores lie in a range.")
        .syntax("key min:double max:double")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zdiff", -3, combine::zdiff)
        .flags(&[READONLY])
        .keys(&[counted_keys(1, 1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns the members of the first sorted set that are in none of the others.")
        .syntax("numkeys:integer key... [WITHSCORES]")
        .complexity(
            "O(L+(N-K)*log N) at worst, L being all members of all sets, N the size of \
            the first set and K the size of the result",
        ),
    Command::new(Group::SortedSet, "zdiffstore", -4, combine::zdiffstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), counted_keys(2, 1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Stores the members of the first sorted set that are in none of the others.")
        .syntax("destination:key numkeys:integer key...")
        .complexity(
            "O(L+(N-K)*log N) at worst, L being all members of all sets, N the size of \
            the first set and K the size of the result",
        ),
    Command::new(Group::SortedSet, "zincrby", 4, add::zincrby)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .member(3)
        .since("1.2.0")
        .summary("Raises a member's score, adding the member when missing.")
        .syntax("key increment:integer member")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zinter", -3, combine::zinter)
        .flags(&[READONLY])
        .keys(&[counted_keys(1, 1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns the members that all of several sorted sets share.")
        .syntax(
            "numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE <aggregate: SUM|\
            MIN|MAX>] [WITHSCORES]",
        )
        .complexity(
            "O(N*K)+O(M*log M) at worst, N being the size of the smallest set, K the \
            number of sets and M the size of the result",
        ),
    Command::new(Group::SortedSet, "zintercard", -3, combine::zintercard)
        .flags(&[READONLY])
        .keys(&[counted_keys(1, 1, &[RO, ACCESS])])
        .since("7.0.0")
        .summary(
            "Counts the members that all of several sorted sets share, up to a limit if \
            asked for.",
        )
        .syntax("numkeys:integer key... [LIMIT limit:integer]")
        .complexity(
            "O(N*K) at worst, N being the size of the smallest set and K the number of \
            sets",
        ),
    Command::new(Group::SortedSet, "zinterstore", -4, combine::zinterstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), counted_keys(2, 1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Stores the members that all of several sorted sets share.")
        .syntax(
            "destination:key numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE \
            <aggregate: SUM|MIN|MAX>]",
        )
        .complexity(
            "O(N*K)+O(M*log M) at worst, N being the size of the smallest set, K the \
            number of sets and M the size of the result",
        ),
    Command::new(Group::SortedSet, "zlexcount", 4, range::zlexcount)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.9")
        .summary("Counts the members in a range by name.")
        .syntax("key min max")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zmpop", -4, pop::zmpop)
        .flags(&[WRITE])
        .keys(&[counted_keys(1, 1, &[RW, ACCESS, DELETE])])
        .since("7.0.0")
        .summary("Takes the lowest or highest members out of the first sorted set that has any.")
        .syntax("numkeys:integer key... <where: MIN|MAX> [COUNT count:integer]")
        .complexity(
            "O(K)+O(M*log N), K being the number of keys, N the size of the sorted set \
            and M the number of members taken",
        ),
    Command::new(Group::SortedSet, "zmscore", -3, read::zmscore)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("6.2.0")
        .summary("Returns the scores of several members.")
        .syntax("key member...")
        .complexity("O(N), N being the number of members named"),
    Command::new(Group::SortedSet, "zpopmax", -2, pop::zpopmax)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("5.0.0")
        .summary("Takes the highest members out of a sorted set.")
        .syntax("key [count:integer]")
        .complexity(
            "O(M*log N), N being the size of the sorted set and M the number of \
            members taken",
        ),
    Command::new(Group::SortedSet, "zpopmin", -2, pop::zpopmin)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("5.0.0")
        .summary("Takes the lowest members out of a sorted set.")
        .syntax("key [count:integer]")
        .complexity(
            "O(M*log N), N being the size of the sorted set and M the number of \
            members taken",
        ),
    Command::new(Group::SortedSet, "zrandmember", -2, random::zrandmember)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns members of a sorted set picked at random.")
        .syntax("key [options: count:integer [WITHSCORES]]")
        .complexity("O(N), N being the number of members returned")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::SortedSet, "zrange", -4, range::zrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.2.0")
        .summary("Returns the members in a range by rank, score or name.")
        .syntax(
            "key start stop [sortby: BYSCORE|BYLEX]@6.2.0 [REV@6.2.0] [LIMIT (limit: \
            offset:integer count:integer)@6.2.0] [WITHSCORES]",
        )
        .complexity(
            "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
        ),
    Command::new(Group::SortedSet, "zrangebylex", -4, range::zrangebylex)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.9")
        .summary("Returns the members in a range by name.")
        .syntax("key min max [LIMIT (limit: offset:integer count:integer)]")
        .complexity(
            "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
        ),
    Command::new(Group::SortedSet, "zrangebyscore", -4, range::zrangebyscore)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.5")
        .summary("Returns the members in a range by score.")
        .syntax(
            "key min:double max:double [WITHSCORES@2.0.0] [LIMIT (limit: offset:integer \
            count:integer)]",
        )
        .complexity(
            "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
        ),
    Command::new(Group::SortedSet, "zrangestore", -5, range::zrangestore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), key(2, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Stores the members in a range by rank, score or name.")
        .syntax(
            "dst:key src:key min max [sortby: BYSCORE|BYLEX] [REV] [LIMIT (limit: \
            offset:integer count:integer)]",
        )
        .complexity(
            "O(log(N)+M*log(M)), N being the size of the source and M the number of \
            members stored",
        ),
    Command::new(Group::SortedSet, "zrank", -3, read::zrank)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("2.0.0")
        .summary("Returns a member's rank, counted from the lowest score.")
        .syntax("key member [WITHSCORE]")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zrem", -3, remove::zrem)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, DELETE])])
        .member(2)
        .since("1.2.0")
        .summary("Removes members from a sorted set, and the set with its last member.")
        .syntax("key member...")
        .complexity(
            "O(M*log N), N being the size of the sorted set and M the number of \
            members named",
        ),
    Command::new(
        Group::SortedSet,
        "zremrangebylex",
        4,
        remove::zremrangebylex,
    )
    .flags(&[WRITE])
    .keys(&[key(1, &[RW, DELETE])])
    .since("2.8.9")
    .summary("Removes the members in a range by name.")
    .syntax("key min max")
    .complexity(
        "O(log(N)+M), N being the size of the sorted set and M the number of \
            members removed",
    ),
    Command::new(
        Group::SortedSet,
        "zremrangebyrank",
        4,
        remove::zremrangebyrank,
    )
    .flags(&[WRITE])
    .keys(&[key(1, &[RW, DELETE])])
    .since("2.0.0")
    .summary("Removes the members in a range by rank.")
    .syntax("key start:integer stop:integer")
    .complexity(
        "O(log(N)+M), N being the size of the sorted set and M the number of \
            members removed",
    ),
    Command::new(
        Group::SortedSet,
        "zremrangebyscore",
        4,
        remove::zremrangebyscore,
    )
    .flags(&[WRITE])
    .keys(&[key(1, &[RW, DELETE])])
    .since("1.2.0")
    .summary("Removes the members in a range by score.")
    .syntax("key min:double max:double")
    .complexity(
        "O(log(N)+M), N being the size of the sorted set and M the number of \
            members removed",
    ),
    Command::new(Group::SortedSet, "zrevrange", -4, range::zrevrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.2.0")
        .summary("Returns the members in a range by rank, from the highest score down.")
        .syntax("key start:integer stop:integer [WITHSCORES]")
        .complexity(
            "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
        ),
    Command::new(
        Group::SortedSet,
        "zrevrangebylex",
        -4,
        range::zrevrangebylex,
    )
    .flags(&[READONLY])
    .keys(&[key(1, &[RO, ACCESS])])
    .since("2.8.9")
    .summary("Returns the members in a range by name, from the last name back.")
    .syntax("key max min [LIMIT (limit: offset:integer count:integer)]")
    .complexity(
        "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
    ),
    Command::new(
        Group::SortedSet,
        "zrevrangebyscore",
        -4,
        range::zrevrangebyscore,
    )
    .flags(&[READONLY])
    .keys(&[key(1, &[RO, ACCESS])])
    .since("2.2.0")
    .summary("Returns the members in a range by score, from the highest down.")
    .syntax(
        "key max:double min:double [WITHSCORES] [LIMIT (limit: offset:integer \
            count:integer)]",
    )
    .complexity(
        "O(log(N)+M), N being the size of the sorted set and M the number of \
            members returned",
    ),
    Command::new(Group::SortedSet, "zrevrank", -3, read::zrevrank)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("2.0.0")
        .summary("Returns a member's rank, counted from the highest score.")
        .syntax("key member [WITHSCORE]")
        .complexity("O(log N), N being the size of the sorted set"),
    Command::new(Group::SortedSet, "zscan", -3, scan::zscan)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.0")
        .summary("Walks through the members of a sorted set, a part at a time.")
        .syntax("key cursor:integer [MATCH pattern] [COUNT count:integer] [NOSCORES]")
        .complexity("O(1) a call, O(N) for the whole walk, N being the size of the collection")
        .tips(&["nondeterministic_output"]),
    Command::new(Group::SortedSet, "zscore", 3, read::zscore)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .member(2)
        .since("1.2.0")
        .summary("Returns the score of a member.")
        .syntax("key member"),
    Command::new(Group::SortedSet, "zunion", -3, combine::zunion)
        .flags(&[READONLY])
        .keys(&[counted_keys(1, 1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns the members that are in any of several sorted sets.")
        .syntax(
            "numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE <aggregate: SUM|\
            MIN|MAX>] [WITHSCORES]",
        )
        .complexity(
            "O(N)+O(M*log M), N being the sum of the sets' sizes and M the size of the \
            result",
        ),
    Command::new(Group::SortedSet, "zunionstore", -4, combine::zunionstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), counted_keys(2, 1, &[RO, ACCESS])])
        .since("2.0.0")
        .summary("Stores the members that are in any of several sorted sets.")
        .syntax(
            "destination:key numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE \
            <aggregate: SUM|MIN|MAX>]",
        )
        .complexity(
            "O(N)+O(M*log M), N being the sum of the sets' sizes and M the size of the \
            result",
        ),
];
