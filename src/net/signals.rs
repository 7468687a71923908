//! The signals that end the server: SIGTERM and SIGINT. A second one ends it on the spot.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::server::Server;

/// Waits until a signal or a client ends the server.
///
/// # Errors
/// The signals cannot be caught.
pub(super) fn wait(server: &Server) -> io::Result<()> {
    super::local_runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => tracing::info!("Received SIGTERM scheduling shutdown..."),
            _ = interrupt.recv() => tracing::info!("Received SIGINT scheduling shutdown..."),
            () = server.shutdown_asked() => tracing::info!("User requested shutdown..."),
        }
        Ok(())
    })
}
