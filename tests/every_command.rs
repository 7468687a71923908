//! Every command of the table is executed at least once, with an answer that is checked.
//!
//! What has been executed is what the server itself has counted: a new command without a line here fails the test.

mod support;

use support::{Client, Server, show, talk};

/// The calls of every command that INFO knows of.
fn counted(client: &mut Client) -> Vec<(String, u64)> {
    let text = client.bulk(&["info", "commandstats"]);
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_"));
    let calls = |line: &str| {
        let (name, figures) = line.split_once(":calls=")?;
        let (calls, _) = figures.split_once(',')?;
        Some((name.to_owned(), calls.parse().ok()?))
    };
    lines.filter_map(calls).collect()
}

/// Sends lines of words and expects replies that begin so.
#[track_caller]
fn begins(client: &mut Client, lines: &[(&str, &str)]) {
    for (request, expected) in lines {
        let words: Vec<_> = request.split(' ').collect();
        client.request(&words);
        let got = show(client);
        assert!(got.starts_with(expected), "{request}: {got}");
    }
}

#[test]
fn every_command_is_called() {
    // On a busy machine any command may be slow.
    let server = Server::start(&[
        ("enable-debug-command", "yes"),
        ("save", ""),
        ("slowlog-log-slower-than", "-1"),
    ]);
    let mut client = server.client();
    client.ask(&["config", "resetstat"], "+OK\r\n");
    keys(&mut client);
    strings(&mut client);
    hashes(&mut client);
    lists(&mut client);
    sets(&mut client);
    sorted_sets(&mut client);
    streams(&mut client);
    bits_and_estimates(&mut client);
    places(&mut client);
    waiting(&mut client);
    scripts(&mut client);
    transactions(&mut client);
    connections(&mut client, &server);
    channels(&mut server.client());
    about_the_server(&mut client);
    observers(&mut client, &server);
    what_larder_refuses(&mut client);
    cluster(&mut client);

    let counted = counted(&mut client);
    client.request(&["command", "list"]);
    let listed = show(&mut client);
    let listed = listed.trim_matches(['[', ']']).split(' ');
    let is_called = |name: &str| {
        let calls = counted.iter().find(|(other, _)| other == name);
        calls.is_some_and(|(_, calls)| *calls > 0)
    };
    let all: Vec<&str> = listed.collect();
    // A container does nothing by itself, but for COMMAND.
    let is_container = |name: &str| all.iter().any(|sub| sub.starts_with(&format!("{name}|")));
    let without_calls: Vec<&&str> = all
        .iter()
        .filter(|name| !is_called(name) && (**name == "command" || !is_container(name)))
        .collect();
    assert!(all.len() > 350, "COMMAND LIST: {}", all.len());
    assert!(without_calls.is_empty(), "never called: {without_calls:?}");
}

fn keys(client: &mut Client) {
    talk(
        client,
        &[
            ("set k v", "+OK"),
            ("exists k nokey k", ":2"),
            ("type k", "+string"),
            ("touch k nokey", ":1"),
            ("expire k 100", ":1"),
            ("ttl k", ":100"),
            ("pexpire k 100000", ":1"),
            ("persist k", ":1"),
            ("pttl k", ":-1"),
            ("expireat k 4000000000", ":1"),
            ("expiretime k", ":4000000000"),
            ("pexpireat k 4000000000000", ":1"),
            ("pexpiretime k", ":4000000000000"),
            ("copy k k2", ":1"),
            ("rename k2 k3", "+OK"),
            ("renamenx k3 k", ":0"),
            ("keys k?", "[k3]"),
            ("scan 0 match k3 count 1000", "[0 [k3]]"),
            ("move k3 1", ":1"),
            ("unlink k nokey", ":1"),
            ("randomkey", "nil"),
            ("set k v", "+OK"),
            ("dbsize", ":1"),
            ("object encoding k", "embstr"),
            ("object idletime k", ":0"),
            ("object refcount k", ":1"),
            ("config set maxmemory-policy allkeys-lfu", "+OK"),
            ("set new v", "+OK"),
            ("object freq new", ":5"),
            ("config set maxmemory-policy noeviction", "+OK"),
            ("migrate 127.0.0.1 1 nokey 0 1", "+NOKEY"),
            ("rpush numbers 3 1 2", ":3"),
            ("sort numbers", "[1 2 3]"),
            ("sort_ro numbers desc", "[3 2 1]"),
        ],
    );
    client.request(&["dump", "k"]);
    let header = client.line();
    let len: usize = header.strip_prefix('$').unwrap().parse().unwrap();
    let payload = client.take(len + 2);
    for (name, command) in [(&b"k4"[..], &b"restore"[..]), (b"k5", b"restore-asking")] {
        client.send(support::encode(&[command, name, b"0", &payload[..len]]));
        client.expect("+OK\r\n");
        client.send(support::encode(&[b"get", name]));
        client.expect("$1\r\nv\r\n");
    }
    talk(
        client,
        &[
            ("del k4 k5 numbers", ":3"),
            ("select 1", "+OK"),
            ("flushdb", "+OK"),
            ("select 0", "+OK"),
            ("swapdb 0 1", "+OK"),
            ("exists k", ":0"),
            ("flushall", "+OK"),
        ],
    );
}

fn strings(client: &mut Client) {
    talk(
        client,
        &[
            ("set s hello", "+OK"),
            ("get s", "hello"),
            ("getset s hullo", "hello"),
            ("append s !", ":6"),
            ("strlen s", ":6"),
            ("getrange s 0 1", "hu"),
            ("substr s 0 1", "hu"),
            ("setrange s 1 e", ":6"),
            ("getex s ex 100", "hello!"),
            ("getdel s", "hello!"),
            ("setnx s 1", ":1"),
            ("setex s 100 10", "+OK"),
            ("psetex s 100000 10", "+OK"),
            ("incr s", ":11"),
            ("incrby s 9", ":20"),
            ("decr s", ":19"),
            ("decrby s 9", ":10"),
            ("incrbyfloat s 0.5", "10.5"),
            ("delifeq s 10", ":0"),
            ("delifeq s 10.5", ":1"),
            ("mset a ohmytext b mynewtext", "+OK"),
            ("mget a nokey", "[ohmytext nil]"),
            ("msetnx a x c y", ":0"),
            ("msetex 2 c 1 d 2 ex 100", ":1"),
            ("lcs a b", "mytext"),
            ("del a b c d", ":4"),
        ],
    );
}

fn hashes(client: &mut Client) {
    talk(
        client,
        &[
            ("hset h f 1 g 2", ":2"),
            ("hget h f", "1"),
            ("hmset h i 3", "+OK"),
            ("hmget h f nofield", "[1 nil]"),
            ("hsetnx h f 9", ":0"),
            ("hlen h", ":3"),
            ("hexists h f", ":1"),
            ("hstrlen h f", ":1"),
            ("hincrby h f 4", ":5"),
            ("hincrbyfloat h f 0.5", "5.5"),
            ("hdel h i", ":1"),
            ("hgetall h", "[f 5.5 g 2]"),
            ("hkeys h", "[f g]"),
            ("hvals h", "[5.5 2]"),
            ("hscan h 0", "[0 [f 5.5 g 2]]"),
            ("hset one f 1", ":1"),
            ("hrandfield one 5 withvalues", "[f 1]"),
            ("hexpire h 100 fields 1 f", "[:1]"),
            ("httl h fields 1 f", "[:100]"),
            ("hpexpire h 100000 fields 1 f", "[:1]"),
            ("hpersist h fields 1 f", "[:1]"),
            ("hpttl h fields 1 f", "[:-1]"),
            ("hexpireat h 4000000000 fields 1 f", "[:1]"),
            ("hexpiretime h fields 1 f", "[:4000000000]"),
            ("hpexpireat h 4000000000000 fields 1 f", "[:1]"),
            ("hpexpiretime h fields 1 f", "[:4000000000000]"),
            ("hsetex h ex 100 fields 1 x y", ":1"),
            ("hgetex h persist fields 1 x", "[y]"),
            ("hgetdel h fields 2 x nofield", "[y nil]"),
            ("del h one", ":2"),
        ],
    );
}

fn lists(client: &mut Client) {
    talk(
        client,
        &[
            ("lpushx l a", ":0"),
            ("rpushx l a", ":0"),
            ("rpush l b c", ":2"),
            ("lpush l a", ":3"),
            ("llen l", ":3"),
            ("lindex l -1", "c"),
            ("linsert l before b x", ":4"),
            ("lrange l 0 -1", "[a x b c]"),
            ("lpos l b", ":2"),
            ("lset l 1 y", "+OK"),
            ("lrem l 0 y", ":1"),
            ("lmove l l2 left right", "a"),
            ("rpoplpush l l2", "c"),
            ("lmpop 2 nolist l2 left", "[l2 [c]]"),
            ("lpop l2", "a"),
            ("rpush l c d", ":3"),
            ("ltrim l 0 1", "+OK"),
            ("rpop l 2", "[c b]"),
        ],
    );
}

fn sets(client: &mut Client) {
    talk(
        client,
        &[
            ("sadd s1 1 2 3", ":3"),
            ("sadd s2 3 4", ":2"),
            ("scard s1", ":3"),
            ("sismember s1 3", ":1"),
            ("smismember s1 3 4", "[:1 :0]"),
            ("smembers s2", "[3 4]"),
            ("sinter s1 s2", "[3]"),
            ("sintercard 2 s1 s2", ":1"),
            ("sinterstore s3 s1 s2", ":1"),
            ("sdiff s2 s1", "[4]"),
            ("sdiffstore s3 s2 s1", ":1"),
            ("sunion s2 s3", "[3 4]"),
            ("sunionstore s3 s1 s2", ":4"),
            ("smove s1 s2 1", ":1"),
            ("srem s1 2", ":1"),
            ("srandmember s1", "3"),
            ("sscan s1 0", "[0 [3]]"),
            ("spop s1", "3"),
            ("del s2 s3", ":2"),
        ],
    );
}

fn sorted_sets(client: &mut Client) {
    talk(
        client,
        &[
            ("zadd z 1 a 2 b 3 c", ":3"),
            ("zadd y 1 a 5 d", ":2"),
            ("zcard z", ":3"),
            ("zcount z 2 3", ":2"),
            ("zscore z b", "2"),
            ("zmscore z a x", "[1 nil]"),
            ("zrank z c", ":2"),
            ("zrevrank z c", ":0"),
            ("zincrby z 0.5 b", "2.5"),
            ("zrange z 0 -1", "[a b c]"),
            ("zrevrange z 0 0", "[c]"),
            ("zrangebyscore z 2 3", "[b c]"),
            ("zrevrangebyscore z 2 0", "[a]"),
            ("zrangebylex z [b +", "[b c]"),
            ("zrevrangebylex z + [b", "[c b]"),
            ("zlexcount z [b +", ":2"),
            ("zrangestore w z 0 1", ":2"),
            ("zinter 2 z y", "[a]"),
            ("zintercard 2 z y", ":1"),
            ("zinterstore w 2 z y", ":1"),
            ("zunion 2 z y", "[a b c d]"),
            ("zunionstore w 2 z y", ":4"),
            ("zdiff 2 z y", "[b c]"),
            ("zdiffstore w 2 z y", ":2"),
            ("zscan w 0", "[0 [b 2.5 c 3]]"),
            ("zrem w b", ":1"),
            ("zrandmember w 5", "[c]"),
            ("zmpop 2 nozset w min", "[w [[c 3]]]"),
            ("zpopmin y", "[a 1]"),
            ("zpopmax y", "[d 5]"),
            ("zremrangebyscore z 1 1", ":1"),
            ("zremrangebyrank z 0 0", ":1"),
            ("zadd lex 0 a 0 b", ":2"),
            ("zremrangebylex lex [a [a", ":1"),
            ("del z lex", ":2"),
        ],
    );
}

fn streams(client: &mut Client) {
    talk(
        client,
        &[
            ("xadd x 1-1 f v", "1-1"),
            ("xadd x 2-1 f w", "2-1"),
            ("xlen x", ":2"),
            ("xrange x - +", "[[1-1 [f v]] [2-1 [f w]]]"),
            ("xrevrange x + - count 1", "[[2-1 [f w]]]"),
            ("xread streams x 1-1", "[[x [[2-1 [f w]]]]]"),
            ("xgroup create x g 0", "+OK"),
            ("xgroup createconsumer x g c", ":1"),
            (
                "xreadgroup group g c count 1 streams x >",
                "[[x [[1-1 [f v]]]]]",
            ),
            ("xpending x g", "[:1 1-1 1-1 [[c 1]]]"),
            ("xclaim x g d 0 1-1 justid", "[1-1]"),
            ("xautoclaim x g c 0 0 justid", "[0-0 [1-1] []]"),
            ("xack x g 1-1", ":1"),
            ("xgroup delconsumer x g d", ":0"),
            ("xgroup setid x g 2-1", "+OK"),
            (
                "xinfo consumers x nogroup",
                "-NOGROUP No such consumer group 'nogroup' for key name 'x'",
            ),
            ("xgroup destroy x g", ":1"),
            ("xinfo groups x", "[]"),
            ("xsetid x 3-1", "+OK"),
            ("xdel x 1-1", ":1"),
            ("xtrim x maxlen 0", ":1"),
        ],
    );
    begins(
        client,
        &[
            ("xinfo stream x", "[length :0 radix-tree-keys"),
            ("xinfo help", "[+XINFO <subcommand>"),
            ("xgroup help", "[+XGROUP <subcommand>"),
            ("del x", ":1"),
        ],
    );
}

fn bits_and_estimates(client: &mut Client) {
    talk(
        client,
        &[
            ("setbit b 7 1", ":0"),
            ("getbit b 7", ":1"),
            ("bitcount b", ":1"),
            ("bitpos b 1", ":7"),
            ("bitop not b2 b", ":1"),
            ("bitfield b set u8 0 255 get u4 0", "[:1 :15]"),
            ("bitfield_ro b get u8 0", "[:255]"),
            ("pfadd p a b c", ":1"),
            ("pfcount p", ":3"),
            ("pfmerge p2 p", "+OK"),
            ("pfdebug encoding p", "+sparse"),
            ("pfselftest", "+OK"),
            ("del b b2 p p2", ":4"),
        ],
    );
}

fn places(client: &mut Client) {
    talk(
        client,
        &[
            (
                "geoadd geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
                ":2",
            ),
            ("geodist geo Palermo Catania km", "166.2742"),
            ("geohash geo Palermo", "[sqc8b49rny0]"),
            (
                "geosearch geo frommember Palermo byradius 10 km",
                "[Palermo]",
            ),
            (
                "geosearchstore near geo frommember Palermo byradius 10 km",
                ":1",
            ),
            ("georadius geo 15 37 100 km", "[Catania]"),
            ("georadius_ro geo 15 37 100 km", "[Catania]"),
            ("georadiusbymember geo Catania 10 km", "[Catania]"),
            ("georadiusbymember_ro geo Catania 10 km", "[Catania]"),
        ],
    );
    begins(
        client,
        &[("geopos geo Palermo", "[[13.36138"), ("del geo near", ":2")],
    );
}

/// What could wait and does not have to.
fn waiting(client: &mut Client) {
    talk(
        client,
        &[
            ("rpush l a b c d e f", ":6"),
            ("blpop l 1", "[l a]"),
            ("brpop l 1", "[l f]"),
            ("blmove l m left left 1", "b"),
            ("brpoplpush l m 1", "e"),
            ("blmpop 1 1 l left", "[l [c]]"),
            ("zadd z 1 a 2 b 3 c", ":3"),
            ("bzpopmin z 1", "[z a 1]"),
            ("bzpopmax z 1", "[z c 3]"),
            ("bzmpop 1 1 z min", "[z [[b 2]]]"),
            ("wait 0 10", ":0"),
            ("waitaof 0 0 10", "[:0 :0]"),
            ("del l m", ":2"),
        ],
    );
}

fn scripts(client: &mut Client) {
    const LIBRARY: &str = "#!lua name=lib\nredis.register_function{function_name='f', callback=function() return 7 end, \
                           flags={'no-writes'}}";
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    client.ask(&["script", "load", "return 1"], format!("$40\r\n{sha}\r\n"));
    talk(
        client,
        &[
            (&format!("evalsha {sha} 0"), ":1"),
            (&format!("evalsha_ro {sha} 0"), ":1"),
            (&format!("script exists {sha} x"), "[:1 :0]"),
            (&format!("script show {sha}"), "return 1"),
            (
                "eval return(redis.call('set',KEYS[1],ARGV[1])) 1 k v",
                "+OK",
            ),
            ("eval_ro return(redis.call('get',KEYS[1])) 1 k", "v"),
            ("script kill", "-NOTBUSY No scripts in execution right now."),
            ("script debug no", "+OK"),
            ("script flush", "+OK"),
            (
                "function kill",
                "-NOTBUSY No scripts in execution right now.",
            ),
            ("del k", ":1"),
        ],
    );
    client.ask(&["function", "load", LIBRARY], "$3\r\nlib\r\n");
    client.request(&["function", "dump"]);
    let header = client.line();
    let len: usize = header.strip_prefix('$').unwrap().parse().unwrap();
    let payload = client.take(len + 2);
    talk(
        client,
        &[
            ("fcall f 0", ":7"),
            ("fcall_ro f 0", ":7"),
            ("function delete lib", "+OK"),
            ("function list", "[]"),
        ],
    );
    client.send(support::encode(&[b"function", b"restore", &payload[..len]]));
    client.expect("+OK\r\n");
    begins(
        client,
        &[
            ("fcall f 0", ":7"),
            ("function stats", "[running_script nil engines"),
            ("function help", "[+FUNCTION <subcommand>"),
            ("script help", "[+SCRIPT <subcommand>"),
            ("function flush", "+OK"),
        ],
    );
}

fn transactions(client: &mut Client) {
    talk(
        client,
        &[
            ("watch k", "+OK"),
            ("unwatch", "+OK"),
            ("multi", "+OK"),
            ("discard", "+OK"),
            ("multi", "+OK"),
            ("ping", "+QUEUED"),
            ("exec", "[+PONG]"),
        ],
    );
}

fn connections(client: &mut Client, server: &Server) {
    talk(
        client,
        &[
            ("ping hello", "hello"),
            ("echo hello", "hello"),
            ("client setname me", "+OK"),
            ("client getname", "me"),
            ("client setinfo lib-name mine", "+OK"),
            ("client capa redirect", "+OK"),
            ("client import-source off", "+OK"),
            ("client getredir", ":-1"),
            (
                "client trackinginfo",
                "[flags [off] redirect :-1 prefixes []]",
            ),
            ("client tracking on optin", "+OK"),
            ("client caching yes", "+OK"),
            ("client tracking off", "+OK"),
            ("client no-evict on", "+OK"),
            ("client no-touch off", "+OK"),
            ("client reply on", "+OK"),
            ("client kill id 999999", ":0"),
            ("client unblock 999999", ":0"),
            ("client pause 1 write", "+OK"),
            ("client unpause", "+OK"),
            ("readonly", "+OK"),
            ("readwrite", "+OK"),
            (
                "auth sesame",
                "-ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                 configuration is correct?",
            ),
            ("auth default any", "+OK"),
        ],
    );
    client.request(&["client", "id"]);
    let id = show(client);
    begins(
        client,
        &[
            ("client info", &format!("id={} addr=127.0.0.1:", &id[1..])),
            ("client list", "id="),
            ("client help", "[+CLIENT <subcommand>"),
            ("hello 2", "[server redis version "),
        ],
    );
    let mut other = server.client();
    other.ask(&["reset"], "+RESET\r\n");
    other.ask(&["quit"], "+OK\r\n");
    other.expect_closed();
}

fn channels(client: &mut Client) {
    talk(
        client,
        &[
            ("publish news x", ":0"),
            ("spublish news x", ":0"),
            ("pubsub channels", "[]"),
            ("pubsub numsub news", "[news :0]"),
            ("pubsub numpat", ":0"),
            ("pubsub shardchannels", "[]"),
            ("pubsub shardnumsub news", "[news :0]"),
            ("subscribe news", "[subscribe news :1]"),
            ("unsubscribe news", "[unsubscribe news :0]"),
            ("psubscribe n*", "[psubscribe n* :1]"),
            ("punsubscribe n*", "[punsubscribe n* :0]"),
            ("ssubscribe news", "[ssubscribe news :1]"),
            ("sunsubscribe news", "[sunsubscribe news :0]"),
        ],
    );
    begins(client, &[("pubsub help", "[+PUBSUB <subcommand>")]);
}

fn about_the_server(client: &mut Client) {
    talk(
        client,
        &[
            ("command getkeys get k", "[k]"),
            ("command getkeysandflags get k", "[[k [+RO +access]]]"),
            ("command list filterby pattern xle*", "[xlen]"),
            ("config get port", "[port 0]"),
            ("config set timeout 0", "+OK"),
            (
                "config rewrite",
                "-ERR The server is running without a config file",
            ),
            ("role", "[master :0 []]"),
            ("memory purge", "+OK"),
            ("memory usage nokey", "nil"),
            ("debug sleep 0", "+OK"),
            ("acl whoami", "default"),
            ("acl users", "[default]"),
            (
                "acl list",
                "[user default on nopass sanitize-payload ~* &* +@all]",
            ),
            ("acl setuser bob on >x ~k:* +get", "+OK"),
            (
                "acl dryrun bob set k:1 v",
                "User bob has no permissions to run the 'set' command",
            ),
            ("acl deluser bob nobody", ":1"),
            ("acl getuser bob", "nil"),
            ("acl log reset", "+OK"),
            ("shutdown abort", "-ERR No shutdown in progress."),
        ],
    );
    begins(
        client,
        &[
            ("command", "[["),
            ("command count", ":2"),
            ("command docs get", "[get [summary "),
            ("command info get", "[[get :2 ["),
            ("command help", "[+COMMAND <subcommand>"),
            ("config help", "[+CONFIG <subcommand>"),
            ("object help", "[+OBJECT <subcommand>"),
            ("info server", "# Server\r\nredis_version:"),
            ("lastsave", ":"),
            ("time", "["),
            ("memory doctor", ""),
            ("memory help", "[+MEMORY <subcommand>"),
            ("memory malloc-stats", "Bytes, as"),
            ("memory stats", "[peak.allocated :"),
            ("module list", "[]"),
            ("module help", "[+MODULE <subcommand>"),
            ("acl help", "[+ACL <subcommand>"),
            ("acl cat", "[keyspace read write "),
            ("acl genpass 8", ""),
            (
                "acl load",
                "-ERR This Redis instance is not configured to use an ACL",
            ),
            (
                "acl save",
                "-ERR This Redis instance is not configured to use an ACL",
            ),
            ("lolwut", "| "),
        ],
    );
}

fn observers(client: &mut Client, server: &Server) {
    talk(
        client,
        &[
            ("slowlog get", "[]"),
            ("slowlog len", ":0"),
            ("slowlog reset", "+OK"),
            ("commandlog get -1 large-reply", "[]"),
            ("commandlog len slow", ":0"),
            ("commandlog reset large-request", "+OK"),
            ("latency latest", "[]"),
            ("latency history command", "[]"),
            ("latency reset", ":0"),
            (
                "latency graph command",
                "-ERR No samples available for event 'command'",
            ),
        ],
    );
    begins(
        client,
        &[
            ("latency doctor", "I'm sorry, Dave"),
            ("latency histogram get", "[get [calls :4 histogram_usec ["),
            ("latency help", "[+LATENCY <subcommand>"),
            ("slowlog help", "[+SLOWLOG <subcommand>"),
            ("commandlog help", "[+COMMANDLOG <subcommand>"),
        ],
    );
    server.client().ask(&["monitor"], "+OK\r\n");
}

fn what_larder_refuses(client: &mut Client) {
    const MEMORY_ONLY: &str =
        "-ERR Larder keeps its data in memory only: nothing is stored on disk";
    const NO_REPLICAS: &str = "-ERR Larder cannot have replicas: replication is not supported";
    const NO_MODULES: &str = "-ERR Larder has no modules and cannot load any";
    talk(
        client,
        &[
            ("save", MEMORY_ONLY),
            ("bgsave", MEMORY_ONLY),
            ("bgrewriteaof", MEMORY_ONLY),
            ("replicaof no one", "+OK"),
            ("slaveof no one", "+OK"),
            ("replconf listening-port 1", NO_REPLICAS),
            ("psync ? -1", NO_REPLICAS),
            ("sync", NO_REPLICAS),
            ("failover", "-ERR FAILOVER requires connected replicas."),
            ("module load x", NO_MODULES),
            ("module loadex x", NO_MODULES),
            ("module unload x", NO_MODULES),
        ],
    );
}

fn cluster(client: &mut Client) {
    talk(client, &[("cluster keyslot foo", ":12182")]);
    for request in [
        "asking",
        "clusterscan 0",
        "cluster addslots 1",
        "cluster addslotsrange 1 2",
        "cluster bumpepoch",
        "cluster cancelslotmigrations",
        "cluster count-failure-reports x",
        "cluster countkeysinslot 1",
        "cluster delslots 1",
        "cluster delslotsrange 1 2",
        "cluster failover",
        "cluster flushslot 1",
        "cluster flushslots",
        "cluster forget x",
        "cluster getkeysinslot 1 1",
        "cluster getslotmigrations",
        "cluster help",
        "cluster info",
        "cluster links",
        "cluster meet 127.0.0.1 1",
        "cluster migrateslots slotsrange 1 2 node x",
        "cluster myid",
        "cluster myshardid",
        "cluster nodes",
        "cluster replicas x",
        "cluster replicate x",
        "cluster reset",
        "cluster saveconfig",
        "cluster set-config-epoch 1",
        "cluster setslot 1 stable",
        "cluster shards",
        "cluster slaves x",
        "cluster slot-stats slotsrange 0 1",
        "cluster slots",
        "cluster syncslots finish",
    ] {
        talk(
            client,
            &[(request, "-ERR This instance has cluster support disabled")],
        );
    }
}
