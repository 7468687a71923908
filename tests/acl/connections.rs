//! What becomes of connections when their users change: channels, waits, connections of users who are gone.

use crate::support::{Client, show, talk};
use crate::{ask, client_of, log, start};

#[test]
fn channels_are_allowed_or_not() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[("acl setuser bob on nopass +@all &news.* &a", "+OK")],
    );
    let mut bob = client_of(&server, "bob");
    const NO: &str = "-NOPERM No permissions to access a channel";
    talk(
        &mut bob,
        &[
            ("publish b m", NO),
            ("spublish b m", NO),
            ("publish news.x m", ":0"),
            ("subscribe a b", NO),
            ("ssubscribe b", NO),
            ("psubscribe news.x", NO),
            ("psubscribe news.*", "[psubscribe news.* :1]"),
            ("subscribe a", "[subscribe a :2]"),
            ("punsubscribe b", "[punsubscribe b :2]"),
        ],
    );
    let info = ask(&mut admin, &["info", "stats"]);
    assert!(info.contains("acl_access_denied_channel:5\r\n"), "{info}");
}

#[test]
fn who_loses_a_channel_is_disconnected() {
    let (server, mut admin) = start();
    let listening = |admin: &mut Client, rules: &str, subscribe: &[&str]| {
        let words: Vec<_> = ["acl", "setuser", "bob", "reset", "on", "nopass", "+@all"]
            .into_iter()
            .chain(rules.split(' '))
            .collect();
        admin.ask(&words, "+OK\r\n");
        let mut bob = client_of(&server, "bob");
        let reply = ask(&mut bob, subscribe);
        assert!(reply.starts_with(&format!("[{}", subscribe[0])), "{reply}");
        bob
    };
    for (before, subscribe, after, stays) in [
        ("&a", ["subscribe", "a"], "resetchannels", false),
        ("&a", ["ssubscribe", "a"], "resetchannels", false),
        ("&a*", ["psubscribe", "a*"], "resetchannels &a", false),
        (
            "allchannels",
            ["psubscribe", "a*"],
            "resetchannels &*a",
            false,
        ),
        ("&a &b", ["subscribe", "a"], "resetchannels &a", true),
        ("&a", ["subscribe", "a"], "allchannels", true),
        ("&a", ["subscribe", "a"], "&b", true),
    ] {
        let mut bob = listening(&mut admin, before, &subscribe);
        let words: Vec<_> = ["acl", "setuser", "bob"]
            .into_iter()
            .chain(after.split(' '))
            .collect();
        admin.ask(&words, "+OK\r\n");
        // It is gone when the change is answered.
        let listed = ask(
            &mut admin,
            &["client", "list", "user", "bob", "type", "pubsub"],
        );
        assert_eq!(
            listed.contains("user=bob"),
            stays,
            "{before} {after}: {listed}"
        );
        if stays {
            bob.ask(
                &["unsubscribe", "a"],
                "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n",
            );
        } else {
            bob.expect_closed();
        }
    }
}

#[test]
fn connections_of_removed_users_are_closed() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[
            ("acl setuser bob on nopass +@all", "+OK"),
            ("acl setuser eve on nopass +@all", "+OK"),
        ],
    );
    let (mut bob, mut eve) = (client_of(&server, "bob"), client_of(&server, "eve"));
    // The reply comes first.
    talk(&mut bob, &[("acl deluser bob", ":1")]);
    bob.expect_closed();
    talk(&mut eve, &[("acl whoami", "eve")]);
    talk(
        &mut admin,
        &[
            ("acl deluser eve", ":1"),
            ("acl setuser eve on nopass +@all", "+OK"),
        ],
    );
    eve.expect_closed();
    let mut eve = client_of(&server, "eve");
    talk(&mut eve, &[("acl whoami", "eve")]);
    let listed = ask(&mut admin, &["client", "list", "user", "eve"]);
    assert!(
        listed.contains(" user=eve ") && listed.lines().count() == 1,
        "{listed}"
    );
    talk(
        &mut admin,
        &[
            ("client kill user nobody", "-ERR No such user 'nobody'"),
            ("client kill user bob", "-ERR No such user 'bob'"),
            ("client kill user eve", ":1"),
        ],
    );
    eve.expect_closed();
}

#[test]
fn who_waits_for_what_is_not_allowed_any_more_is_told_so() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[("acl setuser bob on nopass ~a* +blpop", "+OK")],
    );
    let (mut bob, mut other) = (client_of(&server, "bob"), client_of(&server, "bob"));
    bob.request(&["blpop", "a1", "0"]);
    other.request(&["blpop", "a2", "0"]);
    while !ask(&mut admin, &["info", "clients"]).contains("blocked_clients:2") {}
    talk(&mut admin, &[("acl setuser bob resetkeys ~a2", "+OK")]);
    assert_eq!(show(&mut bob), "-NOPERM No permissions to access a key");
    talk(
        &mut admin,
        &[
            ("rpush a1 x", ":1"),
            ("rpush a2 x", ":1"),
            ("lrange a1 0 -1", "[x]"),
        ],
    );
    assert_eq!(show(&mut other), "[a2 x]");
    assert_eq!(log(&mut admin), ["1 key toplevel a1 bob blpop"]);
}
