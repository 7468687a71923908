//! All connections by identity: behind `CLIENT LIST`, `CLIENT KILL` and INFO's counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use dashmap::DashMap;

use super::client::{Client, ClientFlags, Origin};
use crate::mailbox::{ClientId, Mailboxes, Post};

/// The connections that are open, and the giver of identities.
#[derive(Debug)]
pub struct Registry {
    clients: DashMap<ClientId, Arc<Client>>,
    next: AtomicU64,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            clients: DashMap::default(),
            next: AtomicU64::new(1),
        }
    }
}

impl Registry {
    /// Gives a new connection its identity and makes it visible to others.
    pub fn add(&self, origin: Origin, now: Instant) -> Arc<Client> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let client = Arc::new(Client::new(id, origin, now));
        self.clients.insert(id, Arc::clone(&client));
        client
    }

    /// Forgets a connection that has ended.
    pub fn remove(&self, id: ClientId) {
        self.clients.remove(&id);
    }

    /// The connection with this identity, unless it has ended or is about to.
    pub fn get(&self, id: ClientId) -> Option<Arc<Client>> {
        self.clients
            .get(&id)
            .map(|found| Arc::clone(found.value()))
            .filter(|client| is_listed(client))
    }

    /// All connections in the order in which they were accepted, without those that are being killed.
    pub fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self
            .clients
            .iter()
            .map(|entry| Arc::clone(entry.value()))
            .filter(|client| is_listed(client))
            .collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }

    /// Shows `look` every connection, those that are being killed too.
    pub fn for_each(&self, look: impl FnMut(&Client)) {
        let mut look = look;
        self.clients.iter().for_each(|entry| look(entry.value()));
    }

    /// The number of open connections.
    pub fn connected(&self) -> usize {
        self.clients.len()
    }

    /// The number of connections for which `condition` holds (INFO's `pubsub_clients` and its like).
    pub fn count(&self, condition: impl Fn(&Client) -> bool) -> usize {
        self.clients
            .iter()
            .filter(|entry| condition(entry.value()))
            .count()
    }

    /// The number of connections ever accepted into the registry.
    pub fn ever(&self) -> u64 {
        self.next.load(Ordering::Relaxed) - 1
    }

    /// Has a connection's worker close it, whatever it is doing. From now on it is not listed any more.
    /// Returns whether this call was the one that killed it.
    pub fn kill(&self, client: &Client, mailboxes: &Mailboxes) -> bool {
        self.kill_for(client, None, mailboxes)
    }

    /// The same for a connection that waits until it is closed.
    pub fn kill_for(
        &self,
        client: &Client,
        killer: Option<&Arc<Killer>>,
        mailboxes: &Mailboxes,
    ) -> bool {
        if client.flags().contains(ClientFlags::CLOSE_ASAP) {
            return false;
        }
        client.set_flags(ClientFlags::CLOSE_ASAP, true);
        if let Some(killer) = killer {
            client.set_killer(killer);
        }
        // Nothing that comes from now on is for it; if it is only about to wait, it sees the flag.
        if let Some(waiter) = client.waiting() {
            waiter.end();
        }
        mailboxes
            .of(client.origin.worker)
            .post(Post::Kill(client.id));
        true
    }
}

/// A connection that has killed others, and whose reply waits until they are closed.
#[derive(Debug)]
pub struct Killer {
    client: ClientId,
    worker: usize,
    open: AtomicUsize,
}

impl Killer {
    /// Has killed nobody yet.
    pub fn new(client: &Client) -> Arc<Self> {
        Arc::new(Self {
            client: client.id,
            worker: client.origin.worker,
            open: AtomicUsize::new(0),
        })
    }

    pub(super) fn waits_for_one_more(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether all that it has killed are closed.
    pub fn is_through(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// One of them is.
    pub fn one_is_closed(&self, mailboxes: &Mailboxes) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            mailboxes.of(self.worker).post(Post::Wake(self.client));
        }
    }
}

fn is_listed(client: &Client) -> bool {
    !client.flags().contains(ClientFlags::CLOSE_ASAP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::client::tests::a_client;

    #[test]
    fn identities_grow_and_the_killed_are_not_listed() {
        let (registry, mailboxes) = (Registry::default(), Mailboxes::new(1));
        let origin = a_client(0, "127.0.0.1:1").origin;
        let clients: Vec<_> = (0..3)
            .map(|_| registry.add(origin.clone(), Instant::now()))
            .collect();
        let listed = || {
            registry
                .all()
                .iter()
                .map(|client| client.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(), [1, 2, 3]);
        assert!(registry.kill(&clients[1], &mailboxes));
        assert!(!registry.kill(&clients[1], &mailboxes));
        assert_eq!(listed(), [1, 3]);
        assert!(registry.get(2).is_none());
        let mut posts = Vec::new();
        mailboxes.of(0).drain(&mut posts);
        assert!(matches!(posts[..], [Post::Kill(2)]));
        registry.remove(2);
        assert_eq!((registry.connected(), registry.ever()), (2, 3));
    }

    #[test]
    fn who_kills_hears_of_the_last_end() {
        let (registry, mailboxes) = (Registry::default(), Mailboxes::new(1));
        let origin = a_client(0, "127.0.0.1:1").origin;
        let clients: Vec<_> = (0..4)
            .map(|_| registry.add(origin.clone(), Instant::now()))
            .collect();
        let killer = Killer::new(&clients[0]);
        // One has ended by itself meanwhile: nobody waits for that.
        assert!(clients[3].set_closed().is_none());
        for victim in &clients[1..] {
            assert!(registry.kill_for(victim, Some(&killer), &mailboxes));
        }
        assert!(!killer.is_through());
        for victim in &clients[1..3] {
            victim.set_closed().unwrap().one_is_closed(&mailboxes);
        }
        assert!(killer.is_through());
        let mut posts = Vec::new();
        mailboxes.of(0).drain(&mut posts);
        let wakes = posts.iter().filter(|post| matches!(post, Post::Wake(1)));
        assert_eq!(wakes.count(), 1);
    }
}
