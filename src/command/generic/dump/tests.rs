//! RESTORE with payloads of real servers, and with what strangers make of these.

use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;

use crate::clock::Clock;
use crate::command::local::LocalClient;
use crate::config::Settings;
use crate::keyspace::door::Listener;
use crate::keyspace::{Keyspace, Locks};
use crate::rdb::payload;
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::server::Server;
use crate::stats::Counters;

/// A recorded payload, a request about the key `k` that it makes, and the reply that a server gave.
struct Recorded {
    name: &'static str,
    payload: Vec<u8>,
    request: Vec<&'static [u8]>,
    reply: Vec<u8>,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).expect("hexadecimal") as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn recorded() -> Vec<Recorded> {
    include_str!("../../../../tests/data/payloads.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [name, payload, request, reply] = parts[..] else {
                panic!("{line}");
            };
            Recorded {
                name,
                payload: bytes(payload),
                request: request.split(' ').map(str::as_bytes).collect(),
                reply: bytes(reply),
            }
        })
        .collect()
}

fn server() -> Server {
    Server::new(Settings::new(), 1, Clock::manual(1_000_000).0)
}

/// A digest of the value of a key.
fn digest(server: &Server, key: &[u8]) -> String {
    let counters = Counters::default();
    let mut keys = server
        .keyspace
        .access(Locks::All, 0, server.clock.now(), &counters)
        .unwrap();
    format!("{:?}", keys.digest_of(key))
}

/// What is in a bulk reply.
fn content(reply: &[u8]) -> Vec<u8> {
    let header = reply
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a header")
        + 1;
    reply[header..reply.len() - 2].to_vec()
}

fn restore(server: &Server, client: &mut LocalClient, key: &[u8], payload: &[u8]) -> Vec<u8> {
    client
        .run(server, &[b"RESTORE", key, b"0", payload, b"REPLACE"])
        .to_vec()
}

#[test]
fn what_servers_dump_is_what_they_say_it_is() {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    for Recorded {
        name,
        payload,
        request,
        reply,
    } in recorded()
    {
        assert_eq!(
            restore(&server, &mut client, b"k", &payload),
            b"+OK\r\n",
            "{name}"
        );
        let got = client.run(&server, &request);
        assert_eq!(
            got.escape_ascii().to_string(),
            reply.escape_ascii().to_string(),
            "{name}"
        );
        let dumped = content(&client.run(&server, &[b"DUMP", b"k"]));
        assert_eq!(
            restore(&server, &mut client, b"l", &dumped),
            b"+OK\r\n",
            "{name}"
        );
        assert_eq!(digest(&server, b"k"), digest(&server, b"l"), "{name}");
    }
}

/// What is done to a payload's body.
#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Add(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(vec![0, 1, 0x3F, 0x7F, 0x80, 0x81, 0xC3, 0xFE, 0xFF]),
    ];
    prop_oneof![
        4 => (at(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (at(), byte).prop_map(|(at, byte)| Damage::Add(at, byte)),
        1 => (at(), 1..20usize).prop_map(|(at, len)| Damage::Remove(at, len)),
        1 => (at(), 1..40usize).prop_map(|(at, len)| Damage::Repeat(at, len)),
        1 => at().prop_map(Damage::Cut),
    ]
}

fn damage(body: &mut Vec<u8>, damage: &Damage) {
    if body.is_empty() {
        return;
    }
    let len = body.len();
    match damage {
        Damage::Set(at, byte) => body[at.index(len)] = *byte,
        Damage::Add(at, byte) => body[at.index(len)] = body[at.index(len)].wrapping_add(*byte),
        Damage::Remove(at, count) => {
            let from = at.index(len);
            body.drain(from..len.min(from + count));
        }
        Damage::Repeat(at, count) => {
            let from = at.index(len);
            let piece = body[from..len.min(from + count)].to_vec();
            body.splice(from..from, piece);
        }
        Damage::Cut(at) => body.truncate(at.index(len)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// A stranger's payload is refused or a value, and the value is sound: it can be dumped and restored, and is not out of
    /// proportion to what came.
    #[test]
    fn any_payload_is_survived(
        which in any::<prop::sample::Index>(),
        version in prop::sample::select(vec![None, Some(9), Some(12), Some(80)]),
        damages in prop::collection::vec(any_damage(), 1..4),
    ) {
        let recorded = recorded();
        let chosen = &recorded[which.index(recorded.len())];
        let (body, written) = payload::open(&chosen.payload).expect("a good payload");
        let mut body = body.to_vec();
        damages.iter().for_each(|each| damage(&mut body, each));
        let mut damaged = body;
        payload::seal(&mut damaged, version.unwrap_or(written));

        let server = server();
        let mut client = LocalClient::new(&server, 0);
        let answer = restore(&server, &mut client, b"k", &damaged);
        // The second: a compressed string that promises more than there may be.
        let refusals = [ReplyError::STRING_TOO_LONG, ReplyError::fixed("ERR Bad data format")];
        if refusals.iter().any(|error| answer == format!("-{error}\r\n").as_bytes()) {
            prop_assert_eq!(client.run(&server, &[b"EXISTS", b"k"]), ":0\r\n");
            return Ok(());
        }
        prop_assert_eq!(&answer, b"+OK\r\n");
        let size = {
            let counters = Counters::default();
            let mut keys = server.keyspace.access(Locks::All, 0, server.clock.now(), &counters)
        .unwrap();
            keys.peek(b"k").expect("a key").memory()
        };
        prop_assert!(size < 100 * damaged.len() + 20_000, "{} bytes of {}", size, damaged.len());
        // Its own request, and those of other types, are answered somehow.
        for recorded in &recorded {
            client.run(&server, &recorded.request);
        }
        let dumped = content(&client.run(&server, &[b"DUMP", b"k"]));
        prop_assert_eq!(restore(&server, &mut client, b"l", &dumped), b"+OK\r\n");
        prop_assert_eq!(digest(&server, b"k"), digest(&server, b"l"));
    }
}

/// Small forms that promise much: counts and lengths that are not there, and fields that are there very often.
#[test]
fn promises_are_not_believed() {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    let huge = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff";
    for form in [1u8, 2, 3, 4, 5, 14, 15, 18, 19, 21, 22, 24] {
        let mut payload = vec![form];
        payload.extend_from_slice(huge);
        payload.extend_from_slice(&[1; 40]);
        payload::seal(&mut payload, 12);
        assert_eq!(
            restore(&server, &mut client, b"k", &payload),
            b"-ERR Bad data format\r\n",
            "{form}"
        );
    }
    // A compressed string of 4 GB in nine bytes.
    let mut payload = b"\x00\xc3\x03\x80\xff\xff\xff\xff\x00a\x20".to_vec();
    payload::seal(&mut payload, 10);
    assert_eq!(
        restore(&server, &mut client, b"k", &payload),
        b"-ERR Bad data format\r\n"
    );
}

/// Writes down the effects that it hears of.
struct Journal(Arc<Mutex<Vec<OwnedArgs>>>);

impl Listener for Journal {
    fn effect(&self, _order: u64, _db: usize, request: &Args<'_>) {
        self.0.lock().push(request.to_owned());
    }
}

/// Whenever it is replayed, the key lives until the same moment.
#[test]
fn the_effect_of_restore_names_a_moment() {
    let effects = Arc::new(Mutex::new(Vec::new()));
    let keyspace = Keyspace::with_listener(1, Box::new(Journal(Arc::clone(&effects))));
    let clock = Clock::manual(1_000_000).0;
    let server = Server::with_keyspace(Settings::new(), 1, clock, keyspace);
    let mut client = LocalClient::new(&server, 0);
    let mut payload = b"\x00\x01v".to_vec();
    payload::seal(&mut payload, 10);
    let mut effect_of = |request: &[&[u8]]| {
        assert_eq!(client.run(&server, request), "+OK\r\n");
        let effects: Vec<OwnedArgs> = effects.lock().drain(..).collect();
        effects
            .iter()
            .map(|effect| effect.view().iter().map(<[u8]>::to_vec).collect())
            .collect::<Vec<Vec<Vec<u8>>>>()
    };
    let restored = |moment: &[u8]| {
        let words = [
            &b"RESTORE"[..],
            b"k",
            moment,
            &payload,
            b"REPLACE",
            b"ABSTTL",
        ];
        vec![words.map(<[u8]>::to_vec).to_vec()]
    };
    let request = [&b"RESTORE"[..], b"k", b"500", &payload];
    assert_eq!(effect_of(&request), restored(b"1000500"));
    let request = [&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"];
    assert_eq!(effect_of(&request), restored(b"0"));
    // What has expired already is not put there: what it replaces goes, and where there is nothing nothing happens.
    let request = [&b"RESTORE"[..], b"k", b"5", &payload, b"REPLACE", b"ABSTTL"];
    assert_eq!(effect_of(&request), [[b"DEL".to_vec(), b"k".to_vec()]]);
    assert!(effect_of(&request).is_empty());
}

#[test]
fn dump_reads_and_restore_writes() {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    let mut counted = |request: &[&[u8]]| {
        let before = server.stats.totals();
        let reply = client.run(&server, request);
        let after = server.stats.totals();
        let hits = after.keyspace_hits - before.keyspace_hits;
        let misses = after.keyspace_misses - before.keyspace_misses;
        (reply, hits, misses)
    };
    counted(&[b"SET", b"a", b"1"]);
    let (payload, hits, misses) = counted(&[b"DUMP", b"a"]);
    assert_eq!((hits, misses), (1, 0));
    let (reply, hits, misses) = counted(&[b"DUMP", b"b"]);
    assert_eq!((&reply[..], hits, misses), (&b"$-1\r\n"[..], 0, 1));
    let payload = content(&payload);
    let (reply, hits, misses) = counted(&[b"RESTORE", b"b", b"0", &payload]);
    assert_eq!((&reply[..], hits, misses), (&b"+OK\r\n"[..], 0, 0));
}
