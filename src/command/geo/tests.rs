//! What the commands of places announce.

use crate::command::announced::check_events;

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    check_events(&[
        ("GEOADD g 1 1 a", "zadd g"),
        ("GEOADD g 1 1 a", ""),
        ("GEOADD g NX 1 2 a", ""),
        ("GEOADD g 1 2 a", "zadd g"),
        (
            "GEOSEARCHSTORE s g FROMLONLAT 1 1 BYRADIUS 999 km",
            "geosearchstore s",
        ),
        ("GEOSEARCHSTORE s g FROMLONLAT 50 1 BYRADIUS 1 km", "del s"),
        ("GEORADIUS g 1 1 999 km STORE s", "georadiusstore s"),
        ("GEORADIUS g 50 1 1 km STORE s", "del s"),
        ("GEORADIUS g 50 1 1 km STORE s", ""),
    ]);
}
