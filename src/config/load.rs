//! Building the settings of a start: the defaults, then the sources in the order of [`Sources`]; a later one wins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::change::warning;
use super::directive::{Directive, LoadError, Origin};
use super::parameter::{Kind, Restriction, Status};
use super::settings::Settings;
use super::table::{OBSOLETE, REFUSED, TABLE, USER, find, position};
use super::{redis_conf, toml_file};

/// The variable that sets the log level.
pub const LOG_VARIABLE: &str = "LARDER_LOG";

/// The variable that holds flags which everything else overrules: an image's own defaults.
pub const OPTIONS_VARIABLE: &str = "LARDER_OPTIONS";

/// What to build the settings from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The flags in [`OPTIONS_VARIABLE`].
    pub options: Vec<Directive>,
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// A configuration in redis.conf's syntax from standard input.
    pub input: Option<String>,
    /// The value of [`LOG_VARIABLE`].
    pub log_variable: Option<String>,
    /// The flags of the command line, in order.
    pub flags: Vec<Directive>,
}

/// Settings ready to start with, and what the user should be told once the log is there.
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// One line for every value that is taken without an effect.
    pub warnings: Vec<String>,
}

/// What becomes of a directive, for `--check-config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Larder does what it says.
    Honoured,
    /// Larder keeps it without an effect.
    Kept,
    /// Kept, with something to know.
    Warned(&'static str),
    /// Larder will not start with it.
    Refused(String),
}

/// Builds the settings from all their sources.
///
/// # Errors
/// The first mistake, with its place.
pub fn load(sources: &Sources) -> Result<Loaded, LoadError> {
    let mut loader = Loader::new();
    loader.apply_all(sources.options.clone())?;
    if let Some(file) = &sources.file {
        loader.apply_all(read_file(file)?)?;
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        *loader.settings.file.write() = Some(absolute);
    }
    if let Some(input) = &sources.input {
        loader.apply_all(redis_conf::parse(input, "standard input")?)?;
    }
    if let Some(level) = sources
        .log_variable
        .as_deref()
        .filter(|level| !level.is_empty())
    {
        let words = vec![log_level(level).to_owned()];
        loader.apply(&Directive::new(
            "loglevel",
            words,
            Origin::Variable(LOG_VARIABLE),
        ))?;
    }
    loader.apply_all(sources.flags.clone())?;
    Ok(Loaded {
        settings: loader.settings,
        warnings: loader.warnings.into_iter().flatten().collect(),
    })
}

/// The words that other programs use for the levels, as `loglevel` calls them.
fn log_level(word: &str) -> &str {
    match word.to_ascii_lowercase().as_str() {
        "trace" => "debug",
        "info" => "notice",
        "warn" | "error" => "warning",
        "off" => "nothing",
        _ => word,
    }
}

/// Reads the directives of a file: TOML if its name ends in `.toml`, else redis.conf's syntax.
pub(super) fn read_file(path: &Path) -> Result<Vec<Directive>, LoadError> {
    let name = path.to_string_lossy();
    let text = std::fs::read_to_string(path).map_err(|why| {
        LoadError::new(
            &Origin::File(Arc::from(&*name)),
            format!("cannot read it: {why}"),
        )
    })?;
    parse_file(path, &text)
}

/// Reads the directives of a file whose text is at hand.
pub(super) fn parse_file(path: &Path, text: &str) -> Result<Vec<Directive>, LoadError> {
    let name = path.to_string_lossy();
    if is_toml(path) {
        Ok(toml_file::parse(text, &name)?
            .into_iter()
            .map(|entry| entry.directive)
            .collect())
    } else {
        redis_conf::parse(text, &name)
    }
}

/// True if a file of this name is read as TOML.
pub(super) fn is_toml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// Applies directives to settings that nobody reads yet.
pub(super) struct Loader {
    pub(super) settings: Settings,
    /// The warning of each parameter, of its last value.
    warnings: Vec<Option<String>>,
    saves: bool,
}

impl Loader {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::new(),
            warnings: vec![None; TABLE.len()],
            saves: false,
        }
    }

    pub(super) fn apply_all(&mut self, directives: Vec<Directive>) -> Result<(), LoadError> {
        directives
            .iter()
            .try_for_each(|directive| self.apply(directive))
    }

    fn apply(&mut self, directive: &Directive) -> Result<(), LoadError> {
        match self.judge(directive) {
            Verdict::Refused(message) => {
                // A flag and a variable already name the parameter.
                let named = !matches!(directive.origin, Origin::Line { .. });
                let short = message
                    .strip_prefix(&format!("{}: ", directive.name))
                    .filter(|_| named);
                Err(LoadError::new(&directive.origin, short.unwrap_or(&message)))
            }
            Verdict::Honoured | Verdict::Kept | Verdict::Warned(_) => Ok(()),
        }
    }

    /// Applies a directive and says what became of it. One that is refused changes nothing.
    pub(super) fn judge(&mut self, directive: &Directive) -> Verdict {
        let name = directive.name.as_str();
        if let Some(mistake) = &directive.mistake {
            return Verdict::Refused(mistake.clone());
        }
        if name.eq_ignore_ascii_case(USER) {
            return self.judge_user(&directive.words);
        }
        let Some(position) = find(name) else {
            let lower = name.to_ascii_lowercase();
            return match REFUSED.iter().find(|(refused, _)| *refused == lower) {
                Some((name, why)) => Verdict::Refused(format!("{name}: {why}")),
                None if OBSOLETE.contains(&lower.as_str()) => Verdict::Kept,
                None => Verdict::Refused(toml_file::unknown(name)),
            };
        };
        let parameter = TABLE[position];
        let words = match self.words(position, &directive.words) {
            Ok(words) => words,
            Err(why) => return Verdict::Refused(format!("{name}: {why}")),
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let value = match parameter.kind.parse(&words, &self.settings.show(position)) {
            Ok(value) => value,
            Err(why) => return Verdict::Refused(format!("{name}: {why}")),
        };
        if let Restriction::Only { value: only, why } = parameter.restriction
            && parameter.kind.format(&value) != only
        {
            return Verdict::Refused(format!("{name}: {why}"));
        }
        let warning = warning(parameter, &value);
        self.warnings[position] = warning.map(|why| format!("{name}: {why}"));
        self.settings.store(position, value);
        self.settings.set_explicit(position, true);
        match (warning, parameter.status) {
            (Some(why), _) => Verdict::Warned(why),
            (None, Status::Honoured) => Verdict::Honoured,
            (None, Status::Kept) => Verdict::Kept,
        }
    }

    /// Keeps the definition of a user. Whoever knows the commands reads its rules.
    fn judge_user(&mut self, words: &[String]) -> Verdict {
        let mut words = words.to_vec();
        if let [all] = words.as_slice()
            && all.contains(' ')
        {
            match redis_conf::split_words(all) {
                Ok(split) => words = split,
                Err(why) => return Verdict::Refused(format!("{USER}: {why}")),
            }
        }
        let Some(name) = words.first().filter(|name| !name.is_empty()) else {
            return Verdict::Refused(format!("{USER}: wrong number of arguments"));
        };
        if self
            .settings
            .users
            .read()
            .iter()
            .any(|user| user[0] == *name)
        {
            return Verdict::Refused(format!(
                "{USER}: Duplicate user found. A user can only be defined once in config files"
            ));
        }
        self.settings.users.write().push(words);
        Verdict::Honoured
    }

    /// The words of a parameter's new value: one quoted argument of several words is split, and the `save` lines of one
    /// start add up.
    fn words(&mut self, at: usize, given: &[String]) -> Result<Vec<String>, &'static str> {
        let parameter = TABLE[at];
        let mut words = given.to_vec();
        if parameter.takes_words() && given.iter().any(|word| word.contains(' ')) {
            words.clear();
            for word in given {
                words.extend(redis_conf::split_words(word)?);
            }
        }
        if words.is_empty() && !matches!(parameter.kind, Kind::Words(_)) {
            return Err("wrong number of arguments");
        }
        const SAVE: usize = position("save");
        if at == SAVE && words != [""] {
            let so_far = if self.saves {
                self.settings.show(SAVE)
            } else {
                String::new()
            };
            words.splice(0..0, so_far.split_whitespace().map(str::to_owned));
            self.saves = true;
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Loads a text in redis.conf's syntax, and flags such as `timeout 5`.
    fn try_load(input: &str, flags: &[&str]) -> Result<Loaded, String> {
        let flag = |line: &&str| {
            let words = redis_conf::split_words(line).unwrap();
            Directive::new(
                &words[0],
                words[1..].to_vec(),
                Origin::Flag(format!("--{}", words[0])),
            )
        };
        let flags = flags.iter().map(flag).collect();
        load(&Sources {
            input: Some(input.into()),
            flags,
            ..Sources::default()
        })
        .map_err(|error| error.to_string())
    }

    fn loaded(input: &str) -> Settings {
        try_load(input, &[]).expect("a good configuration").settings
    }

    fn refused(input: &str) -> String {
        let error = try_load(input, &[]).err().expect("a bad configuration");
        error
            .strip_prefix("standard input, line 1: ")
            .expect("its line is named")
            .to_owned()
    }

    fn shown(settings: &Settings, name: &str) -> String {
        settings.get(&[name.as_bytes()])[0].1.clone()
    }

    #[test]
    fn names_are_folded_and_aliases_known() {
        let settings = loaded("TIMEOUT 7\nhash-max-ziplist-entries 9\n");
        assert_eq!(
            (settings.timeout(), settings.hash_max_listpack_entries()),
            (7, 9)
        );
        assert!(settings.is_explicit("hash-max-listpack-entries"));
    }

    #[test]
    fn several_words_may_come_as_one() {
        for line in [
            "bind 127.0.0.1 ::1",
            "bind \"127.0.0.1 ::1\"",
            "bind '127.0.0.1' '::1'",
        ] {
            assert_eq!(&*loaded(line).bind(), "127.0.0.1 ::1");
        }
        assert_eq!(&*loaded("bind \"\"").bind(), "");
        assert_eq!(
            shown(
                &loaded("shutdown-on-sigterm \"now force\""),
                "shutdown-on-sigterm"
            ),
            "now force"
        );
    }

    #[test]
    fn save_lines_add_up_until_an_empty_one() {
        assert_eq!(
            shown(&loaded("save 3600 1\nsave 300 100\n"), "save"),
            "3600 1 300 100"
        );
        assert_eq!(shown(&loaded("save 3600 1\nsave \"\"\n"), "save"), "");
        assert_eq!(
            shown(&loaded("save 3600 1\nsave \"\"\nsave 60 1\n"), "save"),
            "60 1"
        );
    }

    #[test]
    fn what_would_deceive_is_refused_with_the_directive_named() {
        for line in [
            "cluster-enabled yes",
            "replicaof db 6379",
            "slaveof db 6379",
            "loadmodule x.so",
            "rename-command FLUSHALL \"\"",
            "sentinel monitor x",
        ] {
            let error = refused(line);
            let name = line.split(' ').next().unwrap();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
        }
        assert!(
            loaded("cluster-enabled no\nreplicaof no one\naclfile users.acl\nio-threads 4\n")
                .is_explicit("io-threads")
        );
    }

    #[test]
    fn promises_of_durability_get_one_warning() {
        let loaded = try_load("save 3600 1\nsave 60 1\nappendonly yes\n", &[]).unwrap();
        assert_eq!(loaded.warnings.len(), 2);
        assert!(
            loaded
                .warnings
                .iter()
                .all(|warning| warning.contains("nothing is stored"))
        );
        assert!(
            try_load("save \"\"\nappendonly no\n", &[])
                .unwrap()
                .warnings
                .is_empty()
        );
        assert!(
            try_load("save 60 1\n", &["save ''"])
                .unwrap()
                .warnings
                .is_empty()
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            refused("prot 1"),
            "there is no setting 'prot'; did you mean 'port'?"
        );
        assert_eq!(refused("port"), "port: wrong number of arguments");
        assert_eq!(refused("port 1 2"), "port: wrong number of arguments");
        assert_eq!(
            refused("port 65536"),
            "port: argument must be between 0 and 65535 inclusive"
        );
        assert_eq!(refused("port \"1"), "unbalanced quotes");
        assert_eq!(refused("include a b"), "include takes one file name");
        assert!(!refused("tls-key-file-pass hunter2").contains("hunter2"));
        let flag = try_load("", &["timeout x"]).err().unwrap();
        assert_eq!(
            flag,
            "--timeout: argument couldn't be parsed into an integer"
        );
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
        let mut sources = Sources {
            input: Some("loglevel debug".into()),
            ..Sources::default()
        };
        let level = |sources: &Sources| shown(&load(sources).unwrap().settings, "loglevel");
        assert_eq!(level(&sources), "debug");
        sources.log_variable = Some("info".into());
        assert_eq!(level(&sources), "notice");
        let origin = Origin::Flag("--loglevel".into());
        sources
            .flags
            .push(Directive::new("loglevel", vec!["warning".into()], origin));
        assert_eq!(level(&sources), "warning");
        sources.log_variable = Some("loud".into());
        assert!(
            load(&sources)
                .err()
                .unwrap()
                .to_string()
                .starts_with("LARDER_LOG: argument(s) must be")
        );
    }

    #[test]
    fn directives_of_old_are_ignored() {
        assert_eq!(
            loaded("io-threads-do-reads yes\nlua-replicate-commands yes\n").port(),
            6379
        );
    }

    proptest! {
        #[test]
        fn no_file_panics(text in any::<String>(), lines in "(\\[?[a-z-]{1,9}\\]?( =|) ?[\"'a-z0-9\\[\\]{}.,]{0,9}\n){0,9}") {
            for text in [&text, &lines] {
                for file in ["x.toml", "x.conf"] {
                    if let Ok(directives) = parse_file(Path::new(file), text) {
                        let _ = Loader::new().apply_all(directives);
                    }
                }
            }
        }
    }
}
