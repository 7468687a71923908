//! Every command, with arguments that make no sense: each is answered, whatever it is asked.
//!
//! Above all a command must not look at a key whose lock the dispatcher did not take, because the key specification found
//! none in odd arguments.

use super::local::LocalClient;
use super::table::{self, Flags};
use crate::clock::Clock;
use crate::config::Settings;
use crate::server::Server;

/// Words that mean something to some command, numbers at the ends of their ranges, and keys of every type.
const WORDS: &[&str] = &[
    "",
    "x",
    "k",
    "str",
    "num",
    "hash",
    "list",
    "set",
    "ints",
    "zset",
    "stream",
    "0",
    "1",
    "2",
    "-1",
    "3",
    "100",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "1.5",
    "nan",
    "inf",
    "(1",
    "[a",
    "-",
    "+",
    "$",
    ">",
    "*",
    "0-0",
    "5-*",
    "STREAMS",
    "GROUP",
    "g",
    "COUNT",
    "BLOCK",
    "LIMIT",
    "STORE",
    "STOREDIST",
    "BY",
    "GET",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "WITHSCORES",
    "MATCH",
    "LEFT",
    "RIGHT",
    "MIN",
    "MAX",
    "BEFORE",
    "AFTER",
    "EX",
    "PX",
    "NX",
    "XX",
    "KEYS",
    "FIELDS",
    "u8",
    "i64",
    "OVERFLOW",
    "FAIL",
    "INCRBY",
    "AND",
    "NOT",
    "m",
    "km",
    "FROMMEMBER",
    "FROMLONLAT",
    "BYRADIUS",
    "BYBOX",
    "ASC",
    "DESC",
    "MAXLEN",
    "MINID",
    "~",
    "=",
    "MKSTREAM",
    "ENTRIESREAD",
    "JUSTID",
    "FORCE",
];

/// What would end the test, or wait.
const LEFT_OUT: &[&str] = &[
    "shutdown", "debug", "client", "migrate", "config", "quit", "reset", "hello",
];

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn whatever_is_asked_is_answered() {
    let mut numbers = Numbers(1);
    let server = Server::new(Settings::new(), 1, Clock::manual(1_000_000).0);
    let mut client = LocalClient::new(&server, 0);
    for command in table::commands() {
        if LEFT_OUT.contains(&command.name) || command.flags.contains(Flags::ADMIN) {
            continue;
        }
        let least = usize::from(command.arity.unsigned_abs());
        for round in 0..400 {
            if round % 100 == 0 {
                fill(&server, &mut client);
            }
            let len = match command.arity {
                1.. => least,
                _ => least + numbers.below(6),
            };
            let mut words = vec![command.name.as_bytes()];
            words.extend((1..len).map(|_| WORDS[numbers.below(WORDS.len())].as_bytes()));
            let reply = client.run(&server, &words);
            let shown: Vec<_> = words
                .iter()
                .map(|word| String::from_utf8_lossy(word))
                .collect();
            assert!(!reply.is_empty(), "{shown:?} is not answered");
        }
    }
}

/// A key of every type.
fn fill(server: &Server, client: &mut LocalClient) {
    for request in [
        "RESET",
        "FLUSHALL",
        "SET str text",
        "SET num 10",
        "HSET hash x 1 k 2",
        "RPUSH list x 1 2",
        "SADD set x k",
        "SADD ints 1 2 3",
        "ZADD zset 1 x 2 k",
        "XADD stream 1-1 x k",
        "XGROUP CREATE stream g 0",
    ] {
        let words: Vec<_> = request.split(' ').map(str::as_bytes).collect();
        let reply = client.run(server, &words);
        assert!(!reply.starts_with(b"-"), "{request}: {reply:?}");
    }
}
