//! Values behind a pointer: a record whose payload is the address of a box.
//!
//! The kind says what is in the box; the record owns it, and hands it out once at the most.

use bytes::Bytes;

use super::{KIND, Kind, Record};
use crate::keyspace::payload::BoxedValue;
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::relocate::Relocate;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::zset::ZSet;

impl Record {
    /// The big string, to be changed. The record holds one.
    pub fn big_str_mut(&mut self) -> &mut Bytes {
        assert_eq!(self.view().kind(), Kind::BigStr);
        // SAFETY: the kind says which box the pointer came from; the record is held mutably.
        unsafe { &mut *self.view().boxed::<Bytes>() }
    }

    /// The large hash, to be changed. The record holds one.
    pub fn hash_mut(&mut self) -> &mut Hash {
        assert_eq!(self.view().kind(), Kind::Hash);
        // SAFETY: as in `big_str_mut`.
        unsafe { &mut *self.view().boxed::<Hash>() }
    }

    /// The large sorted set, to be changed. The record holds one.
    pub fn zset_mut(&mut self) -> &mut ZSet {
        assert_eq!(self.view().kind(), Kind::ZSet);
        // SAFETY: as in `big_str_mut`.
        unsafe { &mut *self.view().boxed::<ZSet>() }
    }

    /// The large list, to be changed. The record holds one.
    pub fn list_mut(&mut self) -> &mut List {
        assert_eq!(self.view().kind(), Kind::List);
        // SAFETY: as in `big_str_mut`.
        unsafe { &mut *self.view().boxed::<List>() }
    }

    /// The large set, to be changed. The record holds one.
    pub fn set_mut(&mut self) -> &mut Set {
        assert_eq!(self.view().kind(), Kind::Set);
        // SAFETY: as in `big_str_mut`.
        unsafe { &mut *self.view().boxed::<Set>() }
    }

    /// The stream, to be changed. The record holds one.
    pub fn stream_mut(&mut self) -> &mut Stream {
        assert_eq!(self.view().kind(), Kind::Stream);
        // SAFETY: as in `big_str_mut`.
        unsafe { &mut *self.view().boxed::<Stream>() }
    }

    /// The value, to be moved in memory, if its kind [is scattered](Kind::is_scattered).
    pub(in crate::keyspace) fn scattered_mut(&mut self) -> Option<&mut dyn Relocate> {
        match self.view().kind() {
            Kind::Hash => Some(self.hash_mut()),
            Kind::ZSet => Some(self.zset_mut()),
            Kind::List => Some(self.list_mut()),
            Kind::Set => Some(self.set_mut()),
            Kind::Stream => Some(self.stream_mut()),
            kind => {
                debug_assert!(!kind.is_scattered());
                None
            }
        }
    }

    /// Forgets the box behind the payload: another record owns it now.
    pub(super) fn disown_box(&mut self) {
        // SAFETY: the first byte holds the flags. An integer has the same layout as a box: eight bytes of payload.
        unsafe {
            self.0
                .as_ptr()
                .write(self.view().flags() & !KIND | Kind::Int as u8)
        }
    }

    /// Takes the boxed value out, to be dropped by whoever wants it; the record must get a new value or be freed.
    pub(super) fn take_boxed(&mut self) -> Option<BoxedValue> {
        // SAFETY: the kind says which box the pointer came from, and it is taken back exactly once: the callers
        // overwrite the payload or free the record.
        unsafe {
            match self.view().kind() {
                Kind::BigStr => Some(BoxedValue::Str(Box::from_raw(self.view().boxed()))),
                Kind::Hash => Some(BoxedValue::Hash(Box::from_raw(self.view().boxed()))),
                Kind::ZSet => Some(BoxedValue::ZSet(Box::from_raw(self.view().boxed()))),
                Kind::List => Some(BoxedValue::List(Box::from_raw(self.view().boxed()))),
                Kind::Set => Some(BoxedValue::Set(Box::from_raw(self.view().boxed()))),
                Kind::Stream => Some(BoxedValue::Stream(Box::from_raw(self.view().boxed()))),
                Kind::Int
                | Kind::Str
                | Kind::Raw
                | Kind::PackedHash
                | Kind::PackedZSet
                | Kind::PackedList
                | Kind::IntSet
                | Kind::PackedSet => None,
            }
        }
    }
}
