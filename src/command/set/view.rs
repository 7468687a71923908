//! A set, whichever way its record holds it: reading it, and changing it through its record.

use std::hash::{Hash, Hasher};

use crate::config::Settings;
use crate::keyspace::{Access, Event, KeyMut, NewValue, Record, RecordRef, Value};
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::packed::{IntSet, PackedSet, PackedSetIter};
use crate::value::set::{self, BATCH, Set};

/// A set to be read.
#[derive(Debug, Clone, Copy)]
pub(in crate::command) enum SetView<'a> {
    Ints(IntSet<'a>),
    Packed(PackedSet<'a>),
    Large(&'a Set),
}

impl<'a> SetView<'a> {
    /// The set in `record`, if it holds one.
    #[inline]
    pub(in crate::command) fn in_record(record: RecordRef<'a>) -> Option<Self> {
        match record.value() {
            Value::IntSet(bytes) => Some(Self::Ints(IntSet::new(bytes))),
            Value::PackedSet(bytes) => Some(Self::Packed(PackedSet::new(bytes))),
            Value::Set(set) => Some(Self::Large(set)),
            _ => None,
        }
    }

    /// The set in `record`; `WRONGTYPE` if it holds something else.
    #[inline]
    pub(super) fn of(record: RecordRef<'a>) -> Result<Self, ReplyError> {
        Self::in_record(record).ok_or(ReplyError::WRONG_TYPE)
    }

    /// Number of members.
    #[inline]
    pub(in crate::command) fn len(self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Packed(packed) => packed.len(),
            Self::Large(set) => set.len(),
        }
    }

    /// Whether `name` is a member.
    #[inline]
    pub(in crate::command) fn contains(self, name: &[u8]) -> bool {
        match self {
            Self::Ints(ints) => number::parse_i64(name).is_some_and(|int| ints.contains(int)),
            Self::Packed(packed) => packed.contains(name),
            Self::Large(set) => set.contains(name),
        }
    }

    /// Says of each of up to [`BATCH`] names whether it is a member. The cache misses of looking overlap.
    pub(super) fn contains_each<'n>(
        self,
        mut names: impl Iterator<Item = &'n [u8]>,
    ) -> [bool; BATCH] {
        let mut present = [false; BATCH];
        if let Self::Large(set) = self {
            if let Some(batch) = set.batch(&mut names) {
                for (present, name) in present.iter_mut().zip(batch.iter()) {
                    *present = set.contains(name);
                }
            }
        } else {
            for (present, name) in present.iter_mut().zip(names) {
                *present = self.contains(name);
            }
        }
        present
    }

    /// All members.
    pub(in crate::command) fn iter(self) -> Members<'a> {
        match self {
            Self::Ints(ints) => Members::Ints(ints, 0),
            Self::Packed(packed) => Members::Packed(packed.iter()),
            Self::Large(set) => Members::Large(set.iter()),
        }
    }

    /// Visits all members.
    #[inline]
    pub(in crate::command) fn each(self, mut visit: impl FnMut(&[u8])) {
        match self {
            Self::Ints(ints) => {
                let mut digits = itoa::Buffer::new();
                ints.iter()
                    .for_each(|int| visit(digits.format(int).as_bytes()));
            }
            Self::Packed(packed) => packed.iter().for_each(visit),
            Self::Large(set) => set.iter().for_each(visit),
        }
    }
}

/// An integer as text.
#[derive(Clone, Copy)]
pub(in crate::command) struct Digits {
    bytes: [u8; Self::MOST],
    len: u8,
}

impl Digits {
    /// Of the lowest `i64`, with its sign.
    const MOST: usize = 20;

    pub(in crate::command) fn new(int: i64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(int).as_bytes();
        let mut bytes = [0; Self::MOST];
        bytes[..text.len()].copy_from_slice(text);
        Self {
            bytes,
            len: text.len() as u8,
        }
    }
}

impl AsRef<[u8]> for Digits {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_ref().escape_ascii())
    }
}

/// A member, told apart from others by its bytes alone.
#[derive(Debug, Clone, Copy)]
pub(in crate::command) enum Member<'a> {
    /// An integer.
    Int(Digits),
    /// Where the set holds it.
    Bytes(&'a [u8]),
}

impl Member<'_> {
    #[inline]
    pub(in crate::command) fn bytes(&self) -> &[u8] {
        match self {
            Self::Int(digits) => digits.as_ref(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Member<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Member<'_> {}

impl Hash for Member<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// The members of a set: integers in ascending order, others in no particular one.
#[derive(Debug)]
pub(in crate::command) enum Members<'a> {
    /// With the index of the next.
    Ints(IntSet<'a>, usize),
    Packed(PackedSetIter<'a>),
    Large(set::Iter<'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        match self {
            Self::Ints(ints, next) => {
                let int = ints.nth(*next)?;
                *next += 1;
                Some(Member::Int(Digits::new(int)))
            }
            Self::Packed(members) => members.next().map(Member::Bytes),
            Self::Large(members) => members.next().map(Member::Bytes),
        }
    }
}

/// Whatever the settings say, no set in a record has more bytes than this, or so many integers.
const MOST_PACKED: usize = 1 << 30;
const MOST_INTS: usize = MOST_PACKED / size_of::<i64>();

/// A set to be changed, through the record that holds it. It grows out of its small forms, and never back.
pub(in crate::command) struct SetMut<'a> {
    record: &'a mut Record,
    settings: &'a Settings,
}

impl<'a> SetMut<'a> {
    /// The set in `record`, which holds one, of any form and perhaps empty.
    #[inline]
    pub(in crate::command) fn new(record: &'a mut Record, settings: &'a Settings) -> Self {
        Self { record, settings }
    }

    /// The set as it is.
    pub(super) fn view(&self) -> SetView<'_> {
        SetView::of(self.record.view()).expect("a SetMut is made of a record that holds a set")
    }

    /// The set in its form for many members, if it has that form.
    pub(super) fn large(&mut self) -> Option<&mut Set> {
        match self.record.view().value() {
            Value::Set(_) => Some(self.record.set_mut()),
            _ => None,
        }
    }

    /// So many names are about to be inserted, perhaps all the same. If they may be too many for the set's form,
    /// it changes now, once.
    pub(super) fn expect(&mut self, coming: usize) {
        let most = match self.record.view().value() {
            Value::IntSet(_) => self.settings.set_max_intset_entries(),
            Value::PackedSet(_) => self.settings.set_max_listpack_entries(),
            _ => return,
        };
        if coming > most {
            self.enlarge();
        }
    }

    /// [`SetMut::expect`] of a set that is empty, and can still choose its form by the first name.
    pub(super) fn expect_first(&mut self, first: &[u8], coming: usize) {
        let is_int = number::parse_i64(first).is_some();
        if is_int && coming <= self.settings.set_max_intset_entries() {
            return;
        }
        if coming <= self.settings.set_max_listpack_entries() {
            self.begin_packed();
        } else {
            self.enlarge();
        }
    }

    /// Gives a set that is empty the form for few members of any kind.
    pub(super) fn begin_packed(&mut self) {
        self.record.set_value(NewValue::PackedSet(b""));
    }

    /// Adds a member and tells whether it is new.
    #[inline]
    pub(in crate::command) fn insert(&mut self, member: &[u8]) -> bool {
        match self.record.view().value() {
            Value::Set(_) => self.record.set_mut().insert(member),
            Value::PackedSet(bytes) => {
                let packed = PackedSet::new(bytes);
                if packed.contains(member) {
                    return false;
                }
                if self.fits_packed(packed.len(), bytes.len(), member) {
                    PackedSet::push(self.record, member);
                    return true;
                }
                self.enlarge();
                self.record.set_mut().insert(member)
            }
            _ => match number::parse_i64(member) {
                Some(int) => self.insert_int(int),
                None => {
                    self.insert_among_ints(member);
                    true
                }
            },
        }
    }

    fn insert_int(&mut self, int: i64) -> bool {
        let added = IntSet::insert(self.record, int);
        if added && self.view().len() > self.settings.set_max_intset_entries().min(MOST_INTS) {
            self.enlarge();
        }
        added
    }

    /// Adds what is no integer to a set of integers, which changes its form.
    fn insert_among_ints(&mut self, member: &[u8]) {
        let Value::IntSet(bytes) = self.record.view().value() else {
            return;
        };
        let ints = IntSet::new(bytes);
        let digits = |int: Option<i64>| int.map_or(0, |int| Digits::new(int).as_ref().len());
        // The lowest and the highest have the most digits.
        let longest = digits(ints.nth(0)).max(digits(ints.iter().next_back()));
        if longest <= self.settings.set_max_listpack_value()
            && self.fits_packed(ints.len(), ints.len() * (longest + 1), member)
        {
            let packed = PackedSet::from_members(ints.iter().map(Digits::new));
            self.record.set_value(NewValue::PackedSet(&packed));
            PackedSet::push(self.record, member);
        } else {
            self.enlarge();
            self.record.set_mut().insert(member);
        }
    }

    /// Whether a packed set of `len` members in so many bytes may take another one.
    fn fits_packed(&self, len: usize, bytes: usize, member: &[u8]) -> bool {
        len < self.settings.set_max_listpack_entries()
            && member.len() <= self.settings.set_max_listpack_value()
            && bytes + member.len() < MOST_PACKED
    }

    /// Adds members and tells how many are new.
    #[inline]
    pub(super) fn insert_all(&mut self, names: Args<'_>) -> usize {
        if names.len() == 1 {
            return usize::from(self.insert(names.at(0)));
        }
        let mut names = names.iter();
        let mut added = 0;
        loop {
            if let Value::Set(_) = self.record.view().value() {
                let set = self.record.set_mut();
                return added + set_insert_all(set, &mut names);
            }
            let Some(name) = names.next() else {
                return added;
            };
            added += usize::from(self.insert(name));
        }
    }

    /// Removes a member and tells whether it was there.
    #[inline]
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        match self.record.view().value() {
            Value::Set(_) => self.record.set_mut().remove(member),
            Value::PackedSet(_) => PackedSet::remove(self.record, member),
            _ => number::parse_i64(member).is_some_and(|int| IntSet::remove(self.record, int)),
        }
    }

    /// Makes a set of few integers what it would have been if they had come first.
    pub(super) fn compact(&mut self) {
        let set = self.view();
        if matches!(set, SetView::Ints(_)) || set.len() > self.settings.set_max_intset_entries() {
            return;
        }
        let ints = set.iter().map(|member| number::parse_i64(member.bytes()));
        let Some(mut ints) = ints.collect::<Option<Vec<i64>>>() else {
            return;
        };
        ints.sort_unstable();
        let packed = IntSet::from_sorted(ints.iter().copied());
        self.record.set_value(NewValue::IntSet(&packed));
    }

    /// To the form for many members.
    #[cold]
    fn enlarge(&mut self) {
        let large = match self.record.view().value() {
            Value::IntSet(bytes) => Set::from(IntSet::new(bytes)),
            Value::PackedSet(bytes) => Set::from(PackedSet::new(bytes)),
            _ => return,
        };
        self.record.set_value(NewValue::Set(Box::new(large)));
    }
}

/// Adds members to a large set and tells how many are new.
#[inline]
fn set_insert_all<'n>(set: &mut Set, names: &mut impl Iterator<Item = &'n [u8]>) -> usize {
    let mut added = 0;
    while let Some(batch) = set.batch(names) {
        added += batch.iter().filter(|name| set.insert(*name)).count();
    }
    added
}

/// The set under `key`, to be read; `None` if there is no such key.
#[inline]
pub(super) fn read<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<SetView<'c>>, ReplyError> {
    keys.read(key).map(SetView::of).transpose()
}

/// The set under `key`, to be changed; `None` if there is no such key.
#[inline]
pub(super) fn edit<'c>(
    keys: &'c mut Access<'_>,
    key: &[u8],
) -> Result<Option<KeyMut<'c>>, ReplyError> {
    let found = keys.edit(key);
    if let Some(found) = &found {
        SetView::of(found.record())?;
    }
    Ok(found)
}

/// A set without members is no key.
#[inline]
pub(super) fn delete_if_empty(found: KeyMut<'_>) {
    if SetView::in_record(found.record()).is_some_and(|set| set.len() == 0) {
        found.delete(Event::DEL);
    }
}
