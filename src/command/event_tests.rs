//! What changes are announced as: the events that `notify-keyspace-events` will show, beside their requests.

use std::sync::Arc;

use parking_lot::Mutex;

use super::local::LocalClient;
use crate::clock::Clock;
use crate::config::Settings;
use crate::keyspace::door::{Change, Listener};
use crate::keyspace::{EventClass, Keyspace};
use crate::resp::Args;
use crate::server::Server;

/// Writes down what was announced to users: events and keys.
#[derive(Default)]
struct Announcements(Arc<Mutex<Vec<String>>>);

impl Listener for Announcements {
    fn effect(&self, _order: u64, _db: usize, _request: &Args<'_>) {}

    fn after(&self, change: &Change<'_>) {
        if change.event.class != EventClass::Silent {
            let key = String::from_utf8_lossy(change.key);
            self.0.lock().push(format!("{} {key}", change.event.name));
        }
    }
}

#[test]
fn bitmaps_hyperloglogs_and_places_are_announced_as_by_the_peers() {
    let announcements = Announcements::default();
    let heard = Arc::clone(&announcements.0);
    let keyspace = Keyspace::with_listener(1, Box::new(announcements));
    let server = Server::with_keyspace(Settings::new(), 1, Clock::manual(1_000_000).0, keyspace);
    let mut client = LocalClient::new(&server, 0);
    for (request, announced) in [
        ("SETBIT b 0 1", "setbit b"),
        ("SETBIT b 0 1", ""),
        ("SETBIT b 9 0", "setbit b"),
        ("BITFIELD b SET u8 0 128", ""),
        ("BITFIELD b SET u8 0 1 INCRBY u8 0 1", "setbit b"),
        ("BITFIELD b OVERFLOW FAIL INCRBY u1 0 2 GET u8 0", ""),
        ("BITOP OR d b", "set d"),
        ("BITOP OR d none", "del d"),
        ("BITOP OR d none", ""),
        ("PFADD h", "pfadd h"),
        ("PFADD h a", "pfadd h"),
        ("PFADD h a", ""),
        ("PFCOUNT h", ""),
        ("PFMERGE m h", "pfadd m"),
        ("PFDEBUG TODENSE h", ""),
        ("PFADD h a", ""),
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
    ] {
        client.run(
            &server,
            &request.split(' ').map(str::as_bytes).collect::<Vec<_>>(),
        );
        assert_eq!(
            heard.lock().drain(..).collect::<Vec<_>>().join(", "),
            announced,
            "{request}"
        );
    }
}
