//! The whole command path, in one process: what commands answer, and that their effects tell the whole story.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::local::LocalClient;
use crate::clock::Clock;
use crate::config::Settings;
use crate::keyspace::door::Listener;
use crate::keyspace::{Keyspace, Locks, RecordRef, Value};
use crate::resp::{Args, OwnedArgs};
use crate::server::Server;
use crate::stats::Counters;
use crate::value::packed::{IntSet, PackedHash, PackedList, PackedSet, PackedZSet};
use crate::value::stream::Stream;

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// A server with one worker and a clock that stands at 1,000,000 ms.
fn server() -> Server {
    Server::new(Settings::new(), 1, Clock::manual(1_000_000).0)
}

#[test]
fn replies_of_a_few_commands() {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    for (request, reply) in [
        ("SET a 1", "+OK\r\n"),
        ("GET a", "$1\r\n1\r\n"),
        ("INCR a", ":2\r\n"),
        ("APPEND a x", ":2\r\n"),
        ("GET a", "$2\r\n2x\r\n"),
        ("INCR a", "-ERR value is not an integer or out of range\r\n"),
        ("SET a 1 EX 10 NX", "$-1\r\n"),
        ("SET a 1 EX 10", "+OK\r\n"),
        ("PTTL a", ":10000\r\n"),
        ("GETEX a PERSIST", "$1\r\n1\r\n"),
        ("TTL a", ":-1\r\n"),
        ("MSET a 1 b 2", "+OK\r\n"),
        ("MGET a b c", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"),
        ("RENAME a c", "+OK\r\n"),
        ("EXISTS a b c c", ":3\r\n"),
        (
            "GET",
            "-ERR wrong number of arguments for 'get' command\r\n",
        ),
        (
            "NOSUCH x",
            "-ERR unknown command 'NOSUCH', with args beginning with: 'x' \r\n",
        ),
    ] {
        let got = client.run(&server, &words(request));
        assert_eq!(String::from_utf8_lossy(&got), reply, "{request}");
    }
}

#[test]
fn hits_and_misses_are_counted_as_the_peers_count() {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    let mut counted = |request: &str| {
        let before = server.stats.totals();
        client.run(&server, &words(request));
        let after = server.stats.totals();
        (
            after.keyspace_hits - before.keyspace_hits,
            after.keyspace_misses - before.keyspace_misses,
        )
    };
    assert_eq!(counted("GET a"), (0, 1));
    assert_eq!(counted("SET a 1"), (0, 0));
    assert_eq!(counted("MGET a b a"), (2, 1));
    for (request, hits) in [
        ("EXISTS a", 1),
        ("TTL a", 1),
        ("TYPE a", 1),
        ("INCR a", 0),
        ("EXPIRE a 10", 0),
        ("GETDEL a", 1),
    ] {
        assert_eq!(counted(request), (hits, 0), "{request}");
    }
    assert_eq!(counted("DEL a"), (0, 0));
}

/// Writes down the effects that it hears of.
#[derive(Default)]
struct Journal(Arc<Mutex<Vec<(u64, usize, OwnedArgs)>>>);

impl Listener for Journal {
    fn effect(&self, order: u64, db: usize, request: &Args<'_>) {
        self.0.lock().push((order, db, request.to_owned()));
    }
}

/// Every key of every database: what `DUMP`-like reading shows of it.
fn contents(server: &Server, now: i64) -> HashMap<(usize, Vec<u8>), String> {
    let counters = Counters::default();
    let mut found = HashMap::new();
    for db in 0..server.keyspace.databases() {
        let mut keys = server
            .keyspace
            .access(Locks::All, db, server.clock.now(), &counters)
            .unwrap();
        keys.each_key(|record| {
            let what = format!("{} expires {:?}", describe(record, now), record.expiry());
            // A hash whose last fields have expired is as good as gone.
            if !what.starts_with("hash []") {
                found.insert((db, record.key().to_vec()), what);
            }
        });
    }
    found
}

/// A value in words that do not depend on how it is held. Fields that have expired are not part of it.
fn describe(record: RecordRef<'_>, now: i64) -> String {
    match record.value() {
        Value::Int(value) => value.to_string(),
        Value::Str(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::BigStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::PackedHash(bytes) => {
            let mut fields: Vec<_> = PackedHash::new(bytes)
                .iter()
                .map(|(n, v)| (n, v, None::<i64>))
                .collect();
            fields.sort_unstable();
            format!("hash {fields:?}")
        }
        Value::Hash(hash) => {
            let living = hash.iter().filter(|field| !field.is_expired(now));
            let mut fields: Vec<_> = living.map(|f| (f.name(), f.value(), f.expiry())).collect();
            fields.sort_unstable();
            format!("hash {fields:?}")
        }
        Value::PackedZSet(bytes) => format!(
            "zset {:?}",
            PackedZSet::new(bytes).iter().collect::<Vec<_>>()
        ),
        Value::ZSet(zset) => format!("zset {:?}", zset.iter().collect::<Vec<_>>()),
        Value::PackedList(bytes) => format!(
            "list {:?}",
            PackedList::new(bytes).iter().collect::<Vec<_>>()
        ),
        Value::List(list) => format!("list {:?}", list.iter().collect::<Vec<_>>()),
        Value::IntSet(bytes) => in_order(
            IntSet::new(bytes)
                .iter()
                .map(|member| member.to_string().into_bytes()),
        ),
        Value::PackedSet(bytes) => in_order(PackedSet::new(bytes).iter().map(<[u8]>::to_vec)),
        Value::Set(set) => in_order(set.iter().map(<[u8]>::to_vec)),
        Value::Stream(stream) => describe_stream(stream),
    }
}

/// All of it but the moments at which something was delivered: the replay's clock stands still.
fn describe_stream(stream: &Stream) -> String {
    let log = &stream.log;
    let entries: Vec<_> = log
        .iter()
        .map(|entry| (entry.id, entry.fields().collect::<Vec<_>>()))
        .collect();
    let figures = (log.last_id(), log.max_deleted_id(), log.entries_added());
    let groups: Vec<_> = stream
        .groups
        .iter()
        .map(|(name, group)| {
            let names: Vec<_> = group.consumers().map(|(_, c)| c.name().to_vec()).collect();
            let pending: Vec<_> = group
                .pending()
                .iter()
                .map(|(id, pending)| (id, group.consumer(pending.owner).name(), pending.count))
                .collect();
            format!(
                "{name:?} {:?} {:?} {names:?} {pending:?}",
                group.last_id, group.entries_read
            )
        })
        .collect();
    format!("stream {entries:?} {figures:?} {groups:?}")
}

fn in_order(members: impl Iterator<Item = Vec<u8>>) -> String {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable();
    format!("set {members:?}")
}

/// Requests over few keys, so that they meet; the shapes cover every family that writes.
fn any_request() -> impl Strategy<Value = String> {
    any_request_like("")
}

/// The same of those commands whose names begin like this.
fn any_request_like(prefix: &'static str) -> impl Strategy<Value = String> {
    let templates = TEMPLATES.iter().filter(|line| line.starts_with(prefix));
    let template = prop::sample::select(templates.copied().collect::<Vec<_>>());
    let key = prop::sample::select(vec!["a", "b", "c", "d"]);
    let number = -5..50_i64;
    (key.clone(), key, number.clone(), number, template).prop_map(|(key, other, n, m, template)| {
        template
            .replace("KEY", key)
            .replace("OTHER", other)
            .replace("NUM", &n.to_string())
            .replace("POS", &m.abs().to_string())
    })
}

const TEMPLATES: &[&str] = &[
    "SET KEY NUM",
    "SET KEY text EX POS",
    "SET KEY text PXAT 1000NUM",
    "SET KEY x NX GET",
    "SET KEY x KEEPTTL XX",
    "SETNX KEY NUM",
    "SETEX KEY 5 v",
    "PSETEX KEY POS v",
    "GETSET KEY v",
    "GETDEL KEY",
    "GETEX KEY PX POS",
    "GETEX KEY PERSIST",
    "APPEND KEY tail",
    "SETRANGE KEY POS patch",
    "INCR KEY",
    "DECRBY KEY NUM",
    "INCRBYFLOAT KEY 0.NUM",
    "MSET KEY NUM OTHER 1",
    "MSETNX KEY NUM OTHER 1",
    "MSETEX 2 KEY 1 OTHER 2 PX POS",
    "DELIFEQ KEY NUM",
    "DEL KEY OTHER",
    "UNLINK KEY",
    "RENAME KEY OTHER",
    "RENAMENX KEY OTHER",
    "COPY KEY OTHER REPLACE",
    "COPY KEY OTHER DB 1",
    "MOVE KEY 1",
    "EXPIRE KEY POS",
    "EXPIRE KEY NUM GT",
    "PEXPIREAT KEY 10000POS",
    "PERSIST KEY",
    "GET KEY",
    "SELECT 0",
    "SELECT 1",
    "SWAPDB 0 1",
    "FLUSHDB",
    "HSET KEY f NUM g POS",
    "HDEL KEY f",
    "HINCRBY KEY f NUM",
    "HINCRBYFLOAT KEY f 0.5",
    "HSETNX KEY f v",
    "HEXPIRE KEY POS FIELDS 1 f",
    "HPEXPIREAT KEY 10000POS FIELDS 2 f g",
    "HPERSIST KEY FIELDS 1 f",
    "HGETDEL KEY FIELDS 1 f",
    "HGETEX KEY EX POS FIELDS 1 g",
    "HSETEX KEY PX POS FIELDS 1 h v",
    "ZADD KEY NUM m POS n",
    "ZADD KEY GT CH NUM m",
    "ZADD KEY INCR 1.5 m",
    "ZINCRBY KEY NUM n",
    "ZREM KEY m",
    "ZPOPMIN KEY",
    "ZPOPMAX KEY 2",
    "ZMPOP 2 KEY OTHER MIN",
    "ZREMRANGEBYSCORE KEY -inf POS",
    "ZREMRANGEBYRANK KEY 0 0",
    "ZREMRANGEBYLEX KEY [m [m",
    "ZUNIONSTORE KEY 2 KEY OTHER",
    "ZINTERSTORE KEY 2 KEY OTHER WEIGHTS 2 3",
    "ZDIFFSTORE KEY 2 OTHER KEY",
    "ZRANGESTORE KEY OTHER 0 -1",
    "RESTORE KEY POS \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb REPLACE",
    "RESTORE KEY 100POS \u{4}\u{2}\u{1}f\u{2}pb\u{1}g\u{1}5\u{a}\u{0}-PD0/wEi REPLACE ABSTTL",
    "RESTORE KEY 0 \u{1}\u{3}\u{1}a\u{3}qdx\u{1}5\u{a}\u{0}^gRx=8!u",
    "RESTORE KEY 0 \u{2}\u{2}\u{1}m\u{4}lnf-\u{a}\u{0}o;%7Tqbm IDLETIME POS",
    "RESTORE KEY 10000POS \u{3}\u{2}\u{1}m\u{3}1.5\u{4}bzc-\u{1}2\u{a}\u{0}7z/A!F.' ABSTTL",
    "SADD KEY NUM POS",
    "SADD KEY NUM text POS",
    "SREM KEY NUM POS",
    "SPOP KEY",
    "SPOP KEY POS",
    "SMOVE KEY OTHER NUM",
    "SINTERSTORE KEY OTHER KEY",
    "SUNIONSTORE KEY OTHER KEY",
    "SDIFFSTORE KEY KEY OTHER",
    "SORT KEY ALPHA STORE OTHER",
    "SORT KEY BY nosort GET # GET * STORE OTHER",
    "SORT KEY BY * ALPHA DESC LIMIT 0 3 STORE OTHER",
    "LPUSH KEY NUM POS",
    "RPUSH KEY POS NUM POS",
    "RPUSHX KEY NUM",
    "LPOP KEY",
    "RPOP KEY POS",
    "LMPOP 2 KEY OTHER RIGHT COUNT 3",
    "LMOVE KEY OTHER LEFT RIGHT",
    "LMOVE KEY KEY RIGHT LEFT",
    "RPOPLPUSH KEY OTHER",
    "LSET KEY NUM v",
    "LINSERT KEY AFTER NUM v",
    "LREM KEY NUM POS",
    "LTRIM KEY NUM -2",
    "XADD KEY * f NUM g POS",
    "XADD KEY POS-* f NUM",
    "XADD KEY NOMKSTREAM MAXLEN ~ POS LIMIT 3 * h v",
    "XADD KEY MAXLEN 3 * f v",
    "XADD KEY MINID ~ POS * f v",
    "XTRIM KEY MAXLEN ~ POS",
    "XTRIM KEY MINID = 10000NUM",
    "XDEL KEY 1000000-0 1000001-0 POS-0",
    "XSETID KEY 10000POS ENTRIESADDED 100",
    "XGROUP CREATE KEY g NUM MKSTREAM",
    "XGROUP CREATE KEY h $ MKSTREAM ENTRIESREAD 1",
    "XGROUP SETID KEY g 0 ENTRIESREAD POS",
    "XGROUP SETID KEY g $",
    "XGROUP DESTROY KEY h",
    "XGROUP CREATECONSUMER KEY g alice",
    "XGROUP DELCONSUMER KEY g alice",
    "XREADGROUP GROUP g alice COUNT 2 STREAMS KEY >",
    "XREADGROUP GROUP g bob NOACK STREAMS KEY OTHER > >",
    "XREADGROUP GROUP g bob STREAMS KEY >",
    "XREADGROUP GROUP g alice COUNT 3 STREAMS KEY 0",
    "XREADGROUP GROUP h carol STREAMS KEY OTHER > 0",
    "XACK KEY g 1000000-0 1000001-0",
    "XCLAIM KEY g bob 0 1000000-0 1000001-0 1000001-1 RETRYCOUNT POS",
    "XCLAIM KEY g alice 1 1000000-0 1000002-0 POS-0 FORCE JUSTID IDLE POS LASTID 1000002",
    "XAUTOCLAIM KEY g alice 0 0 COUNT 2",
    "XAUTOCLAIM KEY g dave 2 1000001 JUSTID",
    "SETBIT KEY POS 1",
    "SETBIT KEY POS 0",
    "BITFIELD KEY INCRBY i5 POS NUM",
    "BITFIELD KEY OVERFLOW FAIL SET u4 POS NUM GET u2 POS",
    "BITOP XOR KEY KEY OTHER",
    "BITOP NOT KEY OTHER",
    "PFADD KEY NUM POS",
    "PFADD KEY",
    "PFMERGE KEY OTHER",
    "PFCOUNT KEY",
    "GEOADD KEY CH NUM POS m POS NUM n",
    "GEOADD KEY XX POS NUM m",
    "GEOSEARCHSTORE KEY OTHER FROMLONLAT NUM POS BYRADIUS 3000 km STOREDIST",
    "GEOSEARCHSTORE KEY OTHER FROMMEMBER m BYBOX 9000 9000 km COUNT 1 ANY",
    "GEORADIUS KEY NUM POS 5000 km STORE OTHER",
    "GEORADIUSBYMEMBER KEY m 5000 km STOREDIST OTHER",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The effects of any commands, replayed in their order into an empty keyspace at a later time, give the same keyspace.
    #[test]
    fn effects_tell_the_whole_story(requests in prop::collection::vec((any_request(), 0..3_i64), 1..120)) {
        replay(requests);
    }

    /// The same for streams alone: among the requests of all families they are rare.
    #[test]
    fn effects_tell_the_whole_story_of_streams(
        requests in prop::collection::vec((any_request_like("X"), 0..3_i64), 1..60),
    ) {
        let groups = ["XGROUP CREATE a g 0 MKSTREAM", "XGROUP CREATE b g $ MKSTREAM"];
        let groups = groups.map(|request| (request.to_owned(), 0));
        replay(groups.into_iter().chain(requests));
    }
}

/// Makes the requests, each after so many milliseconds, replays their effects and compares.
fn replay(requests: impl IntoIterator<Item = (String, i64)>) {
    let journal = Journal::default();
    let effects = Arc::clone(&journal.0);
    let (clock, hand) = Clock::manual(1_000_000);
    let keyspace = Keyspace::with_listener(2, Box::new(journal));
    let original = Server::with_keyspace(Settings::new(), 1, clock, keyspace);
    let mut client = LocalClient::new(&original, 0);
    for (request, wait) in requests {
        hand.fetch_add(wait, std::sync::atomic::Ordering::Relaxed);
        client.run(&original, &words(&request));
    }
    // The replay happens later: an effect must not depend on when. But nothing expires in it of its own, since the
    // clock stands still at the beginning.
    let copy = Server::with_keyspace(Settings::new(), 1, Clock::manual(0).0, Keyspace::new(2));
    let mut replay = LocalClient::new(&copy, 0);
    for (expected, (order, db, request)) in effects.lock().iter().enumerate() {
        assert_eq!(*order, expected as u64);
        replay.run(&copy, &[b"SELECT", db.to_string().as_bytes()]);
        let request: Vec<&[u8]> = request.view().iter().collect();
        let reply = replay.run(&copy, &request);
        assert!(
            !reply.starts_with(b"-"),
            "{:?} answered {reply:?}",
            request
                .iter()
                .map(|word| word.escape_ascii().to_string())
                .collect::<Vec<_>>()
        );
    }
    let now = original.clock.now();
    let mut copied = contents(&copy, now);
    copied.retain(|_, what| !expired_by(what, now));
    assert_eq!(contents(&original, now), copied);
}

/// Whether a described key has an expiry that has passed.
fn expired_by(what: &str, now: i64) -> bool {
    let moment = what
        .rsplit_once("expires Some(")
        .and_then(|(_, rest)| rest.trim_end_matches(')').parse::<i64>().ok());
    moment.is_some_and(|moment| moment <= now)
}
