//! What the commands of bitmaps announce.

use crate::command::announced::check_events;

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    check_events(&[
        ("SETBIT b 0 1", "setbit b"),
        ("SETBIT b 0 1", ""),
        ("SETBIT b 9 0", "setbit b"),
        ("BITFIELD b SET u8 0 128", ""),
        ("BITFIELD b SET u8 0 1 INCRBY u8 0 1", "setbit b"),
        ("BITFIELD b OVERFLOW FAIL INCRBY u1 0 2 GET u8 0", ""),
        ("BITOP OR d b", "set d"),
        ("BITOP OR d none", "del d"),
        ("BITOP OR d none", ""),
    ]);
}
