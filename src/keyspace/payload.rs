//! What a record's payload is made of: bytes to be written, and boxes on their way out.

use std::ptr;

use bytes::Bytes;

use super::kind::{BIG_STRING, Kind, NewValue};
use crate::memory;
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::zset::ZSet;

/// A value that was boxed, on its way out. Large ones are dropped on the reclaiming thread.
pub(super) enum BoxedValue {
    Str(#[expect(dead_code, reason = "held to be dropped")] Box<Bytes>),
    Hash(Box<Hash>),
    ZSet(Box<ZSet>),
    List(Box<List>),
    Set(Box<Set>),
    Stream(Box<Stream>),
}

/// Values with more elements than this are freed on a thread of their own, off the request's path.
const FREE_INLINE: usize = 64;

impl Drop for BoxedValue {
    fn drop(&mut self) {
        match self {
            Self::Str(_) => {}
            Self::Hash(hash) if hash.len() > FREE_INLINE => {
                let bytes = hash.memory();
                memory::reclaim::later(std::mem::replace(hash, Box::new(Hash::new())), bytes);
            }
            Self::ZSet(zset) if zset.len() > FREE_INLINE => {
                let bytes = zset.memory();
                memory::reclaim::later(std::mem::replace(zset, Box::new(ZSet::new())), bytes);
            }
            Self::List(list) if list.len() > FREE_INLINE => {
                let bytes = list.memory();
                memory::reclaim::later(std::mem::take(&mut **list), bytes);
            }
            Self::Set(set) if set.len() > FREE_INLINE => {
                let bytes = set.memory();
                memory::reclaim::later(std::mem::take(&mut **set), bytes);
            }
            Self::Stream(stream) if stream.free_effort() > FREE_INLINE => {
                let bytes = stream.memory();
                memory::reclaim::later(std::mem::take(&mut **stream), bytes);
            }
            Self::Hash(_) | Self::ZSet(_) | Self::List(_) | Self::Set(_) | Self::Stream(_) => {}
        }
    }
}

/// A payload about to be written.
pub(super) enum Payload<'a> {
    Bytes(&'a [u8]),
    Eight([u8; 8]),
}

impl<'a> Payload<'a> {
    pub(super) fn from(value: NewValue<'a>) -> (Kind, Self) {
        match value {
            NewValue::Int(value) => (Kind::Int, Self::Eight(value.to_ne_bytes())),
            NewValue::Str(bytes) | NewValue::Raw(bytes) if bytes.len() >= BIG_STRING => (
                Kind::BigStr,
                Self::boxed(Box::new(Bytes::copy_from_slice(bytes))),
            ),
            NewValue::Str(bytes) => (Kind::Str, Self::Bytes(bytes)),
            NewValue::Raw(bytes) => (Kind::Raw, Self::Bytes(bytes)),
            NewValue::BigStr(bytes) => (Kind::BigStr, Self::boxed(Box::new(bytes))),
            NewValue::PackedHash(bytes) => (Kind::PackedHash, Self::Bytes(bytes)),
            NewValue::Hash(hash) => (Kind::Hash, Self::boxed(hash)),
            NewValue::PackedZSet(bytes) => (Kind::PackedZSet, Self::Bytes(bytes)),
            NewValue::ZSet(zset) => (Kind::ZSet, Self::boxed(zset)),
            NewValue::PackedList(bytes) => (Kind::PackedList, Self::Bytes(bytes)),
            NewValue::List(list) => (Kind::List, Self::boxed(list)),
            NewValue::IntSet(bytes) => (Kind::IntSet, Self::Bytes(bytes)),
            NewValue::PackedSet(bytes) => (Kind::PackedSet, Self::Bytes(bytes)),
            NewValue::Set(set) => (Kind::Set, Self::boxed(set)),
            NewValue::Stream(stream) => (Kind::Stream, Self::boxed(stream)),
        }
    }

    fn boxed<T>(value: Box<T>) -> Self {
        Self::Eight((Box::into_raw(value).expose_provenance()).to_ne_bytes())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Eight(_) => 8,
        }
    }

    /// Copies the payload to where the record holds it.
    ///
    /// # Safety
    /// The record was laid out for a payload of this length at `to`.
    pub(super) unsafe fn write(&self, to: *mut u8) {
        let bytes = match self {
            Self::Bytes(bytes) => bytes,
            Self::Eight(bytes) => &bytes[..],
        };
        // SAFETY: the caller promises the room.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    }
}
