//! A record's string, whichever way it is held.

use crate::keyspace::{Access, BIG_STRING, NewValue, RecordRef, Value};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;

/// The bytes of a string value; an integer's are its digits.
pub(crate) enum StringView<'a> {
    Bytes(&'a [u8]),
    Int(itoa::Buffer, i64),
}

impl<'a> StringView<'a> {
    /// The string in `record`; `WRONGTYPE` if it holds something else.
    pub(crate) fn of(record: RecordRef<'a>) -> Result<Self, ReplyError> {
        match record.value() {
            Value::Int(value) => Ok(Self::Int(itoa::Buffer::new(), value)),
            Value::Str(bytes) => Ok(Self::Bytes(bytes)),
            Value::BigStr(bytes) => Ok(Self::Bytes(bytes)),
            _ => Err(ReplyError::WRONG_TYPE),
        }
    }

    /// The string under `key`; an absent key is empty.
    pub(crate) fn read(keys: &'a mut Access<'_>, key: &[u8]) -> Result<Self, ReplyError> {
        keys.read(key).map_or(Ok(Self::Bytes(b"")), Self::of)
    }

    /// The bytes.
    pub(crate) fn bytes(&mut self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(digits, value) => digits.format(*value).as_bytes(),
        }
    }
}

/// Writes the string in `record` as a bulk reply; a big one is shared, not copied.
#[inline]
pub(crate) fn reply_string(reply: &mut Reply, record: RecordRef<'_>) -> Result<(), ReplyError> {
    match record.value() {
        Value::Str(bytes) => reply.bulk(bytes),
        Value::Int(value) => reply.bulk_int(value),
        Value::BigStr(bytes) => reply.bulk_shared(bytes),
        _ => return Err(ReplyError::WRONG_TYPE),
    }
    Ok(())
}

/// The argument at `index` as a value to be stored: integers as such, big ones in the allocation they were read into.
#[inline]
pub(crate) fn new_string<'a>(args: &Args<'a>, index: usize) -> NewValue<'a> {
    let bytes = args.at(index);
    if let Some(value) = number::parse_i64(bytes) {
        return NewValue::Int(value);
    }
    if bytes.len() >= BIG_STRING
        && let Some(shared) = args.shared(index)
    {
        return NewValue::BigStr(shared);
    }
    NewValue::Str(bytes)
}
