//! The entries of streams over a real socket: adding, trimming, deleting and reading them, in both protocols, by a clock that
//! only the test moves.

mod support;

use std::sync::atomic::Ordering;

use support::{Client, Server, show, talk};

/// Where the clock stands at first.
const START: i64 = 5000;

const INVALID_ID: &str = "-ERR Invalid stream ID specified as stream command argument";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";

#[test]
fn xadd_makes_ids_that_rise() {
    let (_server, hand, mut client) = Server::with_clock(START);
    talk(
        &mut client,
        &[
            ("XADD s * f v", "5000-0"),
            ("XADD s * f v", "5000-1"),
            ("XADD s 5000-* f v", "5000-2"),
            ("XADD s 6000 f v g w", "6000-0"),
            ("XADD s * f v", "6000-1"),
            ("XADD s 7000-* f v", "7000-0"),
            ("XLEN s", ":6"),
            ("TYPE s", "+stream"),
            ("OBJECT ENCODING s", "stream"),
            ("XADD zero 0-* f v", "0-1"),
        ],
    );
    hand.store(8000, Ordering::Relaxed);
    let lower = "-ERR The ID specified in XADD is equal or smaller than the target stream top item";
    let exhausted = "-ERR The stream has exhausted the last possible ID, unable to add more items";
    talk(
        &mut client,
        &[
            ("XADD s * f v", "8000-0"),
            ("XADD s 8000-0 f v", lower),
            ("XADD s 7000-* f v", lower),
            (
                "XADD s 0-0 f v",
                "-ERR The ID specified in XADD must be greater than 0-0",
            ),
            ("XADD s x f v", INVALID_ID),
            ("XADD s - f v", INVALID_ID),
            (
                "XADD s * f",
                "-ERR wrong number of arguments for 'xadd' command",
            ),
            (
                "XADD s 9000 f v g",
                "-ERR wrong number of arguments for 'xadd' command",
            ),
            ("XADD s NOMKSTREAM 9000 f v", "9000-0"),
            ("XADD none NOMKSTREAM * f v", "nil"),
            ("EXISTS none", ":0"),
            ("SET string x", "+OK"),
            ("XADD string * f v", WRONG_TYPE),
            (
                "XADD s 18446744073709551615-18446744073709551615 f v",
                "18446744073709551615-18446744073709551615",
            ),
            ("XADD s * f v", exhausted),
            ("XADD s 1 f v", exhausted),
        ],
    );
}

#[test]
fn trimming_exactly_and_by_blocks() {
    let (_server, _, mut client) = Server::with_clock(START);
    for ms in 1..=250 {
        client.ask(
            &["XADD", "s", &format!("{ms}-0"), "f", "v"],
            format!("${}\r\n{ms}-0\r\n", ms.to_string().len() + 2),
        );
    }
    talk(
        &mut client,
        &[
            // Blocks have 100 entries.
            ("XTRIM s MAXLEN ~ 160", ":0"),
            ("XTRIM s MAXLEN ~ 100 LIMIT 99", ":0"),
            ("XTRIM s MAXLEN ~ 100", ":100"),
            ("XTRIM s MINID ~ 201", ":100"),
            ("XTRIM s MINID ~ 250", ":0"),
            ("XTRIM s MINID 211", ":10"),
            ("XTRIM s MAXLEN = 5", ":35"),
            ("XRANGE s - + COUNT 1", "[[246-0 [f v]]]"),
            ("XADD s MAXLEN 2 300 f v", "300-0"),
            ("XLEN s", ":2"),
            ("XADD s MINID ~ 400 LIMIT 10 301 f v", "301-0"),
            // Its only block is below the id.
            ("XLEN s", ":0"),
            ("XTRIM s MAXLEN 0", ":0"),
            ("EXISTS s", ":1"),
            ("XADD new MAXLEN 0 1 f v", "1-0"),
            ("XLEN new", ":0"),
            ("XTRIM none MAXLEN 1", ":0"),
        ],
    );
    let both = "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
    let exact = "-ERR syntax error, LIMIT cannot be used without the special ~ option";
    let none = "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
    talk(
        &mut client,
        &[
            ("XTRIM s MAXLEN 1 MINID 1", both),
            ("XTRIM s MAXLEN 1 LIMIT 1", exact),
            ("XADD s LIMIT 1 * f v", none),
            ("XTRIM s LIMIT 1", none),
            (
                "XTRIM s LIMIT 0",
                "-ERR syntax error, XTRIM must be called with a trimming strategy",
            ),
            ("XTRIM s MAXLEN x", NOT_INTEGER),
            (
                "XTRIM s MAXLEN -1",
                "-ERR The MAXLEN argument must be >= 0.",
            ),
            (
                "XTRIM s MAXLEN ~ 1 LIMIT -9223372036854775808",
                "-ERR The LIMIT argument must be >= 0.",
            ),
            ("XTRIM s MINID x", INVALID_ID),
            ("XTRIM s MAXLEN 1 MORE", SYNTAX),
            ("SET string x", "+OK"),
            ("XTRIM string MAXLEN 1", WRONG_TYPE),
        ],
    );
}

/// `s`: 1-0, 2-0, 2-1 and 3-0.
fn filled(client: &mut Client) {
    talk(
        client,
        &[
            ("DEL s", ":0"),
            ("XADD s 1-0 f a", "1-0"),
            ("XADD s 2-0 f b", "2-0"),
            ("XADD s 2-1 g c h d", "2-1"),
            ("XADD s 3-0 f e", "3-0"),
        ],
    );
}

#[test]
fn ranges_in_both_directions() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    let start = "-ERR invalid start ID for the interval";
    let end = "-ERR invalid end ID for the interval";
    talk(
        &mut client,
        &[
            (
                "XRANGE s - +",
                "[[1-0 [f a]] [2-0 [f b]] [2-1 [g c h d]] [3-0 [f e]]]",
            ),
            ("XRANGE s 2 2", "[[2-0 [f b]] [2-1 [g c h d]]]"),
            ("XRANGE s (2 (3-0", "[[2-1 [g c h d]]]"),
            ("XRANGE s (2-0 3 COUNT 1", "[[2-1 [g c h d]]]"),
            ("XRANGE s 3 2", "[]"),
            ("XRANGE s - + COUNT 0", "nil*"),
            ("XRANGE s - + COUNT -9223372036854775808", "nil*"),
            (
                "XRANGE s - + COUNT 9223372036854775807 COUNT 1",
                "[[1-0 [f a]]]",
            ),
            ("XREVRANGE s + - COUNT 2", "[[3-0 [f e]] [2-1 [g c h d]]]"),
            ("XREVRANGE s (2-1 -", "[[2-0 [f b]] [1-0 [f a]]]"),
            ("XRANGE none - + COUNT 0", "[]"),
            ("XRANGE s x +", INVALID_ID),
            ("XRANGE s (- +", INVALID_ID),
            ("XRANGE s ( +", INVALID_ID),
            ("XRANGE s - (0-0", end),
            (
                "XREVRANGE s + (18446744073709551615-18446744073709551615",
                start,
            ),
            ("XRANGE s - + COUNT", SYNTAX),
            ("XRANGE s - + COUNT x", NOT_INTEGER),
            ("XRANGE s - + LIMIT 1", SYNTAX),
            ("SET string x", "+OK"),
            ("XRANGE string - +", WRONG_TYPE),
            ("XLEN string", WRONG_TYPE),
        ],
    );
}

#[test]
fn deleting_and_setting_the_last_id() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XDEL s 2-0 2-0 9-9", ":1"),
            ("XDEL s 1-0 x", INVALID_ID),
            ("XDEL none x", ":0"),
            ("XLEN s", ":3"),
            ("XDEL s 1 2-1 3", ":3"),
            ("EXISTS s", ":1"),
            (
                "XINFO STREAM s",
                "[length :0 radix-tree-keys :0 radix-tree-nodes :1 last-generated-id 3-0 max-deleted-entry-id 3-0 \
                 entries-added :4 recorded-first-entry-id 0-0 groups :0 first-entry nil last-entry nil]",
            ),
            (
                "XSETID s 2",
                "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ),
            ("XSETID s 5 ENTRIESADDED 9 MAXDELETEDID 4-1", "+OK"),
            (
                "XADD s 4 f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 6 f v", "6-0"),
            (
                "XSETID s 5",
                "-ERR The ID specified in XSETID is smaller than the target stream top item",
            ),
            (
                "XSETID s 7 ENTRIESADDED 0",
                "-ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            (
                "XSETID s 7 ENTRIESADDED -1",
                "-ERR entries_added must be positive",
            ),
            (
                "XSETID s 7 MAXDELETEDID 8",
                "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            ("XSETID s 7 ENTRIESADDED", SYNTAX),
            ("XSETID s 7 OTHER 1", SYNTAX),
            ("XSETID s x", INVALID_ID),
            ("XSETID none 1", "-ERR no such key"),
            (
                "XINFO STREAM s",
                "[length :1 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 6-0 max-deleted-entry-id 4-1 \
                 entries-added :10 recorded-first-entry-id 6-0 groups :0 first-entry [6-0 [f v]] last-entry [6-0 [f v]]]",
            ),
        ],
    );
}

#[test]
fn xread_in_both_protocols() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XADD t 9-0 f v", "9-0"),
            (
                "XREAD STREAMS s none t 2-1 0 8",
                "[[s [[3-0 [f e]]]] [t [[9-0 [f v]]]]]",
            ),
            ("XREAD COUNT 1 STREAMS s 0", "[[s [[1-0 [f a]]]]]"),
            (
                "XREAD COUNT -1 STREAMS s 2",
                "[[s [[2-1 [g c h d]] [3-0 [f e]]]]]",
            ),
            ("XREAD STREAMS s $", "nil*"),
            ("XREAD BLOCK 1 STREAMS s t 3 9", "nil*"),
            ("XREAD STREAMS s none + +", "[[s [[3-0 [f e]]]]]"),
            ("XDEL s 3-0", ":1"),
            ("XREAD STREAMS s +", "[[s [[2-1 [g c h d]]]]]"),
        ],
    );
    client.request(&["HELLO", "3"]);
    show(&mut client);
    talk(
        &mut client,
        &[(
            "XREAD STREAMS s none t 2-0 0 0",
            "{s [[2-1 [g c h d]]] t [[9-0 [f v]]]}",
        )],
    );
    client.ask(&["XREAD", "STREAMS", "s", "$"], "_\r\n");
    client.ask(&["XRANGE", "s", "-", "+", "COUNT", "0"], "_\r\n");
}

#[test]
fn requests_that_read_are_checked() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            ("SET string x", "+OK"),
            (
                "XREAD STREAMS s s 0",
                "-ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s s 0",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
            ("XREAD COUNT x STREAMS s 0", NOT_INTEGER),
            (
                "XREAD BLOCK x STREAMS s 0",
                "-ERR timeout is not an integer or out of range",
            ),
            ("XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative"),
            (
                "XREAD BLOCK 9223372036854775807 STREAMS s 0",
                "-ERR timeout is out of range",
            ),
            ("XREAD OTHER STREAMS s 0", SYNTAX),
            ("XREAD COUNT 1 BLOCK 1", SYNTAX),
            ("XREAD STREAMS s x", INVALID_ID),
            ("XREAD STREAMS s -", INVALID_ID),
            ("XREAD STREAMS s string 0 0", WRONG_TYPE),
            (
                "XREAD GROUP g c STREAMS s 0",
                "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD NOACK STREAMS s 0",
                "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD STREAMS s >",
                "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
            ),
            (
                "XREADGROUP COUNT 1 BLOCK 1 NOACK STREAMS s >",
                "-ERR Missing GROUP option for XREADGROUP",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s $",
                "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer \
                 by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty \
                 result set.",
            ),
            (
                "XREADGROUP GROUP h c STREAMS s >",
                "-NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s none > >",
                "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            ("XREADGROUP GROUP g c STREAMS string >", WRONG_TYPE),
            // Nothing was delivered, nobody was created.
            ("XINFO CONSUMERS s g", "[]"),
            // A consumer may be called like the word before the keys.
            (
                "XREADGROUP COUNT 1 GROUP g STREAMS STREAMS s >",
                "[[s [[1-0 [f a]]]]]",
            ),
            (
                "XREADGROUP BLOCK 0 GROUP g NOACK COUNT 1 STREAMS s >",
                "[[s [[2-0 [f b]]]]]",
            ),
        ],
    );
}

#[test]
fn streams_travel_with_their_keys() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            (
                "XREADGROUP GROUP g alice COUNT 1 STREAMS s >",
                "[[s [[1-0 [f a]]]]]",
            ),
            ("COPY s t", ":1"),
            ("XACK s g 1-0", ":1"),
            ("XADD s 4 f v", "4-0"),
            ("XLEN t", ":4"),
            ("XPENDING t g", "[:1 1-0 1-0 [[alice 1]]]"),
            ("RENAME t u", "+OK"),
            (
                "XREADGROUP GROUP g alice STREAMS u 0",
                "[[u [[1-0 [f a]]]]]",
            ),
            ("DEL s u", ":2"),
        ],
    );
}

#[test]
fn values_of_any_size_and_kind_come_back() {
    let server = Server::start(&[("stream-node-max-bytes", "100")]);
    let mut client = server.client();
    let large = "x".repeat(70_000);
    for (id, value) in [
        ("1-0", ""),
        ("2-0", "\u{0}\r\n"),
        ("3-0", &large[..]),
        ("4-0", "12"),
    ] {
        client.ask(&["XADD", "s", id, "", value], format!("$3\r\n{id}\r\n"));
    }
    client.ask(
        &["XRANGE", "s", "3", "3"],
        format!("*1\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$0\r\n\r\n$70000\r\n{large}\r\n"),
    );
    client.ask(
        &["XRANGE", "s", "2", "2"],
        "*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n",
    );
    client.ask(&["XDEL", "s", "3-0"], ":1\r\n");
    client.ask(
        &["XREVRANGE", "s", "+", "-", "COUNT", "1"],
        "*1\r\n*2\r\n$3\r\n4-0\r\n*2\r\n$0\r\n\r\n$2\r\n12\r\n",
    );
}
