//! Commands: the table of their facts, the dispatcher, and one module per family.

pub mod blocking;
mod call;
pub mod context;
pub mod dispatch;
mod draft;
mod expiry;
mod help;
mod introspect;
pub mod local;
mod locks;
mod multi_pop;
mod observed;
mod random;
mod scan_options;

pub mod room;
pub mod table;

mod acl;
mod bitmap;
mod connection;
mod generic;
mod geo;
mod hash;
mod hyperloglog;
mod list;
mod observe;
mod pubsub;
mod scripting;
mod server;
mod set;
mod sorted_set;
mod stream;
mod string;
pub mod tracking;
mod transaction;
mod unsupported;

#[cfg(test)]
mod announced;
#[cfg(test)]
mod odd_arguments;
#[cfg(test)]
mod tests;

pub use context::{CommandResult, Context, Handler, Outcome, Suspension};
