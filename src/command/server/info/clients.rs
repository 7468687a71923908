//! The section Clients: the connections, and whether they are paused.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Source;
use super::text::Text;
use crate::session::{ClientFlags, PauseMode};

pub(super) fn clients(source: &mut Source<'_, '_>, text: &mut Text) {
    let (server, now) = (source.server, Instant::now());
    let clients = server.clients.all();
    let with = |flag| {
        clients
            .iter()
            .filter(|client| client.flags().contains(flag))
            .count()
    };
    let load = |bytes: &std::sync::atomic::AtomicUsize| bytes.load(Ordering::Relaxed);
    let inputs = clients.iter().map(|client| {
        load(&client.buffers.query)
            + load(&client.buffers.query_free)
            + load(&client.buffers.arguments)
    });
    let outputs = clients.iter().map(|client| {
        load(&client.buffers.reply_capacity) + load(&client.buffers.reply_chunk_bytes)
    });
    text.field("connected_clients", server.clients.connected());
    text.field("cluster_connections", 0);
    text.field("maxclients", server.settings.maxclients());
    text.field("client_recent_max_input_buffer", inputs.max().unwrap_or(0));
    text.field(
        "client_recent_max_output_buffer",
        outputs.max().unwrap_or(0),
    );
    text.field("blocked_clients", with(ClientFlags::BLOCKED));
    text.field("tracking_clients", server.tracking.clients());
    text.field("pubsub_clients", with(ClientFlags::PUBSUB));
    let watched = clients
        .iter()
        .map(|client| load(&client.transaction.watched));
    let watching = watched.clone().filter(|keys| *keys > 0).count();
    text.field("watching_clients", watching);
    text.field("clients_in_timeout_table", 0);
    text.field("total_watched_keys", watched.sum::<usize>());
    let waited = source.keys.waiting_figures();
    text.field("total_blocking_keys", waited.keys);
    text.field("total_blocking_keys_on_nokey", waited.until_gone);
    let (reason, actions, left) = match server.pause.current(now) {
        None => ("none", "none", 0),
        Some((mode, until)) => {
            let actions = match mode {
                PauseMode::Write => "write",
                PauseMode::All => "all",
            };
            (
                "client_pause",
                actions,
                until.saturating_duration_since(now).as_millis(),
            )
        }
    };
    text.field("paused_reason", reason);
    text.field("paused_actions", actions);
    text.field("paused_timeout_milliseconds", left);
}
