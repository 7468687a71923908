//! The shards that a command holds: their locks, or, for a script that takes long, a reservation.
//!
//! Locks are held for a moment, so that whoever meets one waits for it.  A script that turns out to take long gives its
//! locks back and *reserves* its shards instead: the locks are free, and whoever takes one finds out, gives back what it has
//! and lets its *connection* wait ([`Reserved`]).  So no thread ever waits for a script, and the locking rule stays as it is.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::Keyspace;
use super::hash::{SHARDS, ShardIndex};
use super::shard::ShardData;
use crate::mailbox::ClientId;

/// Who has reserved shards; never 0, never reused.
pub type Holder = u64;

/// Shards that are needed are reserved by somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// By whom.
    pub holder: Holder,
}

/// Which shards, in ascending order.
#[derive(Debug, Clone)]
pub(super) enum Which {
    None,
    One(ShardIndex),
    Many(Vec<ShardIndex>),
    All,
}

/// Shards under lock.
#[derive(Debug)]
pub(super) struct Held<'k> {
    shards: Shards<'k>,
    /// Who has reserved them, if they were: the reservation ends with the hold.
    holder: Option<Holder>,
}

#[derive(Debug)]
enum Shards<'k> {
    None,
    One(ShardIndex, MutexGuard<'k, ShardData>),
    /// In ascending order of the shards.
    Many(Vec<(ShardIndex, MutexGuard<'k, ShardData>)>),
    All(Vec<MutexGuard<'k, ShardData>>),
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.holder.is_some() {
            self.shards.each(|data| data.set_reserved(None));
        }
    }
}

impl Shards<'_> {
    #[cold]
    fn each(&mut self, mut f: impl FnMut(&mut ShardData)) {
        match self {
            Self::None => {}
            Self::One(_, data) => f(data),
            Self::Many(many) => many.iter_mut().for_each(|(_, data)| f(data)),
            Self::All(all) => all.iter_mut().for_each(|data| f(data)),
        }
    }
}

#[inline]
fn lock_one(
    keyspace: &Keyspace,
    shard: ShardIndex,
    holder: Option<Holder>,
) -> Result<MutexGuard<'_, ShardData>, Reserved> {
    let data = keyspace.shards[shard.index()].data.lock();
    match data.reserved() {
        None => Ok(data),
        Some(other) if holder == Some(other) => Ok(data),
        Some(other) => Err(Reserved { holder: other }),
    }
}

#[inline(never)]
fn lock_many<'k>(
    keyspace: &'k Keyspace,
    shards: &[ShardIndex],
    holder: Option<Holder>,
) -> Result<Shards<'k>, Reserved> {
    let lock = |&shard| Ok((shard, lock_one(keyspace, shard, holder)?));
    Ok(Shards::Many(
        shards.iter().map(lock).collect::<Result<_, _>>()?,
    ))
}

#[inline(never)]
fn lock_all(keyspace: &Keyspace, holder: Option<Holder>) -> Result<Shards<'_>, Reserved> {
    let shards = (0..SHARDS).map(|index| ShardIndex(index as u16));
    let lock = |shard| lock_one(keyspace, shard, holder);
    Ok(Shards::All(shards.map(lock).collect::<Result<_, _>>()?))
}

impl<'k> Held<'k> {
    /// Takes locks, in ascending order. Gives all of them back if one of the shards is reserved by somebody else than `holder`.
    #[inline]
    pub(super) fn lock(
        keyspace: &'k Keyspace,
        which: Which,
        holder: Option<Holder>,
    ) -> Result<Self, Reserved> {
        let shards = match which {
            Which::None => Shards::None,
            Which::One(shard) => Shards::One(shard, lock_one(keyspace, shard, holder)?),
            Which::Many(shards) => lock_many(keyspace, &shards, holder)?,
            Which::All => lock_all(keyspace, holder)?,
        };
        Ok(Self { shards, holder })
    }

    /// The data of a shard, if its lock is held.
    #[inline]
    pub(super) fn data_mut(&mut self, shard: ShardIndex) -> Option<&mut ShardData> {
        match &mut self.shards {
            Shards::One(held, data) if *held == shard => Some(data),
            Shards::Many(held) => match held.binary_search_by_key(&shard, |(index, _)| *index) {
                Ok(at) => Some(&mut held[at].1),
                Err(_) => None,
            },
            Shards::All(all) => Some(&mut all[shard.index()]),
            Shards::One(..) | Shards::None => None,
        }
    }

    /// [`Held::data_mut`], to read.
    #[inline]
    pub(super) fn data(&self, shard: ShardIndex) -> Option<&ShardData> {
        match &self.shards {
            Shards::One(held, data) if *held == shard => Some(data),
            Shards::Many(held) => match held.binary_search_by_key(&shard, |(index, _)| *index) {
                Ok(at) => Some(&held[at].1),
                Err(_) => None,
            },
            Shards::All(all) => Some(&all[shard.index()]),
            Shards::One(..) | Shards::None => None,
        }
    }

    /// Whether no lock is held at all.
    pub(super) fn is_none(&self) -> bool {
        matches!(self.shards, Shards::None)
    }

    /// Whether every lock is held.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.shards, Shards::All(_))
    }

    /// Gives the locks back and keeps the shards reserved for `holder`, who gets them again with [`Held::lock`].
    pub(super) fn reserve(mut self, holder: Holder) -> Which {
        self.shards.each(|data| data.set_reserved(Some(holder)));
        // The reservation outlives this hold.
        self.holder = None;
        match &self.shards {
            Shards::None => Which::None,
            Shards::One(shard, _) => Which::One(*shard),
            Shards::Many(many) => Which::Many(many.iter().map(|(shard, _)| *shard).collect()),
            Shards::All(_) => Which::All,
        }
    }
}

/// What waits for the end of a reservation.
#[derive(Debug, Default)]
pub struct Reservations {
    /// How many have ended. Who fails to get his locks waits only if none has ended since before he tried.
    ended: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// What is to be done when a reservation ends.
#[derive(Debug, Default)]
#[must_use = "they wait for it"]
pub struct Waiting {
    /// Clients whose requests are to be tried again, with their workers.
    pub clients: Vec<(usize, ClientId)>,
    /// Keys that have changed, with their databases, but whose waiting clients could not be served.
    pub keys: Vec<(usize, Box<[u8]>)>,
}

impl Reservations {
    /// How many reservations have ended so far; to be read before trying to get locks.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }

    /// Adds to what waits for the end of a reservation. False if one has ended since `seen`: then it is to be tried again at once.
    pub fn wait(&self, seen: u64, add: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = self.waiting.lock();
        let waits = self.ended() == seen;
        if waits {
            add(&mut waiting);
        }
        waits
    }

    /// How many clients wait for the end of a reservation.
    pub fn waiting_clients(&self) -> usize {
        self.waiting.lock().clients.len()
    }

    /// A reservation has ended: gives what has waited.
    pub fn end(&self) -> Waiting {
        let mut waiting = self.waiting.lock();
        self.ended.fetch_add(1, Ordering::SeqCst);
        std::mem::take(&mut waiting)
    }
}
