//! Sources that are no scripts, or very large ones.

use proptest::prelude::*;

use super::super::LONGEST;
use super::{of_library, of_script};

/// Runs it where there is less stack than a worker has.
fn with_little_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(512 << 10)
            .spawn_scoped(scope, run)
            .unwrap()
            .join()
            .unwrap()
    })
}

const OPENERS: [&str; 21] = [
    "(",
    "{",
    "f(",
    "f{",
    "a[",
    "not ",
    "#",
    "- -",
    "1+(",
    "x or (",
    "x^",
    "do ",
    "if x then ",
    "while x do ",
    "repeat ",
    "for i=1,2 do ",
    "for a in ",
    "local function f() ",
    "return function() ",
    "a{b=",
    "if f(function() ",
];

#[test]
fn nesting_ends_somewhere() {
    with_little_stack(|| {
        for opener in OPENERS {
            for times in [1, 50, 90, 110, 1_000, 100_000 / opener.len()] {
                let open = opener.repeat(times);
                assert!(!of_script(&open));
                assert!(!of_script(&format!("return {open}")));
                assert!(!of_script(&format!("local x = {open}")));
            }
        }
        for (open, middle, close) in [
            ("(", "KEYS[1]", ")"),
            ("{", "", "}"),
            ("tostring(", "1", ")"),
            ("a.b.c(1).d[", "1", "]"),
        ] {
            let nested = |times| {
                let (open, close) = (open.repeat(times), close.repeat(times));
                of_script(&format!(
                    "local a = 1 return redis.call('get', KEYS[1], {open}{middle}{close})"
                ))
            };
            assert!(nested(90), "{open}");
            assert!(!nested(101), "{open}");
        }
        let blocks = |times| {
            let (open, close) = ("if true then ".repeat(times), " end".repeat(times));
            of_script(&format!("{open} redis.call('get', KEYS[1]) {close}"))
        };
        assert!(blocks(90));
        assert!(!blocks(101));
    });
}

#[test]
fn what_is_only_long_is_read_whole() {
    let times = 10_000;
    with_little_stack(move || {
        for (begin, part, end, expected) in [
            ("return 1", " + 1", "", true),
            ("return 1", " .. 'a'", "", true),
            ("return 1", " ^ 2", "", true),
            ("return redis.call('get', KEYS[1]", " or KEYS[1]", ")", true),
            (
                "return redis.call('get', KEYS[1]",
                " and KEYS[1]",
                ")",
                true,
            ),
            ("local a = {} return a", ".b", "", true),
            ("local a = {} return a", "[1](2):c()", "", true),
            ("return {", "1,", "}", true),
            ("local a if a then", " elseif a then", " end", true),
            ("local a", " a = 1;", "", true),
            ("", "redis.call('get', KEYS[1]) ", "", true),
            ("", "local k = KEYS[1] redis.call('get', k) ", "", true),
            (
                "",
                "redis.call('get', KEYS[1]) ",
                "redis.call('get', 'x')",
                false,
            ),
        ] {
            let source = format!("{begin}{}{end}", part.repeat(times));
            assert_eq!(of_script(&source), expected, "{begin}{part}...");
        }
    });
}

/// A megabyte takes a moment, whatever stands in it.
#[test]
fn long_sources_end() {
    let many_parameters = format!(
        "local function f({}) end local function g() end ",
        (0..200)
            .map(|n| format!("a{n}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let forwards: String = (0..9_000)
        .map(|n| format!("local function f{n}(k) return f{}(k) end ", n + 1))
        .collect();
    let mut sources = vec![forwards];
    for (begin, part) in [
        ("", "local a "),
        ("", "a "),
        ("return ", "a."),
        ("return ", "x+"),
        ("return ", "'"),
        ("", "--[["),
        ("", "[==["),
        ("return ", "[==[]=]"),
        ("", "f()"),
        ("", "local function f(a) return f(a) end f(KEYS[1]) "),
        ("", "do local KEYS = KEYS end "),
        ("", "redis.call('del', unpack(KEYS)) "),
        (many_parameters.as_str(), "f(g())"),
        ("", "\\"),
        ("", "\0"),
    ] {
        sources.push(format!(
            "{begin}{}",
            part.repeat((LONGEST - begin.len()) / part.len())
        ));
    }
    for source in sources {
        // A square of such a length would not end while somebody waits for it.
        of_script(&source);
        of_library(&source);
    }
    assert!(!of_script(&" ".repeat(LONGEST + 1)));
}

/// Words of Lua in no order.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
        "KEYS",
        "ARGV",
        "redis",
        ".call",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ";",
        ":",
        ".",
        "..",
        "...",
        "=",
        "==",
        "~=",
        "+",
        "-",
        "#",
        "f",
        "k",
        "'get'",
        "\"",
        "[[",
        "]]",
        "--",
        "\n",
        "1",
        "1e",
        "\\",
        "ipairs",
        "unpack",
        "redis.call('get',",
        "KEYS[1]",
        "function(k)",
        "local f =",
        "do end",
        "\0",
        "é",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(source in soup(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        of_script(&source);
        of_library(&source);
        super::stays_within_keys(&bytes, super::Entry::Script, &super::commands);
    }
}
