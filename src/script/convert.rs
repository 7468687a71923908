//! What scripts return as replies, by the rules that Redis documents. The reverse is in [`super::native`].

use mlua::{Table, Value};

use crate::resp::{Protocol, Reply, ReplyError};

/// The field by which an error tells that it was counted when it happened; the peers' name.
pub(super) const COUNTED: &str = "ignore_error_stats_update";
/// Tables in tables that a script may return: writing them needs some of the worker's stack for each, two kilobytes where nothing is optimised.
const DEEPEST: usize = 500;
/// Bytes of reply that a script may return.
const LONGEST: usize = 512 << 20;

/// Writes what a script has returned. `booleans`: the script has asked for RESP3, which has them. `on_error` hears of every error in it.
///
/// # Errors
/// If it is nested too deep or too long; then what was written is to be taken back.
pub fn write(
    reply: &mut Reply,
    value: &Value,
    booleans: bool,
    on_error: impl FnMut(&ReplyError),
) -> Result<(), ReplyError> {
    let mut writer = Writer {
        reply,
        booleans,
        on_error,
    };
    writer.value(value, 0)
}

struct Writer<'r, F> {
    reply: &'r mut Reply,
    booleans: bool,
    on_error: F,
}

impl<F: FnMut(&ReplyError)> Writer<'_, F> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), ReplyError> {
        if depth > DEEPEST {
            return Err(ReplyError::fixed("ERR reached lua stack limit"));
        }
        if self.reply.pending() > LONGEST {
            return Err(ReplyError::fixed("ERR the script returns too much"));
        }
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(number) => self.reply.int(*number),
            // As C converts: towards zero.
            Value::Number(number) => self.reply.int(*number as i64),
            Value::Boolean(value) if self.booleans => self.reply.bool(*value),
            Value::Boolean(true) => self.reply.int(1),
            Value::Table(table) => self.table(table, depth)?,
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), ReplyError> {
        // Most tables are arrays: one look tells.
        let first: Value = get(table, 1);
        if first.is_nil() {
            if let Value::String(text) = get(table, "err") {
                let text = text.as_bytes();
                let text = text.strip_prefix(b"-").unwrap_or(&text);
                let error = ReplyError::from_bytes(text.to_vec());
                if !matches!(get(table, COUNTED), Value::Boolean(true)) {
                    (self.on_error)(&error);
                }
                self.reply.error(&error);
                return Ok(());
            }
            if let Value::String(text) = get(table, "ok") {
                self.reply.simple(&one_line(&text.as_bytes()));
                return Ok(());
            }
            match get(table, "double") {
                Value::Number(number) => {
                    self.reply.double(number);
                    return Ok(());
                }
                Value::Integer(number) => {
                    self.reply.double(number as f64);
                    return Ok(());
                }
                _ => {}
            }
            if let Value::Table(map) = get(table, "map") {
                return self.pairs(&map, depth, true);
            }
            if let Value::Table(set) = get(table, "set") {
                return self.pairs(&set, depth, false);
            }
            if let Value::String(number) = get(table, "big_number") {
                self.reply.bignum(&one_line(&number.as_bytes()));
                return Ok(());
            }
            if let Value::Table(verbatim) = get(table, "verbatim_string")
                && let (Value::String(format), Value::String(string)) =
                    (get(&verbatim, "format"), get(&verbatim, "string"))
            {
                let mut format = String::from_utf8_lossy(&format.as_bytes()).into_owned();
                format.retain(|c| c.is_ascii_graphic());
                format = format.chars().chain("txt".chars()).take(3).collect();
                self.reply.verbatim(&format, &string.as_bytes());
                return Ok(());
            }
            self.reply.array(0);
            return Ok(());
        }
        let at = self.reply.defer();
        let mut element = first;
        let mut len = 0;
        while !element.is_nil() {
            self.value(&element, depth + 1)?;
            len += 1;
            element = get(table, len + 1);
        }
        self.reply.array_at(at, len);
        Ok(())
    }

    fn pairs(&mut self, table: &Table, depth: usize, values: bool) -> Result<(), ReplyError> {
        let at = self.reply.defer();
        let mut len = 0;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) =
                pair.map_err(|_| ReplyError::fixed("ERR the script returns what cannot be read"))?;
            self.value(&key, depth + 1)?;
            if values {
                self.value(&value, depth + 1)?;
            }
            len += 1;
        }
        match values {
            true => self.reply.map_at(at, len),
            false => self.reply.set_at(at, len),
        }
        Ok(())
    }
}

fn get(table: &Table, key: impl mlua::IntoLua) -> Value {
    table.raw_get(key).unwrap_or(Value::Nil)
}

fn one_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}

/// The protocol whose replies a script gets: RESP2 until it asks for RESP3.
pub fn protocol(resp3: bool) -> Protocol {
    match resp3 {
        true => Protocol::Resp3,
        false => Protocol::Resp2,
    }
}
