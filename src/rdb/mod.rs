//! Redis's serialisation of values, as `DUMP` shows it and RDB files hold it: reading every form that is in use,
//! writing the one that all readers know.
//!
//! A *payload* is a type byte, the value, two bytes of version and eight of checksum ([`payload`]).  [`decode()`] reads the
//! value and feeds a [`Build`], which decides how it is held here; [`encode()`] writes a record's value.
//!
//! What is read comes from strangers. Every length is checked against what is left of the input before anything is
//! made of it, nothing is allocated by a length that was merely announced, nothing recurses, and the packed forms are
//! checked entry by entry while they are walked: what Redis does only when asked to (`sanitize-dump-payload yes`), is
//! done always.  The one thing that can grow is compressed text, some ninety times; [`Limits`] bounds it.
//!
//! The format has no specification; what is said of it here was read off what the servers write and accept.

mod crc64;
mod decode;
mod encode;
mod encode_stream;
mod error;
pub mod functions;
mod intset;
mod listpack;
mod lzf;
pub mod payload;
mod reader;
mod stream;
mod writer;
mod ziplist;
mod zipmap;

pub use decode::{Build, Collection, decode};
pub use encode::encode;
pub use error::Error;
pub use reader::{Limits, Reader};
pub use stream::{BuildStream, StreamState};

/// The version of the format that is written where nothing newer is needed: every server since Redis 7.0 reads it.
pub const VERSION: u16 = 10;
/// The version that hashes need whose fields expire: Redis 7.4's.
pub const VERSION_FIELD_EXPIRY: u16 = 12;
/// From this version on the format is Valkey's, which counts on its own.
const VALKEY: u16 = 80;

/// Whether payloads of this version can be read.
pub fn is_readable(version: u16) -> bool {
    (1..=VERSION_FIELD_EXPIRY).contains(&version) || version == VALKEY
}

/// The bytes that say which type a value has and which form it is written in.
mod form {
    pub(super) const STRING: u8 = 0;
    /// Elements as strings.
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    /// Scores as text.
    pub(super) const ZSET: u8 = 3;
    pub(super) const HASH: u8 = 4;
    /// Scores in binary.
    pub(super) const ZSET_BINARY: u8 = 5;
    pub(super) const HASH_ZIPMAP: u8 = 9;
    pub(super) const LIST_ZIPLIST: u8 = 10;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const ZSET_ZIPLIST: u8 = 12;
    pub(super) const HASH_ZIPLIST: u8 = 13;
    /// Nodes that are ziplists.
    pub(super) const LIST_QUICKLIST: u8 = 14;
    pub(super) const STREAM: u8 = 15;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const ZSET_LISTPACK: u8 = 17;
    /// Nodes that are listpacks or single elements.
    pub(super) const LIST_QUICKLIST_2: u8 = 18;
    /// With what groups have read.
    pub(super) const STREAM_2: u8 = 19;
    pub(super) const SET_LISTPACK: u8 = 20;
    /// With when consumers were active.
    pub(super) const STREAM_3: u8 = 21;
    /// Valkey's: every field with its expiry or -1.
    pub(super) const HASH_VALKEY: u8 = 22;
    /// Redis's, before it was released: as [`HASH_EXPIRY`], with absolute times.
    pub(super) const HASH_EXPIRY_DRAFT: u8 = 22;
    pub(super) const HASH_LISTPACK_EXPIRY_DRAFT: u8 = 23;
    /// Redis's: the earliest expiry, then every field with its distance from that.
    pub(super) const HASH_EXPIRY: u8 = 24;
    /// Redis's: a listpack of fields, values and expiries.
    pub(super) const HASH_LISTPACK_EXPIRY: u8 = 25;
}
