//! Commands: the table of their facts, the dispatcher, and one module per family.

mod context;
mod introspect;
mod stub;

pub mod table;

mod connection;
mod generic;
mod hash;
mod pubsub;
mod server;
mod sorted_set;
mod string;
mod unsupported;

pub use context::{CommandResult, Context, Handler, Outcome};
