//! MIGRATE: keys move to another server.
//!
//! Nothing waits for the other server under a lock. The handler serialises the values and hands them to a thread
//! ([`crate::migration`]); the connection is suspended, and the same request is executed again when the thread is done.
//! Then those keys are removed that the target has taken and that are still what was sent: what has changed meanwhile
//! stays, and the reply is an error.  So a key is never lost, but for a moment it may be seen on both servers.

use std::sync::Arc;
use std::time::Duration;

use super::dump::serialise;
use crate::command::context::{CommandResult, Context, Outcome, Suspension};
use crate::keyspace::Event;
use crate::migration::{Identity, Migration, Order, Parcel};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;

/// How long to wait for the target when the request says 0 or less.
const TIMEOUT: Duration = Duration::from_secs(1);

const KEY_AND_KEYS: ReplyError = ReplyError::fixed(
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const MUST_NOT_WAIT: ReplyError =
    ReplyError::fixed("ERR MIGRATE is not possible where a command must not wait");
const TOO_MANY: ReplyError = ReplyError::fixed("ERR too many keys are being migrated already");
const CHANGED: ReplyError = ReplyError::fixed(
    "ERR some keys have changed while they were being migrated: the target has them as they were, and they are still here",
);

/// A target that is silent for longer has gone, whatever the client says: each migration holds a thread.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// What MIGRATE is asked for.
struct Request<'a> {
    keys: Args<'a>,
    copy: bool,
    replace: bool,
    identity: Option<(Option<&'a [u8]>, &'a [u8])>,
    db: usize,
    timeout: Duration,
}

/// Whether an argument is a user or a password of the target: nobody shall see them.
pub(super) fn is_credential(args: Args<'_>, index: usize) -> bool {
    let is = |at: usize, words: &[&[u8]]| {
        let word = args.get(at).filter(|_| at > 5);
        word.is_some_and(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    (index > 0 && is(index - 1, &[b"AUTH", b"AUTH2"])) || (index > 1 && is(index - 2, &[b"AUTH2"]))
}

impl<'a> Request<'a> {
    fn parse(args: Args<'a>) -> Result<Self, ReplyError> {
        let (mut copy, mut replace, mut identity, mut keys) = (false, false, None, None);
        let mut at = 6;
        while let Some(word) = args.get(at) {
            at += 1;
            if word.eq_ignore_ascii_case(b"COPY") {
                copy = true;
            } else if word.eq_ignore_ascii_case(b"REPLACE") {
                replace = true;
            } else if let (true, Some(password)) =
                (word.eq_ignore_ascii_case(b"AUTH"), args.get(at))
            {
                identity = Some((None, password));
                at += 1;
            } else if let (true, Some(user), Some(password)) = (
                word.eq_ignore_ascii_case(b"AUTH2"),
                args.get(at),
                args.get(at + 1),
            ) {
                identity = Some((Some(user), password));
                at += 2;
            } else if word.eq_ignore_ascii_case(b"KEYS") {
                if !args.at(3).is_empty() {
                    return Err(KEY_AND_KEYS);
                }
                keys = Some(args.rest(at));
                break;
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        let number = |at| number::parse_i64(args.at(at)).ok_or(ReplyError::NOT_INTEGER);
        let (timeout, db) = (number(5)?, number(4)?);
        Ok(Self {
            keys: keys.unwrap_or(args.part(3, 1)),
            copy,
            replace,
            identity,
            db: usize::try_from(db).map_err(|_| ReplyError::DB_INDEX)?,
            timeout: match u64::try_from(timeout) {
                Ok(millis @ 1..) => Duration::from_millis(millis).min(LONGEST_TIMEOUT),
                _ => TIMEOUT,
            },
        })
    }
}

/// `MIGRATE host port key | "" destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key [key ...]]`
pub(super) fn migrate(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = Request::parse(args)?;
    if let Some(migration) = ctx.session.migration.take() {
        return settle(ctx, &request, &migration);
    }
    let host = str::from_utf8(args.at(1)).map_err(|_| ReplyError::SYNTAX)?;
    let port = number::parse_i64(args.at(2)).and_then(|port| u16::try_from(port).ok());
    let now = ctx.now;
    let mut parcels = Vec::new();
    for key in request.keys.iter() {
        if let Some(record) = ctx.keys.read(key) {
            parcels.push(Parcel {
                key: key.into(),
                payload: serialise(record),
                ttl: record.expiry().map(|moment| moment.abs_diff(now)),
                expiry: record.expiry(),
            });
        }
    }
    if parcels.is_empty() {
        ctx.reply.simple("NOKEY");
        return Ok(Outcome::Done);
    }
    if ctx.session.must_not_wait {
        return Err(MUST_NOT_WAIT);
    }
    let order = Order {
        host: host.to_owned(),
        port: port.ok_or(ReplyError::NOT_INTEGER)?,
        db: request.db,
        timeout: request.timeout,
        identity: request.identity.map(|(user, password)| Identity {
            user: user.map(Box::from),
            password: password.into(),
        }),
        replace: request.replace,
        run_id: ctx.server.facts.run_id.clone(),
        parcels,
    };
    let server = ctx.server;
    let migration = server
        .migrations
        .start(order, &server.mailboxes, ctx.session.worker());
    ctx.session.migration = Some(migration.ok_or(TOO_MANY)?);
    Ok(Outcome::Suspend(Suspension::Migrating))
}

/// Removes what has arrived, and answers.
fn settle(
    ctx: &mut Context<'_>,
    request: &Request<'_>,
    migration: &Arc<Migration>,
) -> CommandResult {
    let outcome = migration
        .outcome()
        .expect("the request is tried again only when there is an outcome");
    let mut moved = Vec::new();
    let mut changed = false;
    if !request.copy {
        let taken = migration.order().parcels.iter().zip(&outcome.taken);
        for (parcel, _) in taken.filter(|(_, taken)| **taken) {
            match ctx.keys.edit(&parcel.key) {
                Some(found)
                    if found.expiry() == parcel.expiry
                        && serialise(found.record()) == parcel.payload =>
                {
                    found.delete(Event::DEL);
                    moved.push(&*parcel.key);
                }
                Some(_) => changed = true,
                // It has expired or was deleted: the target has it all the same.
                None => {}
            }
        }
        ctx.keys.effect_instead(|| {
            let del = std::iter::once(&b"DEL"[..]).chain(moved.iter().copied());
            if moved.is_empty() {
                Vec::new()
            } else {
                vec![OwnedArgs::from_iter(del)]
            }
        });
    }
    match &outcome.error {
        Some(error) => Err(error.clone()),
        None if changed => Err(CHANGED),
        None => {
            ctx.reply.ok();
            Ok(Outcome::Done)
        }
    }
}
