use proptest::prelude::*;

use super::*;

const USUAL_MAX: usize = 3000;

fn registers(hll: &HllBuf) -> Registers {
    let mut registers = [0; REGISTERS];
    let hll = Hll::new(hll.as_bytes()).expect("it is one");
    hll.merge_into(&mut registers).expect("it is sound");
    registers
}

fn view(hll: &HllBuf) -> Hll<'_> {
    Hll::new(hll.as_bytes()).expect("it is one")
}

/// What the established servers have in a key after `PFADD key a b c`.
#[test]
fn the_bytes_are_those_of_the_peers() {
    let mut hll = HllBuf::new();
    assert_eq!(
        hll.as_bytes(),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff",
        "nothing seen, and known to be nothing"
    );
    for element in [b"a", b"b", b"c"] {
        assert_eq!(hll.add(element, USUAL_MAX), Ok(true));
        assert_eq!(hll.add(element, USUAL_MAX), Ok(false));
    }
    assert_eq!(
        hll.as_bytes(),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
    );
    let runs: Vec<_> = sparse::runs(view(&hll).written())
        .map(|run| run.to_string())
        .collect();
    assert_eq!(
        runs.join(" "),
        "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
    );
    assert_eq!(view(&hll).count(), Ok(3));
}

#[test]
fn counts_are_within_the_error_of_the_method() {
    let mut hll = HllBuf::new();
    let mut seen = 0_u32;
    for limit in [1_u32, 10, 100, 1000, 5000, 20_000, 100_000, 300_000] {
        for element in seen..limit {
            hll.add(&element.to_le_bytes(), USUAL_MAX)
                .expect("it is sound");
        }
        seen = limit;
        let count = view(&hll).count().expect("it is sound") as f64;
        let error = (count / f64::from(limit) - 1.0).abs();
        assert!(error < 0.03, "{limit} were counted as {count}");
        assert_eq!(count_registers(&registers(&hll)) as f64, count);
    }
    assert_eq!(view(&hll).encoding(), Encoding::Dense);
}

#[test]
fn the_cached_count_lasts_until_a_change() {
    let mut hll = HllBuf::new();
    assert_eq!(view(&hll).cached(), Some(0));
    hll.add(b"x", USUAL_MAX).expect("it is sound");
    assert_eq!(view(&hll).cached(), None);
    set_cached(&mut hll.bytes, 1);
    hll.make_dense().expect("it is sound");
    assert_eq!(view(&hll).cached(), Some(1));
    assert!(!add_dense(&mut hll.bytes, b"x") && view(&hll).cached() == Some(1));
    assert!(add_dense(&mut hll.bytes, b"y") && view(&hll).cached().is_none());
    assert_eq!(view(&hll).count(), Ok(2));
}

#[test]
fn what_is_no_hyperloglog_is_told_from_one() {
    let mut dense = HllBuf::new();
    dense.make_dense().expect("it is sound");
    assert!(Hll::new(dense.as_bytes()).is_some());
    let mut longer = dense.as_bytes().to_vec();
    longer.push(0);
    let mut unknown = HllBuf::new().as_bytes().to_vec();
    unknown[ENCODING_AT] = 2;
    for bytes in [
        &b""[..],
        b"HYLL",
        b"hyll\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff",
        &longer,
        &dense.as_bytes()[..100],
        &unknown,
    ] {
        assert!(Hll::new(bytes).is_none());
    }
}

/// Any ranks that may follow from hashes and some that may not, low ones being frequent.
fn rank() -> impl Strategy<Value = u8> {
    prop_oneof![8 => 1_u8..4, 2 => 1_u8..33, 1 => 1_u8..64]
}

proptest! {
    #[test]
    fn both_encodings_keep_the_highest_ranks(
        changes in prop::collection::vec((0_usize..REGISTERS, rank()), 0..400),
        near in prop::collection::vec((0_usize..300, rank()), 0..400),
        max in 20_usize..1500,
    ) {
        let mut model = [0; REGISTERS];
        let (mut small, mut dense) = (HllBuf::new(), HllBuf::new());
        dense.make_dense().expect("it is sound");
        for (index, rank) in changes.into_iter().chain(near) {
            let raised = rank > model[index];
            model[index] = model[index].max(rank);
            prop_assert_eq!(small.raise(index, rank, max), Ok(raised));
            prop_assert_eq!(dense.raise(index, rank, max), Ok(raised));
            prop_assert!(view(&small).encoding() == Encoding::Dense || small.as_bytes().len() <= max.max(18));
        }
        prop_assert_eq!(registers(&small), model);
        prop_assert_eq!(registers(&dense), model);
        prop_assert_eq!(view(&small).count(), view(&dense).count());
        prop_assert_eq!(dense::ranks(view(&dense).written()).collect::<Vec<_>>(), model.to_vec());
        small.make_dense().expect("it is sound");
        prop_assert_eq!(small.as_bytes(), dense.as_bytes());
    }

    #[test]
    fn merging_keeps_the_highest_of_all(
        one in prop::collection::vec((0_usize..REGISTERS, 1_u8..40), 0..100),
        other in prop::collection::vec((0_usize..REGISTERS, 1_u8..40), 0..100),
    ) {
        let filled = |changes: &[(usize, u8)]| {
            let mut hll = HllBuf::new();
            for (index, rank) in changes {
                hll.raise(*index, *rank, USUAL_MAX).expect("it is sound");
            }
            hll
        };
        let mut merged = registers(&filled(&one));
        view(&filled(&other)).merge_into(&mut merged).expect("it is sound");
        let both: Vec<_> = one.iter().chain(&other).copied().collect();
        prop_assert_eq!(merged, registers(&filled(&both)));
        let mut hll = filled(&one);
        hll.raise_all(&merged, USUAL_MAX).expect("it is sound");
        prop_assert_eq!(registers(&hll), merged);
    }

    /// Whatever stands behind a header: no panic, nothing out of bounds, and a sound answer or none.
    #[test]
    fn hostile_bytes_are_refused_or_survived(
        encoding in 0_u8..3,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // Long runs of zeros, so that the sum comes near the number of registers, or beyond.
            prop::collection::vec(prop_oneof![Just(0x7F_u8), Just(0xFF), Just(0x40), any::<u8>()], 0..8),
        ],
        dense_len in any::<bool>(),
        elements in prop::collection::vec(any::<u64>(), 1..20),
    ) {
        let mut bytes = HllBuf::new().as_bytes()[..HEADER].to_vec();
        bytes[ENCODING_AT] = encoding;
        bytes.extend_from_slice(&body);
        if dense_len {
            bytes.resize(DENSE_LEN, body.len() as u8);
        }
        let Some(hll) = Hll::new(&bytes) else { return Ok(()) };
        let mut all = [0; REGISTERS];
        let sound = hll.merge_into(&mut all).is_ok();
        prop_assert_eq!(hll.count().is_ok(), sound);
        let mut buf = HllBuf::of(hll);
        for element in elements {
            let added = buf.add(&element.to_le_bytes(), 64);
            prop_assert!(!sound || added.is_ok());
            add_dense(&mut buf.bytes, &element.to_be_bytes());
        }
        prop_assert!(Hll::new(buf.as_bytes()).is_some());
        prop_assert!(!sound || view(&buf).count().is_ok());
        prop_assert!(buf.make_dense().is_ok() || !sound);
        prop_assert!(buf.raise_all(&all, 64).is_ok() || !sound);
    }
}
