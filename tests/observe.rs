//! What operators watch a server by: SLOWLOG, COMMANDLOG, MONITOR, LATENCY.

mod support;

use support::{Client, Server};

/// A server that logs everything, and a client called `tester`.
fn everything_is_slow() -> (Server, Client) {
    let server = Server::start(&[("slowlog-log-slower-than", "0")]);
    let mut client = server.client();
    client.ask(&["client", "setname", "tester"], "+OK\r\n");
    client.ask(&["slowlog", "reset"], "+OK\r\n");
    (server, client)
}

/// An integer that is the next reply or the next element of one.
#[track_caller]
fn int(client: &mut Client) -> i64 {
    let line = client.line();
    let digits = line.strip_prefix(':').unwrap_or_else(|| panic!("{line:?}"));
    digits.parse().unwrap()
}

#[track_caller]
fn bulk(client: &mut Client) -> String {
    let line = client.line();
    let len = line.strip_prefix('$').unwrap_or_else(|| panic!("{line:?}"));
    let bytes = client.take(len.parse::<usize>().unwrap() + 2);
    String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned()
}

#[track_caller]
fn array(client: &mut Client) -> usize {
    let line = client.line();
    let len = line.strip_prefix('*').unwrap_or_else(|| panic!("{line:?}"));
    len.parse().unwrap()
}

/// An entry of a log.
struct Entry {
    id: i64,
    value: i64,
    request: String,
    addr: String,
    name: String,
}

fn entries(client: &mut Client, request: &[&str]) -> Vec<Entry> {
    client.request(request);
    let count = array(client);
    let entry = |_| {
        assert_eq!(array(client), 6);
        let (id, time, value) = (int(client), int(client), int(client));
        assert!(time > 1_600_000_000, "a Unix time: {time}");
        let args = array(client);
        let words: Vec<String> = (0..args).map(|_| bulk(client)).collect();
        Entry {
            id,
            value,
            request: words.join(" "),
            addr: bulk(client),
            name: bulk(client),
        }
    };
    (0..count).map(entry).collect()
}

fn requests(client: &mut Client, request: &[&str]) -> Vec<String> {
    let all = entries(client, request);
    all.into_iter().map(|entry| entry.request).collect()
}

#[test]
fn the_slow_log_keeps_the_newest() {
    let (server, mut client) = everything_is_slow();
    client.ask(&["set", "k", "v"], "+OK\r\n");
    client.ask(&["get", "k"], "$1\r\nv\r\n");
    let all = entries(&mut client, &["slowlog", "get"]);
    let seen: Vec<&str> = all.iter().map(|entry| &*entry.request).collect();
    assert_eq!(seen, ["get k", "set k v", "slowlog reset"]);
    let addr = client.socket().local_addr().unwrap().to_string();
    for entry in &all {
        assert_eq!((&*entry.addr, &*entry.name), (&*addr, "tester"));
        assert!((0..1_000_000).contains(&entry.value));
    }
    assert!(all.windows(2).all(|pair| pair[0].id == pair[1].id + 1));
    client.ask(&["config", "set", "slowlog-max-len", "2"], "+OK\r\n");
    client.ask(&["slowlog", "len"], ":2\r\n");
    assert_eq!(
        requests(&mut client, &["slowlog", "get", "1"]),
        ["slowlog len"]
    );
    assert_eq!(requests(&mut client, &["slowlog", "get", "-1"]).len(), 2);
    client.ask(&["slowlog", "get", "0"], "*0\r\n");
    client.ask(
        &["slowlog", "get", "-2"],
        "-ERR count should be greater than or equal to -1\r\n",
    );
    client.ask(
        &["config", "set", "commandlog-execution-slower-than", "-1"],
        "+OK\r\n",
    );
    client.ask(&["slowlog", "reset"], "+OK\r\n");
    client.ask(&["slowlog", "len"], ":0\r\n");
    drop(server);
}

#[test]
fn secrets_are_not_logged() {
    let (_server, mut client) = everything_is_slow();
    for request in [
        &["auth", "sesame"][..],
        &["auth", "ann", "sesame"],
        &["hello", "2", "auth", "ann", "sesame", "setname", "x"],
        &["config", "set", "requirepass", "", "slowlog-max-len", "100"],
        &[
            "migrate",
            "127.0.0.1",
            "1",
            "nokey",
            "0",
            "1",
            "AUTH2",
            "ann",
            "sesame",
        ],
    ] {
        client.first_line(request);
    }
    assert_eq!(
        requests(&mut client, &["slowlog", "get"])[..5],
        [
            "migrate 127.0.0.1 1 nokey 0 1 AUTH2 (redacted) (redacted)",
            "config set requirepass (redacted) slowlog-max-len 100",
            "hello 2 auth (redacted) (redacted) setname x",
            "auth (redacted) (redacted)",
            "auth (redacted)",
        ]
    );
}

#[test]
fn what_transactions_scripts_and_waiting_clients_execute_is_logged() {
    let (server, mut client) = everything_is_slow();
    client.ask(&["multi"], "+OK\r\n");
    client.ask(&["incr", "n"], "+QUEUED\r\n");
    client.ask(&["exec"], "*1\r\n:1\r\n");
    client.ask(
        &["eval", "return redis.call('incr', KEYS[1])", "1", "n"],
        ":2\r\n",
    );
    let mut waiting = server.client();
    waiting.request(&["blpop", "list", "0"]);
    while server
        .inside()
        .clients
        .count(|client| client.waiting().is_some())
        == 0
    {
        std::thread::yield_now();
    }
    client.ask(&["rpush", "list", "x"], ":1\r\n");
    waiting.expect("*2\r\n$4\r\nlist\r\n$1\r\nx\r\n");
    let mut seen = requests(&mut client, &["slowlog", "get"]);
    seen.reverse();
    seen[4..].sort();
    assert_eq!(
        seen,
        [
            "slowlog reset",
            "multi",
            "incr n",
            "incr n",
            "blpop list 0",
            "eval return redis.call('incr', KEYS[1]) 1 n",
            "rpush list x",
        ]
    );
}

#[test]
fn who_has_waited_in_vain_is_logged() {
    let (server, mut client) = everything_is_slow();
    let reply = ["commandlog-reply-larger-than", "0"];
    client.ask(&[&["config", "set"], &reply[..]].concat(), "+OK\r\n");
    client.ask(&["commandlog", "reset", "large-reply"], "+OK\r\n");
    client.ask(&["slowlog", "reset"], "+OK\r\n");
    client.ask(&["blpop", "list", "0.001"], "*-1\r\n");
    let mut waiting = server.client();
    waiting.request(&["brpop", "list", "0"]);
    let waiter = loop {
        let all = server.inside().clients.all();
        if let Some(waiter) = all.iter().find(|client| client.waiting().is_some()) {
            break waiter.id.to_string();
        }
        std::thread::yield_now();
    };
    let stats = client.bulk(&["info", "commandstats"]);
    assert!(!stats.contains("_brpop:"), "it is counted when it is over");
    client.ask(&["client", "unblock", &waiter], ":1\r\n");
    waiting.expect("*-1\r\n");
    let stats = client.bulk(&["info", "commandstats"]);
    for name in ["blpop", "brpop"] {
        let line = stats
            .lines()
            .find(|line| line.contains(&format!("_{name}:")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {stats}"));
        assert!(
            line.contains(":calls=1,") && line.ends_with("rejected_calls=0,failed_calls=0"),
            "{line}"
        );
    }
    let seen = requests(&mut client, &["slowlog", "get"]);
    for request in ["blpop list 0.001", "brpop list 0"] {
        let count = seen.iter().filter(|seen| *seen == request).count();
        assert_eq!(count, 1, "{request} in {seen:?}");
    }
    let replies = entries(&mut client, &["commandlog", "get", "-1", "large-reply"]);
    let blpop = replies
        .iter()
        .find(|entry| entry.request.starts_with("blpop"));
    assert_eq!(blpop.map(|entry| entry.value), Some(5));
}

#[test]
fn large_requests_and_replies_are_logged() {
    let server = Server::start(&[
        ("commandlog-request-larger-than", "1000"),
        ("commandlog-reply-larger-than", "500"),
        ("slowlog-log-slower-than", "-1"),
    ]);
    let mut client = server.client();
    let value = "x".repeat(980);
    // With the headers and the other arguments 28 bytes more.
    client.ask(&["set", "k", &value], "+OK\r\n");
    client.ask(&["set", "k", &value[..960]], "+OK\r\n");
    client.ask(
        &["getrange", "k", "0", "499"],
        format!("$500\r\n{}\r\n", &value[..500]),
    );
    client.ask(
        &["getrange", "k", "0", "400"],
        format!("$401\r\n{}\r\n", &value[..401]),
    );
    let large = entries(&mut client, &["commandlog", "get", "-1", "large-request"]);
    assert_eq!((large.len(), large[0].value), (1, 1008));
    let note = format!("set k {}... (852 more bytes)", &value[..128]);
    assert_eq!(large[0].request, note);
    let large = entries(&mut client, &["commandlog", "get", "-1", "large-reply"]);
    assert_eq!((large.len(), large[0].value), (1, 508));
    assert_eq!(large[0].request, "getrange k 0 499");
    client.ask(&["commandlog", "len", "large-request"], ":1\r\n");
    client.ask(&["commandlog", "reset", "LARGE-REQUEST"], "+OK\r\n");
    client.ask(&["commandlog", "len", "large-request"], ":0\r\n");
    client.ask(&["commandlog", "len", "slow"], ":0\r\n");
    client.ask(
        &["commandlog", "len", "huge"],
        "-ERR type should be one of the following: slow, large-request, large-reply\r\n",
    );
}

/// A client that monitors.
fn monitor(server: &Server) -> Client {
    let mut monitor = server.client();
    monitor.ask(&["monitor"], "+OK\r\n");
    monitor
}

/// The next line that a monitor is shown, without its time and its ports.
#[track_caller]
fn shown(monitor: &mut Client) -> String {
    let line = monitor.line();
    let (time, rest) = line.split_once(' ').expect("a line has a time");
    let (seconds, micros) = time.split_once('.').expect("a time has two parts");
    assert!(seconds.starts_with('+') && micros.len() == 6, "{line}");
    let (place, request) = rest.split_once("] ").expect("a line has a place");
    match place.rsplit_once(':') {
        Some((host, _)) => format!("{host}] {request}"),
        None => format!("{place}] {request}"),
    }
}

#[test]
fn a_monitor_sees_the_commands_of_every_worker() {
    let server = Server::start(&[("workers", "2")]);
    let mut monitor = monitor(&server);
    for number in 0..4 {
        let mut client = server.client();
        client.ask(&["select", &number.to_string()], "+OK\r\n");
        client.ask(&["set", "a b", "\"\n\u{1}"], "+OK\r\n");
        assert_eq!(
            shown(&mut monitor),
            format!("[{number} 127.0.0.1] \"select\" \"{number}\"")
        );
        assert_eq!(
            shown(&mut monitor),
            format!(r#"[{number} 127.0.0.1] "set" "a b" "\"\n\x01""#)
        );
    }
}

#[test]
fn a_monitor_sees_what_scripts_and_transactions_do_and_no_secrets() {
    let server = Server::start(&[]);
    let mut monitor = monitor(&server);
    let mut client = server.client();
    client.ask(
        &["eval", "return redis.call('incr', KEYS[1])", "1", "n"],
        ":1\r\n",
    );
    client.ask(&["multi"], "+OK\r\n");
    client.ask(&["incr", "n"], "+QUEUED\r\n");
    client.ask(
        &["eval", "return redis.call('get', KEYS[1])", "1", "n"],
        "+QUEUED\r\n",
    );
    client.ask(&["exec"], "*2\r\n:2\r\n$1\r\n2\r\n");
    client.first_line(&["auth", "ann", "sesame"]);
    // Not shown: refused, administrative.
    client.first_line(&["get"]);
    client.bulks(&["config", "get", "port"]);
    client.ask(
        &["lpush", "n", "x"],
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    );
    for expected in [
        r#"[0 127.0.0.1] "eval" "return redis.call('incr', KEYS[1])" "1" "n""#,
        r#"[0 lua] "incr" "n""#,
        r#"[0 127.0.0.1] "multi""#,
        r#"[0 127.0.0.1] "incr" "n""#,
        r#"[0 127.0.0.1] "eval" "return redis.call('get', KEYS[1])" "1" "n""#,
        r#"[0 lua] "get" "n""#,
        r#"[0 127.0.0.1] "exec""#,
        r#"[0 127.0.0.1] "auth" "(redacted)" "(redacted)""#,
        r#"[0 127.0.0.1] "lpush" "n" "x""#,
    ] {
        assert_eq!(shown(&mut monitor), expected);
    }
}

#[test]
fn a_monitor_leaves_the_keys_alone_until_it_is_reset() {
    let server = Server::start(&[]);
    let mut monitor = monitor(&server);
    monitor.ask(
        &["get", "k"],
        "-ERR Replica can't interact with the keyspace\r\n",
    );
    monitor.ask(&["ping"], "+PONG\r\n");
    assert_eq!(shown(&mut monitor), r#"[0 127.0.0.1] "ping""#);
    assert!(monitor.bulk(&["client", "info"]).contains(" flags=O "));
    assert_eq!(shown(&mut monitor), r#"[0 127.0.0.1] "client" "info""#);
    assert!(server.inside().observers.watch.is_monitored());
    monitor.ask(&["reset"], "+RESET\r\n");
    assert!(!server.inside().observers.watch.is_monitored());
    monitor.ask(&["get", "k"], "$-1\r\n");
    monitor.ask(&["multi"], "+OK\r\n");
    monitor.ask(&["monitor"], "+QUEUED\r\n");
    monitor.ask(
        &["exec"],
        "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n",
    );
}

#[test]
fn a_monitor_sees_what_touches_one_key_in_its_order() {
    const EACH: usize = 300;
    let server = Server::start(&[("workers", "3")]);
    let mut monitor = monitor(&server);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut client = server.client();
            scope.spawn(move || {
                let requests = (0..EACH).map(|i| format!("RPUSH list {writer}:{i}\r\n"));
                client.send(requests.collect::<String>());
                (0..EACH).for_each(|_| assert!(client.line().starts_with(':')));
            });
        }
    });
    let pushed = server.client().bulks(&["lrange", "list", "0", "-1"]);
    assert_eq!(pushed.len(), 4 * EACH);
    for element in pushed {
        assert_eq!(
            shown(&mut monitor),
            format!(r#"[0 127.0.0.1] "RPUSH" "list" "{element}""#)
        );
    }
}

#[test]
fn a_monitor_that_does_not_read_is_closed() {
    let server = Server::start(&[("client-output-buffer-limit", "pubsub 100kb 0 0")]);
    let slow = monitor(&server);
    let mut client = server.client();
    let value = "x".repeat(10_000);
    // The system's buffers take some megabytes first.
    for _ in 0..100_000 {
        client.ask(&["echo", &value], format!("$10000\r\n{value}\r\n"));
        if !server.inside().observers.watch.is_monitored() {
            drop(slow);
            return;
        }
    }
    panic!("the monitor is still there");
}

#[test]
fn slow_events_are_remembered() {
    // Far above what a busy machine may add to any other command.
    let server = Server::start(&[
        ("latency-monitor-threshold", "300"),
        ("enable-debug-command", "yes"),
    ]);
    let mut client = server.client();
    client.ask(&["latency", "latest"], "*0\r\n");
    client.ask(&["latency", "history", "command"], "*0\r\n");
    client.ask(
        &["latency", "graph", "command"],
        "-ERR No samples available for event 'command'\r\n",
    );
    client.ask(&["debug", "sleep", "0.35"], "+OK\r\n");
    client.request(&["latency", "latest"]);
    assert_eq!((array(&mut client), array(&mut client)), (1, 6));
    assert_eq!(bulk(&mut client), "command");
    let (time, last, longest) = (int(&mut client), int(&mut client), int(&mut client));
    // The clock that commands are measured by is right to a thousandth or so.
    assert!(time > 1_600_000_000 && last >= 340 && longest == last);
    assert_eq!((int(&mut client), int(&mut client)), (last, 1));
    client.request(&["latency", "history", "command"]);
    assert_eq!((array(&mut client), array(&mut client)), (1, 2));
    assert_eq!((int(&mut client), int(&mut client)), (time, last));
    let graph = client.bulk(&["latency", "graph", "command"]);
    assert!(
        graph.starts_with(&format!("command - high {last} ms, low {last} ms")),
        "{graph}"
    );
    let report = client.bulk(&["latency", "doctor"]);
    assert!(
        report.contains("1. command: 1 latency spikes (average"),
        "{report}"
    );
    client.ask(&["latency", "reset", "fast-command", "nothing"], ":0\r\n");
    client.ask(&["latency", "reset"], ":1\r\n");
    let report = client.bulk(&["latency", "doctor"]);
    assert!(report.contains("not in the slightest bit"), "{report}");
    client.ask(
        &["config", "set", "latency-monitor-threshold", "0"],
        "+OK\r\n",
    );
    client.ask(&["debug", "sleep", "0.01"], "+OK\r\n");
    client.ask(&["latency", "latest"], "*0\r\n");
    assert!(client.bulk(&["latency", "doctor"]).contains("is disabled"));
}

#[test]
fn histograms_are_kept_while_latency_tracking_is_on() {
    let server = Server::start(&[("latency-tracking", "no")]);
    let mut client = server.client();
    let calls = |client: &mut Client| {
        client.request(&["latency", "histogram", "set"]);
        if array(client) == 0 {
            return 0;
        }
        assert_eq!((bulk(client), array(client)), ("set".into(), 4));
        assert_eq!(bulk(client), "calls");
        let calls = int(client);
        bulk(client);
        for _ in 0..array(client) {
            int(client);
        }
        calls
    };
    client.ask(&["set", "k", "v"], "+OK\r\n");
    assert_eq!(calls(&mut client), 0);
    client.ask(&["config", "set", "latency-tracking", "yes"], "+OK\r\n");
    client.ask(&["set", "k", "v"], "+OK\r\n");
    assert_eq!(calls(&mut client), 1);
    let percentiles = [
        "config",
        "set",
        "latency-tracking-info-percentiles",
        "25 99.5",
    ];
    client.ask(&percentiles, "+OK\r\n");
    let text = client.bulk(&["info", "latencystats"]);
    assert!(text.contains("latency_percentiles_usec_set:p25="), "{text}");
    assert!(text.contains(",p99.5="), "{text}");
    client.ask(&["config", "set", "latency-tracking", "no"], "+OK\r\n");
    client.ask(&["set", "k", "v"], "+OK\r\n");
    assert_eq!(calls(&mut client), 1, "what was kept stays");
    assert!(!client.bulk(&["info", "latencystats"]).contains("usec_set"));
}

#[test]
fn histograms_of_commands_count_their_calls() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["config", "resetstat"], "+OK\r\n");
    for _ in 0..3 {
        client.ask(&["set", "k", "v"], "+OK\r\n");
    }
    client.request(&["latency", "histogram", "set", "nosuch", "get"]);
    assert_eq!(array(&mut client), 2);
    assert_eq!(bulk(&mut client), "set");
    assert_eq!((array(&mut client), bulk(&mut client)), (4, "calls".into()));
    assert_eq!(
        (int(&mut client), bulk(&mut client)),
        (3, "histogram_usec".into())
    );
    let figures: Vec<i64> = (0..array(&mut client)).map(|_| int(&mut client)).collect();
    let pairs: Vec<(i64, i64)> = figures.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    assert!(pairs.is_sorted(), "{pairs:?}");
    assert_eq!(pairs.last().map(|(_, count)| *count), Some(3));
    assert!(pairs.iter().all(|(_, count)| (1..=3).contains(count)));
    // A container stands for its subcommands.
    client.request(&["latency", "histogram", "config"]);
    assert_eq!(
        (array(&mut client), bulk(&mut client)),
        (2, "config|resetstat".into())
    );
}
