//! Commands for what Larder does not do yet: each gets a truthful answer.

mod answer;
mod slot;

use answer::no_cluster;

use super::help::help;
use super::table::words::{
    ADMIN, ALLOW_BUSY, Acl, Command, FAST, Group, LOADING, Lock, MAY_REPLICATE, NO_ASYNC_LOADING,
    NO_MULTI, NOSCRIPT, NOT_KEY, READONLY, STALE, WRITE, key,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Cluster, "asking", 1, no_cluster)
        .flags(&[FAST])
        .acl(&[Acl::CONNECTION])
        .since("3.0.0")
        .summary("Announces a command for a slot that is being imported.")
        .refused(),
    Command::new(Group::Server, "bgrewriteaof", 1, answer::save)
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
        .since("1.0.0")
        .summary("Shortens the append-only file in the background.")
        .refused(),
    Command::new(Group::Server, "bgsave", -1, answer::bgsave)
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
        .since("1.0.0")
        .summary("Stores the data set in the background.")
        .refused()
        .syntax("[operation: SCHEDULE@3.2.2|CANCEL@8.1.0]"),
    Command::new(Group::Cluster, "cluster", -2, help)
        .since("3.0.0")
        .summary("Tells about a cluster and controls it.")
        .refused()
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Cluster, "addslots", -3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Assigns slots to this node.")
                .syntax("slot:integer...")
                .complexity("O(N), N being the number of slots"),
            Command::new(Group::Cluster, "addslotsrange", -4, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("7.0.0")
                .summary("Assigns ranges of slots to this node.")
                .syntax("(range: start-slot:integer end-slot:integer)...")
                .complexity("O(N), N being the number of slots"),
            Command::new(Group::Cluster, "bumpepoch", 2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Raises the node's configuration epoch.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "cancelslotmigrations", 2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("9.0.0")
                .summary("Stops all slot migrations."),
            Command::new(Group::Cluster, "count-failure-reports", 3, no_cluster)
                .flags(&[ADMIN, STALE])
                .since("3.0.0")
                .summary("Counts the reports that a node has failed.")
                .syntax("node-id")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "countkeysinslot", 3, no_cluster)
                .flags(&[STALE])
                .since("3.0.0")
                .summary("Counts the keys in a slot.")
                .syntax("slot:integer"),
            Command::new(Group::Cluster, "delslots", -3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Takes slots away from this node.")
                .syntax("slot:integer...")
                .complexity("O(N), N being the number of slots"),
            Command::new(Group::Cluster, "delslotsrange", -4, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("7.0.0")
                .summary("Takes ranges of slots away from this node.")
                .syntax("(range: start-slot:integer end-slot:integer)...")
                .complexity("O(N), N being the number of slots"),
            Command::new(Group::Cluster, "failover", -2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Makes a replica take over from its primary.")
                .syntax("[options: FORCE|TAKEOVER]"),
            Command::new(Group::Cluster, "flushslot", -3, no_cluster)
                .flags(&[WRITE, ADMIN, NO_ASYNC_LOADING])
                .acl(&[Acl::KEYSPACE])
                .since("9.0.0")
                .summary("Removes all keys of a slot.")
                .syntax("slot:integer [flush-type: ASYNC|SYNC]"),
            Command::new(Group::Cluster, "flushslots", 2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Takes all slots away from this node."),
            Command::new(Group::Cluster, "forget", 3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Removes a node from the list of known ones.")
                .syntax("node-id"),
            Command::new(Group::Cluster, "getkeysinslot", 4, no_cluster)
                .flags(&[STALE])
                .since("3.0.0")
                .summary("Returns keys of a slot.")
                .syntax("slot:integer count:integer")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "getslotmigrations", 2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("9.0.0")
                .summary("Lists the slot migrations."),
            Command::new(Group::Cluster, "help", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Cluster, "info", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("3.0.0")
                .summary("Returns the state of the cluster as this node sees it.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "keyslot", 3, slot::keyslot)
                .flags(&[STALE])
                .since("3.0.0")
                .summary("Returns the slot of a key.")
                .syntax("key:string")
                .complexity("O(N), N being the length of the key"),
            Command::new(Group::Cluster, "links", 2, no_cluster)
                .flags(&[STALE])
                .since("7.0.0")
                .summary("Lists the connections between the nodes.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "meet", -4, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Introduces a node to another.")
                .syntax("ip port:integer [cluster-bus-port:integer@4.0.0]"),
            Command::new(Group::Cluster, "migrateslots", -4, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("9.0.0")
                .summary("Moves slots to other nodes.")
                .syntax(
                    "(migration-group: slotsrange-token=SLOTSRANGE (range: \
                    start-slot:integer end-slot:integer)... node-token=NODE node-id)...",
                ),
            Command::new(Group::Cluster, "myid", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("3.0.0")
                .summary("Returns the id of this node."),
            Command::new(Group::Cluster, "myshardid", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("7.2.0")
                .summary("Returns the id of this node's shard.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "nodes", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("3.0.0")
                .summary("Describes the nodes that this one knows.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "replicas", 3, no_cluster)
                .flags(&[ADMIN, STALE])
                .since("5.0.0")
                .summary("Lists the replicas of a primary.")
                .syntax("node-id")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "replicate", -3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Makes this node a replica of another.")
                .syntax("<args: node-id|(no-one: NO ONE)@9.0.0>"),
            Command::new(Group::Cluster, "reset", -2, no_cluster)
                .flags(&[ADMIN, NOSCRIPT, STALE])
                .since("3.0.0")
                .summary("Makes this node forget its cluster.")
                .syntax("[reset-type: HARD|SOFT]"),
            Command::new(Group::Cluster, "saveconfig", 2, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Writes the cluster's state to disk."),
            Command::new(Group::Cluster, "set-config-epoch", 3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("3.0.0")
                .summary("Sets the configuration epoch of a new node.")
                .syntax("config-epoch:integer"),
            Command::new(Group::Cluster, "setslot", -4, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING, MAY_REPLICATE])
                .since("3.0.0")
                .summary("Binds a slot to a node, or starts or ends its move.")
                .syntax(
                    "slot:integer <subcommand: IMPORTING importing{node-id}|MIGRATING \
                    migrating{node-id}|NODE node{node-id}|STABLE> [TIMEOUT \
                    timeout:integer@8.0.0]",
                ),
            Command::new(Group::Cluster, "shards", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("7.0.0")
                .summary("Describes the shards with their slots and nodes.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "slaves", 3, no_cluster)
                .flags(&[ADMIN, STALE])
                .since("3.0.0")
                .summary("Lists the replicas of a primary.")
                .syntax("node-id")
                .tips(&["nondeterministic_output"])
                .deprecated("5.0.0", "`CLUSTER REPLICAS`"),
            Command::new(Group::Cluster, "slot-stats", -4, no_cluster)
                .flags(&[LOADING, STALE])
                .since("8.0.0")
                .summary("Returns how much slots are used.")
                .syntax(
                    "<filter: SLOTSRANGE (slotsrange: start-slot:integer end-slot:integer)|\
                    ORDERBY (orderby: metric [LIMIT limit:integer] [order: ASC|DESC])>",
                )
                .tips(&["nondeterministic_output", "request_policy:all_shards"]),
            Command::new(Group::Cluster, "slots", 2, no_cluster)
                .flags(&[LOADING, STALE])
                .since("3.0.0")
                .summary("Lists which nodes have which slots.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Cluster, "syncslots", -3, no_cluster)
                .flags(&[ADMIN, STALE, NO_ASYNC_LOADING])
                .since("9.0.0")
                .summary("For nodes among themselves: moves slots.")
                .internal(),
        ]),
    Command::new(Group::Cluster, "clusterscan", -2, no_cluster)
        .flags(&[READONLY])
        .acl(&[Acl::KEYSPACE])
        .keys(&[key(1, &[NOT_KEY])])
        .lock(Lock::None)
        .since("9.1.0")
        .summary("Walks over the keys of a whole cluster.")
        .refused()
        .syntax(
            "cursor:string [MATCH match-pattern:pattern] [COUNT count:integer] [TYPE type:string] [SLOT slot:integer]",
        )
        .tips(&[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ]),
    Command::new(Group::Server, "failover", -1, answer::failover)
        .flags(&[ADMIN, NOSCRIPT, STALE])
        .since("6.2.0")
        .summary("Lets a replica take over.")
        .refused()
        .syntax(
            "[TO (target: host port:integer [FORCE])] [ABORT] [TIMEOUT milliseconds:integer]",
        ),
    Command::new(Group::Server, "module", -2, help)
        .since("4.0.0")
        .summary("Tells about modules.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "list", 2, answer::no_modules)
                .flags(&[ADMIN, NOSCRIPT])
                .since("4.0.0")
                .summary("Lists the modules that are loaded: none.")
                .tips(&["nondeterministic_output_order"]),
            Command::new(Group::Server, "load", -3, answer::module)
                .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
                .since("4.0.0")
                .summary("Loads a module.")
                .refused()
                .syntax("path [arg...]"),
            Command::new(Group::Server, "loadex", -3, answer::module)
                .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
                .since("7.0.0")
                .summary("Loads a module and sets its parameters.")
                .refused()
                .syntax("path [CONFIG (configs: name value)]... [ARGS args...]"),
            Command::new(Group::Server, "unload", 3, answer::module)
                .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
                .since("4.0.0")
                .summary("Unloads a module.")
                .refused()
                .syntax("name"),
        ]),
    Command::new(Group::Server, "psync", -3, answer::no_replicas)
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI])
        .since("2.8.0")
        .summary("For replicas: begins or goes on to replicate.")
        .internal()
        .refused()
        .syntax("replicationid offset:integer"),
    Command::new(Group::Cluster, "readonly", 1, answer::readonly)
        .flags(&[LOADING, STALE, FAST])
        .acl(&[Acl::CONNECTION])
        .since("3.0.0")
        .summary("Allows reads from a replica of a cluster."),
    Command::new(Group::Cluster, "readwrite", 1, answer::readwrite)
        .flags(&[LOADING, STALE, FAST])
        .acl(&[Acl::CONNECTION])
        .since("3.0.0")
        .summary("Takes READONLY back."),
    Command::new(Group::Server, "replconf", -1, answer::no_replicas)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
        .since("3.0.0")
        .summary("For replicas: tells what one is.")
        .internal()
        .refused(),
    Command::new(Group::Server, "replicaof", 3, answer::replicaof)
        .flags(&[ADMIN, NOSCRIPT, STALE, NO_ASYNC_LOADING])
        .since("5.0.0")
        .summary("Makes the server a replica, or a primary again.")
        .refused()
        .syntax("<args: (host-port: host port:integer)|(no-one: NO ONE)>"),
    Command::new(Group::Server, "save", 1, answer::save)
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI])
        .since("1.0.0")
        .summary("Stores the data set and waits until it is stored.")
        .refused(),
    Command::new(Group::Server, "slaveof", 3, answer::replicaof)
        .flags(&[ADMIN, NOSCRIPT, STALE, NO_ASYNC_LOADING])
        .since("1.0.0")
        .summary("Makes the server a replica, or a primary again.")
        .refused()
        .syntax("<args: (host-port: host port:integer)|(no-one: NO ONE)>")
        .deprecated("5.0.0", "`REPLICAOF`"),
    Command::new(Group::Server, "sync", 1, answer::no_replicas)
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI])
        .since("1.0.0")
        .summary("For replicas: begins to replicate.")
        .internal()
        .refused(),
];
