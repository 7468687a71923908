//! Access to the keyspace for the length of one command: the locks it holds, and what may be done under them.
//!
//! Only [`Keyspace::access`] takes shard locks, in ascending order of the shards, before a handler runs; a handler has
//! an [`Access`] and can take none.  Looking up a key whose shard is not held is a defect of the command's key
//! specification and panics (the connection gets an error, nothing is lost).

use super::Keyspace;
use super::door::{Effects, Event, Unit};
use super::entry::{self, KeyMut};
use super::eviction::Cause;
use super::hash::{KeyHash, SHARDS, ShardIndex};
use super::held::{Held, Holder, Reserved, Which};
use super::located::Located;
use super::record::{NewValue, Record, RecordRef};
use super::shard::{Keys, Part, ShardData};
use crate::clock::UnixMillis;
use crate::mailbox::ClientId;
use crate::resp::{Args, OwnedArgs};
use crate::stats::Counters;

/// Which locks a command needs.
#[derive(Debug, Clone, Copy)]
pub enum Locks<'a> {
    /// None, or one shard at a time while it walks over the keyspace ([`Access::each_shard`]).
    None,
    /// The one shard of a key whose hash is known.
    One(&'a [u8], KeyHash),
    /// The shards of these keys.
    Keys(&'a [&'a [u8]]),
    /// Everything.
    All,
}

/// What becomes of a key's expiry when its value is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// The key keeps the one it has.
    Keep,
    /// The key lives until it is deleted.
    Never,
    /// The key ceases to exist at this moment.
    At(UnixMillis),
}

/// The keyspace as one command may use it.
#[derive(Debug)]
pub struct Access<'k> {
    keyspace: &'k Keyspace,
    held: Held<'k>,
    effects: Effects,
    /// Hashes already computed, by where the key's bytes are.
    known: Known,
    counters: &'k Counters,
    /// The database that the methods without a `db` use.
    pub db: usize,
    /// The moment at which the command runs.
    pub now: UnixMillis,
    /// Reads leave no trace in the access history (`CLIENT NO-TOUCH`).
    pub no_touch: bool,
    /// Whole databases that were let go: dropped behind `held`, when nobody waits for the locks any more.
    #[expect(
        clippy::box_collection,
        reason = "an access is made for every command: one word, nearly always empty"
    )]
    freed: Option<Box<Vec<Keys>>>,
}

#[derive(Debug)]
enum Known {
    Nothing,
    One(*const [u8], KeyHash),
    /// With the index of the next one expected: keys are asked for in the order of the arguments.
    Many(Vec<(*const [u8], KeyHash)>, usize),
}

impl Keyspace {
    /// Takes the locks that a command needs. The one place where shard locks are taken for commands.
    ///
    /// Blocks for as long as other commands hold them, which is short; never called with locks held.
    ///
    /// # Errors
    /// If one of the shards is reserved by a script that takes long; then no lock is held.
    #[inline]
    pub fn access<'k>(
        &'k self,
        locks: Locks<'_>,
        db: usize,
        now: UnixMillis,
        counters: &'k Counters,
    ) -> Result<Access<'k>, Reserved> {
        let (which, known) = match locks {
            Locks::None => (Which::None, Known::Nothing),
            Locks::One(key, hash) => (
                Which::One(hash.shard()),
                Known::One(std::ptr::from_ref(key), hash),
            ),
            Locks::Keys(keys) => self.shards_of(keys, db),
            Locks::All => (Which::All, Known::Nothing),
        };
        Ok(Access {
            keyspace: self,
            held: Held::lock(self, which, None)?,
            effects: Effects::default(),
            known,
            counters,
            db,
            now,
            no_touch: false,
            freed: None,
        })
    }

    #[inline(never)]
    fn shards_of(&self, keys: &[&[u8]], db: usize) -> (Which, Known) {
        let hashes: Vec<_> = keys
            .iter()
            .map(|key| (std::ptr::from_ref(*key), KeyHash::of(key)))
            .collect();
        if let [(_, first), rest @ ..] = &hashes[..]
            && rest.iter().all(|(_, hash)| hash.shard() == first.shard())
        {
            // Transactions and scripts are often about one key.
            return (Which::One(first.shard()), Known::Many(hashes, 0));
        }
        let mut shards: Vec<_> = hashes.iter().map(|(_, hash)| hash.shard()).collect();
        shards.sort_unstable();
        shards.dedup();
        // The keys' cache misses overlap, as a window's do: see the prefetch module.
        for (_, hash) in &hashes {
            self.prefetch_bucket(db, *hash);
        }
        for (_, hash) in &hashes {
            self.prefetch_record(db, *hash);
        }
        (Which::Many(shards), Known::Many(hashes, 0))
    }

    /// Takes the locks of a reservation again. Whoever got it goes on where it was, and when it is done the reservation ends.
    pub fn regain<'k>(&'k self, reservation: Reservation, counters: &'k Counters) -> Access<'k> {
        let Reservation {
            holder,
            which,
            effects,
            db,
            now,
            no_touch,
            freed,
        } = reservation;
        Access {
            keyspace: self,
            held: Held::lock(self, which, Some(holder))
                .expect("its holder may always lock a reserved shard"),
            effects,
            known: Known::Nothing,
            counters,
            db,
            now,
            no_touch,
            freed,
        }
    }
}

/// An access whose locks were given back, while its shards stay closed to everybody else.
///
/// It must be [regained](Keyspace::regain), or the shards stay closed.
#[derive(Debug)]
#[must_use = "its shards stay closed until it is regained"]
pub struct Reservation {
    holder: Holder,
    which: Which,
    effects: Effects,
    db: usize,
    now: UnixMillis,
    no_touch: bool,
    #[expect(clippy::box_collection, reason = "as in the access that it was")]
    freed: Option<Box<Vec<Keys>>>,
}

impl Reservation {
    /// Who has made it.
    pub fn holder(&self) -> Holder {
        self.holder
    }
}

impl<'k> Access<'k> {
    /// The hash of a key; free if the dispatcher computed it for the same bytes.
    #[inline]
    fn hash(&mut self, key: &[u8]) -> KeyHash {
        match &mut self.known {
            Known::One(known, hash) if std::ptr::eq(*known, key) => return *hash,
            Known::Many(known, next) => {
                for _ in 0..known.len() {
                    let (slice, hash) = known[*next];
                    *next = (*next + 1) % known.len();
                    if std::ptr::eq(slice, key) {
                        return hash;
                    }
                }
            }
            _ => {}
        }
        KeyHash::of(key)
    }

    /// The part of database `db` that holds `key`, with everything that a change needs.
    #[inline]
    fn locate(&mut self, db: usize, key: &[u8]) -> Located<'_> {
        let hash = self.hash(key);
        let shard = hash.shard();
        let Some(data) = self.held.data_mut(shard) else {
            not_held()
        };
        Located {
            part: data.part(db),
            hash,
            keyspace: self.keyspace,
            effects: &mut self.effects,
            counters: self.counters,
            db,
        }
    }

    /// Looks a key up for reading, as reading commands do: counts a hit or a miss, and touches the access history.
    ///
    /// A key whose time has come is removed and not found.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<RecordRef<'_>> {
        let (now, no_touch, counters) = (self.now, self.no_touch, self.counters);
        let (keyspace, db) = (self.keyspace, self.db);
        let eviction = &keyspace.eviction;
        let found = self.locate(self.db, key).live(key, now);
        match found {
            Some(slot) => {
                counters.keyspace_hits.bump();
                let record = slot.slot.into_ref();
                if !no_touch {
                    eviction.touch(record, now);
                }
                Some(record)
            }
            None => {
                eviction.count_miss(key, counters);
                keyspace.door.tell(db, key, Event::MISS);
                None
            }
        }
    }

    /// Tells of an event of a key whose lock is held, beside those that its changes are.
    pub fn announce(&self, key: &[u8], event: Event) {
        self.announce_in(self.db, key, event);
    }

    /// [`Access::announce`] in another database.
    pub fn announce_in(&self, db: usize, key: &[u8], event: Event) {
        self.keyspace.door.tell(db, key, event);
    }

    /// Looks a key up as commands do that ask about a key rather than for its value: counts, but does not touch.
    pub fn look(&mut self, key: &[u8]) -> Option<RecordRef<'_>> {
        let (keyspace, db) = (self.keyspace, self.db);
        let found = self.inspect(key);
        if found.is_none() {
            keyspace.door.tell(db, key, Event::MISS);
        }
        found
    }

    /// [`Access::look`] as `OBJECT` does: no event tells of a miss.
    pub fn inspect(&mut self, key: &[u8]) -> Option<RecordRef<'_>> {
        let (keyspace, counters) = (self.keyspace, self.counters);
        let found = self.peek(key);
        match found {
            Some(_) => counters.keyspace_hits.bump(),
            None => keyspace.eviction.count_miss(key, counters),
        }
        found
    }

    /// Looks a key up without a trace: no hit, no miss, no touch.
    #[inline]
    pub fn peek(&mut self, key: &[u8]) -> Option<RecordRef<'_>> {
        self.peek_in(self.db, key)
    }

    /// [`Access::peek`] in another database.
    pub fn peek_in(&mut self, db: usize, key: &[u8]) -> Option<RecordRef<'_>> {
        let now = self.now;
        self.locate(db, key)
            .live(key, now)
            .map(|found| found.slot.into_ref())
    }

    /// [`Access::peek`] through a shared borrow, for commands that look into several keys at once.
    ///
    /// A key whose time has come is not found, but it is not removed either.
    pub fn view(&self, key: &[u8]) -> Option<RecordRef<'_>> {
        let hash = KeyHash::of(key);
        let shard = hash.shard();
        let Some(data) = self.held.data(shard) else {
            not_held()
        };
        data.used_ref(self.db)?
            .table
            .find(hash.table(), |record| record.key() == key)
            .filter(|record| !record.is_expired(self.now))
    }

    /// [`Access::read`] through a shared borrow, for commands that read several keys at once: counts a hit or a miss, and
    /// touches.
    ///
    /// A key whose time has come is not found, but it is not removed either.
    pub fn read_shared(&self, key: &[u8]) -> Option<RecordRef<'_>> {
        let found = self.view(key);
        match found {
            Some(record) => {
                self.counters.keyspace_hits.bump();
                if !self.no_touch {
                    self.keyspace.eviction.touch(record, self.now);
                }
            }
            None => {
                self.keyspace.eviction.count_miss(key, self.counters);
                self.keyspace.door.tell(self.db, key, Event::MISS);
            }
        }
        found
    }

    /// Looks a key up to change it: touches the access history, counts neither hit nor miss.
    #[inline]
    pub fn edit(&mut self, key: &[u8]) -> Option<KeyMut<'_>> {
        let (now, no_touch) = (self.now, self.no_touch);
        let found = self.locate(self.db, key).live(key, now)?;
        if !no_touch {
            let record = found.slot.get();
            found.keyspace.eviction.touch(record, now);
        }
        Some(found.guard())
    }

    /// [`Access::edit`] that counts a hit or a miss, as commands do that read what they change (`GETDEL`, `GETEX`, `SET GET`).
    pub fn read_to_edit(&mut self, key: &[u8]) -> Option<KeyMut<'_>> {
        let (keyspace, counters, db) = (self.keyspace, self.counters, self.db);
        let found = self.edit(key);
        match found {
            Some(_) => counters.keyspace_hits.bump(),
            None => {
                keyspace.eviction.count_miss(key, counters);
                keyspace.door.tell(db, key, Event::MISS);
            }
        }
        found
    }

    /// Creates a key that [`Access::edit`] or [`Access::read`] has just not found.
    pub fn create(
        &mut self,
        key: &[u8],
        value: NewValue<'_>,
        expiry: Option<UnixMillis>,
        event: Event,
    ) {
        let history = self.keyspace.eviction.new_history(self.now);
        let record = Record::new(key, value, expiry, history);
        self.put(self.db, record, event);
    }

    /// A record without an expiry that is in no database yet: to be filled, then [`Access::put`].
    pub fn draft(&self, key: &[u8], value: NewValue<'_>) -> Record {
        let history = self.keyspace.eviction.new_history(self.now);
        Record::new(key, value, None, history)
    }

    /// Sets a key to a value, whatever it held.
    ///
    /// Returns whether it existed.
    pub fn set(&mut self, key: &[u8], value: NewValue<'_>, expiry: Expiry, event: Event) -> bool {
        if let Some(mut found) = self.edit(key) {
            let new = match expiry {
                Expiry::Keep => found.expiry(),
                Expiry::Never => None,
                Expiry::At(moment) => Some(moment),
            };
            found.change(event, |record| record.replace(value, new));
            return true;
        }
        let expiry = match expiry {
            Expiry::At(moment) => Some(moment),
            Expiry::Keep | Expiry::Never => None,
        };
        self.create(key, value, expiry, event);
        false
    }

    /// Removes a key.  Returns whether it existed.  That is no use of it, so the access history is not touched before.
    pub fn remove(&mut self, key: &[u8], event: Event) -> bool {
        let now = self.now;
        let Some(found) = self.locate(self.db, key).live(key, now) else {
            return false;
        };
        let (hash, history) = (found.hash, found.slot.get().access());
        let eviction = &found.keyspace.eviction;
        found.guard().delete(event);
        eviction.lost(hash, Cause::Deleted, history);
        true
    }

    /// [`Access::remove`] in another database.
    pub fn remove_in(&mut self, db: usize, key: &[u8], event: Event) -> bool {
        let current = std::mem::replace(&mut self.db, db);
        let existed = self.remove(key, event);
        self.db = current;
        existed
    }

    /// Removes a key and gives its record, to be [`Access::put`] elsewhere.
    pub fn take(&mut self, key: &[u8], event: Event) -> Option<Record> {
        self.edit(key).map(|found| found.take(event))
    }

    /// Inserts a record under the key it carries, which must not exist in `db`.
    pub fn put(&mut self, db: usize, record: Record, event: Event) {
        let Located {
            part,
            hash,
            keyspace,
            effects,
            ..
        } = self.locate(db, record.view().key());
        keyspace.eviction.inserted(db, hash, record.view());
        entry::insert(
            part,
            hash.table(),
            record,
            &keyspace.door,
            effects,
            db,
            event,
        );
    }

    /// The command's effect is not its own arguments but these requests, made only if somebody listens.
    ///
    /// Called again it adds to them. An empty list means no effect at all.
    pub fn effect_instead(&mut self, requests: impl FnOnce() -> Vec<OwnedArgs>) {
        if self.keyspace.door.listener().is_some() {
            let db = self.db;
            self.effects
                .gather()
                .instead
                .get_or_insert_default()
                .extend(requests().into_iter().map(|request| (db, request)));
        }
    }

    /// Several commands begin that are one: their effects are handed on between `MULTI` and `EXEC`.
    pub fn begin_unit(&mut self) {
        self.effects.unit = Unit::Begun;
    }

    /// The last of the commands that are one has been [finished](Self::finish).
    pub fn end_unit(&mut self) {
        if std::mem::take(&mut self.effects.unit) == Unit::Delivered {
            self.deliver(self.db, &OwnedArgs::from_iter(["EXEC"]).view());
        }
    }

    fn deliver(&mut self, db: usize, request: &Args<'_>) {
        let door = &self.keyspace.door;
        if self.effects.unit == Unit::Begun {
            self.effects.unit = Unit::Delivered;
            door.deliver(db, &OwnedArgs::from_iter(["MULTI"]).view());
        }
        door.deliver(db, request);
    }

    /// Says which client asks, and gives the one that did so far.
    #[inline]
    pub fn set_client(&mut self, client: ClientId) -> ClientId {
        std::mem::replace(&mut self.effects.by, client)
    }

    /// What the thread counts.
    pub fn counters(&self) -> &'k Counters {
        self.counters
    }

    /// Whether something was changed so far.
    pub fn changed(&self) -> bool {
        self.effects.changed
    }

    /// Says that something changed that no key's guard has seen (`FLUSHALL`, `SWAPDB`).
    pub fn note_change(&mut self) {
        self.effects.changed = true;
    }

    /// Hands on the command's effect; returns whether the command changed something. The locks are given back when this is dropped.
    pub fn finish(&mut self, request: &Args<'_>) -> bool {
        let changed = std::mem::take(&mut self.effects.changed);
        if self.effects.gathered().is_some() || self.keyspace.door.listener().is_some() {
            self.hand_on(changed, request);
        }
        changed
    }

    #[cold]
    fn hand_on(&mut self, changed: bool, request: &Args<'_>) {
        if self.effects.unit == Unit::None {
            self.keyspace.door.tell_changes(&mut self.effects);
        }
        let (first, instead) = match self.effects.gathered() {
            Some(gathered) => (std::mem::take(&mut gathered.first), gathered.instead.take()),
            None => Default::default(),
        };
        if self.keyspace.door.listener().is_none() {
            return;
        }
        for (db, request) in first {
            self.deliver(db, &request.view());
        }
        match instead {
            Some(instead) => instead
                .iter()
                .for_each(|(db, request)| self.deliver(*db, &request.view())),
            None if changed => self.deliver(self.db, request),
            None => {}
        }
    }

    /// Whether a key was changed while somebody waited for it.
    #[inline]
    pub fn has_ready(&mut self) -> bool {
        let gathered = self.effects.gathered();
        gathered.is_some_and(|gathered| !gathered.ready.is_empty())
    }

    /// Says that a key shall be looked at as if it had changed.
    pub fn mark_ready(&mut self, db: usize, key: Box<[u8]>) {
        self.effects.gather().ready.push_back((db, key));
    }

    /// The next key that was changed while somebody waited for it, with its database.
    pub fn next_ready(&mut self) -> Option<(usize, Box<[u8]>)> {
        self.effects.gathered()?.ready.pop_front()
    }

    /// The part of database `db` that holds `key`.
    pub(super) fn part(&mut self, db: usize, key: &[u8]) -> &mut Part {
        self.locate(db, key).part
    }

    /// Whether the lock of `key` is held.
    pub fn holds(&self, key: &[u8]) -> bool {
        self.held.is_all() || self.held.data(KeyHash::of(key).shard()).is_some()
    }

    /// Whether the locks of all keys are held.
    pub fn holds_all(&self) -> bool {
        self.held.is_all()
    }

    /// Gives the locks back, but nobody else gets at the shards until the reservation is regained. `holder` is the number under
    /// which the caller is found by those who meet it.
    pub fn reserve(self, holder: Holder) -> Reservation {
        Reservation {
            holder,
            which: self.held.reserve(holder),
            effects: self.effects,
            db: self.db,
            now: self.now,
            no_touch: self.no_touch,
            freed: self.freed,
        }
    }

    /// Visits every shard: under the lock already held, or taking one lock at a time.
    pub(super) fn each_shard(
        &mut self,
        mut visit: impl FnMut(ShardIndex, &mut ShardData, &mut Effects),
    ) {
        for index in 0..SHARDS {
            self.with_shard(index, &mut visit);
        }
    }

    /// Visits one shard: see [`Access::each_shard`].
    pub(super) fn with_shard<R>(
        &mut self,
        index: usize,
        visit: impl FnOnce(ShardIndex, &mut ShardData, &mut Effects) -> R,
    ) -> R {
        let shard = ShardIndex(index as u16);
        if self.held.is_none() {
            let mut data = self.keyspace.shards[index].data.lock();
            return visit(shard, &mut data, &mut self.effects);
        }
        match self.held.data_mut(shard) {
            Some(data) => visit(shard, data, &mut self.effects),
            None => not_held(),
        }
    }

    /// Database `db` is about to be used: it is made in all shards at once, so that what it takes without a key is known. For
    /// whoever holds no locks; elsewhere it is made where it is touched.
    pub fn open_database(&mut self, db: usize) {
        let is_open =
            |this: &mut Self| this.with_shard(SHARDS - 1, |_, data, _| data.used_ref(db).is_some());
        if self.held.is_none() && !is_open(self) {
            self.each_shard(|_, data, _| {
                data.part(db);
            });
        }
    }

    /// Drops whole databases once the locks are given back.
    pub(super) fn free_behind_locks(&mut self, keys: Vec<Keys>) {
        self.freed.get_or_insert_default().extend(keys);
    }

    /// The keyspace that this is access to.
    pub(super) fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }
}

#[cold]
fn not_held() -> ! {
    panic!("a command used a key that its key specification does not name")
}
