//! What is logged and measured.

use super::Section;
use super::normal::percentiles;
use crate::config::choice::{LogFormat, LogLevel};
use crate::config::parameter::{INT, LONG, choice, number, one_of, text, words, yes_no};

/// `LONG_MIN` is not needed: -1 is the only negative value with a meaning.
const OFF: i128 = -1;

pub(super) const SECTION: Section = Section {
    name: "log",
    title: "Log and statistics",
    parameters: &[
        choice::<LogLevel>("loglevel", "notice")
            .honoured("debug, verbose, notice, warning or nothing."),
        choice::<LogFormat>("log-format", "text")
            .fixed()
            .honoured("text or json."),
        text("logfile", "")
            .fixed()
            .honoured("File that the log is appended to; empty means standard output."),
        number("stats-interval", 0, INT, "60").honoured(
            "Seconds between log lines of hits, misses, expirations and evictions; 0 means none.",
        ),
        number("slowlog-log-slower-than", OFF, LONG, "10000")
            .alias(&["commandlog-execution-slower-than"])
            .honoured("Microseconds from which a command is slow; -1 means none is."),
        number("slowlog-max-len", 0, LONG, "128")
            .alias(&["commandlog-slow-execution-max-len"])
            .honoured("Entries of SLOWLOG."),
        number("commandlog-request-larger-than", OFF, LONG, "1048576")
            .honoured("Bytes from which a request is large; -1 means none is."),
        number("commandlog-large-request-max-len", 0, LONG, "128")
            .honoured("Large requests remembered."),
        number("commandlog-reply-larger-than", OFF, LONG, "1048576")
            .honoured("Bytes from which a reply is large; -1 means none is."),
        number("commandlog-large-reply-max-len", 0, LONG, "128")
            .honoured("Large replies remembered."),
        number("latency-monitor-threshold", 0, LONG, "0")
            .honoured("Milliseconds from which an event is remembered by LATENCY; 0 means none."),
        yes_no("latency-tracking", "yes")
            .honoured("Show percentiles of every command's duration in INFO."),
        words(
            "latency-tracking-info-percentiles",
            percentiles,
            "50 99 99.9",
        )
        .honoured("Percentiles that INFO shows of it."),
        yes_no("hide-user-data-from-log", "yes").kept("Larder never logs keys or values."),
        one_of(
            "log-timestamp-format",
            &["legacy", "iso8601", "milliseconds"],
            "legacy",
        )
        .kept("Larder's timestamps are ISO 8601."),
        yes_no("syslog-enabled", "no")
            .fixed()
            .warn(
                "no",
                "Larder does not write to syslog; the log goes to standard output or logfile",
            )
            .kept("Log to syslog."),
        one_of(
            "syslog-facility",
            &[
                "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
                "local7",
            ],
            "local0",
        )
        .fixed()
        .kept("Syslog facility."),
        text("syslog-ident", "larder")
            .fixed()
            .kept("Name in syslog."),
        yes_no("crash-log-enabled", "yes").kept("Log a report when the process crashes."),
        yes_no("crash-memcheck-enabled", "yes").kept("Test the memory when the process crashes."),
    ],
};
