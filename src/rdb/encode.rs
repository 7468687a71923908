//! Writing a value, in forms that every server since Redis 7.0 reads.

use super::encode_stream::encode_stream;
use super::writer::Writer;
use super::{VERSION, VERSION_FIELD_EXPIRY, form, intset};
use crate::keyspace::Value;
use crate::value::hash::Hash;
use crate::value::packed::{IntSet, PackedHash, PackedList, PackedSet, PackedZSet};

/// Appends a value, its type before it, and gives the version of the format that this takes to read.
///
/// What has expired but is still there is written like the rest.
pub fn encode(value: Value<'_>, out: &mut Vec<u8>) -> u16 {
    let mut out = Writer(out);
    match value {
        Value::Int(value) => {
            out.byte(form::STRING);
            out.int(value);
        }
        Value::Str(bytes) => string(&mut out, bytes),
        Value::BigStr(bytes) => string(&mut out, bytes),
        Value::PackedHash(bytes) => {
            let hash = PackedHash::new(bytes);
            out.byte(form::HASH);
            out.count(hash.iter().count());
            for (name, value) in hash.iter() {
                out.string(name);
                out.string(value);
            }
        }
        Value::Hash(hash) => match earliest(hash) {
            Some(earliest) => {
                expiring_hash(&mut out, hash, earliest);
                return VERSION_FIELD_EXPIRY;
            }
            None => {
                out.byte(form::HASH);
                out.count(hash.len());
                for field in hash.iter() {
                    out.string(field.name());
                    out.string(field.value());
                }
            }
        },
        Value::PackedZSet(bytes) => {
            let zset = PackedZSet::new(bytes);
            scored(&mut out, zset.len(), zset.iter());
        }
        Value::ZSet(zset) => scored(&mut out, zset.len(), zset.iter()),
        Value::PackedList(bytes) => {
            out.byte(form::LIST_QUICKLIST_2);
            out.nodes(PackedList::new(bytes).iter());
        }
        Value::List(list) => {
            out.byte(form::LIST_QUICKLIST_2);
            out.nodes(list.iter());
        }
        Value::IntSet(bytes) => {
            out.byte(form::SET_INTSET);
            let set = IntSet::new(bytes);
            let bounds = [set.iter().next(), set.iter().next_back()];
            let bounds = bounds.map(Option::unwrap_or_default);
            out.bytes(&intset::write(set.iter(), bounds));
        }
        Value::PackedSet(bytes) => {
            let set = PackedSet::new(bytes);
            members(&mut out, set.iter().count(), set.iter());
        }
        Value::Set(set) => members(&mut out, set.len(), set.iter()),
        Value::Stream(stream) => {
            out.byte(form::STREAM_2);
            encode_stream(&mut out, stream);
        }
    }
    VERSION
}

fn string(out: &mut Writer<'_>, bytes: &[u8]) {
    out.byte(form::STRING);
    out.string(bytes);
}

fn members<'m>(out: &mut Writer<'_>, count: usize, members: impl Iterator<Item = &'m [u8]>) {
    out.byte(form::SET);
    out.count(count);
    members.for_each(|member| out.string(member));
}

fn scored<'m>(out: &mut Writer<'_>, count: usize, members: impl Iterator<Item = (&'m [u8], f64)>) {
    out.byte(form::ZSET_BINARY);
    out.count(count);
    for (member, score) in members {
        out.string(member);
        out.score(score);
    }
}

/// The moment at which the first of the fields expires, to the millisecond: distances are counted from it.
fn earliest(hash: &Hash) -> Option<i64> {
    if hash.expiring() == 0 {
        return None;
    }
    hash.iter().filter_map(|field| field.expiry()).min()
}

fn expiring_hash(out: &mut Writer<'_>, hash: &Hash, earliest: i64) {
    out.byte(form::HASH_EXPIRY);
    out.millis(earliest);
    out.count(hash.len());
    for field in hash.iter() {
        out.number(
            field
                .expiry()
                .map_or(0, |moment| moment.abs_diff(earliest) + 1),
        );
        out.string(field.name());
        out.string(field.value());
    }
}
