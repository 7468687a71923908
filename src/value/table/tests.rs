//! The table against a plain model, with everything interleaved.

use super::segment::NEVER;
use super::*;
use crate::memory::{self, Mover};
use crate::value::relocate::{self, Cursor};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// An entry that knows how it is hashed, and tells when it is dropped.
struct Node {
    key: u64,
    spread: Spread,
    deadline: Cell<Option<u64>>,
    alive: Rc<Cell<usize>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

/// How well the hash spreads keys.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    Good,
    /// Sixteen hashes in all, at the very ends of the range too.
    Few,
    /// All in the last bucket of the last segment: probe runs go around the end.
    End,
}

fn hash_of(key: u64, spread: Spread) -> u64 {
    let mixed = (key ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = mixed ^ mixed >> 32;
    match spread {
        Spread::Good => mixed,
        Spread::Few => ((mixed & 15) as i64 - 8).cast_unsigned() << 40,
        Spread::End => !(mixed & 3) << 23,
    }
}

/// A node in a block of the slabs.
struct Entry(NonNull<Node>);

impl Entry {
    fn new(node: Node) -> Self {
        let block = memory::alloc(size_of::<Node>()).cast();
        // SAFETY: the block is that large, and aligned to 8 as nodes are.
        unsafe { block.write(node) };
        Self(block)
    }

    fn key(&self) -> u64 {
        // SAFETY: the entry owns its node.
        unsafe { self.0.as_ref() }.key
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: the entry owns its node, and the block has that size.
        unsafe {
            self.0.drop_in_place();
            memory::free(self.0.cast(), size_of::<Node>());
        }
    }
}

// SAFETY: a block's address is unique and stays; `Node` is aligned to 8 and reached only through the borrows.
unsafe impl Thin for Entry {
    type Ref<'a> = &'a Node;
    type Mut<'a> = &'a mut Node;

    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0.cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw.cast())
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> &'a Node {
        // SAFETY: the caller's promise.
        unsafe { raw.cast().as_ref() }
    }

    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> &'a mut Node {
        // SAFETY: the caller's promise.
        unsafe { raw.cast().as_mut() }
    }

    fn size(_: &Node) -> usize {
        size_of::<Node>()
    }

    fn hash(entry: &Node) -> u64 {
        hash_of(entry.key, entry.spread)
    }

    fn deadline(entry: &Node) -> Option<u64> {
        entry.deadline.get()
    }
}

impl Table<Entry> {
    /// Checks everything that must hold between two operations.
    fn check(&self) {
        let mut len = 0;
        let mut bytes = 0;
        for (number, segment) in self.segments.iter().enumerate() {
            let buckets = segment.buckets();
            bytes += segment.bytes();
            assert!(buckets.len() <= self.most_buckets);
            assert!(self.agenda.earliest <= segment.deadline);
            let mut in_segment = 0;
            for (at, bucket) in buckets.iter().enumerate() {
                let used = bucket.iter().filter(|&&slot| slot != 0).count();
                assert!(
                    bucket[used..].iter().all(|&slot| slot == 0),
                    "used slots come first"
                );
                in_segment += used;
                assert!(segment.deadline <= segment.bound(at));
                for &slot in &bucket[..used] {
                    // SAFETY: a used slot's entry is owned by this table.
                    let node = unsafe { Entry::borrow(bucket::pointer(slot)) };
                    let hash = Entry::hash(node);
                    let home = Home::of(hash, self.segments.len());
                    assert_eq!(home.segment, number);
                    assert_eq!(bucket::tag(slot), home.tag(hash));
                    assert!(segment.bound(at) <= self.agenda.coarse(node.deadline.get()));
                    let mut probe = bucket::home(bucket::tag(slot), buckets.len());
                    while probe != at {
                        assert!(
                            buckets[probe][SLOTS - 1] != 0,
                            "every bucket before is full"
                        );
                        probe = (probe + 1) % buckets.len();
                    }
                }
            }
            assert_eq!(in_segment, segment.len());
            len += in_segment;
        }
        assert_eq!((len, bytes), (self.len, self.array_bytes));
    }
}

/// A table, its model, and a walk that is under way.
struct Pair {
    spread: Spread,
    alive: Rc<Cell<usize>>,
    table: Table<Entry>,
    model: HashMap<u64, Option<u64>>,
    bits: HashMap<u64, u8>,
    /// Position of the walk, what it has seen, and what has been there since it began.
    walk: Option<(u64, HashSet<u64>, HashSet<u64>)>,
    /// Where a walk that moves everything goes on.
    at: Cursor,
}

impl Pair {
    fn new(spread: Spread) -> Self {
        Self {
            spread,
            alive: Rc::default(),
            table: Table::new(),
            model: HashMap::new(),
            bits: HashMap::new(),
            walk: None,
            at: Cursor::default(),
        }
    }

    fn node(&self, key: u64, deadline: Option<u64>) -> Entry {
        self.alive.set(self.alive.get() + 1);
        Entry::new(Node {
            key,
            spread: self.spread,
            deadline: Cell::new(deadline),
            alive: Rc::clone(&self.alive),
        })
    }

    fn hash(&self, key: u64) -> u64 {
        hash_of(key, self.spread)
    }

    fn insert(&mut self, key: u64, deadline: Option<u64>) {
        let (hash, entry) = (self.hash(key), self.node(key, deadline));
        match self.table.find_mut(hash, |node| node.key == key) {
            Some(mut slot) => {
                assert!(self.model.insert(key, deadline).is_some());
                if key.is_multiple_of(2) {
                    assert_eq!(slot.replace(entry).key(), key);
                } else {
                    slot.replace_with(move |_| entry);
                }
            }
            None => {
                assert!(self.model.insert(key, deadline).is_none());
                assert_eq!(self.table.insert_new(hash, entry).key, key);
            }
        }
    }

    fn forget(&mut self, key: u64) {
        self.bits.remove(&key);
        if let Some((_, _, there)) = &mut self.walk {
            there.remove(&key);
        }
    }

    fn remove(&mut self, key: u64) {
        let removed = self.table.remove(self.hash(key), |node| node.key == key);
        assert_eq!(removed.is_some(), self.model.remove(&key).is_some());
        self.forget(key);
    }

    fn change_deadline(&mut self, key: u64, deadline: Option<u64>) {
        if let Some(mut slot) = self.table.find_mut(self.hash(key), |node| node.key == key) {
            let before = slot.get_mut().deadline.replace(deadline);
            if deadline.is_some_and(|new| before.is_none_or(|old| new < old)) {
                slot.note_deadline();
            }
            let bits = key as u8 & 15;
            slot.set_bits(bits);
            assert_eq!(slot.get().key, key);
            self.bits.insert(key, bits);
            self.model.insert(key, deadline);
        }
    }

    fn step(&mut self, count: usize) {
        let (position, mut seen, there) = self
            .walk
            .take()
            .unwrap_or_else(|| (0, HashSet::new(), self.model.keys().copied().collect()));
        let next = self.table.scan(position, count, |node| {
            seen.insert(node.key);
        });
        match next {
            Some(next) => {
                assert!(next > position && next.trailing_zeros() >= 22);
                self.walk = Some((next, seen, there));
            }
            None => assert!(there.is_subset(&seen), "what was there throughout was seen"),
        }
    }

    fn sweep(&mut self, now: u64) {
        // Until a whole pass finds nothing: removals may move entries behind the one under way.
        let mut found = true;
        let mut pass_ends = false;
        while found || !pass_ends {
            found = !pass_ends && found;
            let mut budget = 7;
            while let Some(slot) = self.table.next_due(now, &mut budget) {
                let key = slot.get().key;
                let deadline = slot
                    .get()
                    .deadline
                    .get()
                    .expect("a due entry has a deadline");
                assert!(deadline < now);
                found = true;
                if key.is_multiple_of(5) {
                    slot.get().deadline.set(None);
                    self.model.insert(key, None);
                } else {
                    slot.remove();
                    self.model.remove(&key);
                    self.forget(key);
                }
            }
            pass_ends = budget > 0;
        }
        let late = now.saturating_sub(expiry::UNIT_MS);
        assert!(
            self.model
                .values()
                .flatten()
                .all(|&deadline| deadline >= late)
        );
        assert!(self.table.earliest_deadline().is_none_or(|earliest| {
            self.model
                .values()
                .flatten()
                .all(|&deadline| deadline >= earliest)
        }));
    }

    fn relocate(&mut self, budget: usize) {
        let mut mover = Mover::of_everything(budget);
        let seen = |old: &Node, new: Option<&Node>| {
            let new = new.expect("everything moves");
            assert!(old.key == new.key && !std::ptr::eq(old, new));
        };
        if self.table.relocate(&mut self.at, &mut mover, seen) {
            self.at = Cursor::default();
        }
    }

    /// Where nothing changes meanwhile, every entry and every array is moved once.
    fn relocate_all(&mut self) {
        let (mut at, mut seen, mut moved) = (Cursor::default(), HashSet::new(), 0);
        loop {
            let mut mover = Mover::of_everything(700);
            let is_through = self.table.relocate(&mut at, &mut mover, |node, _| {
                assert!(seen.insert(node.key));
            });
            moved += mover.moved() as usize;
            if is_through {
                break;
            }
        }
        let arrays = self.table.segments.iter();
        let arrays = arrays.filter(|segment| segment.bucket_count() > 0).count();
        assert_eq!(seen.len(), self.model.len());
        assert_eq!(moved, self.model.len() + arrays);
    }

    fn retain(&mut self, divisor: u64) {
        let mut asked = HashSet::new();
        self.table.retain(|node| {
            assert!(asked.insert(node.key));
            !node.key.is_multiple_of(divisor)
        });
        assert_eq!(asked.len(), self.model.len());
        for key in asked.into_iter().filter(|key| key.is_multiple_of(divisor)) {
            self.model.remove(&key);
            self.forget(key);
        }
    }

    fn check(&self) {
        self.table.check();
        assert_eq!(self.table.len(), self.model.len());
        assert_eq!(self.alive.get(), self.model.len());
        let listed: HashMap<_, _> = self
            .table
            .iter()
            .map(|node| (node.key, node.deadline.get()))
            .collect();
        assert_eq!(listed, self.model);
        for (&key, &bits) in &self.bits {
            let hash = self.hash(key);
            let segments = &self.table.segments;
            let (segment, bucket, index) = self
                .table
                .probe(hash, &mut |node: &Node| node.key == key)
                .expect("is in the model");
            assert_eq!(
                bucket::owner_bits(segments[segment].buckets()[bucket][index]),
                bits
            );
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, Option<u64>),
    InsertMany(u64, u64),
    Remove(u64),
    RemoveMany(u64, u64),
    Deadline(u64, Option<u64>),
    Scan(usize),
    Sweep(u64),
    Retain(u64),
    Clear,
    Relocate(usize),
}

fn step(keys: u64) -> impl Strategy<Value = Step> {
    let key = 0..keys;
    let deadline = prop_oneof![
        Just(None),
        (0u64..100_000).prop_map(Some),
        Just(Some(1 << 45))
    ];
    prop_oneof![
        8 => (key.clone(), deadline.clone()).prop_map(|(k, d)| Step::Insert(k, d)),
        3 => (key.clone(), 0..keys / 3).prop_map(|(k, n)| Step::InsertMany(k, n)),
        6 => key.clone().prop_map(Step::Remove),
        3 => (key.clone(), 0..keys / 3).prop_map(|(k, n)| Step::RemoveMany(k, n)),
        4 => (key, deadline).prop_map(|(k, d)| Step::Deadline(k, d)),
        8 => (1usize..200).prop_map(Step::Scan),
        2 => (0u64..120_000).prop_map(Step::Sweep),
        1 => (2u64..5).prop_map(Step::Retain),
        1 => Just(Step::Clear),
        4 => relocate::tests::budget().prop_map(Step::Relocate),
    ]
}

fn run(spread: Spread, steps: Vec<Step>) {
    let mut pair = Pair::new(spread);
    for step in steps {
        match step {
            Step::Insert(key, deadline) => pair.insert(key, deadline),
            Step::InsertMany(key, count) => {
                for n in key..key + count {
                    pair.insert(n, n.is_multiple_of(3).then_some(n * 37));
                }
            }
            Step::Remove(key) => pair.remove(key),
            Step::RemoveMany(key, count) => (key..key + count).for_each(|n| pair.remove(n)),
            Step::Deadline(key, deadline) => pair.change_deadline(key, deadline),
            Step::Scan(count) => pair.step(count),
            Step::Sweep(now) => pair.sweep(now),
            Step::Retain(divisor) => pair.retain(divisor),
            Step::Clear => {
                pair.table.clear();
                pair.model.clear();
                pair.bits.clear();
                if let Some((_, _, there)) = &mut pair.walk {
                    there.clear();
                }
            }
            Step::Relocate(budget) => pair.relocate(budget),
        }
        pair.check();
    }
    pair.relocate_all();
    pair.check();
    let alive = Rc::clone(&pair.alive);
    let half = pair.model.len() / 2;
    let mut rest = pair.table.into_iter();
    assert_eq!(rest.by_ref().take(half).count(), half);
    drop(rest);
    assert_eq!(alive.get(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 100 }))]

    #[test]
    fn behaves_like_a_map(steps in prop::collection::vec(step(if cfg!(miri) { 60 } else { 6_000 }), 1..60)) {
        run(Spread::Good, steps);
    }

    #[test]
    fn behaves_like_a_map_with_few_hashes(steps in prop::collection::vec(step(300), 1..60)) {
        run(Spread::Few, steps);
    }

    #[test]
    fn behaves_like_a_map_where_probe_runs_go_around_the_end(
        steps in prop::collection::vec(step(300), 1..60),
    ) {
        run(Spread::End, steps);
    }
}

#[test]
fn a_walk_of_a_table_at_rest_sees_everything_once() {
    for count in [0, 1, 7, 8, 300, 385, 2_000, 20_000] {
        let mut pair = Pair::new(Spread::Good);
        (0..count).for_each(|key| pair.insert(key, None));
        pair.check();
        let mut seen = Vec::new();
        let mut position = Some(0);
        let mut steps = 0;
        while let Some(from) = position {
            position = pair.table.scan(from, 10, |node| seen.push(node.key));
            steps += 1;
        }
        assert!(steps <= count / 10 + 1, "{steps} steps for {count}");
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..count));
    }
}

#[test]
fn one_step_of_a_walk_is_short() {
    let mut pair = Pair::new(Spread::Good);
    (0..50_000).for_each(|key| pair.insert(key, None));
    let mut position = Some(0);
    while let Some(from) = position {
        let mut seen = 0;
        position = pair.table.scan(from, 10, |_| seen += 1);
        assert!(seen < 40, "{seen}");
    }
}

#[test]
fn random_entries_are_all_alike() {
    let mut pair = Pair::new(Spread::Good);
    // Between two powers of two, so that segments differ most in size.
    let count = 384 * 3;
    (0..count).for_each(|key| pair.insert(key, None));
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash_of(state, Spread::Good)
    };
    let draws = 200 * count;
    let mut seen = vec![0u32; count as usize];
    pair.table.sample(draws as usize, &mut random, |node| {
        seen[node.key as usize] += 1
    });
    assert_eq!(seen.iter().map(|&n| u64::from(n)).sum::<u64>(), draws);
    // Chi squared over 1152 cells has mean 1151 and deviation 48: five deviations.
    let chi: f64 = seen
        .iter()
        .map(|&n| (f64::from(n) - 200.0).powi(2) / 200.0)
        .sum();
    assert!((900.0..1_400.0).contains(&chi), "{chi}");
    pair.table.clear();
    assert!(pair.table.random(&mut random).is_none());
}

#[test]
fn an_empty_table_owns_nothing_and_a_small_one_little() {
    let mut pair = Pair::new(Spread::Good);
    assert_eq!(pair.table.memory(), 0);
    pair.insert(1, None);
    assert_eq!(pair.table.memory(), 64 + 16);
    (0..384).for_each(|key| pair.insert(key, None));
    assert_eq!(pair.table.segments.len(), 1);
    (0..384).for_each(|key| pair.remove(key));
    assert_eq!(pair.table.memory(), 0);
}

#[test]
fn the_load_is_high_at_every_size() {
    let mut pair = Pair::new(Spread::Good);
    let mut sum = 0.0;
    for key in 0..40_000 {
        pair.insert(key, None);
        if key >= 1_000 {
            let bytes = pair.table.memory() as f64 / pair.table.len() as f64;
            assert!(bytes < 9.6, "{bytes} bytes at {key}");
            sum += bytes;
        }
    }
    assert!(sum / 39_000.0 < 9.15, "{}", sum / 39_000.0);
    for key in (0..40_000).rev() {
        pair.remove(key);
        if key >= 1_000 {
            let bytes = pair.table.memory() as f64 / pair.table.len() as f64;
            assert!(bytes < 12.0, "{bytes} bytes at {key}");
        }
    }
}

#[test]
fn a_sweep_leaves_the_living_alone() {
    let mut pair = Pair::new(Spread::Good);
    for key in 0..20_000u64 {
        let deadline = if key.is_multiple_of(100) {
            5_000
        } else {
            1_000_000 + key
        };
        pair.insert(key, Some(deadline));
    }
    // Nothing is due: not a bucket is looked at.
    let mut budget = 1_000;
    assert!(pair.table.next_due(5_000, &mut budget).is_none());
    assert_eq!(budget, 1_000);
    let mut found = 0;
    let mut budget = 100_000;
    while let Some(slot) = pair.table.next_due(6_000, &mut budget) {
        assert_eq!(slot.get().deadline.get(), Some(5_000));
        slot.remove();
        found += 1;
    }
    assert_eq!(found, 200);
    assert!(100_000 - budget < 1_500, "{budget}");
    // And now everything is known exactly.
    let mut budget = 1_000;
    assert!(pair.table.next_due(900_000, &mut budget).is_none());
    assert_eq!(budget, 1_000);
}

#[test]
fn a_deadline_far_ahead_of_the_others_hides_none_of_them() {
    let mut pair = Pair::new(Spread::Good);
    let now = 1_800_000_000_000u64;
    let century = 3_155_760_000_000;
    pair.insert(1, Some(now + century));
    for key in 2..1_000 {
        pair.insert(key, Some(now + key));
    }
    pair.check();
    let mut budget = 10_000;
    let mut found = 0;
    for _pass in 0..10 {
        while let Some(slot) = pair.table.next_due(now + 2_000, &mut budget) {
            slot.remove();
            found += 1;
        }
    }
    assert_eq!((found, pair.table.len()), (998, 1));
    assert!(
        pair.table
            .earliest_deadline()
            .is_some_and(|earliest| earliest <= now + century)
    );
    assert_ne!(pair.table.segments[0].deadline, NEVER);
}

#[test]
fn bounds_tell_deadlines_apart_for_ever() {
    let mut pair = Pair::new(Spread::Good);
    let (start, day) = (1_800_000_000_000u64, 86_400_000);
    pair.insert(1, Some(start + 20_000 * day));
    for (round, now) in (start..).step_by(50 * day as usize).take(80).enumerate() {
        let (soon, later) = (now + 1_000, now + 900 * day);
        for key in 0..100 {
            pair.insert(1_000 + key, Some(soon));
            pair.insert(2_000 + round as u64 * 100 + key, Some(later));
        }
        pair.sweep(now + 2_000);
        pair.check();
        assert!(
            pair.model
                .values()
                .flatten()
                .all(|&deadline| deadline > soon)
        );
        // What has passed is told from what has not.
        let mut budget = 1_000;
        assert!(pair.table.next_due(now + day, &mut budget).is_none());
        assert_eq!(budget, 1_000, "round {round}");
    }
}

#[test]
fn a_panic_while_replacing_loses_that_entry_only() {
    let mut pair = Pair::new(Spread::Good);
    (0..1_000).for_each(|key| pair.insert(key, None));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut slot = pair
            .table
            .find_mut(hash_of(7, Spread::Good), |node| node.key == 7);
        slot.as_mut()
            .expect("is there")
            .replace_with(|_| panic!("on purpose"));
    }));
    assert!(caught.is_err());
    pair.model.remove(&7);
    pair.check();
}

#[test]
fn the_soonest_and_random_ones_with_a_deadline_are_found() {
    let mut pair = Pair::new(Spread::Good);
    for key in 0..5_000 {
        let deadline = (key % 50 == 0).then_some(1_000_000 + (key * 7919) % 100_003);
        pair.insert(key, deadline);
    }
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state
    };
    let mut seen = HashSet::new();
    for _ in 0..3_000 {
        let found = pair
            .table
            .random_with_deadline(&mut random, |node| node.deadline.get().is_some());
        seen.insert(found.unwrap().get().key);
    }
    assert!(seen.len() > 90 && seen.iter().all(|key| key % 50 == 0));
    let mut last = 0;
    for _ in 0..100 {
        let slot = pair.table.soonest(|node| node.deadline.get()).unwrap();
        let (key, deadline) = (slot.get().key, slot.get().deadline.get().unwrap());
        assert!(deadline >= last);
        last = deadline;
        pair.remove(key);
        pair.table.check();
    }
    assert!(pair.table.soonest(|node| node.deadline.get()).is_none());
    let found = pair
        .table
        .random_with_deadline(&mut random, |node| node.deadline.get().is_some());
    assert!(found.is_none());
}
