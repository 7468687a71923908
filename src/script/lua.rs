//! A first environment.
use mlua::{Lua, Table};
use std::time::Duration;
pub(super) const LOAD_TIME: Duration = Duration::from_millis(500);
pub(super) fn environment(lua: &Lua, api: Table) -> mlua::Result<Table> {
    let t = lua.create_table()?;
    for pair in lua.globals().pairs::<mlua::Value, mlua::Value>() {
        let (k, v) = pair?;
        t.raw_set(k, v)?;
    }
    t.raw_set("redis", api.clone())?;
    t.raw_set("server", api)?;
    Ok(t)
}
pub(super) fn set_arguments(
    _: &Lua,
    environment: &Table,
    keys: Table,
    arguments: Table,
) -> mlua::Result<()> {
    environment.raw_set("KEYS", keys)?;
    environment.raw_set("ARGV", arguments)
}
pub(super) fn reseed(_: &Lua) {}
