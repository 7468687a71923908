//! Users over a socket: what they may do, what becomes of their connections when they change, and their file. The replies
//! are those of Redis 8.0.

mod connections;
mod files;
mod log;
#[path = "../support/mod.rs"]
mod support;

use support::{Client, Server, show, talk};

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
