//! Files in TOML: a table per section, a key per parameter.
//!
//! ```toml
//! [network]
//! port = 6379
//! bind = ["127.0.0.1", "-::1"]
//! ```
//!
//! `yes` and `no` may be written as booleans, memory as a number or as text with a unit. A key that is unknown, or that
//! stands in another section than its own, is an error that names the line.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::directive::{Directive, LoadError, Origin};
use super::table::{REFUSED, SECTIONS, USER, find, nearest, section_of};

/// A key of the file, and where its value stands.
pub(super) struct Entry {
    pub(super) directive: Directive,
    /// The bytes of the value in the text.
    pub(super) value: Range<usize>,
}

/// Reads the entries of a text in the order of the file. `file` is its name in errors.
///
/// # Errors
/// What is no TOML. What is no setting is found when the entry is applied.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Entry>, LoadError> {
    let file: Arc<str> = Arc::from(file);
    let at = |offset: usize| Origin::Line {
        file: Arc::clone(&file),
        line: 1 + text.as_bytes()[..offset.min(text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count(),
    };
    let document = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        LoadError::new(&at(start), error.message())
    })?;
    let mut entries = Vec::new();
    for (name, value) in document.get_ref() {
        match value.get_ref() {
            DeValue::Table(table)
                if SECTIONS
                    .iter()
                    .any(|section| section.name == &**name.get_ref()) =>
            {
                for (key, value) in table {
                    match value.get_ref() {
                        // A line for each user.
                        DeValue::Array(lines) if is_user(key.get_ref(), name.get_ref()) => {
                            let lines = lines.iter();
                            entries.extend(lines.map(|line| entry(key, line, name.get_ref(), at)));
                        }
                        _ => entries.push(entry(key, value, name.get_ref(), at)),
                    }
                }
            }
            DeValue::Table(_) => {
                let mut entry = entry(name, value, name.get_ref(), at);
                entry.directive.mistake = Some(no_section(name.get_ref()));
                entries.push(entry);
            }
            _ => entries.push(entry(name, value, "", at)),
        }
    }
    entries.sort_by_key(|entry| entry.value.start);
    Ok(entries)
}

/// The entry of a key in a section. One that cannot be used is an entry too, with its mistake.
fn entry(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    section: &str,
    at: impl Fn(usize) -> Origin,
) -> Entry {
    let name = key.get_ref();
    let (words, wrong) = match words(value) {
        Ok(words) => (words, None),
        Err(why) => (Vec::new(), Some(format!("{name}: {why}"))),
    };
    let mut directive = Directive::new(name.to_string(), words, at(key.span().start));
    directive.mistake = misplaced(name, section).or(wrong);
    Entry {
        directive,
        value: value.span(),
    }
}

/// Where the value stands that defines users.
pub(super) fn users_value(text: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let DeValue::Table(section) = document.get_ref().get("security")?.get_ref() else {
        return None;
    };
    section.get(USER).map(Spanned::span)
}

/// Whether a key defines users.
fn is_user(key: &str, section: &str) -> bool {
    key == USER && section == "security"
}

/// What is wrong with a key in this section, if it does not belong there.
fn misplaced(key: &str, section: &str) -> Option<String> {
    if key == USER {
        let is_right = is_user(key, section);
        return (!is_right).then(|| format!("'{USER}' belongs into the section [security]"));
    }
    match find(key).map(section_of) {
        Some(own) if own.name == section => None,
        Some(own) => Some(format!("'{key}' belongs into the section [{}]", own.name)),
        None => Some(unknown(key)),
    }
}

fn no_section(name: &str) -> String {
    let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
    format!(
        "there is no section [{name}]; the sections are {}",
        names.join(", ")
    )
}

/// What to say about a name that is no parameter.
pub(super) fn unknown(name: &str) -> String {
    if let Some((_, why)) = REFUSED
        .iter()
        .find(|(refused, _)| refused.eq_ignore_ascii_case(name))
    {
        return format!("{name}: {why}");
    }
    match nearest(name) {
        Some(near) => format!("there is no setting '{name}'; did you mean '{near}'?"),
        None => format!("there is no setting '{name}'"),
    }
}

/// The words of a value. An array is the words of its elements, one after the other.
fn words(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, &'static str> {
    let word = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Integer(number) if number.radix() == 8 => {
            number.as_str().trim_start_matches("0o").to_owned()
        }
        DeValue::Integer(_) => return Err("numbers are written in decimal digits"),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(true) => "yes".to_owned(),
        DeValue::Boolean(false) => "no".to_owned(),
        DeValue::Array(elements) => {
            let each: Result<Vec<_>, _> = elements.iter().map(words).collect();
            let mut all = each?.concat();
            if all.is_empty() {
                all.push(String::new());
            }
            return Ok(all);
        }
        DeValue::Datetime(_) | DeValue::Table(_) => {
            return Err("a setting is a number, a text, true, false, or an array of them");
        }
    };
    Ok(vec![word])
}

/// Writes a text as a TOML value.
pub(super) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first mistake of a text.
    fn error(text: &str) -> String {
        let mistake = |entry: Entry| {
            Some(format!(
                "{}: {}",
                entry.directive.origin, entry.directive.mistake?
            ))
        };
        match parse(text, "l.toml") {
            Ok(entries) => entries.into_iter().find_map(mistake).expect("a mistake"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_of_every_type() {
        let text = "[network]\nport = 7_000\nunixsocketperm = 0o700\nbind = ['a', \"b\"]\n[persistence]\nsave = [[60, 1], ['300 10']]\nappendonly = false\n";
        let words: Vec<_> = parse(text, "l.toml")
            .unwrap()
            .into_iter()
            .map(|entry| entry.directive.words)
            .collect();
        assert_eq!(
            words,
            [
                vec!["7000"],
                vec!["700"],
                vec!["a", "b"],
                vec!["60", "1", "300 10"],
                vec!["no"]
            ]
        );
    }

    #[test]
    fn entries_come_in_the_order_of_the_file_with_lines() {
        let text = "[tls]\ntls-port = 1\n\n[network]\n# x\nport = 1\n";
        let entries = parse(text, "l.toml").unwrap();
        assert_eq!(entries[1].directive.origin.to_string(), "l.toml, line 6");
        assert_eq!(&text[entries[1].value.clone()], "1");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        assert_eq!(
            error("[network]\nprot = 1"),
            "l.toml, line 2: there is no setting 'prot'; did you mean 'port'?"
        );
        assert_eq!(
            error("[tls]\nport = 1"),
            "l.toml, line 2: 'port' belongs into the section [network]"
        );
        assert_eq!(
            error("port = 1"),
            "l.toml, line 1: 'port' belongs into the section [network]"
        );
        assert!(error("[netwrok]").starts_with("l.toml, line 1: there is no section [netwrok]"));
        assert!(error("\n\n[network\n").starts_with("l.toml, line 3: "));
        assert!(error("[network]\nport = 1\nport = 2\n").starts_with("l.toml, line 3: "));
        assert!(error("[network]\nport = 1979-05-27\n").contains("port: a setting is"));
        assert_eq!(
            error("[network]\nuser = 'x'\n"),
            "l.toml, line 2: 'user' belongs into the section [security]"
        );
    }
}
