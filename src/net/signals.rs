//! The signals that end the server: SIGTERM and SIGINT. A terminal that goes away (SIGHUP) does not.

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
        // Caught once, it never has its usual effect again.
        let _hangup = signal(SignalKind::hangup())?;
        tokio::select! {
            _ = terminate.recv() => tracing::info!("Received SIGTERM scheduling shutdown..."),
            _ = interrupt.recv() => tracing::info!("Received SIGINT scheduling shutdown..."),
            () = server.shutdown_asked() => tracing::info!("User requested shutdown..."),
        }
        Ok(())
    })
}
