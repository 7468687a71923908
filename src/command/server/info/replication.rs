//! The sections Replication, Cluster and Scripting Engines: a primary on its own, with Lua.

use super::Source;
use super::text::Text;
use crate::script;

pub(super) fn replication(source: &mut Source<'_, '_>, text: &mut Text) {
    text.field("role", "master");
    text.fields(&["connected_slaves", "replicas_waiting_psync"], 0);
    text.field("master_failover_state", "no-failover");
    text.field("master_replid", source.server.facts.replication_id.lock());
    text.field("master_replid2", "0".repeat(40));
    text.field("master_repl_offset", 0);
    text.field("second_repl_offset", -1);
    text.field("repl_backlog_active", 0);
    text.field("repl_backlog_size", source.setting("repl-backlog-size"));
    text.fields(
        &["repl_backlog_first_byte_offset", "repl_backlog_histlen"],
        0,
    );
}

pub(super) fn cluster(_: &mut Source<'_, '_>, text: &mut Text) {
    text.field("cluster_enabled", 0);
}

pub(super) fn scripting_engines(_: &mut Source<'_, '_>, text: &mut Text) {
    text.field("engines_count", 1);
    text.field("engines_total_used_memory", script::memory::used());
    text.field("engines_total_memory_overhead", 0);
}
