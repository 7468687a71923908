//! Reading streams: entries in listpacks of up to some hundred, then the counters, then the groups.

use super::listpack::Listpack;
use super::{Error, Reader, form};
use crate::clock::UnixMillis;
use crate::value::stream::StreamId;

/// What a stream remembers beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// The number of entries.
    pub length: u64,
    /// The highest ID that was ever given.
    pub last: StreamId,
    /// The highest ID that was deleted; `None` where the payload is too old to tell.
    pub max_deleted: Option<StreamId>,
    /// How many entries were ever added; `None` where the payload is too old to tell.
    pub added: Option<u64>,
}

/// The part of [`super::Build`] that makes streams.
///
/// The order of the calls: entries by rising ID, the state, and for each group the group itself, all that is pending
/// in it, and for each of its consumers the consumer itself and what of the pending is its.
pub trait BuildStream {
    /// A stream begins.
    fn stream(&mut self);

    /// The next entry. `fields` are field, value, field, value and so on. False if the ID is not above the last one.
    fn entry(&mut self, id: StreamId, fields: &[&[u8]]) -> bool;

    /// All entries were told. False if this cannot be so.
    fn state(&mut self, state: StreamState) -> bool;

    /// A group. `read` is how many entries it has read, if the payload tells. False if it was there already.
    fn group(&mut self, name: &[u8], last: StreamId, read: Option<u64>) -> bool;

    /// An entry that was given to somebody in the last group, and not acknowledged. False if it was there already.
    fn pending(&mut self, id: StreamId, delivered: UnixMillis, times: u64) -> bool;

    /// A consumer of the last group. False if it was there already.
    fn consumer(&mut self, name: &[u8], seen: UnixMillis, active: Option<UnixMillis>) -> bool;

    /// A pending entry is the last consumer's. False if it is not pending, or somebody else's.
    fn owns(&mut self, id: StreamId) -> bool;

    /// The last group is complete. False if something is pending that nobody owns.
    fn group_end(&mut self) -> bool;
}

/// Says of an entry that it was deleted.
const DELETED: i64 = 1;
/// Says of an entry that it has the fields of the first one.
pub(super) const SAME_FIELDS: i64 = 2;

fn sound(is_sound: bool) -> Result<(), Error> {
    if is_sound { Ok(()) } else { Err(Error::Format) }
}

pub(super) fn decode(
    reader: &mut Reader<'_>,
    form: u8,
    build: &mut impl BuildStream,
) -> Result<(), Error> {
    build.stream();
    let nodes = reader.count(2)?;
    for _ in 0..nodes {
        let key = reader.string()?;
        let key: &[u8; 16] = key[..].try_into().map_err(|_| Error::Format)?;
        let packed = reader.string()?;
        node(reader, id(key), &packed, build)?;
    }
    let mut state = StreamState {
        length: reader.number()?,
        last: pair(reader)?,
        max_deleted: None,
        added: None,
    };
    if form != form::STREAM {
        // The first ID: the entries tell it.
        pair(reader)?;
        state.max_deleted = Some(pair(reader)?);
        state.added = Some(reader.number()?);
    }
    sound(build.state(state))?;
    let groups = reader.count(1)?;
    (0..groups).try_for_each(|_| group(reader, form, build))
}

/// An ID as two numbers.
fn pair(reader: &mut Reader<'_>) -> Result<StreamId, Error> {
    Ok(StreamId::new(reader.number()?, reader.number()?))
}

/// A time of the past, hence not negative.
fn time(reader: &mut Reader<'_>) -> Result<UnixMillis, Error> {
    reader.millis().and_then(|time| {
        sound(time >= 0)?;
        Ok(time)
    })
}

/// An ID whose bytes have the order of IDs.
fn id(bytes: &[u8; 16]) -> StreamId {
    let whole = u128::from_be_bytes(*bytes);
    StreamId::new((whole >> 64) as u64, whole as u64)
}

/// Counts in a listpack are not negative.
fn natural(entries: &mut Listpack<'_>) -> Result<u64, Error> {
    let number = entries.expect()?.int()?;
    u64::try_from(number).map_err(|_| Error::Format)
}

/// Entries whose IDs are differences from `base`, and whose fields those of the first one, unless they say otherwise.
///
/// ```text
/// living   deleted   fields   field...   0
/// (flags   milliseconds   number   [fields]   ([field]   value)...   parts of the entry)...
/// ```
fn node(
    reader: &mut Reader<'_>,
    base: StreamId,
    bytes: &[u8],
    build: &mut impl BuildStream,
) -> Result<(), Error> {
    let mut entries = Listpack::new(bytes)?;
    let (living, deleted) = (natural(&mut entries)?, natural(&mut entries)?);
    let mut texts = Texts::default();
    for _ in 0..natural(&mut entries)? {
        texts.push(&mut entries)?;
    }
    let names = texts.len();
    sound(entries.expect()?.int()? == 0)?;
    let (mut lived, mut died) = (0, 0);
    while let Some(flags) = entries.next()? {
        let flags = flags.int()?;
        let (milliseconds, number) = (entries.expect()?.int()?, entries.expect()?.int()?);
        // Differences of 64 bits without a sign, in numbers with one.
        let id = StreamId::new(
            base.ms.wrapping_add(milliseconds as u64),
            base.seq.wrapping_add(number as u64),
        );
        texts.truncate(names);
        let parts = if flags & SAME_FIELDS != 0 {
            reader.charge(texts.bytes.len())?;
            for _ in 0..names {
                texts.push(&mut entries)?;
            }
            3 + names as u64
        } else {
            let fields = natural(&mut entries)?;
            for _ in 0..fields {
                texts.push(&mut entries)?;
                texts.push(&mut entries)?;
            }
            fields
                .checked_mul(2)
                .and_then(|parts| parts.checked_add(4))
                .ok_or(Error::Format)?
        };
        sound(natural(&mut entries)? == parts)?;
        if flags & DELETED != 0 {
            died += 1;
            continue;
        }
        lived += 1;
        let fields: Vec<&[u8]> = if flags & SAME_FIELDS != 0 {
            (0..names)
                .flat_map(|at| [texts.get(at), texts.get(names + at)])
                .collect()
        } else {
            (names..texts.len()).map(|at| texts.get(at)).collect()
        };
        sound(id >= base && !fields.is_empty() && build.entry(id, &fields))?;
    }
    sound(living > 0 && living == lived && deleted == died)
}

/// Texts one behind the other: integers have none of their own in a listpack.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, entries: &mut Listpack<'_>) -> Result<(), Error> {
        let mut digits = itoa::Buffer::new();
        self.bytes
            .extend_from_slice(entries.expect()?.text(&mut digits));
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn get(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.ends[at]]
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start(len));
        self.ends.truncate(len);
    }
}

fn group(reader: &mut Reader<'_>, form: u8, build: &mut impl BuildStream) -> Result<(), Error> {
    let name = reader.string()?;
    let last = pair(reader)?;
    let read = match form {
        form::STREAM => None,
        // -1, without a sign, says that it is not known.
        _ => Some(reader.number()?).filter(|read| *read != u64::MAX),
    };
    sound(build.group(&name, last, read))?;
    for _ in 0..reader.count(16 + 8 + 1)? {
        let id = id(&reader.array()?);
        let (delivered, times) = (time(reader)?, reader.number()?);
        sound(build.pending(id, delivered, times))?;
    }
    for _ in 0..reader.count(1 + 8 + 1)? {
        let name = reader.string()?;
        let seen = time(reader)?;
        let active = match form {
            form::STREAM_3 => Some(reader.millis()?).filter(|active| *active >= 0),
            _ => Some(seen),
        };
        sound(build.consumer(&name, seen, active))?;
        for _ in 0..reader.count(16)? {
            sound(build.owns(id(&reader.array()?)))?;
        }
    }
    sound(build.group_end())
}
