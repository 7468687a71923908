//! What clients may send: pipelines, halves, junk. The server answers, closes where the protocol is broken, and serves others.

mod support;

use std::time::Duration;

use support::Server;

#[test]
fn requests_come_in_any_cut() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for byte in b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n" {
        client.send([*byte]);
    }
    client.expect("$5\r\nhello\r\n");
    client.ask_raw("PING\r\n", "+PONG\r\n");
    client.ask_raw("PING \"a b\"\r\n", "$3\r\na b\r\n");
}

#[test]
fn pipelines_of_any_depth_are_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let requests: String = (0..5000)
        .map(|n| format!("*2\r\n$4\r\nECHO\r\n$4\r\n{n:04}\r\n"))
        .collect();
    let replies: String = (0..5000).map(|n| format!("$4\r\n{n:04}\r\n")).collect();
    client.ask_raw(requests, replies);
}

#[test]
fn a_broken_protocol_is_answered_and_closed() {
    let server = Server::start(&[]);
    for (bytes, error) in [
        (
            "*1\r\nPING\r\n",
            "-ERR Protocol error: expected '$', got 'P'\r\n",
        ),
        (
            "*1\r\n$-5\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            "*1\r\n$10000000000\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            "*2147483648\r\n",
            "-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            "PING \"half\r\n",
            "-ERR Protocol error: unbalanced quotes in request\r\n",
        ),
    ] {
        let mut client = server.client();
        client.send(format!("PING\r\n{bytes}"));
        client.expect("+PONG\r\n");
        client.expect(error);
        client.expect_closed();
    }
}

#[test]
fn half_requests_do_not_disturb_others() {
    let server = Server::start(&[]);
    let halves: Vec<_> = (0..100)
        .map(|n| {
            let mut client = server.client();
            client.send(&"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nxyz"[..1 + n % 34]);
            client
        })
        .collect();
    let mut client = server.client();
    client.ask(&["PING"], "+PONG\r\n");
    drop(halves);
    client.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn junk_never_ends_the_server() {
    let server = Server::start(&[]);
    let mut state = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..50 {
        let junk: Vec<u8> = (0..2000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        let mut client = server.client();
        // The server may close before it has taken everything.
        let _ = client.try_send(junk);
    }
    let mut deep = server.client();
    let _ = deep.try_send("*1\r\n".repeat(20_000));
    server.client().ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_line_without_end_is_cut_off() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let _ = client.try_send("x".repeat(70_000));
    client.expect("-ERR Protocol error: too big inline request\r\n");
    client.expect_closed();
}

#[test]
fn a_half_closed_connection_gets_its_answers() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send("PING\r\nPING\r\n");
    client.finish();
    client.expect("+PONG\r\n+PONG\r\n");
    client.expect_closed();
}

#[test]
fn the_query_buffer_has_a_limit() {
    let server = Server::start(&[("client-query-buffer-limit", "1mb")]);
    let mut client = server.client();
    let argument = format!("$30000\r\n{}\r\n", "x".repeat(30_000));
    let _ = client.try_send(format!("*100\r\n$4\r\nMSET\r\n{}", argument.repeat(60)));
    client.expect_closed();
    let totals = server.inside().stats.totals();
    assert_eq!(totals.query_buffer_disconnections, 1);
    server.client().ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_client_that_does_not_read_costs_no_more_than_a_batch() {
    let server = Server::start(&[]);
    let mut setter = server.client();
    let value = "v".repeat(1 << 20);
    setter.ask(&["SET", "big", &value], "+OK\r\n");
    let before = larder::memory::used();
    let mut greedy = server.client();
    greedy.send("GET big\r\n".repeat(400));
    setter.ask(&["PING"], "+PONG\r\n");
    std::thread::sleep(Duration::from_millis(200));
    let grown = larder::memory::used().saturating_sub(before);
    assert!(
        grown < 16 << 20,
        "400 MB were asked for and {grown} bytes are held"
    );
    // It gets everything once it reads.
    for _ in 0..400 {
        greedy.expect("$1048576\r\n");
        assert_eq!(greedy.take((1 << 20) + 2).len(), (1 << 20) + 2);
    }
}

#[test]
fn a_browser_is_hung_up_on() {
    let server = Server::start(&[]);
    for request in [
        "POST / HTTP/1.1\r\nSET k v\r\n",
        "GET\r\nHost: example.org\r\nSET k v\r\n",
    ] {
        let mut client = server.client();
        client.send(request);
        assert!(!String::from_utf8_lossy(&client.rest()).contains("OK"));
    }
    server.client().ask(&["EXISTS", "k"], ":0\r\n");
}
