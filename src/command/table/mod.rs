//! The table of all commands.
//!
//! Every family ends with a `const` slice of entries; this module joins them, gives each command and subcommand a number
//! for its statistics, and finds a command by its name, whatever the name's case, without allocating.

mod flags;
pub mod keys;
pub mod overview;
mod places;
mod registry;
mod spec;
pub mod syntax;
mod vocabulary;

pub use flags::{Acl, Flags, KeyFlags};
pub use keys::{Key, KeySpec, Keys, NoKeys, keys_of, of_migrate};
pub use places::places_of;
pub use registry::{all, by_id, commands, count, find, find_path, resolve};
pub use spec::{Channels, Command, Deprecated, Group, KeyRange, Lock};
pub use vocabulary::{Vocabulary, asked};

/// What a family's table is written with.
pub mod words {
    pub use super::flags::Acl;
    pub use super::flags::words_of_flags::*;
    pub use super::flags::words_of_keys::*;
    pub use super::keys::{counted_keys, key, keys, keys_after, unknown_keys};
    pub use super::spec::{Channels, Command, Group, Lock};
}
