//! Clients that keep what they read: what their commands read is remembered at the keys.

use super::table::{self, Command, Flags, Lock};
use crate::keyspace::Access;
use crate::keyspace::readers::Reader;
use crate::mailbox::ClientId;
use crate::resp::Args;
use crate::server::Server;
use crate::session::Session;

/// Called behind a command's handler, with its locks held: if the client keeps what it reads, it will hear of the keys that the command has
/// read.
#[inline]
pub(super) fn remember(
    session: &Session,
    keys: &mut Access<'_>,
    command: &'static Command,
    args: Args<'_>,
) {
    if session.tracking.is_some() && command.flags.contains(Flags::READONLY) {
        remember_keys(session, keys, command, args);
    }
}

/// Whether the client keeps what this command reads.
pub(super) fn remembers(session: &Session, command: &Command) -> bool {
    let tracking = session.tracking.as_ref();
    command.flags.contains(Flags::READONLY) && tracking.is_some_and(|tracking| tracking.remembers())
}

/// A client has read a key, whose lock is held.
pub(super) fn remember_key(keys: &mut Access<'_>, key: &[u8], client: ClientId, worker: usize) {
    let worker = worker as u32;
    keys.add_reader(key, Reader { client, worker });
}

#[cold]
fn remember_keys(
    session: &Session,
    keys: &mut Access<'_>,
    command: &'static Command,
    args: Args<'_>,
) {
    // Channels are in the place of keys, but nothing is read of them; and of the keys of a script what it reads itself.
    if !remembers(session, command)
        || command.flags.contains(Flags::PUBSUB)
        || command.lock == Lock::Script
    {
        return;
    }
    for key in table::keys_of(command, args).unwrap_or_default().iter() {
        let key = args.at(key.index);
        if keys.holds(key) {
            remember_key(keys, key, session.id(), session.worker());
        }
    }
}

/// Called behind every command: it gives way to evictions no more than once, and what `CLIENT CACHING` has said holds for the next command, or for a whole transaction.
#[inline]
pub(super) fn end_command(session: &mut Session, command: &'static Command) {
    let Some(tracking) = &mut session.tracking else {
        return;
    };
    tracking.gave_way = false;
    if tracking.caching
        && session.transaction.is_none()
        && !command.full_name().starts_with("client|")
    {
        tracking.caching = false;
    }
}

/// The client keeps nothing any more.
pub fn stop(session: &mut Session, server: &Server) {
    if let Some(tracking) = session.tracking.take() {
        for prefix in tracking.prefixes() {
            server.tracking.leave(prefix, session.subscriber());
        }
        server.tracking.count(false);
        session.publish_tracking();
    }
}
