//! Error replies: one line that begins with a code, in Redis's words.
//!
//! Clients match on these texts. A [`ReplyError`] cannot hold a line break: whatever a client has sent may be quoted in
//! one without breaking the protocol. What is quoted stays as received, also where it is not UTF-8.

use std::borrow::Cow;
use std::fmt;

use super::args::Args;

/// How much of what a client sent is quoted back, in bytes.
const QUOTED: usize = 128;

/// The text of an error reply, its code included, without the leading `-`.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplyError(Cow<'static, [u8]>, Counted);

/// Whether an error has been counted when it first happened, inside of a script.
type Counted = bool;

impl ReplyError {
    /// `ERR syntax error`
    pub const SYNTAX: ReplyError = ReplyError::fixed("ERR syntax error");
    /// `ERR value is not an integer or out of range`
    pub const NOT_INTEGER: ReplyError =
        ReplyError::fixed("ERR value is not an integer or out of range");
    /// `ERR value is not a valid float`
    pub const NOT_FLOAT: ReplyError = ReplyError::fixed("ERR value is not a valid float");
    /// `ERR value is out of range, must be positive`
    pub const NOT_POSITIVE: ReplyError =
        ReplyError::fixed("ERR value is out of range, must be positive");
    /// `ERR value is out of range`
    pub const VALUE_RANGE: ReplyError = ReplyError::fixed("ERR value is out of range");
    /// `WRONGTYPE Operation against a key holding the wrong kind of value`
    pub const WRONG_TYPE: ReplyError =
        ReplyError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// `ERR no such key`
    pub const NO_KEY: ReplyError = ReplyError::fixed("ERR no such key");
    /// `ERR index out of range`
    pub const OUT_OF_RANGE: ReplyError = ReplyError::fixed("ERR index out of range");
    /// `ERR increment or decrement would overflow`
    pub const OVERFLOW: ReplyError = ReplyError::fixed("ERR increment or decrement would overflow");
    /// `ERR increment would produce NaN or Infinity`
    pub const NAN_OR_INFINITY: ReplyError =
        ReplyError::fixed("ERR increment would produce NaN or Infinity");
    /// `ERR string exceeds maximum allowed size (proto-max-bulk-len)`
    pub const STRING_TOO_LONG: ReplyError =
        ReplyError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    /// `ERR source and destination objects are the same`
    pub const SAME_OBJECT: ReplyError =
        ReplyError::fixed("ERR source and destination objects are the same");
    /// `BUSYKEY Target key name already exists.`
    pub const BUSY_KEY: ReplyError = ReplyError::fixed("BUSYKEY Target key name already exists.");
    /// `ERR invalid cursor`
    pub const INVALID_CURSOR: ReplyError = ReplyError::fixed("ERR invalid cursor");
    /// `ERR timeout is negative`
    pub const NEGATIVE_TIMEOUT: ReplyError = ReplyError::fixed("ERR timeout is negative");
    /// `ERR timeout is not an integer or out of range`
    pub const NOT_TIMEOUT: ReplyError =
        ReplyError::fixed("ERR timeout is not an integer or out of range");
    /// `ERR DB index is out of range`
    pub const DB_INDEX: ReplyError = ReplyError::fixed("ERR DB index is out of range");
    /// `NOAUTH Authentication required.`
    pub const NO_AUTH: ReplyError = ReplyError::fixed("NOAUTH Authentication required.");
    /// `WRONGPASS invalid username-password pair or user is disabled.`
    pub const WRONG_PASS: ReplyError =
        ReplyError::fixed("WRONGPASS invalid username-password pair or user is disabled.");
    /// `NOPROTO unsupported protocol version`
    pub const NO_PROTO: ReplyError = ReplyError::fixed("NOPROTO unsupported protocol version");
    /// `OOM command not allowed when used memory > 'maxmemory'.`
    pub const OOM: ReplyError =
        ReplyError::fixed("OOM command not allowed when used memory > 'maxmemory'.");
    /// `NOREPLICAS Not enough good replicas to write.`
    pub const NO_REPLICAS: ReplyError =
        ReplyError::fixed("NOREPLICAS Not enough good replicas to write.");
    /// `EXECABORT Transaction discarded because of previous errors.`
    pub const EXEC_ABORT: ReplyError =
        ReplyError::fixed("EXECABORT Transaction discarded because of previous errors.");
    /// `NOSCRIPT No matching script. Please use EVAL.`
    pub const NO_SCRIPT: ReplyError =
        ReplyError::fixed("NOSCRIPT No matching script. Please use EVAL.");
    /// `ERR max number of clients reached`
    pub const MAX_CLIENTS: ReplyError = ReplyError::fixed("ERR max number of clients reached");
    /// `ERR This instance has cluster support disabled`
    pub const NO_CLUSTER: ReplyError =
        ReplyError::fixed("ERR This instance has cluster support disabled");

    /// The error with this text, its code included.
    ///
    /// # Panics
    /// At compile time, when used for a constant, if the text has a line break.
    pub const fn fixed(text: &'static str) -> ReplyError {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                bytes[i] != b'\r' && bytes[i] != b'\n',
                "an error reply is one line"
            );
            i += 1;
        }
        ReplyError(Cow::Borrowed(bytes), false)
    }

    /// The error with this text, its code included. Line breaks become spaces.
    pub fn new(text: impl Into<Cow<'static, str>>) -> ReplyError {
        match text.into() {
            Cow::Borrowed(text) if !text.bytes().any(is_line_break) => {
                ReplyError(Cow::Borrowed(text.as_bytes()), false)
            }
            text => ReplyError::from_bytes(text.into_owned().into_bytes()),
        }
    }

    /// The error with the code `ERR` and this text.
    pub fn err(text: impl fmt::Display) -> ReplyError {
        ReplyError::new(format!("ERR {text}"))
    }

    /// The error with these bytes, its code included. Line breaks become spaces.
    pub fn from_bytes(mut bytes: Vec<u8>) -> ReplyError {
        for byte in &mut bytes {
            if is_line_break(*byte) {
                *byte = b' ';
            }
        }
        ReplyError(Cow::Owned(bytes), false)
    }

    /// The same error, which has been counted already.
    #[must_use]
    pub fn counted(mut self) -> ReplyError {
        self.1 = true;
        self
    }

    /// Whether the error has been counted already.
    pub fn is_counted(&self) -> bool {
        self.1
    }

    /// `ERR wrong number of arguments for '<name>' command`; a subcommand's name is `container|sub`.
    pub fn wrong_arity(name: &str) -> ReplyError {
        ReplyError::err(format_args!(
            "wrong number of arguments for '{name}' command"
        ))
    }

    /// `ERR unknown command '<name>', with args beginning with: '<arg>' ...`, quoting 128 bytes of each part.
    ///
    /// `args` are the arguments after the name.
    pub fn unknown_command(name: &[u8], args: Args<'_>) -> ReplyError {
        let mut text = b"ERR unknown command '".to_vec();
        text.extend_from_slice(quoted(name, QUOTED));
        text.extend_from_slice(b"', with args beginning with: ");
        let start = text.len();
        for arg in args {
            let used = text.len() - start;
            if used >= QUOTED {
                break;
            }
            text.push(b'\'');
            text.extend_from_slice(quoted(arg, QUOTED - used));
            text.extend_from_slice(b"' ");
        }
        ReplyError::from_bytes(text)
    }

    /// `ERR unknown subcommand '<sub>'. Try <COMMAND> HELP.`
    pub fn unknown_subcommand(sub: &[u8], command: &str) -> ReplyError {
        let mut text = b"ERR unknown subcommand '".to_vec();
        text.extend_from_slice(quoted(sub, QUOTED));
        text.extend_from_slice(format!("'. Try {} HELP.", command.to_uppercase()).as_bytes());
        ReplyError::from_bytes(text)
    }

    /// `ERR unknown subcommand or wrong number of arguments for '<sub>'. Try <COMMAND> HELP.`
    pub fn subcommand_syntax(sub: &[u8], command: &str) -> ReplyError {
        let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
        text.extend_from_slice(quoted(sub, QUOTED));
        text.extend_from_slice(format!("'. Try {} HELP.", command.to_uppercase()).as_bytes());
        ReplyError::from_bytes(text)
    }

    /// `ERR invalid expire time in '<name>' command`
    pub fn invalid_expire(name: &str) -> ReplyError {
        ReplyError::err(format_args!("invalid expire time in '{name}' command"))
    }

    /// The text, its code included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with what is not UTF-8 replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The code: what comes before the first space. Errors are counted by it.
    pub fn code(&self) -> &str {
        let end = memchr::memchr(b' ', &self.0).unwrap_or(self.0.len());
        str::from_utf8(&self.0[..end]).unwrap_or("ERR")
    }
}

/// The first `max` bytes, up to a NUL: what Redis's `%.128s` prints.
fn quoted(bytes: &[u8], max: usize) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(max)];
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl fmt::Debug for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyError({})", self.0.escape_ascii())
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for ReplyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedArgs;

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(ReplyError::new("ERR a\r\nb").as_bytes(), b"ERR a  b");
        assert_eq!(
            ReplyError::new("ERR plain".to_string()),
            ReplyError::fixed("ERR plain")
        );
        assert_eq!(
            ReplyError::from_bytes(b"ERR \xff\n".to_vec()).as_bytes(),
            b"ERR \xff "
        );
        assert_eq!(
            ReplyError::err(format_args!("{} things", 3)).text(),
            "ERR 3 things"
        );
    }

    #[test]
    fn the_code_is_the_first_word() {
        assert_eq!(ReplyError::WRONG_TYPE.code(), "WRONGTYPE");
        assert_eq!(ReplyError::new("LONELY").code(), "LONELY");
        assert_eq!(ReplyError::from_bytes(b"\xff x".to_vec()).code(), "ERR");
    }

    #[test]
    fn unknown_commands_are_quoted_within_bounds() {
        let args = OwnedArgs::from_iter(["a", "b c"]);
        let error = ReplyError::unknown_command(b"foo", args.view());
        assert_eq!(
            error.text(),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b c' "
        );
        let none = ReplyError::unknown_command(b"foo", OwnedArgs::default().view());
        assert_eq!(
            none.text(),
            "ERR unknown command 'foo', with args beginning with: "
        );

        let long = "x".repeat(1000);
        let args = OwnedArgs::from_iter(["y".repeat(100), long.clone(), "z".into()]);
        let error = ReplyError::unknown_command(long.as_bytes(), args.view());
        let expected = format!(
            "ERR unknown command '{}', with args beginning with: '{}' '{}' ",
            "x".repeat(128),
            "y".repeat(100),
            "x".repeat(25)
        );
        assert_eq!(error.text(), expected);
        assert_eq!(
            ReplyError::unknown_subcommand(b"nope\0hidden", "client").text(),
            "ERR unknown subcommand 'nope'. Try CLIENT HELP."
        );
    }
}
