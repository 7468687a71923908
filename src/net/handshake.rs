//! TLS handshakes, on a thread of their own: their arithmetic would hold up a worker's other clients.
//!
//! The thread is started by the first TLS connection. A handshake has a time limit, and only so many are under way at once;
//! the others wait for their turn. What has shaken hands goes to its worker, socket and session.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{SockAddr, Socket};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::placement::{Handshaking, Placement};
use crate::session::Transport;

/// How long a handshake may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Handshakes under way at the same time.
const AT_ONCE: usize = 256;

/// The way to the thread that shakes hands.
pub(super) struct Handshakes {
    placement: Arc<Placement>,
    queue: RefCell<Option<UnboundedSender<Greeting>>>,
}

/// A connection that wants to shake hands.
struct Greeting {
    socket: Socket,
    peer: SockAddr,
    config: Arc<ServerConfig>,
    /// Counts it as a connection until it is a client or gone.
    pending: Handshaking,
}

impl Handshakes {
    /// No thread yet.
    pub(super) fn new(placement: Arc<Placement>) -> Self {
        Self {
            placement,
            queue: RefCell::new(None),
        }
    }

    /// Has a connection shake hands and then be placed.
    pub(super) fn begin(&self, socket: Socket, peer: SockAddr) {
        let Some(config) = self.placement.tls.current() else {
            // TLS has just been switched off.
            return;
        };
        let greeting = Greeting {
            socket,
            peer,
            config,
            pending: self.placement.begin_handshake(),
        };
        let mut queue = self.queue.borrow_mut();
        if queue.is_none() {
            match start(Arc::clone(&self.placement)) {
                Ok(sender) => *queue = Some(sender),
                Err(why) => tracing::error!("Cannot start the thread for TLS handshakes: {why}"),
            }
        }
        if let Some(queue) = &*queue {
            // The thread ends with the server: then nobody is to be greeted any more.
            let _ = queue.send(greeting);
        }
    }
}

fn start(placement: Arc<Placement>) -> io::Result<UnboundedSender<Greeting>> {
    let (sender, greetings) = unbounded_channel();
    let runtime = super::local_runtime;
    std::thread::Builder::new()
        .name("tls".into())
        .spawn(move || match runtime() {
            Ok(runtime) => runtime.block_on(run(placement, greetings)),
            Err(why) => tracing::error!("Cannot start the runtime for TLS handshakes: {why}"),
        })?;
    Ok(sender)
}

/// Runs until the acceptor ends.
async fn run(placement: Arc<Placement>, mut greetings: UnboundedReceiver<Greeting>) {
    let turns = Rc::new(Semaphore::new(AT_ONCE));
    while let Some(greeting) = greetings.recv().await {
        let turn = Rc::clone(&turns);
        let placement = Arc::clone(&placement);
        spawn_local(async move {
            let _turn = turn.acquire().await;
            let peer = greeting.peer.clone();
            match timeout(TIME_LIMIT, shake_hands(&placement, greeting)).await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => tracing::debug!(
                    "Error accepting a client connection: {why} (addr={:?})",
                    peer.as_socket()
                ),
                Err(_) => tracing::debug!(
                    "A TLS handshake took too long (addr={:?})",
                    peer.as_socket()
                ),
            }
        });
    }
}

async fn shake_hands(placement: &Placement, greeting: Greeting) -> io::Result<()> {
    let Greeting {
        socket,
        peer,
        config,
        pending,
    } = greeting;
    let socket = TcpStream::from_std(socket.into())?;
    let stream = TlsAcceptor::from(config).accept(socket).await?;
    let (socket, session) = stream.into_inner();
    let socket = Socket::from(socket.into_std()?);
    // From here it counts as a client.
    drop(pending);
    placement.place(socket, &peer, Transport::Tls, Some(Box::new(session)));
    Ok(())
}
