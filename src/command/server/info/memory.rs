//! The section Memory: see [`MemoryFigures`] for what the words mean.

use std::sync::LazyLock;

use super::Source;
use super::stats::defragmentation_pass;
use super::text::{Human, Text, percent, ratio};
use crate::command::server::figures::MemoryFigures;
use crate::config::choice::Choice;
use crate::config::choice::MaxmemoryPolicy;
use crate::memory::{machine, reclaim};
use crate::script;

/// Physical memory of the machine, in bytes; 0 where it cannot be asked.
static SYSTEM_MEMORY: LazyLock<usize> = LazyLock::new(machine::physical);

pub(super) fn memory(source: &mut Source<'_, '_>, text: &mut Text) {
    let held = MemoryFigures::now(source.server, source.databases());
    text.memory("used_memory", held.used);
    text.memory("used_memory_rss", held.process);
    text.memory("used_memory_peak", held.peak);
    text.field("used_memory_peak_perc", percent(held.used, held.peak));
    text.field("used_memory_overhead", held.overhead);
    text.field("used_memory_startup", held.startup);
    text.field("used_memory_dataset", held.dataset);
    text.field(
        "used_memory_dataset_perc",
        percent(held.dataset, held.used - held.startup),
    );
    text.field("allocator_allocated", held.used);
    text.field("allocator_active", held.active);
    text.field("allocator_resident", held.resident);
    text.field("allocator_muzzy", 0);
    text.memory("total_system_memory", *SYSTEM_MEMORY);
    scripts(source, text);
    let settings = &source.server.settings;
    let maxmemory = settings.maxmemory();
    text.field("maxmemory", maxmemory);
    text.field(
        "maxmemory_human",
        Human(usize::try_from(maxmemory).unwrap_or(usize::MAX)),
    );
    text.field(
        "maxmemory_policy",
        MaxmemoryPolicy::WORDS[settings.maxmemory_policy() as usize],
    );
    fragmentation(&held, text);
    text.field("mem_not_counted_for_evict", source.server.cap.not_counted());
    text.fields(
        &[
            "mem_replication_backlog",
            "mem_total_replication_buffers",
            "mem_replicas_repl_buffer",
            "mem_clients_slaves",
        ],
        0,
    );
    text.field("mem_clients_normal", held.clients);
    text.fields(
        &[
            "mem_cluster_links",
            "mem_cluster_slot_import",
            "mem_cluster_slot_export",
            "mem_aof_buffer",
        ],
        0,
    );
    text.field("mem_allocator", "mimalloc");
    text.field("mem_overhead_db_hashtable_rehashing", 0);
    // As the share of a core that it may take, in percent.
    let defragments = defragmentation_pass(source.server).is_some();
    let share = if defragments {
        settings.active_defrag_cycle_max()
    } else {
        0
    };
    text.field("active_defrag_running", share);
    text.field("lazyfree_pending_objects", reclaim::pending_objects());
    text.field("lazyfreed_objects", reclaim::freed_objects());
}

/// What scripts and functions take. The same interpreters run both, and are shown as those of scripts.
fn scripts(source: &Source<'_, '_>, text: &mut Text) {
    let scripts = &source.server.scripts;
    let libraries = scripts.libraries.all();
    let (cached, functions) = (scripts.memory(), libraries.memory());
    let interpreters = script::memory::used();
    text.fields(&["used_memory_lua", "used_memory_vm_eval"], interpreters);
    text.field("used_memory_lua_human", Human(interpreters));
    text.field("used_memory_scripts_eval", cached);
    text.field("number_of_cached_scripts", scripts.count());
    text.field("number_of_functions", libraries.functions());
    text.field("number_of_libraries", libraries.libraries().count());
    text.field("used_memory_vm_functions", 0);
    text.memory("used_memory_vm_total", interpreters);
    text.field("used_memory_functions", functions);
    text.memory("used_memory_scripts", cached + functions);
}

fn fragmentation(held: &MemoryFigures, text: &mut Text) {
    let mut pair = |name: &str, bytes: &str, large: usize, small: usize| {
        text.field(name, ratio(large as f64, small as f64));
        text.field(bytes, large.saturating_sub(small));
    };
    pair(
        "allocator_frag_ratio",
        "allocator_frag_bytes",
        held.active,
        held.used,
    );
    pair(
        "allocator_rss_ratio",
        "allocator_rss_bytes",
        held.resident,
        held.active,
    );
    pair(
        "rss_overhead_ratio",
        "rss_overhead_bytes",
        held.process,
        held.resident,
    );
    pair(
        "mem_fragmentation_ratio",
        "mem_fragmentation_bytes",
        held.process,
        held.used,
    );
}
