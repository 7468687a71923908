//! Memory, expiry, eviction and notifications.

use super::Section;
use crate::config::choice::MaxmemoryPolicy;
use crate::config::parameter::{
    INT, LONG, choice, events, memory, memory_or_share, number, yes_no,
};

pub(super) const SECTION: Section = Section {
    name: "keyspace",
    title: "Keyspace and memory",
    parameters: &[
        number("databases", 1, 1024, "16").fixed().honoured("How many databases SELECT knows."),
        memory_or_share("maxmemory", "0")
            .honoured("Bytes that the data may take, or a percentage of the machine's or the container's memory; 0 means as much as there is."),
        memory_or_share("maxmemory-resident", "0")
            .honoured("Bytes of physical memory that the process may occupy, or a percentage; keys are evicted above it; 0 means no limit."),
        choice::<MaxmemoryPolicy>("maxmemory-policy", "noeviction").honoured("What gives way at maxmemory."),
        number("active-expire-effort", 1, 10, "1").honoured("How hard expired keys are looked for, from 1 to 10."),
        events("notify-keyspace-events")
            .honoured("Event classes that are published: letters of `KEg$lshzxetdmnA`."),
        memory("script-memory-limit", 1 << 20, LONG, "256mb").fixed().honoured("Bytes that the scripts of one worker may take."),
        yes_no("lazyfree-lazy-expire", "yes").kept("Free expired values off the request's path; Larder always does."),
        yes_no("lazyfree-lazy-server-del", "yes").kept("Free overwritten values off the request's path; Larder always does."),
        yes_no("lazyfree-lazy-user-del", "yes").kept("DEL frees like UNLINK; Larder always does."),
        yes_no("lazyfree-lazy-user-flush", "yes").honoured("FLUSHALL and FLUSHDB without ASYNC or SYNC are asynchronous."),
        yes_no("lazyfree-lazy-eviction", "yes").kept("Free evicted values off the request's path; Larder always does."),
        number("lfu-decay-time", 0, INT, "1").honoured("Minutes until a key's access counter falls by one."),
        number("lfu-log-factor", 0, INT, "10").honoured("How slowly a key's access counter grows."),
        number("maxmemory-eviction-tenacity", 0, 100, "10").honoured("How long eviction may hold a write up."),
        number("maxmemory-samples", 1, 64, "5").honoured("Keys compared to find a victim."),
        number("tracking-table-max-keys", 0, LONG, "1000000").honoured("Keys that are remembered for clients that keep what they read; 0 means any number."),
        yes_no("activedefrag", "yes").honoured("Move values together that lie scattered, so that memory goes back to the system."),
        number("active-defrag-cycle-max", 1, 99, "25").honoured("Percentage of a core that moving takes at the most."),
        number("active-defrag-cycle-min", 1, 99, "1").kept("Least CPU percent for compaction."),
        number("active-defrag-cycle-us", 0, 100_000, "500").kept("Microseconds of one compaction step."),
        memory("active-defrag-ignore-bytes", 1, LONG, "16mb").honoured("Waste below which nothing is moved."),
        number("active-defrag-max-scan-fields", 1, LONG, "1000").kept("Fields of one value compacted in one step."),
        number("active-defrag-threshold-lower", 0, 1000, "10").honoured("Percentage of waste at which moving begins."),
        number("active-defrag-threshold-upper", 0, 1000, "100").kept("Percentage of waste at which compaction works hardest."),
        yes_no("activerehashing", "yes").kept("Let idle time finish a table's growth."),
        yes_no("import-mode", "no").kept("Keep expired keys while data are imported."),
        yes_no("jemalloc-bg-thread", "yes").kept("The allocator's background thread."),
    ],
};
