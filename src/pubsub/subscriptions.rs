//! What one connection is subscribed to.

use std::collections::HashSet;

use bytes::Bytes;

use crate::mailbox::{Kind, Topic};
use crate::value::hasher::BuildNameHasher;

type Names = HashSet<Bytes, BuildNameHasher>;

/// The channels, patterns and shard channels of one connection. Costs one pointer until the first subscription.
#[derive(Debug, Default)]
pub struct Subscriptions {
    kinds: Option<Box<[Names; 3]>>,
    /// The sum of the names' lengths.
    bytes: usize,
}

/// What a set has for every name beside its bytes, and what the name's allocation has around them.
const AROUND_A_NAME: usize = size_of::<Bytes>() + 32;

impl Subscriptions {
    /// Whether there are none of any kind.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_none()
    }

    /// The numbers of channels, patterns and shard channels.
    pub fn counts(&self) -> [usize; 3] {
        Kind::ALL.map(|kind| self.names(kind).map_or(0, Names::len))
    }

    /// The number that a subscriber is told: of channels and patterns together, or of shard channels.
    pub fn told(&self, kind: Kind) -> usize {
        let [channels, patterns, shard_channels] = self.counts();
        match kind {
            Kind::Channel | Kind::Pattern => channels + patterns,
            Kind::Shard => shard_channels,
        }
    }

    /// Whether a message posted for this topic still has somebody to read it.
    pub fn wants(&self, topic: &Topic) -> bool {
        self.names(topic.kind)
            .is_some_and(|names| names.contains(&topic.name))
    }

    /// The names of a kind, in their own order.
    pub fn of(&self, kind: Kind) -> Vec<Bytes> {
        let mut names: Vec<Bytes> = self.names(kind).into_iter().flatten().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The bytes that the names take, about.
    pub fn memory(&self) -> usize {
        self.kinds.as_ref().map_or(0, |kinds| {
            kinds.iter().map(HashSet::capacity).sum::<usize>() * AROUND_A_NAME + self.bytes
        })
    }

    fn names(&self, kind: Kind) -> Option<&Names> {
        self.kinds.as_ref().map(|kinds| &kinds[kind as usize])
    }

    pub(super) fn insert(&mut self, kind: Kind, name: Bytes) -> bool {
        let length = name.len();
        let is_new = self.kinds.get_or_insert_default()[kind as usize].insert(name);
        self.bytes += if is_new { length } else { 0 };
        is_new
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &[u8]) -> bool {
        let removed = self
            .kinds
            .as_mut()
            .is_some_and(|kinds| kinds[kind as usize].remove(name));
        self.bytes -= if removed { name.len() } else { 0 };
        self.shrink();
        removed
    }

    pub(super) fn take(&mut self, kind: Kind) -> Names {
        let names = self.kinds.as_mut().map_or_else(Names::default, |kinds| {
            std::mem::take(&mut kinds[kind as usize])
        });
        self.bytes -= names.iter().map(Bytes::len).sum::<usize>();
        self.shrink();
        names
    }

    /// Keeps "no subscriptions" and "no allocation" the same thing.
    fn shrink(&mut self) {
        if self
            .kinds
            .as_ref()
            .is_some_and(|kinds| kinds.iter().all(HashSet::is_empty))
        {
            self.kinds = None;
        }
    }
}
