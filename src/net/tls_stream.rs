//! A TLS connection after its handshake: the session and the socket, pumped by hand.
//!
//! The worker owns both and never waits inside: what the session has decrypted is read first, then the socket; what it has
//! encrypted is written before it gets more, so that it holds at most one flush of output.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::ServerConnection;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// A TLS session over its socket.
#[derive(Debug)]
pub(super) struct TlsStream {
    socket: TcpStream,
    session: Box<ServerConnection>,
}

impl TlsStream {
    /// Takes over a session whose handshake is done.
    pub(super) fn new(socket: TcpStream, session: Box<ServerConnection>) -> Self {
        Self { socket, session }
    }

    /// The socket beneath.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Reads decrypted bytes. 0 is the end, announced by the client or not.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.session.reader().read(room) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                // Many clients just close the socket; what they sent before counts.
                Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(0));
                }
                result => return Poll::Ready(result),
            }
            let mut wire = Wire {
                socket: &mut self.socket,
                cx,
            };
            match self.session.read_tls(&mut wire) {
                // The end of the socket's bytes: the session remembers it, and its reader tells it above.
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(why) => return Poll::Ready(Err(why)),
            }
            if let Err(why) = self.session.process_new_packets() {
                // The session has written an alert that says what was wrong.
                let _ = self.poll_flush(cx);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
            }
        }
    }

    /// Encrypts some of `slices` and sends what the socket takes at once.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let taken = self.session.writer().write_vectored(slices)?;
        match self.poll_flush(cx) {
            Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    /// Sends what is encrypted.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut wire = Wire {
                socket: &mut self.socket,
                cx,
            };
            match self.session.write_tls(&mut wire) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(why) => return Poll::Ready(Err(why)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says goodbye, if the socket takes it.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        self.session.send_close_notify();
        let _ = self.poll_flush(cx);
    }
}

/// The socket as rustls wants it: blocking in form, "would block" in fact; the task is woken when it would not.
struct Wire<'a, 'b> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl io::Read for Wire<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut room = ReadBuf::new(room);
        or_would_block(Pin::new(&mut *self.socket).poll_read(self.cx, &mut room))?;
        Ok(room.filled().len())
    }
}

impl io::Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
