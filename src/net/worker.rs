//! A worker: one thread with its own single-threaded runtime, and the connections that live on it.
//!
//! Everything of a connection is touched by its worker's thread alone. Others reach it through the worker's mailbox,
//! which is emptied between batches of requests. Once a second the worker walks its connections for what needs no timer
//! of its own: idle clients, output limits.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::iter::Peekable;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::spawn_local;
use tokio::time::MissedTickBehavior;

use super::connection::{Connection, End};
use super::placement::{Arrival, Placement};
use super::stream::Stream;
use crate::command::dispatch::OUTPUT_HIGH_WATER;
use crate::command::table;
use crate::mailbox::{ClientId, Post};
use crate::memory;
use crate::resp::Protocol;
use crate::server::Server;
use crate::session::{Client, Line};
use crate::tracking;
use crate::value::hasher::BuildNameHasher;

/// Time between two signs of life.
pub(super) const BEAT: Duration = Duration::from_millis(100);
/// Signs of life between two walks over the connections.
const BEATS_PER_WALK: u64 = 10;
/// Connections that are sent to before the others get their turn.
const SENT_AT_ONCE: usize = 128;
/// Bytes that are handed to one connection before it is written to, as far as they come in one go.
const HANDED_TO_ONE: usize = OUTPUT_HIGH_WATER;
/// Bytes that are handed to all connections together before they are written to.
const HANDED_TO_ALL: usize = 4 * 1024 * 1024;
/// How long connections may take to receive their last replies when the server ends.
const GRACE: Duration = Duration::from_secs(3);

/// A worker's state, shared by its tasks.
struct Worker {
    placement: Arc<Placement>,
    number: usize,
    links: RefCell<HashMap<ClientId, Rc<Link>, BuildNameHasher>>,
}

/// A connection as the other tasks of its worker see it.
struct Link {
    connection: RefCell<Connection>,
    /// It is to be closed at once.
    killed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Something has been delivered to it that is still to be sent.
    is_reached: Cell<bool>,
}

/// Serves connections until the server ends; runs on the worker's own thread.
pub(super) async fn run(
    placement: Arc<Placement>,
    number: usize,
    mut arrivals: UnboundedReceiver<Arrival>,
) {
    let worker = Rc::new(Worker {
        placement,
        number,
        links: RefCell::default(),
    });
    // It sends for many connections in one turn.
    spawn_local(tokio::task::unconstrained(empty_mailbox(Rc::clone(
        &worker,
    ))));
    spawn_local(keep_time(Rc::clone(&worker)));
    let server = Arc::clone(worker.server());
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(arrival) => worker.take_in(arrival),
                None => break,
            },
            () = server.shutdown_asked() => break,
        }
    }
    // What was on its way has not been answered anything.
    arrivals.close();
    while let Ok(arrival) = arrivals.try_recv() {
        worker.placement.left(number, arrival.client.id);
    }
    let deadline = Instant::now() + GRACE;
    while !worker.links.borrow().is_empty() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Hands the posts of other threads to the connections.
///
/// A lot of them is handed over before any of it is sent: a connection is written to once, whatever it gets. A lot has its limits, so that what nobody
/// reads is noticed before it has become too much.
async fn empty_mailbox(worker: Rc<Worker>) {
    let server = Arc::clone(worker.server());
    let mailbox = server.mailboxes.of(worker.number);
    let (mut posts, mut reached) = (Vec::new(), Vec::new());
    loop {
        mailbox.drain(&mut posts);
        if posts.is_empty() {
            mailbox.arrived().await;
            continue;
        }
        let mut posts = posts.drain(..).peekable();
        while posts.peek().is_some() {
            mailbox.handed_over(worker.hand_over(&mut posts, &mut reached));
            for links in reached.chunks(SENT_AT_ONCE) {
                links.iter().for_each(|link| worker.send(link));
                // Connections get their turn before the next ones.
                tokio::task::yield_now().await;
            }
            if reached.is_empty() {
                tokio::task::yield_now().await;
            }
            reached.clear();
        }
    }
}

/// Shows that the worker is alive, and walks its connections now and then.
async fn keep_time(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for beat in 0u64.. {
        ticks.tick().await;
        worker.placement.beat(worker.number);
        memory::give_back_if_asked();
        if beat % BEATS_PER_WALK == 0 {
            worker.walk();
        }
    }
}

impl Worker {
    fn server(&self) -> &Arc<Server> {
        self.placement.server()
    }

    /// Begins to serve a connection.
    fn take_in(self: &Rc<Self>, arrival: Arrival) {
        let Arrival {
            socket,
            tls,
            client,
        } = arrival;
        let id = client.id;
        let stream = match Stream::new(socket, client.origin.transport, tls) {
            Ok(stream) => stream,
            Err(why) => {
                tracing::warn!("Cannot serve client {}: {why}", client.origin.addr);
                self.placement.left(self.number, id);
                return;
            }
        };
        let session = self.server().users.welcome(client);
        let connection = Connection::new(stream, session);
        let link = Rc::new(Link {
            connection: RefCell::new(connection),
            killed: Cell::new(false),
            waker: RefCell::new(None),
            is_reached: Cell::new(false),
        });
        self.links.borrow_mut().insert(id, Rc::clone(&link));
        let departure = Departure {
            worker: Rc::clone(self),
            id,
        };
        spawn_local(async move {
            let server = Arc::clone(departure.worker.server());
            let end = poll_fn(|cx| link.poll(cx, &server)).await;
            link.report(end);
            let client = Arc::clone(link.connection.borrow().client());
            drop(departure);
            drop(link);
            if let Some(killer) = client.set_closed() {
                killer.one_is_closed(&server.mailboxes);
            }
        });
    }

    /// Hands over as many of the first posts as make a lot. Returns their bytes.
    fn hand_over(
        &self,
        posts: &mut Peekable<impl Iterator<Item = Post>>,
        reached: &mut Vec<Rc<Link>>,
    ) -> usize {
        let (mut to_one, mut to_all) = (0, 0);
        while to_one < HANDED_TO_ONE
            && to_all < HANDED_TO_ALL
            && let Some(mut post) = posts.next()
        {
            let bytes = post.gather(posts, HANDED_TO_ONE - to_one);
            self.handle(&post, reached);
            to_one += bytes;
            to_all += bytes * post.receivers();
        }
        to_one
    }

    /// Hands a post over. The connections that have got something to send are added to `reached`, each once.
    fn handle(&self, post: &Post, reached: &mut Vec<Rc<Link>>) {
        let mut each = |to: &[ClientId], deliver: &dyn Fn(&mut Connection) -> bool| {
            for id in to {
                if let Some(link) = self.links.borrow().get(id)
                    && deliver(&mut link.connection.borrow_mut())
                    && !link.is_reached.replace(true)
                {
                    reached.push(Rc::clone(link));
                }
            }
        };
        match post {
            Post::Deliver(message) => {
                each(&message.to, &|connection| connection.deliver(message));
            }
            Post::Invalidate(invalidation) => {
                // Once per protocol, if anybody speaks it.
                let encoded = [const { OnceCell::new() }; 2];
                let encode = |protocol: Protocol| -> Bytes {
                    let encode = || tracking::encode(protocol, invalidation.keys.as_ref());
                    encoded[protocol as usize].get_or_init(encode).clone()
                };
                each(&invalidation.to, &|connection| {
                    connection.invalidate(invalidation, encode, self.server())
                });
            }
            Post::Monitored { to, line } => {
                each(to, &|connection| connection.deliver_monitored(line));
            }
            Post::Unblock { to, ticket, reply } => {
                if let Some(link) = self.link(*to)
                    && link
                        .connection
                        .borrow_mut()
                        .unblock(*ticket, reply, self.server())
                {
                    link.wake();
                }
            }
            Post::Kill(id) => {
                if let Some(link) = self.link(*id) {
                    link.kill();
                }
            }
            Post::Wake(id) => {
                if let Some(link) = self.link(*id) {
                    link.wake();
                }
            }
            Post::WakeAll => self.all_links().iter().for_each(|link| link.wake()),
        }
    }

    /// Sends what a connection has got from elsewhere.
    fn send(&self, link: &Rc<Link>) {
        link.is_reached.set(false);
        let sent = link.waker.borrow().as_ref().is_some_and(|waker| {
            let mut cx = Context::from_waker(waker);
            let mut connection = link.connection.borrow_mut();
            !link.killed.get() && connection.send_delivered(&mut cx, self.server())
        });
        if !sent {
            link.wake();
        }
        link.connection.borrow_mut().count_delivered(self.server());
        self.check_output(link);
    }

    /// What is due once a second.
    fn walk(&self) {
        let now = Instant::now();
        let timeout = Duration::from_secs(self.server().settings.timeout());
        for link in self.all_links() {
            if link.connection.borrow().is_overdue(timeout, now) {
                tracing::debug!(
                    "Closing idle client {}",
                    link.connection.borrow().client().origin.addr
                );
                link.kill();
            } else {
                // What it shares with others may be its own by now.
                link.connection.borrow_mut().count_memory(self.server());
                self.check_output(&link);
            }
        }
    }

    fn check_output(&self, link: &Link) {
        let mut connection = link.connection.borrow_mut();
        if !link.killed.get() && connection.exceeds_output_limit(self.server()) {
            let client = connection.client();
            tracing::warn!(
                "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                line(client)
            );
            self.server()
                .stats
                .of(self.number)
                .counters
                .output_buffer_disconnections
                .bump();
            link.kill();
        }
    }

    fn link(&self, id: ClientId) -> Option<Rc<Link>> {
        self.links.borrow().get(&id).cloned()
    }

    fn all_links(&self) -> Vec<Rc<Link>> {
        self.links.borrow().values().cloned().collect()
    }
}

impl Link {
    fn poll(&self, cx: &mut Context<'_>, server: &Server) -> Poll<Option<End>> {
        if self.killed.get() && self.connection.borrow_mut().poll_end(cx, server).is_ready() {
            return Poll::Ready(None);
        }
        {
            let mut waker = self.waker.borrow_mut();
            if !waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()))
            {
                *waker = Some(cx.waker().clone());
            }
        }
        if self.killed.get() {
            return Poll::Pending;
        }
        self.connection.borrow_mut().poll(cx, server).map(Some)
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn kill(&self) {
        self.killed.set(true);
        self.wake();
    }

    /// Says in the log how the connection ended, where that is of interest.
    fn report(&self, end: Option<End>) {
        let connection = self.connection.borrow();
        let client = connection.client();
        match end {
            None => tracing::debug!("Client {} closed by the server", client.origin.addr),
            Some(End::Finished) => {
                tracing::debug!("Client {} closed connection", client.origin.addr)
            }
            Some(End::Evicted) => tracing::debug!("Client {} evicted", client.origin.addr),
            Some(End::Broken(why)) => tracing::debug!("Client {} lost: {why}", client.origin.addr),
            Some(End::QueryTooLong(bytes)) => {
                tracing::warn!(
                    "Closing client that reached max query buffer length: {} (query buffer: {bytes} bytes)",
                    line(client)
                );
            }
        }
    }
}

/// A client as the log shows it: its line of `CLIENT LIST`.
fn line(client: &Client) -> Line<'_> {
    Line {
        client,
        now: Instant::now(),
        command_name: |id| table::by_id(id).map_or("NULL", |command| command.full_name()),
    }
}

/// Forgets a connection when its task is over, however it ended.
struct Departure {
    worker: Rc<Worker>,
    id: ClientId,
}

impl Drop for Departure {
    fn drop(&mut self) {
        let link = self.worker.links.borrow_mut().remove(&self.id);
        if let Some(link) = link
            && let Ok(mut connection) = link.connection.try_borrow_mut()
        {
            connection.leave(self.worker.server());
        }
        self.worker.placement.left(self.worker.number, self.id);
    }
}
