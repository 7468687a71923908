//! Replication: Larder is on its own; what only tunes it is kept, what asks for it is refused.

use super::Section;
use super::normal::replicaof;
use crate::config::parameter::{INT, LONG, memory, number, one_of, text, words, yes_no};

pub(super) const SECTION: Section = Section {
    name: "replication",
    title: "Replication",
    parameters: &[
        words("replicaof", replicaof, "")
            .alias(&["slaveof"])
            .fixed()
            .only("", "replication is not supported")
            .kept("Host and port of a primary to follow."),
        number("min-replicas-to-write", 0, INT, "0")
            .alias(&["min-slaves-to-write"])
            .honoured("Replicas without which writes are refused. Replication is not supported: there are none."),
        number("min-replicas-max-lag", 0, INT, "10")
            .alias(&["min-slaves-max-lag"])
            .honoured("Seconds a replica may lag to count; with 0 none is needed."),
        text("primaryauth", "")
            .alias(&["masterauth"])
            .secret()
            .kept("Password for the primary."),
        text("primaryuser", "")
            .alias(&["masteruser"])
            .secret()
            .kept("User for the primary."),
        yes_no("dual-channel-replication-enabled", "no")
            .kept("Synchronise on a second connection."),
        one_of(
            "propagation-error-behavior",
            &["ignore", "panic", "panic-on-replicas"],
            "ignore",
        )
        .kept("What a failing replicated command does."),
        memory("repl-backlog-size", 1, LONG, "10mb").kept("Backlog for replicas that come back."),
        number("repl-backlog-ttl", 0, LONG, "3600")
            .kept("Seconds for which it is kept without replicas."),
        yes_no("repl-disable-tcp-nodelay", "no").kept("Batch packets to replicas."),
        one_of(
            "repl-diskless-load",
            &["disabled", "on-empty-db", "swapdb", "flush-before-load"],
            "disabled",
        )
        .kept("Load a snapshot from the connection."),
        yes_no("repl-diskless-sync", "yes").kept("Send a snapshot without storing it."),
        number("repl-diskless-sync-delay", 0, INT, "5").kept("Seconds to wait for more replicas."),
        number("repl-diskless-sync-max-replicas", 0, INT, "0")
            .kept("Replicas for which one does not wait."),
        yes_no("repl-mptcp", "no")
            .fixed()
            .kept("Multipath TCP to the primary."),
        number("repl-ping-replica-period", 1, INT, "10")
            .alias(&["repl-ping-slave-period"])
            .kept("Seconds between pings."),
        number("repl-timeout", 1, INT, "60").kept("Seconds after which a link is dead."),
        text("replica-announce-ip", "")
            .alias(&["slave-announce-ip"])
            .kept("Address told to the primary."),
        number("replica-announce-port", 0, 65_535, "0")
            .alias(&["slave-announce-port"])
            .kept("Port told to the primary."),
        yes_no("replica-announced", "yes").kept("Be listed by Sentinel."),
        memory("replica-full-sync-buffer-limit", 0, LONG, "0")
            .kept("Buffer of writes during a synchronisation."),
        yes_no("replica-ignore-disk-write-errors", "no").kept("Go on when the disk fails."),
        yes_no("replica-ignore-maxmemory", "yes")
            .alias(&["slave-ignore-maxmemory"])
            .kept("Leave eviction to the primary."),
        yes_no("replica-lazy-flush", "yes")
            .alias(&["slave-lazy-flush"])
            .kept("Flush in the background before loading."),
        number("replica-priority", 0, INT, "100")
            .alias(&["slave-priority"])
            .kept("Preference for promotion."),
        yes_no("replica-read-only", "yes")
            .alias(&["slave-read-only"])
            .kept("Refuse writes on a replica."),
        yes_no("replica-serve-stale-data", "yes")
            .alias(&["slave-serve-stale-data"])
            .kept("Answer while the link is down."),
    ],
};
