//! Scripts in the environment: what they see, and what they cannot do.

use super::*;

fn world() -> (Lua, Environment) {
    let lua = open(Options::default()).unwrap();
    let api = lua.create_table().unwrap();
    api.raw_set("call", lua.create_function(|_, ()| Ok("called")).unwrap())
        .unwrap();
    let environment = environment(&lua, &api).unwrap();
    environment
        .set("KEYS", lua.create_sequence_from(["k1", "k2"]).unwrap())
        .unwrap();
    environment
        .set("ARGV", lua.create_table().unwrap())
        .unwrap();
    begin(&lua, 0).unwrap();
    (lua, environment)
}

/// What a script returns as text, or its error with `!` before it.
fn run(lua: &Lua, environment: &Environment, script: &str) -> String {
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
        ("return redis == server", "true"),
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
        ("return pcall(error, {err = 'a'})", "false err: a"),
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
