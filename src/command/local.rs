//! A connection without a socket: requests in, reply bytes out, through the same parser and dispatcher as any other.
//!
//! For tests and benchmarks of the whole command path.

use std::time::Instant;

use bytes::Bytes;

use super::context::Suspension;
use super::dispatch::{self, Budget, Progress};
use crate::resp::{Limits, Protocol, ReadBuffer, Reply, RequestParser, Window};
use crate::server::Server;
use crate::session::{Origin, Session, Transport};

/// A connection to a server in the same process.
pub struct LocalClient {
    session: Session,
    parser: RequestParser,
    buffer: ReadBuffer,
    window: Window,
    reply: Reply,
    /// Replies taken out of `reply` because it was full.
    taken: Vec<u8>,
    limits: Limits,
}

impl LocalClient {
    /// Connects, as a client of worker `worker`.
    pub fn new(server: &Server, worker: usize) -> Self {
        let origin = Origin {
            addr: "local:0".into(),
            laddr: "local:0".into(),
            fd: -1,
            worker,
            transport: Transport::Tcp,
            local: true,
        };
        let client = server.clients.add(origin, Instant::now());
        let mut session = server.users.welcome(client);
        // There is nobody who could wake it.
        session.must_not_wait = true;
        Self {
            session,
            parser: RequestParser::new(),
            buffer: ReadBuffer::new(),
            window: Window::new(),
            reply: Reply::new(Protocol::Resp2),
            taken: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Executes pipelined requests, as a client would send them, and gives the replies.
    ///
    /// # Panics
    /// If the requests break the protocol or a command suspends the connection.
    pub fn send(&mut self, server: &Server, requests: &[u8]) -> Bytes {
        self.execute(server, requests);
        self.take();
        Bytes::from(std::mem::take(&mut self.taken))
    }

    /// Executes pipelined requests and throws the replies away: nothing is copied. Gives the replies' length.
    pub fn execute_only(&mut self, server: &Server, requests: &[u8]) -> usize {
        self.execute(server, requests);
        let length = self.taken.len() + self.reply.pending();
        self.taken.clear();
        self.reply.consume(self.reply.pending());
        length
    }

    fn take(&mut self) {
        let replies = self.reply.to_bytes();
        self.reply.consume(replies.len());
        self.taken.extend_from_slice(&replies);
    }

    fn execute(&mut self, server: &Server, requests: &[u8]) {
        self.parser.receive(&mut self.buffer, requests);
        loop {
            self.parser
                .fill(&mut self.buffer, &mut self.window, &self.limits)
                .expect("well-formed requests");
            if self.window.is_empty() {
                return;
            }
            let mut budget = Budget::new(server);
            let (session, reply) = (&mut self.session, &mut self.reply);
            let progress = dispatch::execute(
                server,
                session,
                reply,
                &self.buffer,
                &mut self.window,
                &mut budget,
            );
            match progress {
                // Nobody else waits, and the caller takes all the output there is.
                Progress::Drained
                | Progress::Yield
                | Progress::Suspended(Suspension::Script(_)) => {}
                Progress::OutputFull => self.take(),
                Progress::Close => return,
                Progress::Suspended(_) => panic!("a local connection cannot wait"),
            }
        }
    }

    /// Executes one request.
    pub fn run(&mut self, server: &Server, words: &[&[u8]]) -> Bytes {
        self.send(server, &encode(words))
    }
}

/// A request as clients send it.
pub fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::config::Settings;
    use crate::mailbox::Post;

    impl LocalClient {
        /// Executes what is in the window, or receives `requests` and executes them.
        fn step(&mut self, server: &Server, requests: &[u8], mut budget: Budget) -> Progress {
            if self.window.is_empty() {
                self.parser.receive(&mut self.buffer, requests);
                self.parser
                    .fill(&mut self.buffer, &mut self.window, &self.limits)
                    .expect("well-formed requests");
            }
            dispatch::execute(
                server,
                &mut self.session,
                &mut self.reply,
                &self.buffer,
                &mut self.window,
                &mut budget,
            )
        }
    }

    #[test]
    fn who_would_tell_others_something_waits_while_a_mailbox_is_full() {
        let server = Server::new(Settings::new(), 2, Clock::manual(0).0);
        let mut client = LocalClient::new(&server, 0);
        let mut step = |request: &[u8]| client.step(&server, request, Budget::new(&server));
        let waits = |progress| matches!(progress, Progress::Suspended(Suspension::Delivery(_)));
        let post = Post::Monitored {
            to: Arc::from([7]),
            line: Bytes::from(vec![b'x'; 16 << 20]),
        };
        server.mailboxes.of(1).post(post.clone());
        assert_eq!(step(b"GET k\r\nMULTI\r\nSET k v\r\n"), Progress::Drained);
        assert!(waits(step(b"EXEC\r\n")));
        server.mailboxes.of(1).handed_over(post.bytes());
        assert_eq!(step(b""), Progress::Drained);
        server.mailboxes.of(1).post(post.clone());
        for request in ["PUBLISH c m\r\n", "EVAL 'return 1' 0\r\n"] {
            assert!(waits(step(request.as_bytes())), "{request}");
            server.mailboxes.of(1).handed_over(post.bytes());
            assert_eq!(step(b""), Progress::Drained);
            server.mailboxes.of(1).post(post.clone());
        }
        server.tracking.count(true);
        assert!(
            waits(step(b"GET k\r\n")),
            "others may be told to forget what they have read"
        );
        server.tracking.count(false);
        assert_eq!(step(b""), Progress::Drained);
        server
            .observers
            .change_monitors(|monitors| monitors.add(1, 7));
        assert!(waits(step(b"PING\r\n")), "it is shown");
        server.mailboxes.of(1).handed_over(post.bytes());
        assert_eq!(step(b""), Progress::Drained);
    }

    #[test]
    fn a_script_in_the_middle_waits_while_a_mailbox_is_full() {
        let server = Server::new(Settings::new(), 1, Clock::manual(0).0);
        let mut client = LocalClient::new(&server, 0);
        let script = b"EVAL 'for i=1,1e7 do local x = i end return 1' 0\r\n";
        let first = client.step(&server, script, Budget::new(&server));
        assert!(matches!(first, Progress::Suspended(Suspension::Script(_))));
        let post = Post::Monitored {
            to: Arc::from([7]),
            line: Bytes::from(vec![b'x'; 16 << 20]),
        };
        server.mailboxes.of(0).post(post.clone());
        // Far more turns than it takes.
        for _ in 0..100_000 {
            assert_eq!(client.step(&server, b"", Budget::new(&server)), first);
        }
        server.mailboxes.of(0).handed_over(post.bytes());
        while client.step(&server, b"", Budget::new(&server)) == first {}
        assert_eq!(client.reply.to_bytes(), ":1\r\n");
    }

    #[test]
    fn a_turn_that_is_over_before_it_begins_executes_one_request() {
        let server = Server::new(Settings::new(), 1, Clock::manual(0).0);
        let mut client = LocalClient::new(&server, 0);
        let mut left = 3;
        for progress in [Progress::Yield, Progress::Yield, Progress::Drained] {
            let requests = b"INCR n\r\nINCR n\r\nINCR n\r\n";
            let got = client.step(&server, requests, Budget::without_time(&server));
            left -= 1;
            assert_eq!((got, client.window.len()), (progress, left));
        }
        assert_eq!(client.reply.to_bytes(), ":1\r\n:2\r\n:3\r\n");
    }
}
