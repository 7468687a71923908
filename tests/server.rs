//! The server's commands where a socket, a thread or a second connection matters. What they answer is tested beside them.

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use larder::clock::Clock;
use support::{Child, Server, show};

const DEBUG: (&str, &str) = ("enable-debug-command", "local");

/// Waits until something is true, for ten seconds at the most.
fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_sleeping_connection_sleeps_alone() {
    let server = Server::start(&[DEBUG, ("workers", "1")]);
    let (mut sleeper, mut other) = (server.client(), server.client());
    let started = Instant::now();
    sleeper.request(&["DEBUG", "SLEEP", "0.5"]);
    sleeper.request(&["PING"]);
    other.ask(&["PING"], "+PONG\r\n");
    assert!(
        started.elapsed() < Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
    sleeper.expect("+OK\r\n+PONG\r\n");
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn the_sweeper_removes_what_nobody_asks_for() {
    let (clock, hand) = Clock::manual(1_000_000);
    let server = Server::start_at(clock, &[DEBUG]);
    let mut client = server.client();
    client.ask(&["SET", "stays", "1"], "+OK\r\n");
    client.ask(&["SET", "goes", "1", "PX", "500"], "+OK\r\n");
    hand.store(1_001_000, Ordering::Relaxed);
    assert!(eventually(|| client.first_line(&["DBSIZE"]) == ":1"));
    let stats = client.bulk(&["INFO", "stats"]);
    assert!(stats.contains("\r\nexpired_keys:1\r\n"), "{stats}");

    client.ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"], "+OK\r\n");
    client.ask(&["SET", "goes", "1", "PX", "500"], "+OK\r\n");
    hand.store(1_002_000, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(400));
    client.ask(&["DBSIZE"], ":2\r\n");
    client.ask(&["DEBUG", "PAUSE-CRON", "1"], "+OK\r\n");
    client.ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"], "+OK\r\n");
    std::thread::sleep(Duration::from_millis(400));
    client.ask(&["DBSIZE"], ":2\r\n");
    client.ask(&["DEBUG", "PAUSE-CRON", "0"], "+OK\r\n");
    assert!(eventually(|| client.first_line(&["DBSIZE"]) == ":1"));
}

#[test]
fn rates_are_sampled() {
    let server = Server::start(&[]);
    let mut client = server.client();
    assert!(eventually(|| {
        for _ in 0..20 {
            client.ask(&["PING"], "+PONG\r\n");
        }
        !client
            .bulk(&["INFO", "stats"])
            .contains("\r\ninstantaneous_ops_per_sec:0\r\n")
    }));
    let stats = client.bulk(&["INFO", "stats"]);
    for silent in [
        "total_net_input_bytes:0",
        "total_reads_processed:0",
        "eventloop_cycles:0",
    ] {
        assert!(!stats.contains(&format!("\r\n{silent}\r\n")), "{stats}");
    }
}

#[test]
fn the_redis_crate_reads_info() {
    let server = Server::start(&[]);
    let mut connection = server.connection();
    let info: redis::InfoDict = redis::cmd("INFO")
        .query(&mut connection)
        .expect("INFO is answered");
    assert_eq!(
        info.get::<String>("redis_version").as_deref(),
        Some("7.4.0")
    );
    assert_eq!(info.get::<u64>("connected_clients"), Some(1));
    assert!(
        info.get::<u64>("used_memory")
            .is_some_and(|bytes| bytes > 100_000)
    );
    assert!(info.get::<f64>("used_cpu_user").is_some());
}

#[test]
fn what_scripts_use_is_shown() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["EVAL", "return 1", "0"], ":1\r\n");
    let text = client.bulk(&["INFO", "memory"]);
    for name in [
        "used_memory_lua",
        "used_memory_vm_eval",
        "used_memory_vm_total",
    ] {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let bytes: usize = line.unwrap().parse().unwrap();
        assert!(bytes > 50_000, "{name}: {bytes}");
    }
    client.request(&["MEMORY", "STATS"]);
    let stats = show(&mut client);
    assert!(!stats.contains("lua.caches :0 "), "{stats}");
}

#[test]
fn debug_and_protected_settings_need_leave() {
    let server = Server::start(&[]);
    let mut client = server.client();
    assert!(
        client
            .first_line(&["DEBUG", "SLEEP", "0"])
            .starts_with("-ERR DEBUG command not allowed.")
    );
    let refused = client.first_line(&["CONFIG", "SET", "dir", "/"]);
    assert!(refused.ends_with("can't set protected config"), "{refused}");
    let server = Server::start(&[DEBUG, ("enable-protected-configs", "local")]);
    let mut client = server.client();
    client.ask(&["DEBUG", "SLEEP", "0"], "+OK\r\n");
    let temporary = std::env::temp_dir();
    let directory = temporary
        .to_str()
        .expect("a temporary directory with a plain name");
    let reply = client.first_line(&["CONFIG", "SET", "dir", directory]);
    assert!(!reply.contains("protected"), "{reply}");
}

#[test]
fn shutdown_ends_the_program_without_a_reply() {
    let mut child = Child::start(&[]);
    let mut client = child.client();
    client.ask(&["SHUTDOWN", "ABORT"], "-ERR No shutdown in progress.\r\n");
    client.request(&["SHUTDOWN", "NOSAVE"]);
    client.expect_closed();
    assert!(child.wait().success());
}

#[test]
fn writes_are_refused_while_replicas_are_asked_for() {
    const REFUSED: &str = "-NOREPLICAS Not enough good replicas to write.\r\n";
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("SET key 1", "+OK\r\n"),
        ("CONFIG SET min-replicas-to-write 1", "+OK\r\n"),
        ("SET key 2", REFUSED),
        ("DEL key", REFUSED),
        ("GET key", "$1\r\n1\r\n"),
        ("MULTI", "+OK\r\n"),
        ("SET key 2", REFUSED),
        (
            "EXEC",
            "-EXECABORT Transaction discarded because of previous errors.\r\n",
        ),
    ]);
    for (script, expected) in [
        ("return redis.call('get', 'key')", "$1\r\n1\r\n"),
        ("return redis.pcall('set', 'key', 3)", REFUSED),
    ] {
        client.ask(&["EVAL", script, "0"], expected);
    }
    let declared = "#!lua\nreturn redis.call('get', 'key')";
    client.ask(&["EVAL", declared, "0"], REFUSED);
    client.talk(&[
        ("CONFIG SET min-replicas-max-lag 0", "+OK\r\n"),
        ("SET key 2", "+OK\r\n"),
    ]);
}
