//! A set through its record, against an ordered one; and what the commands of sets, and SORT, announce and hand on.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::view::{SetMut, SetView};
use crate::command::announced;
use crate::config::Settings;
use crate::keyspace::{NewValue, Record};

/// A member: an integer, a word, or one that is too long to be packed.
fn member(number: usize) -> Vec<u8> {
    match number % 100 {
        0 => format!("{number:070}").into_bytes(),
        1..10 => format!("m{number}").into_bytes(),
        _ => number.to_string().into_bytes(),
    }
}

proptest! {
    #[test]
    fn it_is_the_same_set_in_all_its_forms(
        // Of integers alone, of few members, of more than any small form takes.
        most in prop::sample::select(vec![10usize, 140, 900]),
        step in prop::sample::select(vec![1usize, 10]),
        steps in prop::collection::vec((0usize..1_000, 0usize..5), 0..400),
    ) {
        let settings = Settings::new();
        let mut record = Record::new(b"key", NewValue::IntSet(b""), None, 0);
        let mut model = BTreeSet::new();
        for number in (0..most).filter(|number| number % step == 0) {
            let number = if step == 1 { number } else { number * 100 + 10 };
            prop_assert!(SetMut::new(&mut record, &settings).insert(&member(number)));
            model.insert(member(number));
        }
        for (number, what) in steps {
            let member = member(number % (most + 20));
            let mut set = SetMut::new(&mut record, &settings);
            if what == 0 {
                prop_assert_eq!(set.remove(&member), model.remove(&member));
            } else {
                prop_assert_eq!(set.insert(&member), model.insert(member.clone()));
            }
            let set = SetView::in_record(record.view()).expect("it is a set");
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.contains(&member), what != 0);
        }
        let set = SetView::in_record(record.view()).expect("it is a set");
        let members: BTreeSet<_> = set.iter().map(|member| member.bytes().to_vec()).collect();
        prop_assert_eq!(&members, &model);
        let packed = settings.set_max_listpack_entries();
        match set {
            SetView::Ints(ints) => prop_assert!(ints.len() <= settings.set_max_intset_entries()),
            SetView::Packed(_) => prop_assert!(model.len() <= packed && model.iter().all(|m| m.len() <= 64)),
            SetView::Large(_) => {}
        }
        let mut shown = Vec::new();
        set.each(|member| shown.push(member.to_vec()));
        prop_assert_eq!(shown.len(), model.len());
        prop_assert!(shown.iter().all(|member| model.contains(member)));
        let copy = record.view().duplicate(b"copy");
        let copy = SetView::in_record(copy.view()).expect("it is a set");
        prop_assert_eq!(copy.len(), model.len());
    }
}

#[test]
fn changes_are_announced_as_the_peers_announce_them() {
    announced::check(&[
        ("SADD a 1 2 2 3", "sadd a, > SADD a 1 2 2 3"),
        ("SADD a 1", ""),
        ("SREM a 9 1", "srem a, > SREM a 9 1"),
        ("SREM a 9", ""),
        ("SMOVE a b 9", ""),
        ("SMOVE a b 2", "srem a, sadd b, > SMOVE a b 2"),
        ("SADD b 3", "sadd b, > SADD b 3"),
        ("SMOVE a b 3", "srem a, del a, > SMOVE a b 3"),
        ("SMOVE b b 3", ""),
        ("SINTERSTORE c b a", ""),
        ("SUNIONSTORE c b a", "sunionstore c, > SUNIONSTORE c b a"),
        ("SDIFFSTORE c c b", "del c, > SDIFFSTORE c c b"),
        ("SREM b 3", "srem b, > SREM b 3"),
        ("SPOP b 0", ""),
        ("SPOP b", "spop b, del b, > SREM b 2"),
        ("SADD b 2", "sadd b, > SADD b 2"),
        ("SPOP b 5", "spop b, del b, > DEL b"),
        ("SPOP b 5", ""),
        ("SADD b 2 1", "sadd b, > SADD b 2 1"),
        ("SRANDMEMBER b 1", ""),
        ("SORT b STORE l", "sortstore l, > SORT b STORE l"),
        (
            "SORT b LIMIT 2 1 STORE l",
            "del l, > SORT b LIMIT 2 1 STORE l",
        ),
        ("SORT b LIMIT 2 1 STORE l", ""),
        ("SORT b", ""),
    ]);
}
