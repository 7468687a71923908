//! The kinds of values that a record can hold, and how they are handed in and out.

use bytes::Bytes;

use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::stream::Stream;
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
    /// A small list, packed into the record.
    PackedList = 8,
    /// A large list.
    List = 9,
    /// A set of integers alone, packed into the record.
    IntSet = 10,
    /// A small set, packed into the record.
    PackedSet = 11,
    /// A large set.
    Set = 12,
    /// A stream.
    Stream = 13,
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
            8 => Self::PackedList,
            9 => Self::List,
            10 => Self::IntSet,
            11 => Self::PackedSet,
            12 => Self::Set,
            13 => Self::Stream,
            _ => unreachable!("a record's kind is written by Record alone"),
        }
    }

    /// Kinds of values that lie in many blocks behind a pointer.
    pub(super) fn is_scattered(self) -> bool {
        matches!(
            self,
            Self::Hash | Self::ZSet | Self::List | Self::Set | Self::Stream
        )
    }

    /// Kinds whose payload is eight bytes (an integer or a pointer) need no length.
    pub(super) fn is_fixed(self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::BigStr
                | Self::Hash
                | Self::ZSet
                | Self::List
                | Self::Set
                | Self::Stream
        )
    }

    /// The type as a user knows it.
    pub fn value_type(self) -> ValueType {
        match self {
            Self::Int | Self::Str | Self::Raw | Self::BigStr => ValueType::String,
            Self::PackedHash | Self::Hash => ValueType::Hash,
            Self::PackedZSet | Self::ZSet => ValueType::ZSet,
            Self::PackedList | Self::List => ValueType::List,
            Self::IntSet | Self::PackedSet | Self::Set => ValueType::Set,
            Self::Stream => ValueType::Stream,
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
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Streams.
    Stream,
}

impl ValueType {
    /// The word that `TYPE` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::ZSet => "zset",
            Self::List => "list",
            Self::Set => "set",
            Self::Stream => "stream",
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
    /// A packed list.
    PackedList(&'a [u8]),
    /// A large list.
    List(&'a List),
    /// A set of integers.
    IntSet(&'a [u8]),
    /// A packed set.
    PackedSet(&'a [u8]),
    /// A large set.
    Set(&'a Set),
    /// A stream.
    Stream(&'a Stream),
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
    /// A packed list.
    PackedList(&'a [u8]),
    /// A large list.
    List(Box<List>),
    /// A set of integers.
    IntSet(&'a [u8]),
    /// A packed set.
    PackedSet(&'a [u8]),
    /// A large set.
    Set(Box<Set>),
    /// A stream.
    Stream(Box<Stream>),
}

/// From this many bytes a string lives outside its record, in a chunk that replies can share.
pub const BIG_STRING: usize = 16 * 1024;
