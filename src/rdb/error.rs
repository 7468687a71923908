//! What can be wrong with serialised data.

use std::fmt;

/// Why a payload cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// It is too short for a footer, of an unknown version, or its checksum is not that of its bytes.
    Footer,
    /// Its bytes are not a value of the type that they claim to be, or of a type that is not known here.
    Format,
    /// Unpacked it exceeds a limit.
    TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Footer => "DUMP payload version or checksum are wrong",
            Self::Format => "Bad data format",
            Self::TooLarge => "the unpacked value is too large",
        })
    }
}

impl std::error::Error for Error {}
