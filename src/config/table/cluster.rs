//! Cluster mode: refused; its tuning is kept.

use super::Section;
use crate::config::parameter::{INT, LONG, ULONG, memory, number, one_of, text, yes_no};

fn config_file(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        Err("cluster-config-file can't be empty")
    } else {
        Ok(())
    }
}

fn hostname(value: &str) -> Result<(), &'static str> {
    if value.len() >= 256 {
        Err("Hostnames must be less than 256 characters")
    } else if value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    {
        Ok(())
    } else {
        Err("Hostnames may only contain alphanumeric characters, hyphens or dots")
    }
}

fn node_name(value: &str) -> Result<(), &'static str> {
    // The characters with a meaning in the nodes file, and everything that cannot be printed.
    let refused = |c: char| !c.is_ascii_graphic() || "!\"#$%&'()*+,/;<>?@[\\]^`{|}~=".contains(c);
    if value.contains(refused) {
        Err("Announced human node name contained invalid character")
    } else {
        Ok(())
    }
}

fn ipv4(value: &str) -> Result<(), &'static str> {
    let valid = value.is_empty() || value.parse::<std::net::Ipv4Addr>().is_ok();
    if valid {
        Ok(())
    } else {
        Err("Invalid IPv4 address")
    }
}

fn ipv6(value: &str) -> Result<(), &'static str> {
    let valid = value.is_empty() || value.parse::<std::net::Ipv6Addr>().is_ok();
    if valid {
        Ok(())
    } else {
        Err("Invalid IPv6 address")
    }
}

pub(super) const SECTION: Section = Section {
    name: "cluster",
    title: "Cluster",
    parameters: &[
        yes_no("cluster-enabled", "no")
            .fixed()
            .only("no", "cluster mode is not supported")
            .kept("Be a node of a cluster."),
        yes_no("cluster-allow-pubsubshard-when-down", "yes")
            .kept("Shard channels while the cluster is down."),
        yes_no("cluster-allow-reads-when-down", "no").kept("Reads while the cluster is down."),
        yes_no("cluster-allow-replica-migration", "yes").kept("Let replicas move."),
        number("cluster-announce-bus-port", 0, 65_535, "0").kept("Bus port told to others."),
        text("cluster-announce-client-ipv4", "")
            .checked(ipv4)
            .kept("IPv4 address told to clients."),
        text("cluster-announce-client-ipv6", "")
            .checked(ipv6)
            .kept("IPv6 address told to clients."),
        number("cluster-announce-client-port", 0, 65_535, "0").kept("Port told to clients."),
        number("cluster-announce-client-tls-port", 0, 65_535, "0")
            .kept("TLS port told to clients."),
        text("cluster-announce-hostname", "")
            .checked(hostname)
            .kept("Host name told to others."),
        text("cluster-announce-human-nodename", "")
            .checked(node_name)
            .kept("Name for people."),
        text("cluster-announce-ip", "").kept("Address told to others."),
        number("cluster-announce-port", 0, 65_535, "0").kept("Port told to others."),
        number("cluster-announce-tls-port", 0, 65_535, "0").kept("TLS port told to others."),
        number("cluster-blacklist-ttl", 0, ULONG, "60")
            .kept("Seconds for which a forgotten node stays out."),
        number("cluster-compatibility-sample-ratio", 0, 100, "0")
            .kept("Percentage of commands checked for cluster use."),
        text("cluster-config-file", "nodes.conf")
            .fixed()
            .checked(config_file)
            .kept("File of the known nodes."),
        one_of(
            "cluster-config-save-behavior",
            &["sync", "best-effort"],
            "sync",
        )
        .kept("How that file is written."),
        number("cluster-databases", 1, INT, "1")
            .fixed()
            .kept("Databases in cluster mode."),
        memory("cluster-link-sendbuf-limit", 0, ULONG, "0").kept("Buffer of a link between nodes."),
        number("cluster-manual-failover-timeout", 1, INT, "5000")
            .kept("Milliseconds of a manual failover."),
        number("cluster-migration-barrier", 0, INT, "1").kept("Replicas that a primary keeps."),
        number("cluster-node-timeout", 0, LONG, "15000")
            .kept("Milliseconds after which a node is dead."),
        number("cluster-port", 0, 65_535, "0")
            .fixed()
            .kept("Bus port."),
        one_of(
            "cluster-preferred-endpoint-type",
            &["ip", "hostname", "unknown-endpoint"],
            "ip",
        )
        .kept("What clients are told."),
        yes_no("cluster-replica-no-failover", "no")
            .alias(&["cluster-slave-no-failover"])
            .kept("Never fail over."),
        number("cluster-replica-validity-factor", 0, INT, "10")
            .alias(&["cluster-slave-validity-factor"])
            .kept("How fresh a replica must be to fail over."),
        yes_no("cluster-require-full-coverage", "yes").kept("Stop when a slot has no node."),
        number("cluster-slot-migration-log-max-len", 0, LONG, "1000")
            .kept("Slot migrations remembered."),
        yes_no("cluster-slot-stats-enabled", "no").kept("Statistics for every slot."),
        memory("slot-migration-max-failover-repl-bytes", 0, LONG, "0")
            .kept("Bytes in flight at which a slot changes hands."),
    ],
};
