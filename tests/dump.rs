//! DUMP, RESTORE and MIGRATE over a real socket, and between Larder and another server.

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use larder::clock::Clock;
use support::{Client, Server, encode, free_port};

/// `DUMP` of a string "v".
const PAYLOAD: &[u8] = b"\x00\x01v\x0a\x00\x91\x08\xce\xb2\x19\x38\x8a\xce";

/// What DUMP answers for a key.
fn dump(client: &mut Client, key: &str) -> Vec<u8> {
    let header = client.first_line(&["DUMP", key]);
    let len: usize = header[1..].parse().expect("a bulk string");
    let mut bytes = client.take(len + 2);
    bytes.truncate(len);
    bytes
}

fn payload(client: &mut Client) -> Vec<u8> {
    client.ask(&["SET", "{source}", "v"], "+OK\r\n");
    let payload = dump(client, "{source}");
    client.ask(&["DEL", "{source}"], ":1\r\n");
    payload
}

/// Sends RESTORE and expects this reply.
#[track_caller]
fn restore(client: &mut Client, key: &str, ttl: &str, payload: &[u8], words: &[&str], reply: &str) {
    let mut request = vec![&b"RESTORE"[..], key.as_bytes(), ttl.as_bytes(), payload];
    request.extend(words.iter().map(|word| word.as_bytes()));
    client.ask_raw(encode(&request), reply);
}

#[test]
fn restore_checks_in_the_peers_order() {
    let server = Server::start(&[]);
    for protocol in ["2", "3"] {
        let mut client = server.client();
        client.request(&["HELLO", protocol]);
        client.request(&["FLUSHALL"]);
        while client.line() != "+OK" {}
        let good = payload(&mut client);
        let syntax = "-ERR syntax error\r\n";
        restore(&mut client, "k", "0", &good, &[], "+OK\r\n");
        client.ask(&["GET", "k"], "$1\r\nv\r\n");
        let busy = "-BUSYKEY Target key name already exists.\r\n";
        restore(&mut client, "k", "x", b"?", &[], busy);
        restore(
            &mut client,
            "k",
            "0",
            &good,
            &["REPLACE", "IDLETIME"],
            syntax,
        );
        restore(&mut client, "k", "0", &good, &["PLEASE"], syntax);
        let both = ["REPLACE", "IDLETIME", "1", "FREQ", "1"];
        restore(&mut client, "k", "0", &good, &both, syntax);
        client.ask(&["DEL", "k"], ":1\r\n");
        for (ttl, reply) in [
            ("-1", "-ERR Invalid TTL value, must be >= 0\r\n"),
            ("x", "-ERR value is not an integer or out of range\r\n"),
            ("0", "-ERR DUMP payload version or checksum are wrong\r\n"),
        ] {
            restore(&mut client, "k", ttl, b"payload", &[], reply);
        }
        for (words, reply) in [
            (
                ["IDLETIME", "-1"],
                "-ERR Invalid IDLETIME value, must be >= 0\r\n",
            ),
            (
                ["FREQ", "256"],
                "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n",
            ),
            (
                ["FREQ", "x"],
                "-ERR value is not an integer or out of range\r\n",
            ),
            (["FREQ", "255"], "+OK\r\n"),
        ] {
            restore(&mut client, "k", "0", &good, &words, reply);
        }
        let idle = ["REPLACE", "IDLETIME", "1000"];
        restore(&mut client, "k", "0", &good, &idle, "+OK\r\n");
        client.ask(&["OBJECT", "IDLETIME", "k"], ":1000\r\n");
        let null = if protocol == "2" { "$-1\r\n" } else { "_\r\n" };
        client.ask(&["DUMP", "nosuch"], null);
        client.ask(&["RESTORE-ASKING", "k", "0", "?"], busy);
    }
}

#[test]
fn a_restored_key_expires_when_it_is_told_to() {
    let (clock, hand) = Clock::manual(1_000_000);
    let server = Server::start_at(clock, &[]);
    let mut client = server.client();
    let good = payload(&mut client);
    restore(&mut client, "k", "500", &good, &[], "+OK\r\n");
    client.ask(&["PEXPIRETIME", "k"], ":1000500\r\n");
    restore(
        &mut client,
        "k",
        "1000700",
        &good,
        &["REPLACE", "ABSTTL"],
        "+OK\r\n",
    );
    client.ask(&["PEXPIRETIME", "k"], ":1000700\r\n");
    hand.fetch_add(100, std::sync::atomic::Ordering::Relaxed);
    restore(&mut client, "l", "1000100", &good, &["ABSTTL"], "+OK\r\n");
    restore(
        &mut client,
        "k",
        "1000100",
        &good,
        &["REPLACE", "ABSTTL"],
        "+OK\r\n",
    );
    client.ask(&["EXISTS", "k", "l"], ":0\r\n");
}

#[test]
fn the_payload_is_the_one_that_servers_know() {
    let server = Server::start(&[]);
    let mut client = server.client();
    assert_eq!(payload(&mut client), PAYLOAD);
}

/// Keys of every type, small and large, without those that only newer servers have.
fn fill(client: &mut Client) -> Vec<&'static str> {
    let many: Vec<String> = (0..600).map(|i| format!("{}", i * i * 7 - 900)).collect();
    let long = "long ".repeat(4000);
    let small = ["1", "two", "3.5", ""];
    let with = |head: &[&str], words: &[String]| {
        let mut request: Vec<String> = head.iter().map(|word| (*word).to_owned()).collect();
        request.extend_from_slice(words);
        request
    };
    let pairs = |words: &[String]| {
        let with_values = |word: &String| [word.clone(), format!("value {word}")];
        words.iter().flat_map(with_values).collect::<Vec<_>>()
    };
    let small: Vec<String> = small.iter().map(|word| (*word).to_owned()).collect();
    let scored = |words: &[String]| {
        let with_scores = |(at, word): (usize, &String)| [format!("{}.25", at), word.clone()];
        words
            .iter()
            .enumerate()
            .flat_map(with_scores)
            .collect::<Vec<_>>()
    };
    let mut requests = vec![
        with(&["SET", "int", "-123456789012"], &[]),
        with(&["SET", "string", "text"], &[]),
        with(&["SET", "big", &long], &[]),
        with(&["RPUSH", "list"], &small),
        with(&["RPUSH", "large list", &long], &many),
        with(&["SADD", "set"], &small),
        with(&["SADD", "ints"], &many[..100]),
        with(&["SADD", "large set"], &many),
        with(&["ZADD", "zset"], &scored(&small)),
        with(&["ZADD", "large zset", "-inf", "first"], &scored(&many)),
        with(&["HSET", "hash"], &pairs(&small)),
        with(&["HSET", "large hash"], &pairs(&many)),
    ];
    for entry in 1..250 {
        requests.push(with(
            &[
                "XADD",
                "stream",
                &format!("{entry}-1"),
                "a",
                &entry.to_string(),
                "b",
                "x",
            ],
            &[],
        ));
    }
    requests.push(with(&["XDEL", "stream", "7-1"], &[]));
    requests.push(with(&["XGROUP", "CREATE", "stream", "g", "100"], &[]));
    for request in &requests {
        let words: Vec<&[u8]> = request.iter().map(|word| word.as_bytes()).collect();
        client.send(encode(&words));
        assert!(!client.line().starts_with('-'), "{request:?}");
        if request[0] == "XADD" {
            client.line();
        }
    }
    client.request(&[
        "XREADGROUP",
        "GROUP",
        "g",
        "alice",
        "COUNT",
        "1",
        "STREAMS",
        "stream",
        ">",
    ]);
    while client.line() != "x" {}
    vec![
        "int",
        "string",
        "big",
        "list",
        "large list",
        "set",
        "ints",
        "large set",
        "zset",
        "large zset",
        "hash",
        "large hash",
        "stream",
    ]
}

/// A `redis-server` process that ends with the test; `None` where there is no such program.
struct Redis {
    process: std::process::Child,
    port: u16,
}

impl Redis {
    fn start() -> Option<Self> {
        let port = free_port();
        let spawned = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args(["--enable-debug-command", "local"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = spawned else {
            eprintln!("skipped: there is no redis-server in PATH");
            return None;
        };
        let redis = Self { process, port };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "redis-server does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    fn client(&self) -> Client {
        Client::connect(([127, 0, 0, 1], self.port).into())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_type_travels_to_redis_and_back() {
    let Some(redis) = Redis::start() else { return };
    let server = Server::start(&[]);
    let (mut here, mut there) = (server.client(), redis.client());
    let keys = fill(&mut there);
    for key in keys {
        let digest = |client: &mut Client, key: &str| {
            client.ask(&["DEBUG", "DIGEST-VALUE", key], "*1\r\n");
            client.line()
        };
        let theirs = dump(&mut there, key);
        restore(&mut here, key, "0", &theirs, &[], "+OK\r\n");
        let ours = dump(&mut here, key);
        restore(&mut there, "back", "0", &ours, &["REPLACE"], "+OK\r\n");
        assert_eq!(digest(&mut there, key), digest(&mut there, "back"), "{key}");
        for question in [["TYPE", key], ["EXISTS", key]] {
            assert_eq!(here.first_line(&question), there.first_line(&question));
        }
    }
}

#[test]
fn migrate_moves_keys_to_another_server() {
    let (from, to) = (
        Server::start(&[]),
        Server::start(&[("requirepass", "secret")]),
    );
    let (mut here, mut there) = (from.client(), to.client());
    there.ask(&["AUTH", "secret"], "+OK\r\n");
    let keys = fill(&mut here);
    let port = to.port().to_string();
    let migrate = |words: &[&str]| {
        let head = [
            "MIGRATE",
            "127.0.0.1",
            &port,
            "",
            "2",
            "5000",
            "AUTH",
            "secret",
        ];
        [&head, words]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<String>>()
    };
    let send = |here: &mut Client, words: &[&str], reply: &str| {
        let request = migrate(words);
        let request: Vec<&str> = request.iter().map(String::as_str).collect();
        here.ask(&request, reply);
    };
    here.ask(&["PEXPIRE", "string", "1000000"], ":1\r\n");
    send(&mut here, &["KEYS", "nosuch"], "+NOKEY\r\n");
    send(&mut here, &["COPY", "KEYS", "int"], "+OK\r\n");
    here.ask(&["EXISTS", "int"], ":1\r\n");
    let busy =
        "-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n";
    // What was taken is gone here, whatever became of the others.
    send(&mut here, &["KEYS", "int", "string", "nosuch"], busy);
    here.ask(&["EXISTS", "int"], ":1\r\n");
    here.ask(&["EXISTS", "string"], ":0\r\n");
    let all: Vec<&str> = ["REPLACE", "KEYS"]
        .into_iter()
        .chain(keys.iter().copied())
        .collect();
    send(&mut here, &all, "+OK\r\n");
    here.ask(&["DBSIZE"], ":0\r\n");
    there.ask(&["SELECT", "2"], "+OK\r\n");
    there.ask(&["DBSIZE"], format!(":{}\r\n", keys.len()));
    there.ask(&["EXPIRETIME", "int"], ":-1\r\n");
    let left: i64 = there.first_line(&["PTTL", "string"])[1..]
        .parse()
        .expect("a number");
    assert!((900_000..=1_000_000).contains(&left), "{left}");
    // The same connection goes on with what was pipelined behind.
    here.ask(&["SET", "a", "1"], "+OK\r\n");
    let request = migrate(&["KEYS", "a"]);
    let words: Vec<&[u8]> = request.iter().map(|word| word.as_bytes()).collect();
    here.ask_raw(
        [encode(&words), encode(&[b"PING"])].concat(),
        "+OK\r\n+PONG\r\n",
    );
    assert!(
        here.bulk(&["INFO", "commandstats"])
            .contains("cmdstat_migrate:calls=5,")
    );
}

#[test]
fn migrate_says_what_is_wrong() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["SET", "a", "1"], "+OK\r\n");
    let nobody = free_port().to_string();
    for (words, reply) in [
        (
            vec![&*nobody, "a", "0", "100"],
            "-IOERR error or timeout writing to target instance\r\n",
        ),
        (vec!["1", "a", "0", "100", "NOW"], "-ERR syntax error\r\n"),
        (
            vec!["1", "a", "0", "x"],
            "-ERR value is not an integer or out of range\r\n",
        ),
        (
            vec!["1", "a", "0", "100", "KEYS", "a"],
            "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string\r\n",
        ),
        (vec!["1", "b", "0", "100"], "+NOKEY\r\n"),
    ] {
        let request: Vec<&str> = ["MIGRATE", "127.0.0.1"].into_iter().chain(words).collect();
        client.ask(&request, reply);
    }
    client.ask(&["GET", "a"], "$1\r\n1\r\n");
    client.ask(
        &[
            "COMMAND", "GETKEYS", "MIGRATE", "h", "1", "", "0", "0", "AUTH", "KEYS", "KEYS", "a",
            "b",
        ],
        "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    );
}

/// What is written to a key while it travels is not lost: the key stays.
#[test]
fn a_key_that_changes_on_its_way_stays() {
    let server = Server::start(&[]);
    // A target that answers only when it is told to.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let mut client = server.client();
    client.ask(&["SET", "a", "1"], "+OK\r\n");
    client.ask(&["SET", "b", "1"], "+OK\r\n");
    client.ask(&["SET", "c", "1"], "+OK\r\n");
    client.request(&[
        "MIGRATE",
        "127.0.0.1",
        &port,
        "",
        "0",
        "5000",
        "KEYS",
        "a",
        "b",
        "c",
    ]);
    let (stream, _) = listener.accept().expect("a connection");
    let mut target = Client::over(stream);
    target.expect(encode(&[&b"INFO"[..], b"server"]));
    target.send("$11\r\nrun_id:none\r\n");
    target.expect(encode(&[&b"SELECT"[..], b"0"]));
    target.send("+OK\r\n");
    assert!(target.brings(b"*4\r\n$7\r\nRESTORE"));
    server.client().ask(&["APPEND", "a", "2"], ":2\r\n");
    server.client().ask(&["EXPIRE", "c", "1000"], ":1\r\n");
    target.send("+OK\r\n+OK\r\n+OK\r\n");
    assert!(
        client
            .line()
            .starts_with("-ERR some keys have changed while")
    );
    client.ask(
        &["MGET", "a", "b", "c"],
        "*3\r\n$2\r\n12\r\n$-1\r\n$1\r\n1\r\n",
    );
}

/// Replaced by itself, the key would be removed as one that has arrived.
#[test]
fn a_server_migrates_nothing_to_itself() {
    let server = Server::start(&[]);
    let port = server.port().to_string();
    let mut client = server.client();
    client.ask(&["SET", "a", "1"], "+OK\r\n");
    client.ask(
        &["MIGRATE", "127.0.0.1", &port, "a", "0", "5000", "REPLACE"],
        "-IOERR error or timeout reading from target instance\r\n",
    );
    client.ask(&["GET", "a"], "$1\r\n1\r\n");
}
