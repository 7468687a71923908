//! The command line: what it asks for, and the settings that its flags give.
//!
//! Every setting is a flag, and redis-server's ways of writing them work too; [`super::flags`] knows them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::directive::{Directive, Origin};
use super::flags::{command, normalise, takes_words};
use super::load::{LOG_VARIABLE, OPTIONS_VARIABLE, Sources};
use super::redis_conf;
use super::table::{OBSOLETE, REFUSED, TABLE, USER};
use super::toml_file::unknown;
use super::{LARDER_VERSION, REDIS_VERSION};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Action {
    /// Start the server.
    Serve(Sources),
    /// Ask a running server whether it answers.
    Ping(Ping),
    /// Copy the keys of a running server into another.
    Import(Import),
    /// Say what becomes of each line of a configuration file.
    CheckConfig(PathBuf),
    /// Print this and exit with success.
    Print(String),
}

/// Whom `larder ping` asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path of a Unix socket, used instead of host and port.
    pub socket: Option<PathBuf>,
    /// User to authenticate as; the default one if absent.
    pub user: Option<String>,
    /// Password; none is sent if absent.
    pub password: Option<String>,
    /// Seconds to wait for an answer.
    pub timeout: u64,
}

/// What `larder import` copies from where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The source: `redis://[[user]:password@]host[:port][/db]`.
    pub from: String,
    /// The target, in the same form; without a database the numbers stay.
    pub to: String,
    /// The file that keeps how far the import has come.
    pub state: Option<PathBuf>,
    /// The most keys that are asked for at once.
    pub batch: usize,
    /// Seconds to wait for an answer.
    pub timeout: u64,
}

/// Reads the command line, whose first argument is the name that the program was called by, and the variables of the
/// environment that `variable` gives.
///
/// # Errors
/// One line that names the flag that is wrong.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Action, String> {
    let text = |argument: OsString| {
        argument
            .into_string()
            .map_err(|bad| format!("{}: not UTF-8 text", bad.display()))
    };
    let mut arguments = arguments.into_iter().map(text);
    let program = arguments.next().transpose()?.unwrap_or_default();
    let matches = match matches(arguments.collect::<Result<_, _>>()?) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Action::Print(error.to_string()));
        }
        Err(error) => return Err(one_line(&error)),
    };
    if let Some(("ping", ping)) = matches.subcommand() {
        return Ok(Action::Ping(ping_of(ping, variable("REDISCLI_AUTH"))));
    }
    if let Some(("import", import)) = matches.subcommand() {
        return import_of(import).map(Action::Import);
    }
    if matches.get_flag("version") {
        return Ok(Action::Print(version(&program)));
    }
    if let Some(file) = matches.get_one::<String>("check-config") {
        return Ok(Action::CheckConfig(file.into()));
    }
    if matches.get_flag("check-system") {
        return Ok(Action::Print(
            "Nothing to check: Larder needs no setting of the host.\n".into(),
        ));
    }
    if matches.contains_id("test-memory") {
        return Ok(Action::Print(
            "Larder does not test memory; memtest86+ does.\n".into(),
        ));
    }
    let mut sources = files_of(&matches)?;
    sources.log_variable = variable(LOG_VARIABLE);
    sources.flags = flags_of(&matches)?;
    if let Some(options) = variable(OPTIONS_VARIABLE) {
        sources.options =
            options_of(&options).map_err(|why| format!("{OPTIONS_VARIABLE}: {why}"))?;
    }
    Ok(Action::Serve(sources))
}

fn matches(arguments: Vec<String>) -> Result<ArgMatches, clap::Error> {
    // The flags of subcommands are their own, not settings.
    let subcommand = arguments
        .first()
        .is_some_and(|first| first == "ping" || first == "import");
    let arguments = if subcommand {
        arguments
    } else {
        normalise(arguments)
    };
    command()
        .no_binary_name(true)
        .try_get_matches_from(arguments)
}

/// The flags in a variable of the environment.
fn options_of(text: &str) -> Result<Vec<Directive>, String> {
    let matches = matches(redis_conf::split_words(text)?).map_err(|error| one_line(&error))?;
    if matches.subcommand().is_some() || matches.contains_id("FILE") {
        return Err("it holds flags only".into());
    }
    flags_of(&matches)
}

/// What `--version` prints. Called as redis-server, the program answers in that server's form, which scripts parse.
fn version(program: &str) -> String {
    match Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
    {
        Some("redis-server" | "valkey-server") => format!(
            "Redis server v={REDIS_VERSION} sha=00000000:0 malloc=mimalloc bits={} build=0000000000000000\n",
            usize::BITS
        ),
        _ => format!("larder {LARDER_VERSION} (speaks the protocol of Redis {REDIS_VERSION})\n"),
    }
}

fn files_of(matches: &ArgMatches) -> Result<Sources, String> {
    let mut sources = Sources::default();
    for file in matches.get_many::<String>("FILE").into_iter().flatten() {
        match file.as_str() {
            "-" if sources.input.is_none() => {
                let input = std::io::read_to_string(std::io::stdin());
                sources.input =
                    Some(input.map_err(|why| format!("standard input: cannot read it: {why}"))?);
            }
            file if sources.file.is_none() => sources.file = Some(file.into()),
            file => {
                return Err(format!(
                    "{file}: one configuration file is enough; it may include others"
                ));
            }
        }
    }
    Ok(sources)
}

/// The settings that flags give. What `--include` brings comes before all others.
fn flags_of(matches: &ArgMatches) -> Result<Vec<Directive>, String> {
    let mut flags = Vec::new();
    for name in matches.get_many::<String>("include").into_iter().flatten() {
        let origin = Origin::Flag("--include".into());
        redis_conf::include(std::slice::from_ref(name), &origin, 0, &mut flags)
            .map_err(|error| error.to_string())?;
    }
    let others = REFUSED
        .iter()
        .map(|(name, _)| name)
        .chain(OBSOLETE)
        .chain(std::iter::once(&USER))
        .copied();
    for name in TABLE.iter().map(|parameter| parameter.name).chain(others) {
        for value in matches.get_many::<String>(name).into_iter().flatten() {
            let origin = Origin::Flag(format!("--{name}"));
            let words = if takes_words(name) {
                redis_conf::split_words(value).map_err(|why| format!("{origin}: {why}"))?
            } else {
                vec![value.clone()]
            };
            flags.push(Directive::new(name, words, origin));
        }
    }
    Ok(flags)
}

fn ping_of(matches: &ArgMatches, password: Option<String>) -> Ping {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    Ping {
        host: text("host").unwrap_or_default(),
        port: matches.get_one("port").copied().unwrap_or(6379),
        socket: text("socket").map(PathBuf::from),
        user: text("user"),
        password: text("password")
            .or(password)
            .filter(|password| !password.is_empty()),
        timeout: matches.get_one("timeout").copied().unwrap_or(3),
    }
}

fn import_of(matches: &ArgMatches) -> Result<Import, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    Ok(Import {
        from: text("SOURCE").ok_or("import: it is not said from where: redis://HOST:PORT")?,
        to: text("to").unwrap_or_default(),
        state: text("state").map(PathBuf::from),
        batch: matches
            .get_one::<u64>("batch")
            .map_or(128, |keys| *keys as usize),
        timeout: matches.get_one("timeout").copied().unwrap_or(30),
    })
}

/// clap's error in one line that names the flag.
fn one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && let Some(name) = flag.strip_prefix("--")
    {
        return format!("{flag}: {}", unknown(name));
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load;
    use crate::config::settings::Settings;

    fn action(line: &[&str]) -> Result<Action, String> {
        with_variables(line, &[])
    }

    fn with_variables(line: &[&str], variables: &[(&str, &str)]) -> Result<Action, String> {
        let variable = |name: &str| {
            Some(
                variables
                    .iter()
                    .find(|(known, _)| *known == name)?
                    .1
                    .to_owned(),
            )
        };
        parse(
            std::iter::once("larder")
                .chain(line.iter().copied())
                .map(OsString::from),
            variable,
        )
    }

    fn loaded(action: Action) -> Result<Settings, String> {
        let Action::Serve(sources) = action else {
            panic!("{action:?}")
        };
        load(&sources)
            .map(|loaded| loaded.settings)
            .map_err(|error| error.to_string())
    }

    fn settings(line: &[&str]) -> Result<Settings, String> {
        loaded(action(line)?)
    }

    fn show(line: &[&str], name: &str) -> String {
        settings(line).unwrap().get(&[name.as_bytes()])[0].1.clone()
    }

    #[test]
    fn flags_as_redis_server_takes_them() {
        let line = [
            "--port",
            "6380",
            "--requirepass",
            "-x",
            "--save",
            "60",
            "1",
            "--bind",
            "127.0.0.1",
            "-::1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--list-max-ziplist-size",
            "-3",
        ];
        for (name, value) in [
            ("port", "6380"),
            ("requirepass", "-x"),
            ("bind", "127.0.0.1 -::1"),
            ("save", ""),
            ("list-max-listpack-size", "-3"),
        ] {
            assert_eq!(show(&line, name), value);
        }
        assert_eq!(
            show(&["--save", "60", "1", "--save", "300", "10"], "save"),
            "60 1 300 10"
        );
        assert_eq!(show(&["--save", "--port", "1"], "save"), "");
        assert_eq!(show(&["--save"], "save"), "");
        assert_eq!(show(&["--save", "60 1"], "save"), "60 1");
        assert_eq!(show(&["--PORT", "7"], "port"), "7");
        assert_eq!(show(&["--port 7"], "port"), "7");
        assert_eq!(show(&["--port=7"], "port"), "7");
        assert_eq!(
            show(&["--requirepass", "--Secret=1 2"], "requirepass"),
            "--Secret=1 2"
        );
        assert_eq!(show(&["--requirepass= x"], "requirepass"), " x");
        assert_eq!(show(&["--port", "7", "--port", "8"], "port"), "8");
        assert_eq!(show(&["--requirepass", "a b\"c"], "requirepass"), "a b\"c");
        assert_eq!(
            show(
                &[
                    "--client-output-buffer-limit",
                    "normal",
                    "1mb",
                    "0",
                    "0",
                    "--client-output-buffer-limit",
                    "pubsub 1 2 3"
                ],
                "client-output-buffer-limit"
            ),
            "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 1 2 3"
        );
    }

    #[test]
    fn every_parameter_is_a_flag() {
        for parameter in TABLE {
            for name in parameter.names() {
                let flag = format!("--{name}");
                let shown = parameter.kind.format(&parameter.default_value());
                assert!(
                    settings(&[&flag, &shown]).is_ok(),
                    "{flag} {shown}: {:?}",
                    settings(&[&flag, &shown]).err()
                );
            }
        }
    }

    #[test]
    fn mistakes_are_one_line_that_names_the_flag() {
        let error = |line: &[&str]| settings(line).err().expect("an error");
        assert_eq!(
            error(&["--prot", "1"]),
            "--prot: there is no setting 'prot'; did you mean 'port'?"
        );
        assert_eq!(
            error(&["--port", "x"]),
            "--port: argument couldn't be parsed into an integer"
        );
        assert_eq!(
            error(&["--replicaof", "db", "6379"]),
            "--replicaof: replication is not supported"
        );
        assert_eq!(
            error(&["--loadmodule", "x.so", "y"]),
            "--loadmodule: modules are not supported"
        );
        assert_eq!(
            error(&["--sentinel"]),
            "--sentinel: Larder is not a Sentinel"
        );
        assert!(
            error(&["--port"]).contains("'--port <NUMBER>'"),
            "{}",
            error(&["--port"])
        );
        assert!(error(&["--port", "--timeout", "1"]).contains("'--port <NUMBER>'"));
        assert!(error(&["--bind"]).contains("'--bind <WORDS>'"));
        assert!(error(&["a.conf", "b.conf"]).starts_with("b.conf: "));
        assert!(error(&["/no/such.conf"]).starts_with("/no/such.conf: cannot read it"));
        assert!(error(&["--include", "/no/such.conf"]).starts_with("--include: cannot read"));
        assert!(error(&["-x"]).contains("'-x'"));
    }

    #[test]
    fn questions_about_the_program() {
        let printed = |line: &[&str]| match action(line) {
            Ok(Action::Print(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(printed(&["--version"]).starts_with("larder "));
        assert!(printed(&["--check-system"]).ends_with('\n'));
        assert!(printed(&["--test-memory", "4"]).ends_with('\n'));
        let help = printed(&["--help"]);
        assert!(
            help.contains("--maxclients <NUMBER>") && help.contains("TLS:"),
            "{help}"
        );
        assert!(!help.contains("rdbcompression"));
        assert!(
            version("/usr/bin/redis-server")
                .starts_with("Redis server v=7.4.0 sha=00000000:0 malloc=")
        );
    }

    #[test]
    fn options_of_the_environment_are_overruled_by_everything() {
        let options = [(
            OPTIONS_VARIABLE,
            "--bind '*' -::* --protected-mode no --timeout 5",
        )];
        let settings = loaded(with_variables(&["--timeout", "6"], &options).unwrap()).unwrap();
        assert_eq!(
            (
                &*settings.bind(),
                settings.protected_mode(),
                settings.timeout()
            ),
            ("* -::*", false, 6)
        );
        for wrong in ["x.conf", "ping", "--prot 1", "'", "--help"] {
            let error = with_variables(&[], &[(OPTIONS_VARIABLE, wrong)]).unwrap_err();
            assert!(error.starts_with("LARDER_OPTIONS: "), "{error}");
        }
        let error = loaded(with_variables(&[], &[(OPTIONS_VARIABLE, "--port x")]).unwrap())
            .err()
            .unwrap();
        assert_eq!(error, "--port: argument couldn't be parsed into an integer");
    }

    #[test]
    fn ping_has_the_flags_of_redis_cli() {
        let Ok(Action::Ping(ping)) = action(&[
            "ping", "-h", "db", "-p", "7", "-a", "-x", "--user", "me", "-s", "/s",
        ]) else {
            panic!()
        };
        let socket = Some("/s".into());
        assert_eq!(
            ping,
            Ping {
                host: "db".into(),
                port: 7,
                socket,
                user: Some("me".into()),
                password: Some("-x".into()),
                timeout: 3
            }
        );
    }
}
