//! The same random commands to Larder and to Debian's redis-server: the same replies, the same hits and misses.
//!
//! Skipped, with a word, where no `redis-server` is installed.  `LARDER_DIFFERENTIAL_ROUNDS` makes it longer,
//! `LARDER_DIFFERENTIAL_SEED` repeats a run.

mod bitmap;
mod dump;
mod generate;
mod geo;
mod hyperloglog;
mod list;
mod set;
mod stream;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use generate::{Random, requests};
use larder::resp::decode::{DecodeLimits, decode};

/// A server process that ends with the test.
struct Server {
    process: Child,
    stream: TcpStream,
    read: Vec<u8>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

impl Server {
    fn start(program: &str) -> Option<Self> {
        let port = free_port();
        let mut process = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                stream
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .expect("a timeout");
                stream.set_nodelay(true).expect("no delay");
                return Some(Self {
                    process,
                    stream,
                    read: Vec::new(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = process.kill();
        panic!("{program} does not listen");
    }

    fn send(&mut self, requests: &[Vec<String>]) {
        let mut bytes = Vec::new();
        for words in requests {
            write!(bytes, "*{}\r\n", words.len()).expect("into memory");
            for word in words {
                write!(bytes, "${}\r\n{word}\r\n", word.len()).expect("into memory");
            }
        }
        self.stream.write_all(&bytes).expect("the server reads");
    }

    /// The next reply, as it came over the wire.
    fn reply(&mut self) -> Vec<u8> {
        loop {
            if let Some((_, used)) =
                decode(&self.read, DecodeLimits::default()).expect("a well-formed reply")
            {
                return self.read.drain(..used).collect();
            }
            let mut more = [0; 64 * 1024];
            let n = self.stream.read(&mut more).expect("the server answers");
            assert!(n > 0, "the server closed the connection");
            self.read.extend_from_slice(&more[..n]);
        }
    }

    fn ask(&mut self, words: &[&str]) -> Vec<u8> {
        self.send(&[words.iter().map(|word| (*word).to_owned()).collect()]);
        self.reply()
    }

    /// The sums of hits and misses since the statistics were reset.
    fn hits_and_misses(&mut self) -> (String, String) {
        let info = String::from_utf8(self.ask(&["INFO", "stats"])).expect("INFO is text");
        let field = |name: &str| {
            let (_, rest) = info
                .split_once(&format!("{name}:"))
                .expect("the field is there");
            rest.chars().take_while(char::is_ascii_digit).collect()
        };
        (field("keyspace_hits"), field("keyspace_misses"))
    }
}

/// Requests whose replies have no order: compared as multisets.
const UNORDERED: &[&str] = &[
    "HGETALL",
    "HKEYS",
    "HVALS",
    "KEYS",
    "SMEMBERS",
    "SUNION",
    "SINTER",
    "SDIFF",
    "SPOP",
    "SRANDMEMBER",
    "SSCAN",
];

fn is_unordered(request: &[String]) -> bool {
    let name = request[0].to_uppercase();
    // A set that is not sorted has no order.
    UNORDERED.contains(&name.as_str()) || name == "SORT" && request.iter().any(|w| w == "nosort")
}

/// A reply such that equal bytes mean equal replies.
fn comparable(mut reply: Vec<u8>, unordered: bool) -> Vec<u8> {
    // Debian's Redis has no small lists yet.
    if reply == b"$9\r\nquicklist\r\n" {
        return b"$8\r\nlistpack\r\n".to_vec();
    }
    if unordered {
        reply.sort_unstable();
    }
    reply
}

/// The requests left out of the comparison, as lists of words in upper case.
fn exceptions() -> Vec<Vec<String>> {
    include_str!("exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let request = line.split("  ").next().unwrap_or_default();
            request.split(' ').map(str::to_uppercase).collect()
        })
        .collect()
}

fn is_excepted(exceptions: &[Vec<String>], request: &[String]) -> bool {
    exceptions.iter().any(|exception| {
        let open = exception.last().is_some_and(|word| word == "*");
        let fixed = &exception[..exception.len() - usize::from(open)];
        (open || request.len() == fixed.len())
            && fixed
                .iter()
                .zip(request)
                .all(|(wanted, word)| wanted == "?" || *wanted == word.to_uppercase())
            && request.len() >= fixed.len()
    })
}

fn compare(protocol: &str, rounds: usize, seed: u64) {
    let Some(mut peer) = Server::start("redis-server") else {
        eprintln!("skipped: redis-server is not installed");
        return;
    };
    let mut larder = Server::start(env!("CARGO_BIN_EXE_larder")).expect("it is built");
    let exceptions = exceptions();
    let mut random = Random::new(seed);
    for server in [&mut peer, &mut larder] {
        server.ask(&["HELLO", protocol]);
        // Small thresholds, so that both encodings are met.
        for name in [
            "hash-max-listpack-entries",
            "zset-max-listpack-entries",
            "stream-node-max-entries",
            "list-max-listpack-size",
            "set-max-intset-entries",
            "set-max-listpack-entries",
        ] {
            server.ask(&["CONFIG", "SET", name, "8"]);
        }
        let sparse = hyperloglog::SPARSE_MAX;
        server.ask(&["CONFIG", "SET", "hll-sparse-max-bytes", sparse]);
        server.ask(&["CONFIG", "RESETSTAT"]);
    }
    // Debian's Redis packs no sets but those of integers: in one of the protocols Larder does not either, in the other
    // the two words are one.
    let packs_sets = protocol == "2";
    if !packs_sets {
        larder.ask(&["CONFIG", "SET", "set-max-listpack-entries", "0"]);
    }
    for round in 0..rounds {
        let batch: Vec<_> = requests(&mut random, 50)
            .into_iter()
            .filter(|r| !is_excepted(&exceptions, r))
            .collect();
        peer.send(&batch);
        larder.send(&batch);
        for (at, request) in batch.iter().enumerate() {
            let unordered = is_unordered(request);
            let (mut theirs, ours) = (peer.reply(), larder.reply());
            let shown = [&theirs, &ours].map(|reply| String::from_utf8_lossy(reply).into_owned());
            let is_form_of_sets =
                packs_sets && theirs == b"$9\r\nhashtable\r\n" && ours == b"$8\r\nlistpack\r\n";
            // Debian's Redis looks at `errno` without having cleared it: any command before may have left an error there.
            let is_stale_error = request.get(1).is_some_and(|key| key == "numbers")
                && theirs.starts_with(b"-ERR One or more scores");
            if is_form_of_sets || is_stale_error {
                theirs.clone_from(&ours);
            }
            assert!(
                comparable(theirs, unordered) == comparable(ours, unordered),
                "seed {seed}, RESP{protocol}, round {round}: {request:?}\n  redis:  {:?}\n  larder: {:?}\n  before: {:?}",
                shown[0],
                shown[1],
                &batch[at.saturating_sub(12)..at]
            );
        }
    }
    assert_eq!(
        peer.hits_and_misses(),
        larder.hits_and_misses(),
        "hits and misses, seed {seed}"
    );
}

fn rounds() -> usize {
    std::env::var("LARDER_DIFFERENTIAL_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(400)
}

fn seed() -> u64 {
    std::env::var("LARDER_DIFFERENTIAL_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_240_601)
}

#[test]
fn same_replies_in_resp2() {
    compare("2", rounds(), seed());
}

#[test]
fn same_replies_in_resp3() {
    compare("3", rounds(), seed() + 1);
}
