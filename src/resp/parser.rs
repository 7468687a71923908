//! The request parser: incremental, bounded, without recursion.
//!
//! What has been parsed is never read again, however the bytes were cut up on their way. Nothing is allocated because a
//! header announces it: only what has arrived is paid for. A request that breaks the protocol is an error that closes
//! the connection; the complete requests before it are executed first.
//!
//! Conditions and texts follow Redis, except that line ends are found behind NUL bytes too.

use bytes::Bytes;

use super::args::Span;
use super::buffer::ReadBuffer;
use super::error::ReplyError;
use super::inline;
use super::window::Window;

/// Arguments of this size in bytes and more are read into an allocation of their own.
pub const SHARED_LEN: usize = 32 * 1024;

/// The longest line without an end in sight, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// The most arguments that a request may announce.
const MAX_ARGS: i64 = i32::MAX as i64;

/// What a client may announce before it has authenticated.
const UNAUTHENTICATED_ARGS: i64 = 10;
const UNAUTHENTICATED_BULK: i64 = 16384;

/// The first allocation for a big argument, and the factor by which it grows as data comes.
const DIRECT_START: usize = 64 * 1024;
const DIRECT_GROWTH: usize = 4;

/// What a request may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest argument in bytes (`proto-max-bulk-len`).
    pub max_bulk_len: u64,
    /// Whether the client has authenticated, or need not.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bulk_len: 512 * 1024 * 1024,
            authenticated: true,
        }
    }
}

/// How a request breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// An inline request longer than [`MAX_LINE`].
    InlineTooLong,
    /// An inline request whose quotes do not pair up.
    UnbalancedQuotes,
    /// No end of the line that says how many arguments follow.
    CountTooLong,
    /// The number of arguments is not a number, or too large.
    InvalidCount,
    /// More than ten arguments from a client that has not authenticated.
    UnauthenticatedCount,
    /// No end of the line that says how long an argument is.
    BulkCountTooLong,
    /// An argument that does not begin with `$`, but with this byte.
    ExpectedBulk(u8),
    /// The length of an argument is not a number, negative or too large.
    InvalidBulkLength,
    /// A long argument from a client that has not authenticated.
    UnauthenticatedBulk,
}

impl ProtocolError {
    /// The reply after which the connection is closed.
    pub fn reply(self) -> ReplyError {
        let what = match self {
            ProtocolError::InlineTooLong => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::CountTooLong => "too big mbulk count string",
            ProtocolError::InvalidCount => "invalid multibulk length",
            ProtocolError::UnauthenticatedCount => "unauthenticated multibulk length",
            ProtocolError::BulkCountTooLong => "too big bulk count string",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedBulk => "unauthenticated bulk length",
            ProtocolError::ExpectedBulk(found) => {
                let mut text = b"ERR Protocol error: expected '$', got '".to_vec();
                text.extend([found, b'\'']);
                return ReplyError::from_bytes(text);
            }
        };
        ReplyError::err(format_args!("Protocol error: {what}"))
    }
}

/// Why the parser stopped within a request.
enum Stop {
    /// More bytes are needed.
    Starved,
    /// A limit for unauthenticated clients is exceeded: an error, unless a request that waits authenticates.
    Unauthenticated(ProtocolError),
    /// The protocol is broken.
    Broken(ProtocolError),
}

/// A big argument on its way into its own allocation.
struct Direct {
    /// Initialised as far as it is allocated; in the end the argument and its line end.
    data: Vec<u8>,
    /// How much of it has been received.
    filled: usize,
    /// How long it will be, the line end included.
    len: usize,
}

impl Direct {
    fn new(len: usize) -> Direct {
        Direct {
            data: Vec::new(),
            filled: 0,
            len,
        }
    }

    /// Room for what is to come: at most as much again, times three, as has come already.
    fn spare_mut(&mut self) -> &mut [u8] {
        if self.filled == self.data.len() && self.filled < self.len {
            let size = (self.data.len() * DIRECT_GROWTH)
                .max(DIRECT_START)
                .min(self.len);
            self.data.reserve_exact(size - self.data.len());
            self.data.resize(size, 0);
        }
        &mut self.data[self.filled..]
    }

    fn extend_from_slice(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let spare = self.spare_mut();
            let n = spare.len().min(bytes.len());
            spare[..n].copy_from_slice(&bytes[..n]);
            self.filled += n;
            bytes = &bytes[n..];
        }
    }
}

/// Turns received bytes into requests.
#[derive(Default)]
pub struct RequestParser {
    /// Where the current request starts in the buffer.
    start: usize,
    /// Everything before has been parsed.
    pos: usize,
    /// No line end between `pos` and here.
    scanned: usize,
    /// Arguments that the current request still lacks; 0 between requests.
    remaining: u32,
    /// The length of the argument that is being received.
    bulk: Option<usize>,
    /// Bytes of the current request that are no longer in the buffer.
    moved: usize,
    direct: Option<Box<Direct>>,
    failed: Option<ProtocolError>,
}

impl RequestParser {
    /// A parser that awaits its first request.
    pub fn new() -> RequestParser {
        RequestParser::default()
    }

    /// Parses what has been received, until the window is full or more bytes are needed.
    ///
    /// Call it again after the window has been executed, and read more only when it leaves the window empty.
    ///
    /// # Errors
    /// The protocol is broken: reply so and close. Reported once the requests before it have been executed.
    #[inline]
    pub fn fill(
        &mut self,
        buffer: &mut ReadBuffer,
        window: &mut Window,
        limits: &Limits,
    ) -> Result<(), ProtocolError> {
        if self.failed.is_none() {
            while !window.is_full() && self.has_input(buffer) {
                match self.request(buffer, window, limits) {
                    Ok(()) => {}
                    Err(Stop::Starved) => break,
                    Err(Stop::Unauthenticated(_)) if !window.is_empty() => break,
                    Err(Stop::Unauthenticated(error) | Stop::Broken(error)) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
        }
        if window.is_empty() {
            if let Some(error) = self.failed {
                return Err(error);
            }
            self.compact(buffer);
        }
        Ok(())
    }

    /// Room for the next bytes from the socket: in the buffer, or in the allocation of a big argument.
    pub fn read_space<'a>(&'a mut self, buffer: &'a mut ReadBuffer) -> &'a mut [u8] {
        match &mut self.direct {
            Some(direct) if direct.filled < direct.len => direct.spare_mut(),
            _ => buffer.spare_mut(),
        }
    }

    /// Counts `n` bytes as received that were read into [`read_space`](Self::read_space).
    ///
    /// # Panics
    /// When that is more than there was room for.
    pub fn received(&mut self, buffer: &mut ReadBuffer, n: usize) {
        match &mut self.direct {
            Some(direct) if direct.filled < direct.len => {
                assert!(
                    n <= direct.data.len() - direct.filled,
                    "more bytes were read than there was room for"
                );
                direct.filled += n;
            }
            _ => buffer.advance(n),
        }
    }

    /// Takes `bytes` as received, by copying them.
    pub fn receive(&mut self, buffer: &mut ReadBuffer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.read_space(buffer);
            let n = space.len().min(bytes.len());
            assert!(n > 0, "the read buffer is full");
            space[..n].copy_from_slice(&bytes[..n]);
            self.received(buffer, n);
            bytes = &bytes[n..];
        }
    }

    /// The bytes held for this connection that have not been executed: to compare with `client-query-buffer-limit`.
    pub fn buffered(&self, buffer: &ReadBuffer, window: &Window) -> usize {
        buffer.len() + window.memory() + self.direct.as_ref().map_or(0, |direct| direct.data.len())
    }

    /// Whether a request has been received in part.
    pub fn is_mid_request(&self, buffer: &ReadBuffer) -> bool {
        self.remaining > 0 || self.start < buffer.len()
    }

    /// Whether there is anything to go on with.
    #[inline]
    fn has_input(&self, buffer: &ReadBuffer) -> bool {
        self.pos < buffer.len()
            || self
                .direct
                .as_ref()
                .is_some_and(|direct| direct.filled == direct.len)
    }

    /// Parses one request, or as much of it as there is.
    #[inline]
    fn request(
        &mut self,
        buffer: &mut ReadBuffer,
        window: &mut Window,
        limits: &Limits,
    ) -> Result<(), Stop> {
        if self.remaining == 0 {
            if buffer.bytes()[self.pos] != b'*' {
                return self.inline(buffer, window);
            }
            let (count, after) = self.number(buffer.bytes(), ProtocolError::CountTooLong)?;
            let count = count
                .filter(|&count| count <= MAX_ARGS)
                .ok_or(Stop::Broken(ProtocolError::InvalidCount))?;
            if count > UNAUTHENTICATED_ARGS && !limits.authenticated {
                return Err(Stop::Unauthenticated(ProtocolError::UnauthenticatedCount));
            }
            self.pos = after;
            if count <= 0 {
                self.start = after;
                return Ok(());
            }
            self.remaining = count as u32;
        }
        self.short_arguments(buffer.bytes(), window, limits);
        while self.remaining > 0 {
            self.argument(buffer, window, limits)?;
            self.short_arguments(buffer.bytes(), window, limits);
        }
        window.commit(self.start, self.pos, self.pos - self.start + self.moved);
        self.start = self.pos;
        self.moved = 0;
        Ok(())
    }

    /// Parses arguments of a RESP request as long as they are short, complete and without fault: nearly all that are sent.
    #[inline]
    fn short_arguments(&mut self, bytes: &[u8], window: &mut Window, limits: &Limits) {
        if self.bulk.is_some() {
            return;
        }
        let (mut pos, mut remaining) = (self.pos, self.remaining);
        while remaining > 0
            && let Some(rest) = bytes.get(pos..)
            && let Some((b'$', len, header)) = short_header(rest)
            && rest.len() >= header + len + 2
            && len as u64 <= limits.max_bulk_len
            && let Some(span) = Span::inline(pos + header - self.start, len)
        {
            window.push_span(span);
            pos += header + len + 2;
            remaining -= 1;
        }
        (self.pos, self.remaining) = (pos, remaining);
    }

    /// Parses one argument of a RESP request.
    #[inline(never)]
    fn argument(
        &mut self,
        buffer: &mut ReadBuffer,
        window: &mut Window,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let len = match self.bulk {
            Some(len) => len,
            None => {
                let len = self.bulk_len(buffer.bytes(), limits)?;
                if len >= SHARED_LEN {
                    self.start_direct(buffer, len);
                }
                self.bulk = Some(len);
                len
            }
        };
        if self.direct.is_some() {
            self.finish_direct(window)?;
        } else {
            if buffer.len() - self.pos < len + 2 {
                return Err(Stop::Starved);
            }
            let span =
                Span::inline(self.pos - self.start, len).expect("a buffer is smaller than 2 GB");
            window.push_span(span);
            self.pos += len + 2;
        }
        self.bulk = None;
        self.remaining -= 1;
        Ok(())
    }

    /// The length of the next argument.
    #[inline]
    fn bulk_len(&mut self, bytes: &[u8], limits: &Limits) -> Result<usize, Stop> {
        let (len, after) = self.number(bytes, ProtocolError::BulkCountTooLong)?;
        if bytes[self.pos] != b'$' {
            return Err(Stop::Broken(ProtocolError::ExpectedBulk(bytes[self.pos])));
        }
        let valid = |&len: &i64| len >= 0 && len as u64 <= limits.max_bulk_len;
        let len = len
            .filter(valid)
            .ok_or(Stop::Broken(ProtocolError::InvalidBulkLength))?;
        if len > UNAUTHENTICATED_BULK && !limits.authenticated {
            return Err(Stop::Unauthenticated(ProtocolError::UnauthenticatedBulk));
        }
        self.pos = after;
        Ok(len as usize)
    }

    /// The number on the line at `pos`, behind its first byte (none if it is no number), and where the next line starts.
    #[inline]
    fn number(
        &mut self,
        bytes: &[u8],
        too_long: ProtocolError,
    ) -> Result<(Option<i64>, usize), Stop> {
        let line = bytes.get(self.pos..).unwrap_or_default();
        match short_header(line) {
            Some((_, number, len)) => Ok((Some(number as i64), self.pos + len)),
            None => self.long_number(bytes, too_long),
        }
    }

    /// The same for lines that are long, incomplete or wrong.
    #[cold]
    fn long_number(
        &mut self,
        bytes: &[u8],
        too_long: ProtocolError,
    ) -> Result<(Option<i64>, usize), Stop> {
        let from = self.scanned.max(self.pos);
        match memchr::memchr(b'\r', &bytes[from..]) {
            None if bytes.len() - self.pos > MAX_LINE => Err(Stop::Broken(too_long)),
            None => {
                self.scanned = bytes.len();
                Err(Stop::Starved)
            }
            Some(at) => {
                let end = from + at;
                self.scanned = end;
                if end + 1 == bytes.len() {
                    return Err(Stop::Starved);
                }
                let number = bytes.get(self.pos + 1..end).and_then(strict_number);
                Ok((number, end + 2))
            }
        }
    }

    /// Begins a big argument: what is here of it moves into its own allocation.
    #[cold]
    fn start_direct(&mut self, buffer: &mut ReadBuffer, len: usize) {
        let mut direct = Box::new(Direct::new(len + 2));
        let here = (buffer.len() - self.pos).min(len + 2);
        direct.extend_from_slice(&buffer.bytes()[self.pos..self.pos + here]);
        if self.pos + here == buffer.len() {
            buffer.truncate(self.pos);
            self.moved += len + 2;
        } else {
            self.pos += here;
        }
        self.direct = Some(direct);
    }

    /// Ends a big argument, if all of it has come.
    #[cold]
    fn finish_direct(&mut self, window: &mut Window) -> Result<(), Stop> {
        let Some(mut direct) = self.direct.take_if(|direct| direct.filled == direct.len) else {
            return Err(Stop::Starved);
        };
        direct.data.truncate(direct.len - 2);
        window.push_shared(Bytes::from(direct.data));
        Ok(())
    }

    /// Parses an inline request.
    #[cold]
    fn inline(&mut self, buffer: &mut ReadBuffer, window: &mut Window) -> Result<(), Stop> {
        let from = self.scanned.max(self.pos);
        let Some(at) = memchr::memchr(b'\n', &buffer.bytes()[from..]) else {
            if buffer.len() - self.pos > MAX_LINE {
                return Err(Stop::Broken(ProtocolError::InlineTooLong));
            }
            self.scanned = buffer.len();
            return Err(Stop::Starved);
        };
        let line_end = from + at;
        let line = &mut buffer.bytes_mut()[self.pos..line_end];
        let words = line.strip_suffix(b"\r").map_or(line.len(), <[u8]>::len);
        let split = inline::split(&mut line[..words], |start, len| {
            window.push_span(Span::inline(start, len).expect("a buffer is smaller than 2 GB"));
        });
        split.map_err(|_| Stop::Broken(ProtocolError::UnbalancedQuotes))?;
        self.pos = line_end + 1;
        if window.has_partial() {
            window.commit(self.start, self.pos, self.pos - self.start);
        }
        self.start = self.pos;
        Ok(())
    }

    /// With no request waiting, only the current one's bytes are still needed.
    fn compact(&mut self, buffer: &mut ReadBuffer) {
        if self.start > 0 {
            buffer.discard(self.start);
            self.pos -= self.start;
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
    }
}

/// The usual header's first byte, its number and its length: at most three digits without a leading zero, CR and one byte more.
#[inline]
fn short_header(line: &[u8]) -> Option<(u8, usize, usize)> {
    // What follows every such header makes it five bytes at least.
    let &[sign, one, two, three, four] = line.first_chunk()?;
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    let (first, second, third) = (digit(one), digit(two), digit(three));
    let leads = first.wrapping_sub(1) < 9;
    let (number, digits, is_number) = if two == b'\r' {
        (first, 1, first <= 9)
    } else if three == b'\r' {
        (first * 10 + second, 2, leads && second <= 9)
    } else {
        let number = (first * 10 + second) * 10 + third;
        // The byte behind CR has to be there.
        let ends = four == b'\r' && line.len() > 5;
        (number, 3, leads && second <= 9 && third <= 9 && ends)
    };
    is_number.then_some((sign, number, digits + 3))
}

/// A decimal number as Redis reads it: no sign but a minus, no leading zeros, no spaces.
fn strict_number(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let well_formed = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !well_formed {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
