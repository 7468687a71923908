//! The network: listeners, worker threads, TLS, and each connection's loop.
//!
//! One acceptor thread takes connections in ([`acceptor`]), TLS ones shake hands on a thread of their own
//! ([`handshake`]), and each then lives on the worker that had the fewest ([`placement`], [`worker`]). A connection's loop
//! ([`connection`]) moves bytes between its socket and the dispatcher and knows no command.
//!
//! [`run`] is the program: it serves until it is told to stop. [`start`] is the same without signals, for tests and for
//! whoever embeds a server; a process may hold many.

mod acceptor;
mod connection;
mod error;
mod handshake;
mod limits;
mod listen;
mod output_limit;
mod placement;
mod signals;
mod stream;
mod tls;
mod tls_stream;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use error::StartError;

use acceptor::Relisten;
use listen::Open;
use placement::Placement;

use crate::clock::Clock;
use crate::config::{LARDER_VERSION, Settings};
use crate::server::Server;
use crate::service;

/// How long all threads together get to end.
const END_WITHIN: Duration = Duration::from_millis(4500);
/// How long a change of the listeners may take.
const RELISTEN_WITHIN: Duration = Duration::from_secs(2);

/// What a start needs beside the settings.
#[derive(Debug, Default)]
pub struct Options {
    /// Where the time for expiry comes from.
    pub clock: Clock,
    /// `port 0` means any free port instead of none.
    pub any_port: bool,
}

/// A running server. It stops when this is dropped.
pub struct Handle {
    server: Arc<Server>,
    addresses: Vec<SocketAddr>,
    /// Disconnected when every thread has dropped its end.
    ended: mpsc::Receiver<()>,
}

/// Serves until a signal or `SHUTDOWN` ends it. The log must have been started.
///
/// # Errors
/// The server could not start.
pub fn run(settings: Settings) -> Result<(), StartError> {
    tracing::info!(
        "Larder {LARDER_VERSION} is starting, pid={}, workers={}",
        std::process::id(),
        settings.worker_threads()
    );
    log_panics();
    let pidfile = settings.pidfile();
    let handle = start(settings, Options::default())?;
    if !pidfile.is_empty()
        && let Err(why) = std::fs::write(&*pidfile, format!("{}\n", std::process::id()))
    {
        tracing::warn!("pidfile: cannot write '{pidfile}': {why}");
    }
    let waited = signals::wait(handle.server());
    handle.stop();
    if !pidfile.is_empty() {
        // It may not have been written.
        let _ = std::fs::remove_file(&*pidfile);
    }
    tracing::info!("Larder is now ready to exit, bye bye...");
    waited.map_err(|why| StartError::System(format!("cannot wait for signals: {why}")))
}

/// Panics go where everything else goes; each ends one connection at most.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // The backtrace is there if the environment asks for it.
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!("This should not have happened: {panic}\n{backtrace}");
    }));
}

/// Starts a server: when this returns, it accepts connections.
///
/// # Errors
/// It could not: one line that says why.
pub fn start(settings: Settings, options: Options) -> Result<Handle, StartError> {
    limits::fit_file_limit(&settings).map_err(StartError::System)?;
    let workers = settings.worker_threads();
    let server = Arc::new(Server::new(settings, workers, options.clock));
    let settings = &server.settings;
    server
        .users
        .configure(settings)
        .map_err(StartError::Users)?;

    let (placement, receivers) = Placement::new(Arc::clone(&server));
    let placement = Arc::new(placement);
    placement.tls.reload(settings).map_err(StartError::Tls)?;
    let open = listen::open_all(
        listen::endpoints(settings, options.any_port)?,
        settings.tcp_backlog(),
    )?;
    if open.is_empty() {
        return Err(StartError::Nowhere);
    }
    let addresses = open.iter().filter_map(Open::address).collect();
    warn_if_exposed(&server, &open);
    let listening: Vec<_> = open
        .iter()
        .map(|open| {
            open.address()
                .map_or_else(|| open.endpoint.to_string(), |address| address.to_string())
        })
        .collect();

    let (alive, ended) = mpsc::channel();
    // From here on, a failure ends the threads that have begun.
    let handle = Handle {
        server,
        addresses,
        ended,
    };
    let (orders, order_receiver) = unbounded_channel();
    follow_settings(&placement, orders, options.any_port);
    for (number, arrivals) in receivers.into_iter().enumerate() {
        let placement = Arc::clone(&placement);
        spawn(format!("worker-{number}"), &alive, move |runtime| {
            runtime.block_on(worker::run(placement, number, arrivals));
        })?;
    }
    spawn("acceptor".into(), &alive, move |runtime| {
        runtime.block_on(acceptor::run(placement, open, order_receiver));
    })?;
    service::spawn_service_thread(Arc::clone(&handle.server))
        .map_err(|why| StartError::System(format!("cannot start the service thread: {why}")))?;
    tracing::info!("Ready to accept connections on {}", listening.join(", "));
    Ok(handle)
}

/// Starts a thread with a runtime of its own. `alive` is dropped when it ends.
fn spawn(
    name: String,
    alive: &mpsc::Sender<()>,
    body: impl FnOnce(&LocalRuntime) + Send + 'static,
) -> Result<(), StartError> {
    let alive = alive.clone();
    let (report, started) = mpsc::channel();
    let thread = thread::Builder::new().name(name.clone()).spawn(move || {
        match local_runtime() {
            Ok(runtime) => {
                drop(report);
                body(&runtime);
            }
            Err(why) => drop(report.send(why)),
        }
        drop(alive);
    });
    let failed = match thread {
        Ok(_) => started
            .recv()
            .err()
            .is_none()
            .then(|| "no event loop".to_owned()),
        Err(why) => Some(why.to_string()),
    };
    match failed {
        None => Ok(()),
        Some(why) => Err(StartError::System(format!(
            "cannot start thread {name}: {why}"
        ))),
    }
}

/// The single-threaded runtime that each thread of the network has.
fn local_runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}

/// Acts on changes of settings by `CONFIG SET`.
fn follow_settings(placement: &Arc<Placement>, orders: UnboundedSender<Relisten>, any_port: bool) {
    let settings = &placement.server().settings;
    settings.on_change(&["maxclients"], |settings| {
        limits::allow_clients(settings.maxclients())
    });
    // The settings belong to the server, which the placement holds: a strong reference would keep both for ever.
    let weak = Arc::downgrade(placement);
    let tls = [
        "tls-port",
        "tls-cert-file",
        "tls-key-file",
        "tls-ca-cert-file",
        "tls-ca-cert-dir",
        "tls-auth-clients",
        "tls-protocols",
    ];
    settings.on_change(&tls, move |settings| {
        weak.upgrade()
            .map_or(Ok(()), |placement| placement.tls.reload(settings))
            .map_err(|why| {
                tracing::warn!("TLS: {why}");
                "Unable to update TLS configuration. Check server logs.".to_owned()
            })
    });
    settings.on_change(&["port", "tls-port", "bind"], move |settings| {
        let (answer, result) = mpsc::channel();
        let done = listen::endpoints(settings, any_port).and_then(|endpoints| {
            let sent = orders.send(Relisten { endpoints, answer });
            let gone = |_| StartError::System("the acceptor has ended".into());
            sent.map_err(|_| StartError::Nowhere)?;
            result.recv_timeout(RELISTEN_WITHIN).map_err(gone)?
        });
        done.map_err(|why| {
            tracing::warn!("{why}");
            "Unable to listen on this port. Check server logs.".to_owned()
        })
    });
}

/// Says so if strangers can reach everything.
fn warn_if_exposed(server: &Server, open: &[Open]) {
    let exposed = open.iter().any(Open::is_public);
    if exposed && !server.settings.protected_mode() && !server.users.needs_password() {
        tracing::warn!(
            "Anyone who can reach this machine can use this server: protected mode is off, there is no password, and it does not \
             listen on the loopback interface only. Set a password with --requirepass, or listen on fewer addresses with --bind."
        );
    }
}

impl Handle {
    /// What all connections share.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The addresses that are listened on, those of `bind` in their order, plain before TLS.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops accepting, lets connections receive their last replies, and waits for the end of all threads, all within five
    /// seconds.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.server.shut_down();
        let deadline = Instant::now() + END_WITHIN;
        // Nothing is ever sent: it returns when the last thread has ended, or at the deadline.
        let _ = self
            .ended
            .recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}
