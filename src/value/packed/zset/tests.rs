//! The packed sorted set against a sorted list.

use super::*;
use proptest::prelude::*;

fn score_len(score: f64) -> usize {
    Score::new(score).len
}

#[test]
fn integers_are_short() {
    for (score, len) in [
        (0.0, 1),
        (-0.0, 1),
        (239.0, 1),
        (240.0, 3),
        (-1.0, 2),
        (-128.0, 2),
        (-129.0, 3),
        (32_767.0, 3),
        (32_768.0, 4),
        (1_700_000_000_000.0, 7),
        (-36_028_797_018_963_968.0, 8),
        (36_028_797_018_963_968.0, 9),
        (0.5, 9),
        (1e300, 9),
        (f64::INFINITY, 9),
        (f64::NEG_INFINITY, 9),
        (9_223_372_036_854_775_808.0, 9),
        (-9_223_372_036_854_775_808.0, 9),
    ] {
        assert_eq!(score_len(score), len, "{score}");
        let written = Score::new(score);
        let mut walker = Walker {
            bytes: written.as_bytes(),
            at: 0,
        };
        assert_eq!(Score::read(&mut walker), Some(score));
        assert_eq!(walker.at, len);
    }
}

#[test]
fn ranges_are_ranks() {
    let members: [(&[u8], f64); 4] = [(b"a", 1.0), (b"b", 1.0), (b"c", 2.5), (b"d", 300.0)];
    let mut bytes = PackedZSet::from_sorted(members.into_iter());
    let zset = PackedZSet::new(&bytes);
    assert_eq!(zset.partition_point(|_, score| score < 1.0), 0);
    assert_eq!(zset.partition_point(|_, score| score <= 2.5), 3);
    assert!(zset.iter_rev(1..3).eq([members[2], members[1]]));
    assert_eq!(PackedZSet::remove_range(&mut bytes, 1..3), 2);
    assert_eq!(PackedZSet::remove_range(&mut bytes, 2..9), 0);
    assert!(PackedZSet::new(&bytes).iter().eq([members[0], members[3]]));
    assert_eq!(PackedZSet::remove_range(&mut bytes, 0..usize::MAX), 2);
    assert!(PackedZSet::new(&bytes).is_empty());
}

#[test]
fn a_refused_update_changes_nothing() {
    let mut bytes = Vec::new();
    assert_eq!(
        PackedZSet::update(&mut bytes, b"m", |_| None),
        Insertion::Same
    );
    assert!(bytes.is_empty());
    PackedZSet::insert(&mut bytes, b"m", 2.0);
    let raised = PackedZSet::update(&mut bytes, b"m", |old| old.map(|old| old + 1.5));
    assert_eq!(raised, Insertion::Updated(2.0));
    assert_eq!(PackedZSet::new(&bytes).score(b"m"), Some(3.5));
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-3i32..4).prop_map(f64::from),
        (-600i32..600).prop_map(|hundredths| f64::from(hundredths) / 4.0),
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let member = prop::collection::vec(0u8..4, 0..4);
    prop_oneof![
        8 => (member.clone(), score()).prop_map(|(member, score)| Step::Insert(member, score)),
        2 => member.prop_map(Step::Remove),
        1 => (0usize..50, 0usize..5).prop_map(|(start, len)| Step::RemoveRange(start, start + len)),
    ]
}

fn in_order(a: &(Vec<u8>, f64), b: &(Vec<u8>, f64)) -> std::cmp::Ordering {
    let scores = a.1.partial_cmp(&b.1).expect("scores are numbers");
    scores.then_with(|| a.0.cmp(&b.0))
}

proptest! {
    #[test]
    fn it_does_what_a_sorted_list_does(steps in prop::collection::vec(step(), 0..200)) {
        let mut bytes = Vec::new();
        let mut model: Vec<(Vec<u8>, f64)> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(member, score) => {
                    let old = model.iter().position(|entry| entry.0 == member).map(|at| model[at].1);
                    let wanted = match old {
                        None => Insertion::Added,
                        Some(old) if old == score => Insertion::Same,
                        Some(old) => Insertion::Updated(old),
                    };
                    prop_assert_eq!(PackedZSet::insert(&mut bytes, &member, score), wanted);
                    model.retain(|entry| entry.0 != member);
                    model.push((member, score));
                    model.sort_by(in_order);
                }
                Step::Remove(member) => {
                    let old = model.iter().position(|entry| entry.0 == member).map(|at| model.remove(at).1);
                    prop_assert_eq!(PackedZSet::remove(&mut bytes, &member), old);
                }
                Step::RemoveRange(start, end) => {
                    let (from, to) = (start.min(model.len()), end.min(model.len()));
                    model.drain(from..to);
                    prop_assert_eq!(PackedZSet::remove_range(&mut bytes, start..end), to - from);
                }
            }
            let zset = PackedZSet::new(&bytes);
            prop_assert_eq!(zset.len(), model.len());
            let entries = || model.iter().map(|(member, score)| (&member[..], *score));
            prop_assert!(zset.iter().eq(entries()));
            prop_assert!(zset.iter_rev(0..model.len()).eq(entries().rev()));
            for (rank, (member, score)) in entries().enumerate() {
                prop_assert_eq!(zset.score(member), Some(score));
                prop_assert_eq!(zset.rank(member), Some((rank, score)));
                prop_assert_eq!(zset.by_rank(rank), Some((member, score)));
            }
            prop_assert_eq!(zset.score(b"absent"), None);
            if !model.is_empty() {
                prop_assert_eq!(PackedZSet::from_sorted(entries()), bytes.clone());
            }
        }
    }
}
