//! Scripts and functions: programs in Lua that clients send, run as one command each, beside the data.
//!
//! * [`store`] knows which scripts and libraries a server has; [`footprint`] tells from a script's source whether it keeps
//!   to the keys that it declares.
//! * [`engine`] runs one, on a stack of its own: whenever the script wants a command executed, has used up its turn, or is
//!   done, control comes back to the caller. So what executes commands knows nothing of Lua, and a script that takes long
//!   can be set aside; [`running`] is the list of those.
//! * [`lua`] is the world that scripts see: protected globals, libraries; [`api`] is what scripts see as `redis`, `native` and [`convert`] how replies become Lua's values and the reverse.

pub mod api;
pub mod convert;
pub mod engine;
pub mod footprint;
mod interpreter;
pub mod library;
pub mod local;
pub mod lua;
pub mod memory;
mod native;
mod raise;
pub mod running;
pub mod store;

use std::sync::atomic::{AtomicU64, Ordering};

pub use api::Namespace;
pub use store::Scripts;

/// A script's run: the number under which it is set aside, and under which it reserves shards. Never 0, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

impl Ticket {
    /// The next one.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
