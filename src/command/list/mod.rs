//! Lists: elements in order, pushed and popped at both ends.
//!
//! A small list is packed into its key's record (`listpack`), a large one is a ring of packed nodes (`quicklist`); [`view`]
//! hides which. `list-max-listpack-size` is both the size of a node and the border between the two; a large list that
//! shrinks to half a node is packed again. As everywhere, a list without elements is no key.
//!
//! * `push` and `pop` work at the ends; `pop` also moves elements from list to list. `block` waits for what `pop`
//!   can take.
//! * `read` asks about elements, `change` changes them inside.

mod block;
mod change;
mod pop;
mod push;
mod read;
#[cfg(test)]
mod tests;
pub(super) mod view;

use super::table::words::{
    ACCESS, BLOCKING, Command, DELETE, DENYOOM, FAST, Group, INSERT, READONLY, RO, RW, UPDATE,
    WRITE, counted_keys, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::List, "blmove", 6, block::blmove)
        .flags(&[WRITE, DENYOOM, BLOCKING])
        .keys(&[
            key(1, &[RW, ACCESS, DELETE]),
            key(2, &[RW, INSERT]),
        ])
        .blocking(block::MOVE)
        .since("6.2.0")
        .summary("Moves an element from an end of one list to an end of another, or waits for one.")
        .syntax(
            "source:key destination:key <wherefrom: LEFT|RIGHT> <whereto: LEFT|RIGHT> \
            timeout:double",
        ),
    Command::new(Group::List, "blmpop", -5, block::blmpop)
        .flags(&[WRITE, BLOCKING])
        .keys(&[counted_keys(2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::MULTI)
        .since("7.0.0")
        .summary("Takes elements out of the first list that has any, or waits for one.")
        .syntax("timeout:double numkeys:integer key... <where: LEFT|RIGHT> [COUNT count:integer]")
        .complexity("O(N+M), N being the number of keys and M the number of elements taken"),
    Command::new(Group::List, "blpop", -3, block::bpop)
        .flags(&[WRITE, BLOCKING])
        .keys(&[keys(1, -2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::LEFT)
        .since("2.0.0")
        .summary("Takes the first element out of the first list that has any, or waits for one.")
        .syntax("key... timeout:double")
        .complexity("O(N), N being the number of keys"),
    Command::new(Group::List, "brpop", -3, block::bpop)
        .flags(&[WRITE, BLOCKING])
        .keys(&[keys(1, -2, 1, &[RW, ACCESS, DELETE])])
        .blocking(block::RIGHT)
        .since("2.0.0")
        .summary("Takes the last element out of the first list that has any, or waits for one.")
        .syntax("key... timeout:double")
        .complexity("O(N), N being the number of keys"),
    Command::new(Group::List, "brpoplpush", 4, block::brpoplpush)
        .flags(&[WRITE, DENYOOM, BLOCKING])
        .keys(&[
            key(1, &[RW, ACCESS, DELETE]),
            key(2, &[RW, INSERT]),
        ])
        .blocking(block::RIGHT_TO_LEFT)
        .since("2.2.0")
        .summary("Moves the last element of one list to the front of another, or waits for one.")
        .syntax("source:key destination:key timeout:double")
        .deprecated("6.2.0", "`BLMOVE` with `RIGHT` and `LEFT`"),
    Command::new(Group::List, "lindex", 3, read::lindex)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the element at an index of a list, counted from either end.")
        .syntax("key index:integer")
        .complexity(
            "O(N), N being the number of nodes between the index and the nearer end; O(1) at the \
            ends",
        ),
    Command::new(Group::List, "linsert", 5, change::linsert)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, INSERT])])
        .since("2.2.0")
        .summary("Inserts an element into a list before or after the first one that equals a pivot.")
        .syntax("key <where: BEFORE|AFTER> pivot element")
        .complexity("O(N), N being the number of elements before the pivot"),
    Command::new(Group::List, "llen", 2, read::llen)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO])])
        .since("1.0.0")
        .summary("Returns the number of elements in a list.")
        .syntax("key"),
    Command::new(Group::List, "lmove", 5, pop::lmove)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, ACCESS, DELETE]), key(2, &[RW, INSERT])])
        .since("6.2.0")
        .summary("Moves an element from an end of one list to an end of another and returns it.")
        .syntax(
            "source:key destination:key <wherefrom: LEFT|RIGHT> <whereto: LEFT|RIGHT>",
        ),
    Command::new(Group::List, "lmpop", -4, pop::lmpop)
        .flags(&[WRITE])
        .keys(&[counted_keys(1, 1, &[RW, ACCESS, DELETE])])
        .since("7.0.0")
        .summary("Removes elements from an end of the first of several lists that has any, and returns them.")
        .syntax("numkeys:integer key... <where: LEFT|RIGHT> [COUNT count:integer]")
        .complexity("O(N+M), N being the number of keys and M that of elements returned"),
    Command::new(Group::List, "lpop", -2, pop::lpop)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("1.0.0")
        .summary("Removes elements from the left end of a list and returns them.")
        .syntax("key [count:integer]@6.2.0")
        .complexity("O(N), N being the number of elements returned"),
    Command::new(Group::List, "lpos", -3, read::lpos)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("6.0.6")
        .summary("Returns the indices at which a list has an element.")
        .syntax("key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]")
        .complexity("O(N), N being the number of elements looked at"),
    Command::new(Group::List, "lpush", -3, push::lpush)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("1.0.0")
        .summary("Adds elements at the left end of a list, creating it when missing.")
        .syntax("key element...")
        .complexity("O(N), N being the number of elements added"),
    Command::new(Group::List, "lpushx", -3, push::lpushx)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("2.2.0")
        .summary("Adds elements at the left end of a list if there is such a list.")
        .syntax("key element...")
        .complexity("O(N), N being the number of elements added"),
    Command::new(Group::List, "lrange", 4, read::lrange)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("1.0.0")
        .summary("Returns the elements in a range of indices of a list.")
        .syntax("key start:integer stop:integer")
        .complexity(
            "O(S+N), S being the number of nodes between start and the nearer end and N the \
            number of elements returned",
        ),
    Command::new(Group::List, "lrem", 4, change::lrem)
        .flags(&[WRITE])
        .keys(&[key(1, &[RW, DELETE])])
        .since("1.0.0")
        .summary("Removes the elements of a list that equal the one given, all of them or some from either end.")
        .syntax("key count:integer element")
        .complexity("O(N), N being the size of the list"),
    Command::new(Group::List, "lset", 4, change::lset)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("1.0.0")
        .summary("Replaces the element at an index of a list.")
        .syntax("key index:integer element")
        .complexity(
            "O(N), N being the number of nodes between the index and the nearer end; O(1) at the \
            ends",
        ),
    Command::new(Group::List, "ltrim", 4, change::ltrim)
        .flags(&[WRITE])
        .keys(&[key(1, &[RW, DELETE])])
        .since("1.0.0")
        .summary("Removes all elements of a list that are not in a range of indices.")
        .syntax("key start:integer stop:integer")
        .complexity("O(N), N being the number of nodes removed"),
    Command::new(Group::List, "rpop", -2, pop::rpop)
        .flags(&[WRITE, FAST])
        .keys(&[key(1, &[RW, ACCESS, DELETE])])
        .since("1.0.0")
        .summary("Removes elements from the right end of a list and returns them.")
        .syntax("key [count:integer]@6.2.0")
        .complexity("O(N), N being the number of elements returned"),
    Command::new(Group::List, "rpoplpush", 3, pop::rpoplpush)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, ACCESS, DELETE]), key(2, &[RW, INSERT])])
        .since("1.2.0")
        .summary("Moves an element from the right end of one list to the left end of another and returns it.")
        .syntax("source:key destination:key"),
    Command::new(Group::List, "rpush", -3, push::rpush)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("1.0.0")
        .summary("Adds elements at the right end of a list, creating it when missing.")
        .syntax("key element...")
        .complexity("O(N), N being the number of elements added"),
    Command::new(Group::List, "rpushx", -3, push::rpushx)
        .flags(&[WRITE, DENYOOM, FAST])
        .keys(&[key(1, &[RW, INSERT])])
        .since("2.2.0")
        .summary("Adds elements at the right end of a list if there is such a list.")
        .syntax("key element...")
        .complexity("O(N), N being the number of elements added"),
];
