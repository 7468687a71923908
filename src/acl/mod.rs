//! Users and what they may do: rules are read into a [`User`], a [`User`] is asked whether it may make a request.
//!
//! A user is a value: nothing here knows connections, keys or the command table. Commands are numbers, which a
//! [`Vocabulary`] gives names and categories; a request says which of its arguments are keys and channels ([`Request`]).
//! The rules, their order in descriptions and their errors are Redis's.

mod file;
mod log;
mod password;
mod request;
mod rule;
mod selector;
mod user;

pub use file::{FileError, parse as parse_file};
pub use log::{Context, Entry, Log, Reason};
pub use password::{Password, generate as generate_password};
pub use request::{ChannelUse, Denied, KeyUse, Permission, Request};
pub use rule::{RuleError, Rules, is_name, merge_selectors};
pub use selector::Selector;
pub use user::User;

use std::ops::Range;

/// Commands that a user can tell apart: their numbers lie below.
pub const MAX_COMMANDS: usize = 512;

/// The commands that rules can name.
pub trait Vocabulary: Sync {
    /// The command of a name such as `get` or `config|get`, whatever its case.
    fn command(&self, name: &[u8]) -> Option<Named>;

    /// The commands of a category, whatever the case of its name; a container brings its subcommands along.
    fn category(&self, name: &[u8]) -> Option<Vec<Range<usize>>>;
}

/// A command as rules name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name in lower case, a container's before it.
    pub name: &'static str,
    /// Its number, and behind it those of its subcommands.
    pub ids: Range<usize>,
}

impl Named {
    /// Whether it is a subcommand.
    fn is_subcommand(&self) -> bool {
        self.name.contains('|')
    }

    /// Whether it has subcommands.
    fn is_container(&self) -> bool {
        self.ids.len() > 1
    }
}

#[cfg(test)]
mod tests;
