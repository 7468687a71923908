//! The section Larder: what no other server has.

use super::Source;
use super::text::Text;
use crate::keyspace::SHARDS;
use crate::memory;

pub(super) fn larder(source: &mut Source<'_, '_>, text: &mut Text) {
    let server = source.server;
    let workers = server.mailboxes.workers();
    text.field("shards", SHARDS);
    text.field("workers", workers);
    text.field("answering_worker", source.session.worker());
    let clients = server.clients.all();
    for worker in 0..workers {
        let connections = clients
            .iter()
            .filter(|client| client.origin.worker == worker)
            .count();
        let commands = server.stats.of(worker).counters.commands.get();
        text.field(
            format_args!("worker{worker}"),
            format_args!("connections={connections},commands={commands}"),
        );
    }
    let totals = server.stats.totals();
    let lost = totals.misses_expired + totals.misses_evicted;
    text.field(
        "keyspace_misses_never_seen",
        totals.keyspace_misses.saturating_sub(lost),
    );
    text.field("keyspace_misses_expired", totals.misses_expired);
    text.field("keyspace_misses_evicted", totals.misses_evicted);
    text.field(
        "loss_history_bytes",
        server.keyspace.eviction.losses.memory(),
    );
    text.field("reserved_bytes", server.cap.reserved());
    text.field("resident_ceiling_bytes", server.cap.ceiling().unwrap_or(0));
    let slabs = memory::usage();
    text.field("slab_allocated_bytes", slabs.allocated);
    text.field("slab_bytes", slabs.in_slabs);
    text.field("slab_resident_bytes", slabs.resident);
    text.field("slab_mapped_bytes", slabs.mapped);
}
