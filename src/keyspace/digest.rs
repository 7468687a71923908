//! Digests of what is stored (`DEBUG DIGEST`): the same for the same keys, values and expiries, whatever the order in
//! which they came and the encoding in which they are held, on every machine and in every run.
//!
//! A digest detects differences that were not made on purpose; it is no protection against somebody who looks for two data
//! sets of one digest.

use std::fmt;

use super::access::Access;
use super::record::{RecordRef, Value};
use crate::clock::UnixMillis;
use crate::value::number;
use crate::value::packed::{IntSet, PackedHash, PackedList, PackedSet, PackedZSet};
use crate::value::stream::Stream;

/// 160 bits. Zeros stand for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u64; 3]);

impl Digest {
    /// The digest of parts in this order. Where one part ends and the next begins makes a difference.
    fn of(parts: &[&[u8]]) -> Self {
        const SEEDS: [u64; 3] = [
            0x243F_6A88_85A3_08D3,
            0x1319_8A2E_0370_7344,
            0xA409_3822_299F_31D0,
        ];
        Self(SEEDS.map(|seed| {
            let state = parts.iter().fold(seed, |state, part| absorb(state, part));
            mix(state)
        }))
    }

    /// Joins the digest of another member of an unordered collection.
    fn join(&mut self, other: Self) {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(other);
        }
    }

    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (chunk, lane) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = lane.to_be_bytes();
        }
        bytes
    }
}

impl fmt::Display for Digest {
    /// 40 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.0;
        write!(f, "{first:016x}{second:016x}{:08x}", third >> 32)
    }
}

/// Takes a part into a state, its length first.
fn absorb(state: u64, part: &[u8]) -> u64 {
    let (words, rest) = part.as_chunks::<8>();
    let state = mix(state ^ part.len() as u64);
    let state = words
        .iter()
        .fold(state, |state, word| mix(state ^ u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(state ^ u64::from_le_bytes(last))
}

/// Spreads every bit over all others; the finaliser of splitmix64.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// The digest of a record's value and expiry. Fields whose time has come by `now` do not count.
fn of_record(record: RecordRef<'_>, now: UnixMillis) -> Digest {
    let value = match record.value() {
        Value::Int(value) => Digest::of(&[number::format_i64(value).as_ref()]),
        Value::Str(bytes) => Digest::of(&[bytes]),
        Value::BigStr(bytes) => Digest::of(&[bytes]),
        Value::PackedHash(bytes) => unordered(
            PackedHash::new(bytes)
                .iter()
                .map(|(name, value)| of_field(name, value, None)),
        ),
        Value::Hash(hash) => unordered(
            hash.iter()
                .filter(|field| !field.is_expired(now))
                .map(|field| of_field(field.name(), field.value(), field.expiry())),
        ),
        Value::PackedZSet(bytes) => unordered(
            PackedZSet::new(bytes)
                .iter()
                .map(|(name, score)| of_member(name, score)),
        ),
        Value::ZSet(zset) => unordered(zset.iter().map(|(name, score)| of_member(name, score))),
        Value::PackedList(bytes) => ordered(PackedList::new(bytes).iter()),
        Value::List(list) => ordered(list.iter()),
        Value::IntSet(bytes) => unordered(
            IntSet::new(bytes)
                .iter()
                .map(|member| Digest::of(&[number::format_i64(member).as_ref()])),
        ),
        Value::PackedSet(bytes) => unordered(
            PackedSet::new(bytes)
                .iter()
                .map(|member| Digest::of(&[member])),
        ),
        Value::Set(set) => unordered(set.iter().map(|member| Digest::of(&[member]))),
        Value::Stream(stream) => of_stream(stream),
    };
    let kind = record.kind().value_type().name().as_bytes();
    Digest::of(&[kind, &value.to_bytes(), &of_moment(record.expiry())])
}

fn unordered(members: impl Iterator<Item = Digest>) -> Digest {
    members.fold(Digest::default(), |mut all, member| {
        all.join(member);
        all
    })
}

fn ordered<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Digest {
    elements.fold(Digest::default(), |all, element| {
        Digest::of(&[&all.to_bytes(), element])
    })
}

fn of_field(name: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Digest {
    Digest::of(&[name, value, &of_moment(expiry)])
}

fn of_member(name: &[u8], score: f64) -> Digest {
    // Zero has two signs and one meaning.
    Digest::of(&[name, &(score + 0.0).to_bits().to_le_bytes()])
}

/// All but the moments at which something was delivered: those hang on clocks.
fn of_stream(stream: &Stream) -> Digest {
    let log = &stream.log;
    let entries = log.iter().fold(Digest::default(), |all, entry| {
        let fields = entry.fields();
        let fields = fields.fold(Digest::default(), |all, (name, value)| {
            Digest::of(&[&all.to_bytes(), name, value])
        });
        Digest::of(&[&all.to_bytes(), &entry.id.text(), &fields.to_bytes()])
    });
    let groups = stream.groups.iter().map(|(name, group)| {
        let pending = unordered(group.pending().iter().map(|(id, pending)| {
            let owner = group.consumer(pending.owner).name();
            Digest::of(&[&id.text(), owner, &pending.count.to_le_bytes()])
        }));
        let consumers = group.consumers();
        let consumers = unordered(consumers.map(|(_, consumer)| Digest::of(&[consumer.name()])));
        Digest::of(&[
            name,
            &group.last_id.text(),
            &group.entries_read.unwrap_or(u64::MAX).to_le_bytes(),
            &pending.to_bytes(),
            &consumers.to_bytes(),
        ])
    });
    Digest::of(&[
        &entries.to_bytes(),
        &log.last_id().text(),
        &log.max_deleted_id().text(),
        &log.entries_added().to_le_bytes(),
        &unordered(groups).to_bytes(),
    ])
}

fn of_moment(expiry: Option<UnixMillis>) -> [u8; 8] {
    expiry.unwrap_or(-1).to_le_bytes()
}

impl Access<'_> {
    /// The digest of all databases. What has expired does not count. Needs all locks.
    pub fn digest(&mut self) -> Digest {
        let mut all = Digest::default();
        let (databases, now) = (self.keyspace().databases(), self.now);
        self.each_shard(|_, data, _| {
            for db in 0..databases {
                let parts = data.used_ref(db).into_iter();
                let records = parts.flat_map(|part| part.table.iter());
                for record in records.filter(|record| !record.is_expired(now)) {
                    let value = of_record(record, now).to_bytes();
                    all.join(Digest::of(&[&db.to_le_bytes(), record.key(), &value]));
                }
            }
        });
        all
    }

    /// The digest of a key's value and expiry; that of nothing if there is no such key.
    pub fn digest_of(&mut self, key: &[u8]) -> Digest {
        let now = self.now;
        self.peek(key)
            .map_or_else(Digest::default, |record| of_record(record, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_and_members_are_not_ordered() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_ne!(Digest::of(&[b"a"]), Digest::of(&[b"a", b""]));
        assert_ne!(Digest::of(&[b"12345678"]), Digest::of(&[b"12345678\0"]));
        let [a, b] = [b"a", b"b"].map(|part| Digest::of(&[part]));
        assert_eq!(unordered([a, b].into_iter()), unordered([b, a].into_iter()));
        // Unlike an exclusive or, a sum keeps what comes twice.
        assert_ne!(unordered([a, a].into_iter()), Digest::default());
    }

    #[test]
    fn forty_digits() {
        assert_eq!(Digest::default().to_string(), "0".repeat(40));
        assert_eq!(Digest::of(&[b"x"]).to_string().len(), 40);
    }
}
