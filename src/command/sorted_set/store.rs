//! Storing a sorted set that was made of others.

use super::view::Thresholds;
use crate::command::context::Context;
use crate::keyspace::{Event, Expiry, NewValue};
use crate::value::packed::PackedZSet;
use crate::value::zset::ZSet;

/// A set that is no key yet.
#[derive(Debug)]
pub(in crate::command) struct NewSet {
    members: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Packed(Vec<u8>),
    Large(Box<ZSet>),
}

impl NewSet {
    /// A set of members that come in order, each once.
    pub(in crate::command) fn from_sorted<'m>(
        members: impl Iterator<Item = (&'m [u8], f64)> + Clone,
        thresholds: Thresholds,
    ) -> Self {
        let (mut count, mut longest) = (0, 0);
        for (name, _) in members.clone() {
            count += 1;
            longest = longest.max(name.len());
        }
        let form = if count <= thresholds.entries && longest <= thresholds.value {
            Form::Packed(PackedZSet::from_sorted(members))
        } else {
            Form::Large(Box::new(ZSet::from_sorted(members)))
        };
        Self {
            members: count,
            form,
        }
    }
}

/// Replaces whatever `key` holds by `set`, an empty set being no key, and answers how many members it has.
pub(in crate::command) fn store(
    ctx: &mut Context<'_>,
    key: &[u8],
    set: Option<NewSet>,
    event: Event,
) {
    let set = set.filter(|set| set.members > 0);
    ctx.reply
        .int(set.as_ref().map_or(0, |set| set.members as i64));
    match set.map(|set| set.form) {
        Some(Form::Packed(bytes)) => {
            ctx.keys
                .set(key, NewValue::PackedZSet(&bytes), Expiry::Never, event)
        }
        Some(Form::Large(zset)) => ctx
            .keys
            .set(key, NewValue::ZSet(zset), Expiry::Never, event),
        None => ctx.keys.remove(key, Event::DEL),
    };
}
