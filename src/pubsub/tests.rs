//! Who receives what, and in which order.

use proptest::prelude::*;

use super::*;

fn posts(mailboxes: &Mailboxes, worker: usize) -> Vec<(Vec<ClientId>, Bytes, Bytes)> {
    let mut drained = Vec::new();
    mailboxes.of(worker).drain(&mut drained);
    drained
        .into_iter()
        .map(|post| match post {
            Post::Deliver(message) => (message.to.to_vec(), message.resp2, message.resp3),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_message_is_posted_once_a_worker_however_many_listen() {
    let (pubsub, mailboxes) = (PubSub::default(), Mailboxes::new(2));
    let mut sessions: Vec<Subscriptions> = (0..1000).map(|_| Subscriptions::default()).collect();
    let who = |client: usize| Subscriber {
        client: client as ClientId,
        worker: client % 2,
    };
    for (client, subscriptions) in sessions.iter_mut().enumerate() {
        assert!(pubsub.join(Kind::Channel, b"news", who(client), subscriptions));
        assert!(!pubsub.join(Kind::Channel, b"news", who(client), subscriptions));
    }
    assert_eq!(pubsub.publish(b"news", b"1", &mailboxes), 1000);
    assert_eq!(pubsub.publish(b"other", b"1", &mailboxes), 0);
    for worker in 0..2 {
        let posts = posts(&mailboxes, worker);
        assert_eq!(posts.len(), 1);
        assert_eq!(posts[0].0.len(), 500);
        assert_eq!(
            &posts[0].1[..],
            b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n"
        );
        assert_eq!(
            &posts[0].2[..],
            b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n"
        );
    }
    for (client, subscriptions) in sessions.iter_mut().enumerate() {
        pubsub.leave_all(who(client), subscriptions);
        assert!(subscriptions.is_empty());
    }
    assert_eq!(pubsub.count(Kind::Channel), 0);
}

#[test]
fn channels_come_before_patterns_and_what_was_left_is_not_wanted() {
    let (pubsub, mailboxes) = (PubSub::default(), Mailboxes::new(1));
    let me = Subscriber {
        client: 7,
        worker: 0,
    };
    let mut mine = Subscriptions::default();
    pubsub.join(Kind::Pattern, b"n*", me, &mut mine);
    pubsub.join(Kind::Channel, b"news", me, &mut mine);
    pubsub.join(Kind::Shard, b"news", me, &mut mine);
    assert_eq!(mine.counts(), [1, 1, 1]);
    assert_eq!((mine.told(Kind::Channel), mine.told(Kind::Shard)), (2, 1));
    assert_eq!(pubsub.publish(b"news", b"x", &mailboxes), 2);
    assert_eq!(pubsub.publish_to_shard(b"news", b"y", &mailboxes), 1);
    let got: Vec<_> = posts(&mailboxes, 0)
        .into_iter()
        .map(|(_, resp2, _)| resp2)
        .collect();
    assert!(got[0].starts_with(b"*3\r\n$7\r\nmessage\r\n"));
    assert!(got[1].starts_with(b"*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n"));
    assert!(got[2].starts_with(b"*3\r\n$8\r\nsmessage\r\n"));
    let topic = Topic {
        kind: Kind::Channel,
        name: Bytes::from_static(b"news"),
    };
    assert!(mine.wants(&topic));
    assert!(pubsub.leave(Kind::Channel, b"news", me, &mut mine));
    assert!(!pubsub.leave(Kind::Channel, b"news", me, &mut mine));
    assert!(!mine.wants(&topic));
    assert_eq!(pubsub.subscribers(Kind::Channel, b"news"), 0);
    assert_eq!(pubsub.channels(Kind::Shard, Some(b"n?ws")), [&b"news"[..]]);
}

/// What a model of subscriptions is asked to do.
#[derive(Debug, Clone)]
enum Step {
    Join(usize, Kind, &'static str),
    Leave(usize, Kind, &'static str),
    LeaveAll(usize),
    Publish(&'static str),
    PublishToShard(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..5usize;
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let name = prop::sample::select(vec!["a", "b", "ab", "a*", "*", "?"]);
    let step = prop_oneof![
        4 => (who.clone(), kind.clone(), name.clone()).prop_map(|(w, k, n)| Step::Join(w, k, n)),
        3 => (who.clone(), kind, name.clone()).prop_map(|(w, k, n)| Step::Leave(w, k, n)),
        1 => who.prop_map(Step::LeaveAll),
        3 => name.clone().prop_map(Step::Publish),
        1 => name.prop_map(Step::PublishToShard),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn everybody_gets_what_a_list_of_subscriptions_says(steps in steps()) {
        let (pubsub, mailboxes) = (PubSub::default(), Mailboxes::new(3));
        let mut sessions: Vec<Subscriptions> = (0..5).map(|_| Subscriptions::default()).collect();
        let mut model: Vec<(usize, Kind, &str)> = Vec::new();
        let who = |client: usize| Subscriber { client: client as ClientId, worker: client % 3 };
        for step in steps {
            let (told, expected) = match step {
                Step::Join(client, kind, name) => {
                    let is_new = !model.contains(&(client, kind, name));
                    let joined = pubsub.join(kind, name.as_bytes(), who(client), &mut sessions[client]);
                    prop_assert_eq!(joined, is_new);
                    if is_new {
                        model.push((client, kind, name));
                    }
                    continue;
                }
                Step::Leave(client, kind, name) => {
                    let had = model.contains(&(client, kind, name));
                    let left = pubsub.leave(kind, name.as_bytes(), who(client), &mut sessions[client]);
                    prop_assert_eq!(left, had);
                    model.retain(|held| *held != (client, kind, name));
                    continue;
                }
                Step::LeaveAll(client) => {
                    pubsub.leave_all(who(client), &mut sessions[client]);
                    model.retain(|held| held.0 != client);
                    continue;
                }
                Step::Publish(name) => {
                    let meets = |(client, kind, held): &(usize, Kind, &str)| {
                        let met = match kind {
                            Kind::Channel => *held == name,
                            Kind::Pattern => glob::matches(held.as_bytes(), name.as_bytes()),
                            Kind::Shard => false,
                        };
                        met.then_some(*client as ClientId)
                    };
                    let expected = model.iter().filter_map(meets).collect::<Vec<_>>();
                    (pubsub.publish(name.as_bytes(), b"m", &mailboxes), expected)
                }
                Step::PublishToShard(name) => {
                    let meets = |held: &&(usize, Kind, &str)| held.1 == Kind::Shard && held.2 == name;
                    let expected = model.iter().filter(meets).map(|held| held.0 as ClientId).collect();
                    (pubsub.publish_to_shard(name.as_bytes(), b"m", &mailboxes), expected)
                }
            };
            let delivered = (0..3).flat_map(|worker| posts(&mailboxes, worker));
            let mut delivered: Vec<ClientId> = delivered.flat_map(|(to, ..)| to).collect();
            let mut expected: Vec<ClientId> = expected;
            delivered.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(told, expected.len());
            prop_assert_eq!(delivered, expected);
        }
        for kind in Kind::ALL {
            let mut names: Vec<_> = model.iter().filter(|held| held.1 == kind).map(|held| held.2).collect();
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(pubsub.count(kind), names.len());
        }
    }
}
