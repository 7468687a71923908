//! Who is let in, for how long, and how the server ends.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use larder::clock::Clock;
use support::{Child, Client, Server, free_port};

#[test]
fn maxclients_is_enforced_and_counted() {
    let server = Server::start(&[("maxclients", "3")]);
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut clients {
        client.ask(&["PING"], "+PONG\r\n");
    }
    let mut refused = server.client();
    refused.expect("-ERR max number of clients reached\r\n");
    refused.expect_closed();
    assert_eq!(server.inside().stats.totals().rejected_connections, 1);
    clients.pop();
    wait_until("a place is free", || {
        server.inside().clients.connected() == 2
    });
    server.client().ask(&["PING"], "+PONG\r\n");
}

#[test]
fn connections_are_spread_over_the_workers() {
    let server = Server::start(&[("workers", "4")]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for client in &mut clients {
        client.ask(&["PING"], "+PONG\r\n");
    }
    let all = server.inside().clients.all();
    for worker in 0..4 {
        assert_eq!(
            all.iter()
                .filter(|client| client.origin.worker == worker)
                .count(),
            2
        );
    }
}

#[test]
fn idle_clients_are_disconnected_after_the_timeout() {
    let server = Server::start(&[("timeout", "1")]);
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    let start = Instant::now();
    client.expect_closed();
    assert!(start.elapsed() >= Duration::from_millis(900));
}

#[test]
fn a_unix_socket_serves_and_is_removed() {
    let path = std::env::temp_dir().join(format!("larder-test-{}.sock", std::process::id()));
    let name = path.to_str().unwrap();
    let server = Server::start(&[("unixsocket", name), ("unixsocketperm", "700")]);
    let mut client = Client::over(UnixStream::connect(&path).unwrap());
    client.ask_raw("PING\r\n", "+PONG\r\n");
    let listed = server.inside().clients.all();
    assert_eq!(&*listed[0].origin.addr, format!("{name}:0"));
    drop(client);
    server.stop();
    assert!(!path.exists());
}

#[test]
fn the_output_limit_of_subscribers_closes_them() {
    let server = Server::start(&[("client-output-buffer-limit", "pubsub 1mb 0 0")]);
    let mut subscriber = server.client();
    subscriber.ask(
        &["SUBSCRIBE", "news"],
        "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    );
    let mut publisher = server.client();
    let message = "m".repeat(100_000);
    let gone = |line: &str| line == ":0";
    let closed = (0..300).any(|_| gone(&publisher.first_line(&["PUBLISH", "news", &message])));
    assert!(
        closed,
        "30 MB were published to a subscriber that may leave 1 MB unread"
    );
    assert_eq!(
        server.inside().stats.totals().output_buffer_disconnections,
        1
    );
}

#[test]
fn a_killed_client_is_closed_though_it_is_idle() {
    let server = Server::start(&[]);
    let mut victim = server.client();
    victim.ask(&["PING"], "+PONG\r\n");
    let inside = server.inside();
    let client = &inside.clients.all()[0];
    assert!(inside.clients.kill(client, &inside.mailboxes));
    victim.expect_closed();
    wait_until("it is forgotten", || inside.clients.connected() == 0);
}

#[test]
fn listeners_follow_the_settings() {
    let server = Server::start(&[]);
    let mut old = server.client();
    let port = free_port();
    old.ask(&["PING"], "+PONG\r\n");
    let settings = &server.inside().settings;
    settings
        .set(&[(b"port", port.to_string().as_bytes())], true)
        .unwrap();
    let mut new = Client::connect(([127, 0, 0, 1], port).into());
    new.ask(&["PING"], "+PONG\r\n");
    assert!(
        TcpStream::connect(server.address()).is_err(),
        "the old port is closed"
    );
    old.ask(&["PING"], "+PONG\r\n");

    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let error = settings
        .set(&[(b"port", taken.as_bytes())], true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("Unable to listen on this port"), "{error}");
    assert_eq!(settings.port(), port);
    Client::connect(([127, 0, 0, 1], port).into()).ask(&["PING"], "+PONG\r\n");
}

#[test]
fn stopping_flushes_and_frees_the_port() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(2));
    client.expect_closed();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn many_servers_live_in_one_process() {
    let servers: Vec<Server> = (0..4).map(|_| Server::start(&[("workers", "1")])).collect();
    for server in &servers {
        server.client().ask(&["PING"], "+PONG\r\n");
    }
}

#[test]
fn a_start_that_fails_says_why() {
    let server = Server::start(&[]);
    let port = server.port().to_string();
    let fails = |parameters: &[(&str, &str)]| match Server::try_start(Clock::System, parameters) {
        Ok(_) => panic!("it starts"),
        Err(why) => why.to_string(),
    };
    assert!(fails(&[("port", &port)]).contains("in use already"));
    assert_eq!(
        fails(&[("tls-port", "1")]),
        "TLS: tls-port is set but tls-cert-file is not"
    );
    assert!(fails(&[("bind", "")]).contains("nothing to listen on"));
}

#[test]
fn the_program_ends_in_time_whatever_its_clients_do() {
    let mut child = Child::start(&[]);
    let mut busy = child.client();
    busy.ask(&["SET", "k", &"v".repeat(1 << 20)], "+OK\r\n");
    busy.send("GET k\r\n".repeat(300));
    let mut half = child.client();
    half.send("*3\r\n$3\r\nSET");
    let idle = child.client();
    let start = Instant::now();
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(50),
        "it took {:?}",
        start.elapsed()
    );
    drop((busy, half, idle));
}

#[test]
fn the_program_says_in_one_line_why_it_does_not_start() {
    let holder = Server::start(&[]);
    let (status, _, errors) = Child::run(&["--port", &holder.port().to_string()]);
    assert_eq!(status.code(), Some(1));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("in use already"), "{errors}");
}

#[test]
fn running_out_of_descriptors_sheds_connections_and_recovers() {
    let mut child = Child::start(&["--workers", "1"]);
    let pid = child.id().to_string();
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &pid, "--nofile=24:24"])
        .status();
    if !limited.is_ok_and(|status| status.success()) {
        eprintln!("skipped: prlimit is not there");
        return;
    }
    let mut clients: Vec<TcpStream> = (0..60)
        .map(|_| TcpStream::connect(child.address()).unwrap())
        .collect();
    let served = clients
        .iter_mut()
        .filter_map(|client| answers(client).ok())
        .count();
    assert!(
        (1..24).contains(&served),
        "{served} clients were served with 24 descriptors"
    );
    drop(clients);
    // Connections that were shed meanwhile may be reset before they are even made.
    wait_until("it accepts clients again", || {
        TcpStream::connect(child.address())
            .and_then(|mut client| answers(&mut client))
            .is_ok()
    });
    child.signal("TERM");
    assert_eq!(child.wait().code(), Some(0));
}

/// Whether a client gets an answer.
fn answers(client: &mut TcpStream) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    client.write_all(b"PING\r\n")?;
    client.read_exact(&mut [0; 7])
}

#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_suspended_connection_waits_and_the_others_do_not() {
    let server = Server::start(&[("workers", "1")]);
    let mut operator = server.client();
    let mut writer = server.client();
    let mut reader = server.client();
    operator.ask(&["CLIENT", "PAUSE", "60000", "WRITE"], "+OK\r\n");
    // What came before the request that waits is answered at once.
    writer.send("PING\r\nSET k v\r\nGET k\r\n");
    writer.expect("+PONG\r\n");
    reader.ask(&["GET", "k"], "$-1\r\n");
    let impatient = {
        let mut client = server.client();
        client.send("SET k w\r\n");
        client
    };
    wait_until("everybody is there", || {
        server.inside().clients.connected() == 4
    });
    drop(impatient);
    wait_until("the end of a waiting connection is noticed", || {
        server.inside().clients.connected() == 3
    });
    operator.ask(&["CLIENT", "UNPAUSE"], "+OK\r\n");
    writer.expect("+OK\r\n$1\r\nv\r\n");
}

#[test]
fn a_pause_ends_by_itself_and_does_not_hold_up_the_end() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let start = Instant::now();
    client.ask(&["CLIENT", "PAUSE", "150", "ALL"], "+OK\r\n");
    client.ask(&["GET", "k"], "$-1\r\n");
    assert!(start.elapsed() >= Duration::from_millis(150));
    client.ask(&["CLIENT", "PAUSE", "60000", "ALL"], "+OK\r\n");
    client.send("GET k\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(2));
    client.expect_closed();
}
