//! Keyspace notifications: what happens to keys, published to channels that are named after the key and after the event.
//!
//! Events are published where they happen, under the lock of the key's shard: so those of one key come in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::PubSub;
use crate::config::event::EventClasses;
use crate::keyspace::{Event, EventClass, Interest, Interests};
use crate::mailbox::Mailboxes;

/// Publishes the events that `notify-keyspace-events` selects.
#[derive(Debug)]
pub struct Notifications {
    selected: AtomicU32,
    pubsub: Arc<PubSub>,
    mailboxes: Arc<Mailboxes>,
    interests: Interests,
}

/// The classes of the setting, and those of the keyspace.
const CLASSES: [(EventClasses, EventClass); 11] = [
    (EventClasses::GENERIC, EventClass::Generic),
    (EventClasses::STRING, EventClass::String),
    (EventClasses::LIST, EventClass::List),
    (EventClasses::SET, EventClass::Set),
    (EventClasses::HASH, EventClass::Hash),
    (EventClasses::SORTED_SET, EventClass::ZSet),
    (EventClasses::STREAM, EventClass::Stream),
    (EventClasses::EXPIRED, EventClass::Expired),
    (EventClasses::EVICTED, EventClass::Evicted),
    (EventClasses::NEW, EventClass::New),
    (EventClasses::KEY_MISS, EventClass::Miss),
];

impl Notifications {
    /// Notifications to these channels, none selected yet.
    pub fn new(pubsub: Arc<PubSub>, mailboxes: Arc<Mailboxes>, interests: Interests) -> Self {
        Self {
            selected: AtomicU32::default(),
            pubsub,
            mailboxes,
            interests,
        }
    }

    /// Selects events.
    pub fn select(&self, selected: EventClasses) {
        self.selected.store(selected.0, Ordering::Relaxed);
        let is_published =
            selected.contains(EventClasses::KEYSPACE) || selected.contains(EventClasses::KEYEVENT);
        let classes = CLASSES
            .iter()
            .filter(|(class, _)| is_published && selected.contains(*class))
            .fold(Interest::NONE, |all, (_, class)| {
                all.and(Interest::in_class(*class))
            });
        self.interests.set_classes(classes);
    }

    /// Publishes an event of a selected class.
    pub fn publish(&self, db: usize, key: &[u8], event: Event) {
        let selected = EventClasses(self.selected.load(Ordering::Relaxed));
        if self.pubsub.is_silent() {
            return;
        }
        if selected.contains(EventClasses::KEYSPACE) {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.pubsub
                .publish(&channel, event.name.as_bytes(), &self.mailboxes);
        }
        if selected.contains(EventClasses::KEYEVENT) {
            let channel = format!("__keyevent@{db}__:{}", event.name);
            self.pubsub
                .publish(channel.as_bytes(), key, &self.mailboxes);
        }
    }
}
