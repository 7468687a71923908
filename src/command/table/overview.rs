//! The README's list of commands, written from the table.
//!
//! It stands between two markers; a test compares it with the file of the source tree, and writes it there when run with
//! `LARDER_WRITE_DOCUMENTS=1`.

use std::fmt::Write;

use super::registry::commands;
use super::spec::{Command, Group};

/// What stands before the list in a document.
pub const BEGIN: &str = "<!-- commands:begin -->";
/// What stands after it.
pub const END: &str = "<!-- commands:end -->";

/// A table of commands for each group, then the commands that are known and refused.
pub fn markdown() -> String {
    let mut out = String::new();
    for group in Group::ALL {
        let listed = |command: &&&Command| command.group == group && !command.refused;
        let mut rows = commands().iter().filter(listed).peekable();
        if rows.peek().is_some() {
            write!(
                out,
                "**{}**\n\n| command | what it does |\n|---|---|\n",
                title(group)
            )
            .expect(WRITES);
        }
        let mut any = false;
        for command in rows {
            any = true;
            writeln!(out, "| {} | {} |", name(command), about(command)).expect(WRITES);
        }
        if any {
            out.push('\n');
        }
    }
    let refused: Vec<String> = commands()
        .iter()
        .filter(|command| command.refused)
        .map(|command| name(command))
        .collect();
    writeln!(
        out,
        "Known, and answered with an error that says why: {}.",
        refused.join(", ")
    )
    .expect(WRITES);
    out
}

/// `document` with the list between its markers made current; nothing if it has no markers.
pub fn brought_up_to_date(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", markdown()))
}

const WRITES: &str = "a string takes any text";

fn title(group: Group) -> &'static str {
    match group {
        Group::Generic => "Keys of any type",
        Group::String => "Strings",
        Group::Hash => "Hashes",
        Group::List => "Lists",
        Group::Set => "Sets",
        Group::SortedSet => "Sorted sets",
        Group::Stream => "Streams",
        Group::Bitmap => "Bitmaps",
        Group::Hyperloglog => "HyperLogLog",
        Group::Geo => "Geo",
        Group::PubSub => "Publish and subscribe",
        Group::Scripting => "Scripts and functions",
        Group::Transactions => "Transactions",
        Group::Connection => "Connection",
        Group::Server => "Server",
        Group::Cluster => "Cluster",
    }
}

fn name(command: &Command) -> String {
    format!("`{}`", command.name.to_ascii_uppercase())
}

fn about(command: &Command) -> String {
    if command.subcommands.is_empty() {
        return command.summary.to_owned();
    }
    let subcommands: Vec<String> = command
        .subcommands
        .iter()
        .filter(|sub| !sub.refused)
        .map(name)
        .collect();
    format!("{} {}", command.summary, subcommands.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_the_commands_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let current =
            brought_up_to_date(&readme).expect("README.md has the markers of the list of commands");
        if std::env::var_os("LARDER_WRITE_DOCUMENTS").is_some() {
            std::fs::write(path, &current).unwrap();
        } else {
            assert!(
                readme == current,
                "README.md is not current: run the tests with LARDER_WRITE_DOCUMENTS=1"
            );
        }
    }

    #[test]
    fn every_command_is_listed_once() {
        let list = markdown();
        for command in commands() {
            let row = format!("| {} |", name(command));
            assert_eq!(
                list.matches(&row).count(),
                usize::from(!command.refused),
                "{}",
                command.name
            );
        }
        assert!(list.contains("| `GET` | Returns the string in a key. |"));
    }

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let document = format!("# A\n{BEGIN}\nold\n{END}\nB\n");
        let current = brought_up_to_date(&document).unwrap();
        assert!(
            current.starts_with(&format!("# A\n{BEGIN}\n"))
                && current.ends_with(&format!("{END}\nB\n"))
        );
        assert!(!current.contains("old"));
        assert_eq!(brought_up_to_date(&current).as_ref(), Some(&current));
        assert_eq!(brought_up_to_date("no markers"), None);
    }
}
