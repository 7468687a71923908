//! The process, its host, and everything that fits nowhere else.

use super::Section;
use super::normal::oom_score_adj_values;
use crate::config::parameter::{INT, LONG, flags, number, one_of, text, words, yes_no};

/// What a signal to stop may be told to do.
const ON_SIGNAL: &[&str] = &[
    "default", "save", "nosave", "now", "force", "safe", "failover",
];

pub(super) const SECTION: Section = Section {
    name: "system",
    title: "Process and host",
    parameters: &[
        text("pidfile", "").fixed().honoured("File that holds the process id while the server runs; empty means none."),
        yes_no("daemonize", "no").fixed().warn("no", "Larder stays in the foreground; let the service manager start it in the background").kept("Run in the background."),
        one_of("supervised", &["upstart", "systemd", "auto", "no"], "no").fixed().kept("Tell the service manager when the server is ready."),
        number("busy-reply-threshold", 0, LONG, "5000").alias(&["lua-time-limit"]).honoured("Milliseconds after which a script that runs makes others answer BUSY."),
        number("shutdown-timeout", 0, INT, "10").kept("Seconds to wait for replicas at shutdown; there are none."),
        flags("shutdown-on-sigint", ON_SIGNAL, "default").kept("What SIGINT does; nothing is saved in any case."),
        flags("shutdown-on-sigterm", ON_SIGNAL, "default").kept("What SIGTERM does; nothing is saved in any case."),
        number("io-threads", 1, 256, "1").kept("I/O threads of other servers; see workers."),
        number("events-per-io-thread", 0, INT, "2").kept("Events for which an I/O thread is used."),
        number("prefetch-batch-max-size", 0, 128, "16").kept("Commands whose keys are prefetched together."),
        number("hz", 0, INT, "10").honoured("Turns of the background work (expiry, statistics) in a second, from 1 to 500."),
        yes_no("dynamic-hz", "yes").kept("Adapt hz to the number of clients."),
        text("availability-zone", "").kept("Where the server stands."),
        yes_no("always-show-logo", "no").fixed().kept("Show a logo at start."),
        yes_no("set-proc-title", "yes").fixed().kept("Show the state in the process list."),
        text("proc-title-template", "{title} {listen-addr} {server-mode}").kept("How it is shown."),
        yes_no("disable-thp", "yes").fixed().kept("Switch transparent huge pages off."),
        text("ignore-warnings", "").kept("Warnings of the host's check to ignore."),
        text("locale-collate", "").kept("Locale of SORT's order."),
        one_of("oom-score-adj", &["no", "yes", "relative", "absolute"], "no").kept("Tell the kernel whom to kill first."),
        words("oom-score-adj-values", oom_score_adj_values, "0 200 800").kept("What it is told."),
        text("server-cpulist", "").alias(&["server_cpulist"]).fixed().kept("Cores for the server's threads."),
        text("bio-cpulist", "").alias(&["bio_cpulist"]).fixed().kept("Cores for background threads."),
        text("hash-seed", "").fixed().kept("Seed of the hash function; Larder draws its own at every start."),
        yes_no("extended-redis-compatibility", "yes").honoured("Errors of what scripts call have Redis's words; with no, Valkey's."),
        one_of("sanitize-dump-payload", &["no", "yes", "clients"], "no").kept("Check serialized values deeply."),
    ],
};
