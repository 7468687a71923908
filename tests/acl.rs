//! Users over a socket: what they may do, what becomes of their connections when they change, and their file. The replies
//! are those of Redis 8.0.

mod support;

use std::sync::atomic::Ordering;

use larder::clock::Clock;
use support::{Child, Client, Server, free_port, show, talk};

/// Asks and returns the reply on one line.
fn ask(client: &mut Client, words: &[&str]) -> String {
    client.request(words);
    show(client)
}

/// A client that has logged in as a user without a password.
fn client_of(server: &Server, user: &str) -> Client {
    let mut client = server.client();
    client.ask(&["auth", user, "any"], "+OK\r\n");
    client
}

/// A server and a client that may do everything.
fn start() -> (Server, Client) {
    let server = Server::start(&[]);
    let client = server.client();
    (server, client)
}

/// The reply to ACL LOG as a list of `count reason context object username command`.
fn log(client: &mut Client) -> Vec<String> {
    let text = ask(client, &["acl", "log", "100"]);
    let entries = text.split("[count :").skip(1);
    let field = |entry: &str, name: &str| {
        let (_, rest) = entry.split_once(&format!(" {name} ")).expect(name);
        rest.split(' ').next().unwrap_or_default().to_owned()
    };
    entries
        .map(|entry| {
            let count = entry.split(' ').next().unwrap_or_default();
            let (_, rest) = entry.split_once(" cmd=").expect("the client's command");
            let command = rest.split(' ').next().unwrap_or_default();
            let fields = ["reason", "context", "object", "username"].map(|name| field(entry, name));
            format!("{count} {} {command}", fields.join(" "))
        })
        .collect()
}

#[test]
fn users_are_made_shown_and_removed() {
    let (_server, mut client) = start();
    talk(
        &mut client,
        &[
            ("acl whoami", "default"),
            ("acl users", "[default]"),
            (
                "acl list",
                "[user default on nopass sanitize-payload ~* &* +@all]",
            ),
            (
                "acl setuser bob on >x %R~a* %W~b (+get ~c) &ch +@read -config|set +select|1",
                "+OK",
            ),
            ("acl users", "[bob default]"),
            (
                "acl getuser bob",
                "[flags [on sanitize-payload] passwords \
                 [2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881] commands -@all +@read \
                 -config|set +select|1 keys %R~a* %W~b channels &ch selectors [[commands -@all +get keys ~c \
                 channels ]]]",
            ),
            ("acl getuser nobody", "nil"),
            (
                "acl setuser al (+get ~x",
                "-ERR Unmatched parenthesis in acl selector starting at '(+get'.",
            ),
            (
                "acl setuser al (+get ~x) (+foo)",
                "-ERR Error in ACL SETUSER modifier '(+foo)': Unknown command or category name in ACL",
            ),
            // All of a request or nothing.
            (
                "acl setuser bob +set foo",
                "-ERR Error in ACL SETUSER modifier 'foo': Syntax error",
            ),
            (
                "acl dryrun bob set b 1",
                "User bob has no permissions to run the 'set' command",
            ),
            (
                "acl dryrun bob get b",
                "User bob has no permissions to access the 'b' key",
            ),
            ("acl dryrun bob get a1", "+OK"),
            (
                "acl dryrun bob publish c m",
                "User bob has no permissions to run the 'publish' command",
            ),
            ("acl dryrun bob auth x y", "+OK"),
            ("acl dryrun nobody get a", "-ERR User 'nobody' not found"),
            ("acl dryrun bob nosuch a", "-ERR Command 'nosuch' not found"),
            (
                "acl dryrun bob config nosuch",
                "-ERR Command 'config' not found",
            ),
            (
                "acl dryrun bob get",
                "-ERR wrong number of arguments for 'get' command",
            ),
            ("acl deluser bob nobody", ":1"),
            (
                "acl deluser bob default",
                "-ERR The 'default' user cannot be removed",
            ),
            ("acl cat nosuch", "-ERR Unknown category 'nosuch'"),
            (
                "acl cat a b",
                "-ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.",
            ),
            (
                "acl genpass x",
                "-ERR value is not an integer or out of range",
            ),
            (
                "acl genpass 4097",
                "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to \
                 4096",
            ),
        ],
    );
    assert_eq!(
        ask(&mut client, &["acl", "setuser", "a b"]),
        "-ERR Usernames can't contain spaces or null characters"
    );
    assert_eq!(ask(&mut client, &["acl", "genpass"]).len(), 64);
    assert_eq!(ask(&mut client, &["acl", "genpass", "5"]).len(), 2);
    let geo = ask(&mut client, &["acl", "cat", "Geo"]);
    assert!(geo.contains("geoadd") && !geo.contains("config"), "{geo}");
    let categories = ask(&mut client, &["acl", "cat"]);
    assert!(categories.starts_with("[keyspace read write") && categories.ends_with("scripting]"));
}

#[test]
fn logging_in() {
    let (server, mut admin) = start();
    let mut client = server.client();
    const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
    const NO_AUTH: &str = "-NOAUTH Authentication required.";
    talk(&mut admin, &[("acl setuser bob >x >y +@all", "+OK")]);
    talk(
        &mut client,
        &[("auth bob x", WRONG), ("auth nobody x", WRONG)],
    );
    talk(&mut admin, &[("acl setuser bob on", "+OK")]);
    talk(
        &mut client,
        &[
            ("auth bob z", WRONG),
            ("acl whoami", "default"),
            ("auth bob x", "+OK"),
            ("auth bob y", "+OK"),
            ("acl whoami", "bob"),
            ("auth bob z", WRONG),
            ("acl whoami", "bob"),
            ("auth default any", "+OK"),
            (
                "auth any",
                "-ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                 configuration is correct?",
            ),
            ("hello 3 auth bob z", WRONG),
        ],
    );
    assert!(ask(&mut client, &["hello", "2", "auth", "bob", "x"]).starts_with("[server"));
    talk(
        &mut client,
        &[
            ("acl whoami", "bob"),
            ("reset", "+RESET"),
            ("acl whoami", "default"),
        ],
    );
    // The default user's password is requirepass, until rules say otherwise.
    talk(
        &mut admin,
        &[
            ("config set requirepass q", "+OK"),
            (
                "acl getuser default",
                "[flags [on sanitize-payload] passwords \
                 [8e35c2cd3bf6641bdb0e2050b76932cbb2e6034a0ddacc1d9bea82a6ba57f7cf] commands +@all keys ~* \
                 channels &* selectors []]",
            ),
            ("ping", "+PONG"),
        ],
    );
    let mut late = server.client();
    talk(
        &mut client,
        &[("ping", "+PONG"), ("reset", "+RESET"), ("ping", NO_AUTH)],
    );
    talk(&mut late, &[("ping", NO_AUTH), ("acl whoami", NO_AUTH)]);
    talk(&mut late, &[("auth q", "+OK"), ("ping", "+PONG")]);
    talk(&mut admin, &[("acl setuser default >r", "+OK")]);
    talk(
        &mut client,
        &[("auth r", "+OK"), ("auth q", "+OK"), ("reset", "+RESET")],
    );
    talk(&mut admin, &[("acl setuser default nopass", "+OK")]);
    talk(&mut client, &[("ping", "+PONG")]);
    talk(
        &mut admin,
        &[("acl setuser default off", "+OK"), ("ping", "+PONG")],
    );
    talk(
        &mut client,
        &[("ping", NO_AUTH), ("auth default any", WRONG)],
    );
}

#[test]
fn commands_and_keys_are_allowed_or_not() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[(
            "acl setuser bob on nopass ~k:* %R~r:* +@all -@admin -ping +config|get",
            "+OK",
        )],
    );
    let mut bob = client_of(&server, "bob");
    const NO_KEY: &str = "-NOPERM No permissions to access a key";
    talk(
        &mut bob,
        &[
            ("set k:1 v", "+OK"),
            ("get k:1", "v"),
            ("get x", NO_KEY),
            ("set x 1", NO_KEY),
            ("mset k:1 v x v", NO_KEY),
            ("get r:1", "nil"),
            ("set r:1 v", NO_KEY),
            ("set r:1 v get", NO_KEY),
            ("copy r:1 k:2", ":0"),
            ("copy k:2 r:1", NO_KEY),
            ("exists k:1 x", NO_KEY),
            ("bitfield r:1 get u4 0", "[:0]"),
            ("bitfield r:1 set u4 0 1", NO_KEY),
            (
                "ping",
                "-NOPERM User bob has no permissions to run the 'ping' command",
            ),
            ("config get port", "[port 0]"),
            (
                "config set timeout 0",
                "-NOPERM User bob has no permissions to run the 'config|set' command",
            ),
            (
                "acl list",
                "-NOPERM User bob has no permissions to run the 'acl|list' command",
            ),
            ("acl whoami", "bob"),
            // Wrong arguments come first.
            ("get", "-ERR wrong number of arguments for 'get' command"),
            (
                "nosuch",
                "-ERR unknown command 'nosuch', with args beginning with: ",
            ),
        ],
    );
    // A change holds for the very next command of a connection that is open, whoever makes it.
    for (rules, reply) in [
        (
            "-get",
            "-NOPERM User bob has no permissions to run the 'get' command",
        ),
        ("+get", "v"),
        ("resetkeys", NO_KEY),
        ("allkeys", "v"),
        ("allkeys allchannels +@all", "v"),
        (
            "-@all",
            "-NOPERM User bob has no permissions to run the 'get' command",
        ),
    ] {
        let words: Vec<_> = ["acl", "setuser", "bob"]
            .into_iter()
            .chain(rules.split(' '))
            .collect();
        admin.ask(&words, "+OK\r\n");
        assert_eq!(ask(&mut bob, &["get", "k:1"]), reply, "{rules}");
    }
    let info = ask(&mut admin, &["info", "stats"]);
    assert!(
        info.contains("acl_access_denied_cmd:5\r\nacl_access_denied_key:9\r\n"),
        "{info}"
    );
}

#[test]
fn patterns_of_sort_need_all_keys() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[
            ("rpush mylist 1", ":1"),
            ("set w1 5", "+OK"),
            ("acl setuser bob on nopass (+sort ~mylist ~w*)", "+OK"),
        ],
    );
    let mut bob = client_of(&server, "bob");
    const BY: &str = "-ERR BY option of SORT denied due to insufficient ACL permissions.";
    const GET: &str = "-ERR GET option of SORT denied due to insufficient ACL permissions.";
    talk(
        &mut bob,
        &[
            ("sort mylist", "[1]"),
            ("sort mylist by w*", BY),
            ("sort mylist get w*", GET),
            ("sort mylist get #", GET),
        ],
    );
    talk(
        &mut admin,
        &[("acl setuser bob (+sort ~mylist %W~*)", "+OK")],
    );
    talk(&mut bob, &[("sort mylist by w*", BY)]);
    talk(
        &mut admin,
        &[("acl setuser bob (+sort ~mylist %R~*)", "+OK")],
    );
    talk(&mut bob, &[("sort mylist by w* get w*", "[5]")]);
}

#[test]
fn transactions_are_checked_when_queued_and_when_executed() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[("acl setuser bob on nopass ~k +multi +exec +set +get", "+OK")],
    );
    let mut bob = client_of(&server, "bob");
    talk(
        &mut bob,
        &[
            ("multi", "+OK"),
            ("set k 1", "+QUEUED"),
            (
                "incr k",
                "-NOPERM User bob has no permissions to run the 'incr' command",
            ),
            (
                "exec",
                "-EXECABORT Transaction discarded because of previous errors.",
            ),
            ("multi", "+OK"),
            ("set k 2", "+QUEUED"),
            ("get k", "+QUEUED"),
        ],
    );
    talk(&mut admin, &[("acl setuser bob -get", "+OK")]);
    const CHANGED: &str = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. \
                           This command is no longer allowed for the following reason:";
    let reply = ask(&mut bob, &["exec"]);
    assert_eq!(
        reply,
        format!("[+OK {CHANGED} no permission to execute the command or subcommand]")
    );
    talk(&mut bob, &[("multi", "+OK"), ("set k 3", "+QUEUED")]);
    talk(&mut admin, &[("acl setuser bob resetkeys", "+OK")]);
    let reply = ask(&mut bob, &["exec"]);
    assert_eq!(
        reply,
        format!("[{CHANGED} no permission to touch the specified keys]")
    );
    talk(&mut admin, &[("get k", "2")]);
    assert_eq!(
        log(&mut admin),
        [
            "1 key multi k bob exec",
            "1 command multi get bob exec",
            "1 command multi incr bob incr"
        ]
    );
}

#[test]
fn scripts_may_do_what_their_caller_may() {
    let (server, mut admin) = start();
    talk(
        &mut admin,
        &[
            ("acl setuser bob on nopass ~k +eval +set", "+OK"),
            ("set k v", "+OK"),
        ],
    );
    let mut bob = client_of(&server, "bob");
    let mut eval = |script: &str| ask(&mut bob, &["eval", script, "0"]);
    for (call, reason) in [
        (
            "'get','k'",
            "User bob has no permissions to run the 'get' command",
        ),
        ("'set','x','1'", "No permissions to access a key"),
    ] {
        let error = format!("-ERR ACL failure in script: {reason}");
        let raised = eval(&format!("return redis.call({call})"));
        assert!(raised.starts_with(&format!("{error} script: ")), "{raised}");
        let caught = eval(&format!("return redis.pcall({call})"));
        assert_eq!(caught, error);
    }
    for (call, allowed) in [
        ("'set','k','1'", ":1"),
        ("'set','x','1'", ":0"),
        ("'get','k'", ":0"),
        // Only the permission is asked about.
        ("'set'", ":1"),
        ("'set','k'", ":1"),
        ("'config','get'", ":0"),
    ] {
        let script = format!("return redis.acl_check_cmd({call}) and 1 or 0");
        assert_eq!(eval(&script), allowed, "{call}");
    }
    let unknown = eval("return redis.acl_check_cmd('nosuch')");
    assert!(
        unknown.starts_with("-ERR Invalid command passed to redis.acl_check_cmd()"),
        "{unknown}"
    );
    assert_eq!(
        log(&mut admin),
        ["2 key lua x bob eval", "2 command lua get bob eval"]
    );
}

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

#[test]
fn new_users_may_use_the_channels_that_a_setting_says() {
    let (_server, mut client) = start();
    talk(
        &mut client,
        &[
            ("acl setuser a", "+OK"),
            ("config set acl-pubsub-default allchannels", "+OK"),
            ("acl setuser b (+get)", "+OK"),
            (
                "acl list",
                "[user a off sanitize-payload resetchannels -@all user b off sanitize-payload &* -@all (&* -@all +get) \
                 user default on nopass sanitize-payload ~* &* +@all]",
            ),
            ("config set acl-pubsub-default resetchannels", "+OK"),
            ("acl setuser b reset", "+OK"),
            ("acl deluser a", ":1"),
            (
                "acl list",
                "[user b off sanitize-payload resetchannels -@all user default on nopass sanitize-payload ~* &* +@all]",
            ),
        ],
    );
}

#[test]
fn without_a_file_nothing_is_loaded_or_saved() {
    let (_server, mut client) = start();
    let no_file = "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
                   SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in \
                   order to store users in the Redis configuration.";
    talk(&mut client, &[("acl load", no_file), ("acl save", no_file)]);
}

/// A file of users in a directory for temporary files; removed when dropped.
struct UsersFile(std::path::PathBuf);

impl UsersFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("larder-acl-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for UsersFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn users_come_from_their_file_and_go_back_to_it() {
    let file = UsersFile::new(
        "users.acl",
        "user alice on nopass ~* &* +@all\n\nuser bob on >b ~b* +@all (+get ~c)\n",
    );
    let server = Server::start(&[("aclfile", file.name())]);
    let mut admin = server.client();
    talk(
        &mut admin,
        &[
            ("acl users", "[alice bob default]"),
            ("acl whoami", "default"),
        ],
    );
    let (mut alice, mut bob) = (client_of(&server, "alice"), server.client());
    talk(&mut bob, &[("auth bob b", "+OK"), ("acl whoami", "bob")]);
    let mut listener = client_of(&server, "alice");
    assert_eq!(ask(&mut listener, &["subscribe", "a"]), "[subscribe a :1]");
    // Saved with hashes in place of passwords.
    talk(
        &mut admin,
        &[
            ("acl setuser eve on nopass +get ~e", "+OK"),
            ("acl save", "+OK"),
        ],
    );
    let saved = file.text();
    assert_eq!(saved.lines().count(), 4, "{saved}");
    assert!(
        saved.starts_with("user alice on nopass sanitize-payload ~* &* +@all\nuser bob on sanitize-payload #3e23e8160"),
        "{saved}"
    );
    let mut eve = client_of(&server, "eve");
    talk(&mut admin, &[("acl load", "+OK")]);
    talk(&mut eve, &[("get e", "nil")]);
    talk(&mut alice, &[("acl whoami", "alice")]);
    // Mistakes change nothing.
    file.write("user alice off\nuser alice on\nuser bob nonsense");
    let errors = ask(&mut admin, &["acl", "load"]);
    let expected = format!(
        "-ERR WARNING: Duplicate user 'alice' found on line 2. {}:3: Syntax error. WARNING: ACL errors detected, no change to \
         the previously active ACL rules was performed",
        file.name()
    );
    assert_eq!(errors, expected);
    talk(&mut admin, &[("acl users", "[alice bob default eve]")]);
    // Who is not in the file any more is gone, and so are those who lose a channel.
    file.write("user alice on nopass ~* +@all\nuser bob on nopass ~b* +@all -acl\n");
    talk(
        &mut admin,
        &[("acl load", "+OK"), ("acl users", "[alice bob default]")],
    );
    eve.expect_closed();
    listener.expect_closed();
    talk(
        &mut bob,
        &[
            (
                "acl whoami",
                "-NOPERM User bob has no permissions to run the 'acl|whoami' command",
            ),
            ("set b 1", "+OK"),
        ],
    );
    talk(
        &mut alice,
        &[
            ("acl whoami", "alice"),
            ("publish a m", "-NOPERM No permissions to access a channel"),
        ],
    );
}

#[test]
fn users_of_the_configuration() {
    let server = Server::start(&[
        ("user", "default on nopass ~* +@all -flushdb"),
        ("requirepass", "ignored"),
    ]);
    let mut client = server.client();
    talk(
        &mut client,
        &[
            (
                "flushdb",
                "-NOPERM User default has no permissions to run the 'flushdb' command",
            ),
            ("subscribe a", "-NOPERM No permissions to access a channel"),
            ("set k v", "+OK"),
        ],
    );
    for (parameters, expected) in [
        (
            vec![("user", "bob on >secret nonsense")],
            "Error loading ACL rule 'nonsense' for the user named 'bob': Syntax error",
        ),
        (
            vec![("user", "bob <secret")],
            "Error loading ACL rule '(hidden)' for the user named 'bob': The password you are trying to remove from the user \
             does not exist",
        ),
        (
            vec![("user", "bob (+get")],
            "Unmatched parenthesis in acl selector starting at '(+get'.",
        ),
        (
            vec![("aclfile", "/nonexistent/users.acl")],
            "Error loading ACLs, opening file '/nonexistent/users.acl': ",
        ),
        (
            vec![("aclfile", "x"), ("user", "bob on")],
            "users are defined in the configuration and by an aclfile: ",
        ),
    ] {
        let started = Server::try_start(Clock::System, &parameters);
        let error = started.err().expect("it does not start").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_rewritten_configuration_keeps_the_users() {
    let file = UsersFile::new("users.conf", "port 0\n");
    let port = free_port().to_string();
    file.write(&format!(
        "port {port}\nbind 127.0.0.1\nworkers 1\nuser bob on >b ~k (+get ~c)\n"
    ));
    let run = || Child::start(&[file.name()]);
    let child = run();
    let mut client = child.client();
    talk(
        &mut client,
        &[
            ("acl setuser eve on nopass +get", "+OK"),
            ("acl setuser default -flushdb", "+OK"),
            ("config rewrite", "+OK"),
        ],
    );
    let before = ask(&mut client, &["acl", "list"]);
    drop(child);
    let text = file.text();
    assert!(
        !text.contains(">b") && text.contains("user eve on nopass"),
        "{text}"
    );
    let child = run();
    assert_eq!(ask(&mut child.client(), &["acl", "list"]), before);
}
