//! Scripts in the environment: what they see, and what they cannot do.

use proptest::prelude::*;

use super::*;

fn world() -> (Lua, Environment) {
    world_with(Options::default())
}

fn environment_of(lua: &Lua, api: &Table) -> Environment {
    let apis = lua.create_table_from([("redis", api), ("server", api)]);
    environment(lua, &apis.unwrap(), &lua.create_table().unwrap()).unwrap()
}

pub(super) fn world_with(options: Options) -> (Lua, Environment) {
    let lua = open(options).unwrap();
    let api = lua.create_table().unwrap();
    api.raw_set("call", lua.create_function(|_, ()| Ok("called")).unwrap())
        .unwrap();
    let environment = environment_of(&lua, &api);
    environment
        .set("KEYS", lua.create_sequence_from(["k1", "k2"]).unwrap())
        .unwrap();
    environment
        .set("ARGV", lua.create_table().unwrap())
        .unwrap();
    state(&lua).unwrap().begin(0);
    (lua, environment)
}

/// What a script returns as text, or its error with `!` before it.
pub(super) fn run(lua: &Lua, environment: &Environment, script: &str) -> String {
    let function = match lua
        .load(script)
        .set_name("@user_script")
        .set_environment(environment.table().clone())
        .into_function()
    {
        Ok(function) => function,
        Err(problem) => return format!("! {problem}"),
    };
    let shown = |value: &Value| match value {
        Value::Table(table) => match table.raw_get::<Option<String>>("err") {
            Ok(Some(text)) => format!("err: {text}"),
            _ => "table".to_owned(),
        },
        Value::Nil => "nil".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        other => lua
            .coerce_string(other.clone())
            .unwrap()
            .map_or(format!("{other:?}"), |text| text.to_string_lossy()),
    };
    match environment.call::<MultiValue>(lua, &function, ()) {
        Ok(Ok(values)) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        Ok(Err(problem)) => format!("! {}", shown(&problem)),
        Err(problem) => format!("!! {problem}"),
    }
}

#[test]
fn scripts_see_what_the_peers_have() {
    let (lua, environment) = world();
    for (script, expected) in [
        ("return redis.call()", "called"),
        ("return server.call()", "called"),
        ("return KEYS[1] .. KEYS[2]", "k1k2"),
        (
            "local t = {} for k in pairs(_G) do t[#t+1] = k end table.sort(t) return table.concat(t, ' ')",
            "ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable ipairs load loadstring math next os pairs pcall rawequal rawget rawset redis select server setmetatable string struct table tonumber tostring type unpack xpcall",
        ),
        ("return _G._G == _G", "true"),
        ("return ('x'):rep(3)", "xxx"),
        ("return getmetatable(_G).__index ~= nil", "true"),
        ("return loadstring('return KEYS[1]')()", "k1"),
        ("return select('#', unpack({1, 2, nil, 4}, 1, 4))", "4"),
        (
            "local t = {3, 1, 2} table.sort(t) return unpack(t)",
            "1 2 3",
        ),
        ("return pcall(error, {err = 'a'})", "false a"),
        ("return error({err = 'a'})", "! err: a"),
        (
            "return xpcall(function() return bit.band() end, function(e) return 'H:' .. e end)",
            "false H:user_script:1: bad argument #1 to 'band' (number expected, got no value)",
        ),
        ("return bit.tohex(65535, -2147483648)", "0000FFFF"),
        (
            "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return c(1), c(10)",
            "2 20",
        ),
    ] {
        assert_eq!(run(&lua, &environment, script), expected, "{script}");
    }
}

#[test]
fn what_is_protected_cannot_be_changed() {
    let (lua, environment) = world();
    for script in [
        "x = 1",
        "_G = {}",
        "KEYS = 1",
        "redis = 1",
        "_G.x = 1",
        "redis.call = 1",
        "string.x = 1",
        "cjson.encode = 1",
        "rawset(_G, 'x', 1)",
        "rawset(string, 'x', 1)",
        "rawset(getmetatable(''), 'x', 1)",
        "rawset(getmetatable(_G), '__index', 1)",
        "setmetatable(_G, {})",
        "setmetatable(_G, nil)",
        "setmetatable(string, {})",
        "getmetatable(_G).__index = {}",
        "getmetatable('').__index = {}",
        "getmetatable('').__index.rep = 1",
        "table.insert(math, 1)",
        "table.insert(_G, 1, 1)",
        "table.insert(getmetatable(''), 1)",
        "loadstring('x = 1')()",
        "load(function() return nil end)() ; local n = 0; load(function() n = n + 1 return n == 1 and 'x = 1' or nil end)()",
        "coroutine.wrap(function() x = 1 end)()",
    ] {
        let result = run(&lua, &environment, script);
        assert!(
            result.starts_with('!') && result.ends_with("Attempt to modify a readonly table"),
            "{script}: {result}"
        );
    }
    for name in [
        "print", "dofile", "loadfile", "require", "module", "newproxy", "getfenv", "setfenv",
        "debug", "io", "package", "x",
    ] {
        assert_eq!(
            run(&lua, &environment, &format!("return {name}")),
            format!(
                "! user_script:1: Script attempted to access nonexistent global variable '{name}'"
            )
        );
    }
}

/// What `throw` raises is caught as `error` would have raised it, by scripts and by the host.
#[test]
fn values_can_be_raised_from_rust() {
    let lua = open(Options::default()).unwrap();
    let api = lua.create_table().unwrap();
    let call = lua
        .create_function(|lua, text: String| {
            let problem = lua.create_table()?;
            problem.raw_set("err", text)?;
            Err::<(), _>(failure::throw(lua, Value::Table(problem)))
        })
        .unwrap();
    api.raw_set("call", call).unwrap();
    let environment = environment_of(&lua, &api);
    for (script, expected) in [
        ("redis.call('a')", "! err: a"),
        ("return pcall(redis.call, 'a')", "false a"),
        (
            "return xpcall(function() redis.call('a') end, function(e) return e.err end)",
            "false a",
        ),
        ("return pcall(string.gsub, 'a', 'a', redis.call)", "false a"),
        (
            "return coroutine.resume(coroutine.create(function() redis.call('a') end))",
            "false err: a",
        ),
        (
            "return pcall(coroutine.wrap(function() redis.call('a') end))",
            "false a",
        ),
        (
            "pcall(redis.call, 'a') return pcall(redis.call, 'b')",
            "false b",
        ),
    ] {
        assert_eq!(run(&lua, &environment, script), expected, "{script}");
    }
}

/// A limit on the instance's memory ends a script, not the instance.
#[test]
fn a_script_may_run_out_of_memory() {
    let (lua, environment) = world();
    lua.set_memory_limit(16 << 20).unwrap();
    for script in [
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "local s = 'x' while true do s = s .. string.rep(s, 2) end",
        "local t = {} while true do t = {t, cjson.decode('[1,2,3]')} end",
        "local s = string.rep('[1,2,3,', 1) return cjson.decode('[' .. string.rep('[1,2,3],', 1000000) .. '1]')",
        "return cmsgpack.unpack('\\221\\0\\255\\255\\255' .. string.rep('\\145\\1', 2000000))",
        "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = {} end end) error('not enough memory') end",
    ] {
        let result = run(&lua, &environment, script);
        assert!(
            result.contains("not enough memory"),
            "{script}: {result:.200}"
        );
        lua.gc_collect().unwrap();
        assert_eq!(
            run(&lua, &environment, "return cjson.encode({1})"),
            "[1]",
            "{script}"
        );
    }
}

/// Strings and patterns that mean much to each other.
fn pattern() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        4 => "[abc.]",
        1 => "%[aAdDlwW%.%]%[z]",
        1 => "\\[\\^?[abc%\\-\\]]{0,3}\\]?",
        1 => Just("%b()".to_owned()),
        1 => Just("%bab".to_owned()),
        1 => "%f\\[[ab%w^]{1,2}\\]",
        2 => Just("(".to_owned()),
        2 => Just(")".to_owned()),
        1 => Just("()".to_owned()),
        1 => "%[0-9]",
        1 => "[$^%]",
    ];
    let suffix =
        prop_oneof![5 => Just(""), 1 => Just("*"), 1 => Just("+"), 1 => Just("-"), 1 => Just("?")];
    (
        any::<bool>(),
        proptest::collection::vec((item, suffix), 0..6),
    )
        .prop_map(|(anchored, items)| {
            let body: String = items
                .into_iter()
                .map(|(item, suffix)| item + suffix)
                .collect();
            if anchored { format!("^{body}") } else { body }
        })
}

/// What a function gives for these arguments, in text; errors without positions.
const SHOWN: &str = "
    local function shown(ok, ...)
        local t = {tostring(ok)}
        for i = 1, select('#', ...) do
            local value = select(i, ...)
            t[#t + 1] = type(value) .. ':' .. tostring(value)
        end
        local text = table.concat(t, ' ')
        return ok and text or (text:gsub('^(false string:)[^:]*:%d+: ', '%1'))
    end
    local source, pattern, replacement = ...
    local all = {
        shown(pcall(string.find, source, pattern)),
        shown(pcall(string.find, source, pattern, -3)),
        shown(pcall(string.match, source, pattern, 2)),
        shown(pcall(string.gsub, source, pattern, replacement)),
        shown(pcall(string.gsub, source, pattern, '<%0>', 2)),
        shown(pcall(string.gsub, source, pattern, {a = 'A', b = false, ab = 1})),
        shown(pcall(string.gsub, source, pattern, function(a, b) return b or a end)),
        shown(pcall(function()
            local t = {}
            for a, b in string.gmatch(source, pattern) do t[#t + 1] = tostring(a) .. '|' .. tostring(b) end
            return table.concat(t, ',')
        end)),
    }
    return table.concat(all, '\\n')";

proptest! {
    /// The functions in C are the model.
    #[test]
    fn patterns_match_as_in_c(source in "[abc.() \\x00]{0,12}", pattern in pattern(), replacement in "[ab%0-2]{0,4}") {
        thread_local! {
            static WORLDS: (Lua, Function, Lua, Function) = {
                let (lua, environment) = world();
                let ours = lua.load(SHOWN).set_name("=x").set_environment(environment.table().clone()).into_function().unwrap();
                let other = Lua::new();
                let theirs = other.load(SHOWN).set_name("=x").into_function().unwrap();
                (lua, ours, other, theirs)
            };
        }
        WORLDS.with(|(_, ours, _, theirs)| {
            let arguments = (source.as_str(), pattern.as_str(), replacement.as_str());
            let expected: String = theirs.call(arguments).unwrap();
            let found: String = ours.call(arguments).unwrap();
            prop_assert_eq!(found, expected);
            Ok(())
        })?;
    }

    /// `string.format` is the model.
    #[test]
    fn numbers_are_encoded_as_c_writes_them(number in prop_oneof![any::<f64>(), -1e6..1e6, (-1_000_000_000_i64..1_000_000_000).prop_map(|n| n as f64 / 1000.0)], precision in 1..15) {
        let (lua, environment) = world();
        environment.set("KEYS", number).unwrap();
        environment.set("ARGV", precision).unwrap();
        let result = run(&lua, &environment, "
            if KEYS ~= KEYS or KEYS == 1 / 0 or KEYS == -1 / 0 then return 'same' end
            cjson.encode_number_precision(ARGV)
            local found, expected = cjson.encode(KEYS), string.format('%.' .. ARGV .. 'g', KEYS)
            local again = cjson.decode(expected)
            if again ~= tonumber(expected) then return 'read ' .. expected end
            return found == expected and 'same' or found .. ' ' .. expected");
        prop_assert_eq!(result, "same");
    }

    /// No bytes are too strange to be refused in good order. (The results do not pass through `pcall`: when Lua is built with its own
    /// checks, as in tests, those take twenty of them for a mistake.)
    #[test]
    fn bytes_of_any_kind_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..60), format in "[bBhHlLTiIfdscx<>! 0-9]{0,10}") {
        let (lua, environment) = world();
        environment.set("ARGV", lua.create_sequence_from([lua.create_string(&bytes).unwrap(), lua.create_string(&format).unwrap()]).unwrap()).unwrap();
        let result = run(&lua, &environment, "
            local bytes, format = ARGV[1], ARGV[2]
            local function again(f, back, ...)
                local results
                pcall(function(...) results = {f(...)} end, ...)
                if results then pcall(function() back(unpack(results)) end) end
            end
            again(cmsgpack.unpack, cmsgpack.pack, bytes)
            again(cjson.decode, cjson.encode, bytes)
            again(struct.unpack, function(...) return struct.pack(format, ...) end, format, bytes)
            pcall(struct.size, format)
            pcall(string.find, bytes, bytes)
            return 'survived'");
        prop_assert_eq!(result, "survived");
    }
}
