//! Another server, as Larder talks to one: a blocking connection that sends requests and reads replies.
//!
//! For threads that may wait: tools, and what the server does beside its workers. Every wait has a time limit.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::resp::ReplyError;
use crate::resp::decode::{DecodeLimits, ReplyDecoder, Value};

/// Bytes read at once.
const READ: usize = 64 * 1024;
/// What is kept of a buffer that a big value has made large.
const KEPT: usize = 1024 * 1024;

/// A connection to a server.
pub struct Peer {
    stream: TcpStream,
    decoder: ReplyDecoder,
    /// Requests that are not sent yet.
    requests: Vec<u8>,
    room: Box<[u8]>,
}

impl Peer {
    /// Connects to the first address of the host that takes it. No later wait is longer than `timeout` either, which
    /// is not zero.
    ///
    /// # Errors
    /// The last address's, or that there is none.
    pub fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(timeout))?;
                    stream.set_write_timeout(Some(timeout))?;
                    stream.set_nodelay(true)?;
                    return Ok(Self {
                        stream,
                        decoder: ReplyDecoder::new(DecodeLimits::default()),
                        requests: Vec::new(),
                        room: vec![0; READ].into(),
                    });
                }
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// Adds a request to those that the next [`Peer::send`] sends.
    pub fn push(&mut self, words: &[&[u8]]) {
        let mut digits = itoa::Buffer::new();
        let mut header = |requests: &mut Vec<u8>, prefix, number: usize| {
            requests.push(prefix);
            requests.extend_from_slice(digits.format(number).as_bytes());
            requests.extend_from_slice(b"\r\n");
        };
        header(&mut self.requests, b'*', words.len());
        for word in words {
            header(&mut self.requests, b'$', word.len());
            self.requests.extend_from_slice(word);
            self.requests.extend_from_slice(b"\r\n");
        }
    }

    /// Bytes that wait to be sent.
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    /// Sends what was pushed.
    ///
    /// # Errors
    /// The socket's, a time limit among them.
    pub fn send(&mut self) -> io::Result<()> {
        let sent = self.stream.write_all(&self.requests);
        self.requests.clear();
        self.requests.shrink_to(KEPT);
        sent
    }

    /// Waits for the next reply.
    ///
    /// # Errors
    /// The socket's, a time limit among them; the end of the connection; what is no reply.
    pub fn reply(&mut self) -> io::Result<Value> {
        loop {
            let reply = self
                .decoder
                .next_reply()
                .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            if let Some(reply) = reply {
                return Ok(reply);
            }
            match self.stream.read(&mut self.room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.decoder.feed(&self.room[..n]),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// Sends a request and waits for its reply. No other request is waiting for one.
    ///
    /// # Errors
    /// As [`Peer::send`] and [`Peer::reply`].
    pub fn ask(&mut self, words: &[&[u8]]) -> io::Result<Value> {
        self.push(words);
        self.send()?;
        self.reply()
    }

    /// Says who is talking; the inner error is the server's.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub fn authenticate(
        &mut self,
        user: Option<&[u8]>,
        password: &[u8],
    ) -> io::Result<Result<(), ReplyError>> {
        let reply = match user {
            Some(user) => self.ask(&[b"AUTH", user, password])?,
            None => self.ask(&[b"AUTH", password])?,
        };
        Ok(verdict(reply))
    }

    /// Chooses a database; the inner error is the server's.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub fn select(&mut self, db: usize) -> io::Result<Result<(), ReplyError>> {
        let number = itoa::Buffer::new().format(db).to_owned();
        self.ask(&[b"SELECT", number.as_bytes()]).map(verdict)
    }
}

/// Whether a reply says that something was done, and if not, why.
pub fn verdict(reply: Value) -> Result<(), ReplyError> {
    match reply {
        Value::Error(error) => Err(error),
        _ => Ok(()),
    }
}
