//! Patterns with `*`, `?` and `[...]`, for CONFIG GET and for `include conf.d/*.conf`.

/// True if `text` matches `pattern`: `*` is any run, `?` any byte, `[a-c]` one of a range, `[^x]` none of them, and `\`
/// takes the special meaning of the byte behind it. Takes time in proportion to both lengths at most multiplied.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last star does not match: one byte more for the star.
    let mut retry = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p + 1, t));
            p += 1;
            continue;
        }
        match one(&pattern[p..], text.get(t).copied()) {
            Some(taken) => (p, t) = (p + taken, t + 1),
            None if p == pattern.len() && t == text.len() => return true,
            None => match retry {
                Some((star, from)) if from < text.len() => {
                    retry = Some((star, from + 1));
                    (p, t) = (star, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// How many bytes of the pattern match this byte of the text; `None` if it does not match, or one of them is at its end.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<usize> {
    let (first, byte) = (*pattern.first()?, byte?);
    match first {
        b'?' => Some(1),
        b'[' => class(pattern, byte),
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        _ => (first == byte).then_some(1),
    }
}

fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = 1 + usize::from(negated);
    let mut found = false;
    while let Some(&low) = pattern.get(at)
        && low != b']'
    {
        let (high, taken) = match pattern.get(at + 1..at + 3) {
            Some(&[b'-', high]) if high != b']' => (high, 3),
            _ => (low, 1),
        };
        found |= (low.min(high)..=low.max(high)).contains(&byte);
        at += taken;
    }
    (found != negated).then_some((at + 1).min(pattern.len()))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_classes() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("*-entries", "hash-entries"),
            ("?b", "ab"),
            ("[a-c]x", "bx"),
            ("[^a]x", "bx"),
            ("[a-]x", "-x"),
            ("a\\*", "a*"),
            ("**a**", "a"),
        ] {
            assert!(
                matches(pattern.as_bytes(), text.as_bytes()),
                "{pattern} {text}"
            );
        }
        for (pattern, text) in [
            ("", "a"),
            ("a*c", "abb"),
            ("?", ""),
            ("[a-c]", "d"),
            ("[^a]", "a"),
            ("a\\*", "ab"),
            ("[", "a"),
            ("[a-", "z"),
        ] {
            assert!(
                !matches(pattern.as_bytes(), text.as_bytes()),
                "{pattern} {text}"
            );
        }
    }
}
