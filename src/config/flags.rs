//! The flags as clap knows them, and how redis-server's ways of writing them are brought into clap's.
//!
//! clap's command is built from the table of parameters. Before clap sees the arguments, the words behind a flag that
//! takes several (`--save 60 1 --bind 127.0.0.1 -::1`) become one value, and so does a flag and its value in one string
//! (`"--port 6380"`); every value is attached by `=`, so that it may begin with a dash. What Larder only keeps is left out
//! of `--help`.

use clap::{Arg, ArgAction, Command};

use super::parameter::{Kind, Parameter, Status, Unit};
use super::redis_conf::quote;
use super::table::{OBSOLETE, REFUSED, SECTIONS, TABLE, USER, find};

/// True for a flag that takes the words up to the next flag.
pub(super) fn takes_words(name: &str) -> bool {
    match find(name) {
        Some(position) => TABLE[position].takes_words(),
        None => name == USER || REFUSED.iter().any(|(refused, _)| *refused == name),
    }
}

/// Brings redis-server's ways of writing flags into clap's.
pub(super) fn normalise(arguments: Vec<String>) -> Vec<String> {
    let mut out = Vec::with_capacity(arguments.len());
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        let Some(flag) = argument.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
            out.push(argument);
            continue;
        };
        // `--name=value` and `"--name value"` bring their value along; a name is folded to lower case.
        let (name, value) = match flag.split_once('=').or_else(|| flag.split_once(' ')) {
            Some((name, value)) => (name.to_ascii_lowercase(), Some(value)),
            None => (flag.to_ascii_lowercase(), None),
        };
        match value {
            Some(value) => out.push(format!("--{name}={value}")),
            None if takes_words(&name) => {
                let mut words = Vec::new();
                while let Some(word) = rest.next_if(|next| !next.starts_with("--")) {
                    words.push(quote(&word));
                }
                let may_be_empty = name == "save" || find(&name).is_none();
                match words.is_empty() && !may_be_empty {
                    true => out.push(format!("--{name}")),
                    false if words.is_empty() => out.push(format!("--{name}=\"\"")),
                    false => out.push(format!("--{name}={}", words.join(" "))),
                }
            }
            // What follows is the value, whatever it begins with, unless it is a flag itself.
            None if find(&name).is_some() => match rest.next_if(|next| !is_flag(next)) {
                Some(value) => out.push(format!("--{name}={value}")),
                None => out.push(format!("--{name}")),
            },
            None => out.push(format!("--{name}")),
        }
    }
    out
}

fn is_flag(argument: &str) -> bool {
    argument
        .strip_prefix("--")
        .is_some_and(|name| find(name).is_some())
}

/// The command line as clap knows it.
pub(super) fn command() -> Command {
    let mut command = Command::new("larder")
        .about("A Redis-protocol-compatible in-memory cache server")
        .override_usage("larder [FILE|-] [--SETTING VALUE]...\n       larder ping [-h HOST] [-p PORT] [-a PASSWORD]\n       larder import redis://HOST:PORT [--to redis://HOST:PORT]")
        .after_help(AFTER_HELP)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .arg(Arg::new("FILE").num_args(0..).help("Configuration file (TOML if its name ends in .toml, else in redis.conf's syntax); - reads standard input"))
        .arg(Arg::new("include").long("include").value_name("FILE").action(ArgAction::Append).help("Read settings from a further file in redis.conf's syntax"))
        .arg(Arg::new("check-config").long("check-config").value_name("FILE").help("Say of each line of a file whether it is honoured, kept or refused"))
        .arg(Arg::new("version").long("version").short('v').visible_short_alias('V').action(ArgAction::SetTrue).help("Print the version"))
        .arg(Arg::new("check-system").long("check-system").action(ArgAction::SetTrue).hide(true))
        .arg(Arg::new("test-memory").long("test-memory").num_args(0..=1).hide(true))
        .disable_version_flag(true)
        .subcommand(ping_command())
        .subcommand(import_command());
    for section in SECTIONS {
        for parameter in section.parameters {
            command = command.arg(flag(parameter).help_heading(section.title));
        }
    }
    command = command.arg(
        Arg::new(USER)
            .long(USER)
            .value_name("NAME RULES")
            .action(ArgAction::Append)
            .help("Define a user, by rules as of ACL SETUSER; may be given several times")
            .help_heading("Security"),
    );
    for name in REFUSED.iter().map(|(name, _)| name).chain(OBSOLETE) {
        command = command.arg(
            Arg::new(*name)
                .long(*name)
                .action(ArgAction::Append)
                .hide(true),
        );
    }
    command
}

const AFTER_HELP: &str = "\
Every setting of config/larder.toml is a flag; those that Larder accepts without an effect are not shown here.
Priority: defaults, LARDER_OPTIONS (flags), the file, LARDER_LOG (the log level), flags.";

fn flag(parameter: &'static Parameter) -> Arg {
    let mut help = parameter.about.trim_end_matches('.').to_owned();
    if !parameter.default.is_empty() {
        help.push_str(&format!(" [default: {}]", parameter.default));
    }
    Arg::new(parameter.name)
        .long(parameter.name)
        .aliases(parameter.aliases)
        .value_name(value_name(parameter))
        .action(ArgAction::Append)
        .hide(parameter.status == Status::Kept)
        .help(help)
}

/// How a value is called in `--help` and in the documents.
pub(super) fn value_name(parameter: &Parameter) -> String {
    match parameter.kind {
        Kind::YesNo => "yes|no".into(),
        Kind::Number {
            unit: Unit::Plain, ..
        } => "NUMBER".into(),
        Kind::Number {
            unit: Unit::Memory, ..
        } => "BYTES".into(),
        Kind::Number {
            unit: Unit::MemoryOrPercent | Unit::MemoryOrShare,
            ..
        } => "BYTES|PERCENT%".into(),
        Kind::Number {
            unit: Unit::Octal, ..
        } => "OCTAL".into(),
        Kind::Choice(words) if words.len() <= 3 => words.join("|"),
        Kind::Choice(_) => "WORD".into(),
        Kind::Flags(_) | Kind::Words(_) => "WORDS".into(),
        Kind::Events => "LETTERS".into(),
        Kind::Text(_) => "TEXT".into(),
    }
}

fn ping_command() -> Command {
    let text = |id: &'static str, short: char, value: &'static str, help: &'static str| {
        Arg::new(id)
            .long(id)
            .short(short)
            .value_name(value)
            .help(help)
    };
    let number = clap::value_parser!(u16);
    Command::new("ping")
        .about("Ask a running server whether it answers; exits with 0 if it does, else with 1")
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .long("help")
                .action(ArgAction::Help)
                .help("Print help"),
        )
        .arg(text("host", 'h', "HOST", "Host").default_value("127.0.0.1"))
        .arg(
            text("port", 'p', "PORT", "TCP port")
                .default_value("6379")
                .value_parser(number),
        )
        .arg(text(
            "socket",
            's',
            "PATH",
            "Unix socket, instead of host and port",
        ))
        .arg(
            text(
                "password",
                'a',
                "PASSWORD",
                "Password; REDISCLI_AUTH is used if it is not given",
            )
            .allow_hyphen_values(true),
        )
        .arg(
            Arg::new("user")
                .long("user")
                .value_name("USER")
                .help("User, if not the default one"),
        )
        .arg(
            text("timeout", 't', "SECONDS", "How long to wait")
                .default_value("3")
                .value_parser(clap::value_parser!(u64).range(1..=3600)),
        )
}

fn import_command() -> Command {
    Command::new("import")
        .about("Copy all keys of a running Redis, Valkey or Larder into a running Larder; exits with 1 if any key could not be copied")
        .arg(
            Arg::new("SOURCE")
                .help("The server to copy from: redis://[[user]:password@]host[:port][/db]; without a database, all of them"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("URL")
                .default_value("redis://127.0.0.1:6379")
                .help("The server to copy to"),
        )
        .arg(
            Arg::new("state")
                .long("state")
                .value_name("FILE")
                .help("Keep in this file how far the copy has come, and go on from what it says"),
        )
        .arg(
            Arg::new("batch")
                .long("batch")
                .value_name("KEYS")
                .default_value("128")
                .value_parser(clap::value_parser!(u64).range(1..=4096))
                .help("The most keys to ask for at once; large values make it fewer"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .default_value("30")
                .value_parser(clap::value_parser!(u64).range(1..=3600))
                .help("How long to wait for an answer"),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(line: &[&str]) -> Vec<String> {
        normalise(line.iter().map(|argument| (*argument).to_owned()).collect())
    }

    #[test]
    fn clap_accepts_the_command() {
        command().debug_assert();
    }

    #[test]
    fn every_value_is_attached() {
        assert_eq!(
            normal(&["x.conf", "--PORT", "7", "-"]),
            ["x.conf", "--port=7", "-"]
        );
        assert_eq!(
            normal(&["--bind", "a", "-b", "--save", "", "--port"]),
            ["--bind=a -b", "--save=\"\"", "--port"]
        );
        assert_eq!(normal(&["--save", "--bind"]), ["--save=\"\"", "--bind"]);
        assert_eq!(
            normal(&["--requirepass", "--x", "--port", "--timeout", "1"]),
            ["--requirepass=--x", "--port", "--timeout=1"]
        );
        assert_eq!(
            normal(&["ping", "--host", "x", "--"]),
            ["ping", "--host", "x", "--"]
        );
    }
}
