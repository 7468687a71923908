//! A stream under its key, its groups and its ids: what every command looks up, and the errors when that fails.

use crate::keyspace::{Access, KeyMut, RecordRef, Value};
use crate::resp::{Reply, ReplyError};
use crate::value::stream::{Entry, Group, Stream, StreamId};

/// What is not an id.
pub(super) const INVALID_ID: ReplyError =
    ReplyError::fixed("ERR Invalid stream ID specified as stream command argument");

/// The stream in `record`; `WRONGTYPE` if it holds something else.
pub(super) fn stream_of(record: RecordRef<'_>) -> Result<&Stream, ReplyError> {
    match record.value() {
        Value::Stream(stream) => Ok(stream),
        _ => Err(ReplyError::WRONG_TYPE),
    }
}

/// The stream under `key`, to be read; `None` if there is no such key.
pub(super) fn read<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<&'c Stream>, ReplyError> {
    keys.read(key).map(stream_of).transpose()
}

/// The stream under `key`, to be changed; `None` if there is no such key.
pub(super) fn edit<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<KeyMut<'c>>, ReplyError> {
    let found = keys.edit(key);
    if let Some(found) = &found {
        stream_of(found.record())?;
    }
    Ok(found)
}

/// The group `name` of the stream in `found`; `None` if there is no such key or no such group.
///
/// For commands that change a group and are counted as readers of its key.
pub(super) fn group_in<'r>(
    found: Option<&'r KeyMut<'_>>,
    name: &[u8],
) -> Result<Option<&'r Group>, ReplyError> {
    match found {
        Some(found) => Ok(stream_of(found.record())?.groups.get(name)),
        None => Ok(None),
    }
}

/// `NOGROUP No such key '<key>' or consumer group '<group>'<rest>`
pub(super) fn no_group(key: &[u8], group: &[u8], rest: &str) -> ReplyError {
    let parts = [
        b"NOGROUP No such key '",
        key,
        b"' or consumer group '",
        group,
        b"'",
        rest.as_bytes(),
    ];
    ReplyError::from_bytes(parts.concat())
}

/// `NOGROUP No such consumer group '<group>' for key name '<key>'`
pub(super) fn no_group_of(key: &[u8], group: &[u8]) -> ReplyError {
    let parts = [
        b"NOGROUP No such consumer group '",
        group,
        b"' for key name '",
        key,
        b"'",
    ];
    ReplyError::from_bytes(parts.concat())
}

/// An id that names an entry: `ms-seq` or `ms`, of which the first is meant.
pub(super) fn parse_id(text: &[u8]) -> Result<StreamId, ReplyError> {
    StreamId::parse(text, 0).ok_or(INVALID_ID)
}

/// The ids between two bounds, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub(super) from: StreamId,
    pub(super) to: StreamId,
}

impl Interval {
    pub(super) fn parse(from: &[u8], to: &[u8]) -> Result<Self, ReplyError> {
        Ok(Self {
            from: Bound::parse(from, 0)?.first()?,
            to: Bound::parse(to, u64::MAX)?.last()?,
        })
    }
}

/// A bound of an interval: an id, `-`, `+`, or an id that is itself excluded, `(id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    id: StreamId,
    excluded: bool,
}

impl Bound {
    pub(super) fn parse(text: &[u8], missing_seq: u64) -> Result<Self, ReplyError> {
        let (id, excluded) = match text {
            [b'(', id @ ..] if !id.is_empty() => (StreamId::parse(id, missing_seq), true),
            id => (StreamId::parse_bound(id, missing_seq), false),
        };
        let id = id.ok_or(INVALID_ID)?;
        Ok(Self { id, excluded })
    }

    /// The first id inside, if this is the lower bound.
    pub(super) fn first(self) -> Result<StreamId, ReplyError> {
        let first = if self.excluded {
            self.id.next()
        } else {
            Some(self.id)
        };
        first.ok_or(ReplyError::fixed("ERR invalid start ID for the interval"))
    }

    /// The last id inside, if this is the upper bound.
    fn last(self) -> Result<StreamId, ReplyError> {
        let last = if self.excluded {
            self.id.previous()
        } else {
            Some(self.id)
        };
        last.ok_or(ReplyError::fixed("ERR invalid end ID for the interval"))
    }
}

/// Replies with an id.
pub(super) fn reply_id(reply: &mut Reply, id: StreamId) {
    reply.bulk(&id.text());
}

/// Replies with an entry: its id, then fields and values in turn.
pub(super) fn reply_entry(reply: &mut Reply, entry: &Entry<'_>) {
    reply.array(2);
    reply_id(reply, entry.id);
    let fields = entry.fields();
    reply.array(fields.len() * 2);
    for (name, value) in fields {
        reply.bulk(name);
        reply.bulk(value);
    }
}
