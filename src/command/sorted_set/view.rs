//! A sorted set, whichever way its record holds it: reading it, and changing it through its record.

use std::ops::Range;

use crate::config::Settings;
use crate::keyspace::{Access, KeyMut, Kind, NewValue, Record, RecordRef, Value};
use crate::resp::ReplyError;
use crate::value::packed::PackedZSet;
use crate::value::zset::{Direction, Insertion, ZSet, ZSetView};

/// The sorted set in `record`; `WRONGTYPE` if it holds something else.
pub(in crate::command) fn view_of(record: RecordRef<'_>) -> Result<ZSetView<'_>, ReplyError> {
    match record.value() {
        Value::PackedZSet(bytes) => Ok(PackedZSet::new(bytes).into()),
        Value::ZSet(zset) => Ok(zset.into()),
        _ => Err(ReplyError::WRONG_TYPE),
    }
}

/// The sorted set under `key`, to be read; `None` if there is no such key.
pub(in crate::command) fn read<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<ZSetView<'c>>, ReplyError> {
    keys.read(key).map(view_of).transpose()
}

/// The sorted set under `key`, to be changed; `None` if there is no such key.
pub(in crate::command) fn edit<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<KeyMut<'c>>, ReplyError> {
    let found = keys.edit(key);
    if let Some(found) = &found {
        view_of(found.record())?;
    }
    Ok(found)
}

/// Until when a set is packed: `zset-max-listpack-entries` and `zset-max-listpack-value`.
#[derive(Debug, Clone, Copy)]
pub(in crate::command) struct Thresholds {
    /// The most members.
    pub(in crate::command) entries: usize,
    /// The longest member, in bytes.
    pub(in crate::command) value: usize,
}

impl Thresholds {
    pub(in crate::command) fn of(settings: &Settings) -> Self {
        Self {
            entries: settings.zset_max_listpack_entries(),
            value: settings.zset_max_listpack_value(),
        }
    }
}

/// A sorted set to be changed. It grows out of its packed form, and never back.
#[derive(Debug)]
pub(in crate::command) struct ZSetMut<'a> {
    record: &'a mut Record,
    thresholds: Thresholds,
    /// So many members are about to come: the set turns large with the first of them.
    many: bool,
}

impl<'a> ZSetMut<'a> {
    /// The set in `record`, which holds one, about to get `coming` members.
    pub(in crate::command) fn new(
        record: &'a mut Record,
        thresholds: Thresholds,
        coming: usize,
    ) -> Self {
        Self {
            record,
            thresholds,
            many: coming > thresholds.entries,
        }
    }

    /// Gives `member` the score that `decide` makes of its present one, if it decides for any.
    pub(in crate::command) fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Insertion {
        let Value::PackedZSet(bytes) = self.record.view().value() else {
            return self.record.zset_mut().update(member, decide);
        };
        let packed = PackedZSet::new(bytes);
        let has_room = packed.len() < self.thresholds.entries;
        if has_room && member.len() <= self.thresholds.value && !self.many {
            return PackedZSet::update(self.record, member, decide);
        }
        let old = packed.score(member);
        match decide(old) {
            Some(score) if old == Some(score) => Insertion::Same,
            Some(score) if old.is_some() && !self.many => {
                PackedZSet::insert(self.record, member, score)
            }
            Some(score) => {
                let large = ZSet::from_sorted(packed.iter());
                self.record.set_value(NewValue::ZSet(Box::new(large)));
                self.record.zset_mut().insert(member, score)
            }
            None => Insertion::Same,
        }
    }
}

/// Removes a member of the set in `record`; tells whether it was there.
pub(super) fn remove(record: &mut Record, member: &[u8]) -> bool {
    match record.view().kind() {
        Kind::PackedZSet => PackedZSet::remove(record, member).is_some(),
        _ => record.zset_mut().remove(member).is_some(),
    }
}

/// Removes the members of the set in `record` that have these ranks.
pub(super) fn remove_range(record: &mut Record, ranks: Range<usize>) {
    match record.view().kind() {
        Kind::PackedZSet => PackedZSet::remove_range(record, ranks),
        _ => record.zset_mut().remove_range(ranks),
    };
}

/// Removes the first `count` members of the set in `record`, which has as many, once `see` has seen them; backward,
/// the last ones, beginning with the very last.
pub(super) fn pop(
    record: &mut Record,
    count: usize,
    direction: Direction,
    mut see: impl FnMut(&[u8], f64),
) -> Result<(), ReplyError> {
    if count == 1 && record.view().kind() == Kind::ZSet {
        match direction {
            Direction::Forward => record.zset_mut().pop_min(see),
            Direction::Backward => record.zset_mut().pop_max(see),
        };
        return Ok(());
    }
    let zset = view_of(record.view())?;
    let ranks = match direction {
        Direction::Forward => 0..count,
        Direction::Backward => zset.len() - count..zset.len(),
    };
    zset.range(ranks.clone(), direction)
        .for_each(|(member, score)| see(member, score));
    remove_range(record, ranks);
    Ok(())
}
