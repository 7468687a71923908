//! What the family answers, through the whole command path.

use crate::clock::Clock;
use crate::command::local::LocalClient;
use crate::config::load::{Sources, load};
use crate::resp::OwnedArgs;
use crate::server::Server;

/// A server with a hand-driven clock that stands at 1,000,000 ms, and a client of it.
fn server() -> (Server, LocalClient) {
    server_with(&[])
}

fn server_with(settings: &[(&str, &str)]) -> (Server, LocalClient) {
    let lines = settings
        .iter()
        .map(|(name, value)| format!("{name} {value}\n"));
    let sources = Sources {
        input: Some(lines.collect()),
        ..Sources::default()
    };
    let settings = load(&sources)
        .unwrap_or_else(|error| panic!("{error}"))
        .settings;
    let server = Server::new(settings, 2, Clock::manual(1_000_000).0);
    let client = LocalClient::new(&server, 0);
    (server, client)
}

/// Sends the words of a line as a request.
fn ask(server: &Server, client: &mut LocalClient, line: &str) -> String {
    let words: OwnedArgs = line.split(' ').collect();
    let mut request = format!("*{}\r\n", words.view().len()).into_bytes();
    for word in words.view().iter() {
        request.extend(format!("${}\r\n", word.len()).into_bytes());
        request.extend(word);
        request.extend(b"\r\n");
    }
    String::from_utf8_lossy(&client.send(server, &request)).into_owned()
}

/// Sends requests and compares the replies; `⏎` stands for the line breaks inside of one.
fn check(server: &Server, client: &mut LocalClient, requests: &[(&str, &str)]) {
    for (request, reply) in requests {
        let got = ask(server, client, request);
        assert_eq!(
            got,
            format!("{reply}\r\n").replace('⏎', "\r\n"),
            "{request}"
        );
    }
}

/// INFO's text for some sections.
fn info(server: &Server, client: &mut LocalClient, sections: &str) -> String {
    let reply = ask(server, client, format!("INFO {sections}").trim_end());
    let (header, text) = reply.split_once("\r\n").expect("a bulk string");
    let text = text.strip_suffix("\r\n").expect("the end of a bulk string");
    assert_eq!(header, format!("${}", text.len()));
    text.to_owned()
}

/// The value of a field of INFO.
fn field(server: &Server, client: &mut LocalClient, name: &str) -> String {
    let text = info(server, client, "everything");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no field {name}")).to_owned()
}

#[test]
fn whole_databases() {
    let (server, mut client) = server();
    check(
        &server,
        &mut client,
        &[
            ("DBSIZE", ":0"),
            ("SET a 1", "+OK"),
            ("SELECT 1", "+OK"),
            ("SET b 1", "+OK"),
            ("SET c 1", "+OK"),
            ("DBSIZE", ":2"),
            ("SWAPDB 0 1", "+OK"),
            ("DBSIZE", ":1"),
            ("SWAPDB 1 1", "+OK"),
            ("GET a", "$1⏎1"),
            ("FLUSHDB x", "-ERR syntax error"),
            ("FLUSHDB SYNC ASYNC", "-ERR syntax error"),
            ("FLUSHDB", "+OK"),
            ("DBSIZE", ":0"),
            ("SELECT 0", "+OK"),
            ("FLUSHALL ASYNC", "+OK"),
            ("DBSIZE", ":0"),
            ("FLUSHALL sync", "+OK"),
            (
                "DBSIZE x",
                "-ERR wrong number of arguments for 'dbsize' command",
            ),
            ("SWAPDB 0 16", "-ERR DB index is out of range"),
            ("SWAPDB -1 1", "-ERR DB index is out of range"),
            ("SWAPDB a b", "-ERR invalid first DB index"),
            ("SWAPDB 0 b", "-ERR invalid second DB index"),
            ("SWAPDB 0 4294967296", "-ERR invalid second DB index"),
        ],
    );
}

#[test]
fn facts() {
    let (server, mut client) = server();
    check(
        &server,
        &mut client,
        &[
            ("TIME", "*2⏎$4⏎1000⏎$1⏎0"),
            ("LASTSAVE", ":1000"),
            ("ROLE", "*3⏎$6⏎master⏎:0⏎*0"),
            ("SHUTDOWN ABORT", "-ERR No shutdown in progress."),
            ("SHUTDOWN x", "-ERR syntax error"),
            (
                "SHUTDOWN SAVE",
                "-ERR Errors trying to SHUTDOWN. Check logs.",
            ),
        ],
    );
    assert!(!server.is_shutting_down());
    assert_eq!(ask(&server, &mut client, "SHUTDOWN NOSAVE NOW"), "");
    assert!(server.is_shutting_down());
}

#[test]
fn settings() {
    let (server, mut client) = server();
    check(
        &server,
        &mut client,
        &[
            (
                "CONFIG GET maxclients timeout",
                "*4⏎$10⏎maxclients⏎$5⏎10000⏎$7⏎timeout⏎$1⏎0",
            ),
            ("CONFIG GET nosuch", "*0"),
            ("CONFIG SET timeout 10 hz 20", "+OK"),
            ("CONFIG GET timeout", "*2⏎$7⏎timeout⏎$2⏎10"),
            (
                "CONFIG SET timeout",
                "-ERR wrong number of arguments for 'config|set' command",
            ),
            ("CONFIG SET timeout 1 hz", "-ERR syntax error"),
            (
                "CONFIG SET timeout 5 a b",
                "-ERR Unknown option or number of arguments for CONFIG SET - 'a'",
            ),
            (
                "CONFIG SET hz 1 maxmemory x",
                "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
            ),
            (
                "CONFIG SET databases 4",
                "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
            ),
            (
                "CONFIG SET dir /tmp",
                "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
            ),
            ("CONFIG GET hz", "*2⏎$2⏎hz⏎$2⏎20"),
            (
                "CONFIG REWRITE",
                "-ERR The server is running without a config file",
            ),
            (
                "CONFIG NOSUCH",
                "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.",
            ),
            (
                "CONFIG",
                "-ERR wrong number of arguments for 'config' command",
            ),
        ],
    );
    let help = ask(&server, &mut client, "CONFIG HELP");
    assert!(help.starts_with(
        "*11\r\n+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
    ));
    assert!(help.contains("\r\n+HELP\r\n+    "), "{help}");
}

#[test]
fn what_is_unsupported_says_so() {
    let (server, mut client) = server();
    let stored = "-ERR Larder keeps its data in memory only: nothing is stored on disk";
    let no_cluster = "-ERR This instance has cluster support disabled";
    check(
        &server,
        &mut client,
        &[
            ("SAVE", stored),
            ("BGSAVE", stored),
            ("BGSAVE schedule", stored),
            (
                "BGSAVE cancel",
                "-ERR Background saving is currently not in progress or scheduled",
            ),
            ("BGSAVE x", "-ERR syntax error"),
            ("BGREWRITEAOF", stored),
            ("REPLICAOF no one", "+OK"),
            ("SLAVEOF NO ONE", "+OK"),
            ("REPLICAOF host 99999", "-ERR Invalid master port"),
            ("REPLICAOF host x", "-ERR Invalid master port"),
            (
                "REPLICAOF host 6379",
                "-ERR Larder cannot be a replica: replication is not supported",
            ),
            ("READONLY", "+OK"),
            ("READWRITE", "+OK"),
            ("ACL WHOAMI", "$7⏎default"),
            (
                "ACL nosuch",
                "-ERR unknown subcommand 'nosuch'. Try ACL HELP.",
            ),
            ("ASKING", no_cluster),
            ("CLUSTER INFO", no_cluster),
            (
                "CLUSTER MEET",
                "-ERR wrong number of arguments for 'cluster|meet' command",
            ),
            ("CLUSTER HELP", no_cluster),
            ("CLUSTERSCAN 0", no_cluster),
            ("FAILOVER", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER abort", "-ERR No failover in progress."),
            ("MODULE LIST", "*0"),
            ("CLUSTER KEYSLOT foo", ":12182"),
            ("CLUSTER KEYSLOT x{foo}y", ":12182"),
        ],
    );
}

/// Fields of the peers that would be untrue here.
const NOT_OURS: [&str; 3] = ["server_name", "valkey_version", "valkey_release_stage"];

/// The names of all fields of all sections that a single node of Valkey 9.1 has, in its order.
const FIELDS: &str = include_str!("info/fields.txt");

#[test]
fn info_has_every_field_of_a_single_node() {
    let (server, mut client) = server_with(&[("port", "7401")]);
    ask(&server, &mut client, "SET a 1");
    let text = info(&server, &mut client, "everything");
    let names: Vec<&str> = text
        .lines()
        .map(|line| line.split_once(':').map_or(line, |(name, _)| name))
        .collect();
    for name in FIELDS.lines() {
        assert!(names.contains(&name), "{name} is missing");
    }
    for name in NOT_OURS {
        assert!(!names.contains(&name), "{name}");
    }
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.retain(|name| !name.is_empty());
    let all = unique.len();
    unique.dedup();
    assert_eq!(unique.len(), all, "a field stands there twice");
}

#[test]
fn info_chooses_sections() {
    let (server, mut client) = server();
    assert_eq!(info(&server, &mut client, "nosuch"), "");
    assert_eq!(
        info(&server, &mut client, "Cluster nosuch"),
        "# Cluster\r\ncluster_enabled:0\r\n"
    );
    let two = info(&server, &mut client, "keyspace cluster");
    assert_eq!(two, "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n");
    let titles = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    let (default, all) = (
        info(&server, &mut client, ""),
        info(&server, &mut client, "all"),
    );
    assert_eq!((titles(&default), titles(&all)), (12, 17));
    assert_eq!(
        titles(&info(&server, &mut client, "default commandstats")),
        13
    );
}

#[test]
fn info_counts() {
    let (server, mut client) = server();
    for line in [
        "SET a 1",
        "SET b 1 EX 10",
        "GET a",
        "GET nosuch",
        "INCR a x",
        "CONFIG SET x y",
    ] {
        ask(&server, &mut client, line);
    }
    for (name, value) in [
        ("keyspace_hits", "1"),
        ("keyspace_misses", "1"),
        (
            "db0",
            "keys=2,expires=1,avg_ttl=10000,keys_with_volatile_items=0",
        ),
        ("errorstat_ERR", "count=2"),
        ("total_error_replies", "2"),
        ("connected_clients", "1"),
        ("rdb_changes_since_last_save", "2"),
        ("redis_mode", "standalone"),
        ("redis_version", "7.4.0"),
        ("maxmemory_policy", "noeviction"),
        ("worker0", "connections=1,commands=15"),
    ] {
        assert_eq!(field(&server, &mut client, name), value, "{name}");
    }
    let get = field(&server, &mut client, "cmdstat_get");
    assert!(get.starts_with("calls=2,usec="), "{get}");
    assert!(get.ends_with(",rejected_calls=0,failed_calls=0"), "{get}");
    let incr = field(&server, &mut client, "cmdstat_incr");
    assert_eq!(
        incr,
        "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"
    );
    let set = field(&server, &mut client, "cmdstat_config|set");
    assert!(
        set.starts_with("calls=1,") && set.ends_with("failed_calls=1"),
        "{set}"
    );
    let latency = field(&server, &mut client, "latency_percentiles_usec_get");
    assert!(
        latency.starts_with("p50=") && latency.contains(",p99.9="),
        "{latency}"
    );
    let used: usize = field(&server, &mut client, "used_memory")
        .parse()
        .expect("a number");
    let dataset: usize = field(&server, &mut client, "used_memory_dataset")
        .parse()
        .expect("a number");
    assert!(used > dataset, "{used} {dataset}");
    ask(&server, &mut client, "CONFIG RESETSTAT");
    assert_eq!(field(&server, &mut client, "keyspace_hits"), "0");
    assert!(!info(&server, &mut client, "errorstats").contains("ERR"));
}

#[test]
fn info_is_a_verbatim_string_in_resp3() {
    let (server, mut client) = server();
    ask(&server, &mut client, "HELLO 3");
    let reply = ask(&server, &mut client, "INFO cluster");
    assert_eq!(reply, "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

#[test]
fn debug_is_refused_unless_allowed() {
    let (refusing, mut client) = server();
    for line in ["DEBUG JMAP", "DEBUG HELP"] {
        let reply = ask(&refusing, &mut client, line);
        assert!(
            reply.starts_with("-ERR DEBUG command not allowed. If the enable-debug-command option")
        );
    }
    // A local client is local.
    let (allowing, mut client) = server_with(&[("enable-debug-command", "local")]);
    assert_eq!(ask(&allowing, &mut client, "DEBUG SLEEP 0"), "+OK\r\n");
}

#[test]
fn debug_tools() {
    let (server, mut client) = server_with(&[("enable-debug-command", "yes")]);
    let unknown = |name: &str| {
        format!(
            "-ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
        )
    };
    check(
        &server,
        &mut client,
        &[
            (
                "DEBUG",
                "-ERR wrong number of arguments for 'debug' command",
            ),
            ("DEBUG jmap", &unknown("jmap")),
            ("DEBUG sleep", &unknown("sleep")),
            ("DEBUG SLEEP x", "+OK"),
            ("DEBUG SLEEP -1", "+OK"),
            ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"),
            ("DEBUG PAUSE-CRON 1", "+OK"),
            ("DEBUG QUICKLIST-PACKED-THRESHOLD 10b", "+OK"),
            (
                "DEBUG QUICKLIST-PACKED-THRESHOLD x",
                "-ERR argument must be a memory value bigger than 1 and smaller than 4gb",
            ),
            ("DEBUG REPLYBUFFER peak-reset-time never", "+OK"),
            ("DEBUG REPLYBUFFER x 1", &unknown("REPLYBUFFER")),
            ("DEBUG CHANGE-REPL-ID", "+OK"),
            ("DEBUG DICT-RESIZING 0", "+OK"),
            ("DEBUG LOADAOF", "+OK"),
            ("DEBUG RELOAD nosave NOFLUSH", "+OK"),
            (
                "DEBUG RELOAD x",
                "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ),
            ("DEBUG LOG hello", "+OK"),
            ("DEBUG ERROR MYERR", "-MYERR"),
            ("DEBUG STRINGMATCH-LEN 10 a*a", ":1"),
            ("DEBUG STRINGMATCH-LEN 10 b*", ":0"),
            ("DEBUG STRINGMATCH-LEN -1 b*", "-ERR value is out of range"),
            ("DEBUG HTSTATS 99", "-ERR Out of range database"),
            (
                "DEBUG HTSTATS x",
                "-ERR value is not an integer or out of range",
            ),
            ("DEBUG OBJECT k", "-ERR no such key"),
            ("DEBUG LISTPACK k", "-ERR no such key"),
            ("SET k v", "+OK"),
            ("DEBUG LISTPACK k", "-ERR Not a listpack encoded object."),
        ],
    );
    let object = ask(&server, &mut client, "DEBUG OBJECT k");
    assert!(object.starts_with("+Value at:0x"), "{object}");
    let rest = " refcount:1 encoding:embstr serializedlength:2 lru:1000 lru_seconds_idle:0\r\n";
    assert!(object.ends_with(rest), "{object}");
    assert!(!ask(&server, &mut client, "DEBUG OBJECT k fast").contains("serializedlength"));
    ask(&server, &mut client, "HSET h a 1 b 2");
    let packed = ask(&server, &mut client, "DEBUG LISTPACK h");
    assert!(
        packed.starts_with("+Listpack of 4 elements in "),
        "{packed}"
    );
    ask(&server, &mut client, "DEL h");
    let stats = ask(&server, &mut client, "DEBUG HTSTATS 0 full");
    assert!(stats.contains("number of entries: 1\n"), "{stats}");
    assert!(
        ask(&server, &mut client, "DEBUG HELP").ends_with("+HELP\r\n+    Prints this help.\r\n")
    );
}

#[test]
fn debug_populate() {
    let (server, mut client) = server_with(&[("enable-debug-command", "yes")]);
    check(
        &server,
        &mut client,
        &[
            ("SET key:1 mine", "+OK"),
            ("DEBUG POPULATE 3", "+OK"),
            ("DBSIZE", ":3"),
            ("GET key:1", "$4⏎mine"),
            ("GET key:2", "$7⏎value:2"),
            ("DEBUG POPULATE 2 foo 10", "+OK"),
            ("GET foo:1", "$10⏎value:1\0\0\0"),
            ("DEBUG POPULATE 2 bar 5", "+OK"),
            ("GET bar:0", "$5⏎value"),
            (
                "DEBUG POPULATE x",
                "-ERR value is out of range, must be positive",
            ),
            (
                "DEBUG POPULATE 1 a -1",
                "-ERR value is out of range, must be positive",
            ),
        ],
    );
}

#[test]
fn debug_protocol() {
    let (server, mut client) = server_with(&[("enable-debug-command", "yes")]);
    let examples = [
        ("string", "$11⏎Hello World", "$11⏎Hello World"),
        ("integer", ":12345", ":12345"),
        ("double", "$5⏎3.141", ",3.141"),
        (
            "bignum",
            "$37⏎1234567999999999999999999999999999999",
            "(1234567999999999999999999999999999999",
        ),
        ("null", "$-1", "_"),
        ("array", "*3⏎:0⏎:1⏎:2", "*3⏎:0⏎:1⏎:2"),
        ("set", "*3⏎:0⏎:1⏎:2", "~3⏎:0⏎:1⏎:2"),
        ("map", "*6⏎:0⏎:0⏎:1⏎:1⏎:2⏎:0", "%3⏎:0⏎#f⏎:1⏎#t⏎:2⏎#f"),
        (
            "attrib",
            "$39⏎Some real reply following the attribute",
            "|1⏎$14⏎key-popularity⏎*2⏎$7⏎key:123⏎:90⏎$39⏎Some real reply following the attribute",
        ),
        (
            "push",
            "-ERR RESP2 is not supported by this command",
            ">2⏎$16⏎server-cpu-usage⏎:42⏎$40⏎Some real reply following the push reply",
        ),
        (
            "verbatim",
            "$25⏎This is a verbatim\nstring",
            "=29⏎txt:This is a verbatim\nstring",
        ),
        ("true", ":1", "#t"),
        ("FALSE", ":0", "#f"),
    ];
    for version in [2, 3] {
        ask(&server, &mut client, &format!("HELLO {version}"));
        for (name, resp2, resp3) in examples {
            let expected = if version == 2 { resp2 } else { resp3 };
            let expected = format!("{}\r\n", expected.replace('⏎', "\r\n"));
            let got = ask(&server, &mut client, &format!("DEBUG PROTOCOL {name}"));
            assert_eq!(got, expected, "{name} in RESP{version}");
        }
    }
    assert!(
        ask(&server, &mut client, "DEBUG PROTOCOL x").starts_with("-ERR Wrong protocol type name.")
    );
}

#[test]
fn digests_depend_on_the_data_alone() {
    let digest = |lines: &[&str]| {
        let (server, mut client) = server_with(&[("enable-debug-command", "yes")]);
        for line in lines {
            let reply = ask(&server, &mut client, line);
            assert!(!reply.starts_with('-'), "{line}: {reply}");
        }
        ask(&server, &mut client, "DEBUG DIGEST")
    };
    let zeros = format!("+{}\r\n", "0".repeat(40));
    assert_eq!(digest(&[]), zeros);
    let two = digest(&["SET a 1", "SET b 2"]);
    assert_eq!(two.len(), 43);
    assert_eq!(two, digest(&["SET b 3", "SET a 1", "SET b 1", "INCR b"]));
    assert_eq!(digest(&["SET a 12"]), digest(&["SET a 1", "APPEND a 2"]));
    for others in [
        &["SET a 2", "SET b 1"][..],
        &["SET a 1"],
        &["SET a 1", "SET b 2", "SELECT 1", "SET b 2"],
        &["SET a 1", "SELECT 1", "SET b 2"],
        &["SET a 1 PX 5000", "SET b 2"],
        &["HSET a 1 1", "SET b 2"],
    ] {
        assert_ne!(two, digest(others), "{others:?}");
    }
    let large = "CONFIG SET hash-max-listpack-entries 0";
    let hash = digest(&["HSET h a 1 b 2"]);
    assert_eq!(hash, digest(&[large, "HSET h b 2 a 1"]));
    assert_ne!(hash, digest(&["HSET h a 2 b 1"]));
    assert_ne!(
        hash,
        digest(&["HSET h a 1 b 2", "HPEXPIRE h 5000 FIELDS 1 a"])
    );
    let (server, mut client) = server_with(&[("enable-debug-command", "yes")]);
    for line in ["SET a 1", "SET b 1", "SET c 2"] {
        ask(&server, &mut client, line);
    }
    let values = ask(&server, &mut client, "DEBUG DIGEST-VALUE a b c nosuch");
    let lines: Vec<&str> = values.lines().collect();
    assert_eq!((lines.len(), lines[0]), (5, "*4"));
    assert!(lines[1] == lines[2] && lines[2] != lines[3], "{values}");
    assert_eq!(format!("{}\r\n", lines[4]), zeros);
}
