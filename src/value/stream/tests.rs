use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::value::relocate;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn borrowed(pairs: &Pairs) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    pairs.iter().map(|(name, value)| (&name[..], &value[..]))
}

/// The model: entries by id, and how the blocks are cut, for what approximate trimming may take.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<StreamId, Pairs>,
    last: StreamId,
    /// Ids of each block's entries, with those that were deleted; true for those that are there.
    blocks: Vec<Vec<(StreamId, bool)>>,
}

impl Model {
    fn append(&mut self, id: StreamId, pairs: Pairs, block_entries: usize) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < block_entries => block.push((id, true)),
            _ => self.blocks.push(vec![(id, true)]),
        }
        self.entries.insert(id, pairs);
        self.last = id;
    }

    fn remove(&mut self, id: StreamId) -> bool {
        for slot in self.blocks.iter_mut().flatten() {
            if slot.0 == id {
                slot.1 = false;
            }
        }
        self.blocks.retain(|block| block.iter().any(|slot| slot.1));
        self.entries.remove(&id).is_some()
    }

    fn trim(&mut self, trim: Trim, precision: Precision) -> usize {
        let before = self.entries.len();
        match precision {
            Precision::Exact => {
                while let Some((&id, _)) = self.entries.first_key_value() {
                    let goes = match trim {
                        Trim::MaxLen(len) => self.entries.len() > len,
                        Trim::MinId(min) => id < min,
                    };
                    if !goes {
                        break;
                    }
                    self.remove(id);
                }
            }
            Precision::Blocks(most) => {
                while let Some(block) = self.blocks.first() {
                    let live = block.iter().filter(|slot| slot.1).count();
                    let goes = match trim {
                        Trim::MaxLen(len) => {
                            self.entries.len() > len && self.entries.len() - live >= len
                        }
                        Trim::MinId(min) => block.iter().all(|slot| slot.0 < min),
                    };
                    if !goes || before - self.entries.len() + live > most {
                        break;
                    }
                    for (id, _) in self.blocks.remove(0) {
                        self.entries.remove(&id);
                    }
                }
            }
        }
        before - self.entries.len()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append { ms: u64, pairs: Pairs },
    Remove(usize),
    Trim(usize, Precision),
    TrimTo(usize, Precision),
    Relocate(usize),
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let name = prop::sample::select(vec![b"a".to_vec(), b"bb".to_vec(), Vec::new()]);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        (100usize..400).prop_map(|len| vec![b'v'; len]),
    ];
    prop_oneof![
        3 => value.clone().prop_map(|value| vec![(b"usual".to_vec(), value.clone()), (b"name".to_vec(), value)]),
        1 => prop::collection::vec((name, value), 1..4),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let precision = prop_oneof![
        Just(Precision::Exact),
        Just(Precision::Blocks(usize::MAX)),
        (0usize..12).prop_map(Precision::Blocks),
    ];
    prop_oneof![
        12 => (0u64..3, pairs()).prop_map(|(ms, pairs)| Step::Append { ms, pairs }),
        4 => any::<prop::sample::Index>().prop_map(|at| Step::Remove(at.index(64))),
        1 => (0usize..80, precision.clone()).prop_map(|(len, how)| Step::Trim(len, how)),
        1 => (0usize..64, precision).prop_map(|(at, how)| Step::TrimTo(at, how)),
        1 => relocate::tests::budget().prop_map(Step::Relocate),
    ]
}

fn check(log: &Log, model: &Model) {
    let entries = |(id, pairs): (&StreamId, &Pairs)| (*id, pairs.clone());
    let read = |entry: Entry<'_>| {
        let fields = entry.fields();
        let pairs: Pairs = fields.map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        (entry.id, pairs)
    };
    assert_eq!(log.len(), model.entries.len());
    assert_eq!(log.blocks(), model.blocks.len());
    assert_eq!(log.last_id(), model.last);
    let first = model.entries.keys().next().copied().unwrap_or_default();
    let last = model
        .entries
        .keys()
        .next_back()
        .copied()
        .unwrap_or_default();
    assert_eq!((log.first_id(), log.last_entry_id()), (first, last));
    assert!(log.iter().map(read).eq(model.entries.iter().map(entries)));
    let all = log.range_rev(StreamId::MIN, StreamId::MAX);
    assert!(all.map(read).eq(model.entries.iter().rev().map(entries)));
    let (counted, sum) = log.sum_of_blocks();
    assert_eq!(counted, sum);
}

proptest! {
    #[test]
    fn a_log_is_an_ordered_map(
        steps in prop::collection::vec(step(), 0..200),
        block_entries in prop::sample::select(vec![1, 2, 7, 100]),
        (from, to) in (0u64..60, 0u64..60),
    ) {
        let limits = BlockLimits { bytes: 0, entries: block_entries };
        let mut log = Log::default();
        let mut model = Model::default();
        let mut max_deleted = StreamId::MIN;
        let mut added = 0;
        let mut walk = Cursor::default();
        for step in steps {
            let nth = |at: usize, model: &Model| {
                let ids = model.entries.keys();
                ids.copied().nth(at % model.entries.len().max(1)).unwrap_or(StreamId::new(1, 1))
            };
            match step {
                Step::Append { ms, pairs } => {
                    let wanted = NewId::Within(log.last_id().ms + ms);
                    let id = log.next_id(wanted, 0).unwrap();
                    log.append(id, borrowed(&pairs), limits);
                    model.append(id, pairs, block_entries);
                    added += 1;
                }
                Step::Remove(at) => {
                    let id = nth(at, &model);
                    let there = model.remove(id);
                    prop_assert_eq!(log.remove(id), there);
                    prop_assert!(!log.remove(id));
                    if there {
                        max_deleted = max_deleted.max(id);
                    }
                }
                Step::Trim(len, precision) => {
                    let trim = Trim::MaxLen(len);
                    prop_assert_eq!(log.trim(trim, precision), model.trim(trim, precision));
                }
                Step::TrimTo(at, precision) => {
                    let trim = Trim::MinId(nth(at, &model));
                    prop_assert_eq!(log.trim(trim, precision), model.trim(trim, precision));
                }
                Step::Relocate(budget) => {
                    relocate::tests::go_on(&mut log, &mut walk, budget);
                }
            }
            check(&log, &model);
        }
        prop_assert_eq!(log.max_deleted_id(), max_deleted);
        prop_assert_eq!(log.entries_added(), added);
        let (from, to) = (StreamId::new(from, 1), StreamId::new(to, 1));
        let ids: Vec<_> = log.range(from, to).map(|entry| entry.id).collect();
        let mut back: Vec<_> = log.range_rev(from, to).map(|entry| entry.id).collect();
        back.reverse();
        let inside = |id: &&StreamId| (from..=to).contains(*id);
        prop_assert!(ids.iter().eq(model.entries.keys().filter(inside)));
        prop_assert_eq!(ids, back);
        for id in model.entries.keys() {
            prop_assert!(log.contains(*id));
        }
        // A copy has all of it, and the copy's parts are its own.
        let copy = log.clone();
        log.trim(Trim::MaxLen(0), Precision::Exact);
        check(&copy, &model);
    }

    #[test]
    fn a_group_keeps_its_two_indexes_together(
        steps in prop::collection::vec((0u8..4, 0u64..12, 0usize..3), 0..120),
    ) {
        let names: [&[u8]; 3] = [b"alice", b"bob", b""];
        let mut group = Group::new(StreamId::MIN, None);
        let mut model: BTreeMap<StreamId, usize> = BTreeMap::new();
        for (what, ms, who) in steps {
            let id = StreamId::new(ms, 0);
            match what {
                0 | 1 => {
                    let (owner, _) = group.find_or_create(names[who], 0);
                    group.set_pending(id, Pending { owner, delivered: 0, count: 1 });
                    model.insert(id, who);
                }
                2 => prop_assert_eq!(group.acknowledge(id), model.remove(&id).is_some()),
                _ => {
                    let known = group.find(names[who]).is_some();
                    let before = model.len();
                    model.retain(|_, owner| *owner != who);
                    let gone = before - model.len();
                    prop_assert_eq!(group.delete(names[who]), known.then_some(gone));
                }
            }
            let owners = group.pending().iter().map(|(id, pending)| {
                (*id, group.consumer(pending.owner).name().to_vec())
            });
            prop_assert!(owners.eq(model.iter().map(|(id, who)| (*id, names[*who].to_vec()))));
            for (key, consumer) in group.consumers() {
                let own = group.pending_of(key, StreamId::MIN).map(|(id, _)| id);
                prop_assert!(own.eq(model.iter().filter(|(_, who)| names[**who] == consumer.name()).map(|(id, _)| *id)));
            }
        }
    }
}

/// Entries `1-0` to `n-0` with one field.
fn filled(n: u64, limits: BlockLimits) -> Log {
    let mut log = Log::default();
    for ms in 1..=n {
        let fields = [(&b"f"[..], &b"v"[..])];
        log.append(StreamId::new(ms, 0), fields.into_iter(), limits);
    }
    log
}

const LIMITS: BlockLimits = BlockLimits {
    bytes: 4096,
    entries: 100,
};

#[test]
fn new_ids_rise() {
    let mut log = filled(5, LIMITS);
    let exactly = |ms, seq| NewId::Exactly(StreamId::new(ms, seq));
    assert_eq!(log.next_id(NewId::Auto, 9), Ok(StreamId::new(9, 0)));
    assert_eq!(log.next_id(NewId::Auto, 3), Ok(StreamId::new(5, 1)));
    assert_eq!(log.next_id(NewId::Within(5), 0), Ok(StreamId::new(5, 1)));
    assert_eq!(log.next_id(NewId::Within(4), 0), Err(AppendError::NotAbove));
    assert_eq!(log.next_id(exactly(5, 0), 0), Err(AppendError::NotAbove));
    log.set_last_id(StreamId::new(7, u64::MAX));
    assert_eq!(log.next_id(NewId::Within(7), 0), Err(AppendError::NotAbove));
    assert_eq!(log.next_id(NewId::Auto, 7), Ok(StreamId::new(8, 0)));
    log.set_last_id(StreamId::MAX);
    assert_eq!(log.next_id(exactly(1, 1), 0), Err(AppendError::Exhausted));
    assert_eq!(
        Log::default().next_id(NewId::Within(0), 0),
        Ok(StreamId::new(0, 1))
    );
}

#[test]
fn an_id_may_come_again_after_the_last_id_was_set_back() {
    for entries in [2, 3, 100] {
        let limits = BlockLimits { bytes: 0, entries };
        let mut log = filled(4, limits);
        log.remove(StreamId::new(3, 0));
        log.remove(StreamId::new(4, 0));
        log.set_last_id(StreamId::new(2, 0));
        for id in [StreamId::new(2, 5), StreamId::new(3, 0)] {
            log.append(id, [(&b"f"[..], &b"w"[..])].into_iter(), limits);
            assert!(log.contains(id));
            assert_eq!(log.last_entry_id(), id);
        }
        let ids: Vec<_> = log.iter().map(|entry| entry.id.ms).collect();
        assert_eq!(ids, [1, 2, 2, 3]);
        let from = StreamId::new(2, 1);
        assert_eq!(log.range(from, StreamId::MAX).count(), 2);
        assert_eq!(log.range_rev(from, StreamId::MAX).count(), 2);
        assert_eq!(
            log.trim(Trim::MinId(StreamId::new(3, 0)), Precision::Exact),
            3
        );
        assert!(log.remove(StreamId::new(3, 0)));
        assert_eq!((log.len(), log.blocks()), (0, 0));
    }
}

#[test]
fn blocks_have_a_size_limit() {
    let limits = BlockLimits {
        bytes: 1000,
        entries: 0,
    };
    let mut log = Log::default();
    let value = [0; 100];
    for ms in 1..=90 {
        let fields = [(&b"f"[..], &value[..])];
        log.append(StreamId::new(ms, 0), fields.into_iter(), limits);
    }
    assert_eq!(log.blocks(), 10);
    assert!(log.memory() < 90 * 130);
    // An entry that is larger than a block has one of its own.
    let large = [0; 5000];
    log.append(
        StreamId::new(91, 0),
        [(&b"f"[..], &large[..])].into_iter(),
        limits,
    );
    assert_eq!(log.blocks(), 11);
}

#[test]
fn how_far_a_group_is_behind() {
    let mut log = filled(5, LIMITS);
    let mut group = Group::new(StreamId::MIN, None);
    assert_eq!(group.lag(&log), Some(5));
    for ms in 1..=2 {
        group.advance(&log, StreamId::new(ms, 0));
    }
    assert_eq!((group.entries_read, group.lag(&log)), (Some(2), Some(3)));
    // Somewhere in the middle nobody knows.
    let middle = Group::new(StreamId::new(3, 0), None);
    assert_eq!(middle.lag(&log), None);
    // What is deleted ahead is not counted any more.
    log.remove(StreamId::new(4, 0));
    assert_eq!(group.lag(&log), None);
    group.advance(&log, StreamId::new(5, 0));
    assert_eq!((group.entries_read, group.lag(&log)), (Some(5), Some(0)));
    // Trimming leaves no gap.
    log.trim(Trim::MaxLen(1), Precision::Exact);
    assert_eq!(Group::new(StreamId::MIN, None).lag(&log), Some(1));
    log.trim(Trim::MaxLen(0), Precision::Exact);
    assert_eq!(Group::new(StreamId::MIN, None).lag(&log), Some(0));
    assert_eq!(
        Group::new(StreamId::MIN, None).lag(&Log::default()),
        Some(0)
    );
}

#[test]
fn what_entries_cost() {
    let mut log = Log::default();
    let mut payload = 0;
    for i in 0..100_000u64 {
        let (sensor, temperature) = (format!("{}", i % 97), format!("19.{}", i % 10));
        let fields = [
            (&b"sensor"[..], sensor.as_bytes()),
            (&b"temperature"[..], temperature.as_bytes()),
        ];
        payload += sensor.len() + temperature.len();
        let id = StreamId::new(1_700_000_000_000 + i * 37, 0);
        log.append(id, fields.into_iter(), LIMITS);
    }
    let overhead = (log.memory() - payload) as f64 / 100_000.0;
    assert!(overhead < 10.0, "{overhead} bytes an entry");
    // A stream of one entry is no block's worth of memory.
    let fields = [(&b"f"[..], &b"v"[..])];
    let mut small = Stream::default();
    small
        .log
        .append(StreamId::new(1, 0), fields.into_iter(), LIMITS);
    assert!(small.memory() < 320, "{} bytes", small.memory());
}
