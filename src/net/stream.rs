//! A connection's bytes, whatever carries them: plain TCP, TLS, a Unix socket.
//!
//! Reading and writing are polled through tokio's own readiness: a read that does not fill its room tells that the socket
//! is drained, so a request costs one read and its reply one write, and waiting costs no system call but the worker's
//! `epoll_wait`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ServerConnection;
use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::tls_stream::TlsStream;
use crate::session::Transport;

/// A connection's two directions of bytes.
#[derive(Debug)]
pub(super) enum Stream {
    /// Plain TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Takes over a connected, non-blocking socket, on the thread whose runtime shall watch it.
    ///
    /// # Errors
    /// The runtime cannot watch it.
    pub(super) fn new(
        socket: Socket,
        transport: Transport,
        tls: Option<Box<ServerConnection>>,
    ) -> io::Result<Self> {
        Ok(match (transport, tls) {
            (Transport::Unix, _) => Self::Unix(UnixStream::from_std(socket.into())?),
            (_, None) => Self::Tcp(TcpStream::from_std(socket.into())?),
            (_, Some(session)) => Self::Tls(Box::new(TlsStream::new(
                TcpStream::from_std(socket.into())?,
                session,
            ))),
        })
    }

    /// Reads into `room`, which must not be empty. 0 is the end of what the client sends.
    ///
    /// # Errors
    /// The connection is broken.
    #[inline]
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        let result = match self {
            Self::Tcp(socket) => Pin::new(socket).poll_read(cx, &mut room),
            Self::Unix(socket) => Pin::new(socket).poll_read(cx, &mut room),
            Self::Tls(tls) => return tls.poll_read(cx, room.initialize_unfilled()),
        };
        result.map_ok(|()| room.filled().len())
    }

    /// Writes some of `slices`, of which there is at least one. What it reports as written may still lie in the TLS
    /// session: see [`poll_flush`](Self::poll_flush).
    ///
    /// # Errors
    /// The connection is broken.
    #[inline]
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match (self, slices) {
            (Self::Tcp(socket), [one]) => Pin::new(socket).poll_write(cx, one),
            (Self::Tcp(socket), _) => Pin::new(socket).poll_write_vectored(cx, slices),
            (Self::Unix(socket), [one]) => Pin::new(socket).poll_write(cx, one),
            (Self::Unix(socket), _) => Pin::new(socket).poll_write_vectored(cx, slices),
            (Self::Tls(tls), _) => tls.poll_write(cx, slices),
        }
    }

    /// Sends what the TLS session holds back. The others hold nothing back.
    ///
    /// # Errors
    /// The connection is broken.
    #[inline]
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Tells the client that nothing more will come, as far as that can be done at once.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        let socket = match self {
            Self::Tcp(socket) => SockRef::from(&*socket),
            Self::Unix(socket) => SockRef::from(&*socket),
            Self::Tls(tls) => {
                tls.close(cx);
                SockRef::from(tls.socket())
            }
        };
        // It may have gone already.
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }
}
