//! The subscribers of one channel or pattern, grouped by worker.

use std::sync::{Arc, OnceLock};

use super::Subscriber;
use crate::mailbox::ClientId;

/// Who gets a message: for each worker, its connections.
pub(crate) type Audience = Vec<(usize, Arc<[ClientId]>)>;

/// The subscribers of one worker.
#[derive(Debug)]
struct Group {
    worker: usize,
    /// Ascending. Identities grow with time, so a new subscriber nearly always goes to the end.
    members: Vec<ClientId>,
    /// What posts carry: made by the first publication after a change, so that many subscribers that come one by one
    /// do not copy the list each time.
    snapshot: OnceLock<Arc<[ClientId]>>,
}

/// The subscribers of one channel or pattern.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// Only workers with subscribers.
    groups: Vec<Group>,
}

impl Listeners {
    /// Adds a subscriber; it must not be one already.
    pub(crate) fn add(&mut self, subscriber: Subscriber) {
        let at = self
            .groups
            .iter()
            .position(|group| group.worker == subscriber.worker)
            .unwrap_or_else(|| {
                self.groups.push(Group {
                    worker: subscriber.worker,
                    members: Vec::new(),
                    snapshot: OnceLock::new(),
                });
                self.groups.len() - 1
            });
        let group = &mut self.groups[at];
        if let Err(place) = group.members.binary_search(&subscriber.client) {
            group.members.insert(place, subscriber.client);
            group.snapshot = OnceLock::new();
        }
    }

    /// Removes a subscriber, if it is one.
    pub(crate) fn remove(&mut self, subscriber: Subscriber) {
        let Some(at) = self
            .groups
            .iter()
            .position(|group| group.worker == subscriber.worker)
        else {
            return;
        };
        let group = &mut self.groups[at];
        if let Ok(place) = group.members.binary_search(&subscriber.client) {
            group.members.remove(place);
            group.snapshot = OnceLock::new();
        }
        if group.members.is_empty() {
            self.groups.swap_remove(at);
        }
    }

    /// Whether nobody is subscribed.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The number of subscribers.
    pub(crate) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.members.len()).sum()
    }

    /// The subscribers as a message needs them.
    pub(crate) fn audience(&self) -> Audience {
        self.groups
            .iter()
            .map(|group| {
                let members = group
                    .snapshot
                    .get_or_init(|| Arc::from(group.members.as_slice()));
                (group.worker, Arc::clone(members))
            })
            .collect()
    }
}
