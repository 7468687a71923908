//! What is noted of what was denied, and what is never shown.

use std::sync::atomic::Ordering;

use larder::clock::Clock;

use crate::support::{Server, talk};
use crate::{ask, log, start};

#[test]
fn the_log_groups_what_is_the_same_within_a_minute() {
    let (clock, hand) = Clock::manual(1_000_000);
    let server = Server::start_at(clock, &[]);
    let mut admin = server.client();
    talk(&mut admin, &[("acl setuser bob on >x", "+OK")]);
    let mut bob = server.client();
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    talk(
        &mut bob,
        &[
            ("AUTH bob a", wrong),
            ("AUTH bob b", wrong),
            ("auth bob x", "+OK"),
        ],
    );
    hand.store(1_060_000, Ordering::SeqCst);
    talk(&mut bob, &[("AUTH bob a", wrong)]);
    assert_eq!(log(&mut admin), ["3 auth toplevel AUTH bob auth"]);
    hand.store(1_120_001, Ordering::SeqCst);
    talk(
        &mut bob,
        &[
            ("AUTH bob a", wrong),
            (
                "get k",
                "-NOPERM User bob has no permissions to run the 'get' command",
            ),
        ],
    );
    let text = ask(&mut admin, &["acl", "log", "1"]);
    assert!(
        text.contains("entry-id :2 timestamp-created :1120001 timestamp-last-updated :1120001]"),
        "{text}"
    );
    assert!(text.contains("age-seconds 0 "), "{text}");
    assert_eq!(log(&mut admin).len(), 3);
    talk(
        &mut admin,
        &[
            ("acl log x", "-ERR value is not an integer or out of range"),
            ("acl log -1", "[]"),
            (
                "acl log 1 2",
                "-ERR unknown subcommand or wrong number of arguments for 'log'. Try ACL HELP.",
            ),
            ("config set acllog-max-len 1", "+OK"),
        ],
    );
    talk(
        &mut bob,
        &[(
            "set k v",
            "-NOPERM User bob has no permissions to run the 'set' command",
        )],
    );
    assert_eq!(log(&mut admin), ["1 command toplevel set bob set"]);
    talk(&mut admin, &[("acl log reset", "+OK"), ("acl log", "[]")]);
    let info = ask(&mut admin, &["info", "stats"]);
    assert!(
        info.contains("acl_access_denied_auth:4\r\nacl_access_denied_cmd:2\r\n"),
        "{info}"
    );
}

#[test]
fn secrets_are_never_shown() {
    let (server, mut admin) = start();
    let mut monitor = server.client();
    monitor.ask(&["monitor"], "+OK\r\n");
    talk(
        &mut admin,
        &[
            ("config set slowlog-log-slower-than 0", "+OK"),
            ("acl setuser bob on >hunter2 +@all", "+OK"),
            ("auth bob hunter2", "+OK"),
            ("auth default any", "+OK"),
            ("acl setuser bob <hunter2", "+OK"),
        ],
    );
    assert!(ask(&mut admin, &["acl", "getuser", "bob"]).contains("flags"));
    talk(
        &mut admin,
        &[("acl deluser bob", ":1"), ("echo end", "end")],
    );
    let shown = ask(&mut admin, &["slowlog", "get", "-1"]);
    assert!(
        shown.contains("[acl setuser (redacted) (redacted)"),
        "{shown}"
    );
    assert!(shown.contains("[auth (redacted) (redacted)]"), "{shown}");
    for secret in ["hunter2", "bob"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    loop {
        let line = monitor.line();
        assert!(!line.contains("hunter2"), "{line}");
        if line.ends_with("\"echo\" \"end\"") {
            break;
        }
    }
}
