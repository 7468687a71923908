//! The `pubsub` family: channels, patterns and shard channels.
//!
//! A single node is the one shard there is, so shard channels are channels with a name space and a count of their own.
//! The registries and the delivery are in [`crate::pubsub`].

mod publish;
mod subscribe;

use super::help::help;
use super::table::words::{
    Channels, Command, FAST, Group, LOADING, Lock, MAY_REPLICATE, NOSCRIPT, NOT_KEY, PUBSUB, STALE,
    SUBSCRIBER_MODE, key, keys,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::PubSub, "psubscribe", -2, subscribe::psubscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .channels(Channels::Patterns)
        .since("2.0.0")
        .summary("Listens to the channels whose names match patterns.")
        .syntax("pattern...")
        .complexity("O(N), N being the number of patterns named"),
    Command::new(Group::PubSub, "publish", 3, publish::publish)
        .flags(&[PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE])
        .channels(Channels::First)
        .since("2.0.0")
        .summary("Sends a message to a channel.")
        .syntax("channel message")
        .complexity("O(N+M), N being the channel's subscribers and M all patterns subscribed to"),
    Command::new(Group::PubSub, "pubsub", -2, help)
        .since("2.8.0")
        .summary("Tells about channels and their subscribers.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::PubSub, "channels", -2, publish::channels)
                .flags(&[PUBSUB, LOADING, STALE])
                .since("2.8.0")
                .summary("Lists the channels that someone listens to.")
                .syntax("[pattern]")
                .complexity("O(N), N being the number of active channels"),
            Command::new(Group::PubSub, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("6.2.0")
                .summary("Explains the subcommands."),
            Command::new(Group::PubSub, "numpat", 2, publish::numpat)
                .flags(&[PUBSUB, LOADING, STALE])
                .since("2.8.0")
                .summary("Counts the patterns that someone listens to."),
            Command::new(Group::PubSub, "numsub", -2, publish::numsub)
                .flags(&[PUBSUB, LOADING, STALE])
                .since("2.8.0")
                .summary("Counts the subscribers of channels.")
                .syntax("[channel...]")
                .complexity("O(N), N being the number of channels named"),
            Command::new(Group::PubSub, "shardchannels", -2, publish::shardchannels)
                .flags(&[PUBSUB, LOADING, STALE])
                .since("7.0.0")
                .summary("Lists the shard channels that someone listens to.")
                .syntax("[pattern]")
                .complexity("O(N), N being the number of active channels"),
            Command::new(Group::PubSub, "shardnumsub", -2, publish::shardnumsub)
                .flags(&[PUBSUB, LOADING, STALE])
                .since("7.0.0")
                .summary("Counts the subscribers of shard channels.")
                .syntax("[shardchannel...]")
                .complexity("O(N), N being the number of channels named"),
        ]),
    Command::new(Group::PubSub, "punsubscribe", -1, subscribe::punsubscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .since("2.0.0")
        .summary("Stops listening to patterns, or to all of them.")
        .syntax("[pattern...]")
        .complexity("O(N), N being the number of patterns named"),
    Command::new(Group::PubSub, "spublish", 3, publish::spublish)
        .flags(&[PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE])
        .channels(Channels::First)
        .keys(&[key(1, &[NOT_KEY])])
        .lock(Lock::None)
        .since("7.0.0")
        .summary("Sends a message to a shard channel.")
        .syntax("shardchannel message")
        .complexity("O(N), N being the channel's subscribers"),
    Command::new(Group::PubSub, "ssubscribe", -2, subscribe::ssubscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .channels(Channels::All)
        .keys(&[keys(1, -1, 1, &[NOT_KEY])])
        .lock(Lock::None)
        .since("7.0.0")
        .summary("Listens to shard channels.")
        .syntax("shardchannel...")
        .complexity("O(N), N being the number of channels named"),
    Command::new(Group::PubSub, "subscribe", -2, subscribe::subscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .channels(Channels::All)
        .since("2.0.0")
        .summary("Listens to channels.")
        .syntax("channel...")
        .complexity("O(N), N being the number of channels named"),
    Command::new(Group::PubSub, "sunsubscribe", -1, subscribe::sunsubscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .keys(&[keys(1, -1, 1, &[NOT_KEY])])
        .lock(Lock::None)
        .since("7.0.0")
        .summary("Stops listening to shard channels, or to all of them.")
        .syntax("[shardchannel...]")
        .complexity("O(N), N being the number of channels named"),
    Command::new(Group::PubSub, "unsubscribe", -1, subscribe::unsubscribe)
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE, SUBSCRIBER_MODE])
        .since("2.0.0")
        .summary("Stops listening to channels, or to all of them.")
        .syntax("[channel...]")
        .complexity("O(N), N being the number of channels named"),
];
