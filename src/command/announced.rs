//! For the tests of families: what their commands announce, and what they hand on.

use std::sync::Arc;

use parking_lot::Mutex;

use super::local::LocalClient;
use crate::clock::Clock;
use crate::config::Settings;
use crate::keyspace::door::{Change, Listener};
use crate::keyspace::{EventClass, Keyspace};
use crate::resp::Args;
use crate::server::Server;

/// Writes down events as `name key`, in parentheses if users are not told, and effects as `> request`.
#[derive(Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Listener for Journal {
    fn after(&self, change: &Change<'_>) {
        let (name, key) = (change.event.name, String::from_utf8_lossy(change.key));
        self.0.lock().push(match change.event.class {
            EventClass::Silent => format!("({name} {key})"),
            _ => format!("{name} {key}"),
        });
    }

    fn effect(&self, _: u64, _: usize, request: &Args<'_>) {
        let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
        self.0.lock().push(format!("> {}", words.join(" ")));
    }
}

/// Runs requests one after the other; beside each is what a listener shall hear of it, between commas.
#[track_caller]
pub(super) fn check(dialogue: &[(&str, &str)]) {
    run(dialogue, |_| true);
}

/// The same for what users are told, without the effects.
#[track_caller]
pub(super) fn check_events(dialogue: &[(&str, &str)]) {
    run(dialogue, |heard| !heard.starts_with(['>', '(']));
}

#[track_caller]
fn run(dialogue: &[(&str, &str)], counts: impl Fn(&str) -> bool) {
    let journal = Journal::default();
    let heard = Arc::clone(&journal.0);
    let keyspace = Keyspace::with_listener(1, Box::new(journal));
    let server = Server::with_keyspace(Settings::new(), 1, Clock::manual(1_000_000).0, keyspace);
    let mut client = LocalClient::new(&server, 0);
    for (request, expected) in dialogue {
        let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        client.run(&server, &words);
        let mut got = std::mem::take(&mut *heard.lock());
        got.retain(|heard| counts(heard));
        assert_eq!(got.join(", "), *expected, "{request}");
    }
}
