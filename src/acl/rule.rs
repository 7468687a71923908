//! Rules as `ACL SETUSER`, the configuration and users' files write them: what they need to be read, and what can be
//! wrong with them.

use super::Vocabulary;

/// What rules are read with.
#[derive(Clone, Copy)]
pub struct Rules<'v> {
    /// The commands that they can name.
    pub vocabulary: &'v dyn Vocabulary,
    /// New users and selectors may use all channels (`acl-pubsub-default`).
    pub all_channels: bool,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// There is no such command or category.
    Unknown,
    /// It is no rule.
    Syntax,
    /// A pattern of keys is added where all keys are allowed.
    PatternAfterAllKeys,
    /// A pattern of channels is added where all channels are allowed.
    PatternAfterAllChannels,
    /// The password that is to be removed is not there.
    NoSuchPassword,
    /// A hash is none.
    BadHash,
    /// A first argument of a subcommand.
    FirstArgOfSubcommand,
}

impl RuleError {
    /// What Redis says.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown command or category name in ACL",
            Self::Syntax => "Syntax error",
            Self::PatternAfterAllKeys => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. \
                 Try 'resetkeys' to start with an empty list of patterns"
            }
            Self::PatternAfterAllChannels => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. \
                 Try 'resetchannels' to start with an empty list of channels"
            }
            Self::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            Self::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            Self::FirstArgOfSubcommand => "Allowing first-arg of a subcommand is not supported",
        }
    }
}

/// Whether a text can be the name of a user, or part of a rule that is written into a line: without spaces and NULs.
pub fn is_name(text: &[u8]) -> bool {
    // As C's isspace: the vertical tab too.
    !text
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0))
}

/// Puts selectors together that are spread over several arguments: `(+get`, `~k)`.
///
/// # Errors
/// The argument that opens a selector which nothing closes.
pub fn merge_selectors<'r>(rules: impl Iterator<Item = &'r [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for rule in rules {
        match &mut open {
            None if rule.first() == Some(&b'(') && rule.last() != Some(&b')') => {
                open = Some((rule, rule.to_vec()));
            }
            None => merged.push(rule.to_vec()),
            Some((_, selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(rule);
                if rule.last() == Some(&b')') {
                    merged.extend(open.take().map(|(_, selector)| selector));
                }
            }
        }
    }
    match open {
        None => Ok(merged),
        Some((opening, _)) => Err(opening.to_vec()),
    }
}
