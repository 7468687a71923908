//! Sources that reach other keys, or could, in roundabout ways.

use super::{holds, holds_not};

#[test]
fn the_table_of_keys_is_left_alone() {
    for source in [
        "KEYS[1] = 'x'",
        "KEYS[1] = KEYS[2]",
        "KEYS = {'x'}",
        "KEYS.a = 1",
        "local k = KEYS k[1] = 'x'",
        "local k = KEYS k = {'x'} redis.call('get', k[1])",
        "local k = {'x'} k = KEYS",
        "table.insert(KEYS, 'x')",
        "table.remove(KEYS)",
        "table.sort(KEYS, function(a, b) return a < b end)",
        "rawset(KEYS, 1, 'x')",
        "setmetatable(KEYS, {__index = function() return 'x' end})",
        "getmetatable(KEYS)",
        "local t = {KEYS} t[1][1] = 'x'",
        "local t = {keys = KEYS} t.keys[1] = 'x'",
        "local t = {} t.keys = KEYS",
        "local t = {[KEYS] = 1} next(t)[1] = 'x'",
        "local f, t = pairs(KEYS) t[1] = 'x'",
        "local f, t = ipairs(KEYS) t[1] = 'x'",
        "local t = select(2, pairs(KEYS)) t[1] = 'x'",
        "local t = {pairs(KEYS)} t[2][1] = 'x'",
        "for a, b in pairs(KEYS), {'x'} do redis.call('get', b) end",
        "for a, b in (pairs(KEYS)) do redis.call('get', b) end",
        "for a, b in next, KEYS do end",
        "local f = function() return 1, KEYS end local _, k = f() k[1] = 'x'",
        "local t = {f = function() return KEYS end} t.f()[1] = 'x'",
        "local ok, k = pcall(function() return KEYS end) k[1] = 'x'",
        "local ok, k = pcall(error, KEYS) k[1] = 'x'",
        "local function f(...) local k = ... k[1] = 'x' end f(KEYS)",
        "local function f(a, ...) arg[1][1] = 'x' end f(1, KEYS)",
        "local t = setmetatable({}, {__index = function(_, k) k[1] = 'x' end}) local _ = t[KEYS]",
        "local t = setmetatable({}, {__concat = function(k) k[1] = 'x' end}) local _ = KEYS .. t",
        "local t = setmetatable({}, {__lt = function(k) k[1] = 'x' end}) local _ = KEYS < t",
        "local t = setmetatable({}, {__newindex = function(_, _, k) k[1] = 'x' end}) t.a = KEYS",
        "coroutine.wrap(function(k) k[1] = 'x' end)(KEYS)",
        "KEYS:sort()",
        "string.gsub('a', '.', KEYS)",
        "table.foreach(KEYS, print)",
        "for i = KEYS, 1 do end",
        "local k = assert(KEYS) k[1] = 'x'",
        "local function set(t) t[1] = 'x' end set(KEYS)",
        "local function id(t) return t end id(KEYS)[1] = 'x'",
    ] {
        holds_not(&format!("{source} return redis.call('get', KEYS[1])"));
    }
}

#[test]
fn names_mean_what_is_nearest() {
    for source in [
        "local KEYS = {'x'} redis.call('get', KEYS[1])",
        "local function f(KEYS) redis.call('get', KEYS[1]) end f(ARGV)",
        "for KEYS in pairs({}) do redis.call('get', KEYS[1]) end",
        "for _, KEYS in ipairs({ARGV}) do redis.call('get', KEYS[1]) end",
        "local ipairs = function() return next, {'x'} end for _, k in ipairs(KEYS) do redis.call('get', k) end",
        "local function unpack() return 'x' end redis.call('get', unpack(KEYS))",
        "local redis = {call = redis.call} redis.call('get', 'x')",
        "local key = KEYS[1] do local key = 'x' redis.call('get', key) end",
        "local key = KEYS[1] key = 'x' redis.call('get', key)",
        "local key = KEYS[1] local function f() key = 'x' end f() redis.call('get', key)",
        "local key = 'x' local key = key redis.call('get', key)",
        "for _, k in ipairs(KEYS) do k = k .. 'x' redis.call('get', k) end",
        "for k in pairs(KEYS) do redis.call('get', k) end",
        "local function f(a, a) redis.call('get', a) end f(KEYS[1], 'x')",
        "local t = {} function t:f(key) redis.call('get', key) end t:f('x')",
        "local t = {} function t.f(key) redis.call('get', key) end t.f(KEYS[1])",
        "local arg = KEYS[1] local function f(...) redis.call('get', arg.n) end f('x')",
        "local name = 'get' name = ARGV[1] redis.call(name, KEYS[1])",
        "local a, b = KEYS[1] , 'x' redis.call('get', b)",
        "local a, b = unpack(ARGV) redis.call('get', b)",
        "local a a, a = 'x', KEYS[1] redis.call('get', a)",
        "repeat local k = 'x' until redis.call('get', k)",
    ] {
        holds_not(source);
    }
    holds("local function f(a, a) redis.call('get', a) end f('x', KEYS[1])");
    holds("local key = 'x' do local key = KEYS[1] redis.call('get', key) end");
    holds("local a, b = unpack(KEYS) redis.call('get', b)");
    holds("local a, b = KEYS[1] redis.call('get', b)");
    holds("local key = 'x' repeat local key = KEYS[1] until redis.call('get', key)");
}

#[test]
fn what_calls_commands_stays_in_sight() {
    for source in [
        "local t = {redis.call} t[1]('get', 'x')",
        "local t = {call = redis.call}",
        "local t = {} t.call = redis.call",
        "local function f(g) return g('get', 'x') end f(redis.call)",
        "(function(...) return (...)('get', 'x') end)(redis.call)",
        "local r = {redis}",
        "coroutine.wrap(redis.call)('get', 'x')",
        "xpcall(redis.call, print)",
        "pcall(redis.call, 'get', 'x')",
        "pcall(redis.call, unpack(ARGV))",
        "pcall(pcall, redis.call, 'get', 'x')",
        "local function f() return redis.call, 'get', 'x' end pcall(f())",
        "local function f() return 'get', 'x' end redis.call(f())",
        "table.foreach({get = 'x'}, redis.call)",
        "string.gsub('get', '.', redis.call)",
        "setmetatable({}, {__index = redis.call})",
        "setmetatable({}, {__index = redis}).call('get', 'x')",
        "local call = redis[ARGV[1]] call('get', 'x')",
        "redis.call = print",
        "redis.shadow = redis.call",
        "redis:call('get')",
        "redis.unheard_of('get', 'x')",
        "redis.register_function('f', function(k) redis.call('get', k[1]) end)",
        "local _ = redis == 1 and redis .. ''",
        "for k, f in pairs(redis) do f('get', 'x') end",
        "local f = next(redis)",
        "local f = rawget(redis, 'call') f('get', 'x')",
        "_G.redis.call('get', 'x')",
        "_G['red' .. 'is'].call('get', 'x')",
        "getfenv().redis.call('get', 'x')",
        "setfenv(1, {KEYS = {'x'}})",
        "loadstring('return redis.call(\"get\", \"x\")')()",
        "load(function() end)()",
        "dofile('x')",
        "require('x')",
        "debug.getregistry()",
        "newproxy(true)",
        "some_global = redis.call",
        "function some_global() end",
        "string.format = redis.call",
        "local t = table t.concat = function(k) k[1] = 'x' end table.concat(KEYS)",
        "rawset(table, 'concat', function(k) k[1] = 'x' end) table.concat(KEYS)",
        "local t = {table} t[1].concat = function(k) k[1] = 'x' end table.concat(KEYS)",
        "eval('x')",
    ] {
        holds_not(source);
    }
}

#[test]
fn every_key_of_a_command_is_asked_for() {
    for source in [
        "redis.call('rename', KEYS[1], 'x')",
        "redis.call('rename', KEYS[1], ARGV[1])",
        "redis.call('rename', unpack(ARGV))",
        "redis.call('rename', KEYS[1], unpack(ARGV))",
        "redis.call('del', KEYS[1], unpack(ARGV))",
        "redis.call('del', KEYS[1], redis.call('get', KEYS[1]))",
        "redis.call('del', KEYS[1], ...)",
        "redis.call('mset', KEYS[1], 1, 'x', 2)",
        "redis.call('mset', KEYS[1], unpack(ARGV))",
        "redis.call('blpop', KEYS[1], 'x', 0)",
        "redis.call('blpop', 'x', unpack(ARGV))",
        "redis.call('zunionstore', 'x', 1, KEYS[1])",
        "redis.call('zunionstore', KEYS[1], 2, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], ARGV[1], KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], '2', KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], 1 + 1, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], 0x2, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], 2.0, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], unpack(ARGV))",
        "redis.call('zunionstore', KEYS[1], 99999999999999999999, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], 18446744073709551615, KEYS[2], 'x')",
        "redis.call('msetex', 2, KEYS[1], 1, 'x', 2)",
        "redis.call('msetex', 18446744073709551615, KEYS[1], 1, 'x', 2)",
        "redis.call('xgroup', ARGV[1], KEYS[1])",
        "redis.call('xgroup', 'cre\\97te', KEYS[1])",
        "redis.call('get', 1)",
        "redis.call('get', tostring(KEYS[9]))",
        "redis.call('get', KEYS[1] or 'x')",
        "redis.call('get', ARGV[1] and 'x')",
        "redis.call('get', KEYS)",
        "redis.call('get', #KEYS)",
        "redis.call('get', -KEYS[1])",
        "redis.call('get', {KEYS[1]})",
        "redis.call()",
        "redis.call(KEYS[1], KEYS[1])",
        "redis.call('', KEYS[1])",
        "redis.call({'get', 'x'})",
        "redis.call(nil)",
        "redis.call('g\\101t', 'x')",
        "local c = ARGV[1] and 'get' or 'flushall' redis.call(c, KEYS[1])",
        "redis.call('get', (unpack(ARGV)))",
        "redis.call('get', KEYS[1]:lower())",
        "redis.call('get', redis.call('get', KEYS[1]))",
        "redis.pcall('get', 'x')",
    ] {
        holds_not(source);
    }
    for source in [
        "redis.call('zunionstore', KEYS[1], 1, KEYS[2], 'x')",
        "redis.call('zunionstore', KEYS[1], '1', KEYS[2], 'x')",
        "redis.call('blpop', KEYS[1], KEYS[2], 'x')",
        "redis.call('mset', KEYS[1], 'x')",
        "redis.call('hset', KEYS[1], unpack(ARGV))",
        "redis.call('del', nil, false)",
        "redis.call('get')",
        "redis.call('get', (unpack(KEYS)))",
        "redis.call('lmpop', 1, KEYS[1], 'LEFT')",
        "redis.call('nonsense', 'x')",
    ] {
        holds(source);
    }
}

#[test]
fn functions_that_get_out_of_sight_take_anything() {
    for source in [
        "local function f(k) redis.call('get', k) end local t = {f} t[1]('x')",
        "local function f(k) redis.call('get', k) end f(KEYS[1]) table.foreach({}, f)",
        "local f = function(k) redis.call('get', k) end f(KEYS[1]) string.gsub('x', '.', f)",
        "local f = function(k) redis.call('get', k) end local g = f g('x')",
        "local f = function(k) redis.call('get', k) end f = ARGV[1] or f f('x')",
        "local function f(k) redis.call('get', k) end local function h(g) g('x') end h(f)",
        "local function f() return function(k) redis.call('get', k) end end f()('x')",
        "setmetatable({}, {__index = function(_, k) redis.call('get', k) end}).x = 1",
        "setmetatable(_G, {__index = function(_, k) redis.call('get', k) end})",
        "local f = coroutine.wrap(function(k) redis.call('get', k) end) f('x')",
        "xpcall(function(k) redis.call('get', k) end, print)",
        "local function f(k) redis.call('get', k) end pcall(pcall, f, 'x')",
        "local function f(k) redis.call('get', k) end assert(f)('x')",
        "local function f(g, k) if k then g(g, k) else redis.call('get', KEYS[1]) end redis.call('get', k) end f(f, 'x')",
    ] {
        holds_not(source);
    }
    holds("local f = function(k) redis.call('get', k) end local g = f g(KEYS[1]) f(KEYS[2])");
    holds("local function f(k) redis.call('get', k) end local function h(g) g(KEYS[1]) end h(f)");
}
