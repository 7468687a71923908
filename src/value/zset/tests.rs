//! Sorted sets against a simple model: a list in order.

use proptest::prelude::*;

use super::*;
use crate::value::relocate;

/// The members in order.
#[derive(Default, Clone, Debug)]
struct Model(Vec<(Vec<u8>, f64)>);

impl Model {
    fn place(&self, name: &[u8], score: f64) -> usize {
        self.0
            .partition_point(|(other, its)| *its < score || (*its == score && &other[..] < name))
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|(other, _)| other == name)
    }

    fn insert(&mut self, name: &[u8], score: f64) -> Insertion {
        let result = match self.position(name) {
            Some(at) if self.0[at].1 == score => return Insertion::Same,
            Some(at) => Insertion::Updated(self.0.remove(at).1),
            None => Insertion::Added,
        };
        self.0
            .insert(self.place(name, score), (name.to_vec(), score));
        result
    }

    fn remove(&mut self, name: &[u8]) -> Option<f64> {
        self.position(name).map(|at| self.0.remove(at).1)
    }
}

fn assert_same(zset: &ZSet, model: &Model) {
    zset.check();
    assert_eq!(zset.len(), model.0.len());
    assert!(
        zset.iter()
            .eq(model.0.iter().map(|(name, score)| (&name[..], *score)))
    );
    assert!(
        zset.iter().rev().eq(model
            .0
            .iter()
            .rev()
            .map(|(name, score)| (&name[..], *score)))
    );
}

#[derive(Debug, Clone)]
enum Op {
    Insert(Vec<u8>, f64),
    /// Members that begin with a letter: how many, the first score, and the step from one to the next.
    Run(u8, usize, f64, f64),
    Remove(Vec<u8>),
    /// By its rank in parts of the length, so that it is there.
    RemoveAt(f64),
    Rescore(f64, f64),
    /// From a part of the length on, so many.
    RemoveRange(f64, usize),
    Pop(bool, usize),
    Rebuild,
    /// Where a walk goes on, and with which budget.
    Relocate(Cursor, usize),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(0u8..3, 0..4),
        (0u32..300).prop_map(|number| format!("m{number}").into_bytes()),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-5i32..5).prop_map(f64::from),
        4 => -300.0..300.0f64,
        1 => prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE]),
    ]
}

/// In the index or in the tree, mostly at the beginning or where there is something.
fn cursor() -> impl Strategy<Value = Cursor> {
    let part = prop_oneof![0usize..4, Just(TREE)];
    let place = prop_oneof![1 => Just(0), 1 => 0usize..1_000];
    (part, place).prop_map(|(part, place)| Cursor { part, place })
}

fn op() -> impl Strategy<Value = Op> {
    let part = 0.0..1.0f64;
    prop_oneof![
        8 => (name(), score()).prop_map(|(name, score)| Op::Insert(name, score)),
        3 => (b'a'..b'f', 1..300usize, score(), prop::sample::select(vec![-1.0, 0.0, 0.5, 1.0]))
            .prop_map(|(letter, count, from, step)| Op::Run(letter, count, from, step)),
        4 => name().prop_map(Op::Remove),
        8 => part.clone().prop_map(Op::RemoveAt),
        8 => (part.clone(), score()).prop_map(|(at, score)| Op::Rescore(at, score)),
        3 => (part, prop_oneof![0..5usize, 0..1500usize]).prop_map(|(at, count)| Op::RemoveRange(at, count)),
        2 => (any::<bool>(), 0..90usize).prop_map(|(first, count)| Op::Pop(first, count)),
        1 => Just(Op::Rebuild),
        4 => (cursor(), relocate::tests::budget()).prop_map(|(at, budget)| Op::Relocate(at, budget)),
    ]
}

fn apply(op: &Op, zset: &mut ZSet, model: &mut Model) {
    let rank_at = |model: &Model, part: f64| (part * model.0.len() as f64) as usize;
    match op {
        Op::Insert(name, score) => {
            assert_eq!(zset.insert(name, *score), model.insert(name, *score))
        }
        Op::Run(letter, count, from, step) => {
            for number in 0..*count {
                let name = format!("{}{number:04}", *letter as char).into_bytes();
                let score = from + step * number as f64;
                assert_eq!(zset.insert(&name, score), model.insert(&name, score));
            }
        }
        Op::Remove(name) => assert_eq!(zset.remove(name), model.remove(name)),
        Op::RemoveAt(part) => {
            if let Some((name, score)) = model.0.get(rank_at(model, *part)).cloned() {
                assert_eq!(zset.remove(&name), Some(score));
                model.remove(&name);
            }
        }
        Op::Rescore(part, score) => {
            if let Some((name, _)) = model.0.get(rank_at(model, *part)).cloned() {
                assert_eq!(zset.insert(&name, *score), model.insert(&name, *score));
            }
        }
        Op::RemoveRange(part, count) => {
            let start = rank_at(model, *part);
            let end = model.0.len().min(start + count);
            assert_eq!(zset.remove_range(start..start + count), end - start);
            model.0.drain(start..end);
        }
        Op::Pop(first, count) => {
            for _ in 0..*count {
                let see = |name: &[u8], score| (name.to_vec(), score);
                let popped = if *first {
                    zset.pop_min(see)
                } else {
                    zset.pop_max(see)
                };
                let wanted = match (*first, model.0.is_empty()) {
                    (true, false) => Some(model.0.remove(0)),
                    _ => model.0.pop(),
                };
                assert_eq!(popped, wanted);
            }
        }
        Op::Rebuild => *zset = zset.clone(),
        Op::Relocate(at, budget) => {
            relocate::tests::go_on(zset, &mut at.clone(), *budget);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 96 }))]

    #[test]
    fn a_set_is_its_model(ops in prop::collection::vec(op(), 1..if cfg!(miri) { 12 } else { 60 })) {
        let (mut zset, mut model) = (ZSet::new(), Model::default());
        for op in &ops {
            apply(op, &mut zset, &mut model);
            assert_same(&zset, &model);
        }
        for (rank, (name, score)) in model.0.iter().enumerate() {
            prop_assert_eq!(zset.rank_and_score(name), Some((rank, *score)));
            prop_assert_eq!(zset.by_rank(rank), Some((&name[..], *score)));
        }
        prop_assert_eq!(zset.by_rank(model.0.len()), None);
        zset.remove_range(0..usize::MAX);
        prop_assert!(zset.is_empty() && zset.memory() == 0);
    }

    #[test]
    fn ranges_are_those_of_the_model(
        ops in prop::collection::vec(op(), 1..20),
        bounds in prop::collection::vec((score(), any::<bool>(), score(), any::<bool>()), 10),
        ends in prop::collection::vec((0usize..2000, 0usize..2000, 0usize..200), 5),
    ) {
        let (mut zset, mut model) = (ZSet::new(), Model::default());
        ops.iter().for_each(|op| apply(op, &mut zset, &mut model));
        for (min, min_exclusive, max, max_exclusive) in bounds {
            let range = ScoreRange {
                min: ScoreBound { score: min, exclusive: min_exclusive },
                max: ScoreBound { score: max, exclusive: max_exclusive },
            };
            let wanted = model.0.iter().filter(|(_, score)| range.contains(*score)).map(|(name, _)| &name[..]);
            prop_assert!(zset.range(zset.score_range(&range)).map(|(name, _)| name).eq(wanted));
        }
        for (start, end, from_front) in ends {
            let wanted: Vec<_> = model.0.iter().take(end).skip(start).map(|(name, _)| &name[..]).collect();
            let mut range = zset.range(start..end);
            prop_assert_eq!(range.len(), wanted.len());
            // Some from the front, then all from the back.
            let mut seen: Vec<_> = range.by_ref().take(from_front).map(|(name, _)| name).collect();
            let split = seen.len();
            seen.extend(range.map(|(name, _)| name).rev());
            seen[split..].reverse();
            prop_assert_eq!(seen, wanted);
        }
    }

    #[test]
    fn names_of_one_score_have_lex_ranges(
        names in prop::collection::btree_set(name(), 0..400),
        bounds in prop::collection::vec((name(), 0..4u8, name(), 0..4u8), 10),
    ) {
        let zset = ZSet::from_sorted(names.iter().map(|name| (&name[..], 7.0)));
        zset.check();
        fn bound(name: &[u8], kind: u8) -> LexBound<'_> {
            match kind {
                0 => LexBound::Lowest,
                1 => LexBound::Highest,
                2 => LexBound::Inclusive(name),
                _ => LexBound::Exclusive(name),
            }
        }
        for (min, min_kind, max, max_kind) in &bounds {
            let range = LexRange { min: bound(min, *min_kind), max: bound(max, *max_kind) };
            let wanted = names.iter().filter(|name| range.contains(name)).map(|name| &name[..]);
            prop_assert!(zset.range(zset.lex_range(&range)).map(|(name, _)| name).eq(wanted));
        }
    }
}

/// Runs of insertions, upwards and downwards, at the ends and between full leaves.
#[test]
fn leaves_are_well_filled_whatever_the_order() {
    let ascending: Vec<f64> = (0..20_000).map(f64::from).collect();
    let descending: Vec<f64> = ascending.iter().rev().copied().collect();
    let behind_a_leaf = |run: &mut dyn Iterator<Item = i32>| -> Vec<f64> {
        let gap = run.map(|step| 6399.0 + f64::from(step) / 20_000.0);
        ascending.iter().copied().chain(gap).collect()
    };
    for (scores, entries_a_leaf) in [
        (behind_a_leaf(&mut (1..10_000)), 32),
        (behind_a_leaf(&mut (1..10_000).rev()), 30),
        (ascending.clone(), 63),
        (descending, 63),
    ] {
        let mut zset = ZSet::new();
        for score in &scores {
            zset.insert(score.to_string().as_bytes(), *score);
        }
        zset.check();
        let leaves = zset.tree.leaves();
        assert!(leaves <= scores.len() / entries_a_leaf, "{leaves} leaves");
    }
}

#[test]
fn the_zero_that_came_first_stays() {
    let mut zset = ZSet::new();
    assert_eq!(zset.insert(b"a", -0.0), Insertion::Added);
    assert_eq!(zset.insert(b"a", 0.0), Insertion::Same);
    assert_eq!(zset.score(b"a").map(f64::is_sign_negative), Some(true));
    zset.insert(b"b", 0.0);
    zset.insert(b"c", -0.0);
    let names: Vec<_> = zset.iter().map(|(name, _)| name.to_vec()).collect();
    assert_eq!(names, [b"a", b"b", b"c"]);
}

#[test]
fn conditions_see_the_present_score() {
    let mut zset = ZSet::new();
    assert_eq!(
        zset.update(b"a", |old| old.map(|score| score + 1.0)),
        Insertion::Same
    );
    assert!(zset.is_empty());
    zset.insert(b"a", 1.0);
    assert_eq!(
        zset.update(b"a", |old| old.map(|score| score + 1.0)),
        Insertion::Updated(1.0)
    );
    assert_eq!(zset.update(b"a", |_| None), Insertion::Same);
    assert_eq!(zset.score(b"a"), Some(2.0));
}

#[test]
#[should_panic(expected = "a score is a number")]
fn nan_is_refused() {
    ZSet::new().insert(b"a", f64::NAN);
}

#[test]
fn a_scan_sees_what_stays_throughout() {
    let mut zset = ZSet::new();
    for number in 0..2000 {
        zset.insert(format!("stays{number}").as_bytes(), f64::from(number));
    }
    let mut seen = std::collections::HashSet::new();
    let (mut position, mut round) = (0, 0);
    loop {
        let next = zset.scan(position, 10, |name, _| {
            seen.insert(name.to_vec());
        });
        for number in 0..20 {
            zset.insert(format!("comes{}", round * 20 + number).as_bytes(), 0.5);
        }
        round += 1;
        match next {
            Some(next) => position = next,
            None => break,
        }
    }
    assert!((0..2000).all(|number| seen.contains(format!("stays{number}").as_bytes())));
}

#[test]
fn random_members_are_spread_evenly() {
    let mut zset = ZSet::new();
    for number in 0..100u32 {
        zset.insert(&number.to_be_bytes(), 0.0);
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut counts = [0u32; 100];
    for _ in 0..100_000 {
        let (name, _) = zset.random(&mut random).expect("the set is not empty");
        counts[usize::from(name[3])] += 1;
    }
    assert!(
        counts.iter().all(|&count| (800..1200).contains(&count)),
        "{counts:?}"
    );
    assert!(ZSet::new().random(&mut random).is_none());
}

#[test]
fn a_set_goes_to_another_thread_to_be_dropped() {
    let mut zset = ZSet::new();
    for number in 0..10_000 {
        zset.insert(format!("member{number}").as_bytes(), f64::from(number % 77));
    }
    std::thread::spawn(move || drop(zset))
        .join()
        .expect("dropping does not panic");
}

/// What a member of 19 bytes costs, all in. Run with `--ignored --nocapture` for the figures.
#[test]
#[ignore = "takes seconds and a quiet process"]
fn bytes_per_member() {
    const COUNT: u64 = 1_000_000;
    for (order, multiplier) in [("ascending", 1), ("random", 387_420_489)] {
        let before = crate::memory::used();
        let mut zset = ZSet::new();
        for number in 0..COUNT {
            let number = number * multiplier % COUNT;
            zset.insert(format!("player:{number:012}").as_bytes(), number as f64);
        }
        zset.check();
        let used = crate::memory::used() - before;
        let told = zset.memory();
        println!(
            "{order}: {:.2} B a member, {:.2} told",
            used as f64 / COUNT as f64,
            told as f64 / COUNT as f64
        );
    }
}
