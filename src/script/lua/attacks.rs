//! Scripts that mean harm: each ends, leaves nothing behind, and costs what it may.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::tests::{run, world_with};
use super::*;

thread_local! {
    static PULSES: Cell<usize> = const { Cell::new(0) };
}

/// A pulse that stops a script at its hundredth call.
fn stop_at_last(_: &Lua) -> mlua::Result<()> {
    PULSES.set(PULSES.get() + 1);
    if PULSES.get() >= 100 {
        Err(Error::external(failure::Stop("stopped".to_owned())))
    } else {
        Ok(())
    }
}

/// What would go on for ever, or nearly, without asking anybody.
#[test]
fn what_runs_long_in_rust_can_be_stopped() {
    let (lua, environment) = world_with(Options {
        pulse: stop_at_last,
        ..Options::default()
    });
    for script in [
        "return string.find(string.rep('a', 50000), string.rep('a-', 50) .. 'b')",
        "return string.match(string.rep('a', 200000), '.-b')",
        "return string.match(string.rep('(', 200000), '%b()%b()x')  or string.gsub(string.rep('(', 100000), '%b()', '')",
        "return string.gsub(string.rep('a', 100000), '.-.-.-b', '')",
        "return pcall(string.find, string.rep('a', 50000), string.rep('a?', 50000) .. 'b')",
        "return pcall(pcall, string.find, string.rep('a', 50000), string.rep('.-', 20) .. 'b')",
        "return xpcall(function() string.find(string.rep('a', 50000), string.rep('a-', 50) .. 'b') end, function(e) return 'caught' end)",
        "while true do xpcall(error, function() string.find(string.rep('a', 50000), string.rep('a-', 50) .. 'b') end) end",
        "return coroutine.resume(coroutine.create(function() string.find(string.rep('a', 50000), string.rep('a-', 50) .. 'b') end))",
        "return coroutine.wrap(function() string.find(string.rep('a', 50000), string.rep('a-', 50) .. 'b') end)()",
        "for w in string.gmatch(string.rep('a', 100000), '.-b') do end",
        "return string.gsub(string.rep('a', 100000), '.-b', function() end)",
        "local t = {} for i = 1, 16 do t = {t, t, t, t} end return cjson.encode(t)",
        "local t = {} for i = 1, 15 do t = {t, t, t, t} end return cmsgpack.pack(t)",
        "cjson.encode_sparse_array(false, 0) return cjson.encode({[2000000000] = 1})",
        "return cjson.decode('[' .. string.rep('1,', 2000000) .. '1]')",
        "return cmsgpack.unpack(string.rep(string.char(0x92), 1900) .. string.rep('x', 10) ) or string.rep('x', 10)",
    ] {
        PULSES.set(0);
        let begun = Instant::now();
        let result = run(&lua, &environment, script);
        assert!(begun.elapsed() < Duration::from_secs(10), "{script}");
        // The last one is wrong at once; it is here for what it nests.
        assert!(
            result.contains("stopped") || script.contains("0x92"),
            "{script}: {result}"
        );
        assert!(!result.contains("caught"), "{script}: {result}");
    }
}

#[test]
fn announced_lengths_and_depths_are_not_believed() {
    let (lua, environment) = world_with(Options {
        longest: 1 << 20,
        ..Options::default()
    });
    for (script, expected) in [
        ("return string.rep('x', 1e10)", "resulting string too large"),
        ("return string.rep('x', 2^63)", ""),
        ("return #string.rep('', 1e15)", "0"),
        (
            "return string.gsub(string.rep('a', 1000), 'a', string.rep('b', 10000))",
            "resulting string too large",
        ),
        (
            "return string.gsub(string.rep('a', 1000), 'a', function() return string.rep('b', 10000) end)",
            "resulting string too large",
        ),
        (
            "local s = string.rep('\\1', 1000000) return cjson.encode(s)",
            "resulting string too large",
        ),
        (
            "local s = string.rep('a', 1000000) return cjson.encode({s, s})",
            "resulting string too large",
        ),
        (
            "local s = string.rep('a', 1000000) return cmsgpack.pack(s, s)",
            "resulting string too large",
        ),
        (
            "local s = string.rep('a', 1000000) return struct.pack('ss', s, s)",
            "resulting string too large",
        ),
        (
            "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
            "Missing bytes in input.",
        ),
        (
            "return cmsgpack.unpack('\\219\\255\\255\\255\\255a')",
            "Missing bytes in input.",
        ),
        (
            "return cmsgpack.unpack(string.rep('\\145', 1000000))",
            "stack overflow",
        ),
        (
            "return cmsgpack.unpack(string.rep('\\129\\1', 400000))",
            "stack overflow",
        ),
        (
            "return cmsgpack.unpack(string.rep('\\129', 1000000))",
            "stack overflow",
        ),
        (
            "return cmsgpack.unpack(string.rep('\\1', 1000000))",
            "stack overflow",
        ),
        (
            "cjson.decode_max_depth(2147483647) return cjson.decode(string.rep('[', 1000000))",
            "too many nested",
        ),
        (
            "cjson.decode_max_depth(2147483647) return cjson.decode(string.rep('{\"a\":', 100000))",
            "too many nested",
        ),
        (
            "cjson.encode_max_depth(2147483647) local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)",
            "excessive nesting",
        ),
        (
            "cjson.encode_max_depth(2147483647) local t = {} for i = 1, 100000 do t = {a = t} end return cjson.encode(t)",
            "excessive nesting",
        ),
        (
            "local t = {} t[1] = t return cjson.encode(t)",
            "excessive nesting (1001)",
        ),
        ("local t = {} t.a = t return #cmsgpack.pack(t)", "49"),
        (
            "return struct.unpack(string.rep('b', 100000), string.rep('x', 100000))",
            "too many results",
        ),
        (
            "return struct.size(string.rep('c2147483647', 10))",
            "21474836470",
        ),
        (
            "return unpack({}, -1, 2147483647)",
            "too many results to unpack",
        ),
        ("return unpack({}, 1, 1e300)", "too many results to unpack"),
        (
            "return string.find('a', string.rep('a', 400000) .. string.rep('()', 33))",
            "nil",
        ),
        (
            "return string.find(string.rep('a', 1000000), string.rep('a', 1000000) .. '$')",
            "1 1000000",
        ),
        (
            "local function f() return coroutine.wrap(f)() end return f()",
            "C stack overflow",
        ),
        (
            "local function f() return string.gsub('a', 'a', f) end return f()",
            "stack overflow",
        ),
        (
            "local function f() local ok, e = pcall(f) return ok, e end return f()",
            "true true",
        ),
        (
            "return string.rep('(', 300) and loadstring('return ' .. string.rep('(', 300) .. string.rep(')', 300))",
            "nil",
        ),
        (
            "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
            "stack overflow",
        ),
        (
            "local t = {} for i = 1, 20000 do t[i] = ('x'):gmatch('x') end return #t, t[1]()",
            "20000 x",
        ),
        (
            "local t = {} for i = 1, 2000 do t[i] = cjson.new() end return #t",
            "2000",
        ),
        (
            "local t = {} for i = 1, 7000 do t[i] = 's' .. i end return #cmsgpack.pack(unpack(t))",
            "40893",
        ),
        ("return bit.tohex(1, -2147483648)", "00000001"),
        ("table.insert({}, -2^31, 1) return 1", "1"),
    ] {
        state(&lua).unwrap().begin(0);
        let result = run(&lua, &environment, script);
        assert!(result.contains(expected), "{script}: {result}");
    }
}

/// What a script does to what it can reach is gone when the next one begins.
#[test]
fn nothing_is_left_behind() {
    let (lua, environment) = world_with(Options::default());
    let fingerprint = "
        local t = {}
        for _, name in ipairs {'string', 'table', 'math', 'cjson', 'cmsgpack', 'bit', 'struct', 'redis', 'os', 'coroutine'} do
            local keys = {}
            for k, v in pairs(_G[name]) do keys[#keys + 1] = k .. type(v) end
            table.sort(keys)
            t[#t + 1] = table.concat(keys, ',') .. #_G[name] .. tostring(rawget(_G[name], 'x')) .. tostring(_G[name][1])
        end
        t[#t + 1] = tostring(cjson.encode_max_depth()) .. math.random(1000) .. tostring(rawget(_G, 'x')) .. ('x'):rep(3)
        t[#t + 1] = tostring(getmetatable('').x) .. tostring(getmetatable(_G).x) .. tostring(getmetatable(5))
        return table.concat(t, ';')";
    state(&lua).unwrap().begin(0);
    let before = run(&lua, &environment, fingerprint);
    assert!(!before.starts_with('!'), "{before}");
    for script in [
        "cjson.encode_max_depth(1) cjson.encode_number_precision(1)",
        "math.randomseed(9) math.random()",
        "collectgarbage('stop') collectgarbage('setpause', 1)",
        "for k in pairs(_G) do pcall(rawset, _G[k], 'x', 1) pcall(table.insert, _G[k], 1) pcall(setmetatable, _G[k], {}) end",
        "for _, f in pairs(table) do pcall(f, string, 1) pcall(f, string, 1, 'x') pcall(f, string, function() return true end) end",
        "for _, f in pairs(_G) do if type(f) == 'function' and f ~= error then pcall(f, string, 'x', 1) pcall(f, _G, 'x', 1) end end",
        "for n, f in pairs(coroutine) do pcall(f, string) end",
        "local m = getmetatable('') pcall(rawset, m, '__index', {}) pcall(setmetatable, m, {}) pcall(rawset, m.__index, 'rep', 1)",
        "local m = getmetatable(_G) pcall(function() m.__index = nil end) pcall(rawset, m, '__newindex', nil) pcall(rawset, m, '__index', nil)",
        "local _, t = pairs(string) pcall(rawset, t, 'x', 1) local _, u = pairs(getmetatable('')) pcall(rawset, u, 'x', 1)",
        "local f, t = pairs(_G) for k, v in f, t do if type(v) == 'table' then for n in pairs(v) do pcall(function() v[n] = nil end) end end end",
        "setmetatable({}, getmetatable('')) setmetatable({}, getmetatable(_G)) setmetatable({}, {__index = _G}).x = 1",
        "pcall(loadstring('x = 1')) pcall(loadstring('string.x = 1')) pcall(loadstring('rawset(_G, [[x]], 1)'))",
        "local e = select(2, pcall(error, setmetatable({}, {__tostring = function() rawset(_G, 'x', 1) end}))) pcall(tostring, e)",
        "error(setmetatable({}, {__index = function() rawset(string, 'x', 1) end}))",
        "string.gsub('x', 'x', setmetatable({}, {__index = function() pcall(rawset, string, 'x', 1) end}))",
        "local ok, e = pcall(string.rep) pcall(function() e.x = 1 end) pcall(rawset, e, 'x', 1)",
        "table.sort(string) table.sort(_G, function() return true end) table.foreach(string, function(k, v) pcall(rawset, v, 'x', 1) end)",
        "for i = 1, 100 do coroutine.resume(coroutine.create(function() coroutine.yield() end)) end",
        "redis.x = 1",
        "pcall(function() redis.call = nil end) pcall(rawset, redis, 'call', nil) pcall(next, redis)",
        "KEYS[1] = 'other' setmetatable(ARGV, {__index = function() return 'x' end})",
    ] {
        run(&lua, &environment, script);
        state(&lua).unwrap().begin(0);
        assert_eq!(run(&lua, &environment, fingerprint), before, "{script}");
        state(&lua).unwrap().begin(0);
    }
}

/// The deepest nesting there is fits a small stack.
#[test]
fn the_deepest_nesting_fits_a_stack() {
    let run = || {
        let (lua, environment) = world_with(Options::default());
        for script in [
            "local function f() local ok, e = pcall(f) return ok, e end return f()",
            "local function f() return coroutine.wrap(f)() end return pcall(f)",
            "local t t = setmetatable({}, {__index = function(_, k) return (string.gsub('a', 'a', t)) end}) return pcall(string.gsub, 'a', 'a', t)",
            "cjson.encode_max_depth(100000) local t = {} for i = 1, 5000 do t = {a = t} end return pcall(cjson.encode, t)",
            "local t t = setmetatable({}, {__index = function(_, k) return #cjson.encode({pcall(string.gsub, 'a', 'a', t)}) end}) return pcall(string.gsub, 'a', 'a', t)",
        ] {
            run(&lua, &environment, script);
        }
    };
    std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

/// A hook's `Stop` is caught nowhere, not where errors are handled either.
#[test]
fn a_hook_stops_scripts_wherever_they_are() {
    let (lua, environment) = world_with(Options::default());
    lua.set_global_hook(
        mlua::HookTriggers::new().every_nth_instruction(1000),
        |lua, _| stop_at_last(lua).map(|()| mlua::VmState::Continue),
    )
    .unwrap();
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "while true do xpcall(error, function() while true do end end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
        "while true do pcall(string.gsub, 'a', 'a', function() while true do end end) end",
        "while true do pcall(load, function() while true do end end) end",
        "while true do pcall(tostring, setmetatable({}, {__tostring = function() while true do end end})) end",
        "while true do pcall(function() return setmetatable({}, {__index = function() while true do end end}).x end) end",
        "local function f() pcall(f) end while true do f() end",
        "local function f() return f() end f()",
        "local function f() f() f() end while true do pcall(f) end",
    ] {
        PULSES.set(0);
        let result = run(&lua, &environment, script);
        assert!(result.contains("stopped"), "{script}: {result}");
        PULSES.set(0);
        assert_eq!(run(&lua, &environment, "return 1"), "1");
    }
}
