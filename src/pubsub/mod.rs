//! Publish and subscribe: who listens to which channel, pattern or shard channel, and how a message gets to them.
//!
//! Subscribers are kept by worker, so that a message to a thousand connections on two workers is encoded once and posted
//! twice.  The messages of one publisher reach a subscriber in the order of publishing, because a mailbox keeps its order.
//! What was posted before a client left a channel may be drained after it left: the drainer asks
//! [`Subscriptions::wants`] before it delivers, so nobody gets a message after the reply that ended the subscription.

mod listeners;
mod message;
mod notifications;
mod subscriptions;

use std::collections::HashMap;

use bytes::Bytes;
use dashmap::DashMap;
use listeners::Audience;
pub(crate) use listeners::Listeners;
pub use notifications::Notifications;
use parking_lot::RwLock;
pub use subscriptions::Subscriptions;

use crate::mailbox::{ClientId, Kind, Mailboxes, Message, Post, Topic};
use crate::value::glob;

/// A receiver of messages: a connection and the worker that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    /// The connection.
    pub client: ClientId,
    /// The number of its worker.
    pub worker: usize,
}

type Channels = DashMap<Bytes, Listeners>;

/// All subscriptions of the server.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    /// Patterns are walked at every publication: few, and read far more often than changed.
    patterns: RwLock<HashMap<Bytes, Listeners>>,
}

impl PubSub {
    /// Adds a subscription; false if the subscriber has it already.
    pub fn join(
        &self,
        kind: Kind,
        name: &[u8],
        subscriber: Subscriber,
        subscriptions: &mut Subscriptions,
    ) -> bool {
        let name = Bytes::copy_from_slice(name);
        if !subscriptions.insert(kind, name.clone()) {
            return false;
        }
        match self.channels_of(kind) {
            Some(channels) => channels.entry(name).or_default().add(subscriber),
            None => self
                .patterns
                .write()
                .entry(name)
                .or_default()
                .add(subscriber),
        }
        true
    }

    /// Ends a subscription; false if there was none.
    pub fn leave(
        &self,
        kind: Kind,
        name: &[u8],
        subscriber: Subscriber,
        subscriptions: &mut Subscriptions,
    ) -> bool {
        let had = subscriptions.remove(kind, name);
        if had {
            self.forget(kind, name, subscriber);
        }
        had
    }

    /// Ends all subscriptions of a subscriber.
    pub fn leave_all(&self, subscriber: Subscriber, subscriptions: &mut Subscriptions) {
        for kind in Kind::ALL {
            for name in subscriptions.take(kind) {
                self.forget(kind, &name, subscriber);
            }
        }
    }

    fn forget(&self, kind: Kind, name: &[u8], subscriber: Subscriber) {
        match self.channels_of(kind) {
            Some(channels) => {
                channels.remove_if_mut(name, |_, listeners| {
                    listeners.remove(subscriber);
                    listeners.is_empty()
                });
            }
            None => {
                let mut patterns = self.patterns.write();
                if let Some(listeners) = patterns.get_mut(name) {
                    listeners.remove(subscriber);
                    if listeners.is_empty() {
                        patterns.remove(name);
                    }
                }
            }
        }
    }

    /// The registry of a kind that is looked up by name; patterns are not.
    fn channels_of(&self, kind: Kind) -> Option<&Channels> {
        match kind {
            Kind::Channel => Some(&self.channels),
            Kind::Shard => Some(&self.shard_channels),
            Kind::Pattern => None,
        }
    }

    /// `PUBLISH`: to the channel's subscribers, then to those of every pattern that matches it.
    /// Returns the number of subscriptions that the message met.
    pub fn publish(&self, channel: &[u8], message: &[u8], mailboxes: &Mailboxes) -> usize {
        let audience = self
            .channels
            .get(channel)
            .map(|found| (found.key().clone(), found.audience()));
        let mut receivers = 0;
        if let Some((name, audience)) = audience {
            receivers += deliver(Kind::Channel, &name, channel, message, &audience, mailboxes);
        }
        let matching: Vec<(Bytes, Audience)> = {
            let patterns = self.patterns.read();
            patterns
                .iter()
                .filter(|(pattern, _)| glob::matches(pattern, channel))
                .map(|(pattern, listeners)| (pattern.clone(), listeners.audience()))
                .collect()
        };
        for (pattern, audience) in matching {
            receivers += deliver(
                Kind::Pattern,
                &pattern,
                channel,
                message,
                &audience,
                mailboxes,
            );
        }
        receivers
    }

    /// `SPUBLISH`: to the shard channel's subscribers. Returns their number.
    pub fn publish_to_shard(&self, channel: &[u8], message: &[u8], mailboxes: &Mailboxes) -> usize {
        let audience = self
            .shard_channels
            .get(channel)
            .map(|found| (found.key().clone(), found.audience()));
        audience.map_or(0, |(name, audience)| {
            deliver(Kind::Shard, &name, channel, message, &audience, mailboxes)
        })
    }

    /// Whether nobody listens to any channel or pattern.
    fn is_silent(&self) -> bool {
        self.channels.is_empty() && self.patterns.read().is_empty()
    }

    /// Names of the channels of a kind that have subscribers, only those that match `pattern` if one is given
    /// (`PUBSUB CHANNELS`, `PUBSUB SHARDCHANNELS`).
    pub fn channels(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Bytes> {
        let Some(channels) = self.channels_of(kind) else {
            return Vec::new();
        };
        let matches = |name: &[u8]| pattern.is_none_or(|pattern| glob::matches(pattern, name));
        channels
            .iter()
            .map(|entry| entry.key().clone())
            .filter(|name| matches(name))
            .collect()
    }

    /// Who listens to channels or patterns whose names `is_meant` picks.
    pub fn listeners_of(&self, kind: Kind, is_meant: impl Fn(&[u8]) -> bool) -> Vec<ClientId> {
        let mut clients = Vec::new();
        let mut add = |listeners: &Listeners| {
            let audience = listeners.audience();
            clients.extend(audience.iter().flat_map(|(_, members)| members.iter()));
        };
        match self.channels_of(kind) {
            Some(channels) => {
                let meant = channels.iter().filter(|entry| is_meant(entry.key()));
                meant.for_each(|entry| add(entry.value()));
            }
            None => {
                let patterns = self.patterns.read();
                let meant = patterns.iter().filter(|(name, _)| is_meant(name));
                meant.for_each(|(_, listeners)| add(listeners));
            }
        }
        clients
    }

    /// The number of subscribers of a channel (`PUBSUB NUMSUB`, `PUBSUB SHARDNUMSUB`).
    pub fn subscribers(&self, kind: Kind, name: &[u8]) -> usize {
        match self.channels_of(kind) {
            Some(channels) => channels.get(name).map_or(0, |found| found.len()),
            None => self.patterns.read().get(name).map_or(0, Listeners::len),
        }
    }

    /// The number of channels, shard channels or different patterns that have subscribers (`PUBSUB NUMPAT`, INFO).
    pub fn count(&self, kind: Kind) -> usize {
        match self.channels_of(kind) {
            Some(channels) => channels.len(),
            None => self.patterns.read().len(),
        }
    }
}

/// Encodes a message once and posts it to each worker that has receivers. Returns their number.
fn deliver(
    kind: Kind,
    topic: &Bytes,
    channel: &[u8],
    message: &[u8],
    audience: &Audience,
    mailboxes: &Mailboxes,
) -> usize {
    let (resp2, resp3) = message::encode(kind, topic, channel, message);
    for (worker, to) in audience {
        mailboxes.of(*worker).post(Post::Deliver(Message {
            to: to.clone(),
            topic: Topic {
                kind,
                name: topic.clone(),
            },
            resp2: resp2.clone(),
            resp3: resp3.clone(),
        }));
    }
    audience.iter().map(|(_, to)| to.len()).sum()
}

#[cfg(test)]
mod tests;
