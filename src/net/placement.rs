//! Which worker gets a new connection, and whether it is let in at all.
//!
//! A connection goes to the worker with the fewest, among those that have shown a sign of life lately. It is refused when
//! `maxclients` are there, or by protected mode: without a password, only this machine may come in.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustls::ServerConnection;
use socket2::{SockAddr, Socket, TcpKeepalive};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::tls::Tls;
use super::worker::BEAT;
use crate::mailbox::ClientId;
use crate::server::Server;
use crate::session::{Client, Origin, Transport};

/// What a client hears when `maxclients` are connected.
const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

/// What a client from elsewhere hears while there is no password.
const PROTECTED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set \
for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from \
external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command \
'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, \
however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. \
2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode \
option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the \
'--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE: You only need to do one of the \
above things in order for the server to start accepting connections from the outside.\r\n";

/// A worker that has not shown a sign of life for this long gets no connections.
const SILENCE: Duration = BEAT.saturating_mul(5);

/// A connection on its way to its worker.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The socket, non-blocking.
    pub(super) socket: Socket,
    /// The TLS session, its handshake done.
    pub(super) tls: Option<Box<ServerConnection>>,
    /// The connection's record; it is in the registry already.
    pub(super) client: Arc<Client>,
}

/// A worker as it is seen from the door.
#[derive(Debug)]
struct Door {
    arrivals: UnboundedSender<Arrival>,
    /// Connections that it has, or is about to get.
    connections: AtomicUsize,
    /// Its last sign of life, in milliseconds since the start.
    beat: AtomicU64,
}

/// The workers, and the rules of admission.
pub(super) struct Placement {
    server: Arc<Server>,
    /// The certificates for new TLS connections.
    pub(super) tls: Tls,
    doors: Box<[Door]>,
    /// TLS connections that have been accepted and are no clients yet.
    handshakes: AtomicUsize,
    started: Instant,
}

impl Placement {
    /// Doors to as many workers as the server has mailboxes, and the ends where they receive.
    pub(super) fn new(server: Arc<Server>) -> (Self, Vec<UnboundedReceiver<Arrival>>) {
        let (doors, receivers) = (0..server.mailboxes.workers())
            .map(|_| {
                let (arrivals, receiver) = unbounded_channel();
                (
                    Door {
                        arrivals,
                        connections: AtomicUsize::new(0),
                        beat: AtomicU64::new(0),
                    },
                    receiver,
                )
            })
            .unzip::<_, _, Vec<_>, _>();
        let placement = Self {
            server,
            tls: Tls::default(),
            doors: doors.into_boxed_slice(),
            handshakes: AtomicUsize::new(0),
            started: Instant::now(),
        };
        (placement, receivers)
    }

    /// What all connections share.
    pub(super) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Whether one more client may connect; if not, it is told and counted.
    pub(super) fn has_room_for(&self, socket: &Socket, transport: Transport) -> bool {
        let present = self.server.clients.connected() + self.handshakes.load(Relaxed);
        if present < self.server.settings.maxclients() {
            return true;
        }
        self.refuse(
            socket,
            if transport == Transport::Tls {
                b""
            } else {
                TOO_MANY
            },
        );
        false
    }

    /// Counts a TLS connection that is not a client yet; until what is returned is dropped.
    pub(super) fn begin_handshake(self: &Arc<Self>) -> Handshaking {
        self.handshakes.fetch_add(1, Relaxed);
        Handshaking(Arc::clone(self))
    }

    /// Gives a connection to a worker, unless protected mode forbids it.
    pub(super) fn place(
        &self,
        socket: Socket,
        peer: &SockAddr,
        transport: Transport,
        tls: Option<Box<ServerConnection>>,
    ) {
        let local = is_local(peer);
        let settings = &self.server.settings;
        if !local && settings.protected_mode() && !self.server.users.needs_password() {
            self.refuse(
                &socket,
                if transport == Transport::Tls {
                    b""
                } else {
                    PROTECTED
                },
            );
            return;
        }
        let worker = self.pick();
        let door = &self.doors[worker];
        let origin = Origin {
            addr: name_of(peer, settings).into(),
            laddr: socket
                .local_addr()
                .map_or_else(|_| String::new(), |address| name_of(&address, settings))
                .into(),
            fd: std::os::fd::AsRawFd::as_raw_fd(&socket),
            worker,
            transport,
            local,
        };
        tracing::debug!("Accepted {}", origin.addr);
        let client = self.server.clients.add(origin, Instant::now());
        self.counters().connections.add_shared(1);
        door.connections.fetch_add(1, Relaxed);
        if let Err(refused) = door.arrivals.send(Arrival {
            socket,
            tls,
            client,
        }) {
            // The worker has ended, and so has the server.
            self.left(worker, refused.0.client.id);
        }
    }

    /// A worker's connection has ended.
    pub(super) fn left(&self, worker: usize, client: ClientId) {
        self.server.clients.remove(client);
        self.doors[worker].connections.fetch_sub(1, Relaxed);
    }

    /// A worker shows a sign of life.
    pub(super) fn beat(&self, worker: usize) {
        self.doors[worker].beat.store(self.millis(), Relaxed);
    }

    /// The worker with the fewest connections; of those that seem stuck only if all do.
    fn pick(&self) -> usize {
        let now = self.millis();
        let busyness = |door: &Door| {
            let silent =
                Duration::from_millis(now.saturating_sub(door.beat.load(Relaxed))) > SILENCE;
            (silent, door.connections.load(Relaxed))
        };
        let best = self
            .doors
            .iter()
            .enumerate()
            .min_by_key(|(_, door)| busyness(door));
        best.map_or(0, |(worker, _)| worker)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn refuse(&self, socket: &Socket, message: &[u8]) {
        self.counters().rejected_connections.add_shared(1);
        // One try: nothing has been sent yet, so there is room, and nobody is to wait for a stranger.
        let _ = (&*socket).write(message);
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }

    fn counters(&self) -> &crate::stats::Counters {
        &self.server.stats.of(self.server.acceptor_thread()).counters
    }
}

/// A TLS connection that is not a client yet.
pub(super) struct Handshaking(Arc<Placement>);

impl Drop for Handshaking {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Relaxed);
    }
}

/// Sets up a TCP socket as Redis does: no delay, and probes that find dead peers after twice `keepalive` seconds.
pub(super) fn tune(socket: &Socket, keepalive: u64) {
    // A peer that has gone already makes these fail; the first read will tell.
    let _ = socket.set_tcp_nodelay(true);
    if keepalive > 0 {
        let probes = TcpKeepalive::new()
            .with_time(Duration::from_secs(keepalive))
            .with_interval(Duration::from_secs((keepalive / 3).max(1)))
            .with_retries(3);
        let _ = socket.set_tcp_keepalive(&probes);
    }
}

fn is_local(peer: &SockAddr) -> bool {
    peer.as_socket()
        .is_none_or(|address| address.ip().to_canonical().is_loopback())
}

/// An address as CLIENT LIST shows it.
fn name_of(address: &SockAddr, settings: &crate::config::Settings) -> String {
    match address.as_socket() {
        Some(SocketAddr::V6(v6)) => format!("[{}]:{}", v6.ip(), v6.port()),
        Some(SocketAddr::V4(v4)) => v4.to_string(),
        None => format!("{}:0", settings.unixsocket()),
    }
}
