//! What CONFIG SET and CONFIG REWRITE answer when they fail.

use std::fmt;

use super::value::Reason;

/// An error of a CONFIG command. Its text is the whole error reply, without a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// CONFIG SET of a name that no parameter has.
    Unknown(String),
    /// CONFIG SET of a value that cannot be taken.
    Refused {
        /// The parameter, as the client named it.
        name: String,
        /// What is wrong.
        why: Reason,
    },
    /// CONFIG REWRITE of a server that was started without a file.
    NoFile,
    /// CONFIG REWRITE could not write; the system's reason.
    NotWritten(String),
}

impl ConfigError {
    pub(super) fn refused(name: String, why: Reason) -> Self {
        Self::Refused { name, why }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        match self {
            Self::Unknown(name) => {
                write!(
                    f,
                    "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                    line(name)
                )
            }
            Self::Refused { name, why } => {
                write!(
                    f,
                    "ERR CONFIG SET failed (possibly related to argument '{}') - {}",
                    line(name),
                    line(why)
                )
            }
            Self::NoFile => f.write_str("ERR The server is running without a config file"),
            Self::NotWritten(why) => write!(f, "ERR Rewriting config file: {}", line(why)),
        }
    }
}

impl std::error::Error for ConfigError {}
