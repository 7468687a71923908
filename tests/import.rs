//! `larder import` between two servers: everything comes along, a run goes on where another ended, failures are told.

mod support;

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

#[test]
fn a_lost_connection_leaves_a_state_to_go_on_from() {
    let (from, to) = (Server::start(&[]), Server::start(&[]));
    fill(&mut from.client(), 10);
    let file = state_file("lost");
    let flags = ["--state", file.to_str().expect("UTF-8")];
    // The target wants a password, of which the import knows only when it begins.
    to.client()
        .ask(&["CONFIG", "SET", "requirepass", "x"], "+OK\r\n");
    let (code, text) = import(&from, &to, &flags);
    assert_eq!(code, Some(1));
    assert!(text.contains("NOAUTH"), "{text}");
    let mut target = to.client();
    target.ask(&["AUTH", "x"], "+OK\r\n");
    target.ask(&["CONFIG", "SET", "requirepass", ""], "+OK\r\n");
    assert_eq!(import(&from, &to, &flags).0, Some(0));
    target.ask(&["DBSIZE"], ":30\r\n");
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
        (&["import"][..], "SOURCE"),
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
