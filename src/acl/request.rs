//! What a user is asked: a command, and which of its arguments are keys and channels.

use crate::resp::Args;

/// What may be done with keys: to read what they hold, to change it, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// What they hold is returned, copied or decides something.
    pub read: bool,
    /// What they hold is changed, added to or removed.
    pub write: bool,
}

impl Permission {
    /// To read.
    pub const READ: Self = Self {
        read: true,
        write: false,
    };
    /// To write.
    pub const WRITE: Self = Self {
        read: false,
        write: true,
    };
    /// Both.
    pub const ALL: Self = Self {
        read: true,
        write: true,
    };

    /// Whether this is enough where `needed` is needed.
    pub(super) fn covers(self, needed: Self) -> bool {
        (self.read || !needed.read) && (self.write || !needed.write)
    }

    /// Both together.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
        }
    }
}

/// An argument that is a key.
#[derive(Debug, Clone, Copy)]
pub struct KeyUse {
    /// Which argument.
    pub index: usize,
    /// What is needed.
    pub needs: Permission,
}

/// An argument that is a channel, or a pattern of channels.
#[derive(Debug, Clone, Copy)]
pub struct ChannelUse {
    /// Which argument.
    pub index: usize,
    /// Whether it is a pattern.
    pub is_pattern: bool,
}

/// A request. The iterators are cheap to make again: every selector walks them.
#[derive(Debug, Clone)]
pub struct Request<'r, K, C> {
    /// The command's number.
    pub command: usize,
    /// Everybody may call it: it is how one logs in.
    pub is_open: bool,
    /// The arguments, the command's name being the first.
    pub args: Args<'r>,
    /// The keys among them.
    pub keys: K,
    /// The channels among them.
    pub channels: C,
}

/// Why a request is denied. The order is that in which one reason hides another, where several selectors have deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// The command.
    Command,
    /// The key that this argument is.
    Key(usize),
    /// The channel that this argument is.
    Channel(usize),
}
