//! A directive: a name, its words, and where it was read; what every syntax is turned into before it is applied.

use std::fmt;
use std::sync::Arc;

/// One setting as a file, a flag or the environment gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The name as it was written.
    pub name: String,
    /// The words behind it.
    pub words: Vec<String>,
    /// Where it was read.
    pub origin: Origin,
    /// What is wrong with it already as it stands, where its syntax can tell.
    pub mistake: Option<String>,
}

impl Directive {
    pub(super) fn new(name: impl Into<String>, words: Vec<String>, origin: Origin) -> Self {
        Self {
            name: name.into(),
            words,
            origin,
            mistake: None,
        }
    }
}

/// Where a directive was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line, counted from 1, of a file (or of `standard input`).
    Line {
        /// The file's name as the user gave it.
        file: Arc<str>,
        /// The line.
        line: usize,
    },
    /// A file as a whole.
    File(Arc<str>),
    /// The command line: the flag, with its dashes.
    Flag(String),
    /// A variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}, line {line}"),
            Self::File(file) => f.write_str(file),
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// Why the configuration cannot be taken: one line that names the file and line, or the flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Where the mistake is.
    pub origin: Origin,
    /// What it is.
    pub message: String,
}

impl LoadError {
    pub(super) fn new(origin: &Origin, message: impl Into<String>) -> Self {
        Self {
            origin: origin.clone(),
            message: message.into(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.origin,
            self.message.replace(['\r', '\n'], " ")
        )
    }
}

impl std::error::Error for LoadError {}
