//! Records: one allocation for a key, its value and its expiry, with only the parts that exist.
//!
//! ```text
//! flags  access   key length   payload length   expiry     key   payload
//! 1 B    3 B      1 or 4 B     0, 1, 2 or 4 B   0 or 8 B   ...   ...
//! ```
//!
//! The *flags* say the kind of value and which widths were chosen; *access* is 24 bits of history for eviction and
//! `OBJECT IDLETIME`.  Small strings, integers and packed collections are the payload itself; a big value is a box
//! whose pointer is the payload.  A record's address is known to its table slot alone.
//!
//! All parts are read unaligned, so a record wastes nothing on padding. The allocation's size follows from the header,
//! which is how it is freed.

mod boxed;

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use bytes::Bytes;

use super::hash::KeyHash;
pub use super::kind::{BIG_STRING, Kind, NewValue, Value, ValueType};
use super::payload::Payload;
use crate::clock::UnixMillis;
use crate::memory;
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::packed::PackedBuf;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::table::Thin;
use crate::value::zset::ZSet;

const KIND: u8 = 0b0000_1111;
const HAS_EXPIRY: u8 = 0b0001_0000;
const LONG_KEY: u8 = 0b0010_0000;
const LENGTH_WIDTH_SHIFT: u8 = 6;
const ACCESS_AT: usize = 1;
const KEY_LENGTH_AT: usize = 4;

/// Where a record's parts are.
#[derive(Debug, Clone, Copy)]
struct Layout {
    flags: u8,
    key_len: usize,
    payload_len: usize,
    header: usize,
}

impl Layout {
    fn new(kind: Kind, key_len: usize, payload_len: usize, expires: bool) -> Self {
        let width = match payload_len {
            _ if kind.is_fixed() => 0,
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            _ => 3,
        };
        let long_key = key_len > 0xFF;
        let flags = kind as u8
            | if expires { HAS_EXPIRY } else { 0 }
            | if long_key { LONG_KEY } else { 0 }
            | width << LENGTH_WIDTH_SHIFT;
        let header = KEY_LENGTH_AT
            + if long_key { 4 } else { 1 }
            + width_bytes(width)
            + if expires { 8 } else { 0 };
        Self {
            flags,
            key_len,
            payload_len,
            header,
        }
    }

    fn payload_at(&self) -> usize {
        self.header + self.key_len
    }

    fn size(&self) -> usize {
        self.payload_at() + self.payload_len
    }

    fn expires(&self) -> bool {
        self.flags & HAS_EXPIRY != 0
    }
}

fn width_bytes(width: u8) -> usize {
    match width {
        0..=2 => usize::from(width),
        _ => 4,
    }
}

/// An owned record.
#[derive(Debug)]
pub struct Record(NonNull<u8>);

// SAFETY: a record owns its allocation and the box behind its payload, and all that these hold is Send.
unsafe impl Send for Record {}

impl Record {
    /// The record, borrowed.
    #[inline]
    pub fn view(&self) -> RecordRef<'_> {
        RecordRef(self.0, PhantomData)
    }

    /// A record of `key` with `value`, and an expiry if there is one.
    ///
    /// `access` are 24 bits of access history.
    pub fn new(key: &[u8], value: NewValue<'_>, expiry: Option<UnixMillis>, access: u32) -> Self {
        let (kind, payload) = Payload::from(value);
        let record = Self::allocate(
            Layout::new(kind, key.len(), payload.len(), expiry.is_some()),
            key,
            expiry,
            access,
        );
        // SAFETY: the layout was made for this payload.
        unsafe { payload.write(record.view().payload_ptr()) };
        record
    }

    /// Allocates a record whose payload is not yet written.
    fn allocate(layout: Layout, key: &[u8], expiry: Option<UnixMillis>, access: u32) -> Self {
        assert!(
            u32::try_from(layout.size()).is_ok(),
            "the protocol bounds keys and values well below 4 GiB"
        );
        let block = memory::alloc(layout.size());
        let record = Self(block);
        // SAFETY: the block holds layout.size() bytes: the header, the key and the payload.
        unsafe {
            record.write_header(&layout, expiry, access);
            ptr::copy_nonoverlapping(
                key.as_ptr(),
                block.as_ptr().add(layout.header),
                layout.key_len,
            );
        }
        record
    }

    /// Writes everything before the key.
    ///
    /// # Safety
    /// The block has at least `layout.header` bytes.
    unsafe fn write_header(&self, layout: &Layout, expiry: Option<UnixMillis>, access: u32) {
        let base = self.0.as_ptr();
        // SAFETY: the caller promises the room; all writes lie below layout.header.
        unsafe {
            base.cast::<u32>()
                .write_unaligned((access << 8 | u32::from(layout.flags)).to_le());
            let mut at = KEY_LENGTH_AT;
            if layout.flags & LONG_KEY != 0 {
                base.add(at)
                    .cast::<u32>()
                    .write_unaligned(layout.key_len as u32);
                at += 4;
            } else {
                base.add(at).write(layout.key_len as u8);
                at += 1;
            }
            match layout.flags >> LENGTH_WIDTH_SHIFT {
                0 => {}
                1 => base.add(at).write(layout.payload_len as u8),
                2 => base
                    .add(at)
                    .cast::<u16>()
                    .write_unaligned(layout.payload_len as u16),
                _ => base
                    .add(at)
                    .cast::<u32>()
                    .write_unaligned(layout.payload_len as u32),
            }
            at += width_bytes(layout.flags >> LENGTH_WIDTH_SHIFT);
            if layout.expires() {
                base.add(at)
                    .cast::<i64>()
                    .write_unaligned(expiry.unwrap_or(i64::MAX));
            }
        }
    }

    /// The bytes of a value that is held inside the record, for changes that keep their number.
    ///
    /// Only for the kinds that [`Record::splice`] takes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let layout = self.view().layout();
        assert!(
            !self.view().kind().is_fixed(),
            "only values inside the record have bytes to change"
        );
        // SAFETY: the payload lies right behind the key, and we hold the record mutably.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.0.as_ptr().add(layout.payload_at()),
                layout.payload_len,
            )
        }
    }

    /// Overwrites an integer in place. The record holds an integer.
    pub fn set_int(&mut self, value: i64) {
        assert_eq!(self.view().kind(), Kind::Int);
        // SAFETY: as in `int`, and we hold the record mutably.
        unsafe {
            self.view()
                .payload_ptr()
                .cast::<i64>()
                .write_unaligned(value)
        }
    }

    /// Replaces the value; key, expiry and access history stay.
    pub fn set_value(&mut self, value: NewValue<'_>) {
        self.replace(value, self.view().expiry());
    }

    /// Replaces value and expiry at once.
    pub fn replace(&mut self, value: NewValue<'_>, expiry: Option<UnixMillis>) {
        let (kind, payload) = Payload::from(value);
        drop(self.take_boxed());
        self.relayout(kind, payload.len(), expiry, 0);
        // SAFETY: the record has just been laid out for this payload.
        unsafe { payload.write(self.view().payload_ptr()) };
    }

    /// Sets or takes away the expiry.
    pub fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        let layout = self.view().layout();
        if let (true, Some(moment)) = (layout.expires(), expiry) {
            // SAFETY: the expiry is the last part of the header.
            unsafe {
                self.0
                    .as_ptr()
                    .add(layout.header - 8)
                    .cast::<i64>()
                    .write_unaligned(moment)
            }
        } else if layout.expires() != expiry.is_some() {
            self.relayout(
                self.view().kind(),
                layout.payload_len,
                expiry,
                layout.payload_len,
            );
        }
    }

    /// Replaces `remove` bytes at `at` of a value held inside the record by the parts of `insert`.
    ///
    /// # Panics
    /// If the value is not inside the record, or the range is outside the value.
    pub fn splice(&mut self, at: usize, remove: usize, insert: &[&[u8]]) {
        let layout = self.view().layout();
        let kind = self.view().kind();
        assert!(
            !kind.is_fixed() && at + remove <= layout.payload_len,
            "splice outside the value"
        );
        let added: usize = insert.iter().map(|part| part.len()).sum();
        let new_len = layout.payload_len - remove + added;
        let tail = layout.payload_len - at - remove;
        if new_len < layout.payload_len {
            // The tail moves forward while the old length still covers it.
            // SAFETY: both ranges lie in the payload.
            unsafe {
                let payload = self.view().payload_ptr();
                ptr::copy(payload.add(at + remove), payload.add(at + added), tail);
            }
        }
        if new_len != layout.payload_len {
            self.relayout(
                kind,
                new_len,
                self.view().expiry(),
                layout.payload_len.min(new_len),
            );
        }
        let payload = self.view().payload_ptr();
        // SAFETY: the payload now has new_len bytes; the tail, still where it was, moves back behind the gap.
        unsafe {
            if new_len > layout.payload_len {
                ptr::copy(payload.add(at + remove), payload.add(at + added), tail);
            }
            let mut to = at;
            for part in insert {
                ptr::copy_nonoverlapping(part.as_ptr(), payload.add(to), part.len());
                to += part.len();
            }
        }
    }

    /// Gives the record a new shape, keeping its key, its access history and the first `keep` bytes of its payload.
    fn relayout(
        &mut self,
        kind: Kind,
        payload_len: usize,
        expiry: Option<UnixMillis>,
        keep: usize,
    ) {
        let old = self.view().layout();
        let new = Layout::new(kind, old.key_len, payload_len, expiry.is_some());
        assert!(
            u32::try_from(new.size()).is_ok(),
            "the protocol bounds keys and values well below 4 GiB"
        );
        let access = self.view().access();
        // SAFETY: the block has old.size() bytes and gets new.size(); what moves stays inside the smaller or the larger
        // of both, in an order that overwrites nothing still needed (`copy` allows overlap).
        unsafe {
            if new.header == old.header {
                self.0 = memory::resize(self.0, old.size(), new.size());
            } else if new.header > old.header {
                self.0 = memory::resize(self.0, old.size(), new.size().max(old.size()));
                let base = self.0.as_ptr();
                // Grow first, then shift key and payload back.
                let shift = (old.key_len + keep).min(new.size() - new.header);
                let grown = new.size().max(old.size());
                debug_assert!(new.header + shift <= grown);
                ptr::copy(base.add(old.header), base.add(new.header), shift);
                self.0 = memory::resize(self.0, grown, new.size());
            } else {
                let base = self.0.as_ptr();
                ptr::copy(
                    base.add(old.header),
                    base.add(new.header),
                    old.key_len + keep,
                );
                self.0 = memory::resize(self.0, old.size(), new.size());
            }
            self.write_header(&new, expiry, access);
        }
    }

    /// The same value and expiry under another key.
    pub fn renamed(mut self, key: &[u8]) -> Self {
        let (kind, payload) = match self.view().kind() {
            kind if kind.is_fixed() => {
                let mut eight = [0; 8];
                eight.copy_from_slice(self.view().payload());
                // The box changes its owner: what stays behind is an integer, which owns nothing.
                (kind, Payload::Eight(eight))
            }
            kind => (kind, Payload::Bytes(self.view().payload())),
        };
        let layout = Layout::new(
            kind,
            key.len(),
            payload.len(),
            self.view().expiry().is_some(),
        );
        let renamed = Self::allocate(layout, key, self.view().expiry(), self.view().access());
        // SAFETY: the layout was made for this payload.
        unsafe { payload.write(renamed.view().payload_ptr()) };
        if kind.is_fixed() {
            self.disown_box();
        }
        renamed
    }
}

/// A borrowed record: as thin as a pointer, and what every reader gets.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a>(NonNull<u8>, PhantomData<&'a u8>);

impl<'a> RecordRef<'a> {
    fn flags(self) -> u8 {
        // SAFETY: every record starts with its flags.
        unsafe { self.0.as_ptr().read() }
    }

    fn layout(self) -> Layout {
        let base = self.0.as_ptr();
        let flags = self.flags();
        let mut at = KEY_LENGTH_AT;
        // SAFETY: reads what write_header wrote, at the same offsets.
        unsafe {
            let key_len = if flags & LONG_KEY != 0 {
                at += 4;
                base.add(at - 4).cast::<u32>().read_unaligned() as usize
            } else {
                at += 1;
                usize::from(base.add(at - 1).read())
            };
            let width = flags >> LENGTH_WIDTH_SHIFT;
            let payload_len = match width {
                0 => 8,
                1 => usize::from(base.add(at).read()),
                2 => usize::from(base.add(at).cast::<u16>().read_unaligned()),
                _ => base.add(at).cast::<u32>().read_unaligned() as usize,
            };
            at += width_bytes(width);
            if flags & HAS_EXPIRY != 0 {
                at += 8;
            }
            Layout {
                flags,
                key_len,
                payload_len,
                header: at,
            }
        }
    }

    fn payload_ptr(self) -> *mut u8 {
        // SAFETY: within the allocation.
        unsafe { self.0.as_ptr().add(self.layout().payload_at()) }
    }

    /// The key.
    #[inline]
    pub fn key(self) -> &'a [u8] {
        let layout = self.layout();
        // SAFETY: the key lies right behind the header.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(layout.header), layout.key_len) }
    }

    /// The kind of value.
    #[inline]
    pub fn kind(self) -> Kind {
        Kind::from_bits(self.flags() & KIND)
    }

    /// The moment from which the key no longer exists, if it has one.
    #[inline]
    pub fn expiry(self) -> Option<UnixMillis> {
        if self.flags() & HAS_EXPIRY == 0 {
            return None;
        }
        let at = self.layout().header - 8;
        // SAFETY: the expiry is the last part of the header.
        Some(unsafe { self.0.as_ptr().add(at).cast::<i64>().read_unaligned() })
    }

    /// Whether the key has ceased to exist by `now`.
    #[inline]
    pub fn is_expired(self, now: UnixMillis) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// The moment at which the sweeper has to look at this record: its own expiry or its earliest field's.
    pub fn deadline(self) -> Option<UnixMillis> {
        match (self.expiry(), self.field_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The moment at which the first of a hash's fields expires, if one does.
    #[inline]
    pub fn field_deadline(self) -> Option<UnixMillis> {
        match self.value() {
            Value::Hash(hash) => hash.next_deadline(),
            _ => None,
        }
    }

    /// 24 bits of access history.
    #[inline]
    pub fn access(self) -> u32 {
        // SAFETY: four bytes of flags and access start every record.
        u32::from_le(unsafe { self.0.as_ptr().cast::<u32>().read_unaligned() }) >> 8
    }

    /// Replaces the access history.  No reference into the record covers it, so a shared borrow suffices.
    #[inline]
    pub fn touch(self, access: u32) {
        let bytes = access.to_le_bytes();
        // SAFETY: the three bytes behind the flags are the access history; records are not Sync, nobody else writes.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.as_ptr().add(ACCESS_AT), 3) }
    }

    /// The payload's bytes: of an integer or a boxed value, its eight raw bytes.
    #[inline]
    fn payload(self) -> &'a [u8] {
        let layout = self.layout();
        // SAFETY: the payload lies right behind the key.
        unsafe {
            std::slice::from_raw_parts(self.0.as_ptr().add(layout.payload_at()), layout.payload_len)
        }
    }

    fn boxed<T>(self) -> *mut T {
        debug_assert!(self.kind().is_fixed() && self.kind() != Kind::Int);
        // SAFETY: the payload has eight bytes; of a boxed kind they are the exposed address that Box::into_raw gave.
        ptr::with_exposed_provenance_mut(unsafe {
            self.payload_ptr().cast::<usize>().read_unaligned()
        })
    }

    /// The value.
    #[inline]
    pub fn value(self) -> Value<'a> {
        match self.kind() {
            Kind::Int => Value::Int(self.int()),
            Kind::Str | Kind::Raw => Value::Str(self.payload()),
            Kind::PackedHash => Value::PackedHash(self.payload()),
            Kind::PackedZSet => Value::PackedZSet(self.payload()),
            // SAFETY: the kind says which box the pointer came from; it lives as long as the record.
            Kind::BigStr => Value::BigStr(unsafe { &*self.boxed::<Bytes>() }),
            // SAFETY: as above.
            Kind::Hash => Value::Hash(unsafe { &*self.boxed::<Hash>() }),
            // SAFETY: as above.
            Kind::ZSet => Value::ZSet(unsafe { &*self.boxed::<ZSet>() }),
            Kind::PackedList => Value::PackedList(self.payload()),
            Kind::IntSet => Value::IntSet(self.payload()),
            Kind::PackedSet => Value::PackedSet(self.payload()),
            // SAFETY: as above.
            Kind::List => Value::List(unsafe { &*self.boxed::<List>() }),
            // SAFETY: as above.
            Kind::Set => Value::Set(unsafe { &*self.boxed::<Set>() }),
            // SAFETY: as above.
            Kind::Stream => Value::Stream(unsafe { &*self.boxed::<Stream>() }),
        }
    }

    fn int(self) -> i64 {
        // SAFETY: the payload of an integer is its eight bytes.
        unsafe { self.payload_ptr().cast::<i64>().read_unaligned() }
    }

    /// A copy of value and expiry under another key (`COPY`).
    pub fn duplicate(self, key: &[u8]) -> Record {
        let value = match self.value() {
            Value::Int(value) => NewValue::Int(value),
            Value::Str(bytes) if self.kind() == Kind::Raw => NewValue::Raw(bytes),
            Value::Str(bytes) => NewValue::Str(bytes),
            Value::BigStr(bytes) => NewValue::BigStr(bytes.clone()),
            Value::PackedHash(bytes) => NewValue::PackedHash(bytes),
            Value::Hash(hash) => NewValue::Hash(Box::new(hash.clone())),
            Value::PackedZSet(bytes) => NewValue::PackedZSet(bytes),
            Value::ZSet(zset) => NewValue::ZSet(Box::new(zset.clone())),
            Value::PackedList(bytes) => NewValue::PackedList(bytes),
            Value::List(list) => NewValue::List(Box::new(list.clone())),
            Value::IntSet(bytes) => NewValue::IntSet(bytes),
            Value::PackedSet(bytes) => NewValue::PackedSet(bytes),
            Value::Set(set) => NewValue::Set(Box::new(set.clone())),
            Value::Stream(stream) => NewValue::Stream(Box::new(stream.clone())),
        };
        Record::new(key, value, self.expiry(), self.access())
    }

    /// Bytes that the record occupies, what its box holds included (`MEMORY USAGE`).
    pub fn memory(self) -> usize {
        memory::class_size(self.layout().size())
            + match self.value() {
                Value::BigStr(bytes) => bytes.len() + size_of::<Bytes>(),
                Value::Hash(hash) => hash.memory(),
                Value::ZSet(zset) => zset.memory(),
                Value::List(list) => list.memory(),
                Value::Set(set) => set.memory(),
                Value::Stream(stream) => stream.memory(),
                _ => 0,
            }
    }

    /// How many elements have to be freed one by one when the value goes.
    pub fn free_effort(self) -> usize {
        match self.value() {
            Value::Hash(hash) => hash.len(),
            Value::ZSet(zset) => zset.len(),
            Value::List(list) => list.len(),
            Value::Set(set) => set.len(),
            Value::Stream(stream) => stream.free_effort(),
            _ => 1,
        }
    }

    /// The address, for prefetching.
    pub fn address(self) -> *const u8 {
        self.0.as_ptr()
    }
}

// SAFETY: the slabs and the general allocator give blocks aligned to 8 bytes, a record keeps its block until it is
// dropped or changed, and a change happens on an owned record, while the table has lent out none.
unsafe impl Thin for Record {
    type Ref<'a> = RecordRef<'a>;
    type Mut<'a> = RecordRef<'a>;

    const REACH: usize = 2 * memory::LINE + 1;

    fn into_raw(self) -> NonNull<u8> {
        let block = self.0;
        std::mem::forget(self);
        block
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> RecordRef<'a> {
        RecordRef(raw, PhantomData)
    }

    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> RecordRef<'a> {
        RecordRef(raw, PhantomData)
    }

    fn size(entry: RecordRef<'_>) -> usize {
        entry.layout().size()
    }

    fn hash(entry: RecordRef<'_>) -> u64 {
        KeyHash::of(entry.key()).table()
    }

    fn deadline(entry: RecordRef<'_>) -> Option<u64> {
        entry
            .deadline()
            .map(|moment| u64::try_from(moment).unwrap_or(0))
    }
}

/// Packed values are edited where they are; the record moves as it grows and shrinks.
impl PackedBuf for Record {
    fn bytes(&self) -> &[u8] {
        self.view().payload()
    }

    fn splice(&mut self, at: usize, remove: usize, insert: &[&[u8]]) {
        Self::splice(self, at, remove, insert);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        drop(self.take_boxed());
        let size = self.view().layout().size();
        // SAFETY: the block was allocated with the size that its header tells.
        unsafe { memory::free(self.0, size) }
    }
}
