//! Larder: a Redis-protocol-compatible in-memory cache server.
//!
//! Data flows downwards through the rooms below; no room imports one above it.
//! `docs/architecture.md` tells the whole story.

pub mod net;

pub mod service;

pub mod command;

pub mod script;
pub mod server;

pub mod tracking;
pub mod users;

pub mod observe;
pub mod pubsub;
pub mod session;

pub mod rdb;

pub mod keyspace;

pub mod value;

pub mod resp;

pub mod acl;
pub mod clock;
pub mod config;
pub mod mailbox;
pub mod memory;
pub mod migration;
pub mod peer;
pub mod random;
pub mod stats;

/// Everything that is not in a slab: counted, so that the memory cap sees it.
#[global_allocator]
static ALLOCATOR: memory::Counting<memory::General> = memory::Counting(memory::General);
