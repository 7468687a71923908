//! Snapshots and the append-only file: accepted so that existing files work, and never silently promised.

use super::Section;
use super::normal::save;
use crate::config::parameter::{INT, LONG, memory, number, one_of, text, words, yes_no};

fn is_file_name(value: &str) -> bool {
    !value.contains(['/', '\\'])
}

fn dbfilename(value: &str) -> Result<(), &'static str> {
    match value {
        "" => Err("dbfilename can't be empty"),
        _ if !is_file_name(value) => Err("dbfilename can't be a path, just a filename"),
        _ => Ok(()),
    }
}

fn appendfilename(value: &str) -> Result<(), &'static str> {
    match value {
        "" => Err("appendfilename can't be empty"),
        _ if !is_file_name(value) => Err("appendfilename can't be a path, just a filename"),
        _ => Ok(()),
    }
}

fn appenddirname(value: &str) -> Result<(), &'static str> {
    match value {
        "" => Err("appenddirname can't be empty"),
        _ if !is_file_name(value) => Err("appenddirname can't be a path, just a dirname"),
        _ => Ok(()),
    }
}

fn dir(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        Err("dir can't be empty")
    } else {
        Ok(())
    }
}

pub(super) const SECTION: Section = Section {
    name: "persistence",
    title: "Persistence",
    parameters: &[
        words("save", save, "")
            .warn(
                "",
                "nothing is stored: Larder keeps its data in memory only",
            )
            .kept("When to write a snapshot; nothing is stored."),
        yes_no("appendonly", "no")
            .warn_at_start(
                "no",
                "nothing is stored: Larder keeps its data in memory only",
            )
            .kept("Log every write to a file; nothing is stored."),
        text("dir", ".")
            .protected()
            .checked(dir)
            .honoured("Directory where a relative aclfile is looked for; nothing else is stored."),
        text("dbfilename", "dump.rdb")
            .protected()
            .checked(dbfilename)
            .kept("Name of the snapshot."),
        text("appendfilename", "appendonly.aof")
            .fixed()
            .checked(appendfilename)
            .kept("Name of the append-only file."),
        text("appenddirname", "appendonlydir")
            .fixed()
            .checked(appenddirname)
            .kept("Directory of the append-only file."),
        one_of("appendfsync", &["everysec", "always", "no"], "everysec")
            .kept("When the append-only file is synced."),
        yes_no("aof-load-truncated", "yes").kept("Load a truncated append-only file."),
        text("aof-rewrite-cpulist", "")
            .alias(&["aof_rewrite_cpulist"])
            .fixed()
            .kept("Cores for rewriting it."),
        yes_no("aof-rewrite-incremental-fsync", "yes").kept("Sync it piecewise while rewriting."),
        yes_no("aof-timestamp-enabled", "no").kept("Write timestamps into it."),
        yes_no("aof-use-rdb-preamble", "yes").kept("Begin it with a snapshot."),
        memory("auto-aof-rewrite-min-size", 0, LONG, "64mb")
            .kept("Size from which it is rewritten."),
        number("auto-aof-rewrite-percentage", 0, INT, "100")
            .kept("Growth at which it is rewritten."),
        text("bgsave-cpulist", "")
            .alias(&["bgsave_cpulist"])
            .fixed()
            .kept("Cores for writing a snapshot."),
        yes_no("no-appendfsync-on-rewrite", "no").kept("Do not sync while rewriting."),
        yes_no("rdb-del-sync-files", "no").kept("Delete snapshots made for replication."),
        yes_no("rdb-save-incremental-fsync", "yes").kept("Sync a snapshot piecewise."),
        one_of("rdb-version-check", &["strict", "relaxed"], "strict")
            .kept("Which versions of a snapshot are read."),
        yes_no("rdbchecksum", "yes")
            .fixed()
            .kept("Checksum of a snapshot."),
        yes_no("rdbcompression", "yes").kept("Compress a snapshot."),
        yes_no("stop-writes-on-bgsave-error", "yes").kept("Refuse writes when a snapshot fails."),
    ],
};
