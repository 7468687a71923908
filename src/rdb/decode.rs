//! Reading a value: whatever form it was written in, a builder gets its elements one after the other.

use super::listpack::{Entry, Listpack};
use super::stream::{self, BuildStream};
use super::ziplist::Ziplist;
use super::zipmap::Zipmap;
use super::{Error, Reader, VALKEY, form, intset};
use crate::clock::UnixMillis;

/// The kinds of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// Elements in their order.
    List,
    /// Members.
    Set,
    /// Members with scores.
    ZSet,
    /// Fields with values.
    Hash,
}

/// Somebody who makes a value of what is read.
///
/// One value is read by one call of [`Build::string`], by [`Build::begin`] and that collection's method for every
/// element, or by those of [`BuildStream`]. If reading fails midway, what was built so far is to be thrown away.
pub trait Build: BuildStream {
    /// The value is this string.
    fn string(&mut self, value: &[u8]);

    /// A collection begins. `coming` is how many elements it will have at the most, and within a small factor of what
    /// the payload has room for: a hint, nothing to allocate by.
    fn begin(&mut self, collection: Collection, coming: usize);

    /// The next element at the list's end.
    fn push(&mut self, element: &[u8]);

    /// A member of the set. False if it was there already.
    fn member(&mut self, member: &[u8]) -> bool;

    /// A member of the sorted set; the score is not NaN. False if it was there already.
    fn scored(&mut self, member: &[u8], score: f64) -> bool;

    /// A field of the hash, with the moment at which it expires, which may have passed. False if it was there already.
    fn field(&mut self, name: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> bool;
}

/// Reads a value with the type that stands before it, from a payload of this version.
///
/// # Errors
/// What is no value, an empty collection, and what holds an element twice are [`Error::Format`].
pub fn decode(reader: &mut Reader<'_>, version: u16, build: &mut impl Build) -> Result<(), Error> {
    let form = reader.byte()?;
    if version >= VALKEY && form == form::HASH_VALKEY {
        return valkey_hash(reader, build);
    }
    match form {
        form::STRING => {
            build.string(&reader.string()?);
            Ok(())
        }
        form::LIST => {
            let count = reader.some(1)?;
            build.begin(Collection::List, count);
            (0..count).try_for_each(|_| {
                build.push(&reader.string()?);
                Ok(())
            })
        }
        form::LIST_ZIPLIST => {
            let bytes = reader.string()?;
            let mut entries = Ziplist::new(&bytes)?;
            build.begin(Collection::List, entries.at_most());
            let count = push_all(build, || entries.next())?;
            not_empty(count)
        }
        form::LIST_QUICKLIST | form::LIST_QUICKLIST_2 => quicklist(reader, form, build),
        form::SET => {
            let count = reader.some(1)?;
            build.begin(Collection::Set, count);
            (0..count).try_for_each(|_| new(build.member(&reader.string()?)))
        }
        form::SET_INTSET => {
            let bytes = reader.string()?;
            let members = intset::read(&bytes)?;
            not_empty(members.len())?;
            build.begin(Collection::Set, members.len());
            let mut digits = itoa::Buffer::new();
            for member in members {
                new(build.member(digits.format(member).as_bytes()))?;
            }
            Ok(())
        }
        form::SET_LISTPACK => {
            let bytes = reader.string()?;
            let mut entries = Listpack::new(&bytes)?;
            build.begin(Collection::Set, entries.at_most());
            let mut count = 0;
            let mut digits = itoa::Buffer::new();
            while let Some(member) = entries.next()? {
                new(build.member(member.text(&mut digits)))?;
                count += 1;
            }
            not_empty(count)
        }
        form::ZSET | form::ZSET_BINARY => {
            let count = reader.some(2)?;
            build.begin(Collection::ZSet, count);
            (0..count).try_for_each(|_| {
                let member = reader.string()?;
                let score = match form {
                    form::ZSET => reader.text_score()?,
                    _ => reader.score()?,
                };
                new(build.scored(&member, score))
            })
        }
        form::ZSET_ZIPLIST | form::ZSET_LISTPACK => {
            let bytes = reader.string()?;
            let mut pairs = Pairs::new(&bytes, form == form::ZSET_ZIPLIST)?;
            build.begin(Collection::ZSet, pairs.at_most());
            let mut digits = itoa::Buffer::new();
            let mut count = 0;
            while let Some((member, score)) = pairs.next()? {
                new(build.scored(member.text(&mut digits), score.score()?))?;
                count += 1;
            }
            not_empty(count)
        }
        form::HASH => {
            let count = reader.some(2)?;
            build.begin(Collection::Hash, count);
            (0..count).try_for_each(|_| {
                let (name, value) = (reader.string()?, reader.string()?);
                new(build.field(&name, &value, None))
            })
        }
        form::HASH_ZIPMAP => {
            let bytes = reader.string()?;
            let mut fields = Zipmap::new(&bytes)?;
            build.begin(Collection::Hash, fields.at_most());
            let mut count = 0;
            while let Some((name, value)) = fields.next()? {
                new(build.field(name, value, None))?;
                count += 1;
            }
            not_empty(count)
        }
        form::HASH_ZIPLIST | form::HASH_LISTPACK => {
            let bytes = reader.string()?;
            let mut pairs = Pairs::new(&bytes, form == form::HASH_ZIPLIST)?;
            build.begin(Collection::Hash, pairs.at_most());
            let (mut name_digits, mut value_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
            let mut count = 0;
            while let Some((name, value)) = pairs.next()? {
                let (name, value) = (name.text(&mut name_digits), value.text(&mut value_digits));
                new(build.field(name, value, None))?;
                count += 1;
            }
            not_empty(count)
        }
        form::HASH_EXPIRY | form::HASH_EXPIRY_DRAFT => {
            let earliest = match form {
                form::HASH_EXPIRY => Some(reader.millis()?),
                _ => None,
            };
            expiring_hash(reader, earliest, build)
        }
        form::HASH_LISTPACK_EXPIRY | form::HASH_LISTPACK_EXPIRY_DRAFT => {
            if form == form::HASH_LISTPACK_EXPIRY {
                // The earliest expiry: the entries tell it again.
                reader.millis()?;
            }
            expiring_listpack(&reader.string()?, build)
        }
        form::STREAM | form::STREAM_2 | form::STREAM_3 => stream::decode(reader, form, build),
        // Modules' values among them.
        _ => Err(Error::Format),
    }
}

/// An element is new to its collection, or the payload is wrong.
fn new(is_new: bool) -> Result<(), Error> {
    if is_new { Ok(()) } else { Err(Error::Format) }
}

fn not_empty(count: usize) -> Result<(), Error> {
    new(count > 0)
}

/// Pushes entries to a list and counts them.
fn push_all<'a>(
    build: &mut impl Build,
    mut next: impl FnMut() -> Result<Option<Entry<'a>>, Error>,
) -> Result<usize, Error> {
    let mut digits = itoa::Buffer::new();
    let mut count = 0;
    while let Some(entry) = next()? {
        build.push(entry.text(&mut digits));
        count += 1;
    }
    Ok(count)
}

/// A list of nodes: ziplists, or listpacks and single elements.
fn quicklist(reader: &mut Reader<'_>, form: u8, build: &mut impl Build) -> Result<(), Error> {
    const PLAIN: u64 = 1;
    const PACKED: u64 = 2;
    let nodes = reader.some(1)?;
    // A node says how many elements it has only when it is reached: no fewer than one.
    build.begin(Collection::List, nodes);
    let mut count = 0;
    for _ in 0..nodes {
        let container = match form {
            form::LIST_QUICKLIST_2 => reader.number()?,
            _ => PACKED,
        };
        let node = reader.string()?;
        count += match container {
            PLAIN if node.is_empty() => return Err(Error::Format),
            PLAIN => {
                build.push(&node);
                1
            }
            PACKED if form == form::LIST_QUICKLIST => {
                let mut entries = Ziplist::new(&node)?;
                push_all(build, || entries.next())?
            }
            PACKED => {
                let mut entries = Listpack::new(&node)?;
                push_all(build, || entries.next())?
            }
            _ => return Err(Error::Format),
        };
    }
    not_empty(count)
}

/// Entries two by two.
enum Pairs<'a> {
    Ziplist(Ziplist<'a>),
    Listpack(Listpack<'a>),
}

impl<'a> Pairs<'a> {
    fn new(bytes: &'a [u8], is_ziplist: bool) -> Result<Self, Error> {
        Ok(if is_ziplist {
            Self::Ziplist(Ziplist::new(bytes)?)
        } else {
            Self::Listpack(Listpack::new(bytes)?)
        })
    }

    fn at_most(&self) -> usize {
        match self {
            Self::Ziplist(entries) => entries.at_most() / 2,
            Self::Listpack(entries) => entries.at_most() / 2,
        }
    }

    fn entry(&mut self) -> Result<Option<Entry<'a>>, Error> {
        match self {
            Self::Ziplist(entries) => entries.next(),
            Self::Listpack(entries) => entries.next(),
        }
    }

    fn next(&mut self) -> Result<Option<(Entry<'a>, Entry<'a>)>, Error> {
        let Some(first) = self.entry()? else {
            return Ok(None);
        };
        Ok(Some((first, self.entry()?.ok_or(Error::Format)?)))
    }
}

/// A moment as it is written for a field.
fn moment(millis: u64) -> Result<UnixMillis, Error> {
    UnixMillis::try_from(millis).map_err(|_| Error::Format)
}

/// Valkey's hash: every field with its expiry, or -1.
fn valkey_hash(reader: &mut Reader<'_>, build: &mut impl Build) -> Result<(), Error> {
    const NEVER: i64 = -1;
    let count = reader.some(10)?;
    build.begin(Collection::Hash, count);
    (0..count).try_for_each(|_| {
        let (name, value) = (reader.string()?, reader.string()?);
        let expiry = match reader.millis()? {
            NEVER => None,
            moment if moment >= 0 => Some(moment),
            _ => return Err(Error::Format),
        };
        new(build.field(&name, &value, expiry))
    })
}

/// Redis's hash: before every field 0, or its expiry: one more than its distance from the earliest, if that is given.
fn expiring_hash(
    reader: &mut Reader<'_>,
    earliest: Option<UnixMillis>,
    build: &mut impl Build,
) -> Result<(), Error> {
    let count = reader.some(3)?;
    build.begin(Collection::Hash, count);
    (0..count).try_for_each(|_| {
        let expiry = match (reader.number()?, earliest) {
            (0, _) => None,
            (millis, None) => Some(moment(millis)?),
            (distance, Some(earliest)) => {
                let moment = earliest
                    .checked_add_unsigned(distance - 1)
                    .filter(|moment| *moment >= 0)
                    .ok_or(Error::Format)?;
                Some(moment)
            }
        };
        let (name, value) = (reader.string()?, reader.string()?);
        new(build.field(&name, &value, expiry))
    })
}

/// Redis's hash as a listpack of fields, values and moments, 0 for never.
fn expiring_listpack(bytes: &[u8], build: &mut impl Build) -> Result<(), Error> {
    let mut entries = Listpack::new(bytes)?;
    build.begin(Collection::Hash, entries.at_most() / 3);
    let (mut name_digits, mut value_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut count = 0;
    while let Some(name) = entries.next()? {
        let value = entries.expect()?;
        let expiry = match entries.expect()?.int()? {
            0 => None,
            millis if millis > 0 => Some(millis),
            _ => return Err(Error::Format),
        };
        let (name, value) = (name.text(&mut name_digits), value.text(&mut value_digits));
        new(build.field(name, value, expiry))?;
        count += 1;
    }
    not_empty(count)
}
