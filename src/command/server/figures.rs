//! Where the memory is, in numbers: for INFO and for MEMORY.
//!
//! *Used* is what the allocators give, all of it; *overhead* is what is there without any key or goes with their
//! number (the process at its start, tables, connections), *dataset* the rest.

use crate::keyspace::whole::DatabaseFigures;
use crate::memory;
use crate::server::Server;

/// Bytes, from what is used up to what the system gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryFigures {
    /// What the allocators give.
    pub(super) used: usize,
    /// The most that was ever seen.
    pub(super) peak: usize,
    /// What was used before the first connection.
    pub(super) startup: usize,
    /// What clients hold.
    pub(super) clients: usize,
    /// The tables, without the records.
    pub(super) tables: usize,
    /// What is there without any key or goes with their number.
    pub(super) overhead: usize,
    /// The rest.
    pub(super) dataset: usize,
    /// What the slabs and blocks in use lie in.
    pub(super) active: usize,
    /// `active`, and what the allocators keep for later.
    pub(super) resident: usize,
    /// What the process occupies, as the system says.
    pub(super) process: usize,
    /// The number of keys.
    pub(super) keys: usize,
}

impl MemoryFigures {
    /// The figures at this moment.
    pub(super) fn now(server: &Server, databases: &[DatabaseFigures]) -> Self {
        let (used, slabs, (_, kept)) = (memory::used(), memory::usage(), memory::big_usage());
        let startup = server.facts.memory_at_start.min(used);
        let clients = server.cap.clients();
        let tables: usize = databases.iter().map(|database| database.table_bytes).sum();
        let losses = server.keyspace.eviction.losses.memory();
        let overhead = (startup + tables + clients + losses).min(used);
        // What is in neither slabs nor pages is counted by size class: free room inside it is not known.
        let elsewhere = used.saturating_sub(slabs.allocated);
        let active = elsewhere + slabs.in_slabs.max(slabs.allocated);
        let resident = (elsewhere + slabs.resident + kept).max(active);
        Self {
            used,
            peak: memory::peak(),
            startup,
            clients,
            tables,
            overhead,
            dataset: used - overhead,
            active,
            resident,
            process: memory::resident(),
            keys: databases.iter().map(|database| database.keys).sum(),
        }
    }

    /// A share of one figure in another, in percent.
    pub(super) fn percentage(part: usize, whole: usize) -> f64 {
        part as f64 * 100.0 / whole.max(1) as f64
    }
}
