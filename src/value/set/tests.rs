//! The large set against an ordered one.

use super::*;
use crate::value::relocate;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};

#[derive(Debug, Clone)]
enum Step {
    Insert(u16),
    InsertMany(u16, u16),
    Remove(u16),
    RemoveMany(u16, u16),
    Pop(u64),
    Relocate(usize),
}

/// Members of several lengths, so that their lengths take one byte, two and three.
fn member(number: u16) -> Vec<u8> {
    let mut member = number.to_string().into_bytes();
    let len = match number % 50 {
        0 => 20_000,
        1..5 => 130,
        n => usize::from(n % 5) * 7,
    };
    member.resize(member.len() + len, b'.');
    member
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0u16..2_000;
    prop_oneof![
        6 => number.clone().prop_map(Step::Insert),
        1 => (number.clone(), 0u16..700).prop_map(|(from, count)| Step::InsertMany(from, count)),
        4 => number.clone().prop_map(Step::Remove),
        1 => (number, 0u16..700).prop_map(|(from, count)| Step::RemoveMany(from, count)),
        2 => any::<u64>().prop_map(Step::Pop),
        1 => relocate::tests::budget().prop_map(Step::Relocate),
    ]
}

fn many(from: u16, count: u16) -> Vec<Vec<u8>> {
    (from..from + count).map(member).collect()
}

fn run(steps: Vec<Step>) {
    let (mut set, mut model) = (Set::new(), BTreeSet::new());
    let mut at = Cursor::default();
    for step in steps {
        match step {
            Step::Insert(number) => {
                let member = member(number);
                assert_eq!(set.insert(&member[..]), model.insert(member));
            }
            Step::InsertMany(from, count) => {
                let members = many(from, count);
                let mut names = members.iter().map(|member| &member[..]);
                while let Some(batch) = set.batch(&mut names) {
                    for name in batch.iter() {
                        assert_eq!(set.insert(name), model.insert(name.bytes.to_vec()));
                    }
                }
            }
            Step::Remove(number) => {
                let member = member(number);
                assert_eq!(set.remove(&member[..]), model.remove(&member));
            }
            Step::RemoveMany(from, count) => {
                for member in many(from, count) {
                    assert_eq!(set.contains(&member[..]), model.contains(&member));
                    assert_eq!(set.remove(&member[..]), model.remove(&member));
                }
            }
            Step::Pop(mut seed) => {
                let popped = set.pop(&mut || {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    seed
                });
                match popped {
                    Some(popped) => assert!(model.remove(popped.bytes())),
                    None => assert!(model.is_empty()),
                }
            }
            Step::Relocate(budget) => {
                relocate::tests::go_on(&mut set, &mut at, budget);
            }
        }
        assert_eq!(set.len(), model.len());
    }
    let members: BTreeSet<_> = set.iter().map(<[u8]>::to_vec).collect();
    assert_eq!(members, model);
    let bytes: usize = model
        .iter()
        .map(|member| class_size(OwnedMember::new(member).size()))
        .sum();
    assert_eq!(set.member_bytes, bytes);
    assert_eq!(set.clone().iter().len(), model.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]
    #[test]
    fn it_does_what_an_ordered_set_does(steps in prop::collection::vec(step(), 0..200)) {
        run(steps);
    }
}

#[test]
fn small_sets_become_large_ones() {
    let packed = PackedSet::from_members([&b"a"[..], b"b"].iter());
    assert_eq!(Set::from(PackedSet::new(&packed)).len(), 2);
    let ints = IntSet::from_sorted([-5i64, 7, 100_000].into_iter());
    let set = Set::from(IntSet::new(&ints));
    assert!(set.contains(&b"-5"[..]) && set.contains(&b"100000"[..]) && set.len() == 3);
}

#[test]
fn members_drawn_are_all_alike_and_a_walk_sees_all() {
    let set: Set = many(0, 200).iter().map(|member| &member[..]).collect();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 31)
    };
    let drawn: HashSet<_> = (0..4_000).filter_map(|_| set.random(&mut random)).collect();
    assert_eq!(drawn.len(), 200);
    let (mut seen, mut position) = (HashSet::new(), Some(0));
    while let Some(from) = position {
        position = set.scan(from, 10, |member| {
            seen.insert(member);
        });
    }
    assert_eq!(seen.len(), 200);
}

#[test]
fn a_million_members_of_nineteen_bytes_take_at_most_42_bytes_each() {
    let count = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let mut set = Set::new();
    for number in 0..count {
        assert!(set.insert(format!("member:{number:012}").as_bytes()));
    }
    let each = set.memory() as f64 / f64::from(count);
    assert!(each <= 42.0, "{each} bytes a member");
}
