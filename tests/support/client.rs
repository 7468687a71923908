//! A client that sends and receives bytes, with a time limit on every wait.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a client waits for the server before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection of bytes.
pub struct Client<S = TcpStream> {
    stream: S,
    /// Received and not asked for yet.
    received: Vec<u8>,
}

impl Client {
    /// Connects over TCP.
    ///
    /// # Panics
    /// If nobody accepts.
    pub fn connect(address: SocketAddr) -> Self {
        let stream =
            TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts connections");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("the time is not zero");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("the time is not zero");
        stream
            .set_nodelay(true)
            .expect("a fresh socket takes options");
        Self::over(stream)
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        self.stream
            .shutdown(std::net::Shutdown::Write)
            .expect("the socket is connected");
    }
}

impl<S: Read + Write> Client<S> {
    /// Talks over any stream (a Unix socket, TLS).
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes the bytes");
    }

    /// Sends bytes to a server that may close the connection meanwhile.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// Sends one request as a RESP array.
    pub fn request(&mut self, arguments: &[&str]) {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| argument.as_bytes())
            .collect();
        self.send(encode(&arguments));
    }

    /// Sends one request and expects exactly this reply.
    #[track_caller]
    pub fn ask(&mut self, arguments: &[&str], expected: impl AsRef<[u8]>) {
        self.request(arguments);
        self.expect(expected);
    }

    /// Sends bytes as they are and expects exactly this reply.
    #[track_caller]
    pub fn ask_raw(&mut self, bytes: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
        self.send(bytes);
        self.expect(expected);
    }

    /// Sends requests as a person types them, one after the other, and expects exactly the reply beside each.
    #[track_caller]
    pub fn talk(&mut self, dialogue: &[(&str, &str)]) {
        for (line, reply) in dialogue {
            self.send(format!("{line}\r\n"));
            self.expect(reply);
        }
    }

    /// Expects exactly these bytes next.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        while self.received.len() < expected.len() && expected.starts_with(&self.received) {
            if self.receive() == 0 {
                break;
            }
        }
        let got = &self.received[..self.received.len().min(expected.len())];
        assert!(
            got == expected,
            "expected {}, received {}",
            Bytes(expected),
            Bytes(&self.received)
        );
        self.received.drain(..expected.len());
    }

    /// The next line, without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.received.drain(..end + 2).take(end).collect();
                return String::from_utf8_lossy(&line).into_owned();
            }
            assert!(
                self.receive() > 0,
                "expected a line, received {} and the end",
                Bytes(&self.received)
            );
        }
    }

    /// Sends one request and gives the first line of the reply.
    #[track_caller]
    pub fn first_line(&mut self, arguments: &[&str]) -> String {
        self.request(arguments);
        self.line()
    }

    /// Sends one request that is answered by a bulk or verbatim string, and gives that.
    #[track_caller]
    pub fn bulk(&mut self, arguments: &[&str]) -> String {
        let header = self.first_line(arguments);
        let len: usize = header[1..]
            .parse()
            .unwrap_or_else(|_| panic!("expected a bulk string, received {header:?}"));
        let bytes = self.take(len + 2);
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// Sends one request that is answered by a flat aggregate of bulk strings, and gives these.
    #[track_caller]
    pub fn bulks(&mut self, arguments: &[&str]) -> Vec<String> {
        let header = self.first_line(arguments);
        let len: usize = header[1..]
            .parse()
            .unwrap_or_else(|_| panic!("expected an aggregate, received {header:?}"));
        (0..len)
            .map(|_| {
                self.line();
                self.line()
            })
            .collect()
    }

    /// The next `n` bytes.
    #[track_caller]
    pub fn take(&mut self, n: usize) -> Vec<u8> {
        while self.received.len() < n {
            assert!(
                self.receive() > 0,
                "expected {n} bytes, received {} and the end",
                self.received.len()
            );
        }
        self.received.drain(..n).collect()
    }

    /// Everything until the server closes the connection.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        while self.receive() > 0 {}
        std::mem::take(&mut self.received)
    }

    /// Whether these bytes come next, rather than others or the end.
    #[track_caller]
    pub fn brings(&mut self, expected: &[u8]) -> bool {
        while self.received.len() < expected.len() && self.receive() > 0 {}
        self.received.starts_with(expected)
    }

    /// Expects that the server closes the connection and sends nothing more.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        let rest = self.rest();
        assert!(
            rest.is_empty(),
            "expected the end, received {}",
            Bytes(&rest)
        );
    }

    /// Receives something; 0 if the server has closed the connection.
    #[track_caller]
    fn receive(&mut self) -> usize {
        let mut room = [0; 65536];
        match self.stream.read(&mut room) {
            Ok(n) => {
                self.received.extend_from_slice(&room[..n]);
                n
            }
            // What the server had not read when it closed makes the system say "reset".
            Err(why)
                if matches!(
                    why.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
                ) =>
            {
                0
            }
            Err(why) => panic!(
                "waited for the server in vain ({why}); received so far {}",
                Bytes(&self.received)
            ),
        }
    }
}

/// A request as a RESP array.
pub fn encode(arguments: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        request.extend_from_slice(argument);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// Shows bytes in a message, the first of them if they are many.
struct Bytes<'a>(&'a [u8]);

impl std::fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.0[..self.0.len().min(500)];
        write!(f, "{:?}", String::from_utf8_lossy(shown))?;
        if shown.len() < self.0.len() {
            write!(f, "... ({} bytes)", self.0.len())
        } else {
            Ok(())
        }
    }
}
