//! Scripts that mean harm: whatever they do, the process lives, their shards are free when they are done, and the next script finds
//! everything as it should be.

mod support;

use std::thread;
use std::time::{Duration, Instant};

use support::{Client, Server, show};

const OK: &str = "+OK\r\n";

/// The next script, on every worker, works.
fn check(server: &Server) {
    for _ in 0..4 {
        let mut client = server.client();
        client.ask(
            &["EVAL", "local t = {} for i = 1, 100 do t[i] = redis.call('INCRBY', KEYS[1], i) end return #t", "1", "check"],
            ":100\r\n",
        );
        client.ask(
            &["EVAL", "return redis.call('DEL', 'ch' .. 'eck')", "0"],
            ":1\r\n",
        );
    }
    assert_eq!(server.inside().scripts.running.count(), 0);
}

/// What runs until it is ended, in every corner where an error might get stuck.
const ENDLESS: &[&str] = &[
    "while true do end",
    "repeat until false",
    "local function f() return f() end return f()",
    "while true do redis.call('PING') end",
    "while true do redis.pcall('PING') end",
    "while true do pcall(redis.call, 'PING') end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(pcall, pcall, pcall, function() while true do end end) end",
    "while true do pcall(function() pcall(function() pcall(function() while true do end end) end) end) end",
    "while true do pcall(redis.call, 'NOSUCH') end",
    "while true do xpcall(function() while true do end end, function(e) return e end) end",
    "while true do xpcall(error, function() while true do end end) end",
    "while true do xpcall(error, function() xpcall(error, function() while true do end end) end) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "local function f() while true do pcall(f) end end f()",
    "local function f() while true do xpcall(f, f) end end f()",
    "coroutine.wrap(function() while true do end end)()",
    "while true do coroutine.wrap(function() while true do end end)() end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "local function f() while true do coroutine.resume(coroutine.create(f)) end end f()",
    "local c = coroutine.wrap(function() while true do coroutine.yield(redis.call('PING')) end end) while true do c() end",
    "while true do local c = coroutine.wrap(function() coroutine.yield() end) c() end",
    "while true do pcall(coroutine.wrap(function() pcall(function() while true do end end) end)) end",
    "while true do table.sort({3, 2, 1, 4, 5, 6}, function(a, b) while true do end end) end",
    "while true do pcall(table.sort, {3, 2, 1, 4, 5, 6}, function(a, b) while true do end end) end",
    "while true do pcall(string.gsub, 'abc', '.', function() while true do end end) end",
    "setmetatable({}, {__index = function(t, k) while true do end end}).x()",
    "while true do pcall(function() return setmetatable({}, {__concat = function() while true do end end}) .. 'a' end) end",
    "while true do pcall(tostring, setmetatable({}, {__tostring = function() while true do end end})) end",
    "local t = setmetatable({}, {__call = function(t) return t() end}) return t()",
    "for k in function() return 1 end do end",
    "while true do loadstring('return 1')() end",
    "while true do pcall(loadstring('while true do end')) end",
    "local function f() return string.gsub(string.rep('a', 100), 'a', function() return pcall(f) end) end return f() and 1",
    "local t = {} while true do t[#t % 1000 + 1] = string.rep('x', 1000) end",
];

fn until_running(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.inside().scripts.running.count() == 0 {
        assert!(Instant::now() < deadline, "no script takes long");
        thread::yield_now();
    }
}

fn begin(server: &Server, script: &str, number: &str) -> Client {
    let mut client = server.client();
    client.request(&["EVAL", script, number, "key"]);
    until_running(server);
    client
}

#[test]
fn whatever_does_not_end_is_ended() {
    let server = Server::start(&[("workers", "1"), ("busy-reply-threshold", "60000")]);
    let mut other = server.client();
    for script in ENDLESS {
        println!("{script}");
        let mut client = begin(&server, script, "1");
        other.talk(&[("SCRIPT KILL", OK)]);
        let reply = client.line();
        assert!(
            reply.contains("Script killed by user with SCRIPT KILL."),
            "{script}: {reply}"
        );
        other.talk(&[("SET key 1", OK)]);
        check(&server);
    }
    // As part of a transaction, the rest of which is executed.
    let mut client = server.client();
    client.talk(&[("MULTI", OK), ("SET key 2", "+QUEUED\r\n")]);
    client.ask(
        &[
            "EVAL",
            "while true do pcall(redis.call, 'GET', KEYS[1]) end",
            "1",
            "key",
        ],
        "+QUEUED\r\n",
    );
    client.talk(&[("INCR key", "+QUEUED\r\n")]);
    client.request(&["EXEC"]);
    until_running(&server);
    other.talk(&[("SCRIPT KILL", OK)]);
    let reply = show(&mut client);
    assert!(
        reply.contains("killed by user") && reply.ends_with(" :3]"),
        "{reply}"
    );
    check(&server);
}

#[test]
fn who_was_told_that_a_script_ends_can_rely_on_it() {
    // A script writes at a moment that nobody knows, and is killed at another: it is either ended before its write or not ended at all.
    let server = Server::start(&[("workers", "2"), ("busy-reply-threshold", "60000")]);
    let mut other = server.client();
    for round in 0..60 {
        other.talk(&[("SET key 0", OK)]);
        let spins = 20_000 + round * 1_500;
        let script = format!(
            "for i = 1, {spins} do end redis.call('INCR', KEYS[1]) for i = 1, 20000 do end redis.call('INCR', KEYS[1])"
        );
        let mut client = server.client();
        client.request(&["EVAL", &script, "1", "key"]);
        let told = loop {
            let line = other.first_line(&["SCRIPT", "KILL"]);
            if !line.starts_with("-NOTBUSY") || other.bulk(&["GET", "key"]) == "2" {
                break line;
            }
        };
        let is_ended = client.line().contains("killed by user");
        assert_eq!(is_ended, told == "+OK", "{told}");
        other.ask(
            &["GET", "key"],
            if is_ended {
                "$1\r\n0\r\n"
            } else {
                "$1\r\n2\r\n"
            },
        );
    }
    check(&server);
}

/// What recurses, grows and fails, and ends by itself.
const HARMFUL: &[&str] = &[
    // Recursion.
    "local function f() return 1 + f() end return f()",
    "local function f() return (pcall(f)) end return tostring(f())",
    "local function f() return (xpcall(f, f)) end return tostring(f())",
    "local function f() return coroutine.wrap(f)() end return f()",
    "local function f() return select(2, coroutine.resume(coroutine.create(f))) end return tostring(f())",
    "local function f() return string.gsub('a', 'a', f) end return f()",
    "local function f(a, b) table.sort({3, 2, 1}, f) return a < b end table.sort({3, 2, 1}, f)",
    "local t = {} setmetatable(t, {__index = function(t, k) return t[k + 1] end}) return t[1]",
    "local t = {} setmetatable(t, {__index = t}) return t.x",
    "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
    "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)",
    "local t = setmetatable({}, {__eq = function(a, b) return a == b end}) return t == setmetatable({}, getmetatable(t))",
    "local t = setmetatable({}, {__lt = function(a, b) return a < b end}) return t < t",
    "local t = setmetatable({}, {__unm = function(a) return -a end}) return -t",
    "local t = setmetatable({}, {__newindex = function(t, k, v) t[k] = v end}) t.x = 1",
    "local t = {} t[1] = t return t",
    "local t = {} for i = 1, 100000 do t = {t} end return t",
    "return loadstring('return ' .. string.rep('(', 10000) .. '1' .. string.rep(')', 10000))",
    "return loadstring('return ' .. string.rep('{', 10000) .. string.rep('}', 10000))",
    "return loadstring(string.rep('a=', 10000) .. '1')",
    "return loadstring('return ' .. string.rep('-', 10000) .. '1')",
    "return loadstring(string.rep('do ', 10000) .. string.rep('end ', 10000))",
    "return loadstring('return ' .. string.rep('function() return ', 1000) .. '1' .. string.rep(' end', 1000))",
    "local function f() return load(function() return f() end) end return f() and 1",
    // Errors of every kind.
    "error()",
    "error(nil)",
    "error(1)",
    "error(true)",
    "error({})",
    "error({err = {}})",
    "error({err = 1})",
    "error(setmetatable({}, {__tostring = function() while true do end end, __index = function() while true do end end}))",
    "error(print)",
    "error(coroutine.create(error))",
    "error(setmetatable({}, {__index = function() error('x') end, __tostring = function() error('y') end}))",
    "return xpcall(error, error)",
    "return xpcall(error, function() error({}) end)",
    "return xpcall(error, function() return redis.call('NOSUCH') end)",
    "return xpcall(error, nil)",
    "return pcall()",
    "return pcall(pcall)",
    "return {pcall(error, {err = 'a\\r\\nb'})}",
    "return {err = 'a\\r\\n-b', ok = 'c'}",
    "return redis.error_reply('a\\r\\n+OK')",
    "return redis.status_reply('a\\r\\n+OK')",
    "local c = coroutine.create(function() error(coroutine.running()) end) return coroutine.resume(c)",
    "coroutine.yield(1)",
    "return coroutine.wrap(function() return pcall(coroutine.yield, 1) end)()",
    "local c = coroutine.wrap(function() coroutine.yield(redis.call('PING')) end) c() return c()",
    "local c = coroutine.create(function() coroutine.yield(redis.call('SET', 'a', 1)) end) coroutine.resume(c)",
    "for i = 1, 5000 do coroutine.wrap(function() coroutine.yield(redis.call('PING')) end)() end return 1",
    "for i = 1, 1000 do pcall(coroutine.wrap(function() redis.call('NOSUCH') end)) end return 1",
    "local c c = coroutine.create(function() return coroutine.resume(c) end) return tostring(coroutine.resume(c))",
    // Sizes.
    "return string.rep('x', 100000000)",
    "return redis.call('SET', 'k', string.rep('x', 20000000))",
    "local t = {} for i = 1, 7000 do t[i] = 'a' .. i end return redis.call('DEL', unpack(t))",
    "local t = {} for i = 1, 100000 do t[i] = 'a' end return redis.call('DEL', unpack(t))",
    "return unpack({}, 1, 1e8)",
    "return unpack({}, -1e9, 1e9)",
    "return redis.call(string.rep('x', 10000000))",
    "return redis.call('SET', 'k', 0/0)",
    "return redis.call({})",
    "return redis.call('SET', 'k', {})",
    "return redis.call('SET', 'k', nil)",
    "return redis.call('EVAL', 'return 1', 0)",
    "return redis.call('MULTI')",
    "return redis.call('BLPOP', 'none', 0)",
    "return redis.call('SUBSCRIBE', 'a')",
    "return redis.call('SELECT', 5)",
    "local t = {} for i = 1, 300000 do t[i] = i end return t",
    "local t = {} for i = 1, 1000000 do t[i] = {} end return #t",
    // Memory: more than there is, noticed or not.
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = string.rep('x' .. #t, 20000) end",
    "local t = {} while true do t = {t} end",
    "return tostring(pcall(function() local s = 'x' while true do s = s .. s end end))",
    "for i = 1, 30 do pcall(function() local t = {} while true do t[#t + 1] = string.rep('x' .. #t, 100000) end end) end return 1",
    "for i = 1, 5 do pcall(string.rep, 'x', 1e9) end return 1",
    "return string.rep('x', 2^31)",
    "return string.rep('x', -1)",
    "return #string.format('%99.99f', 1e300)",
    "return string.format('%s', string.rep('x', 1000000)) and 1",
    "return table.concat({}, 'x', 1, 1e9)",
    "local p = newproxy and newproxy(true) if p then getmetatable(p).__gc = function() while true do end end end p = nil \
     for i = 1, 10000 do local t = {} end return 1",
    "return getmetatable('').__index",
    "return collectgarbage and collectgarbage('stop') or 1",
    "return string.dump and pcall(string.dump, function() end) and 1",
    "return loadstring(string.dump(function() end))",
    "return loadstring('\\27Lua')",
];

#[test]
fn whatever_ends_by_itself_leaves_nothing_behind() {
    let server = Server::start(&[("workers", "1"), ("script-memory-limit", "64mb")]);
    let mut client = server.client();
    for script in HARMFUL {
        println!("{script}");
        client.request(&["EVAL", script, "0"]);
        client.request(&["EVAL", "return 'behind'", "0"]);
        skip(&mut client, script);
        assert_eq!(show(&mut client), "behind", "{script}");
        check(&server);
    }
    client.talk(&[("FLUSHALL", OK), ("MULTI", OK)]);
    for script in HARMFUL {
        client.ask(&["EVAL", script, "0"], "+QUEUED\r\n");
    }
    client.request(&["EXEC"]);
    client.request(&["ECHO", "the end"]);
    skip(&mut client, "EXEC");
    assert_eq!(show(&mut client), "the end");
    check(&server);
}

/// Reads over the next reply.
fn skip(client: &mut Client, what: &str) {
    let mut left = 1_u64;
    while left > 0 {
        left -= 1;
        let line = client.line();
        let (kind, rest) = line.split_at(1);
        match kind {
            "$" if rest != "-1" => {
                client.take(rest.parse::<usize>().expect(what) + 2);
            }
            "*" if rest != "-1" => left += rest.parse::<u64>().expect(what),
            "$" | "*" | ":" | "+" | "-" => {}
            _ => panic!("{what}: {line}"),
        }
    }
}

#[test]
fn many_scripts_and_many_libraries() {
    let server = Server::start(&[("workers", "2"), ("script-memory-limit", "16mb")]);
    thread::scope(|scope| {
        for worker in 0..3 {
            let mut client = server.client();
            scope.spawn(move || {
                for number in 0..3500 {
                    let script = format!("return '{worker}' .. {number}");
                    client.request(&["EVAL", &script, "0"]);
                    assert_eq!(show(&mut client), format!("{worker}{number}"));
                }
            });
        }
        let mut client = server.client();
        scope.spawn(move || {
            for number in 0..3000 {
                // Each keeps something that is not small.
                let library = format!(
                    "#!lua name=lib\nlocal kept, calls = '{}', 0\n\
                     redis.register_function('f', function() calls = calls + 1 return calls + {number} * 10 end)",
                    "x".repeat(10000)
                );
                client.ask(&["FUNCTION", "LOAD", "REPLACE", &library], "$3\r\nlib\r\n");
                client.ask(&["FCALL", "f", "0"], format!(":{}\r\n", number * 10 + 1));
            }
        });
    });
    check(&server);
    let mut client = server.client();
    let evaluated = server.inside().scripts.count();
    assert!(evaluated <= 505, "{evaluated}");
    client.talk(&[("SCRIPT FLUSH", OK), ("FUNCTION FLUSH", OK)]);
}

#[test]
fn libraries_that_mean_harm() {
    let server = Server::start(&[("workers", "1")]);
    let mut client = server.client();
    let bodies = [
        "while true do end",
        "local function again() return again() end again()",
        "redis.call('PING')",
        "local t = {} local x = 'x' while true do x = x .. x t[#t + 1] = x .. #t end",
        "local t = {} while true do t[#t + 1] = {} end",
        "return 1 + {}",
        "pcall(redis.register_function)",
        "redis.register_function('f', 1)",
        "for i = 1, 10 do redis.register_function('f', function() end) end",
        "coroutine.yield()",
        "_G.x = 1",
        "redis.register_function{function_name = 'f', callback = function() end, flags = {{}}}",
    ];
    for body in bodies {
        println!("{body}");
        let reply = client.first_line(&["FUNCTION", "LOAD", &format!("#!lua name=lib\n{body}")]);
        assert!(reply.starts_with("-ERR "), "{body}: {reply}");
        check(&server);
    }
    client.talk(&[("FCALL f 0", "-ERR Function not found\r\n")]);
    // Registering later is too late.
    let library = "#!lua name=lib\nlocal register = redis.register_function\n\
         redis.register_function('f', function() return register('g', function() end) end)";
    client.ask(&["FUNCTION", "LOAD", library], "$3\r\nlib\r\n");
    let reply = client.first_line(&["FCALL", "f", "0"]);
    assert!(reply.starts_with('-'), "{reply}");
    check(&server);
}
