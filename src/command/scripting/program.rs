//! Finding what a request wants to run, and how that uses keys.

use std::sync::Arc;

use crate::command::table::{self, Command};
use crate::resp::{Args, ReplyError};
use crate::script::engine::Program;
use crate::script::footprint::{self, Entry};
use crate::script::local::LocalScript;
use crate::script::store::{self, Flags, Script, Sha};
use crate::server::Server;
use crate::value::number;

/// What a command's first argument names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// A script by its source.
    Source,
    /// A script by its digest.
    Digest,
    /// A function.
    Function,
}

/// Which programs a command runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Programs {
    pub(super) names: Names,
    /// They may not write.
    pub(super) read_only: bool,
}

/// A program that was found.
pub(super) struct Found {
    pub(super) program: Program,
    pub(super) flags: Flags,
    pub(super) stays_within_keys: bool,
    /// It is not in the cache yet.
    pub(super) is_new: bool,
}

impl Programs {
    /// The programs of a command that takes [`Lock::Script`].
    #[inline]
    pub(super) fn of(command: &Command) -> Self {
        Self {
            names: match command.name.as_bytes() {
                [b'e', b'v', b'a', b'l', b's', ..] => Names::Digest,
                [b'e', ..] => Names::Source,
                _ => Names::Function,
            },
            read_only: command.name.as_bytes().ends_with(b"_ro"),
        }
    }

    /// The program that a request names.
    pub(super) fn find(self, server: &Server, args: Args<'_>) -> Result<Found, ReplyError> {
        let scripts = &server.scripts;
        if self.names == Names::Function {
            let all = scripts.libraries.all();
            let Some((library, function)) = all.find(args.at(1)) else {
                return Err(ReplyError::fixed("ERR Function not found"));
            };
            return Ok(Found {
                program: Program::Function(Arc::clone(library), function.name.clone()),
                flags: function.flags,
                stays_within_keys: library.stays_within_keys,
                is_new: false,
            });
        }
        let (script, is_new) = match self.names {
            Names::Digest => {
                let sha = Sha::parse(args.at(1)).ok_or(ReplyError::NO_SCRIPT)?;
                let found = store::take_found(|script| script.sha == sha);
                (
                    found
                        .or_else(|| scripts.get(&sha))
                        .ok_or(ReplyError::NO_SCRIPT)?,
                    false,
                )
            }
            _ => {
                let source = args.at(1);
                let found = store::take_found(|script| script.body == source);
                match found {
                    Some(script) => {
                        let is_new = !scripts.has(&script.sha);
                        (script, is_new)
                    }
                    None => match scripts.get_by_source(source) {
                        Some(script) => (script, false),
                        None => (new_script(args, 1)?, true),
                    },
                }
            }
        };
        Ok(Found {
            flags: script.flags,
            stays_within_keys: script.stays_within_keys,
            program: Program::Script(script),
            is_new,
        })
    }
}

/// A script from the source that is argument `at`.
pub(super) fn new_script(args: Args<'_>, at: usize) -> Result<LocalScript, ReplyError> {
    let body = args
        .shared(at)
        .unwrap_or_else(|| bytes::Bytes::copy_from_slice(args.at(at)));
    let script = Script::new(body, |source| keeps_to_keys(source, Entry::Script))?;
    Ok(Arc::new(script).into())
}

/// The keys that a request declares: their number is argument 2.
pub(super) fn declared_keys(args: Args<'_>, programs: Programs) -> Result<Args<'_>, ReplyError> {
    let number = number::parse_i64(args.at(2)).ok_or(match programs.names {
        Names::Function => ReplyError::fixed("ERR Bad number of keys provided"),
        Names::Source | Names::Digest => ReplyError::NOT_INTEGER,
    })?;
    match usize::try_from(number) {
        Err(_) => Err(ReplyError::fixed("ERR Number of keys can't be negative")),
        Ok(number) if number > args.len() - 3 => Err(ReplyError::fixed(
            "ERR Number of keys can't be greater than number of args",
        )),
        Ok(number) => Ok(args.part(3, number)),
    }
}

/// Whether a request's script keeps to the keys that it declares: if so, the locks of these are enough for it. `None` if there is no such
/// script now.
pub(in crate::command) fn stays_within_keys(
    server: &Server,
    command: &Command,
    args: Args<'_>,
) -> Option<bool> {
    let found = Programs::of(command).find(server, args).ok()?;
    if let Program::Script(script) = found.program {
        store::keep_found(script);
    }
    Some(found.stays_within_keys)
}

/// Whether the source of a script or library shows that it touches no other keys than those it is given.
pub(super) fn keeps_to_keys(source: &[u8], entry: Entry) -> bool {
    footprint::stays_within_keys(source, entry, &table::places_of)
}
