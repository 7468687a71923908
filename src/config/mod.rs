//! Settings: what they are called, what they may be, where they come from, and how the server reads them.
//!
//! Every parameter is declared once, in [`table`]; everything else is derived from that table: the run-time store with
//! its typed accessors ([`Settings`]), TOML files, redis.conf-style files, command-line flags, CONFIG GET/SET/REWRITE,
//! `config/larder.toml` and `docs/configuration.md`.
//!
//! Priority, lowest first: defaults, the configuration file, `LARDER_LOG` (the log level only), the command line.
//! This room is a leaf: it imports no other, and any may import it.

pub mod arguments;
pub mod certificate;
mod change;
pub mod check;
pub mod choice;
pub mod directive;
pub mod document;
mod error;
pub mod event;
mod flags;
mod glob;
pub mod load;
pub mod log;
pub mod parameter;
mod redis_conf;
mod rewrite;
pub mod settings;
pub mod table;
mod toml_file;
pub mod value;

pub use error::ConfigError;
pub use event::EventClasses;
pub use rewrite::replace_file;
pub use settings::{OutputLimit, OutputLimitClass, Settings};
pub use table::is_sensitive;

/// The version of Redis whose behaviour Larder claims to clients (INFO, HELLO, `redis-server --version`).
pub const REDIS_VERSION: &str = "7.4.0";

/// Larder's own version.
pub const LARDER_VERSION: &str = env!("CARGO_PKG_VERSION");
