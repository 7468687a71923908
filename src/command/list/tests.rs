//! What the commands of lists announce, and what they hand on.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::command::local::LocalClient;
use crate::config::Settings;
use crate::keyspace::Keyspace;
use crate::keyspace::door::{Change, Listener};
use crate::resp::Args;
use crate::server::Server;

/// Writes down events as `name key`, and effects as `> request`.
#[derive(Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Listener for Journal {
    fn after(&self, change: &Change<'_>) {
        let key = String::from_utf8_lossy(change.key);
        self.0.lock().push(format!("{} {key}", change.event.name));
    }

    fn effect(&self, _: u64, _: usize, request: &Args<'_>) {
        let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
        self.0.lock().push(format!("> {}", words.join(" ")));
    }
}

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    let journal = Journal::default();
    let heard = Arc::clone(&journal.0);
    let keyspace = Keyspace::with_listener(1, Box::new(journal));
    let server = Server::with_keyspace(Settings::new(), 1, Clock::manual(1_000_000).0, keyspace);
    let mut client = LocalClient::new(&server, 0);
    for (request, expected) in [
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
        ("LTRIM b 0 -1", ""),
        ("LTRIM b 0 0", "ltrim b, > LTRIM b 0 0"),
        ("LTRIM b 1 0", "ltrim b, del b, > LTRIM b 1 0"),
    ] {
        let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        client.run(&server, &words);
        let got = std::mem::take(&mut *heard.lock()).join(", ");
        assert_eq!(got, expected, "{request}");
    }
}
