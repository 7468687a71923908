//! Commands: the table of their facts, the dispatcher, and one module per family.

pub mod context;
pub mod dispatch;
mod expiry;
mod help;
mod introspect;
pub mod local;
mod random;
mod scan_options;

pub mod table;

mod connection;
mod generic;
mod hash;
mod pubsub;
mod server;
mod sorted_set;
mod string;
mod unsupported;

#[cfg(test)]
mod tests;

pub use context::{CommandResult, Context, Handler, Outcome, Suspension};
