//! The large list against a vector, with nodes so small that there are many.

use proptest::prelude::*;

use super::*;
use crate::value::relocate;

#[derive(Debug, Clone)]
enum Step {
    Push(End, Vec<u8>),
    Pop(End),
    Insert(usize, Vec<u8>),
    Set(usize, Vec<u8>),
    RemoveRange(usize, usize),
    RemoveEqual(Vec<u8>, usize, End),
    Repack,
    Relocate(usize),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(b'a'..b'c', 0..3),
        2 => (100usize..1500, b'a'..b'c').prop_map(|(len, byte)| vec![byte; len]),
        // Around the size of a node, and around that of an element that never shares one.
        1 => (4060usize..4100, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (BIG_ELEMENT - 2..BIG_ELEMENT + 2, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop::sample::select(vec![End::Head, End::Tail]);
    prop_oneof![
        8 => (end.clone(), element()).prop_map(|(end, element)| Step::Push(end, element)),
        3 => end.clone().prop_map(Step::Pop),
        6 => (any::<usize>(), element()).prop_map(|(at, element)| Step::Insert(at, element)),
        3 => (any::<usize>(), element()).prop_map(|(at, element)| Step::Set(at, element)),
        1 => (any::<usize>(), 0usize..12).prop_map(|(at, len)| Step::RemoveRange(at, len)),
        1 => (element(), 1usize..5, end).prop_map(|(element, most, end)| Step::RemoveEqual(element, most, end)),
        1 => Just(Step::Repack),
        1 => relocate::tests::budget().prop_map(Step::Relocate),
    ]
}

/// Any limits: numbers of elements so small that there are many nodes, and sizes.
fn limits() -> impl Strategy<Value = Limits> {
    prop::sample::select(vec![1, 2, 3, 5, 16, 300, -1, -2, -5]).prop_map(Limits::from_setting)
}

fn apply(list: &mut List, model: &mut Vec<Vec<u8>>, step: Step, limits: Limits, walk: &mut Cursor) {
    match step {
        Step::Push(end, element) => {
            list.push(end, Element::Plain(&element), limits);
            let at = if end == End::Head { 0 } else { model.len() };
            model.insert(at, element);
        }
        Step::Pop(end) => {
            let mut popped = None;
            list.pop(end, |element| popped = Some(element.to_vec()));
            let expected = match end {
                End::Head if model.is_empty() => None,
                End::Head => Some(model.remove(0)),
                End::Tail => model.pop(),
            };
            assert_eq!(popped, expected);
        }
        Step::Insert(at, element) => {
            let at = at % (model.len() + 1);
            list.insert(at, Element::Plain(&element), limits);
            model.insert(at, element);
        }
        Step::Set(at, element) => {
            let at = at % (model.len() + 1);
            let there = list.set(at, Element::Shared(&element.clone().into()), limits);
            assert_eq!(there, at < model.len());
            if there {
                model[at] = element;
            }
        }
        Step::RemoveRange(at, len) => {
            let at = at % (model.len() + 1);
            list.remove_range(at..at + len);
            model.drain(at..(at + len).min(model.len()));
        }
        Step::RemoveEqual(element, most, from) => {
            let removed = list.remove_equal(&element, most, from);
            let matching = (0..model.len()).filter(|at| model[*at] == element);
            let mut doomed: Vec<usize> = match from {
                End::Head => matching.take(most).collect(),
                End::Tail => matching.rev().take(most).collect(),
            };
            doomed.sort_unstable();
            doomed.iter().rev().for_each(|at| drop(model.remove(*at)));
            assert_eq!(removed, doomed.len());
        }
        Step::Repack => {
            if let Some(packed) = list.to_packed(limits) {
                *list = List::from_packed(PackedList::new(&packed));
            }
        }
        Step::Relocate(budget) => {
            relocate::tests::go_on(list, walk, budget);
        }
    }
}

/// The accounts are right, no node is empty, and none is larger than it may be.
fn check(list: &List, limits: Limits) {
    assert_eq!(list.nodes.iter().map(Node::len).sum::<usize>(), list.len);
    assert_eq!(list.nodes.iter().map(Node::heap).sum::<usize>(), list.heap);
    for node in &list.nodes {
        assert!(node.len() > 0);
        if let Node::Packed(packed) = node {
            assert!(packed.len() == 1 || limits.admits_all(packed.used(), packed.len()));
            assert_eq!(packed.len(), node.elements().count());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_does_what_a_vector_does(limits in limits(), steps in prop::collection::vec(step(), 0..200)) {
        let (mut list, mut model) = (List::default(), Vec::new());
        let mut walk = Cursor::default();
        for step in steps {
            apply(&mut list, &mut model, step, limits, &mut walk);
            check(&list, limits);
            prop_assert_eq!(list.len(), model.len());
            prop_assert!(list.iter().eq(model.iter()));
        }
        prop_assert!(list.iter().rev().eq(model.iter().rev()));
        prop_assert!(list.clone().iter().eq(model.iter()));
        for (index, element) in model.iter().enumerate() {
            prop_assert_eq!(list.get(index).map(Element::bytes), Some(&element[..]));
            prop_assert!(list.elements_from(index).map(Element::bytes).eq(&model[index..]));
        }
        prop_assert!(list.get(model.len()).is_none() && list.elements_from(model.len()).next().is_none());
        for end in [End::Head, End::Tail] {
            let expected = if end == End::Head { model.first() } else { model.last() };
            prop_assert_eq!(list.peek(end).map(Element::bytes), expected.map(Vec::as_slice));
        }
    }
}

fn numbered(count: usize, end: End) -> List {
    let mut list = List::default();
    for number in 0..count {
        let element = format!("element:{number:016}");
        list.push(end, Element::Plain(element.as_bytes()), Limits::default());
    }
    list
}

#[test]
fn a_million_elements_cost_little_more_than_their_bytes() {
    for end in [End::Head, End::Tail] {
        let list = numbered(1_000_000, end);
        let each = list.memory() as f64 / list.len() as f64;
        assert!(each < 26.6, "{each} bytes an element of 24 bytes");
        for index in [0, 1, 499_999, 500_000, 999_999] {
            let number = if end == End::Head {
                999_999 - index
            } else {
                index
            };
            let element = list.get(index).map(|element| element.to_vec());
            assert_eq!(element, Some(format!("element:{number:016}").into_bytes()));
        }
    }
}

#[test]
fn both_ends_in_turn() {
    let mut list = List::default();
    for number in 0..20_000_u32 {
        let end = [End::Head, End::Tail][number as usize % 2];
        list.push(
            end,
            Element::Plain(&number.to_le_bytes()),
            Limits::default(),
        );
    }
    for number in (0..20_000_u32).rev() {
        let end = [End::Head, End::Tail][number as usize % 2];
        list.pop(end, |element| assert_eq!(*element, number.to_le_bytes()));
    }
    assert!(list.is_empty() && list.heap == 0);
    assert!(list.nodes.capacity() <= 4 * SMALL_RING);
}

#[test]
fn big_elements_are_shared() {
    let mut list = List::default();
    let big = Bytes::from(vec![b'x'; BIG_ELEMENT]);
    list.push(
        End::Tail,
        Element::Plain(b"small"),
        Limits::from_setting(-5),
    );
    list.push(End::Tail, Element::Shared(&big), Limits::from_setting(-5));
    assert!(
        matches!(list.get(1), Some(Element::Shared(shared)) if shared.as_ptr() == big.as_ptr())
    );
    assert!(matches!(list.get(0), Some(Element::Plain(_))));
    assert!(list.to_packed(Limits::default()).is_none());
    list.pop(End::Tail, |element| {
        assert_eq!(element.to_shared().as_ptr(), big.as_ptr())
    });
    assert_eq!(
        list.to_packed(Limits::default()),
        Some(b"\x01\x05small\x05".to_vec())
    );
}

#[test]
fn trimming_frees_many_nodes() {
    let mut list = numbered(100_000, End::Tail);
    list.remove_range(60_010..100_000);
    list.remove_range(0..60_000);
    assert_eq!(list.len(), 10);
    assert_eq!(
        list.get(0).map(Element::bytes),
        Some(&b"element:0000000000060000"[..])
    );
    assert!(list.memory() < 20_000);
    check(&list, Limits::default());
}
