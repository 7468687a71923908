//! Why the server could not start: always one line for the person at the terminal.

use std::fmt;
use std::io;

/// Why the server could not start.
#[derive(Debug)]
pub enum StartError {
    /// An address or a path cannot be listened on.
    Listen {
        /// What was to be listened on.
        endpoint: String,
        /// What the system says.
        why: io::Error,
    },
    /// Neither a port nor a Unix socket is configured, or none is there.
    Nowhere,
    /// The certificates or the key cannot be used.
    Tls(String),
    /// The users cannot be used that the configuration or their file defines.
    Users(String),
    /// Something else that the system refuses: a thread, a descriptor.
    System(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { endpoint, why } if why.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "cannot listen on {endpoint}: it is in use already, perhaps by another server; stop that or choose another port"
            ),
            Self::Listen { endpoint, why } => write!(f, "cannot listen on {endpoint}: {why}"),
            Self::Nowhere => f.write_str("there is nothing to listen on: port, tls-port and unixsocket are all off or missing"),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::Users(why) | Self::System(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}
