//! What the commands of lists announce, and what they hand on.

use crate::command::announced::check;

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    check(&[
        ("RPUSH a 1 2 3", "rpush a, > RPUSH a 1 2 3"),
        ("LPUSHX b 1", ""),
        ("LPOP a 0", ""),
        ("LMPOP 2 b a RIGHT COUNT 9", "rpop a, del a, > RPOP a 3"),
        ("LPUSH a 2 1", "lpush a, > LPUSH a 2 1"),
        (
            "LMOVE a b LEFT RIGHT",
            "rpush b, lpop a, > LMOVE a b LEFT RIGHT",
        ),
        ("RPOPLPUSH a b", "lpush b, rpop a, del a, > RPOPLPUSH a b"),
        (
            "LMOVE b b LEFT RIGHT",
            "rpush b, lpop b, > LMOVE b b LEFT RIGHT",
        ),
        ("LINSERT b BEFORE no x", ""),
        ("LINSERT b AFTER 1 x", "linsert b, > LINSERT b AFTER 1 x"),
        ("LSET b 0 y", "lset b, > LSET b 0 y"),
        ("LREM b 0 no", ""),
        ("LREM b 1 y", "lrem b, > LREM b 1 y"),
        ("LTRIM b 0 -1", "ltrim b, > LTRIM b 0 -1"),
        ("LTRIM b 0 0", "ltrim b, > LTRIM b 0 0"),
        ("LTRIM b 1 0", "ltrim b, del b, > LTRIM b 1 0"),
    ]);
}
