//! Sets over a real socket: the shapes of replies in both protocols, errors, encodings, what is picked at random.

mod support;

use std::collections::HashSet;
use support::{Client, Server};

fn client_in(server: &Server, protocol: &str) -> Client {
    let mut client = server.client();
    client.request(&["HELLO", protocol]);
    client.request(&["ECHO", "ready"]);
    while client.line() != "ready" {}
    client
}

/// Sends a command and its key with many members.
fn with_many(client: &mut Client, head: &[&str], members: &[String], reply: &str) {
    let members = members.iter().map(String::as_str);
    let request: Vec<&str> = head.iter().copied().chain(members).collect();
    client.ask(&request, reply);
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("member:{number}"))
        .collect()
}

#[test]
fn members_come_and_go() {
    let server = Server::start(&[]);
    for (protocol, set, null) in [("2", '*', "$-1\r\n"), ("3", '~', "_\r\n")] {
        let mut client = client_in(&server, protocol);
        let set = |reply: &str| format!("{set}{reply}");
        client.talk(&[
            ("FLUSHALL", "+OK\r\n"),
            ("SADD s 2 1 2", ":2\r\n"),
            ("SADD s 1", ":0\r\n"),
            ("SMEMBERS s", &set("2\r\n$1\r\n1\r\n$1\r\n2\r\n")),
            ("SADD s x", ":1\r\n"),
            ("SMEMBERS s", &set("3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\nx\r\n")),
            ("SCARD s", ":3\r\n"),
            ("SISMEMBER s 01", ":0\r\n"),
            ("SISMEMBER s x", ":1\r\n"),
            ("SMISMEMBER s 1 3 x", "*3\r\n:1\r\n:0\r\n:1\r\n"),
            ("SMISMEMBER none 1 3", "*2\r\n:0\r\n:0\r\n"),
            ("SREM s 1 2 3", ":2\r\n"),
            ("SMOVE s t x", ":1\r\n"),
            ("EXISTS s", ":0\r\n"),
            ("SMOVE t t x", ":1\r\n"),
            ("SMOVE t t y", ":0\r\n"),
            ("SPOP t", "$1\r\nx\r\n"),
            ("EXISTS t", ":0\r\n"),
            ("SMEMBERS t", &set("0\r\n")),
            ("SPOP t", null),
            ("SPOP t 3", &set("0\r\n")),
            ("SRANDMEMBER t", null),
            ("SRANDMEMBER t 3", "*0\r\n"),
            ("SADD t 5", ":1\r\n"),
            ("SRANDMEMBER t -2", "*2\r\n$1\r\n5\r\n$1\r\n5\r\n"),
            ("SPOP t 0", &set("0\r\n")),
            ("SPOP t 9", &set("1\r\n$1\r\n5\r\n")),
            ("EXISTS t", ":0\r\n"),
            ("SADD a 1 2 3 4", ":4\r\n"),
            ("SADD b 3 4 5", ":3\r\n"),
            ("SINTER a b", &set("2\r\n$1\r\n3\r\n$1\r\n4\r\n")),
            ("SDIFF a b", &set("2\r\n$1\r\n1\r\n$1\r\n2\r\n")),
            ("SDIFF a a", &set("0\r\n")),
            ("SUNION b none", &set("3\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n")),
            ("SINTER a none", &set("0\r\n")),
            ("SINTERCARD 2 a b", ":2\r\n"),
            ("SINTERCARD 2 a b LIMIT 1", ":1\r\n"),
            ("SINTERSTORE c a b", ":2\r\n"),
            ("SDIFFSTORE c a b c", ":2\r\n"),
            ("SUNIONSTORE c c b", ":5\r\n"),
            ("SINTERSTORE c a none", ":0\r\n"),
            ("EXISTS c", ":0\r\n"),
            ("ZUNION 2 a b WEIGHTS 1 2 WITHSCORES", match protocol {
                "2" => {
                    "*10\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n5\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n3\r\n$1\r\n4\r\n\
                     $1\r\n3\r\n"
                }
                _ => {
                    "*5\r\n*2\r\n$1\r\n1\r\n,1\r\n*2\r\n$1\r\n2\r\n,1\r\n*2\r\n$1\r\n5\r\n,2\r\n*2\r\n$1\r\n3\r\n,3\r\n\
                     *2\r\n$1\r\n4\r\n,3\r\n"
                }
            }),
        ]);
    }
}

#[test]
fn errors() {
    let server = Server::start(&[]);
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    server.client().talk(&[
        ("SET string x", "+OK\r\n"),
        ("SADD s a", ":1\r\n"),
        ("SADD string a", wrong_type),
        ("SINTER none string", wrong_type),
        ("SUNIONSTORE s none string", wrong_type),
        ("SMOVE none string a", ":0\r\n"),
        ("SMOVE s string z", wrong_type),
        ("GET s", wrong_type),
        ("SPOP s -1", "-ERR value is out of range, must be positive\r\n"),
        ("SPOP s 1 2", "-ERR syntax error\r\n"),
        (
            "SRANDMEMBER s -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n",
        ),
        ("SRANDMEMBER s -9223372036854775807", "-ERR value is out of range\r\n"),
        ("SRANDMEMBER s 9223372036854775807", "*1\r\n$1\r\na\r\n"),
        ("SINTERCARD 0 s", "-ERR numkeys should be greater than 0\r\n"),
        ("SINTERCARD x s", "-ERR numkeys should be greater than 0\r\n"),
        (
            "SINTERCARD 9223372036854775807 s",
            "-ERR Number of keys can't be greater than number of args\r\n",
        ),
        ("SINTERCARD 1 s LIMIT -1", "-ERR LIMIT can't be negative\r\n"),
        ("SINTERCARD 1 s LIMIT", "-ERR syntax error\r\n"),
        (
            "SSCAN s 0 NOVALUES",
            "-ERR NOVALUES option can only be used in HSCAN\r\n",
        ),
        ("SSCAN s x", "-ERR invalid cursor\r\n"),
    ]);
}

#[test]
fn encodings_are_those_of_the_peers() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for (count, is_int, encoding) in [
        (1, true, "intset"),
        (512, true, "intset"),
        (513, true, "hashtable"),
        (1, false, "listpack"),
        (128, false, "listpack"),
        (129, false, "hashtable"),
    ] {
        // One by one, and all at once.
        for step in [1, count] {
            client.first_line(&["UNLINK", "s"]);
            let all = if is_int { numbers(count) } else { names(count) };
            for some in all.chunks(step) {
                with_many(
                    &mut client,
                    &["SADD", "s"],
                    some,
                    &format!(":{}\r\n", some.len()),
                );
            }
            assert_eq!(
                client.bulk(&["OBJECT", "ENCODING", "s"]),
                encoding,
                "{count}"
            );
        }
    }
    client.ask(&["UNLINK", "s"], ":1\r\n");
    let long = "x".repeat(65);
    client.ask(&["SADD", "s", &long[..64]], ":1\r\n");
    assert_eq!(client.bulk(&["OBJECT", "ENCODING", "s"]), "listpack");
    client.ask(&["SADD", "s", &long], ":1\r\n");
    assert_eq!(client.bulk(&["OBJECT", "ENCODING", "s"]), "hashtable");
    // Few integers and a word are packed, many are not; what was stored of integers alone is integers again.
    for (count, encoding) in [(100, "listpack"), (200, "hashtable")] {
        with_many(
            &mut client,
            &["SADD", "i"],
            &numbers(count),
            &format!(":{count}\r\n"),
        );
        client.ask(&["SADD", "i", "word"], ":1\r\n");
        assert_eq!(client.bulk(&["OBJECT", "ENCODING", "i"]), encoding);
        client.ask(&["SREM", "i", "word"], ":1\r\n");
        assert_eq!(client.bulk(&["OBJECT", "ENCODING", "i"]), encoding);
        client.ask(&["SINTERSTORE", "j", "i", "i"], format!(":{count}\r\n"));
        assert_eq!(client.bulk(&["OBJECT", "ENCODING", "j"]), "intset");
        client.ask(&["UNLINK", "i", "j"], ":2\r\n");
    }
    client.talk(&[
        ("CONFIG SET set-max-intset-entries 2", "+OK\r\n"),
        ("SADD t 1 2", ":2\r\n"),
        ("OBJECT ENCODING t", "$6\r\nintset\r\n"),
        ("SADD t 3", ":1\r\n"),
        ("OBJECT ENCODING t", "$9\r\nhashtable\r\n"),
    ]);
}

#[test]
fn large_sets_are_combined() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let all = names(3000);
    with_many(&mut client, &["SADD", "a"], &all[..2000], ":2000\r\n");
    with_many(&mut client, &["SADD", "b"], &all[1000..], ":2000\r\n");
    with_many(&mut client, &["SADD", "few"], &all[1995..2005], ":10\r\n");
    let expected = |members: &[String]| members.iter().cloned().collect::<HashSet<_>>();
    let mut got = |request: &[&str]| -> HashSet<String> {
        let members = client.bulks(request);
        let different: HashSet<_> = members.iter().cloned().collect();
        assert_eq!(members.len(), different.len());
        different
    };
    assert_eq!(got(&["SMEMBERS", "a"]), expected(&all[..2000]));
    assert_eq!(got(&["SUNION", "a", "b", "few"]), expected(&all));
    assert_eq!(got(&["SINTER", "a", "b"]), expected(&all[1000..2000]));
    assert_eq!(
        got(&["SINTER", "a", "few", "b"]),
        expected(&all[1995..2000])
    );
    // Looked up in the other; and, where that is more work, taken out of a copy.
    assert_eq!(got(&["SDIFF", "a", "b"]), expected(&all[..1000]));
    assert_eq!(
        got(&["SDIFF", "a", "few", "few", "few", "few", "few"]),
        expected(&all[..1995])
    );
    let (mut cursor, mut seen) = ("0".to_owned(), HashSet::new());
    loop {
        client.request(&["SSCAN", "a", &cursor, "COUNT", "100"]);
        assert_eq!(client.line(), "*2");
        client.line();
        cursor = client.line();
        let length: usize = client.line()[1..].parse().expect("a length");
        for _ in 0..length {
            client.line();
            seen.insert(client.line());
        }
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen, expected(&all[..2000]));
    with_many(&mut client, &["SREM", "a"], &all[10..], ":1990\r\n");
    client.ask(&["SCARD", "a"], ":10\r\n");
}

#[test]
fn what_is_picked_at_random() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for all in [numbers(100), names(100), names(400)] {
        let len = all.len();
        with_many(&mut client, &["SADD", "s"], &all, &format!(":{len}\r\n"));
        for (count, expected) in [(1, 1), (20, 20), (len - 1, len - 1), (1000, len)] {
            let chosen = client.bulks(&["SRANDMEMBER", "s", &count.to_string()]);
            let different: HashSet<_> = chosen.iter().collect();
            assert_eq!((chosen.len(), different.len()), (expected, expected));
        }
        assert_eq!(client.bulks(&["SRANDMEMBER", "s", "-500"]).len(), 500);
        assert!(all.contains(&client.bulk(&["SRANDMEMBER", "s"])));
        let mut popped = HashSet::from([client.bulk(&["SPOP", "s"])]);
        for count in ["1", "30", "30", "1000"] {
            popped.extend(client.bulks(&["SPOP", "s", count]));
        }
        assert_eq!(popped, all.into_iter().collect());
        client.ask(&["EXISTS", "s"], ":0\r\n");
    }
}

#[test]
fn the_form_of_a_set_makes_no_difference_to_its_digest() {
    let server = Server::start(&[("enable-debug-command", "yes")]);
    let mut client = server.client();
    let all = numbers(20);
    with_many(&mut client, &["SADD", "ints"], &all, ":20\r\n");
    client.ask(
        &["DEBUG", "LISTPACK", "ints"],
        "-ERR Not a listpack encoded object.\r\n",
    );
    client.request(&["DEBUG", "DIGEST-VALUE", "ints"]);
    let digest = [client.line(), client.line()];
    for (entries, encoding) in [("128", "listpack"), ("8", "hashtable")] {
        client.ask(
            &["CONFIG", "SET", "set-max-listpack-entries", entries],
            "+OK\r\n",
        );
        client.ask(&["SADD", encoding, "word"], ":1\r\n");
        with_many(&mut client, &["SADD", encoding], &all, ":20\r\n");
        client.ask(&["SREM", encoding, "word"], ":1\r\n");
        assert_eq!(client.bulk(&["OBJECT", "ENCODING", encoding]), encoding);
        client.request(&["DEBUG", "DIGEST-VALUE", encoding]);
        assert_eq!([client.line(), client.line()], digest);
    }
    let text = client.first_line(&["DEBUG", "LISTPACK", "listpack"]);
    assert!(text.starts_with("+Listpack of 20 elements"), "{text}");
}
