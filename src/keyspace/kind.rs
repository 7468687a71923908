//! The kinds of values that a record can hold, and how they are handed in and out.

use bytes::Bytes;

use crate::value::hash::Hash;
use crate::value::zset::ZSet;

/// What a record holds, and how it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string that is a 64-bit integer in canonical decimal form.
    Int = 0,
    /// A string, its bytes in the record.
    Str = 1,
    /// The same, once changed in place (`APPEND`, `SETRANGE`): `OBJECT ENCODING` says raw whatever its length.
    Raw = 2,
    /// A big string behind a pointer, shareable with replies.
    BigStr = 3,
    /// A small hash, packed into the record.
    PackedHash = 4,
    /// A large hash.
    Hash = 5,
    /// A small sorted set, packed into the record.
    PackedZSet = 6,
    /// A large sorted set.
    ZSet = 7,
}

impl Kind {
    pub(super) fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Int,
            1 => Self::Str,
            2 => Self::Raw,
            3 => Self::BigStr,
            4 => Self::PackedHash,
            5 => Self::Hash,
            6 => Self::PackedZSet,
            7 => Self::ZSet,
            _ => unreachable!("a record's kind is written by Record alone"),
        }
    }

    /// Kinds whose payload is eight bytes (an integer or a pointer) need no length.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::Int | Self::BigStr | Self::Hash | Self::ZSet)
    }

    /// The type as a user knows it.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::Int | Self::Str | Self::Raw | Self::BigStr => ValueType::String,
            Self::PackedHash | Self::Hash => ValueType::Hash,
            Self::PackedZSet | Self::ZSet => ValueType::ZSet,
        }
    }
}

/// The types of values, as `TYPE` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Strings, integers and bitmaps.
    String,
    /// Field-value maps.
    Hash,
    /// Sorted sets.
    ZSet,
}

impl ValueType {
    /// The word that `TYPE` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::ZSet => "zset",
        }
    }
}

/// A record's value, borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// An integer string.
    Int(i64),
    /// A string held in the record.
    Str(&'a [u8]),
    /// A big string.
    BigStr(&'a Bytes),
    /// A packed hash: see [`crate::value::packed`].
    PackedHash(&'a [u8]),
    /// A large hash.
    Hash(&'a Hash),
    /// A packed sorted set.
    PackedZSet(&'a [u8]),
    /// A large sorted set.
    ZSet(&'a ZSet),
}

/// A value to be stored.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// An integer string.
    Int(i64),
    /// A string.  It becomes big, by copying, from [`BIG_STRING`] bytes.
    Str(&'a [u8]),
    /// A string that shall answer "raw" to `OBJECT ENCODING`.
    Raw(&'a [u8]),
    /// A string in an allocation of its own.
    BigStr(Bytes),
    /// A packed hash.
    PackedHash(&'a [u8]),
    /// A large hash.
    Hash(Box<Hash>),
    /// A packed sorted set.
    PackedZSet(&'a [u8]),
    /// A large sorted set.
    ZSet(Box<ZSet>),
}

/// From this many bytes a string lives outside its record, in a chunk that replies can share.
pub const BIG_STRING: usize = 16 * 1024;
