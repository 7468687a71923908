//! The reply decoder, for where Larder is the one that reads replies: tests, tools, other servers.
//!
//! Scalars are decoded by `redis-protocol`. Aggregates are put together here, without recursion: the order of a map is
//! kept, nothing is parsed twice however the bytes were cut up, and depth, size and number of elements are bounded before
//! anything is allocated for them. RESP2's replies are a subset of RESP3's but for its two nulls, so that one decoder
//! reads both. Attributes are read and dropped.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use redis_protocol::resp3::decode::complete;
use redis_protocol::resp3::types::{BytesFrame, VerbatimStringFormat};

use super::error::ReplyError;

/// The longest line that announces a length, in bytes.
const MAX_HEADER: usize = 32;

/// Elements for which room is made at once, whatever a header announces.
const MAX_RESERVED: usize = 1024;

/// A reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any of the nulls.
    Null,
    /// A simple string.
    Simple(Bytes),
    /// An error, simple or bulk.
    Error(ReplyError),
    /// An integer.
    Int(i64),
    /// A bulk string.
    Bulk(Bytes),
    /// An array.
    Array(Vec<Value>),
    /// A map, in the order in which it came.
    Map(Vec<(Value, Value)>),
    /// A set, in the order in which it came.
    Set(Vec<Value>),
    /// A push message: not the answer to a request.
    Push(Vec<Value>),
    /// A floating-point number.
    Double(f64),
    /// A boolean.
    Bool(bool),
    /// The digits of a big number.
    BigNumber(Bytes),
    /// A text to show as it is.
    Verbatim {
        /// `txt` or `mkd`.
        format: &'static str,
        /// The text.
        text: Bytes,
    },
}

/// What a reply may be.
#[derive(Clone, Copy, Debug)]
pub struct DecodeLimits {
    /// How deep aggregates may nest; a scalar has depth 0.
    pub max_depth: usize,
    /// The size of one whole reply in bytes.
    pub max_bytes: usize,
    /// The number of elements of one whole reply, nested ones included.
    pub max_elements: usize,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits {
            max_depth: 128,
            max_bytes: 512 * 1024 * 1024,
            max_elements: 16 * 1024 * 1024,
        }
    }
}

/// Why a reply cannot be read. The connection it came from is of no more use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Aggregates nest deeper than allowed.
    TooDeep,
    /// The reply is longer than allowed.
    TooLong,
    /// The reply has more elements than allowed.
    TooMany,
    /// The bytes are not RESP.
    Invalid(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::TooDeep => f.write_str("the reply is nested too deeply"),
            DecodeError::TooLong => f.write_str("the reply is too long"),
            DecodeError::TooMany => f.write_str("the reply has too many elements"),
            DecodeError::Invalid(why) => write!(f, "the reply is not RESP: {why}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// What an aggregate will be once its elements have come.
#[derive(Clone, Copy)]
enum Kind {
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

/// An aggregate that is not complete.
struct Open {
    kind: Kind,
    elements: Vec<Value>,
    missing: usize,
}

/// One step of decoding.
enum Element {
    Scalar(Value),
    Open(Kind, usize),
}

/// Decodes a stream of replies.
pub struct ReplyDecoder {
    limits: DecodeLimits,
    buffer: BytesMut,
    open: Vec<Open>,
    /// The bytes and elements of the current reply so far.
    bytes: usize,
    elements: usize,
    /// No line end in the first so many bytes of the buffer.
    scanned: usize,
}

impl ReplyDecoder {
    /// A decoder that awaits its first reply.
    pub fn new(limits: DecodeLimits) -> ReplyDecoder {
        ReplyDecoder {
            limits,
            buffer: BytesMut::new(),
            open: Vec::new(),
            bytes: 0,
            elements: 0,
            scanned: 0,
        }
    }

    /// Takes received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer for received bytes, to read into.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next reply, if all of it has been received.
    ///
    /// # Errors
    /// The reply exceeds a limit or is not RESP. No more can be read then.
    pub fn next_reply(&mut self) -> Result<Option<Value>, DecodeError> {
        loop {
            let Some(element) = self.element()? else {
                return Ok(None);
            };
            let value = match element {
                Element::Scalar(value) => Some(value),
                Element::Open(kind, len) => self.open(kind, len)?,
            };
            if let Some(value) = value.and_then(|value| self.close(value)) {
                self.bytes = 0;
                self.elements = 0;
                return Ok(Some(value));
            }
        }
    }

    /// Takes the next scalar, or the header of an aggregate, from the buffer.
    fn element(&mut self) -> Result<Option<Element>, DecodeError> {
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let Some((&prefix, header)) = self.buffer[..line].split_first() else {
            return Err(invalid("an empty line"));
        };
        let element = match prefix {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {
                let frame = self.take(line + 2)?;
                Element::Scalar(if prefix == b'-' {
                    error(&frame)
                } else {
                    scalar(&frame)?
                })
            }
            b'$' | b'*' if header == b"-1" => {
                self.take(line + 2)?;
                Element::Scalar(Value::Null)
            }
            b'$' | b'!' | b'=' => {
                let end = length(header)?.saturating_add(line + 4);
                self.check_size(end)?;
                if self.buffer.len() < end {
                    return Ok(None);
                }
                Element::Scalar(scalar(&self.take(end)?)?)
            }
            b'*' | b'%' | b'~' | b'>' | b'|' => {
                let len = length(header)?;
                self.take(line + 2)?;
                open_element(prefix, len)
            }
            other => {
                return Err(invalid(format_args!(
                    "unknown type '{}'",
                    other.escape_ascii()
                )));
            }
        };
        Ok(Some(element))
    }

    /// Where the first line of the buffer ends.
    fn line(&mut self) -> Result<Option<usize>, DecodeError> {
        let from = self.scanned.min(self.buffer.len());
        match memchr::memmem::find(&self.buffer[from..], b"\r\n") {
            Some(at) => Ok(Some(from + at)),
            None => {
                self.check_size(self.buffer.len())?;
                let is_length = self
                    .buffer
                    .first()
                    .is_some_and(|prefix| b"$!=*%~>|".contains(prefix));
                if is_length && self.buffer.len() > MAX_HEADER {
                    return Err(invalid("a length without an end"));
                }
                self.scanned = self.buffer.len().saturating_sub(1);
                Ok(None)
            }
        }
    }

    fn take(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        self.check_size(len)?;
        self.bytes += len;
        self.scanned = 0;
        Ok(self.buffer.split_to(len).freeze())
    }

    fn check_size(&self, next: usize) -> Result<(), DecodeError> {
        let fits = self.bytes.saturating_add(next) <= self.limits.max_bytes;
        if fits {
            Ok(())
        } else {
            Err(DecodeError::TooLong)
        }
    }

    /// Begins an aggregate. One without elements is complete at once.
    fn open(&mut self, kind: Kind, missing: usize) -> Result<Option<Value>, DecodeError> {
        self.elements = self.elements.saturating_add(missing);
        if self.elements > self.limits.max_elements {
            return Err(DecodeError::TooMany);
        }
        if missing == 0 {
            return Ok(finish(kind, Vec::new()));
        }
        if self.open.len() >= self.limits.max_depth {
            return Err(DecodeError::TooDeep);
        }
        let elements = Vec::with_capacity(missing.min(MAX_RESERVED));
        self.open.push(Open {
            kind,
            elements,
            missing,
        });
        Ok(None)
    }

    /// Adds a value to the aggregates that it completes. Returns it when it is a whole reply.
    fn close(&mut self, mut value: Value) -> Option<Value> {
        while let Some(open) = self.open.last_mut() {
            open.elements.push(value);
            open.missing -= 1;
            if open.missing > 0 {
                return None;
            }
            let open = self.open.pop().expect("it was there just now");
            value = finish(open.kind, open.elements)?;
        }
        Some(value)
    }
}

impl Default for ReplyDecoder {
    fn default() -> ReplyDecoder {
        ReplyDecoder::new(DecodeLimits::default())
    }
}

/// Decodes the first reply of `bytes`. Returns it with its length, or nothing if it is not complete.
///
/// # Errors
/// As [`ReplyDecoder::next_reply`].
pub fn decode(bytes: &[u8], limits: DecodeLimits) -> Result<Option<(Value, usize)>, DecodeError> {
    let mut decoder = ReplyDecoder::new(limits);
    decoder.feed(bytes);
    let value = decoder.next_reply()?;
    Ok(value.map(|value| (value, bytes.len() - decoder.buffer.remaining())))
}

fn open_element(prefix: u8, len: usize) -> Element {
    match prefix {
        b'%' => Element::Open(Kind::Map, len.saturating_mul(2)),
        b'|' => Element::Open(Kind::Attribute, len.saturating_mul(2)),
        b'~' => Element::Open(Kind::Set, len),
        b'>' => Element::Open(Kind::Push, len),
        _ => Element::Open(Kind::Array, len),
    }
}

/// The complete aggregate; nothing for attributes.
fn finish(kind: Kind, elements: Vec<Value>) -> Option<Value> {
    match kind {
        Kind::Array => Some(Value::Array(elements)),
        Kind::Set => Some(Value::Set(elements)),
        Kind::Push => Some(Value::Push(elements)),
        Kind::Attribute => None,
        Kind::Map => {
            let mut elements = elements.into_iter();
            let pairs = std::iter::from_fn(|| elements.next().zip(elements.next()));
            Some(Value::Map(pairs.collect()))
        }
    }
}

/// The text of an error, which need not be UTF-8: it may quote what a client sent.
fn error(frame: &[u8]) -> Value {
    Value::Error(ReplyError::from_bytes(frame[1..frame.len() - 2].to_vec()))
}

/// Decodes a frame that is complete and no aggregate.
fn scalar(frame: &Bytes) -> Result<Value, DecodeError> {
    let decoded = complete::decode_bytes(frame).map_err(invalid)?;
    let (decoded, len) = decoded.ok_or_else(|| invalid("a frame without its line end"))?;
    if len != frame.len() {
        return Err(invalid("a line end within a frame"));
    }
    Ok(match decoded {
        BytesFrame::Null => Value::Null,
        BytesFrame::SimpleString { data, .. } => Value::Simple(data),
        BytesFrame::BlobString { data, .. } => Value::Bulk(data),
        BytesFrame::BlobError { data, .. } => Value::Error(ReplyError::from_bytes(data.to_vec())),
        BytesFrame::Number { data, .. } => Value::Int(data),
        BytesFrame::Double { data, .. } => Value::Double(data),
        BytesFrame::Boolean { data, .. } => Value::Bool(data),
        BytesFrame::BigNumber { data, .. } => Value::BigNumber(data),
        BytesFrame::VerbatimString { data, format, .. } => {
            let format = match format {
                VerbatimStringFormat::Text => "txt",
                VerbatimStringFormat::Markdown => "mkd",
            };
            Value::Verbatim { format, text: data }
        }
        _ => return Err(invalid("an unexpected type")),
    })
}

fn length(header: &[u8]) -> Result<usize, DecodeError> {
    let text = str::from_utf8(header)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("a length that is no number"))
}

fn invalid(why: impl fmt::Display) -> DecodeError {
    DecodeError::Invalid(why.to_string())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
