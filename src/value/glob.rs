//! Redis's glob patterns: `*` any run, `?` any byte, `[a-c]` one of a class, `[^a]` none of it, `\x` the byte x itself.
//!
//! Behind KEYS, the SCAN family, PSUBSCRIBE, CONFIG GET and COMMAND LIST.  Time is at most the product of both lengths,
//! whatever the pattern: only the last star is ever gone back to.

/// Whether all of `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    run::<false>(pattern, text)
}

/// The same without regard to the case of ASCII letters.
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    run::<true>(pattern, text)
}

fn run<const FOLD: bool>(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not match: behind it, with the star one byte longer.
    let mut retry = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t));
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else if let Some(taken) = text
            .get(t)
            .and_then(|byte| one::<FOLD>(&pattern[p..], *byte))
        {
            (p, t) = (p + taken, t + 1);
        } else if let Some((star, from)) = retry.filter(|(_, from)| *from < text.len()) {
            retry = Some((star, from + 1));
            (p, t) = (star, from + 1);
        } else {
            return false;
        }
    }
}

/// Matches one byte against the pattern's first element; the element's length if it matches.
fn one<const FOLD: bool>(pattern: &[u8], byte: u8) -> Option<usize> {
    let (&first, rest) = pattern.split_first()?;
    match (first, rest) {
        (b'?', _) => Some(1),
        (b'[', class) => {
            let (found, length) = in_class::<FOLD>(class, byte);
            found.then_some(1 + length)
        }
        (b'\\', [escaped, ..]) => (fold::<FOLD>(*escaped) == fold::<FOLD>(byte)).then_some(2),
        _ => (fold::<FOLD>(first) == fold::<FOLD>(byte)).then_some(1),
    }
}

/// Whether `byte` is in the class whose text begins at `class` (behind the bracket), and the length of that text with
/// its closing bracket. A class that is never closed ends with the pattern.
fn in_class<const FOLD: bool>(class: &[u8], byte: u8) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let byte = fold::<FOLD>(byte);
    let mut at = usize::from(negated);
    let mut found = false;
    while let Some((&first, rest)) = class.get(at..).and_then(<[u8]>::split_first) {
        at += match (first, rest) {
            (b']', _) => return (found != negated, at + 1),
            (b'\\', [escaped, ..]) => {
                found |= fold::<FOLD>(*escaped) == byte;
                2
            }
            (low, [b'-', high, ..]) => {
                let (low, high) = (fold::<FOLD>(low), fold::<FOLD>(*high));
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                3
            }
            (plain, _) => {
                found |= fold::<FOLD>(plain) == byte;
                1
            }
        };
    }
    (found != negated, at)
}

fn fold<const FOLD: bool>(byte: u8) -> u8 {
    if FOLD {
        byte.to_ascii_lowercase()
    } else {
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_real_servers_match() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("**a**", "a", true),
            ("h?llo", "hello", true),
            ("?", "", false),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("[a-c]x", "bx", true),
            ("[c-a]x", "bx", true),
            ("[a-]x", "ax", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"[\]]", "]", true),
            (r"a\", r"a\", true),
            ("[", "a", false),
            ("[a", "a", true),
            ("[^", "a", true),
            ("*ab*cd", "xabyabzcd", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(matches_ignoring_case(b"MAX*[A-C]\\X", b"maxmemoryBx"));
        assert!(!matches(b"A", b"a"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = b"a*".repeat(5000);
        assert!(!matches(&[&pattern[..], b"b"].concat(), &b"a".repeat(5000)));
    }
}
