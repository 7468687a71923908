//! What CONFIG GET and CONFIG SET do: looking parameters up, and changing several of them as one.
//!
//! A CONFIG SET is checked as a whole before anything changes; then all its values are stored and the hooks run. If a
//! hook fails, everything gets its old value back. The error texts are those of Redis.

use super::ConfigError;
use super::glob;
use super::parameter::{Mutability, Parameter, Restriction};
use super::settings::{Hook, Settings};
use super::table::{TABLE, find, position};
use super::value::{Reason, Value};

/// Clients are told where the working directory is, not that it is `.`.
const DIR: usize = position("dir");

/// One parameter of a CONFIG SET, read and ready to be stored.
struct Change {
    /// The name that the client used, for errors.
    name: String,
    position: usize,
    value: Value,
}

impl Settings {
    /// The names and values of the parameters that match any of the patterns, each once. A pattern without `*`, `?` and
    /// `[` is a name; it comes back as the client wrote it. Case does not matter.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for pattern in patterns {
            let pattern = String::from_utf8_lossy(pattern);
            if !pattern.contains(['*', '?', '[']) {
                if let Some(position) = find(&pattern) {
                    self.push_unless_there(&mut found, &pattern, position);
                }
                continue;
            }
            let pattern = pattern.to_ascii_lowercase();
            for (position, parameter) in TABLE.iter().enumerate() {
                for name in parameter.names() {
                    if glob::matches(pattern.as_bytes(), name.as_bytes()) {
                        self.push_unless_there(&mut found, name, position);
                    }
                }
            }
        }
        found
    }

    fn push_unless_there(&self, found: &mut Vec<(String, String)>, name: &str, position: usize) {
        if !found
            .iter()
            .any(|(there, _)| there.eq_ignore_ascii_case(name))
        {
            let mut value = self.show(position);
            if position == DIR
                && let Ok(absolute) = std::path::absolute(&value)
            {
                value = absolute.display().to_string();
            }
            found.push((name.to_owned(), value));
        }
    }

    /// The value of a parameter as CONFIG GET shows it.
    pub(super) fn show(&self, position: usize) -> String {
        TABLE[position].kind.format(&self.value(position))
    }

    /// Changes all the parameters named, or none. `protected_allowed` says whether this client may change protected
    /// ones (see [`Settings::enable_protected_configs`]).
    ///
    /// # Errors
    /// Whatever is wrong with the first pair that cannot be taken, or what a hook says.
    pub fn set(
        &self,
        pairs: &[(&[u8], &[u8])],
        protected_allowed: bool,
    ) -> Result<(), ConfigError> {
        let _one_at_a_time = self.change.lock();
        let positions = look_up(pairs, protected_allowed)?;
        let mut changes = Vec::with_capacity(pairs.len());
        for (position, (name, value)) in positions.into_iter().zip(pairs) {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            match self.read(position, value) {
                Ok(value) => changes.push(Change {
                    name,
                    position,
                    value,
                }),
                Err(why) => return Err(ConfigError::refused(name, why)),
            }
        }
        for change in &changes {
            if let Some(why) = warning(TABLE[change.position], &change.value) {
                tracing::warn!("{}: {why}", TABLE[change.position].name);
            }
        }
        self.commit(changes)
    }

    /// Reads a new value and applies the restrictions of its parameter.
    fn read(&self, position: usize, value: &[u8]) -> Result<Value, Reason> {
        let parameter = TABLE[position];
        let text = std::str::from_utf8(value).map_err(|_| "argument must be UTF-8 text")?;
        let words: Vec<&str> = match text {
            "" if parameter.takes_words() => Vec::new(),
            _ if parameter.takes_words() => text.split(' ').collect(),
            _ => vec![text],
        };
        let value = parameter.kind.parse(&words, &self.show(position))?;
        match parameter.restriction {
            Restriction::Only { value: only, why }
            | Restriction::Warn {
                value: only,
                why,
                refuse_later: true,
            } if parameter.kind.format(&value) != only => Err(why.into()),
            _ => Ok(value),
        }
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), ConfigError> {
        let mut before = Vec::with_capacity(changes.len());
        let mut touched = Vec::with_capacity(changes.len());
        let mut names = Vec::with_capacity(changes.len());
        for Change {
            name,
            position,
            value,
        } in changes
        {
            let old = self.value(position);
            if old != value || TABLE[position].reapplied {
                touched.push(position);
            }
            self.store(position, value);
            before.push((position, old, self.set_explicit(position, true)));
            names.push((position, name));
        }
        let hooks = self.hooks_of(&touched);
        for (ran, hook) in hooks.iter().enumerate() {
            let Err(why) = (hook.apply)(self) else {
                continue;
            };
            for (position, old, explicit) in before {
                self.store(position, old);
                self.set_explicit(position, explicit);
            }
            self.apply_again(&hooks[..ran]);
            let blamed = names
                .into_iter()
                .find(|(position, _)| hook.positions.contains(position));
            return Err(ConfigError::refused(
                blamed.map(|(_, name)| name).unwrap_or_default(),
                why.into(),
            ));
        }
        Ok(())
    }

    fn apply_again(&self, hooks: &[Hook]) {
        for hook in hooks {
            if let Err(why) = (hook.apply)(self) {
                tracing::warn!("Failed applying restored settings: {why}");
            }
        }
    }
}

/// The positions of the parameters of a CONFIG SET, if all are known, may be changed, and are named once.
fn look_up(pairs: &[(&[u8], &[u8])], protected_allowed: bool) -> Result<Vec<usize>, ConfigError> {
    let mut positions = Vec::with_capacity(pairs.len());
    for (name, _) in pairs {
        let name = String::from_utf8_lossy(name);
        let Some(position) = find(&name) else {
            return Err(ConfigError::Unknown(name.into_owned()));
        };
        let refusal = match TABLE[position].mutability {
            Mutability::AtStart => Some("can't set immutable config"),
            Mutability::Protected if !protected_allowed => Some("can't set protected config"),
            _ if positions.contains(&position) => Some("duplicate parameter"),
            _ => None,
        };
        if let Some(why) = refusal {
            return Err(ConfigError::refused(name.into_owned(), why.into()));
        }
        positions.push(position);
    }
    Ok(positions)
}

/// What the user should know about a value that is taken without an effect.
pub(super) fn warning(parameter: &Parameter, value: &Value) -> Option<&'static str> {
    match parameter.restriction {
        Restriction::Warn {
            value: quiet, why, ..
        } if parameter.kind.format(value) != quiet => Some(why),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use proptest::prelude::*;

    use super::*;

    fn set(settings: &Settings, pairs: &[(&str, &str)]) -> Result<(), String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        settings
            .set(&pairs, false)
            .map_err(|error| error.to_string())
    }

    fn get(settings: &Settings, name: &str) -> String {
        let mut found = settings.get(&[name.as_bytes()]);
        assert_eq!(found.len(), 1, "{name}");
        found.remove(0).1
    }

    #[test]
    fn values_are_shown_as_the_peers_show_them() {
        let settings = Settings::new();
        let pairs = [
            ("maxmemory", "1gb"),
            ("save", "3600 1 300 100"),
            ("client-output-buffer-limit", "replica 1mb 0 0"),
            ("Hash-Max-Listpack-Entries", "32"),
            ("maxmemory-clients", "5%"),
            ("timeout", "10"),
        ];
        set(&settings, &pairs).unwrap();
        assert_eq!(get(&settings, "maxmemory"), "1073741824");
        assert_eq!(get(&settings, "save"), "3600 1 300 100");
        assert_eq!(
            get(&settings, "client-output-buffer-limit"),
            "normal 0 0 0 slave 1048576 0 0 pubsub 33554432 8388608 60"
        );
        assert_eq!(get(&settings, "maxmemory-clients"), "5%");
        assert_eq!(settings.timeout(), 10);
        assert!(settings.is_explicit("timeout"));
    }

    #[test]
    fn names_come_back_as_asked_and_patterns_know_the_aliases() {
        let settings = Settings::new();
        let names = |patterns: &[&[u8]]| {
            settings
                .get(patterns)
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&[b"TimeOut", b"timeout", b"nothing"]), ["TimeOut"]);
        assert_eq!(
            names(&[b"HASH-max-*-entries"]),
            ["hash-max-listpack-entries", "hash-max-ziplist-entries"]
        );
        assert_eq!(names(&[b"slaveof"]), ["slaveof"]);
        assert!(names(&[b"*"]).len() > 230);
    }

    #[test]
    fn several_are_set_together_or_not_at_all() {
        let settings = Settings::new();
        assert!(set(&settings, &[("timeout", "5"), ("maxclients", "x")]).is_err());
        assert_eq!(settings.timeout(), 0);
        assert!(!settings.is_explicit("timeout"));
    }

    #[test]
    fn errors_are_those_of_redis() {
        let settings = Settings::new();
        let error = |pairs: &[(&str, &str)]| set(&settings, pairs).unwrap_err();
        let failed = |name: &str, why: &str| {
            format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
        };
        assert_eq!(
            error(&[("x", "1")]),
            "ERR Unknown option or number of arguments for CONFIG SET - 'x'"
        );
        assert_eq!(
            error(&[("timeout", "-1")]),
            failed(
                "timeout",
                "argument must be between 0 and 2147483647 inclusive"
            )
        );
        assert_eq!(
            error(&[("timeout", "a")]),
            failed("timeout", "argument couldn't be parsed into an integer")
        );
        assert_eq!(
            error(&[("activedefrag", "a")]),
            failed("activedefrag", "argument must be 'yes' or 'no'")
        );
        assert_eq!(
            error(&[("databases", "1")]),
            failed("databases", "can't set immutable config")
        );
        assert_eq!(
            error(&[("dir", "/")]),
            failed("dir", "can't set protected config")
        );
        assert_eq!(
            error(&[("timeout", "1"), ("TIMEOUT", "2")]),
            failed("TIMEOUT", "duplicate parameter")
        );
        let levels =
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing";
        assert_eq!(error(&[("loglevel", "loud")]), failed("loglevel", levels));
        assert!(error(&[("appendonly", "yes")]).contains("nothing is stored"));
    }

    #[test]
    fn protected_parameters_need_permission() {
        let settings = Settings::new();
        assert!(settings.set(&[(b"dir", b"/tmp")], true).is_ok());
        assert_eq!(get(&settings, "dir"), "/tmp");
    }

    #[test]
    fn a_hook_that_fails_undoes_everything() {
        let settings = Settings::new();
        let calls = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&calls);
        settings.on_change(&["timeout"], move |settings| {
            seen.fetch_add(1, Relaxed);
            assert!(settings.timeout() == 7 || settings.timeout() == 0);
            Ok(())
        });
        settings.on_change(&["port", "tls-port"], |_| {
            Err("Unable to listen on this port".into())
        });
        set(&settings, &[("timeout", "0")]).unwrap();
        assert_eq!(calls.load(Relaxed), 0, "an unchanged value calls nobody");
        let error = set(&settings, &[("timeout", "7"), ("port", "1")]).unwrap_err();
        assert_eq!(
            error,
            "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port"
        );
        assert_eq!(calls.load(Relaxed), 2);
        assert_eq!((settings.timeout(), settings.port()), (0, 6379));
    }

    #[test]
    fn a_certificate_is_read_again_though_its_name_stays() {
        let settings = Settings::new();
        let calls = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&calls);
        settings.on_change(&["tls-cert-file"], move |_| {
            seen.fetch_add(1, Relaxed);
            Ok(())
        });
        set(&settings, &[("tls-cert-file", "")]).unwrap();
        assert_eq!(calls.load(Relaxed), 1);
    }

    proptest! {
        #[test]
        fn no_value_panics(position in 0..TABLE.len(), value in proptest::collection::vec(any::<u8>(), 0..24), words in "[ 0-9a-z%-]{0,24}") {
            let settings = Settings::new();
            for value in [&value[..], words.as_bytes()] {
                let _ = settings.set(&[(TABLE[position].name.as_bytes(), value)], true);
                settings.get(&[TABLE[position].name.as_bytes(), value]);
            }
        }
    }
}
