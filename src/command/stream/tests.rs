//! What is announced and handed on when streams change.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Clock;
use crate::command::local::LocalClient;
use crate::config::Settings;
use crate::keyspace::Keyspace;
use crate::keyspace::door::{Change, EventClass, Listener};
use crate::resp::Args;
use crate::server::Server;

/// Notes the events, those that nobody is told in parentheses, and the effects.
#[derive(Default)]
struct Notes {
    events: Arc<Mutex<Vec<String>>>,
    effects: Arc<Mutex<Vec<String>>>,
}

impl Listener for Notes {
    fn after(&self, change: &Change<'_>) {
        let name = change.event.name;
        self.events.lock().push(match change.event.class {
            EventClass::Silent => format!("({name})"),
            _ => name.to_owned(),
        });
    }

    fn effect(&self, _: u64, _: usize, request: &Args<'_>) {
        let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
        self.effects.lock().push(words.join(" "));
    }
}

/// Makes each request of a dialogue and expects the events and the effects beside it. The clock stands at 1000.
#[track_caller]
fn expect(dialogue: &[(&str, &[&str], &[&str])]) {
    let notes = Notes::default();
    let (events, effects) = (Arc::clone(&notes.events), Arc::clone(&notes.effects));
    let keyspace = Keyspace::with_listener(1, Box::new(notes));
    let server = Server::with_keyspace(Settings::new(), 1, Clock::manual(1000).0, keyspace);
    let mut client = LocalClient::new(&server, 0);
    for (request, expected_events, expected_effects) in dialogue {
        let words: Vec<_> = request.split(' ').map(str::as_bytes).collect();
        let reply = client.run(&server, &words);
        assert!(!reply.starts_with(b"-"), "{request}: {reply:?}");
        assert_eq!(*events.lock(), *expected_events, "{request}");
        assert_eq!(*effects.lock(), *expected_effects, "{request}");
        events.lock().clear();
        effects.lock().clear();
    }
}

#[test]
fn of_entries() {
    expect(&[
        ("XADD s NOMKSTREAM * f v", &[], &[]),
        ("XADD s * f v", &["xadd"], &["XADD s 1000-0 f v"]),
        (
            "XADD s NOMKSTREAM 2000-* f v",
            &["xadd"],
            &["XADD s 2000-0 f v"],
        ),
        (
            "XADD s MAXLEN ~ 1 3000 f v",
            &["xadd"],
            &["XADD s 3000-0 f v"],
        ),
        (
            "XADD s MAXLEN 2 4000 f v",
            &["xadd", "xtrim"],
            &["XADD s MAXLEN 2 4000 f v"],
        ),
        (
            "XADD s MAXLEN 2 * f v",
            &["xadd", "xtrim"],
            &["XADD s MAXLEN = 2 4000-1 f v"],
        ),
        ("XADD s MINID 1 * f v", &["xadd"], &["XADD s 4000-2 f v"]),
        ("XTRIM s MAXLEN ~ 1", &[], &[]),
        (
            "XTRIM s MINID 4000-2",
            &["xtrim"],
            &["XTRIM s MINID 4000-2"],
        ),
        ("XTRIM s MINID ~ 5000", &["xtrim"], &["XTRIM s MAXLEN = 0"]),
        (
            "XADD t MAXLEN ~ 0 1 f v",
            &["xadd", "xtrim"],
            &["XADD t MAXLEN = 0 1-0 f v"],
        ),
        ("XADD t 2 f v", &["xadd"], &["XADD t 2 f v"]),
        ("XDEL t 1", &[], &[]),
        ("XDEL t 1 2", &["xdel"], &["XDEL t 1 2"]),
        ("XSETID t 9", &["xsetid"], &["XSETID t 9"]),
        ("DEL t", &["del"], &["DEL t"]),
    ]);
}

#[test]
fn of_whole_blocks() {
    let add: Vec<String> = (1..=250).map(|ms| format!("XADD s {ms}-0 f v")).collect();
    let mut dialogue: Vec<(&str, &[&str], Vec<&str>)> = add
        .iter()
        .map(|request| (&request[..], &["xadd"][..], vec![&request[..]]))
        .collect();
    dialogue.extend([
        (
            "XTRIM s MAXLEN ~ 120",
            &["xtrim"][..],
            vec!["XTRIM s MAXLEN = 150"],
        ),
        (
            "XADD s MINID ~ 210 251 f v",
            &["xadd", "xtrim"],
            vec!["XADD s MINID = 201-0 251-0 f v"],
        ),
    ]);
    let dialogue: Vec<_> = dialogue
        .iter()
        .map(|(request, events, effects)| (*request, *events, &effects[..]))
        .collect();
    expect(&dialogue);
}

#[test]
fn of_groups() {
    let claim = "XCLAIM s g alice 0 1-0 2-0 TIME 1000 RETRYCOUNT 1 FORCE JUSTID";
    expect(&[
        (
            "XGROUP CREATE s g $ MKSTREAM",
            &["xgroup-create"],
            &["XGROUP CREATE s g $ MKSTREAM"],
        ),
        ("XADD s 1-0 f v", &["xadd"], &["XADD s 1-0 f v"]),
        ("XADD s 2-0 f v", &["xadd"], &["XADD s 2-0 f v"]),
        ("XADD s 3-0 f v", &["xadd"], &["XADD s 3-0 f v"]),
        (
            "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
            &["xgroup-createconsumer"],
            &[
                "XGROUP CREATECONSUMER s g alice",
                claim,
                "XGROUP SETID s g 2-0 ENTRIESREAD 2",
            ],
        ),
        (
            "XREADGROUP GROUP g alice NOACK STREAMS s >",
            &["(xreadgroup)"],
            &["XGROUP SETID s g 3-0 ENTRIESREAD 3"],
        ),
        ("XREADGROUP GROUP g alice STREAMS s >", &[], &[]),
        (
            "XREADGROUP GROUP g alice STREAMS s 1",
            &["(xreadgroup)"],
            &["XCLAIM s g alice 0 2-0 TIME 1000 RETRYCOUNT 2 FORCE JUSTID"],
        ),
        ("XDEL s 2-0", &["xdel"], &["XDEL s 2-0"]),
        // An entry that is gone is told of, and that is all.
        ("XREADGROUP GROUP g alice STREAMS s 1", &[], &[]),
        ("XCLAIM s g alice 5 1-0", &[], &[]),
        (
            "XCLAIM s g bob 0 1-0 2-0 TIME 900",
            &["xgroup-createconsumer"],
            &[
                "XGROUP CREATECONSUMER s g bob",
                "XCLAIM s g bob 0 1-0 TIME 900 RETRYCOUNT 2 FORCE JUSTID",
                "XACK s g 2-0",
            ],
        ),
        (
            "XCLAIM s g bob 0 9-9 LASTID 4",
            &["(xclaim)"],
            &["XGROUP SETID s g 4-0 ENTRIESREAD 3"],
        ),
        (
            "XAUTOCLAIM s g alice 50 0 JUSTID",
            &["(xautoclaim)"],
            &["XCLAIM s g alice 0 1-0 TIME 1000 RETRYCOUNT 2 FORCE JUSTID"],
        ),
        ("XAUTOCLAIM s g alice 50 0", &[], &[]),
        ("XACK s g 7-7", &[], &[]),
        ("XACK s g 1-0", &["(xack)"], &["XACK s g 1-0"]),
        ("XGROUP CREATECONSUMER s g bob", &[], &[]),
        (
            "XGROUP DELCONSUMER s g bob",
            &["xgroup-delconsumer"],
            &["XGROUP DELCONSUMER s g bob"],
        ),
        ("XGROUP DELCONSUMER s g bob", &[], &[]),
        (
            "XGROUP SETID s g 0",
            &["xgroup-setid"],
            &["XGROUP SETID s g 0"],
        ),
        ("XGROUP DESTROY s h", &[], &[]),
        (
            "XGROUP DESTROY s g",
            &["xgroup-destroy"],
            &["XGROUP DESTROY s g"],
        ),
    ]);
}
