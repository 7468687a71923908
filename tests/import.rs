//! `larder import` between two servers: everything comes along, a run goes on where another ended, failures are told.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use support::{Client, Server};

fn state_file(name: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("larder-import-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    file
}

/// Runs the import: the exit code and what it wrote to standard error.
fn import(from: &Server, to: &Server, flags: &[&str]) -> (Option<i32>, String) {
    let urls = [from, to].map(|server| format!("redis://127.0.0.1:{}", server.port()));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(["import", &urls[0], "--to", &urls[1]])
        .args(flags)
        .output()
        .expect("the program runs");
    assert!(output.stdout.is_empty());
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn fill(client: &mut Client, keys: usize) {
    for key in 0..keys {
        client.ask(
            &[
                "SET",
                &format!("s{key}"),
                &key.to_string(),
                "PXAT",
                "4000000000000",
            ],
            "+OK\r\n",
        );
        client.ask(
            &["HSET", &format!("h{key}"), "f", &key.to_string()],
            ":1\r\n",
        );
        client.ask(&["RPUSH", &format!("l{key}"), "a", "b"], ":2\r\n");
    }
}

#[test]
fn all_databases_come_along() {
    let (from, to) = (Server::start(&[]), Server::start(&[]));
    let (mut source, mut target) = (from.client(), to.client());
    fill(&mut source, 300);
    source.ask(&["SET", "big", &"x".repeat(3_000_000)], "+OK\r\n");
    source.ask(&["SELECT", "3"], "+OK\r\n");
    fill(&mut source, 20);
    target.ask(&["SET", "s7", "something else"], "+OK\r\n");
    target.ask(&["SET", "mine", "1"], "+OK\r\n");
    let (code, text) = import(&from, &to, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("961 keys copied"), "{text}");
    target.ask(&["DBSIZE"], ":902\r\n");
    target.ask(&["GET", "s7"], "$1\r\n7\r\n");
    target.ask(&["PEXPIRETIME", "s7"], ":4000000000000\r\n");
    target.ask(&["PEXPIRETIME", "h7"], ":-1\r\n");
    target.ask(&["STRLEN", "big"], ":3000000\r\n");
    target.ask(&["SELECT", "3"], "+OK\r\n");
    target.ask(&["DBSIZE"], ":60\r\n");
    target.ask(&["LRANGE", "l7", "0", "-1"], "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
}

#[test]
fn a_run_goes_on_where_another_ended() {
    let (from, to) = (Server::start(&[]), Server::start(&[]));
    let (mut source, mut target) = (from.client(), to.client());
    source.ask(&["SET", "first", "1"], "+OK\r\n");
    source.ask(&["SELECT", "2"], "+OK\r\n");
    fill(&mut source, 500);
    // As an earlier run would have left it: database 0 is done, half of database 2 too.
    source.request(&["SCAN", "0", "COUNT", "700"]);
    source.line();
    source.line();
    let cursor = source.line();
    let seen: usize = source.line()[1..].parse().expect("an array");
    source.take(0);
    let file = state_file("resume");
    let (from_url, to_url) = (from.port(), to.port());
    std::fs::write(
        &file,
        format!(
            "larder import state 1\nfrom redis://127.0.0.1:{from_url}\nto redis://127.0.0.1:{to_url}\ndatabase 2\ncopied {seen}\n\
             bytes 0\ngone 0\nfailed 0\ncursor {cursor}\n"
        ),
    )
    .expect("a file");
    let flags = ["--state", file.to_str().expect("UTF-8")];
    let (code, text) = import(&from, &to, &flags);
    assert_eq!(code, Some(0), "{text}");
    target.ask(&["EXISTS", "first"], ":0\r\n");
    target.ask(&["SELECT", "2"], "+OK\r\n");
    let copied: usize = target.first_line(&["DBSIZE"])[1..]
        .parse()
        .expect("a number");
    assert!(
        copied < 1500 && copied + seen >= 1500,
        "{copied} after {seen}"
    );
    // Another run finds nothing left to do; one from elsewhere is refused.
    let (code, text) = import(&from, &to, &flags);
    assert_eq!(code, Some(0));
    assert!(text.contains("nothing is left to do"), "{text}");
    let (code, text) = import(&to, &from, &flags);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("the state of an import from redis://"),
        "{text}"
    );
    std::fs::remove_file(file).expect("it is there");
}

/// A source that is lost after its first key: answers whatever it receives with what comes next.
fn short_lived_source() -> u16 {
    const REPLIES: [&str; 6] = [
        "+PONG\r\n",
        "-ERR unknown command\r\n",
        "$26\r\n# Keyspace\r\ndb0:keys=9,x=1\r\n",
        "+OK\r\n",
        "*2\r\n$2\r\n77\r\n*1\r\n$1\r\na\r\n",
        ":50000\r\n$13\r\n",
    ];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut payload = b"\x00\x01v".to_vec();
        larder::rdb::payload::seal(&mut payload, 10);
        payload.extend_from_slice(b"\r\n");
        for reply in REPLIES {
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream.write_all(reply.as_bytes()).expect("it is read");
        }
        stream.write_all(&payload).expect("it is read");
        let _ = stream.read(&mut [0; 4096]);
    });
    port
}

#[test]
fn a_lost_connection_leaves_a_state_to_go_on_from() {
    let to = Server::start(&[]);
    let file = state_file("lost");
    let (code, _, text) = run(&[
        "import",
        &format!("redis://127.0.0.1:{}", short_lived_source()),
        "--to",
        &format!("redis://127.0.0.1:{}", to.port()),
        "--state",
        file.to_str().expect("UTF-8"),
    ]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("closed the connection; the same command goes on"),
        "{text}"
    );
    let state = std::fs::read_to_string(&file).expect("a state");
    assert!(
        state.contains("\ndatabase 0\ncopied 1\n") && state.contains("\ncursor 77\n"),
        "{state}"
    );
    let mut target = to.client();
    target.ask(&["GET", "a"], "$1\r\nv\r\n");
    // A source that tells times to live only.
    let left: i64 = target.first_line(&["PTTL", "a"])[1..]
        .parse()
        .expect("a number");
    assert!((1..=50_000).contains(&left), "{left}");
    std::fs::remove_file(file).expect("it is there");
}

#[test]
fn keys_that_fail_are_told_and_counted() {
    let (from, to) = (
        Server::start(&[]),
        Server::start(&[("maxmemory", "1kb"), ("maxmemory-policy", "noeviction")]),
    );
    fill(&mut from.client(), 10);
    let (code, text) = import(&from, &to, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(
        text.matches("OOM command not allowed").count(),
        10,
        "{text}"
    );
    assert!(
        text.contains("further keys that fail are only counted"),
        "{text}"
    );
    assert!(
        text.contains("0 keys copied") && text.contains("30 failed"),
        "{text}"
    );
}

#[test]
fn mistakes_are_one_line() {
    for (arguments, part) in [
        (&["import"][..], "from where"),
        (&["import", "localhost"], "it is redis://"),
        (&["import", "redis://127.0.0.1:1"], "redis://127.0.0.1:1: "),
        (&["import", "rediss://127.0.0.1:1"], "TLS"),
        (
            &["import", "redis://h", "--to", "redis://h/1"],
            "makes sense only",
        ),
    ] {
        let (status, out, err) = run(arguments);
        assert_eq!(status, Some(1), "{err}");
        assert!(out.is_empty() && err.contains(part), "{err}");
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}
