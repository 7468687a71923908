//! Every parameter, declared once, in sections by topic.
//!
//! A section is a table of the TOML file, a chapter of the documents and a heading of `--help`. A new parameter is one
//! line in its section, and one line in [`super::settings`] if the server reads it.

use super::parameter::Parameter;

mod cluster;
mod encoding;
mod keyspace;
mod log;
mod network;
mod normal;
mod persistence;
mod replication;
mod security;
mod system;
mod tls;

pub(super) use normal::{BUFFER_CLASSES, buffer_limits};

/// Parameters of one topic.
pub struct Section {
    /// The name of the table in TOML.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The parameters, those of most interest first.
    pub parameters: &'static [Parameter],
}

/// All sections, in the order of the documents.
pub const SECTIONS: &[Section] = &[
    network::SECTION,
    security::SECTION,
    tls::SECTION,
    keyspace::SECTION,
    encoding::SECTION,
    log::SECTION,
    system::SECTION,
    persistence::SECTION,
    replication::SECTION,
    cluster::SECTION,
];

/// How many parameters there are.
pub const COUNT: usize = {
    let (mut section, mut count) = (0, 0);
    while section < SECTIONS.len() {
        count += SECTIONS[section].parameters.len();
        section += 1;
    }
    count
};

/// All parameters in one row. The store and everything else name a parameter by its position here.
pub static TABLE: [&Parameter; COUNT] = ROW;

const ROW: [&Parameter; COUNT] = {
    let mut row = [&network::SECTION.parameters[0]; COUNT];
    let (mut section, mut next) = (0, 0);
    while section < SECTIONS.len() {
        let mut at = 0;
        while at < SECTIONS[section].parameters.len() {
            row[next] = &SECTIONS[section].parameters[at];
            next += 1;
            at += 1;
        }
        section += 1;
    }
    row
};

/// The position of the parameter of exactly this name; for constants, where a wrong name does not compile.
pub const fn position(name: &str) -> usize {
    let mut at = 0;
    while at < COUNT {
        if same(ROW[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no parameter has this name")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The position of the parameter that is called `name`, by its name or an alias, in any case.
pub fn find(name: &str) -> Option<usize> {
    TABLE.iter().position(|parameter| parameter.is_called(name))
}

/// Whether the parameter of this name, if there is one, holds a secret.
pub fn is_sensitive(name: &[u8]) -> bool {
    let name = std::str::from_utf8(name).ok();
    name.and_then(find)
        .is_some_and(|position| TABLE[position].sensitive)
}

/// The section that holds the parameter at this position.
pub fn section_of(position: usize) -> &'static Section {
    let mut end = 0;
    SECTIONS
        .iter()
        .find(|section| {
            end += section.parameters.len();
            position < end
        })
        .expect("every position of the table lies in a section")
}

/// Directives that a configuration file of old may hold and that have no meaning any more: read and ignored.
pub const OBSOLETE: &[&str] = &[
    "io-threads-do-reads",
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
];

/// Directives that are no parameters and that Larder refuses, with the reason.
pub const REFUSED: &[(&str, &str)] = &[
    ("loadmodule", "modules are not supported"),
    ("rename-command", "commands cannot be renamed"),
    ("sentinel", "Larder is not a Sentinel"),
];

/// The directive that defines a user: its words are a name and rules. It is no parameter, and may come several times.
pub const USER: &str = "user";

/// The name nearest to a misspelt one, if one is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let all = TABLE
        .iter()
        .flat_map(|parameter| std::iter::once(&parameter.name).chain(parameter.aliases));
    all.map(|known| (distance(&name, known), *known))
        .min()
        .filter(|(edits, known)| *edits <= 1 + known.len() / 4)
        .map(|(_, known)| known)
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::Restriction;

    #[test]
    fn every_default_is_a_value_that_is_shown_as_it_is_read() {
        for parameter in TABLE {
            let value = parameter.default_value();
            let shown = parameter.kind.format(&value);
            let words: Vec<&str> = if parameter.takes_words() {
                shown.split(' ').collect()
            } else {
                vec![&shown]
            };
            assert_eq!(
                parameter.kind.parse(&words, "").as_ref(),
                Ok(&value),
                "{}",
                parameter.name
            );
            match parameter.restriction {
                Restriction::Only { value, .. } | Restriction::Warn { value, .. } => {
                    assert_eq!(
                        shown, value,
                        "{} must start with the value that needs no word",
                        parameter.name
                    );
                }
                Restriction::None => {}
            }
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        for (position, parameter) in TABLE.iter().enumerate() {
            assert!(!parameter.about.is_empty(), "{}", parameter.name);
            assert!(parameter.about.ends_with('.'), "{}", parameter.name);
            for name in parameter.names() {
                assert_eq!(find(name), Some(position), "{name}");
                assert_eq!(name, name.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        assert_eq!(nearest("maxmemry"), Some("maxmemory"));
        assert_eq!(nearest("Prot"), Some("port"));
        assert_eq!(nearest("completely-different"), None);
    }

    #[test]
    fn a_position_knows_its_section() {
        assert_eq!(section_of(position("port")).name, "network");
        assert_eq!(
            section_of(COUNT - 1).name,
            SECTIONS[SECTIONS.len() - 1].name
        );
    }
}
