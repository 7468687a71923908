//! Groups of a stream's consumers over a real socket: who gets what, and who knows, by a clock that only the test moves.

mod support;

use std::sync::atomic::Ordering;

use support::{Client, Server, show, talk};

/// Where the clock stands at first.
const START: i64 = 5000;

const INVALID_ID: &str = "-ERR Invalid stream ID specified as stream command argument";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";

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
fn a_group_shares_its_entries() {
    let (_server, hand, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            (
                "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
                "[[s [[1-0 [f a]] [2-0 [f b]]]]]",
            ),
            (
                "XREADGROUP GROUP g bob STREAMS s >",
                "[[s [[2-1 [g c h d]] [3-0 [f e]]]]]",
            ),
            ("XREADGROUP GROUP g carol STREAMS s >", "nil*"),
            ("XPENDING s g", "[:4 1-0 3-0 [[alice 2] [bob 2]]]"),
            (
                "XINFO GROUPS s",
                "[[name g consumers :3 pending :4 last-delivered-id 3-0 entries-read :4 lag :0]]",
            ),
            ("XDEL s 1-0", ":1"),
        ],
    );
    hand.fetch_add(100, Ordering::Relaxed);
    talk(
        &mut client,
        &[
            // What was deleted is still pending.
            (
                "XREADGROUP GROUP g alice STREAMS s 0",
                "[[s [[1-0 nil*] [2-0 [f b]]]]]",
            ),
            (
                "XREADGROUP GROUP g alice COUNT 1 STREAMS s 1",
                "[[s [[2-0 [f b]]]]]",
            ),
            ("XREADGROUP GROUP g carol STREAMS s 0", "[[s []]]"),
            (
                "XPENDING s g - + 10",
                "[[1-0 alice :100 :1] [2-0 alice :0 :3] [2-1 bob :100 :1] [3-0 bob :100 :1]]",
            ),
            ("XPENDING s g - + 1 bob", "[[2-1 bob :100 :1]]"),
            ("XPENDING s g (1 (3 10 alice", "[[2-0 alice :0 :3]]"),
            (
                "XPENDING s g IDLE 100 2-1 + 10",
                "[[2-1 bob :100 :1] [3-0 bob :100 :1]]",
            ),
            ("XPENDING s g IDLE 101 - + 10", "[]"),
            ("XPENDING s g - + 10 dave", "[]"),
            ("XPENDING s g + - 10", "[]"),
            ("XPENDING s g - + -1", "[]"),
            ("XACK s g 1-0 2-0 2-0 7-7", ":2"),
            ("XPENDING s g", "[:2 2-1 3-0 [[bob 2]]]"),
            ("XACK s g 3-0 2-1", ":2"),
            ("XPENDING s g", "[:0 nil nil nil*]"),
            ("XACK s none 1", ":0"),
            ("XACK none g 1", ":0"),
            ("XACK s g x", INVALID_ID),
            (
                "XINFO CONSUMERS s g",
                "[[name alice pending :0 idle :0 inactive :100] [name bob pending :0 idle :100 inactive :100] \
                 [name carol pending :0 idle :0 inactive :-1]]",
            ),
            ("XADD s 4 f v", "4-0"),
            (
                "XREADGROUP GROUP g bob NOACK STREAMS s >",
                "[[s [[4-0 [f v]]]]]",
            ),
            ("XPENDING s g", "[:0 nil nil nil*]"),
            (
                "XPENDING s none",
                "-NOGROUP No such key 's' or consumer group 'none'",
            ),
            (
                "XPENDING none g",
                "-NOGROUP No such key 'none' or consumer group 'g'",
            ),
            ("XPENDING s g IDLE 0 - +", SYNTAX),
            ("XPENDING s g -", SYNTAX),
            ("XPENDING s g - + x", NOT_INTEGER),
            ("XPENDING s g - x 1", INVALID_ID),
        ],
    );
}

#[test]
fn xgroup_creates_changes_and_deletes() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    let no_key = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
                  MKSTREAM option to create an empty stream automatically.";
    let no_group = "-NOGROUP No such consumer group 'none' for key name 's'";
    let wrong = |name| {
        format!(
            "-ERR unknown subcommand or wrong number of arguments for '{name}'. Try XGROUP HELP."
        )
    };
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g $", "+OK"),
            (
                "XGROUP CREATE s g 0",
                "-BUSYGROUP Consumer Group name already exists",
            ),
            ("XGROUP CREATE none g 0", no_key),
            ("XGROUP CREATE none g x MKSTREAM", INVALID_ID),
            ("EXISTS none", ":0"),
            ("XGROUP CREATE new g $ MKSTREAM", "+OK"),
            ("XLEN new", ":0"),
            ("XGROUP CREATE s h 1-0 ENTRIESREAD 1", "+OK"),
            ("XGROUP CREATE s i -", INVALID_ID),
            ("XGROUP CREATE s i 0 OTHER", &wrong("CREATE")),
            ("XGROUP CREATE s i 0 ENTRIESREAD x", NOT_INTEGER),
            (
                "XGROUP CREATE s i 0 ENTRIESREAD -2",
                "-ERR value for ENTRIESREAD must be positive or -1",
            ),
            ("XGROUP SETID s g 2 MKSTREAM", &wrong("SETID")),
            ("XGROUP SETID s none 0", no_group),
            ("XGROUP SETID s g 2-0", "+OK"),
            (
                "XINFO GROUPS s",
                "[[name g consumers :0 pending :0 last-delivered-id 2-0 entries-read nil lag nil] \
                 [name h consumers :0 pending :0 last-delivered-id 1-0 entries-read :1 lag :3]]",
            ),
            ("XGROUP CREATECONSUMER s g alice", ":1"),
            ("XGROUP CREATECONSUMER s g alice", ":0"),
            ("XGROUP CREATECONSUMER s none alice", no_group),
            (
                "XREADGROUP GROUP g alice STREAMS s >",
                "[[s [[2-1 [g c h d]] [3-0 [f e]]]]]",
            ),
            // Set back, the group delivers again what is pending.
            ("XGROUP SETID s g 2-1", "+OK"),
            ("XREADGROUP GROUP g bob STREAMS s >", "[[s [[3-0 [f e]]]]]"),
            ("XPENDING s g", "[:2 2-1 3-0 [[alice 1] [bob 1]]]"),
            ("XGROUP DELCONSUMER s g bob", ":1"),
            ("XGROUP DELCONSUMER s g bob", ":0"),
            ("XPENDING s g", "[:1 2-1 2-1 [[alice 1]]]"),
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s g", ":0"),
            ("XGROUP DESTROY none g", no_key),
            (
                "XINFO CONSUMERS s g",
                "-NOGROUP No such consumer group 'g' for key name 's'",
            ),
            ("SET string x", "+OK"),
            ("XGROUP CREATE string g 0 MKSTREAM", WRONG_TYPE),
            (
                "XGROUP",
                "-ERR wrong number of arguments for 'xgroup' command",
            ),
        ],
    );
    client.request(&["XGROUP", "HELP"]);
    assert!(show(&mut client).contains("DELCONSUMER key group consumer"));
    client.request(&["XINFO", "HELP"]);
    assert!(show(&mut client).contains("STREAM key [FULL [COUNT count]]"));
}

#[test]
fn claiming_by_id() {
    let (_server, hand, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            (
                "XREADGROUP GROUP g alice COUNT 3 STREAMS s >",
                "[[s [[1-0 [f a]] [2-0 [f b]] [2-1 [g c h d]]]]]",
            ),
        ],
    );
    hand.fetch_add(50, Ordering::Relaxed);
    talk(
        &mut client,
        &[
            ("XCLAIM s g bob 51 1-0", "[]"),
            ("XCLAIM s g bob 50 1-0 3-0", "[[1-0 [f a]]]"),
            ("XCLAIM s g bob 0 2-0 JUSTID", "[2-0]"),
            ("XCLAIM s g bob 0 3-0 FORCE", "[[3-0 [f e]]]"),
            (
                "XPENDING s g - + 10",
                "[[1-0 bob :0 :2] [2-0 bob :0 :1] [2-1 alice :50 :1] [3-0 bob :0 :2]]",
            ),
            (
                "XCLAIM s g bob 0 2-1 IDLE 30 RETRYCOUNT 7",
                "[[2-1 [g c h d]]]",
            ),
            ("XCLAIM s g bob 0 1-0 TIME 5010 JUSTID", "[1-0]"),
            ("XCLAIM s g bob 0 2-0 TIME 9999999 JUSTID", "[2-0]"),
            (
                "XCLAIM s g bob 0 3-0 IDLE 9223372036854775807 JUSTID",
                "[3-0]",
            ),
            (
                "XPENDING s g - + 10",
                "[[1-0 bob :40 :2] [2-0 bob :0 :1] [2-1 bob :30 :7] [3-0 bob :0 :2]]",
            ),
            // What is gone cannot be claimed, and is no longer pending.
            ("XDEL s 2-0", ":1"),
            ("XCLAIM s g alice 0 2-0 9-9 FORCE", "[]"),
            ("XPENDING s g", "[:3 1-0 3-0 [[bob 3]]]"),
            ("XCLAIM s g alice 0 JUSTID LASTID 2", "[]"),
            ("XCLAIM s g alice 0 9-9 JUSTID LASTID 9", "[]"),
            (
                "XINFO GROUPS s",
                "[[name g consumers :2 pending :3 last-delivered-id 9-0 entries-read :3 lag :1]]",
            ),
            (
                "XCLAIM s g alice x 1-0",
                "-ERR Invalid min-idle-time argument for XCLAIM",
            ),
            (
                "XCLAIM s g alice 0 1-0 IDLE x",
                "-ERR Invalid IDLE option argument for XCLAIM",
            ),
            (
                "XCLAIM s g alice 0 1-0 TIME x",
                "-ERR Invalid TIME option argument for XCLAIM",
            ),
            (
                "XCLAIM s g alice 0 1-0 RETRYCOUNT x",
                "-ERR Invalid RETRYCOUNT option argument for XCLAIM",
            ),
            ("XCLAIM s g alice 0 1-0 LASTID x", INVALID_ID),
            (
                "XCLAIM s g alice 0 1-0 x",
                "-ERR Unrecognized XCLAIM option 'x'",
            ),
            (
                "XCLAIM s none alice 0 1-0",
                "-NOGROUP No such key 's' or consumer group 'none'",
            ),
            (
                "XCLAIM none g alice 0 1-0",
                "-NOGROUP No such key 'none' or consumer group 'g'",
            ),
        ],
    );
}

#[test]
fn claiming_what_is_idle() {
    let (_server, hand, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            (
                "XREADGROUP GROUP g alice STREAMS s >",
                "[[s [[1-0 [f a]] [2-0 [f b]] [2-1 [g c h d]] [3-0 [f e]]]]]",
            ),
        ],
    );
    hand.fetch_add(50, Ordering::Relaxed);
    talk(
        &mut client,
        &[
            ("XAUTOCLAIM s g bob 51 -", "[0-0 [] []]"),
            ("XDEL s 2-0", ":1"),
            (
                "XAUTOCLAIM s g bob 50 - COUNT 2",
                "[2-1 [[1-0 [f a]]] [2-0]]",
            ),
            ("XAUTOCLAIM s g bob 50 2-1 JUSTID", "[0-0 [2-1 3-0] []]"),
            ("XAUTOCLAIM s g bob 0 (2-1", "[0-0 [[3-0 [f e]]] []]"),
            (
                "XPENDING s g - + 10",
                "[[1-0 bob :0 :2] [2-1 bob :0 :1] [3-0 bob :0 :2]]",
            ),
            (
                "XAUTOCLAIM s g bob x 0",
                "-ERR Invalid min-idle-time argument for XAUTOCLAIM",
            ),
            ("XAUTOCLAIM s g bob 0 x", INVALID_ID),
            ("XAUTOCLAIM s g bob 0 0 COUNT 0", "-ERR COUNT must be > 0"),
            (
                "XAUTOCLAIM s g bob 0 0 COUNT 9223372036854775807",
                "-ERR COUNT must be > 0",
            ),
            ("XAUTOCLAIM s g bob 0 0 COUNT", SYNTAX),
            (
                "XAUTOCLAIM s none bob 0 0",
                "-NOGROUP No such key 's' or consumer group 'none'",
            ),
        ],
    );
}

#[test]
fn xinfo_tells_everything() {
    let (_server, _, mut client) = Server::with_clock(START);
    filled(&mut client);
    talk(
        &mut client,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATECONSUMER s g bob", ":1"),
            (
                "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
                "[[s [[1-0 [f a]] [2-0 [f b]]]]]",
            ),
        ],
    );
    let flat = "length :4 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 3-0 max-deleted-entry-id 0-0 \
                entries-added :4 recorded-first-entry-id 1-0";
    let full = format!(
        "{{{flat} entries [[1-0 [f a]]] groups [{{name g last-delivered-id 2-0 entries-read :2 lag :2 pel-count :2 pending \
         [[1-0 alice :5000 :1]] consumers [{{name alice seen-time :5000 active-time :5000 pel-count :2 pending \
         [[1-0 :5000 :1]]}} {{name bob seen-time :5000 active-time :-1 pel-count :0 pending []}}]}}]}}"
    );
    let brief = format!("{{{flat} groups :1 first-entry [1-0 [f a]] last-entry [3-0 [f e]]}}");
    let in_resp2 = |text: &str| text.replace('{', "[").replace('}', "]");
    let wrong =
        "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.";
    talk(
        &mut client,
        &[
            ("XINFO STREAM s FULL COUNT 1", &in_resp2(&full)),
            ("XINFO STREAM s", &in_resp2(&brief)),
            ("XINFO STREAM none", "-ERR no such key"),
            ("XINFO STREAM s OTHER", wrong),
            ("XINFO STREAM s FULL COUNT", wrong),
            ("XINFO STREAM s FULL COUNT x", NOT_INTEGER),
            ("XINFO GROUPS none", "-ERR no such key"),
        ],
    );
    client.request(&["HELLO", "3"]);
    show(&mut client);
    talk(
        &mut client,
        &[
            ("XINFO STREAM s FULL COUNT 1", &full),
            ("XINFO STREAM s", &brief),
            (
                "XINFO GROUPS s",
                "[{name g consumers :2 pending :2 last-delivered-id 2-0 entries-read :2 lag :2}]",
            ),
            (
                "XINFO CONSUMERS s g",
                "[{name alice pending :2 idle :0 inactive :0} {name bob pending :0 idle :0 inactive :-1}]",
            ),
        ],
    );
}
