//! Writing streams: entries in listpacks, as many to each as servers put there by default.

use super::listpack::Builder;
use super::stream::SAME_FIELDS;
use super::writer::Writer;
use crate::value::stream::{Entry, Fields, Group, Log, Stream, StreamId};

/// The most entries in one listpack.
const NODE_ENTRIES: usize = 100;
/// The most bytes in one listpack, unless one entry alone has more.
const NODE_BYTES: usize = 4096;

/// Appends a stream, without its type.
pub(super) fn encode_stream(out: &mut Writer<'_>, stream: &Stream) {
    let log = &stream.log;
    entries(out, log);
    out.count(log.len());
    for id in [log.last_id(), log.first_id(), log.max_deleted_id()] {
        pair(out, id);
    }
    out.number(log.entries_added());
    out.count(stream.groups.len());
    for (name, state) in &stream.groups {
        out.string(name);
        group(out, state);
    }
}

/// An ID as two numbers.
fn pair(out: &mut Writer<'_>, id: StreamId) {
    out.number(id.ms);
    out.number(id.seq);
}

/// An ID in bytes that have the order of IDs.
fn id(out: &mut Writer<'_>, id: StreamId) {
    out.raw(&id.ms.to_be_bytes());
    out.raw(&id.seq.to_be_bytes());
}

fn entries(out: &mut Writer<'_>, log: &Log) {
    // The number of nodes stands before them, and is known behind them.
    let mut nodes = Vec::new();
    let (mut count, mut writer) = (0, Writer(&mut nodes));
    let mut waiting: Vec<Entry<'_>> = Vec::new();
    let mut bytes = 0;
    for entry in log.iter() {
        let size: usize = entry
            .fields()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if waiting.len() == NODE_ENTRIES || !waiting.is_empty() && bytes + size > NODE_BYTES {
            node(&mut writer, &waiting);
            waiting.clear();
            (count, bytes) = (count + 1, 0);
        }
        bytes += size;
        waiting.push(entry);
    }
    if !waiting.is_empty() {
        node(&mut writer, &waiting);
        count += 1;
    }
    out.count(count);
    out.raw(&nodes);
}

/// Entries, of which there is at least one: the first lends its ID and the names of its fields to the others.
fn node(out: &mut Writer<'_>, entries: &[Entry<'_>]) {
    let first = &entries[0];
    let names = || first.fields().map(|(name, _)| name);
    let natural = |number: usize| number as i64;
    let mut packed = Builder::new();
    packed.push_int(natural(entries.len()));
    // None of them was deleted.
    packed.push_int(0);
    packed.push_int(natural(first.fields().len()));
    names().for_each(|name| packed.push(name));
    packed.push_int(0);
    for entry in entries {
        let fields: Fields<'_> = entry.fields();
        let count = fields.len();
        let same = fields.clone().map(|(name, _)| name).eq(names());
        packed.push_int(if same { SAME_FIELDS } else { 0 });
        packed.push_int(entry.id.ms.wrapping_sub(first.id.ms) as i64);
        packed.push_int(entry.id.seq.wrapping_sub(first.id.seq) as i64);
        if !same {
            packed.push_int(natural(count));
        }
        for (name, value) in fields {
            if !same {
                packed.push(name);
            }
            packed.push(value);
        }
        packed.push_int(natural(if same { count + 3 } else { 2 * count + 4 }));
    }
    out.count(2 * size_of::<u64>());
    id(out, first.id);
    out.bytes(&packed.finish());
}

fn group(out: &mut Writer<'_>, group: &Group) {
    pair(out, group.last_id);
    // -1, without a sign, says that it is not known.
    out.number(group.entries_read.unwrap_or(u64::MAX));
    out.count(group.pending().len());
    for (entry, pending) in group.pending() {
        id(out, *entry);
        out.millis(pending.delivered);
        out.number(pending.count);
    }
    out.count(group.consumers().len());
    for (_, consumer) in group.consumers() {
        out.string(consumer.name());
        out.millis(consumer.seen);
        out.count(consumer.pending().len());
        for entry in consumer.pending() {
            id(out, *entry);
        }
    }
}
