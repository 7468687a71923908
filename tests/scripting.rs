//! What scripts and functions return, and what manages them. The replies in the tables are those of redis-server 8.0.

mod support;

use support::{Server, encode, show};

const OK: &str = "+OK\r\n";

/// A script, and its reply in RESP2 and in RESP3. Its keys are a hash, a sorted set, a set, a string and a counter.
const REPLIES: &[(&str, &str, &str)] = &[
    ("return 1", ":1\r\n", ":1\r\n"),
    ("return 3.99", ":3\r\n", ":3\r\n"),
    ("return -3.99", ":-3\r\n", ":-3\r\n"),
    ("return 'text'", "$4\r\ntext\r\n", "$4\r\ntext\r\n"),
    ("return ''", "$0\r\n\r\n", "$0\r\n\r\n"),
    ("return true", ":1\r\n", ":1\r\n"),
    ("return false", "$-1\r\n", "_\r\n"),
    ("return nil", "$-1\r\n", "_\r\n"),
    ("return {}", "*0\r\n", "*0\r\n"),
    (
        "return {1,2,{3,'x'}}",
        "*3\r\n:1\r\n:2\r\n*2\r\n:3\r\n$1\r\nx\r\n",
        "*3\r\n:1\r\n:2\r\n*2\r\n:3\r\n$1\r\nx\r\n",
    ),
    ("return {1,nil,3}", "*1\r\n:1\r\n", "*1\r\n:1\r\n"),
    ("return {ok='fine'}", "+fine\r\n", "+fine\r\n"),
    ("return {err='ERR bad'}", "-ERR bad\r\n", "-ERR bad\r\n"),
    ("return {err='-ERR bad'}", "--ERR bad\r\n", "--ERR bad\r\n"),
    (
        "return redis.status_reply('fine')",
        "+fine\r\n",
        "+fine\r\n",
    ),
    (
        "return redis.error_reply('bad')",
        "-ERR bad\r\n",
        "-ERR bad\r\n",
    ),
    (
        "return redis.error_reply('MY bad')",
        "-MY bad\r\n",
        "-MY bad\r\n",
    ),
    ("return {double=3.5}", "$3\r\n3.5\r\n", ",3.5\r\n"),
    (
        "return {map={a=1}}",
        "*2\r\n$1\r\na\r\n:1\r\n",
        "%1\r\n$1\r\na\r\n:1\r\n",
    ),
    (
        "return {set={a=true}}",
        "*1\r\n$1\r\na\r\n",
        "~1\r\n$1\r\na\r\n",
    ),
    (
        "return {big_number='123456789012345678901234567890'}",
        "$30\r\n123456789012345678901234567890\r\n",
        "(123456789012345678901234567890\r\n",
    ),
    (
        "return {verbatim_string={format='txt',string='hi'}}",
        "$2\r\nhi\r\n",
        "=6\r\ntxt:hi\r\n",
    ),
    (
        "return {verbatim_string={format='txt'}}",
        "*0\r\n",
        "*0\r\n",
    ),
    ("return {map='x'}", "*0\r\n", "*0\r\n"),
    ("return {ok=1}", "*0\r\n", "*0\r\n"),
    (
        "return {1,{err='ERR inner'}}",
        "*2\r\n:1\r\n-ERR inner\r\n",
        "*2\r\n:1\r\n-ERR inner\r\n",
    ),
    ("return {double='x'}", "*0\r\n", "*0\r\n"),
    ("return function() end", "$-1\r\n", "_\r\n"),
    ("redis.setresp(3) return true", ":1\r\n", "#t\r\n"),
    ("redis.setresp(3) return false", ":0\r\n", "#f\r\n"),
    (
        "redis.setresp(3) return {true,false,{double=1}}",
        "*3\r\n:1\r\n:0\r\n$1\r\n1\r\n",
        "*3\r\n#t\r\n#f\r\n,1\r\n",
    ),
    (
        "redis.setresp(3) return redis.call('HGETALL',KEYS[1])",
        "*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
        "%1\r\n$1\r\nf\r\n$1\r\nv\r\n",
    ),
    (
        "return redis.call('HGETALL',KEYS[1])",
        "*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
        "*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
    ),
    (
        "redis.setresp(3) return redis.call('ZSCORE',KEYS[2],'m')",
        "$3\r\n1.5\r\n",
        ",1.5\r\n",
    ),
    (
        "return redis.call('ZSCORE',KEYS[2],'m')",
        "$3\r\n1.5\r\n",
        "$3\r\n1.5\r\n",
    ),
    (
        "redis.setresp(3) return redis.call('SMEMBERS',KEYS[3])",
        "*1\r\n$1\r\nx\r\n",
        "~1\r\n$1\r\nx\r\n",
    ),
    (
        "redis.setresp(3) return redis.call('GET','nothing')",
        "$-1\r\n",
        "_\r\n",
    ),
    ("return redis.call('GET','nothing')", "$-1\r\n", "_\r\n"),
    (
        "redis.setresp(3) return type(redis.call('GET','nothing'))",
        "$3\r\nnil\r\n",
        "$3\r\nnil\r\n",
    ),
    (
        "return type(redis.call('GET','nothing'))",
        "$7\r\nboolean\r\n",
        "$7\r\nboolean\r\n",
    ),
    ("return redis.call('SET',KEYS[4],'v')", "+OK\r\n", "+OK\r\n"),
    (
        "return redis.call('SET',KEYS[4],'v').ok",
        "$2\r\nOK\r\n",
        "$2\r\nOK\r\n",
    ),
    (
        "return redis.call('GET',KEYS[4])",
        "$1\r\nv\r\n",
        "$1\r\nv\r\n",
    ),
    (
        "return redis.pcall('HGET',KEYS[4],'f')",
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    ),
    (
        "return redis.pcall('HGET',KEYS[4],'f').err",
        "$65\r\nWRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        "$65\r\nWRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    ),
    (
        "return redis.pcall('nosuch').err",
        "$44\r\nERR Unknown Redis command called from script\r\n",
        "$44\r\nERR Unknown Redis command called from script\r\n",
    ),
    (
        "return redis.pcall('get').err",
        "$58\r\nERR Wrong number of args calling Redis command from script\r\n",
        "$58\r\nERR Wrong number of args calling Redis command from script\r\n",
    ),
    (
        "return redis.pcall().err",
        "$64\r\nERR Please specify at least one argument for this redis lib call\r\n",
        "$64\r\nERR Please specify at least one argument for this redis lib call\r\n",
    ),
    (
        "return redis.pcall({}).err",
        "$63\r\nERR Lua redis lib command arguments must be strings or integers\r\n",
        "$63\r\nERR Lua redis lib command arguments must be strings or integers\r\n",
    ),
    (
        "return redis.call('LRANGE','nolist',0,-1)",
        "*0\r\n",
        "*0\r\n",
    ),
    (
        "return #KEYS .. #ARGV .. KEYS[1] .. ARGV[1]",
        "$7\r\n52harg1\r\n",
        "$7\r\n52harg1\r\n",
    ),
    (
        "return ARGV",
        "*2\r\n$4\r\narg1\r\n$4\r\narg2\r\n",
        "*2\r\n$4\r\narg1\r\n$4\r\narg2\r\n",
    ),
    (
        "return KEYS",
        "*5\r\n$1\r\nh\r\n$1\r\nz\r\n$1\r\ns\r\n$1\r\nk\r\n$1\r\nn\r\n",
        "*5\r\n$1\r\nh\r\n$1\r\nz\r\n$1\r\ns\r\n$1\r\nk\r\n$1\r\nn\r\n",
    ),
    (
        "return tostring(redis.call('INCR',KEYS[5]))",
        "$1\r\n1\r\n",
        "$1\r\n1\r\n",
    ),
    (
        "return redis.call('ECHO', 12)",
        "$2\r\n12\r\n",
        "$2\r\n12\r\n",
    ),
    (
        "return redis.call('ECHO', 1.5)",
        "$3\r\n1.5\r\n",
        "$3\r\n1.5\r\n",
    ),
    (
        "return redis.call('ECHO', 1e15)",
        "$16\r\n1000000000000000\r\n",
        "$16\r\n1000000000000000\r\n",
    ),
    (
        "return redis.call('ECHO', -0.5)",
        "$4\r\n-0.5\r\n",
        "$4\r\n-0.5\r\n",
    ),
    (
        "redis.setresp(3) return redis.call('HGETALL',KEYS[1]).map.f",
        "$1\r\nv\r\n",
        "$1\r\nv\r\n",
    ),
    (
        "return {{{{'deep'}}}}",
        "*1\r\n*1\r\n*1\r\n*1\r\n$4\r\ndeep\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n$4\r\ndeep\r\n",
    ),
    (
        "return {[1]='a',[3]='c'}",
        "*1\r\n$1\r\na\r\n",
        "*1\r\n$1\r\na\r\n",
    ),
    ("return {a=1}", "*0\r\n", "*0\r\n"),
];

#[test]
fn scripts_return_what_the_peers_return() {
    let server = Server::start(&[("workers", "1")]);
    for resp3 in [false, true] {
        let mut client = server.client();
        client.talk(&[
            ("FLUSHALL", OK),
            ("HSET h f v", ":1\r\n"),
            ("ZADD z 1.5 m", ":1\r\n"),
            ("SADD s x", ":1\r\n"),
        ]);
        if resp3 {
            client.request(&["HELLO", "3"]);
            show(&mut client);
        }
        for (script, in_resp2, in_resp3) in REPLIES {
            println!("{script}");
            let request = ["EVAL", script, "5", "h", "z", "s", "k", "n", "arg1", "arg2"];
            client.ask(&request, if resp3 { in_resp3 } else { in_resp2 });
        }
    }
}

#[test]
fn errors_are_counted_once() {
    let server = Server::start(&[("workers", "1")]);
    let mut client = server.client();
    // What the script does, and what is counted: calls and failures of SELECT, failures of EVAL, errors of this code.
    for (script, select, eval, errors) in [
        ("return redis.call('SELECT', 99)", (1, 1), 1, 1),
        ("return redis.pcall('SELECT', 99)", (1, 1), 1, 1),
        ("redis.pcall('SELECT', 99) return 1", (1, 1), 0, 1),
        ("return {err = 'ERR of its own'}", (0, 0), 1, 1),
        ("return {1, {err = 'ERR of its own'}}", (0, 0), 0, 1),
    ] {
        client.ask(&["CONFIG", "RESETSTAT"], OK);
        client.request(&["EVAL", script, "0"]);
        show(&mut client);
        let text = client.bulk(&["INFO", "everything"]);
        let figure = |line: &str, field: &str| {
            let line = text.lines().find_map(|other| other.strip_prefix(line));
            let rest = line.and_then(|line| line.split(field).nth(1));
            rest.map_or(0, |rest| {
                let end = rest.find(',').unwrap_or(rest.len());
                rest[..end].parse().unwrap()
            })
        };
        let seen = (
            figure("cmdstat_select:", "calls="),
            figure("cmdstat_select:", "failed_calls="),
        );
        assert_eq!(seen, select, "{script}");
        assert_eq!(figure("cmdstat_eval:", "failed_calls="), eval, "{script}");
        assert_eq!(figure("errorstat_ERR:", "count="), errors, "{script}");
        assert_eq!(figure("total_error_replies", ":"), errors, "{script}");
    }
}

#[test]
fn the_cache_of_scripts() {
    let server = Server::start(&[("workers", "2")]);
    let (mut one, mut other) = (server.client(), server.client());
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    let none = "-NOSCRIPT No matching script. Please use EVAL.\r\n";
    for client in [&mut one, &mut other] {
        client.ask(&["EVALSHA", sha, "0"], none);
    }
    one.ask(&["EVAL", "return 1", "0"], ":1\r\n");
    for client in [&mut one, &mut other] {
        client.ask(&["EVALSHA", sha, "0"], ":1\r\n");
        client.ask(&["EVALSHA_RO", &sha.to_uppercase(), "0"], ":1\r\n");
        client.ask(&["SCRIPT", "EXISTS", sha, "x"], "*2\r\n:1\r\n:0\r\n");
    }
    // What one thread knows it forgets when another removes it.
    other.ask(&["SCRIPT", "FLUSH"], OK);
    for client in [&mut one, &mut other] {
        client.ask(&["EVALSHA", sha, "0"], none);
        client.ask(&["SCRIPT", "SHOW", sha], none);
    }
    one.ask(&["SCRIPT", "LOAD", "return 1"], format!("$40\r\n{sha}\r\n"));
    for client in [&mut one, &mut other] {
        client.ask(&["EVALSHA", sha, "0"], ":1\r\n");
        client.ask(&["SCRIPT", "SHOW", sha], "$8\r\nreturn 1\r\n");
    }
}

#[test]
fn libraries_are_dumped_and_restored() {
    let server = Server::start(&[("workers", "1")]);
    let mut client = server.client();
    let library = "#!lua name=lib\nredis.register_function('f', function(keys, args) return {#keys, args[1]} end)";
    let text = "$3\r\nlib\r\n";
    client.ask(&["FUNCTION", "LOAD", library], text);
    client.ask(
        &["FUNCTION", "LOAD", library],
        "-ERR Library 'lib' already exists\r\n",
    );
    client.ask(&["FUNCTION", "LOAD", "REPLACE", library], text);
    client.request(&["FUNCTION", "DUMP"]);
    let length = client.line();
    let length: usize = length[1..].trim_end().parse().unwrap();
    let dump = client.take(length);
    client.expect("\r\n");
    let restore = |words: &[&str]| {
        let mut request: Vec<&[u8]> = vec![b"FUNCTION", b"RESTORE", &dump];
        request.extend(words.iter().map(|word| word.as_bytes()));
        encode(&request)
    };
    client.ask_raw(restore(&[]), "-ERR Library lib already exists\r\n");
    client.ask_raw(restore(&["APPEND"]), "-ERR Library lib already exists\r\n");
    client.ask_raw(restore(&["REPLACE"]), OK);
    client.ask_raw(restore(&["FLUSH"]), OK);
    client.ask(&["FUNCTION", "DELETE", "lib"], OK);
    client.ask(&["FCALL", "f", "0"], "-ERR Function not found\r\n");
    client.ask_raw(restore(&[]), OK);
    client.ask(&["FCALL", "f", "1", "k", "a"], "*2\r\n:1\r\n$1\r\na\r\n");
    client.ask(
        &["FUNCTION", "RESTORE", "nonsense"],
        "-ERR DUMP payload version or checksum are wrong\r\n",
    );
}

/// Redis has no global `server`; what is called through it answers as in Valkey, where that is the name.
#[test]
fn errors_have_the_words_of_the_table_that_was_called() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for (script, expected) in [
        (
            "server.call('nosuch')",
            "-ERR Unknown command called from script script: ",
        ),
        (
            "server.call('get')",
            "-ERR Wrong number of args calling command from script script: ",
        ),
        (
            "server.call()",
            "-ERR Please specify at least one argument for this call script: ",
        ),
        (
            "server.call({})",
            "-ERR Command arguments must be strings or integers script: ",
        ),
        (
            "server.setresp()",
            "-ERR server.setresp() requires one argument. script: ",
        ),
        (
            "redis.setresp()",
            "-ERR redis.setresp() requires one argument. script: ",
        ),
        (
            "redis.call('nosuch')",
            "-ERR Unknown Redis command called from script script: ",
        ),
    ] {
        let line = client.first_line(&["EVAL", script, "0"]);
        assert!(line.starts_with(expected), "{script}: {line}");
    }
    client.talk(&[("CONFIG SET extended-redis-compatibility no", OK)]);
    let line = client.first_line(&["EVAL", "redis.call('nosuch')", "0"]);
    assert!(
        line.starts_with("-ERR Unknown command called from script "),
        "{line}"
    );
    client.talk(&[("CONFIG SET extended-redis-compatibility yes", OK)]);
    for name in ["redis", "server"] {
        let library = format!("#!lua name=lib\n{name}.register_function(1, 2)");
        client.ask(
            &["FUNCTION", "LOAD", &library],
            format!("-ERR Error registering functions: first argument to {name}.register_function must be a string\r\n"),
        );
    }
}

/// While a library is loaded it sees what it takes to register functions; the functions see everything.
#[test]
fn a_library_sees_little_until_its_functions_are_called() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let missing = |name: &str| {
        format!(
            "-ERR Error registering functions: user_function:2: Script attempted to access nonexistent global variable '{name}'\r\n"
        )
    };
    for (code, name) in [
        ("math.random()", "math"),
        ("mt = getmetatable(_G)", "getmetatable"),
        ("local all = _G", "_G"),
        ("redis.call('PING')", "call"),
        ("redis.math.random()", "math"),
        ("server.setresp(3)", "setresp"),
    ] {
        let library = format!("#!lua name=lib\n{code}");
        client.ask(&["FUNCTION", "LOAD", &library], missing(name));
    }
    let library = "#!lua name=lib\nlocal register = redis.register_function\n\
         register('max', function(keys, args) return math.max(redis.call('INCR', keys[1]), args[1]) end)\n\
         register('late', function() redis.register_function('later', function() end) end)\n\
         register('kept', function() register('later', function() end) end)\n\
         redis.log(redis.LOG_DEBUG, redis.REDIS_VERSION)";
    client.ask(&["FUNCTION", "LOAD", library], "$3\r\nlib\r\n");
    client.ask(&["FCALL", "max", "1", "key", "7"], ":7\r\n");
    let late = client.first_line(&["FCALL", "late", "0"]);
    assert!(
        late.contains("attempt to call field 'register_function' (a nil value)"),
        "{late}"
    );
    let kept = client.first_line(&["FCALL", "kept", "0"]);
    assert!(
        kept.contains("redis.register_function can only be called on FUNCTION LOAD command"),
        "{kept}"
    );
}
