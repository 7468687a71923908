//! What the commands of HyperLogLogs announce.

use crate::command::announced::check_events;

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    check_events(&[
        ("PFADD h", "pfadd h"),
        ("PFADD h a", "pfadd h"),
        ("PFADD h a", ""),
        ("PFCOUNT h", ""),
        ("PFMERGE m h", "pfadd m"),
        ("PFDEBUG TODENSE h", ""),
        ("PFADD h a", ""),
    ]);
}
