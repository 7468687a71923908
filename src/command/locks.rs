//! The locks that a request needs, found by its command's key specification.

use super::context::Suspension;
use super::scripting;
use super::table::{self, Command, Lock};
use super::transaction;
use crate::clock::UnixMillis;
use crate::keyspace::{Access, KeyHash, Locks, Reserved};
use crate::resp::{Args, ReplyError};
use crate::server::Server;
use crate::session::Session;

/// Takes the locks that a request needs.
///
/// # Errors
/// A script that takes long holds on to one of them; then none is held.
#[inline]
pub(super) fn take<'s>(
    server: &'s Server,
    session: &Session,
    command: &'static Command,
    args: Args<'_>,
    hash: Option<KeyHash>,
    now: UnixMillis,
) -> Result<Access<'s>, Reserved> {
    if command.lock_for(args) == Lock::Keys
        && let (Some(at), Some(hash)) = (command.first_key(), hash)
    {
        let counters = &server.stats.of(session.worker()).counters;
        let locks = Locks::One(args.at(at), hash);
        return server.keyspace.access(locks, session.db(), now, counters);
    }
    take_others(server, session, command, args, hash, now)
}

/// [`take`] for all commands but those that name one key.
#[inline(never)]
fn take_others<'s>(
    server: &'s Server,
    session: &Session,
    command: &'static Command,
    args: Args<'_>,
    hash: Option<KeyHash>,
    now: UnixMillis,
) -> Result<Access<'s>, Reserved> {
    let counters = &server.stats.of(session.worker()).counters;
    let take = |locks: Locks<'_>| server.keyspace.access(locks, session.db(), now, counters);
    let take_keys = |named: &[&[u8]]| match *named {
        [] => take(Locks::None),
        [key] => take(Locks::One(key, KeyHash::of(key))),
        _ => take(Locks::Keys(named)),
    };
    // Where the arguments make no sense the handler answers an error without looking at a key.
    let take_named = || {
        let named = table::keys_of(command, args).unwrap_or_default();
        let named: Vec<&[u8]> = named.iter().map(|key| args.at(key.index)).collect();
        take_keys(&named)
    };
    match (command.lock_for(args), command.first_key(), hash) {
        (Lock::Keys, None, _) if command.keys.is_empty() => take(Locks::None),
        (Lock::Keys, ..) => take_named(),
        (Lock::None | Lock::Each, ..) => take(Locks::None),
        (Lock::All, ..) => take(Locks::All),
        (Lock::Script, ..) => {
            // What is not there is refused.
            if scripting::stays_within_keys(server, command, args).unwrap_or(true) {
                match hash {
                    Some(hash) if args.at(2) == b"1" => take(Locks::One(args.at(3), hash)),
                    _ => take_named(),
                }
            } else {
                take(Locks::All)
            }
        }
        (Lock::Transaction, ..) => match transaction::locks(server, session) {
            Some(named) => take_keys(&named),
            None => take(Locks::All),
        },
    }
}

/// A script that takes long is in the way: tries again as often as one has ended meanwhile, else lets the connection wait.
///
/// # Errors
/// `BUSY` if that script has been running for too long.
#[cold]
pub(super) fn take_or_wait<'s>(
    server: &'s Server,
    session: &Session,
    mut take: impl FnMut() -> Result<Access<'s>, Reserved>,
) -> Result<Result<Access<'s>, Suspension>, ReplyError> {
    loop {
        let seen = server.keyspace.reservations.ended();
        match take() {
            Ok(keys) => return Ok(Ok(keys)),
            Err(met) => {
                if let Some(suspension) = scripting::wait_for(server, session, met, seen)? {
                    return Ok(Err(suspension));
                }
            }
        }
    }
}
