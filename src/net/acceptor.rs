//! The acceptor: one thread that owns all listeners, takes connections in and hands them to the workers.
//!
//! Running out of descriptors neither spins nor stops it: a reserved descriptor is given up for a moment, so that the
//! connection at the head of the queue can be taken and closed; its client knows then, instead of hanging.

use std::cell::RefCell;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockAddr, Socket};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinHandle, spawn_local};

use super::error::StartError;
use super::handshake::Handshakes;
use super::listen::{self, Endpoint, Open, Place};
use super::placement::{Placement, tune};
use crate::session::Transport;
use crate::stats::Throttle;

/// Connections taken in before the thread's other tasks get their turn.
const IN_A_ROW: u64 = 128;
/// Rest after a failure that will not pass at once.
const REST: Duration = Duration::from_millis(100);
/// Failures to accept are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// A request to listen elsewhere (`CONFIG SET port`, `bind`, `tls-port`), and where the result goes.
pub(super) struct Relisten {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) answer: mpsc::Sender<Result<(), StartError>>,
}

struct Acceptor {
    placement: Arc<Placement>,
    handshakes: Handshakes,
    reserve: RefCell<Option<File>>,
    warning: Throttle,
}

/// A listening socket, watched by the acceptor's runtime.
enum Door {
    Ip(TcpListener),
    Path(UnixListener),
}

/// An endpoint and the task that accepts from it.
struct Listener {
    endpoint: Endpoint,
    task: JoinHandle<()>,
}

/// Accepts connections until the server ends; runs on the acceptor's own thread.
pub(super) async fn run(
    placement: Arc<Placement>,
    open: Vec<Open>,
    mut orders: UnboundedReceiver<Relisten>,
) {
    let server = Arc::clone(placement.server());
    let acceptor = Rc::new(Acceptor {
        handshakes: Handshakes::new(Arc::clone(&placement)),
        placement,
        reserve: RefCell::new(reserve()),
        warning: Throttle::new(LOG_EVERY),
    });
    let mut listeners: Vec<Listener> = open
        .into_iter()
        .filter_map(|open| acceptor.listen(open))
        .collect();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => {
                    let result = acceptor.relisten(&mut listeners, order.endpoints).await;
                    // Whoever asked may have gone.
                    let _ = order.answer.send(result);
                }
                None => break,
            },
            () = server.shutdown_asked() => break,
        }
    }
    for listener in listeners {
        listener.stop().await;
    }
}

impl Acceptor {
    /// Begins to accept from an open listener.
    fn listen(self: &Rc<Self>, open: Open) -> Option<Listener> {
        let Open { endpoint, socket } = open;
        match Door::new(socket, &endpoint.place) {
            Ok(door) => {
                let task = spawn_local(Rc::clone(self).accept_all(door, endpoint.transport));
                Some(Listener { endpoint, task })
            }
            Err(why) => {
                tracing::error!("Cannot accept connections on {endpoint}: {why}");
                None
            }
        }
    }

    /// Listens on exactly these endpoints from now on, or, if that cannot be, on those of before.
    async fn relisten(
        self: &Rc<Self>,
        listeners: &mut Vec<Listener>,
        wanted: Vec<Endpoint>,
    ) -> Result<(), StartError> {
        let (kept, dropped): (Vec<_>, Vec<_>) = listeners
            .drain(..)
            .partition(|old| wanted.contains(&old.endpoint));
        *listeners = kept;
        let mut former = Vec::new();
        // First close, then open: the new ones may include the old (`127.0.0.1`, then `*`).
        for listener in dropped {
            former.push(listener.endpoint.clone());
            listener.stop().await;
        }
        let is_kept = |endpoint: &Endpoint| {
            listeners
                .iter()
                .any(|listener| listener.endpoint == *endpoint)
        };
        let missing = wanted
            .into_iter()
            .filter(|endpoint| !is_kept(endpoint))
            .collect();
        let backlog = self.placement.server().settings.tcp_backlog();
        let result = listen::open_all(missing, backlog);
        match result {
            Ok(opened) => {
                for open in &opened {
                    tracing::info!("Listening on {}", open.endpoint);
                }
                listeners.extend(opened.into_iter().filter_map(|open| self.listen(open)));
                Ok(())
            }
            Err(why) => {
                tracing::warn!("{why}");
                let back = former
                    .into_iter()
                    .filter_map(|endpoint| listen::open(endpoint, backlog).ok().flatten());
                listeners.extend(back.filter_map(|open| self.listen(open)));
                Err(why)
            }
        }
    }

    async fn accept_all(self: Rc<Self>, door: Door, transport: Transport) {
        for taken in 1u64.. {
            let accepted = poll_fn(|cx| door.poll_accept(cx)).await;
            match accepted.and_then(|socket| Ok((socket.peer_addr()?, socket))) {
                Ok((peer, socket)) => self.take(socket, peer, transport),
                Err(why) => self.recover(&door, &why).await,
            }
            if taken % IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn take(&self, socket: Socket, peer: SockAddr, transport: Transport) {
        if !self.placement.has_room_for(&socket, transport) {
            return;
        }
        if transport != Transport::Unix {
            tune(&socket, self.placement.server().settings.tcp_keepalive());
        }
        if transport == Transport::Tls {
            self.handshakes.begin(socket, peer);
        } else {
            self.placement.place(socket, &peer, transport, None);
        }
    }

    /// After a failed `accept`.
    async fn recover(&self, door: &Door, why: &io::Error) {
        match why.raw_os_error() {
            // The client has gone before it was its turn.
            Some(libc::ECONNABORTED | libc::ENOTCONN | libc::EINTR | libc::EPROTO) => {}
            Some(libc::EMFILE | libc::ENFILE) => {
                self.log(why);
                if !self.shed(door).await {
                    tokio::time::sleep(REST).await;
                }
            }
            _ => {
                self.log(why);
                tokio::time::sleep(REST).await;
            }
        }
    }

    /// Takes one connection with the reserved descriptor, and closes it. False if even that cannot be done.
    async fn shed(&self, door: &Door) -> bool {
        drop(self.reserve.take());
        let shed =
            poll_fn(|cx| Poll::Ready(matches!(door.poll_accept(cx), Poll::Ready(Ok(_))))).await;
        let reserved = reserve();
        let complete = reserved.is_some();
        self.reserve.replace(reserved);
        if shed {
            let server = self.placement.server();
            server
                .stats
                .of(server.acceptor_thread())
                .counters
                .rejected_connections
                .add_shared(1);
        }
        shed && complete
    }

    fn log(&self, why: &io::Error) {
        if self.warning.lets_through() {
            tracing::warn!("Accepting client connection: {why}");
        }
    }
}

impl Listener {
    /// Closes the listener; when this is done the address is free.
    async fn stop(self) {
        self.task.abort();
        // Aborting it is what was wanted.
        let _ = self.task.await;
        if let Place::Path(path, _) = &self.endpoint.place {
            // Somebody may have tidied up already.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Door {
    fn new(socket: Socket, place: &Place) -> io::Result<Self> {
        Ok(match place {
            Place::Ip(_) => Self::Ip(TcpListener::from_std(socket.into())?),
            Place::Path(..) => Self::Path(UnixListener::from_std(socket.into())?),
        })
    }

    /// The next connection, non-blocking and not watched by this thread.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        Poll::Ready(match self {
            Self::Ip(listener) => ready!(listener.poll_accept(cx))?
                .0
                .into_std()
                .map(Socket::from),
            Self::Path(listener) => ready!(listener.poll_accept(cx))?
                .0
                .into_std()
                .map(Socket::from),
        })
    }
}

/// A descriptor to give up when there are no others.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}
