//! Inline requests: a line of words, as a person types them into `telnet`.
//!
//! Words are split at white space. Within double quotes `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and a backslash before any
//! other byte are understood; within single quotes `\'` only. A closing quote must end its word. Unescaping only ever
//! shortens, so it happens in place.

/// The quotes of the line do not pair up, or something follows a closing quote.
#[derive(Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits `line` into words. Each is reported as `(start, len)`, a range of the rewritten line.
pub fn split(line: &mut [u8], mut word: impl FnMut(usize, usize)) -> Result<(), UnbalancedQuotes> {
    let mut read = 0;
    loop {
        while line.get(read).copied().is_some_and(is_space) {
            read += 1;
        }
        if read == line.len() {
            return Ok(());
        }
        let start = read;
        let (next, end) = unescape(line, start)?;
        word(start, end - start);
        read = next;
    }
}

/// Rewrites the word that starts at `start`. Returns where to go on reading, and where the rewritten word ends.
fn unescape(line: &mut [u8], start: usize) -> Result<(usize, usize), UnbalancedQuotes> {
    let (mut read, mut write) = (start, start);
    while let Some(&byte) = line.get(read) {
        read += 1;
        let plain = match byte {
            b' ' | b'\n' | b'\r' | b'\t' => break,
            b'"' | b'\'' => {
                (read, write) = unquote(line, byte, read, write)?;
                break;
            }
            plain => plain,
        };
        line[write] = plain;
        write += 1;
    }
    Ok((read, write))
}

/// Rewrites what is between quotes, to `write`. `read` is behind the opening quote.
fn unquote(
    line: &mut [u8],
    quote: u8,
    mut read: usize,
    mut write: usize,
) -> Result<(usize, usize), UnbalancedQuotes> {
    while let Some(&byte) = line.get(read) {
        read += 1;
        let plain = match (byte, line.get(read).copied()) {
            (end, next) if end == quote => {
                return if next.is_none_or(is_space) {
                    Ok((read, write))
                } else {
                    Err(UnbalancedQuotes)
                };
            }
            (b'\\', Some(next)) if quote == b'"' => {
                let (plain, len) = escape(next, &line[read + 1..]);
                read += len;
                plain
            }
            (b'\\', Some(b'\'')) => {
                read += 1;
                b'\''
            }
            (plain, _) => plain,
        };
        line[write] = plain;
        write += 1;
    }
    Err(UnbalancedQuotes)
}

/// What a backslash, `first` and `rest` stand for, and how many bytes that is without the backslash.
fn escape(first: u8, rest: &[u8]) -> (u8, usize) {
    match (first, rest) {
        (b'x', [high, low, ..]) if let (Some(high), Some(low)) = (hex(*high), hex(*low)) => {
            (high << 4 | low, 3)
        }
        (b'n', _) => (b'\n', 1),
        (b'r', _) => (b'\r', 1),
        (b't', _) => (b'\t', 1),
        (b'b', _) => (8, 1),
        (b'a', _) => (7, 1),
        (other, _) => (other, 1),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// White space as C's `isspace` has it: the vertical tab too.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 11 | 12 | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, UnbalancedQuotes> {
        let mut line = line.as_bytes().to_vec();
        let mut spans = Vec::new();
        split(&mut line, |start, len| spans.push((start, len)))?;
        Ok(spans
            .iter()
            .map(|&(start, len)| line[start..start + len].escape_ascii().to_string())
            .collect())
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("").unwrap(), Vec::<String>::new());
        assert_eq!(words(" \t ").unwrap(), Vec::<String>::new());
        assert_eq!(words("  set  key value ").unwrap(), ["set", "key", "value"]);
        assert_eq!(
            words(r#"set k "a b\n\x41\xg\"""#).unwrap(),
            ["set", "k", r#"a b\nAxg\""#]
        );
        assert_eq!(words(r"set k 'a\'b\n'").unwrap(), ["set", "k", r"a\'b\\n"]);
        assert_eq!(words(r#"a"b c" d"#).unwrap(), ["ab c", "d"]);
        assert_eq!(words(r#""" ''"#).unwrap(), ["", ""]);
        assert_eq!(words(r#""\t\b\a\r\\""#).unwrap(), [r"\t\x08\x07\r\\"]);
    }

    #[test]
    fn unbalanced() {
        for line in [
            r#""a"#, "'a", r#""a"b"#, "'a'b", r#"""a"#, r#"k "a\"#, r#"""""#,
        ] {
            assert_eq!(words(line), Err(UnbalancedQuotes), "{line}");
        }
    }
}
