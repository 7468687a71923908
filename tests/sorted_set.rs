//! Sorted sets over a real socket: every command, every option, every error, in both protocols and both encodings.

mod support;

use support::{Client, Server};

/// Sends lines of words and expects the replies, given as [`show`] writes them.
#[track_caller]
fn talk(client: &mut Client, lines: &[(&str, &str)]) {
    for (request, expected) in lines {
        let words: Vec<_> = request.split(' ').collect();
        client.request(&words);
        assert_eq!(show(client), *expected, "{request}");
    }
}

/// The next reply on one line: bulk strings as they are, doubles with a comma, arrays in brackets, no value as `nil`.
#[track_caller]
fn show(client: &mut Client) -> String {
    let line = client.line();
    let (kind, rest) = line.split_at(1);
    match kind {
        "$" if rest == "-1" => "nil".into(),
        "*" if rest == "-1" => "nil*".into(),
        "_" => "nil".into(),
        "$" => client.line(),
        "*" => {
            let count: usize = rest.parse().expect("a length");
            let elements: Vec<_> = (0..count).map(|_| show(client)).collect();
            format!("[{}]", elements.join(" "))
        }
        "%" => {
            let count: usize = rest.parse().expect("a length");
            (0..count * 2).for_each(|_| drop(show(client)));
            "map".into()
        }
        _ => line,
    }
}

/// Most tests run twice: with packed sets, and with large ones.
fn encodings() -> [Server; 2] {
    [
        Server::start(&[]),
        Server::start(&[("zset-max-listpack-entries", "0")]),
    ]
}

#[test]
fn zadd_and_its_options() {
    for server in encodings() {
        talk(
            &mut server.client(),
            &[
                ("ZADD z 1 a 2 b 3 c", ":3"),
                ("ZADD z 1 a 5 b 4 d", ":1"),
                ("ZADD z CH 1 a 2 b 5 d 0 e", ":3"),
                ("ZADD z NX 9 a 9 f", ":1"),
                ("ZADD z XX CH 8 a 8 g", ":1"),
                ("ZADD z XX GT CH 7 a 10 f", ":1"),
                ("ZADD z LT CH 7 a 11 f 12 h", ":2"),
                ("ZADD z INCR 0.5 a", "7.5"),
                ("ZADD z NX INCR 1 a", "nil"),
                ("ZADD z GT INCR -1 a", "nil"),
                ("ZADD z XX INCR 1 none", "nil"),
                ("ZADD none XX 1 a", ":0"),
                ("EXISTS none", ":0"),
                ("ZINCRBY z 2.5 a", "10"),
                ("ZINCRBY new inf a", "inf"),
                (
                    "ZINCRBY new -inf a",
                    "-ERR resulting score is not a number (NaN)",
                ),
                ("ZSCORE new a", "inf"),
                ("ZADD z 1 a 2", "-ERR syntax error"),
                (
                    "ZADD z NX",
                    "-ERR wrong number of arguments for 'zadd' command",
                ),
                ("ZADD z NX CH", "-ERR syntax error"),
                (
                    "ZADD z NX XX 1 a",
                    "-ERR XX and NX options at the same time are not compatible",
                ),
                (
                    "ZADD z GT LT 1 a",
                    "-ERR GT, LT, and/or NX options at the same time are not compatible",
                ),
                (
                    "ZADD z NX GT 1 a",
                    "-ERR GT, LT, and/or NX options at the same time are not compatible",
                ),
                (
                    "ZADD z INCR 1 a 2 b",
                    "-ERR INCR option supports a single increment-element pair",
                ),
                ("ZADD z 1 new x y", "-ERR value is not a valid float"),
                ("ZADD z nan new", "-ERR value is not a valid float"),
                ("ZSCORE z new", "nil"),
                ("SET s text", "+OK"),
                (
                    "ZADD s 1 a",
                    "-WRONGTYPE Operation against a key holding the wrong kind of value",
                ),
                (
                    "ZINCRBY s 1 a",
                    "-WRONGTYPE Operation against a key holding the wrong kind of value",
                ),
            ],
        );
    }
}

#[test]
fn members_are_asked_for() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD z 1 a 2 b 2 c 3.25 d", ":4"),
                ("ZCARD z", ":4"),
                ("ZCARD none", ":0"),
                ("ZSCORE z d", "3.25"),
                ("ZSCORE z x", "nil"),
                ("ZSCORE none x", "nil"),
                ("ZMSCORE z a x d", "[1 nil 3.25]"),
                ("ZMSCORE none a", "[nil]"),
                ("ZRANK z c", ":2"),
                ("ZREVRANK z c", ":1"),
                ("ZRANK z c WITHSCORE", "[:2 2]"),
                ("ZREVRANK z d withscore", "[:0 3.25]"),
                ("ZRANK z x", "nil"),
                ("ZRANK z x WITHSCORE", "nil*"),
                ("ZRANK none x WITHSCORE", "nil*"),
                ("ZRANK z c SCORE", "-ERR syntax error"),
                (
                    "ZRANK z c WITHSCORE x",
                    "-ERR wrong number of arguments for 'zrank' command",
                ),
                ("ZCOUNT z 1 (2", ":1"),
                ("ZCOUNT z -inf +inf", ":4"),
                ("ZCOUNT z 3 1", ":0"),
                ("ZCOUNT z x 1", "-ERR min or max is not a float"),
                ("ZADD l 0 a 0 b 0 c", ":3"),
                ("ZLEXCOUNT l - +", ":3"),
                ("ZLEXCOUNT l (a [c", ":2"),
                (
                    "ZLEXCOUNT l a c",
                    "-ERR min or max not valid string range item",
                ),
                ("HELLO 3", "map"),
                ("ZSCORE z d", ",3.25"),
                ("ZSCORE z x", "nil"),
                ("ZRANK z c WITHSCORE", "[:2 ,2]"),
                ("ZMSCORE z a x", "[,1 nil]"),
            ],
        );
    }
}

#[test]
fn ranges_of_every_kind() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
                ("ZRANGE z 0 -1", "[a b c d e]"),
                ("ZRANGE z 1 2 WITHSCORES", "[b 2 c 3]"),
                ("ZRANGE z 0 1 REV", "[e d]"),
                ("ZRANGE z -2 100", "[d e]"),
                ("ZRANGE z 5 9", "[]"),
                ("ZREVRANGE z 0 1 WITHSCORES", "[e 5 d 4]"),
                ("ZRANGE z (1 3 BYSCORE", "[b c]"),
                ("ZRANGE z 4 (2 BYSCORE REV WITHSCORES", "[d 4 c 3]"),
                ("ZRANGE z -inf inf BYSCORE LIMIT 1 2", "[b c]"),
                ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2", "[d c]"),
                ("ZRANGEBYSCORE z 2 4 LIMIT 1 -1", "[c d]"),
                ("ZRANGEBYSCORE z 2 4 LIMIT -1 2", "[]"),
                ("ZRANGEBYSCORE z 4 2", "[]"),
                ("ZREVRANGEBYSCORE z 4 2 WITHSCORES LIMIT 0 1", "[d 4]"),
                ("ZADD l 0 a 0 b 0 c 0 d", ":4"),
                ("ZRANGEBYLEX l - (c", "[a b]"),
                ("ZREVRANGEBYLEX l + [b LIMIT 1 5", "[c b]"),
                ("ZRANGE l [b + BYLEX", "[b c d]"),
                ("ZRANGE l + [c BYLEX REV", "[d c]"),
                ("ZRANGE none 0 -1 WITHSCORES", "[]"),
                ("ZRANGE z 0 -1 LIMIT 0 -1", "[a b c d e]"),
                (
                    "ZRANGE z 0 -1 LIMIT 0 1",
                    "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
                ),
                (
                    "ZRANGE l - + BYLEX WITHSCORES",
                    "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
                ),
                ("ZRANGE z 0 -1 LIMIT 1", "-ERR syntax error"),
                (
                    "ZRANGE z 0 -1 BYSCORE LIMIT x 1",
                    "-ERR value is not an integer or out of range",
                ),
                (
                    "ZRANGE z 0 x",
                    "-ERR value is not an integer or out of range",
                ),
                ("ZRANGE z 0 x BYSCORE", "-ERR min or max is not a float"),
                ("ZRANGEBYSCORE z 0 1 REV", "-ERR syntax error"),
                ("ZREVRANGE z 0 1 BYLEX", "-ERR syntax error"),
                ("ZRANGESTORE to z 1 2", ":2"),
                ("ZRANGE to 0 -1 WITHSCORES", "[b 2 c 3]"),
                ("ZRANGESTORE to z 0 1 REV", ":2"),
                ("ZRANGE to 0 -1", "[d e]"),
                ("ZRANGESTORE to z 2 +inf BYSCORE LIMIT 1 2", ":2"),
                ("ZRANGE to 0 -1", "[c d]"),
                ("ZRANGESTORE z z 0 0", ":1"),
                ("ZRANGE z 0 -1", "[a]"),
                ("ZRANGESTORE to none 0 -1", ":0"),
                ("EXISTS to", ":0"),
                ("ZRANGESTORE to z 0 -1 WITHSCORES", "-ERR syntax error"),
                ("HELLO 3", "map"),
                ("ZRANGE l 0 1 WITHSCORES", "[[a ,0] [b ,0]]"),
            ],
        );
    }
}

#[test]
fn members_are_removed() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
                ("ZREM z a x c", ":2"),
                ("ZREM none a", ":0"),
                ("ZREMRANGEBYRANK z 0 0", ":1"),
                ("ZREMRANGEBYSCORE z (4 5", ":1"),
                ("ZREMRANGEBYSCORE z 9 8", ":0"),
                ("ZRANGE z 0 -1", "[d f]"),
                ("ZREM z d f d", ":2"),
                ("EXISTS z", ":0"),
                ("ZADD l 0 a 0 b 0 c", ":3"),
                ("ZREMRANGEBYLEX l [a (c", ":2"),
                ("ZREMRANGEBYLEX l - +", ":1"),
                ("EXISTS l", ":0"),
                (
                    "ZREMRANGEBYRANK z a 1",
                    "-ERR value is not an integer or out of range",
                ),
                ("ZREMRANGEBYSCORE z a 1", "-ERR min or max is not a float"),
                (
                    "ZREMRANGEBYLEX z a 1",
                    "-ERR min or max not valid string range item",
                ),
            ],
        );
    }
}

#[test]
fn members_are_popped() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
                ("ZPOPMIN z", "[a 1]"),
                ("ZPOPMAX z", "[f 6]"),
                ("ZPOPMIN z 2", "[b 2 c 3]"),
                ("ZPOPMAX z 0", "[]"),
                ("ZPOPMAX z 9", "[e 5 d 4]"),
                ("EXISTS z", ":0"),
                ("ZPOPMIN z", "[]"),
                (
                    "ZPOPMIN z -1",
                    "-ERR value is out of range, must be positive",
                ),
                (
                    "ZPOPMIN z x",
                    "-ERR value is out of range, must be positive",
                ),
                ("ZPOPMIN z 1 2", "-ERR syntax error"),
                ("ZADD z 1 a 2 b 3 c", ":3"),
                ("ZMPOP 2 none z MIN", "[z [[a 1]]]"),
                ("ZMPOP 2 none z max COUNT 5", "[z [[c 3] [b 2]]]"),
                ("ZMPOP 1 z MIN", "nil*"),
                ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"),
                ("ZMPOP x z MIN", "-ERR numkeys should be greater than 0"),
                ("ZMPOP 2 z MIN", "-ERR syntax error"),
                ("ZMPOP 1 z MID", "-ERR syntax error"),
                ("ZMPOP 1 z MIN COUNT", "-ERR syntax error"),
                ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error"),
                (
                    "ZMPOP 1 z MIN COUNT 0",
                    "-ERR count should be greater than 0",
                ),
                ("ZADD z 1 a 2 b 3 c", ":3"),
                ("HELLO 3", "map"),
                ("ZPOPMIN z", "[a ,1]"),
                ("ZPOPMIN z 2", "[[b ,2] [c ,3]]"),
            ],
        );
    }
}

#[test]
fn several_sets_become_one() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD a 1 x 2 y 3 z", ":3"),
                ("ZADD b 10 y 20 z 30 w", ":3"),
                ("ZUNION 2 a b", "[x y z w]"),
                ("ZUNION 2 a b WITHSCORES", "[x 1 y 12 z 23 w 30]"),
                (
                    "ZUNION 2 a b WEIGHTS 100 1 WITHSCORES",
                    "[w 30 x 100 y 210 z 320]",
                ),
                (
                    "ZUNION 2 a b AGGREGATE MAX WITHSCORES",
                    "[x 1 y 10 z 20 w 30]",
                ),
                ("ZUNION 2 a none AGGREGATE min WITHSCORES", "[x 1 y 2 z 3]"),
                ("ZINTER 2 a b WITHSCORES", "[y 12 z 23]"),
                ("ZINTER 2 a b AGGREGATE MIN WITHSCORES", "[y 2 z 3]"),
                ("ZINTER 2 a b WEIGHTS -1 0 WITHSCORES", "[z -3 y -2]"),
                ("ZINTER 2 a none", "[]"),
                ("ZINTER 2 a a WITHSCORES", "[x 2 y 4 z 6]"),
                ("ZDIFF 2 a b WITHSCORES", "[x 1]"),
                ("ZDIFF 2 none b", "[]"),
                ("ZDIFF 1 a", "[x y z]"),
                ("ZINTERCARD 2 a b", ":2"),
                ("ZINTERCARD 2 a b LIMIT 1", ":1"),
                ("ZINTERCARD 2 a b LIMIT 0", ":2"),
                ("ZINTERCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"),
                ("ZINTERCARD 2 a b WITHSCORES", "-ERR syntax error"),
                ("ZUNIONSTORE to 2 a b WEIGHTS 2 1", ":4"),
                ("ZRANGE to 0 -1 WITHSCORES", "[x 2 y 14 z 26 w 30]"),
                ("ZINTERSTORE a 2 a b", ":2"),
                ("ZRANGE a 0 -1 WITHSCORES", "[y 12 z 23]"),
                ("ZDIFFSTORE to 2 b a", ":1"),
                ("ZRANGE to 0 -1 WITHSCORES", "[w 30]"),
                ("ZDIFFSTORE to 2 a b", ":0"),
                ("EXISTS to", ":0"),
                (
                    "ZUNION 0 a",
                    "-ERR at least 1 input key is needed for 'zunion' command",
                ),
                (
                    "ZDIFFSTORE to 0 a",
                    "-ERR at least 1 input key is needed for 'zdiffstore' command",
                ),
                ("ZUNION x a", "-ERR value is not an integer or out of range"),
                ("ZUNION 3 a b", "-ERR syntax error"),
                ("ZUNION 2 a b WEIGHTS 1", "-ERR syntax error"),
                (
                    "ZUNION 2 a b WEIGHTS 1 x",
                    "-ERR weight value is not a float",
                ),
                ("ZUNION 2 a b AGGREGATE avg", "-ERR syntax error"),
                ("ZDIFF 2 a b WEIGHTS 1 1", "-ERR syntax error"),
                ("ZUNIONSTORE to 2 a b WITHSCORES", "-ERR syntax error"),
                ("ZADD p inf m", ":1"),
                ("ZADD n -inf m", ":1"),
                ("ZUNION 2 p n WITHSCORES", "[m 0]"),
                ("ZUNION 1 p WEIGHTS 0 WITHSCORES", "[m 0]"),
                ("SET s text", "+OK"),
                (
                    "ZUNION 2 a s NONSENSE",
                    "-WRONGTYPE Operation against a key holding the wrong kind of value",
                ),
                ("ZUNIONSTORE s 1 a", ":2"),
                ("TYPE s", "+zset"),
                ("HELLO 3", "map"),
                ("ZUNION 1 a WITHSCORES", "[[y ,12] [z ,23]]"),
            ],
        );
    }
}

#[test]
fn random_members() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZRANDMEMBER none", "nil"),
                ("ZRANDMEMBER none 3", "[]"),
                ("ZADD z 1 a", ":1"),
                ("ZRANDMEMBER z", "a"),
                ("ZRANDMEMBER z 0", "[]"),
                ("ZRANDMEMBER z 5 WITHSCORES", "[a 1]"),
                ("ZRANDMEMBER z -2 WITHSCORES", "[a 1 a 1]"),
                (
                    "ZRANDMEMBER z x",
                    "-ERR value is not an integer or out of range",
                ),
                ("ZRANDMEMBER z 1 SCORES", "-ERR syntax error"),
                (
                    "ZRANDMEMBER z -9223372036854775807 WITHSCORES",
                    "-ERR value is out of range",
                ),
                (
                    "ZRANDMEMBER z -9223372036854775808",
                    "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
                ),
                ("ZADD z 2 b 3 c 4 d", ":3"),
            ],
        );
        for _ in 0..20 {
            client.request(&["ZRANDMEMBER", "z", "3"]);
            let members = show(&mut client);
            let members: std::collections::HashSet<_> = members
                .trim_matches(['[', ']'])
                .split(' ')
                .map(str::to_owned)
                .collect();
            assert_eq!(members.len(), 3);
        }
        talk(&mut client, &[("HELLO 3", "map"), ("ZREM z b c d", ":3")]);
        talk(
            &mut client,
            &[("ZRANDMEMBER z -2 WITHSCORES", "[[a ,1] [a ,1]]")],
        );
    }
}

#[test]
fn random_members_do_not_fill_the_memory() {
    let server = Server::start(&[("proto-max-bulk-len", "1048576")]);
    talk(
        &mut server.client(),
        &[
            ("ZADD z 1 a", ":1"),
            (
                "ZRANDMEMBER z -9223372036854775807",
                "-ERR value is out of range",
            ),
        ],
    );
    let mut client = server.client();
    client.request(&["CLIENT", "REPLY", "OFF"]);
    client.request(&["ZRANDMEMBER", "z", "-9223372036854775807"]);
    client.request(&["CLIENT", "REPLY", "ON"]);
    assert_eq!(client.line(), "+OK");
}

#[test]
fn a_scan_returns_everything() {
    for server in encodings() {
        let mut client = server.client();
        talk(
            &mut client,
            &[
                ("ZADD z 1 a 2.5 b", ":2"),
                ("ZSCAN z 0 MATCH b", "[0 [b 2.5]]"),
                ("ZSCAN z 0 MATCH b NOSCORES", "[0 [b]]"),
                ("ZSCAN none 0", "[0 []]"),
                ("ZSCAN z x", "-ERR invalid cursor"),
                ("ZSCAN z 0 COUNT 0", "-ERR syntax error"),
                (
                    "ZSCAN z 0 NOVALUES",
                    "-ERR NOVALUES option can only be used in HSCAN",
                ),
            ],
        );
        let mut found = std::collections::HashSet::new();
        for member in 0..1000 {
            let member = member.to_string();
            client.ask(&["ZADD", "many", &member, &member], ":1\r\n");
        }
        let mut cursor = "0".to_owned();
        loop {
            client.request(&["ZSCAN", "many", &cursor, "NOSCORES", "COUNT", "50"]);
            let reply = show(&mut client);
            let reply = reply.trim_matches(['[', ']']);
            let (next, members) = reply.split_once(" [").expect("a cursor and members");
            found.extend(members.split(' ').map(str::to_owned));
            if next == "0" {
                break;
            }
            cursor = next.to_owned();
        }
        found.remove("");
        assert_eq!(found.len(), 1000);
    }
}

#[test]
fn a_set_grows_out_of_its_packed_form() {
    let server = Server::start(&[
        ("zset-max-listpack-entries", "3"),
        ("zset-max-listpack-value", "5"),
    ]);
    let mut client = server.client();
    talk(
        &mut client,
        &[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("OBJECT ENCODING z", "listpack"),
            ("ZADD z 9 a", ":0"),
            ("OBJECT ENCODING z", "listpack"),
            ("ZADD z 4 d", ":1"),
            ("OBJECT ENCODING z", "skiplist"),
            ("ZRANGE z 0 -1 WITHSCORES", "[b 2 c 3 d 4 a 9]"),
            ("ZREM z d c", ":2"),
            ("OBJECT ENCODING z", "skiplist"),
            ("ZUNIONSTORE small 1 z", ":2"),
            ("OBJECT ENCODING small", "listpack"),
            ("ZADD long 1 sixsix", ":1"),
            ("OBJECT ENCODING long", "skiplist"),
            ("ZRANGESTORE copy long 0 -1", ":1"),
            ("OBJECT ENCODING copy", "skiplist"),
            ("ZADD many 1 a 1 a 1 a 1 a", ":1"),
            ("OBJECT ENCODING many", "skiplist"),
            ("EXPIRE small 100", ":1"),
            ("ZADD small 7 x", ":1"),
            ("TTL small", ":100"),
            ("ZUNIONSTORE small 1 z", ":2"),
            ("TTL small", ":-1"),
        ],
    );
}

#[test]
fn a_range_is_told_once_what_it_is() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["ZADD", "z", "1", "a"], ":1\r\n");
    for twice in [["REV", "REV"], ["BYSCORE", "BYSCORE"], ["BYSCORE", "BYLEX"]] {
        client.ask(
            &["ZRANGE", "z", "0", "1", twice[0], twice[1]],
            "-ERR syntax error\r\n",
        );
    }
}
