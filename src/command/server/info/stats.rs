//! The section Stats: the counters of all threads added up, and what the service thread has sampled of them.

use std::sync::atomic::Ordering;

use super::Source;
use super::text::Text;
use crate::mailbox::Kind;
use crate::server::Server;
use crate::stats::{Stats, Totals, ticks};

pub(super) fn stats(source: &mut Source<'_, '_>, text: &mut Text) {
    let (stats, totals) = (&source.server.stats, source.server.stats.totals());
    traffic(stats, &totals, text);
    expiry(source.server, &totals, text);
    text.field("keyspace_hits", totals.keyspace_hits);
    text.field("keyspace_misses", totals.keyspace_misses);
    let pubsub = &source.server.pubsub;
    text.field("pubsub_channels", pubsub.count(Kind::Channel));
    text.field("pubsub_patterns", pubsub.count(Kind::Pattern));
    text.field("pubsubshard_channels", pubsub.count(Kind::Shard));
    text.fields(
        &[
            "latest_fork_usec",
            "total_forks",
            "migrate_cached_sockets",
            "slave_expires_tracked_keys",
            "active_defrag_misses",
            "active_defrag_key_hits",
            "active_defrag_key_misses",
        ],
        0,
    );
    let pass = defragmentation_pass(source.server).unwrap_or(0);
    let passes = totals.defragmentation_millis + pass;
    text.field("total_active_defrag_time", passes);
    text.field("current_active_defrag_time", pass);
    let readers = source.server.keyspace.readers();
    text.field("tracking_total_keys", readers.keys());
    text.field("tracking_total_items", readers.items());
    text.field("tracking_total_prefixes", source.server.tracking.prefixes());
    text.field("active_defrag_hits", totals.blocks_moved);
    text.field("unexpected_error_replies", totals.unexpected_errors);
    text.field("total_error_replies", totals.error_replies);
    text.field("dump_payload_sanitizations", 0);
    text.field("total_reads_processed", totals.reads);
    text.field("total_writes_processed", totals.writes);
    text.fields(
        &[
            "io_threaded_reads_processed",
            "io_threaded_writes_processed",
            "io_threaded_freed_objects",
            "io_threaded_accept_processed",
            "io_threaded_poll_processed",
            "io_threaded_total_prefetch_batches",
            "io_threaded_total_prefetch_entries",
        ],
        0,
    );
    text.field(
        "client_query_buffer_limit_disconnections",
        totals.query_buffer_disconnections,
    );
    text.field(
        "client_output_buffer_limit_disconnections",
        totals.output_buffer_disconnections,
    );
    text.fields(&["reply_buffer_shrinks", "reply_buffer_expands"], 0);
    batches(stats, &totals, text);
    text.field("acl_access_denied_auth", totals.auth_denied);
    text.field("acl_access_denied_cmd", totals.commands_denied);
    text.field("acl_access_denied_key", totals.keys_denied);
    text.field("acl_access_denied_channel", totals.channels_denied);
    text.fields(&["acl_access_denied_tls_cert", "acl_access_denied_db"], 0);
}

fn traffic(stats: &Stats, totals: &Totals, text: &mut Text) {
    let kilobytes = |bytes: &std::sync::atomic::AtomicU64| {
        format!("{:.2}", bytes.load(Ordering::Relaxed) as f64 / 1024.0)
    };
    text.field("total_connections_received", totals.connections);
    text.field("total_commands_processed", totals.commands);
    text.field(
        "instantaneous_ops_per_sec",
        stats.ops_per_second.load(Ordering::Relaxed),
    );
    text.field("total_net_input_bytes", totals.net_input);
    text.field("total_net_output_bytes", totals.net_output);
    text.fields(
        &[
            "total_net_repl_input_bytes",
            "total_net_repl_output_bytes",
            "total_net_cluster_slot_import_bytes",
            "total_net_cluster_slot_export_bytes",
        ],
        0,
    );
    text.field(
        "instantaneous_input_kbps",
        kilobytes(&stats.input_per_second),
    );
    text.field(
        "instantaneous_output_kbps",
        kilobytes(&stats.output_per_second),
    );
    text.fields(
        &[
            "instantaneous_input_repl_kbps",
            "instantaneous_output_repl_kbps",
        ],
        "0.00",
    );
    text.field("rejected_connections", totals.rejected_connections);
    text.fields(&["sync_full", "sync_partial_ok", "sync_partial_err"], 0);
}

fn expiry(server: &Server, totals: &Totals, text: &mut Text) {
    let (cap, stats) = (&server.cap, &server.stats);
    let stale = stats.stale_millionths.load(Ordering::Relaxed) as f64 / 10_000.0;
    text.field("expired_keys", totals.expired_keys);
    text.field("expired_fields", totals.expired_fields);
    text.field("expired_stale_perc", format_args!("{stale:.2}"));
    text.field("expired_keys_with_volatile_items_stale_perc", "0.00");
    text.field(
        "expired_time_cap_reached_count",
        totals.expired_time_cap_reached,
    );
    text.field(
        "expire_cycle_cpu_milliseconds",
        totals.expire_cycle_micros / 1000,
    );
    text.field("evicted_keys", totals.evicted_keys);
    text.field("evicted_clients", totals.evicted_clients);
    text.field("evicted_scripts", server.scripts.evicted());
    text.field("total_eviction_exceeded_time", cap.exceeded_total());
    text.field("current_eviction_exceeded_time", cap.exceeded_now());
}

/// A batch is what the peers call a cycle of the event loop.
fn batches(stats: &Stats, totals: &Totals, text: &mut Text) {
    let of_commands: u64 = stats
        .threads()
        .iter()
        .flat_map(|thread| &thread.commands)
        .map(|command| ticks::to_nanos(command.ticks.get()))
        .sum();
    text.field("eventloop_cycles", totals.cycles);
    let of_cycles = ticks::to_nanos(totals.cycle_ticks);
    text.field("eventloop_duration_sum", of_cycles / 1000);
    text.field("eventloop_duration_cmd_sum", of_commands / 1000);
    text.field(
        "instantaneous_eventloop_cycles_per_sec",
        stats.cycles_per_second.load(Ordering::Relaxed),
    );
    text.field(
        "instantaneous_eventloop_duration_usec",
        stats.micros_per_cycle.load(Ordering::Relaxed),
    );
}

/// How long the pass of defragmentation that is on its way has taken so far, in milliseconds.
pub(super) fn defragmentation_pass(server: &Server) -> Option<u64> {
    let since = server.stats.defragmenting_since.load(Ordering::Relaxed);
    (since > 0).then(|| u64::try_from(server.clock.now() - since).unwrap_or(0))
}
