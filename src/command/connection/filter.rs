//! The filters of `CLIENT LIST` and `CLIENT KILL`, read from a request: those of Valkey 9.1.

use crate::command::context::Context;
use crate::mailbox::ClientId;
use crate::resp::{Args, ReplyError};
use crate::session::{ClientFilter, ClientType, Condition};
use crate::value::number;

/// The letters that a `FLAGS` filter may name: all that any of the peers shows.
const FLAG_LETTERS: &[u8] = b"OSMPxbtRBdcuAUreTIiEN";
/// The letters that a `CAPA` filter may name.
const CAPA_LETTERS: &[u8] = b"r";

/// Which command the filters are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `CLIENT LIST`: the asking connection is listed unless it says `SKIPME yes`.
    List,
    /// `CLIENT KILL`: the asking connection is spared unless it says `SKIPME no`.
    Kill,
}

/// Reads filters: words and their values, in any order. Of conditions that are given twice the last one counts, but
/// for identities, which add up.
pub(super) fn parse(
    ctx: &Context<'_>,
    args: Args<'_>,
    purpose: Purpose,
) -> Result<ClientFilter, ReplyError> {
    let mut filter = ClientFilter::default();
    let mut skip_self = purpose == Purpose::Kill;
    let mut at = 0;
    while let Some(option) = args.get(at) {
        let value = args.get(at + 1).ok_or(ReplyError::SYNTAX)?;
        at += 2;
        if option.eq_ignore_ascii_case(b"SKIPME") {
            skip_self = yes_or_no(value)?;
            continue;
        }
        let (word, negated) = match option.split_at_checked(4) {
            Some((not, word)) if not.eq_ignore_ascii_case(b"NOT-") => (word, true),
            _ => (option, false),
        };
        let condition = if word.eq_ignore_ascii_case(b"ID") {
            let (ids, taken) = identities(args.rest(at - 1), purpose)?;
            at += taken - 1;
            Condition::Id(ids)
        } else {
            condition(ctx, word, negated, value)?
        };
        put(
            if negated {
                &mut filter.unwanted
            } else {
                &mut filter.wanted
            },
            condition,
        );
    }
    filter.skip = skip_self.then(|| ctx.session.id());
    Ok(filter)
}

/// Adds a condition; one of the same kind gives way to it.
fn put(conditions: &mut Vec<Condition>, mut condition: Condition) {
    let same_kind =
        |other: &Condition| std::mem::discriminant(other) == std::mem::discriminant(&condition);
    if let Some(place) = conditions.iter().position(same_kind) {
        let old = conditions.swap_remove(place);
        if let (Condition::Id(ids), Condition::Id(earlier)) = (&mut condition, old) {
            ids.extend(earlier);
        }
    }
    conditions.push(condition);
}

fn condition(
    ctx: &Context<'_>,
    word: &[u8],
    negated: bool,
    value: &[u8],
) -> Result<Condition, ReplyError> {
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let text = || value.to_vec();
    Ok(match () {
        () if is("TYPE") => Condition::Type(
            ClientType::parse(value).ok_or_else(|| quoting("Unknown client type '", value, "'"))?,
        ),
        () if is("USER") => match ctx.server.users.get(value).is_some() {
            true => Condition::User(text()),
            false => return Err(quoting("No such user '", value, "'")),
        },
        () if is("ADDR") => Condition::Addr(text()),
        () if is("LADDR") => Condition::Laddr(text()),
        () if is("IP") => Condition::Ip(text()),
        () if is("NAME") => Condition::Name(text()),
        () if is("LIB-NAME") => Condition::LibName(text()),
        () if is("LIB-VER") => Condition::LibVer(text()),
        () if is("FLAGS") => {
            known_letters("flags", "FLAGS", FLAG_LETTERS, negated, value)?;
            Condition::Flags(text())
        }
        () if is("CAPA") => {
            known_letters("capa", "CAPA", CAPA_LETTERS, negated, value)?;
            Condition::Capa(text())
        }
        () if is("DB") => Condition::Db(database(ctx.server.settings.databases(), negated, value)?),
        () if is("MAXAGE") && !negated => Condition::MaxAge(seconds("maxage", value)?),
        () if is("IDLE") && !negated => Condition::Idle(seconds("idle", value)?),
        () => return Err(ReplyError::SYNTAX),
    })
}

/// Identities: as many arguments as are integers. Returns how many that were.
fn identities(args: Args<'_>, purpose: Purpose) -> Result<(Vec<ClientId>, usize), ReplyError> {
    let not_positive = || ReplyError::fixed("ERR client-id should be greater than 0");
    let mut ids = Vec::new();
    for id in args.iter().map_while(number::parse_i64) {
        ids.push(
            ClientId::try_from(id)
                .ok()
                .filter(|id| *id > 0)
                .ok_or_else(not_positive)?,
        );
    }
    match (ids.len(), purpose) {
        (0, Purpose::List) => Err(ReplyError::fixed("ERR Invalid client ID")),
        (0, Purpose::Kill) => Err(not_positive()),
        (taken, _) => Ok((ids, taken)),
    }
}

fn yes_or_no(word: &[u8]) -> Result<bool, ReplyError> {
    if word.eq_ignore_ascii_case(b"YES") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"NO") {
        Ok(false)
    } else {
        Err(ReplyError::SYNTAX)
    }
}

fn seconds(name: &str, text: &[u8]) -> Result<u64, ReplyError> {
    let secs = number::parse_i64(text)
        .ok_or_else(|| ReplyError::err(format_args!("{name} is not an integer or out of range")))?;
    let secs = u64::try_from(secs).ok().filter(|secs| *secs > 0);
    secs.ok_or_else(|| ReplyError::err(format_args!("{name} should be greater than 0")))
}

fn database(count: usize, negated: bool, text: &[u8]) -> Result<usize, ReplyError> {
    let name = if negated { "NOT-DB" } else { "DB" };
    let db = number::parse_i64(text)
        .ok_or_else(|| ReplyError::err(format_args!("{name} is not an integer or out of range")))?;
    usize::try_from(db)
        .ok()
        .filter(|db| *db < count)
        .ok_or_else(|| {
            ReplyError::err(format_args!(
                "{name} number should be between 0 and {}",
                count - 1
            ))
        })
}

fn known_letters(
    what: &str,
    option: &str,
    known: &[u8],
    negated: bool,
    letters: &[u8],
) -> Result<(), ReplyError> {
    if letters.iter().all(|letter| known.contains(letter)) {
        return Ok(());
    }
    let place = if negated {
        format!("NOT-{option}")
    } else {
        "provided".to_owned()
    };
    Err(quoting(
        &format!("Unknown {what} found in the {place} filter: "),
        letters,
        "",
    ))
}

fn quoting(before: &str, quoted: &[u8], after: &str) -> ReplyError {
    ReplyError::from_bytes([b"ERR ", before.as_bytes(), quoted, after.as_bytes()].concat())
}
