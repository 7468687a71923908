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
use toml::de::{DeTable, DeValue};

use super::directive::{Directive, LoadError, Origin};
use super::table::{REFUSED, SECTIONS, find, nearest, section_of};

/// A key of the file, and where its value stands.
pub(super) struct Entry {
    pub(super) directive: Directive,
    /// The bytes of the value in the text.
    pub(super) value: Range<usize>,
}

/// Reads the entries of a text in the order of the file. `file` is its name in errors.
///
/// # Errors
/// What is no TOML, or no setting.
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
        let origin = at(name.span().start);
        let DeValue::Table(table) = value.get_ref() else {
            return Err(LoadError::new(&origin, outside(name.get_ref())));
        };
        if !SECTIONS
            .iter()
            .any(|section| section.name == &**name.get_ref())
        {
            let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
            let message = format!(
                "there is no section [{}]; the sections are {}",
                name.get_ref(),
                names.join(", ")
            );
            return Err(LoadError::new(&origin, message));
        }
        for (key, value) in table {
            let origin = at(key.span().start);
            check_key(key.get_ref(), name.get_ref())
                .map_err(|message| LoadError::new(&origin, message))?;
            let words = words(value).map_err(|message| {
                LoadError::new(&origin, format!("{}: {message}", key.get_ref()))
            })?;
            let directive = Directive {
                name: key.get_ref().to_string(),
                words,
                origin,
            };
            entries.push(Entry {
                directive,
                value: value.span(),
            });
        }
    }
    entries.sort_by_key(|entry| entry.value.start);
    Ok(entries)
}

fn outside(key: &str) -> String {
    match find(key) {
        Some(position) => format!(
            "'{key}' belongs into the section [{}]",
            section_of(position).name
        ),
        None => unknown(key),
    }
}

fn check_key(key: &str, section: &str) -> Result<(), String> {
    match find(key) {
        Some(position) if section_of(position).name == section => Ok(()),
        Some(_) => Err(outside(key)),
        None => Err(unknown(key)),
    }
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

    fn error(text: &str) -> String {
        parse(text, "l.toml").err().expect("an error").to_string()
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
        assert!(error("[security]\nuser = 'x'\n").contains("requirepass"));
    }
}
