use super::*;
use proptest::prelude::*;

fn sum(a: &str, b: &str) -> String {
    add_floats(a.as_bytes(), b.as_bytes()).expect("a finite sum")
}

/// What servers built with an 80-bit `long double` answer.
#[test]
fn sums_are_what_clients_expect() {
    for (a, b, text) in [
        ("10.50", "0.1", "10.6"),
        ("3.0e3", "200", "3200"),
        ("5.0e3", "2.0e2", "5200"),
        ("0.1", "0.2", "0.3"),
        ("1.1", "2.2", "3.3"),
        ("0", "-0", "0"),
        ("-1", "1", "0"),
        ("3", "0.00000000000000001", "3.00000000000000001"),
        ("3", "0.000000000000000005", "3"),
        ("0.999999999999999999", "0", "1"),
        ("-0.25", "+.125", "-0.125"),
        ("18446744073709551615", "0.5", "18446744073709551616"),
        ("18446744073709551617", "0", "18446744073709551616"),
        ("1e25", "1", "10000000000000000000000000"),
        ("1e-4950", "0", "0"),
    ] {
        assert_eq!(sum(a, b), text, "{a} + {b}");
    }
    assert_eq!(sum("1e4931", "1").len(), 4_932);
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        " 1",
        "1 ",
        "1e",
        "e1",
        ".",
        "-",
        "+-1",
        "nan",
        "abc",
        "1e5000",
        "1e-5000",
        "1.2.3",
        "0x",
        "0x1g",
        "0x1p",
        "0x.p1",
        "1e99999999999",
    ] {
        assert_eq!(
            add_floats(text.as_bytes(), b"1"),
            Err(FloatError::NotFloat),
            "{text}"
        );
        assert_eq!(
            add_floats(b"1", text.as_bytes()),
            Err(FloatError::NotFloat),
            "{text}"
        );
    }
    assert!(add_floats(&vec![b'1'; MAX_TEXT + 1], b"1").is_err());
}

#[test]
fn infinities_are_read_but_never_the_sum() {
    for (a, b) in [
        ("inf", "1"),
        ("1", "-Infinity"),
        ("+inf", "-inf"),
        ("1.1e4932", "1.1e4932"),
    ] {
        assert_eq!(
            add_floats(a.as_bytes(), b.as_bytes()),
            Err(FloatError::NotFinite)
        );
    }
    assert!(!Extended::parse(b"inf").unwrap().is_finite());
    assert!(Extended::parse(b"1e4932").unwrap().is_finite());
}

proptest! {
    /// The long way through big numbers agrees with the short one.
    #[test]
    fn both_ways_of_reading_agree(digits in 1u64.., scale in -18i32..=18) {
        let short = Extended::parse(format!("{digits}e{scale}").as_bytes());
        let padding = "0".repeat(30);
        let long = Extended::parse(format!("{digits}{padding}e{}", scale - 30).as_bytes());
        prop_assert_eq!(short, long);
        // A digit far below the last bit changes nothing, but leaves the short way.
        let (whole, fraction) = (digits, "0".repeat(60));
        let nudged = Extended::parse(format!("{whole}.{fraction}1e{scale}").as_bytes()).unwrap();
        prop_assert!(nudged.mantissa.abs_diff(short.unwrap().mantissa) <= 1);
    }

    #[test]
    fn integers_add_exactly(a in -(1i64 << 62)..1 << 62, b in -(1i64 << 62)..1 << 62) {
        prop_assert_eq!(sum(&a.to_string(), &b.to_string()), (a + b).to_string());
    }

    #[test]
    fn hundredths_add_exactly(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000) {
        let text = |hundredths: i64| {
            let sign = if hundredths < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
        };
        let mut expected = text(a + b).trim_end_matches('0').trim_end_matches('.').to_owned();
        // Above ten thousand the 17 decimals begin to show the binary fraction.
        if (a + b).abs() >= 1_000_000 {
            let shown = sum(&text(a), &text(b));
            let near = super::super::parse_f64(shown.as_bytes()).unwrap();
            prop_assert!((near - (a + b) as f64 / 100.0).abs() < 1e-6);
        } else if a.abs().max(b.abs()) < 10_000 {
            if expected.is_empty() || expected == "-0" { expected = "0".to_owned(); }
            prop_assert_eq!(sum(&text(a), &text(b)), expected);
        }
    }

    #[test]
    fn any_text_is_survived(text in "[-+.0-9e]{0,60}") {
        let _ = add_floats(text.as_bytes(), b"1e-3");
    }
}

#[test]
fn hexadecimal_is_read_as_c_reads_it() {
    for (text, sum) in [
        ("0x10", "17"),
        ("-0XfF", "-254"),
        ("0x1.8", "2.5"),
        ("0x1p4", "17"),
        ("0x.8p-1", "1.25"),
        ("0x0", "1"),
    ] {
        assert_eq!(
            add_floats(text.as_bytes(), b"1").as_deref(),
            Ok(sum),
            "{text}"
        );
    }
}
