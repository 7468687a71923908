//! What a connection occupies: shown to others, and added up for its worker.
//!
//! The sums decide what counts as data and when clients have to be closed. They are brought up to date behind every turn, behind
//! messages from elsewhere, and in the middle of a turn in which much is received.

use std::sync::atomic::Ordering::Relaxed;

use super::{Connection, End};
use crate::command::room;
use crate::server::Server;
use crate::session::ClientFlags;

impl Connection {
    /// What has been received and was not executed, as others see it.
    pub(super) fn shown_input(&self) -> usize {
        let shown = &self.client().buffers;
        shown.query.load(Relaxed) + shown.arguments.load(Relaxed)
    }

    /// Much has been received in one turn: it is counted before it is executed, so that it takes nothing from the data, and ends the
    /// client if that takes too much.
    #[cold]
    pub(super) fn count_input(&mut self, server: &Server) -> Result<(), End> {
        self.show_input();
        self.count_memory(server);
        room::bound_clients(server, self.session.worker());
        match self.client().flags().contains(ClientFlags::CLOSE_ASAP) {
            true => Err(End::Evicted),
            false => Ok(()),
        }
    }

    pub(super) fn show_input(&self) {
        let shown = &self.client().buffers;
        let in_arguments = self.window.memory();
        // A large argument that is not complete yet is received apart from the rest.
        let received = self.parser.buffered(&self.buffer, &self.window) - in_arguments;
        shown.query.store(received, Relaxed);
        let free = self.buffer.capacity() - self.buffer.len();
        shown.query_free.store(free, Relaxed);
        shown.arguments.store(in_arguments, Relaxed);
        shown.names.store(self.session.memory_of_names(), Relaxed);
    }

    pub(super) fn show_output(&self) {
        let shown = &self.client().buffers;
        let (chunks, bytes) = self.reply.shared();
        shown
            .reply_flat
            .store(self.reply.pending() - bytes, Relaxed);
        shown.reply_capacity.store(self.reply.memory(), Relaxed);
        shown.reply_chunks.store(chunks, Relaxed);
        shown.reply_chunk_bytes.store(bytes, Relaxed);
    }

    /// Brings the worker's sum of its clients' memory up to date.
    pub(in crate::net) fn count_memory(&mut self, server: &Server) {
        self.unshared = self.reply.unshared();
        self.count_shown(server);
    }

    /// The same behind a message from elsewhere, which is shared, or small: nothing of the rest is looked at again.
    pub(in crate::net) fn count_delivered(&mut self, server: &Server) {
        self.count_shown(server);
        room::bound_clients(server, self.session.worker());
    }

    fn count_shown(&mut self, server: &Server) {
        let all = self.client().memory();
        let shared = self.reply.shared().1;
        let own = all - shared.min(all) + self.unshared.min(shared);
        self.session.count_memory(&server.cap, (all, own));
    }
}
