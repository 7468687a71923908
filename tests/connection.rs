//! The `connection` family over real sockets, byte for byte: what clients match on.

mod support;

use std::time::{Duration, Instant};

use support::{Client, Server};

const NO_AUTH: &str = "-NOAUTH Authentication required.\r\n";
const WRONG_PASS: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

fn id_of(client: &mut Client) -> String {
    client.first_line(&["CLIENT", "ID"])[1..].to_owned()
}

/// Whether nothing has come from the server.
fn is_silent(client: &Client) -> bool {
    let socket = client.socket();
    socket.set_nonblocking(true).unwrap();
    let peeked = socket.peek(&mut [0]);
    socket.set_nonblocking(false).unwrap();
    peeked.is_err_and(|why| why.kind() == std::io::ErrorKind::WouldBlock)
}

/// The value of a field of a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let mut fields = line
        .split_whitespace()
        .filter_map(|field| field.split_once('='));
    fields
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value)
}

#[test]
fn ping_echo_select_quit() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("PING", "+PONG\r\n"),
        ("PING hi", "$2\r\nhi\r\n"),
        (
            "PING a b",
            "-ERR wrong number of arguments for 'ping' command\r\n",
        ),
        ("ECHO hi", "$2\r\nhi\r\n"),
        (
            "ECHO",
            "-ERR wrong number of arguments for 'echo' command\r\n",
        ),
        ("SELECT 15", "+OK\r\n"),
        ("SELECT 16", "-ERR DB index is out of range\r\n"),
        ("SELECT -1", "-ERR DB index is out of range\r\n"),
        (
            "SELECT abc",
            "-ERR value is not an integer or out of range\r\n",
        ),
        (
            "SELECT 99999999999",
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n",
        ),
        ("QUIT", "+OK\r\n"),
    ]);
    client.expect_closed();
}

#[test]
fn hello_switches_the_protocol_and_tells_what_the_server_is() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let id = id_of(&mut client);
    let facts = |proto: u8| {
        format!(
            "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$5\r\nproto\r\n:{proto}\r\n$2\r\nid\r\n\
             :{id}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
        )
    };
    client.talk(&[
        ("HELLO", &format!("*14\r\n{}", facts(2))),
        ("HELLO 3", &format!("%7\r\n{}", facts(3))),
        ("CLIENT GETNAME", "_\r\n"),
        (
            "HELLO 3 SETNAME bob AUTH default anything",
            &format!("%7\r\n{}", facts(3)),
        ),
        ("CLIENT GETNAME", "$3\r\nbob\r\n"),
        ("HELLO 2", &format!("*14\r\n{}", facts(2))),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        (
            "HELLO abc",
            "-ERR Protocol version is not an integer or out of range\r\n",
        ),
        (
            "HELLO 3 AUTH x",
            "-ERR Syntax error in HELLO option 'AUTH'\r\n",
        ),
        (
            "HELLO 3 setname",
            "-ERR Syntax error in HELLO option 'setname'\r\n",
        ),
        ("HELLO 3 AUTH nobody x", WRONG_PASS),
        (
            "HELLO 3 AUTH",
            "-ERR Syntax error in HELLO option 'AUTH'\r\n",
        ),
        ("PING", "+PONG\r\n"),
    ]);
}

#[test]
fn without_a_password_auth_says_so() {
    let server = Server::start(&[]);
    server.client().talk(&[
        (
            "AUTH a",
            "-ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?\r\n",
        ),
        ("AUTH default whatever", "+OK\r\n"),
        ("AUTH nobody whatever", WRONG_PASS),
        ("AUTH a b c", "-ERR syntax error\r\n"),
        (
            "AUTH",
            "-ERR wrong number of arguments for 'auth' command\r\n",
        ),
    ]);
}

#[test]
fn a_password_is_asked_for_until_it_is_given() {
    let server = Server::start(&[("requirepass", "sesame")]);
    let hello = "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                 <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                 the same time\r\n";
    let mut client = server.client();
    client.talk(&[
        ("PING", NO_AUTH),
        ("GET x", NO_AUTH),
        ("CLIENT ID", NO_AUTH),
        ("HELLO 3", hello),
        ("AUTH wrong", WRONG_PASS),
        ("AUTH default sesam", WRONG_PASS),
        ("AUTH nobody sesame", WRONG_PASS),
        ("HELLO 3 AUTH default wrong", WRONG_PASS),
        ("AUTH sesame", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
        ("AUTH wrong", WRONG_PASS),
        ("PING", "+PONG\r\n"),
        ("RESET", "+RESET\r\n"),
        ("PING", NO_AUTH),
        ("AUTH default sesame", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
    ]);
    server.client().talk(&[("QUIT", "+OK\r\n")]);
    let greeting = ["HELLO", "3", "AUTH", "default", "sesame"];
    assert_eq!(server.client().first_line(&greeting), "%7");
}

#[test]
fn names_and_library_are_shown() {
    let server = Server::start(&[]);
    let bad = "-ERR Client names cannot contain spaces, newlines or special characters.\r\n";
    let mut client = server.client();
    client.talk(&[
        ("CLIENT GETNAME", "$-1\r\n"),
        ("CLIENT SETNAME worker", "+OK\r\n"),
        ("CLIENT GETNAME", "$6\r\nworker\r\n"),
        (r#"CLIENT SETNAME "a b""#, bad),
        (r#"HELLO 2 SETNAME "a b""#, bad),
        ("CLIENT SETINFO LIB-NAME jedis", "+OK\r\n"),
        ("CLIENT SETINFO lib-ver 1.2", "+OK\r\n"),
        (
            "CLIENT SETINFO lib-foo 1.2",
            "-ERR Unrecognized option 'lib-foo'\r\n",
        ),
        (
            r#"CLIENT SETINFO lib-ver "1 2""#,
            "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("SELECT 3", "+OK\r\n"),
        ("CLIENT NO-TOUCH on", "+OK\r\n"),
        ("CLIENT NO-EVICT on", "+OK\r\n"),
        ("CLIENT NO-EVICT perhaps", "-ERR syntax error\r\n"),
    ]);
    let line = client.bulk(&["CLIENT", "INFO"]);
    for (name, value) in [
        ("name", "worker"),
        ("lib-name", "jedis"),
        ("lib-ver", "1.2"),
        ("db", "3"),
        ("flags", "eT"),
        ("cmd", "client|info"),
        ("user", "default"),
        ("resp", "2"),
        ("multi", "-1"),
    ] {
        assert_eq!(field(&line, name), value, "{name} in {line}");
    }
    assert!(
        field(&line, "laddr").ends_with(&format!(":{}", server.port())),
        "{line}"
    );
    client.talk(&[("RESET", "+RESET\r\n"), ("CLIENT GETNAME", "$-1\r\n")]);
    let line = client.bulk(&["CLIENT", "INFO"]);
    assert_eq!(
        (
            field(&line, "db"),
            field(&line, "flags"),
            field(&line, "lib-name")
        ),
        ("0", "N", "jedis")
    );
    let mut resp3 = server.client();
    resp3.send("HELLO 3\r\nCLIENT INFO\r\n");
    while !resp3.line().starts_with('=') {}
    let line = resp3.line();
    assert!(
        line.starts_with("txt:id=") && field(&line, "resp") == "3",
        "{line}"
    );
}

#[test]
fn list_selects_and_kill_ends() {
    let server = Server::start(&[]);
    let (mut me, mut first, mut second) = (server.client(), server.client(), server.client());
    let (first_id, second_id) = (id_of(&mut first), id_of(&mut second));
    first.talk(&[("CLIENT SETNAME first", "+OK\r\n"), ("SELECT 9", "+OK\r\n")]);
    second.talk(&[("SUBSCRIBE x", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n")]);

    let mut listed = |filter: &str| {
        let words = ["CLIENT", "LIST"]
            .into_iter()
            .chain(filter.split_whitespace());
        let reply = me.bulk(&words.collect::<Vec<_>>());
        reply
            .lines()
            .map(|line| field(line, "id").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("").len(), 3);
    assert_eq!(listed("SKIPME yes"), [&first_id[..], &second_id]);
    assert_eq!(listed("NAME first"), [&first_id[..]]);
    assert_eq!(listed("TYPE pubsub"), [&second_id[..]]);
    assert_eq!(listed("TYPE normal NOT-NAME first SKIPME yes"), [""; 0]);
    assert_eq!(
        listed(&format!("ID {second_id} {first_id}")),
        [&first_id[..], &second_id]
    );
    assert_eq!(
        listed(&format!("NOT-ID {first_id} SKIPME yes")),
        [&second_id[..]]
    );
    assert_eq!(listed("DB 9"), [&first_id[..]]);
    assert_eq!(listed("FLAGS P"), [&second_id[..]]);
    assert_eq!(listed("NOT-IP 127.0.0.1"), [""; 0]);
    assert_eq!(listed("USER default").len(), 3);

    let no_client = "-ERR No such client\r\n";
    me.talk(&[
        ("CLIENT LIST TYPE", "-ERR syntax error\r\n"),
        ("CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n"),
        ("CLIENT LIST ID abc", "-ERR Invalid client ID\r\n"),
        ("CLIENT LIST USER foo", "-ERR No such user 'foo'\r\n"),
        (
            "CLIENT LIST IDLE 0",
            "-ERR idle should be greater than 0\r\n",
        ),
        ("CLIENT KILL 1.2.3.4:5", no_client),
        ("CLIENT KILL ID", no_client),
        (
            "CLIENT KILL ID 0",
            "-ERR client-id should be greater than 0\r\n",
        ),
        ("CLIENT KILL ID 1 2 x", "-ERR syntax error\r\n"),
        (
            "CLIENT KILL MAXAGE x",
            "-ERR maxage is not an integer or out of range\r\n",
        ),
        (
            "CLIENT KILL MAXAGE 0",
            "-ERR maxage should be greater than 0\r\n",
        ),
        ("CLIENT KILL SKIPME x", "-ERR syntax error\r\n"),
        (
            "CLIENT KILL FLAGS Z",
            "-ERR Unknown flags found in the provided filter: Z\r\n",
        ),
        (
            "CLIENT KILL NOT-FLAGS Z",
            "-ERR Unknown flags found in the NOT-FLAGS filter: Z\r\n",
        ),
        (
            "CLIENT KILL CAPA x",
            "-ERR Unknown capa found in the provided filter: x\r\n",
        ),
        (
            "CLIENT KILL DB 16",
            "-ERR DB number should be between 0 and 15\r\n",
        ),
        (
            "CLIENT KILL NOT-DB x",
            "-ERR NOT-DB is not an integer or out of range\r\n",
        ),
        ("CLIENT KILL ID 99999", ":0\r\n"),
        ("CLIENT KILL TYPE pubsub", ":1\r\n"),
        ("CLIENT KILL TYPE pubsub", ":0\r\n"),
        (
            &format!("CLIENT KILL {}", first.socket().local_addr().unwrap()),
            "+OK\r\n",
        ),
    ]);
    second.expect_closed();
    first.expect_closed();
    let my_id = id_of(&mut me);
    me.talk(&[
        (&format!("CLIENT KILL ID {my_id}"), ":0\r\n"),
        (&format!("CLIENT KILL ID {my_id} SKIPME no"), ":1\r\n"),
    ]);
    me.expect_closed();
}

#[test]
fn replies_can_be_switched_off() {
    let server = Server::start(&[]);
    server.client().talk(&[
        ("CLIENT REPLY OFF", ""),
        ("PING", ""),
        ("NOSUCHCOMMAND", ""),
        ("CLIENT REPLY SKIP", ""),
        ("PING", ""),
        ("CLIENT REPLY ON", "+OK\r\n"),
        ("CLIENT REPLY SKIP", ""),
        ("PING", ""),
        ("PING", "+PONG\r\n"),
        ("CLIENT REPLY SKIP", ""),
        ("NOSUCHCOMMAND", ""),
        ("PING", "+PONG\r\n"),
        ("CLIENT REPLY perhaps", "-ERR syntax error\r\n"),
        ("CLIENT REPLY OFF", ""),
        ("RESET", "+RESET\r\n"),
    ]);
}

#[test]
fn a_pause_makes_clients_wait() {
    let server = Server::start(&[]);
    let (mut me, mut other) = (server.client(), server.client());
    me.talk(&[
        (
            "CLIENT PAUSE abc",
            "-ERR timeout is not an integer or out of range\r\n",
        ),
        ("CLIENT PAUSE -1", "-ERR timeout is negative\r\n"),
        (
            "CLIENT PAUSE 9223372036854775807",
            "-ERR timeout is out of range\r\n",
        ),
        (
            "CLIENT PAUSE 10 some",
            "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n",
        ),
        ("CLIENT PAUSE 60000 WRITE", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
    ]);
    other.send("PUBLISH x y\r\n");
    std::thread::sleep(Duration::from_millis(100));
    assert!(is_silent(&other));
    me.talk(&[("CLIENT UNPAUSE", "+OK\r\n")]);
    other.expect(":0\r\n");

    let start = Instant::now();
    me.talk(&[("CLIENT PAUSE 150", "+OK\r\n"), ("PING", "+PONG\r\n")]);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn unknown_subcommands_point_to_help() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        (
            "CLIENT",
            "-ERR wrong number of arguments for 'client' command\r\n",
        ),
        (
            "CLIENT nosuch",
            "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n",
        ),
        (
            "CLIENT ID x",
            "-ERR wrong number of arguments for 'client|id' command\r\n",
        ),
    ]);
    let count: usize = client.first_line(&["CLIENT", "HELP"])[1..].parse().unwrap();
    let lines: Vec<_> = (0..count).map(|_| client.line()).collect();
    assert_eq!(
        lines[0],
        "+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    );
    assert!(lines.contains(&"+UNPAUSE".to_owned()), "{lines:?}");
}

#[test]
fn who_is_killed_is_gone_when_the_reply_comes() {
    let server = Server::start(&[]);
    let mut client = server.client();
    // Some of them are served by the same worker as the one that kills, some by another.
    for _ in 0..50 {
        let mut victim = server.client();
        let id = id_of(&mut victim);
        victim.request(&["SUBSCRIBE", "c"]);
        victim.take("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n".len());
        client.ask(&["CLIENT", "KILL", "ID", &id], ":1\r\n");
        client.ask(&["PUBLISH", "c", "m"], ":0\r\n");
        victim.expect_closed();
    }
    // In a transaction nothing waits.
    let mut victim = server.client();
    let id = id_of(&mut victim);
    client.ask(&["MULTI"], "+OK\r\n");
    client.ask(&["CLIENT", "KILL", "ID", &id], "+QUEUED\r\n");
    client.ask(&["EXEC"], "*1\r\n:1\r\n");
    victim.expect_closed();
}
