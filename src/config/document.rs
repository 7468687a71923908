//! The documents that the table of parameters writes: `config/larder.toml` and `docs/configuration.md`.
//!
//! A test compares the files of the source tree with what is generated here; run with `LARDER_WRITE_DOCUMENTS=1`, it
//! writes them instead.

use std::fmt::Write as _;

use super::flags::value_name;
use super::parameter::{Mutability, Parameter, Restriction, Status};
use super::rewrite::toml_value;
use super::table::{REFUSED, SECTIONS, Section};

const TOML_HEAD: &str = "\
# Every setting of Larder, with its default. Take the # away from a line to change it.
#
# Memory may be written with a unit: kb, mb and gb are powers of 1024, k, m and g powers of 1000.
# Every setting is a flag too (--port 6380), and most can be changed while the server runs (CONFIG SET).
# `larder --check-config FILE` says what becomes of each line; docs/configuration.md tells the rest.
";

const KEPT_HEAD: &str =
    "# Accepted so that other servers' settings need no change; without an effect here:";

/// The text of `config/larder.toml`.
pub fn larder_toml() -> String {
    let mut out = String::from(TOML_HEAD);
    for section in SECTIONS {
        let _ = write!(out, "\n# {}\n[{}]\n", section.title, section.name);
        for parameter in with_status(section, Status::Honoured) {
            let _ = write!(out, "\n# {}\n#{}\n", parameter.about, assignment(parameter));
        }
        if with_status(section, Status::Kept).next().is_some() {
            let _ = write!(out, "\n{KEPT_HEAD}\n");
        }
        for parameter in with_status(section, Status::Kept) {
            let _ = writeln!(out, "#{}  # {}", assignment(parameter), parameter.about);
        }
    }
    out
}

fn with_status(
    section: &'static Section,
    status: Status,
) -> impl Iterator<Item = &'static Parameter> {
    section
        .parameters
        .iter()
        .filter(move |parameter| parameter.status == status)
}

fn assignment(parameter: &Parameter) -> String {
    format!(
        "{} = {}",
        parameter.name,
        toml_value(&parameter.kind, &parameter.default_value())
    )
}

const GUIDE_HEAD: &str = "\
# Configuration

This page is generated from the table of parameters in `src/config/table/`.

Settings come from these places; a later one wins:

1. the defaults;
2. the variable `LARDER_OPTIONS`, which holds flags: the place for an image's or a package's own defaults;
3. a configuration file: `larder larder.toml`, or `larder redis.conf` for a file in redis.conf's syntax (`larder -` reads
   that syntax from standard input);
4. the variable `LARDER_LOG`, which sets the log level;
5. flags: every setting is one, as in `larder --port 6380 --save \"\" --bind 127.0.0.1 ::1`.

`larder --check-config FILE` says of each line whether it is honoured, kept without an effect, or refused. A mistake stops
the start with one line that names the file and line, or the flag.

In TOML a setting stands in its section, `yes` and `no` are `true` and `false`, and several words are one text or an array:

```toml
[network]
port = 6380
bind = [\"127.0.0.1\", \"-::1\"]

[keyspace]
maxmemory = \"2gb\"
```

`config/larder.toml` holds every setting with its default, commented out.

While the server runs, `CONFIG GET` shows settings, `CONFIG SET` changes those marked *any time* below (several at once, all
or none), and `CONFIG REWRITE` writes the changes back into the file, keeping its comments and order. Those marked
*protected* need `enable-protected-configs`.

Memory is a number of bytes, or has a unit: `kb`, `mb`, `gb` are powers of 1024, `k`, `m`, `g` powers of 1000.
";

/// The text of `docs/configuration.md`.
pub fn guide() -> String {
    let mut out = String::from(GUIDE_HEAD);
    out.push_str("\n# Settings that Larder honours\n");
    for section in SECTIONS {
        let mut rows = with_status(section, Status::Honoured).peekable();
        if rows.peek().is_some() {
            let _ = write!(
                out,
                "\n## {} `[{}]`\n\n| setting | value | default | changed | |\n|---|---|---|---|---|\n",
                section.title, section.name
            );
        }
        for parameter in rows {
            let changed = match parameter.mutability {
                Mutability::Any => "any time",
                Mutability::Protected => "protected",
                Mutability::AtStart => "at start",
            };
            let value = value_name(parameter).replace('|', "\\|");
            let about = parameter.about.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| `{}`{} | {value} | {} | {changed} | {about}{} |",
                parameter.name,
                aliases(parameter),
                default(parameter),
                limits(parameter)
            );
        }
    }
    out.push_str("\n# Settings that are kept without an effect\n\nFiles, flags and clients of other servers may set these; they are checked, kept and shown.\n");
    for section in SECTIONS {
        if with_status(section, Status::Kept).next().is_some() {
            let _ = write!(
                out,
                "\n## {} `[{}]`\n\n| setting | default | |\n|---|---|---|\n",
                section.title, section.name
            );
        }
        for parameter in with_status(section, Status::Kept) {
            let about = parameter.about.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| `{}`{} | {} | {about}{} |",
                parameter.name,
                aliases(parameter),
                default(parameter),
                limits(parameter)
            );
        }
    }
    out.push_str(
        "\n# Users\n\n`user NAME RULE...` defines a user by rules as of `ACL SETUSER`; it may stand several times, and may be given as the \
         flag `--user`. In TOML it is an array of such lines in the section [security]: `user = [\"alice on >password ~app:* +@all\"]`. \
         Either such lines or an `aclfile`, not both.\n",
    );
    out.push_str("\n# Directives that are refused\n\n");
    for (name, why) in REFUSED {
        let _ = writeln!(out, "- `{name}`: {why}.");
    }
    out
}

fn default(parameter: &Parameter) -> String {
    if parameter.default.is_empty() {
        String::new()
    } else {
        format!("`{}`", parameter.default)
    }
}

fn aliases(parameter: &Parameter) -> String {
    parameter
        .aliases
        .iter()
        .map(|alias| format!("<br>`{alias}`"))
        .collect()
}

fn limits(parameter: &Parameter) -> String {
    match parameter.restriction {
        Restriction::None => String::new(),
        Restriction::Only { why, .. } => format!(" Other values are refused: {why}."),
        Restriction::Warn { why, .. } => format!(" Other values get a warning: {why}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Sources, load};
    use crate::config::settings::Settings;

    fn is_current(path: &str, generated: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("LARDER_WRITE_DOCUMENTS").is_some() {
            std::fs::write(&path, generated).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == generated,
            "{} is not current: run the tests with LARDER_WRITE_DOCUMENTS=1",
            path.display()
        );
    }

    #[test]
    fn the_files_of_the_tree_are_current() {
        is_current("config/larder.toml", &larder_toml());
        is_current("docs/configuration.md", &guide());
    }

    #[test]
    fn the_sample_with_every_line_in_force_gives_the_defaults() {
        let uncommented: String = larder_toml()
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with(' '))
                    .unwrap_or(line)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let path = std::env::temp_dir().join(format!("larder-sample-{}.toml", std::process::id()));
        std::fs::write(&path, uncommented).unwrap();
        let loaded = load(&Sources {
            file: Some(path.clone()),
            ..Sources::default()
        });
        std::fs::remove_file(&path).unwrap();
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.settings.get(&[b"*"]), Settings::new().get(&[b"*"]));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }
}
