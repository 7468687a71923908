//! What the commands of sets, and SORT, announce and hand on.

use crate::command::announced;

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    announced::check(&[
        ("SADD a 1 2 2 3", "sadd a, > SADD a 1 2 2 3"),
        ("SADD a 1", ""),
        ("SREM a 9 1", "srem a, > SREM a 9 1"),
        ("SREM a 9", ""),
        ("SMOVE a b 9", ""),
        ("SMOVE a b 2", "srem a, sadd b, > SMOVE a b 2"),
        ("SADD b 3", "sadd b, > SADD b 3"),
        ("SMOVE a b 3", "srem a, del a, > SMOVE a b 3"),
        ("SMOVE b b 3", ""),
        ("SINTERSTORE c b a", ""),
        ("SUNIONSTORE c b a", "sunionstore c, > SUNIONSTORE c b a"),
        ("SDIFFSTORE c c b", "del c, > SDIFFSTORE c c b"),
        ("SREM b 3", "srem b, > SREM b 3"),
        ("SPOP b 0", ""),
        ("SPOP b", "spop b, del b, > SREM b 2"),
        ("SADD b 2", "sadd b, > SADD b 2"),
        ("SPOP b 5", "spop b, del b, > DEL b"),
        ("SPOP b 5", ""),
        ("SADD b 2 1", "sadd b, > SADD b 2 1"),
        ("SRANDMEMBER b 1", ""),
        ("SORT b STORE l", "sortstore l, > SORT b STORE l"),
        (
            "SORT b LIMIT 2 1 STORE l",
            "del l, > SORT b LIMIT 2 1 STORE l",
        ),
        ("SORT b LIMIT 2 1 STORE l", ""),
        ("SORT b", ""),
    ]);
}
