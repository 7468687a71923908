//! Publish and subscribe over real sockets: both protocols byte for byte, the order of messages, a real client.

mod support;

use std::time::Duration;

use support::{Client, Server};

/// A reply of bulks and integers, as RESP2 writes an array and RESP3 a push.
fn parts(head: char, parts: &[&str]) -> String {
    let mut text = format!("{head}{}\r\n", parts.len());
    for part in parts {
        match part.strip_prefix(':') {
            Some(number) => text += &format!(":{number}\r\n"),
            None => text += &format!("${}\r\n{part}\r\n", part.len()),
        }
    }
    text
}

/// Sends a line and gives the parts of the array or push that comes next.
fn array(client: &mut Client, line: &str) -> Vec<String> {
    client.send(format!("{line}\r\n"));
    let parts: usize = client.line()[1..].parse().unwrap();
    let part = |_| match client.line() {
        number if number.starts_with(':') => number[1..].to_owned(),
        _ => client.line(),
    };
    (0..parts).map(part).collect()
}

/// Switches the protocol and leaves the greeting unread behind.
fn greet(client: &mut Client, protocol: &str) {
    client.request(&["HELLO", protocol]);
    while client.line() != "$7" || client.line() != "modules" {}
    client.expect("*0\r\n");
}

#[test]
fn resp2_subscribers_get_arrays_and_may_do_little_else() {
    let server = Server::start(&[]);
    let (mut reader, mut writer) = (server.client(), server.client());
    let array = |texts: &[&str]| parts('*', texts);
    let refused = |command: &str| {
        format!(
            "-ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
             this context\r\n"
        )
    };
    let joined = [
        ["subscribe", "x", ":1"],
        ["subscribe", "y", ":2"],
        ["subscribe", "x", ":2"],
    ];
    reader.talk(&[
        (
            "SUBSCRIBE",
            "-ERR wrong number of arguments for 'subscribe' command\r\n",
        ),
        ("SUBSCRIBE x y x", &joined.map(|part| array(&part)).concat()),
        ("PING", &array(&["pong", ""])),
        ("PING hi", &array(&["pong", "hi"])),
        ("GET foo", &refused("get")),
        ("CLIENT ID", &refused("client|id")),
        ("HELLO 3", &refused("hello")),
        (
            "NOSUCH",
            "-ERR unknown command 'NOSUCH', with args beginning with: \r\n",
        ),
    ]);
    writer.talk(&[
        ("PUBLISH x hi", ":1\r\n"),
        ("PUBLISH z hi", ":0\r\n"),
        ("SPUBLISH x hi", ":0\r\n"),
    ]);
    reader.expect(array(&["message", "x", "hi"]));
    reader.talk(&[("PSUBSCRIBE x*", &array(&["psubscribe", "x*", ":3"]))]);
    writer.talk(&[("PUBLISH x hi", ":2\r\n")]);
    reader.expect(array(&["message", "x", "hi"]));
    reader.expect(array(&["pmessage", "x*", "x", "hi"]));
    let left = [["unsubscribe", "x", ":2"], ["unsubscribe", "y", ":1"]]
        .map(|part| array(&part))
        .concat();
    reader.talk(&[
        ("UNSUBSCRIBE", &left),
        ("PUNSUBSCRIBE nope", &array(&["punsubscribe", "nope", ":1"])),
        ("PUNSUBSCRIBE", &array(&["punsubscribe", "x*", ":0"])),
        ("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
        ("PUNSUBSCRIBE", "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n"),
        ("SUNSUBSCRIBE", "*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n:0\r\n"),
        ("UNSUBSCRIBE q", &array(&["unsubscribe", "q", ":0"])),
        ("ECHO free", "$4\r\nfree\r\n"),
    ]);
}

#[test]
fn resp3_subscribers_get_pushes_and_may_do_everything() {
    let server = Server::start(&[]);
    let (mut reader, mut writer) = (server.client(), server.client());
    let push = |texts: &[&str]| parts('>', texts);
    greet(&mut reader, "3");
    reader.talk(&[
        ("SUBSCRIBE x", &push(&["subscribe", "x", ":1"])),
        ("ECHO free", "$4\r\nfree\r\n"),
        ("PING", "+PONG\r\n"),
        ("SSUBSCRIBE x", &push(&["ssubscribe", "x", ":1"])),
        // Its own message comes after the reply.
        (
            "PUBLISH x self",
            &format!(":1\r\n{}", push(&["message", "x", "self"])),
        ),
    ]);
    writer.talk(&[("SPUBLISH x shard", ":1\r\n")]);
    reader.expect(push(&["smessage", "x", "shard"]));
    reader.talk(&[
        ("CLIENT REPLY OFF", ""),
        // Pushes are no replies.
        ("SUBSCRIBE y", &push(&["subscribe", "y", ":2"])),
        ("PING", ""),
    ]);
    writer.talk(&[("PUBLISH y hi", ":1\r\n")]);
    reader.expect(push(&["message", "y", "hi"]));
    reader.talk(&[("CLIENT REPLY ON", "+OK\r\n")]);
    greet(&mut reader, "2");
    writer.talk(&[("PUBLISH y hi", ":1\r\n")]);
    reader.expect(parts('*', &["message", "y", "hi"]));
    reader.talk(&[("RESET", "+RESET\r\n"), ("ECHO free", "$4\r\nfree\r\n")]);
    writer.talk(&[("PUBLISH y hi", ":0\r\n"), ("SPUBLISH x hi", ":0\r\n")]);
}

#[test]
fn pubsub_tells_who_listens() {
    let server = Server::start(&[]);
    let (mut reader, mut other, mut writer) = (server.client(), server.client(), server.client());
    reader.talk(&[
        ("SUBSCRIBE news", &parts('*', &["subscribe", "news", ":1"])),
        (
            "PSUBSCRIBE n* m*",
            &[["psubscribe", "n*", ":2"], ["psubscribe", "m*", ":3"]]
                .map(|p| parts('*', &p))
                .concat(),
        ),
        (
            "SSUBSCRIBE shard",
            &parts('*', &["ssubscribe", "shard", ":1"]),
        ),
    ]);
    other.talk(&[
        ("SUBSCRIBE news", &parts('*', &["subscribe", "news", ":1"])),
        ("PSUBSCRIBE n*", &parts('*', &["psubscribe", "n*", ":2"])),
    ]);
    writer.talk(&[
        ("PUBSUB CHANNELS", &parts('*', &["news"])),
        ("PUBSUB CHANNELS n?ws", &parts('*', &["news"])),
        ("PUBSUB CHANNELS x*", "*0\r\n"),
        (
            "PUBSUB CHANNELS a b",
            "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n",
        ),
        ("PUBSUB NUMSUB", "*0\r\n"),
        ("PUBSUB NUMSUB news old", &parts('*', &["news", ":2", "old", ":0"])),
        ("PUBSUB NUMPAT", ":2\r\n"),
        ("PUBSUB SHARDCHANNELS", &parts('*', &["shard"])),
        ("PUBSUB SHARDNUMSUB shard news", &parts('*', &["shard", ":1", "news", ":0"])),
        ("PUBSUB nosuch", "-ERR unknown subcommand 'nosuch'. Try PUBSUB HELP.\r\n"),
        ("PUBLISH news x", ":4\r\n"),
    ]);
    drop(reader);
    drop(other);
    while array(&mut writer, "PUBSUB NUMSUB news") != ["news", "0"] {
        std::thread::sleep(Duration::from_millis(1));
    }
    writer.talk(&[
        ("PUBSUB NUMPAT", ":0\r\n"),
        ("PUBSUB SHARDCHANNELS", "*0\r\n"),
    ]);
}

#[test]
fn the_messages_of_one_publisher_keep_their_order() {
    let server = Server::start(&[]);
    let mut readers: Vec<_> = (0..20).map(|_| server.client()).collect();
    for reader in &mut readers {
        reader.talk(&[("SUBSCRIBE x", &parts('*', &["subscribe", "x", ":1"]))]);
    }
    let mut writer = server.client();
    for number in 0..500 {
        writer.send(format!("PUBLISH x {number}\r\n"));
    }
    for _ in 0..500 {
        writer.expect(":20\r\n");
    }
    for reader in &mut readers {
        for number in 0..500 {
            reader.expect(parts('*', &["message", "x", &number.to_string()]));
        }
    }
}

#[test]
fn who_publishes_more_than_can_be_delivered_waits_and_nothing_is_lost() {
    let server = Server::start(&[("client-output-buffer-limit", "pubsub 0 0 0")]);
    let (mut reader, mut writer) = (server.client(), server.client());
    reader.talk(&[("SUBSCRIBE x", &parts('*', &["subscribe", "x", ":1"]))]);
    let large = "x".repeat(1 << 20);
    writer.request(&["SET", "large", &large]);
    writer.expect("+OK\r\n");
    // More than a mailbox may hold before others wait, in one go; the rest comes behind it.
    let script =
        "for i = 1, 40 do redis.call('PUBLISH', 'x', redis.call('GET', KEYS[1])) end return 1";
    writer.request(&["EVAL", script, "1", "large"]);
    for number in 0..100 {
        writer.send(format!("PUBLISH x {number}\r\n"));
    }
    writer.send("EXISTS large\r\n");
    writer.expect(":1\r\n");
    for _ in 0..40 {
        reader.expect(parts('*', &["message", "x", &large]));
    }
    for number in 0..100 {
        reader.expect(parts('*', &["message", "x", &number.to_string()]));
    }
    writer.expect(":1\r\n".repeat(101));
    assert!(!server.inside().mailboxes.are_full());
}

#[test]
fn nothing_comes_after_the_reply_that_ends_a_subscription() {
    let server = Server::start(&[]);
    let (mut reader, mut writer) = (server.client(), server.client());
    for _ in 0..200 {
        reader.talk(&[("SUBSCRIBE x", &parts('*', &["subscribe", "x", ":1"]))]);
        writer.send("PUBLISH x 1\r\n");
        let mut got = array(&mut reader, "UNSUBSCRIBE x");
        if got[0] == "message" {
            got = array(&mut reader, "");
        }
        assert_eq!(got, ["unsubscribe", "x", "0"]);
        reader.talk(&[("ECHO next", "$4\r\nnext\r\n")]);
        let published = writer.line();
        assert!(published == ":0" || published == ":1", "{published}");
    }
    reader.talk(&[("ECHO last", "$4\r\nlast\r\n")]);
}

#[test]
fn the_redis_crate_reads_messages_over_resp2() {
    let server = Server::start(&[]);
    let mut reader = server.connection();
    let mut reader = reader.as_pubsub();
    reader.subscribe("news").unwrap();
    reader.psubscribe("n?ws").unwrap();
    let mut writer = server.connection();
    let receivers: i64 = redis::cmd("PUBLISH")
        .arg("news")
        .arg("hello")
        .query(&mut writer)
        .unwrap();
    assert_eq!(receivers, 2);
    let direct = reader.get_message().unwrap();
    assert!(!direct.from_pattern() && direct.get_payload::<String>().unwrap() == "hello");
    let matched = reader.get_message().unwrap();
    assert_eq!(matched.get_pattern::<String>().unwrap(), "n?ws");
    assert_eq!(matched.get_channel_name(), "news");
    reader.unsubscribe("news").unwrap();
    reader.punsubscribe("n?ws").unwrap();
}

#[tokio::test]
async fn the_redis_crate_reads_pushes_over_resp3() {
    let server = Server::start(&[]);
    let client = redis::Client::open(format!("{}?protocol=resp3", server.url())).unwrap();
    let (sender, mut pushes) = tokio::sync::mpsc::unbounded_channel();
    let config = redis::AsyncConnectionConfig::new().set_push_sender(sender);
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap();
    connection.subscribe("news").await.unwrap();
    assert_eq!(
        pushes.recv().await.unwrap().kind,
        redis::PushKind::Subscribe
    );
    let receivers: i64 = redis::cmd("PUBLISH")
        .arg("news")
        .arg("hello")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(receivers, 1);
    let push = pushes.recv().await.unwrap();
    assert_eq!(push.kind, redis::PushKind::Message);
    let text = |text: &str| redis::Value::BulkString(text.as_bytes().to_vec());
    assert_eq!(push.data, [text("news"), text("hello")]);
}
