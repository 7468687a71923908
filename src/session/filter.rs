//! Which connections `CLIENT LIST` and `CLIENT KILL` mean.
//!
//! Each condition may be asked for and, most of them, also ruled out (`TYPE normal`, `NOT-TYPE pubsub`); a connection has
//! to satisfy all that is asked and nothing that is ruled out.

use std::time::Instant;

use super::client::{Client, ClientFlags};
use crate::mailbox::ClientId;

/// What a connection is for, in the words of the `TYPE` filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// None of the others.
    Normal,
    /// The link to a server that this one replicates.
    Primary,
    /// The link of a server that replicates this one.
    Replica,
    /// Subscribed to something.
    PubSub,
}

impl ClientType {
    /// The type that a word names, in any case; the older words `master` and `slave` too.
    pub fn parse(word: &[u8]) -> Option<Self> {
        let words: [(&[u8], Self); 6] = [
            (b"normal", Self::Normal),
            (b"primary", Self::Primary),
            (b"master", Self::Primary),
            (b"replica", Self::Replica),
            (b"slave", Self::Replica),
            (b"pubsub", Self::PubSub),
        ];
        words
            .iter()
            .find(|(known, _)| word.eq_ignore_ascii_case(known))
            .map(|(_, kind)| *kind)
    }

    /// The type of a connection.
    pub fn of(client: &Client) -> Self {
        if client.flags().contains(ClientFlags::PUBSUB) {
            Self::PubSub
        } else {
            Self::Normal
        }
    }
}

/// One thing that can be said of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Its identity is one of these.
    Id(Vec<ClientId>),
    /// It is of this type.
    Type(ClientType),
    /// Its peer's address is this, as `CLIENT LIST` prints it.
    Addr(Vec<u8>),
    /// Our end's address is this.
    Laddr(Vec<u8>),
    /// Its peer's address without the port is this.
    Ip(Vec<u8>),
    /// It is authenticated as this user.
    User(Vec<u8>),
    /// It has this name; nobody has the empty one.
    Name(Vec<u8>),
    /// Its library has this name.
    LibName(Vec<u8>),
    /// Its library has this version.
    LibVer(Vec<u8>),
    /// All these letters are among its flags.
    Flags(Vec<u8>),
    /// This is its selected database.
    Db(usize),
    /// It has announced all these capabilities.
    Capa(Vec<u8>),
    /// It was accepted at least so many seconds ago.
    MaxAge(u64),
    /// Its last sign of life was at least so many seconds ago.
    Idle(u64),
}

impl Condition {
    /// Whether it holds for a connection.
    pub fn holds(&self, client: &Client, now: Instant) -> bool {
        let named = |wanted: &[u8], name: &[u8]| !name.is_empty() && wanted == name;
        match self {
            Self::Id(ids) => ids.contains(&client.id),
            Self::Type(kind) => ClientType::of(client) == *kind,
            Self::Addr(addr) => client.origin.addr.as_bytes() == addr,
            Self::Laddr(laddr) => client.origin.laddr.as_bytes() == laddr,
            Self::Ip(ip) => ip_of(&client.origin.addr).as_bytes() == ip,
            Self::User(user) => client.identity().user.as_bytes() == user,
            Self::Name(name) => named(name, &client.identity().name),
            Self::LibName(name) => named(name, &client.identity().lib_name),
            Self::LibVer(version) => named(version, &client.identity().lib_ver),
            Self::Flags(letters) => {
                let flags = client.flags();
                letters.iter().all(|letter| flags.has_letter(*letter))
            }
            Self::Db(db) => client.db() == *db,
            Self::Capa(letters) => {
                let known = client.capabilities().as_bytes();
                letters.iter().all(|letter| known.contains(letter))
            }
            Self::MaxAge(secs) => client.age_secs(now) >= *secs,
            Self::Idle(secs) => client.idle_millis(now) / 1000 >= *secs,
        }
    }
}

/// An address without its port and without the brackets of IPv6.
fn ip_of(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// The conditions of one request.
#[derive(Debug, Clone, Default)]
pub struct ClientFilter {
    /// All of these must hold.
    pub wanted: Vec<Condition>,
    /// None of these may hold.
    pub unwanted: Vec<Condition>,
    /// A connection that is left out in any case: the one that asks.
    pub skip: Option<ClientId>,
}

impl ClientFilter {
    /// Whether a connection is meant.
    pub fn matches(&self, client: &Client, now: Instant) -> bool {
        self.skip != Some(client.id)
            && self
                .wanted
                .iter()
                .all(|condition| condition.holds(client, now))
            && !self
                .unwanted
                .iter()
                .any(|condition| condition.holds(client, now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::client::tests::a_client;

    #[test]
    fn each_condition_holds_for_the_right_connections() {
        let client = a_client(7, "[::1]:5000");
        let now = client.created + Duration::from_secs(10);
        client.touch(client.created + Duration::from_secs(6));
        client.rename(|identity| identity.lib_name = "jedis".into());
        client.set_subscriptions([1, 0, 0]);
        let holds = |condition: Condition| condition.holds(&client, now);
        assert!(holds(Condition::Id(vec![1, 7])) && !holds(Condition::Id(vec![1])));
        assert!(
            holds(Condition::Type(ClientType::PubSub))
                && !holds(Condition::Type(ClientType::Normal))
        );
        assert!(
            holds(Condition::Addr(b"[::1]:5000".to_vec()))
                && !holds(Condition::Addr(b"::1".to_vec()))
        );
        assert!(holds(Condition::Laddr(b"127.0.0.1:6379".to_vec())));
        assert!(holds(Condition::Ip(b"::1".to_vec())));
        assert!(
            holds(Condition::User(b"default".to_vec()))
                && !holds(Condition::User(b"Default".to_vec()))
        );
        assert!(
            !holds(Condition::Name(b"".to_vec())) && holds(Condition::LibName(b"jedis".to_vec()))
        );
        assert!(holds(Condition::Flags(b"P".to_vec())) && !holds(Condition::Flags(b"PU".to_vec())));
        assert!(!holds(Condition::Flags(b"N".to_vec())) && holds(Condition::Flags(Vec::new())));
        assert!(holds(Condition::Db(0)) && !holds(Condition::Capa(b"r".to_vec())));
        client.set_can_redirect();
        assert!(holds(Condition::Capa(b"r".to_vec())));
        assert!(holds(Condition::MaxAge(10)) && !holds(Condition::MaxAge(11)));
        assert!(holds(Condition::Idle(4)) && !holds(Condition::Idle(5)));
    }

    #[test]
    fn a_filter_wants_all_and_excludes_any() {
        let client = a_client(7, "127.0.0.1:5000");
        let mut filter = ClientFilter::default();
        assert!(filter.matches(&client, client.created));
        filter.wanted.push(Condition::Db(0));
        filter.unwanted.push(Condition::Type(ClientType::PubSub));
        assert!(filter.matches(&client, client.created));
        filter.unwanted.push(Condition::Ip(b"127.0.0.1".to_vec()));
        assert!(!filter.matches(&client, client.created));
        filter.unwanted.pop();
        filter.skip = Some(7);
        assert!(!filter.matches(&client, client.created));
    }
}
