//! What a connection that keeps what it reads has asked for (`CLIENT TRACKING`).

use bytes::Bytes;

use crate::mailbox::ClientId;

/// Of which keys a connection wants to hear that they have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackingMode {
    /// Of those that it has read.
    Read,
    /// Of those that it has read with the command behind `CLIENT CACHING YES`.
    OptIn,
    /// Of those that it has read, but not with the command behind `CLIENT CACHING NO`.
    OptOut,
    /// Of all that begin with one of these, read or not.
    Broadcast(Vec<Bytes>),
}

/// What a connection that keeps what it reads has asked for.
#[derive(Debug, Clone)]
pub struct Tracking {
    /// Of which keys it wants to hear.
    pub mode: TrackingMode,
    /// Not of those that it has changed itself.
    pub noloop: bool,
    /// Another connection is to hear instead.
    pub redirect: Option<ClientId>,
    /// `CLIENT CACHING` has spoken of the command that comes next.
    pub caching: bool,
    /// The present command has given way to what its evictions have posted.
    pub gave_way: bool,
    /// What it is told of its own command that was executed while it waited: that comes behind the reply.
    pub held: Vec<Bytes>,
}

/// What holds a prefix has so many bytes for each beside the text.
const AROUND_A_PREFIX: usize = size_of::<Bytes>() + 32;

impl Tracking {
    /// Whether it wants to hear of the keys that the present command reads.
    pub fn remembers(&self) -> bool {
        match self.mode {
            TrackingMode::Read => true,
            TrackingMode::OptIn => self.caching,
            TrackingMode::OptOut => !self.caching,
            TrackingMode::Broadcast(_) => false,
        }
    }

    /// The bytes that it takes, about: a prefix is here, and among those of all clients.
    pub fn memory(&self) -> usize {
        let prefixes = self.prefixes();
        let bytes: usize = prefixes.iter().map(Bytes::len).sum();
        size_of::<Self>() + 2 * prefixes.len() * AROUND_A_PREFIX + bytes
    }

    /// The beginnings of the keys that it wants to hear of.
    pub fn prefixes(&self) -> &[Bytes] {
        match &self.mode {
            TrackingMode::Broadcast(prefixes) => prefixes,
            _ => &[],
        }
    }
}
