//! RESP: bytes in, bytes out, no sockets.
//!
//! Requests come through [`RequestParser`], which fills a [`Window`] of argument slices ([`Args`]) over a [`ReadBuffer`].
//! Replies go into a [`Reply`], an output chain that speaks RESP2 or RESP3. [`decode`] reads replies, where Larder is
//! the client. Everything that a stranger's bytes reach is incremental, bounded and free of recursion.

pub mod args;
pub mod buffer;
pub mod decode;
pub mod double;
pub mod error;
pub mod inline;
pub mod parser;
pub mod reply;
pub mod window;

mod chain;
mod encode;
mod pool;

pub use args::{Args, OwnedArgs};
pub use buffer::ReadBuffer;
pub use double::DoubleText;
pub use error::ReplyError;
pub use parser::{Limits, ProtocolError, RequestParser};
pub use pool::BUFFER_LEN;
pub use reply::{Deferred, Mark, Protocol, Reply};
pub use window::{WINDOW, Window};
