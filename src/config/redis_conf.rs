//! The line syntax of redis.conf: a name and its words, `#` comments, quotes with escapes, `include`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directive::{Directive, LoadError, Origin};
use super::glob;

/// How deep files may include each other; more is taken for a circle.
const INCLUDE_DEPTH: usize = 16;

/// Reads the directives of a text and of the files that it includes, in order. `file` is its name in errors.
///
/// # Errors
/// Unbalanced quotes, or an included file that cannot be read.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Directive>, LoadError> {
    let mut directives = Vec::new();
    parse_into(text, &Arc::from(file), 0, &mut directives)?;
    Ok(directives)
}

fn parse_into(
    text: &str,
    file: &Arc<str>,
    depth: usize,
    out: &mut Vec<Directive>,
) -> Result<(), LoadError> {
    for (number, line) in text.lines().enumerate() {
        let origin = Origin::Line {
            file: Arc::clone(file),
            line: number + 1,
        };
        let words = line_words(line).map_err(|why| LoadError::new(&origin, why))?;
        let Some((name, words)) = words.split_first() else {
            continue;
        };
        if name.eq_ignore_ascii_case("include") {
            include(words, &origin, depth, out)?;
        } else {
            out.push(Directive::new(name, words.to_vec(), origin));
        }
    }
    Ok(())
}

/// Includes the file named, or all that match a pattern (none is fine then). Paths are relative to the working directory.
pub(super) fn include(
    words: &[String],
    origin: &Origin,
    depth: usize,
    out: &mut Vec<Directive>,
) -> Result<(), LoadError> {
    let [pattern] = words else {
        return Err(LoadError::new(origin, "include takes one file name"));
    };
    if depth == INCLUDE_DEPTH {
        return Err(LoadError::new(
            origin,
            format!("files include each other more than {INCLUDE_DEPTH} deep"),
        ));
    }
    let files = if pattern.contains(['*', '?', '[']) {
        expand(pattern)
    } else {
        vec![PathBuf::from(pattern)]
    };
    for path in files {
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|why| {
            LoadError::new(origin, format!("cannot read '{}': {why}", path.display()))
        })?;
        parse_into(&text, &Arc::from(path.to_string_lossy()), depth + 1, out)?;
    }
    Ok(())
}

/// The files that match a pattern, sorted. A hidden file is matched only by a pattern that begins with a dot.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let start = if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        PathBuf::new()
    };
    let mut found = vec![start];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found
            .iter()
            .flat_map(|directory| entries(directory, part))
            .collect();
    }
    found.retain(|path| path.is_file());
    found
}

fn entries(directory: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return vec![directory.join(part)];
    }
    let listed = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let names = std::fs::read_dir(listed)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let mut names: Vec<_> = names
        .filter(|name| {
            let name = name.as_encoded_bytes();
            (part.starts_with('.') || !name.starts_with(b"."))
                && glob::matches(part.as_bytes(), name)
        })
        .collect();
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

/// The words of a line; none for a blank line or a comment.
pub(super) fn line_words(line: &str) -> Result<Vec<String>, &'static str> {
    let line = line.trim_matches([' ', '\t', '\r', '\n']);
    if line.starts_with('#') {
        Ok(Vec::new())
    } else {
        split_words(line)
    }
}

/// Splits a line into words: bare ones, `"..."` with the escapes `\n \r \t \b \a \xHH`, and `'...'` where only `\'` is one.
pub(super) fn split_words(line: &str) -> Result<Vec<String>, &'static str> {
    const UNBALANCED: &str = "unbalanced quotes";
    let mut words = Vec::new();
    let mut rest = line.as_bytes();
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(words);
        }
        let mut word = Vec::new();
        let mut quote = None;
        loop {
            match (quote, rest) {
                (None, [] | [b' ' | b'\n' | b'\r' | b'\t' | 0, ..]) => break,
                (None, [open @ (b'"' | b'\''), tail @ ..]) => (quote, rest) = (Some(*open), tail),
                (Some(_), []) => return Err(UNBALANCED),
                (Some(close), [byte, tail @ ..]) if *byte == close => {
                    if !matches!(tail, [] | [b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c, ..]) {
                        return Err(UNBALANCED);
                    }
                    rest = tail;
                    break;
                }
                (Some(b'"'), [b'\\', b'x', high, low, tail @ ..])
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    word.push(hex(*high) << 4 | hex(*low));
                    rest = tail;
                }
                (Some(b'"'), [b'\\', escaped, tail @ ..]) => {
                    word.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'a' => 7,
                        other => *other,
                    });
                    rest = tail;
                }
                (Some(b'\''), [b'\\', b'\'', tail @ ..]) => {
                    word.push(b'\'');
                    rest = tail;
                }
                (_, [byte, tail @ ..]) => {
                    word.push(*byte);
                    rest = tail;
                }
            }
        }
        words.push(String::from_utf8(word).map_err(|_| "a word is not UTF-8 text")?);
        rest = rest.strip_prefix(b"\0").unwrap_or(rest);
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.to_ascii_uppercase() - b'A' + 10,
    }
}

/// Writes a word so that [`split_words`] reads it back: bare if it can be, else in double quotes.
pub(super) fn quote(word: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !word.is_empty() && !word.starts_with('#') && word.bytes().all(bare) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in word.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            character if character.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02x}", character as u32))
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_and_quotes() {
        let words = |line| split_words(line).map(|words| words.join("|"));
        assert_eq!(words("save 60  1"), Ok("save|60|1".into()));
        assert_eq!(
            words(r#"requirepass "a b\n\x41\"" 'it\'s \n' """#),
            Ok("requirepass|a b\nA\"|it's \\n|".into())
        );
        assert_eq!(words("a\"b c\""), Ok("ab c".into()));
        for line in ["\"open", "'open", "\"a\"b", "'a'b", r#""\"#] {
            assert_eq!(words(line), Err("unbalanced quotes"), "{line}");
        }
        assert_eq!(words(r#""\xff""#), Err("a word is not UTF-8 text"));
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        let directives = parse("# port 1\n\n  \t\r\nport 7 # not a comment\r\n", "x.conf").unwrap();
        assert_eq!(directives.len(), 1);
        assert_eq!(directives[0].words, ["7", "#", "not", "a", "comment"]);
        assert_eq!(directives[0].origin.to_string(), "x.conf, line 4");
    }

    #[test]
    fn files_are_included_by_name_and_by_pattern() {
        let directory = std::env::temp_dir().join(format!("larder-include-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name).display().to_string();
        for (name, text) in [
            ("a.conf", "timeout 1\n"),
            ("b.conf", "timeout 2\n"),
            (".hidden.conf", "timeout 3\n"),
        ] {
            std::fs::write(path(name), text).unwrap();
        }
        std::fs::write(path("circle"), format!("include {}\n", path("circle"))).unwrap();
        let read = |text: String| parse(&text, "x.conf");
        let found = read(format!("port 1\ninclude {}\nport 2\n", path("*.conf"))).unwrap();
        assert_eq!(
            found.iter().map(|d| &*d.words[0]).collect::<Vec<_>>(),
            ["1", "1", "2", "2"]
        );
        assert_eq!(
            found[1].origin,
            Origin::Line {
                file: path("a.conf").into(),
                line: 1
            }
        );
        assert!(
            read(format!("include {}", path("*.none")))
                .unwrap()
                .is_empty()
        );
        let missing = read(format!("\ninclude {}", path("none.conf")))
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("x.conf, line 2: cannot read"),
            "{missing}"
        );
        assert!(
            read(format!("include {}", path("circle")))
                .unwrap_err()
                .to_string()
                .contains("16 deep")
        );
        std::fs::remove_dir_all(&directory).unwrap();
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_read_back(words in proptest::collection::vec(any::<String>(), 1..4)) {
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(line_words(&line), Ok(words));
        }

        #[test]
        fn no_line_panics(line in any::<String>()) {
            let _ = split_words(&line);
        }
    }
}
