//! The keyspace's records and guards against simple models.

use std::collections::HashMap;

use proptest::prelude::*;

use super::scan::Cursor;
use super::*;
use crate::stats::Counters;

const EVENT: Event = Event::SET;

fn access<'k>(keyspace: &'k Keyspace, counters: &'k Counters, now: i64) -> Access<'k> {
    keyspace.access(Locks::All, 0, now, counters).unwrap()
}

/// A value that a record can hold inside itself, or in a box.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 200..300),
        prop::collection::vec(any::<u8>(), 65_000..66_000),
    ]
}

fn text(record: RecordRef<'_>) -> Vec<u8> {
    match record.value() {
        Value::Int(value) => value.to_string().into_bytes(),
        Value::Str(bytes) => bytes.to_vec(),
        Value::BigStr(bytes) => bytes.to_vec(),
        other => panic!("not a string: {other:?}"),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Replace(Vec<u8>),
    Int(i64),
    Expiry(Option<i64>),
    Splice(usize, usize, Vec<u8>),
    Rename(Vec<u8>),
    Touch(u32),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_bytes().prop_map(Step::Replace),
        any::<i64>().prop_map(Step::Int),
        any::<Option<i64>>().prop_map(Step::Expiry),
        (
            any::<usize>(),
            any::<usize>(),
            prop::collection::vec(any::<u8>(), 0..80)
        )
            .prop_map(|(at, remove, insert)| Step::Splice(at, remove, insert)),
        any_bytes().prop_map(Step::Rename),
        (0..1_u32 << 24).prop_map(Step::Touch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    /// A record keeps its parts whatever is done to the others.
    #[test]
    fn a_record_is_its_parts(key in any_bytes(), steps in prop::collection::vec(any_step(), 0..20)) {
        let mut record = Record::new(&key, NewValue::Str(b""), None, 7);
        let (mut key, mut value, mut expiry, mut touched) = (key, Vec::new(), None, 7);
        for step in steps {
            match step {
                Step::Replace(new) => {
                    record.set_value(NewValue::Str(&new));
                    value = new;
                }
                Step::Int(new) => {
                    record.set_value(NewValue::Int(new));
                    value = new.to_string().into_bytes();
                }
                Step::Expiry(new) => {
                    record.set_expiry(new);
                    expiry = new;
                }
                Step::Splice(at, remove, insert) => {
                    if matches!(record.view().kind(), Kind::Str) {
                        let at = at % (value.len() + 1);
                        let remove = remove % (value.len() - at + 1);
                        let (left, right) = insert.split_at(insert.len() / 2);
                        record.splice(at, remove, &[left, right]);
                        value.splice(at..at + remove, insert);
                    }
                }
                Step::Rename(new) => {
                    record = record.renamed(&new);
                    key = new;
                }
                Step::Touch(new) => {
                    record.view().touch(new);
                    touched = new;
                }
            }
            let view = record.view();
            prop_assert_eq!(view.key(), &key[..]);
            prop_assert_eq!(text(view), value.clone());
            prop_assert_eq!(view.expiry(), expiry);
            prop_assert_eq!(view.access(), touched);
            let copy = view.duplicate(b"copy");
            prop_assert_eq!(text(copy.view()), value.clone());
        }
    }

    /// Keys come and go as in a map that knows their moments.
    #[test]
    fn keys_live_until_their_moment(
        steps in prop::collection::vec((0..3_u8, 0..40_u8, prop::option::of(0..100_i64), 0..5_i64), 0..200)
    ) {
        let (keyspace, counters) = (Keyspace::new(1), Counters::default());
        let mut model: HashMap<u8, Option<i64>> = HashMap::new();
        let mut now = 1_000;
        for (what, key, ttl, wait) in steps {
            now += wait;
            model.retain(|_, moment| moment.is_none_or(|moment| moment > now));
            let moment = ttl.map(|ttl| now + ttl + 1);
            let mut keys = access(&keyspace, &counters, now);
            match what {
                0 => {
                    let expiry = moment.map_or(Expiry::Never, Expiry::At);
                    let existed = keys.set(&[key], NewValue::Str(b"v"), expiry, EVENT);
                    prop_assert_eq!(existed, model.insert(key, moment).is_some());
                }
                1 => prop_assert_eq!(keys.remove(&[key], Event::DEL), model.remove(&key).is_some()),
                _ => {
                    let found = keys.read(&[key]).map(RecordRef::expiry);
                    prop_assert_eq!(found, model.get(&key).copied());
                }
            }
        }
        let limit = std::time::Duration::from_secs(60);
        now += 10_000;
        // What a removal moves behind the sweep is left to the next one.
        for _ in 0..3 {
            expiry::Sweeper::default().sweep(&keyspace, now, limit, &counters);
        }
        model.retain(|_, moment| moment.is_none());
        let figures = access(&keyspace, &counters, now).figures()[0];
        prop_assert_eq!((figures.keys, figures.expiring), (model.len(), 0));
    }
}

#[test]
fn a_scan_returns_what_is_there_throughout() {
    let (keyspace, counters) = (Keyspace::new(1), Counters::default());
    let put = |name: String| {
        access(&keyspace, &counters, 0).set(
            name.as_bytes(),
            NewValue::Int(1),
            Expiry::Never,
            EVENT,
        );
    };
    let (stay, churn) = if cfg!(miri) { (50, 20) } else { (3_000, 400) };
    (0..stay).for_each(|n| put(format!("stay:{n}")));
    let (mut seen, mut cursor, mut round) = (std::collections::HashSet::new(), Cursor(0), 0);
    loop {
        cursor = access(&keyspace, &counters, 0)
            .scan(cursor, 10, |record| {
                seen.insert(record.key().to_vec());
            })
            .unwrap();
        assert!(cursor.0 < 1 << 53);
        if cursor == Cursor(0) {
            break;
        }
        // The tables grow, then shrink, under the scan's feet.
        for n in 0..churn {
            let name = format!("churn:{}:{n}", round % 8);
            if round % 16 < 8 {
                put(name);
            } else {
                access(&keyspace, &counters, 0).remove(name.as_bytes(), Event::DEL);
            }
        }
        round += 1;
    }
    assert!((0..stay).all(|n| seen.contains(format!("stay:{n}").as_bytes())));
}

#[test]
fn random_keys_are_fair() {
    let (keyspace, counters) = (Keyspace::new(1), Counters::default());
    let mut keys = access(&keyspace, &counters, 0);
    for n in 0..10_u8 {
        keys.set(&[n], NewValue::Int(1), Expiry::Never, EVENT);
    }
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed ^ seed >> 33
    };
    let mut counts = [0; 10];
    let draws = if cfg!(miri) { 20 } else { 10_000 };
    for _ in 0..draws {
        counts[usize::from(keys.random_key(&mut random).expect("ten keys")[0])] += 1;
    }
    assert!(
        cfg!(miri) || counts.iter().all(|n| (800..1200).contains(n)),
        "{counts:?}"
    );
}

#[test]
fn databases_are_swapped_and_flushed_whole() {
    let (keyspace, counters) = (Keyspace::new(3), Counters::default());
    let mut keys = access(&keyspace, &counters, 0);
    keys.set(b"a", NewValue::Int(1), Expiry::At(500), EVENT);
    keys.swap_databases(0, 2);
    assert_eq!(
        (
            keys.len(),
            keys.figures()[2].keys,
            keys.figures()[2].expiring
        ),
        (0, 1, 1)
    );
    assert_eq!(keys.flush(Some(1), false), 0);
    assert_eq!(keys.flush(None, true), 1);
    assert_eq!(keys.figures()[2], whole::DatabaseFigures::default());
}

#[test]
fn many_locks_are_taken_in_one_order() {
    let (keyspace, counters) = (Keyspace::new(1), Counters::default());
    let names: Vec<String> = (0..40).map(|n| format!("key:{n}")).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (keyspace, counters, names) = (&keyspace, &counters, &names);
            scope.spawn(move || {
                for round in 0..if cfg!(miri) { 3 } else { 500 } {
                    let mut wanted: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
                    wanted.rotate_left((round * 7 + thread) % 40);
                    wanted.truncate(10);
                    let mut keys = keyspace
                        .access(Locks::Keys(&wanted), 0, 0, counters)
                        .unwrap();
                    for key in wanted {
                        keys.set(key, NewValue::Int(round as i64), Expiry::Never, EVENT);
                    }
                }
            });
        }
    });
    assert_eq!(access(&keyspace, &counters, 0).len(), 40);
}
