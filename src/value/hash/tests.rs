//! The large hash against a map.

use super::*;
use crate::value::relocate;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMillis>)>;

#[derive(Debug, Clone)]
enum Step {
    Insert(u16, usize, FieldExpiry),
    SetExpiry(u16, Option<UnixMillis>),
    Remove(u16),
    /// Lets time pass.
    Expire(UnixMillis),
    Relocate(usize),
}

/// Names of several lengths, so that their lengths take one byte and two.
fn name(number: u16) -> Vec<u8> {
    let mut name = number.to_string().into_bytes();
    name.resize(name.len() + usize::from(number % 5) * 30, b'.');
    name
}

fn value(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0u16..600;
    let moment = 1_000_000i64..1_100_000;
    let len = prop_oneof![4 => 0usize..40, 1 => 100usize..300, 1 => Just(40_000)];
    let expiry = prop_oneof![
        2 => Just(FieldExpiry::Never),
        1 => Just(FieldExpiry::Keep),
        1 => moment.clone().prop_map(FieldExpiry::At),
    ];
    prop_oneof![
        8 => (number.clone(), len, expiry).prop_map(|(number, len, expiry)| Step::Insert(number, len, expiry)),
        3 => (number.clone(), prop::option::of(moment)).prop_map(|(number, moment)| Step::SetExpiry(number, moment)),
        3 => number.prop_map(Step::Remove),
        1 => (0i64..8_000).prop_map(Step::Expire),
        1 => relocate::tests::budget().prop_map(Step::Relocate),
    ]
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!(hash.len(), model.len());
    let expiries = || model.values().filter_map(|(_, expiry)| *expiry);
    assert_eq!(hash.expiring(), expiries().count());
    match (hash.next_deadline(), expiries().min()) {
        (next, None) => assert_eq!(next, None),
        (next, Some(first)) => {
            let next = next.expect("a field expires");
            assert!(next <= first + 64, "{next} is too late for {first}");
        }
    }
    let mut bytes = 0;
    for field in hash.iter() {
        let (value, expiry) = &model[field.name()];
        assert_eq!(field.value(), value);
        assert_eq!(field.expiry(), *expiry);
        bytes += class_size(field.size());
    }
    assert_eq!(hash.field_bytes, bytes);
    assert!(hash.memory() >= bytes);
}

fn run(steps: Vec<Step>) {
    let mut hash = Hash::new();
    let mut model = Model::new();
    let mut now = 1_000_000;
    let mut at = Cursor::default();
    for step in steps {
        match step {
            Step::Insert(number, len, expiry) => {
                let (name, value) = (name(number), value(len));
                let present = model.get(&name).and_then(|(_, expiry)| *expiry);
                let existed = hash.insert_with(&name, &value, expiry);
                let old = model.insert(name, (value, expiry.after(present)));
                assert_eq!(existed, old.is_some());
            }
            Step::SetExpiry(number, expiry) => {
                let name = name(number);
                let known = model.get_mut(&name);
                assert_eq!(hash.set_expiry(&name, expiry), known.is_some());
                if let Some(known) = known {
                    known.1 = expiry;
                }
            }
            Step::Remove(number) => {
                let name = name(number);
                assert_eq!(hash.remove(&name), model.remove(&name).is_some());
            }
            Step::Expire(by) => {
                now += by;
                // A pass that is under way may have left something behind it: the second sees all.
                for _ in 0..2 {
                    hash.expire_due(now, usize::MAX, |name| {
                        let (_, expiry) = model.remove(name).expect("it was there");
                        assert!(expiry.expect("it expires") < now);
                    });
                }
                let overdue = |expiry: &Option<UnixMillis>| expiry.is_some_and(|at| at + 64 < now);
                assert!(!model.values().any(|(_, expiry)| overdue(expiry)));
                assert!(hash.next_deadline().is_none_or(|next| next > now));
            }
            Step::Relocate(budget) => {
                relocate::tests::go_on(&mut hash, &mut at, budget);
            }
        }
        let sample = name(step_sample(&model));
        let found = hash.get(&sample).map(|field| field.value().to_vec());
        assert_eq!(found, model.get(&sample).map(|(value, _)| value.clone()));
    }
    check(&hash, &model);
    let copy = hash.clone();
    check(&copy, &model);
    drop(hash);
    check(&copy, &model);
}

fn step_sample(model: &Model) -> u16 {
    (model.len() * 31 % 600) as u16
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 200 }, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_map_does(steps in prop::collection::vec(step(), 0..400)) {
        run(steps);
    }
}

#[test]
fn expired_fields_are_shown_until_they_are_removed() {
    let mut hash = Hash::new();
    hash.insert_with(b"f", b"v", FieldExpiry::At(1000));
    let field = hash.get(b"f").expect("it is there");
    assert!(!field.is_expired(999) && field.is_expired(1000));
    assert_eq!(hash.len(), 1);
    let due = hash.next_deadline().expect("a field expires");
    let mut removed = Vec::new();
    hash.expire_due(due, 100, |name| removed.push(name.to_vec()));
    assert_eq!(removed, [b"f"]);
    assert!(hash.is_empty() && hash.next_deadline().is_none());
}

#[test]
fn expiry_stops_at_its_budget_and_goes_on() {
    let mut hash = Hash::new();
    for number in 0..5_000u16 {
        hash.insert_with(&name(number), b"v", FieldExpiry::At(1_000_000));
    }
    let mut calls = 0;
    while !hash.is_empty() {
        let before = hash.len();
        hash.expire_due(2_000_000, 20, |_| {});
        assert!(before - hash.len() <= 20 * 8 + 8);
        calls += 1;
        assert!(calls < 5_000);
    }
    assert!(calls > 10);
}

#[test]
fn a_walk_and_the_draw_see_every_field() {
    let mut hash = Hash::new();
    for number in 0..2_000u16 {
        hash.insert(&name(number), b"v");
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut position = 0;
    while let Some(next) = hash.scan(position, 10, |field| {
        seen.insert(field.name().to_vec());
    }) {
        position = next;
    }
    assert_eq!(seen.len(), 2_000);
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state ^ state >> 29
    };
    let drawn = hash.random(&mut random).expect("it has fields");
    assert!(seen.contains(drawn.name()));
    assert!(Hash::new().random(&mut random).is_none());
}

#[test]
fn packed_fields_become_large_ones() {
    let mut bytes = Vec::new();
    for number in 0..100u16 {
        PackedHash::insert(&mut bytes, &name(number), &value(usize::from(number)));
    }
    let hash = Hash::from(PackedHash::new(&bytes));
    assert_eq!(hash.len(), 100);
    assert!((0..100).all(|number| {
        let field = hash.get(&name(number)).expect("it was packed");
        field.value() == value(usize::from(number)) && field.expiry().is_none()
    }));
}

/// 18 bytes of name and 24 of value: 60 bytes are the limit that the module has set itself.
#[test]
#[cfg_attr(miri, ignore = "it counts the slabs' bytes")]
fn a_field_is_small() {
    const COUNT: usize = 100_000;
    let mut hash = Hash::new();
    for number in 0..COUNT {
        hash.insert(format!("field:{number:012}").as_bytes(), &[b'v'; 24]);
    }
    let bytes = hash.memory() as f64 / COUNT as f64;
    assert!(bytes <= 60.0, "{bytes} bytes a field");
}

#[test]
fn hashes_can_be_dropped_elsewhere() {
    let mut hash = Hash::new();
    for number in 0..1_000u16 {
        hash.insert(&name(number), b"v");
    }
    std::thread::spawn(move || drop(hash))
        .join()
        .expect("it only drops");
}
