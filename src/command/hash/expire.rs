//! Fields with a time to live: HEXPIRE, HTTL and their relatives, HPERSIST, HGETEX, HSETEX, HGETDEL.

use std::collections::HashSet;

use ahash::RandomState;

use super::view::{HashView, change, change_or_create, delete_if_empty, edit};
use crate::clock::UnixMillis;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::expiry::Form;
use crate::command::generic::expire::{ExpireConditions, moment_in};
use crate::keyspace::Event;
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::hash::FieldExpiry;
use crate::value::number;

/// The answer to a number of fields that is not theirs.
const MISMATCH: ReplyError = ReplyError::fixed(
    "ERR numfields should be greater than 0 and match the provided number of fields",
);

/// `FIELDS numfields field...`, with the options before it.
struct Fields<'a> {
    /// The arguments between the key (and a time) and the word FIELDS.
    options: Args<'a>,
    options_len: usize,
    /// The arguments behind the number.
    fields: Args<'a>,
}

impl<'a> Fields<'a> {
    /// Where the word FIELDS is, from argument `from` on.
    fn position(args: Args<'_>, from: usize) -> Option<usize> {
        (from..args.len()).find(|at| args.at(*at).eq_ignore_ascii_case(b"FIELDS"))
    }

    /// Finds the fields behind `from`; each takes `words` arguments.
    fn parse(args: Args<'a>, from: usize, words: usize) -> Result<Self, ReplyError> {
        Self::parse_or(args, from, words, &MISMATCH)
    }

    /// The same, with `mismatch` as the answer where FIELDS, its number and the fields are not as they should be.
    fn parse_or(
        args: Args<'a>,
        from: usize,
        words: usize,
        mismatch: &ReplyError,
    ) -> Result<Self, ReplyError> {
        let mismatch = || mismatch.clone();
        let at = Self::position(args, from).ok_or_else(mismatch)?;
        let number = args.get(at + 1).ok_or_else(mismatch)?;
        let number = number::parse_i64(number).ok_or(ReplyError::NOT_INTEGER)?;
        let fields = args.rest(at + 2);
        if number < 1
            || usize::try_from(number)
                .ok()
                .and_then(|n| n.checked_mul(words))
                != Some(fields.len())
        {
            return Err(mismatch());
        }
        Ok(Self {
            options: args.rest(from),
            options_len: at - from,
            fields,
        })
    }

    fn options(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        self.options.iter().take(self.options_len).enumerate()
    }

    /// The option behind option `at`.
    fn option_after(&self, at: usize) -> Option<&'a [u8]> {
        self.options
            .get(at + 1)
            .filter(|_| at + 1 < self.options_len)
    }
}

/// The moment that `amount` names; times below zero and those that overflow are errors.
fn moment(form: Form, amount: &[u8], ctx: &Context<'_>) -> Result<UnixMillis, ReplyError> {
    let amount = number::parse_i64(amount).ok_or(ReplyError::NOT_INTEGER)?;
    Some(amount)
        .filter(|amount| *amount >= 0)
        .and_then(|amount| form.to_moment(amount, ctx.now))
        .ok_or_else(|| ReplyError::invalid_expire(ctx.command.full_name()))
}

/// A request of the shape `NAME key [words...] FIELDS n field...`, for an effect.
fn request(name: &[u8], key: &[u8], words: &[&[u8]], fields: &[&[u8]]) -> OwnedArgs {
    let mut count = itoa::Buffer::new();
    let count = count.format(fields.len()).as_bytes();
    let head = [name, key].into_iter().chain(words.iter().copied());
    OwnedArgs::from_iter(
        head.chain([&b"FIELDS"[..], count])
            .chain(fields.iter().copied()),
    )
}

fn hdel_request(key: &[u8], fields: &[&[u8]]) -> OwnedArgs {
    OwnedArgs::from_iter([b"HDEL", key].into_iter().chain(fields.iter().copied()))
}

/// Gives `fields`, which exist, the expiry `moment`, or removes them if it has passed. The effect follows.
fn expire_fields(
    ctx: &mut Context<'_>,
    key: &[u8],
    fields: &[&[u8]],
    moment: UnixMillis,
) -> Result<(), ReplyError> {
    if fields.is_empty() {
        return Ok(());
    }
    let (server, passed) = (ctx.server, moment <= ctx.now);
    let Some(mut found) = edit(ctx, key, fields.iter().copied())? else {
        return Ok(());
    };
    let event = Event::hash(if passed { "hexpired" } else { "hexpire" });
    change(&mut found, &server.settings, event, |hash| {
        for name in fields {
            if passed {
                hash.remove(name);
            } else {
                hash.set_expiry(name, Some(moment));
            }
        }
    });
    delete_if_empty(found);
    if passed {
        let counters = ctx.keys.counters();
        counters.expired_fields.add(fields.len() as u64);
    }
    ctx.keys.effect_instead(|| {
        let mut digits = itoa::Buffer::new();
        vec![if passed {
            hdel_request(key, fields)
        } else {
            request(
                b"HPEXPIREAT",
                key,
                &[digits.format(moment).as_bytes()],
                fields,
            )
        }]
    });
    Ok(())
}

/// Takes the expiry of `fields`, which have one, away. The effect follows.
fn persist_fields(ctx: &mut Context<'_>, key: &[u8], fields: &[&[u8]]) -> Result<(), ReplyError> {
    if fields.is_empty() {
        return Ok(());
    }
    let server = ctx.server;
    let Some(mut found) = edit(ctx, key, fields.iter().copied())? else {
        return Ok(());
    };
    change(
        &mut found,
        &server.settings,
        Event::hash("hpersist"),
        |hash| {
            fields.iter().for_each(|name| hash.set_expiry(name, None));
        },
    );
    drop(found);
    ctx.keys
        .effect_instead(|| vec![request(b"HPERSIST", key, &[], fields)]);
    Ok(())
}

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field...`
pub(super) fn hexpire(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::EX)
}

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field...`
pub(super) fn hpexpire(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::PX)
}

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field...`
pub(super) fn hexpireat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::EXAT)
}

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field...`
pub(super) fn hpexpireat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    expire_in_form(ctx, args, Form::PXAT)
}

/// Answers for each field -2: absent, 0: the condition does not hold, 1: set, 2: the moment has passed, removed.
fn expire_in_form(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let options = Fields::position(args, 3).ok_or(MISMATCH)? - 3;
    let mut conditions = ExpireConditions::default();
    for word in args.rest(3).iter().take(options) {
        conditions.take(word)?;
    }
    let parsed = Fields::parse(args, 3, 1)?;
    conditions.check()?;
    let (key, now) = (args.at(1), ctx.now);
    let moment = moment(form, args.at(2), ctx)?;
    let hash = ctx
        .keys
        .peek(key)
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let mut chosen: Vec<&[u8]> = Vec::new();
    let mut seen = HashSet::with_hasher(RandomState::new());
    ctx.reply.array(parsed.fields.len());
    for name in parsed.fields.iter() {
        // Named twice, a field has its new expiry the second time, or is removed by then.
        let is_again = seen.contains(name);
        ctx.reply.int(match hash.and_then(|hash| hash.get(name)) {
            None => -2,
            Some(_) if moment <= now && is_again => -2,
            Some(_) if is_again && !conditions.allow(Some(moment), moment) => 0,
            Some(field) if !is_again && !conditions.allow(field.expiry, moment) => 0,
            Some(_) => {
                if seen.insert(name) {
                    chosen.push(name);
                }
                if moment <= now { 2 } else { 1 }
            }
        });
    }
    expire_fields(ctx, key, &chosen, moment)?;
    Ok(Outcome::Done)
}

/// `HTTL key FIELDS numfields field...`
pub(super) fn httl(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::EX)
}

/// `HPTTL key FIELDS numfields field...`
pub(super) fn hpttl(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::PX)
}

/// `HEXPIRETIME key FIELDS numfields field...`
pub(super) fn hexpiretime(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::EXAT)
}

/// `HPEXPIRETIME key FIELDS numfields field...`
pub(super) fn hpexpiretime(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tell(ctx, args, Form::PXAT)
}

/// FIELDS stands right behind the key, or the request is wrong; `mismatch` is the answer to a number that is not theirs.
fn plain_fields<'a>(args: Args<'a>, mismatch: &ReplyError) -> Result<Args<'a>, ReplyError> {
    if !args.at(2).eq_ignore_ascii_case(b"FIELDS") {
        return Err(ReplyError::SYNTAX);
    }
    Ok(Fields::parse_or(args, 2, 1, mismatch)?.fields)
}

/// Answers for each field -2: absent, -1: no expiry, else when.
fn tell(ctx: &mut Context<'_>, args: Args<'_>, form: Form) -> CommandResult {
    let (fields, now) = (plain_fields(args, &ReplyError::SYNTAX)?, ctx.now);
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    ctx.reply.array(fields.len());
    for name in fields.iter() {
        ctx.reply.int(match hash.and_then(|hash| hash.get(name)) {
            None => -2,
            Some(field) => field
                .expiry
                .map_or(-1, |moment| moment_in(form, moment, now)),
        });
    }
    Ok(Outcome::Done)
}

/// `HPERSIST key FIELDS numfields field...`
pub(super) fn hpersist(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (fields, now) = (plain_fields(args, &MISMATCH)?, ctx.now);
    let hash = ctx
        .keys
        .peek(args.at(1))
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let mut chosen: Vec<&[u8]> = Vec::new();
    let mut seen = HashSet::with_hasher(RandomState::new());
    ctx.reply.array(fields.len());
    for name in fields.iter() {
        ctx.reply.int(match hash.and_then(|hash| hash.get(name)) {
            None => -2,
            Some(field) if field.expiry.is_none() || !seen.insert(name) => -1,
            Some(_) => {
                chosen.push(name);
                1
            }
        });
    }
    persist_fields(ctx, args.at(1), &chosen)?;
    Ok(Outcome::Done)
}

/// What a field that is named again shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Its value.
    Value,
    /// Nothing: it is removed when it is named first.
    Nothing,
}

/// Answers with the values of the fields; gives back which of them exist, each once.
fn read_values<'a>(
    ctx: &mut Context<'_>,
    key: &[u8],
    fields: Args<'a>,
    again: Again,
) -> Result<Vec<&'a [u8]>, ReplyError> {
    let now = ctx.now;
    // A command that takes what it answers with is a write: neither a hit nor a miss.
    let record = match again {
        Again::Value => ctx.keys.read(key),
        Again::Nothing => ctx.keys.peek(key),
    };
    let hash = record.map(|record| HashView::of(record, now)).transpose()?;
    let mut present: Vec<&[u8]> = Vec::new();
    let mut seen = HashSet::with_hasher(RandomState::new());
    ctx.reply.array(fields.len());
    for name in fields.iter() {
        let value = hash.and_then(|hash| hash.value(name));
        let is_first = value.is_some() && seen.insert(name);
        if is_first {
            present.push(name);
        }
        match value.filter(|_| is_first || again == Again::Value) {
            Some(value) => ctx.reply.bulk(value),
            None => ctx.reply.null(),
        }
    }
    Ok(present)
}

/// `HGETDEL key FIELDS numfields field...`
pub(super) fn hgetdel(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let fields = plain_fields(args, &MISMATCH)?;
    let present = read_values(ctx, args.at(1), fields, Again::Nothing)?;
    if !present.is_empty() {
        let server = ctx.server;
        if let Some(mut found) = edit(ctx, args.at(1), present.iter().copied())? {
            change(&mut found, &server.settings, Event::hash("hdel"), |hash| {
                present.iter().for_each(|name| {
                    hash.remove(name);
                });
            });
            delete_if_empty(found);
        }
        ctx.keys
            .effect_instead(|| vec![hdel_request(args.at(1), &present)]);
    }
    Ok(Outcome::Done)
}

/// `HGETEX key [EX | PX | EXAT | PXAT time | PERSIST] FIELDS numfields field...`
pub(super) fn hgetex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let parsed = Fields::parse(args, 2, 1)?;
    let mut expiry: Option<FieldExpiry> = None;
    let mut words = parsed.options();
    while let Some((at, word)) = words.next() {
        let new = match Form::from_option(word) {
            Some(form) => {
                let amount = parsed.option_after(at).ok_or(ReplyError::SYNTAX)?;
                words.next();
                FieldExpiry::At(moment(form, amount, ctx)?)
            }
            None if word.eq_ignore_ascii_case(b"PERSIST") => FieldExpiry::Never,
            None => return Err(ReplyError::SYNTAX),
        };
        if expiry.replace(new).is_some() {
            return Err(ReplyError::SYNTAX);
        }
    }
    let key = args.at(1);
    let present = read_values(ctx, key, parsed.fields, Again::Value)?;
    match expiry {
        Some(FieldExpiry::At(moment)) => expire_fields(ctx, key, &present, moment)?,
        Some(FieldExpiry::Never) => {
            let now = ctx.now;
            let hash = ctx
                .keys
                .peek(key)
                .map(|record| HashView::of(record, now))
                .transpose()?;
            let has_expiry = |name: &&[u8]| {
                hash.and_then(|hash| hash.get(name))
                    .is_some_and(|field| field.expiry.is_some())
            };
            let chosen: Vec<&[u8]> = present.into_iter().filter(has_expiry).collect();
            persist_fields(ctx, key, &chosen)?;
        }
        Some(FieldExpiry::Keep) | None => {}
    }
    Ok(Outcome::Done)
}

/// The options of HSETEX.
#[derive(Debug, Default)]
struct SetOptions {
    /// Only if the key exists, or does not.
    key_exists: Option<bool>,
    /// Only if all fields exist, or none does.
    fields_exist: Option<bool>,
    expiry: Option<FieldExpiry>,
}

/// `HSETEX key [NX | XX] [FNX | FXX] [EX | PX | EXAT | PXAT time | KEEPTTL] FIELDS numfields field value...`
pub(super) fn hsetex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let parsed = Fields::parse(args, 2, 2)?;
    let mut options = SetOptions::default();
    let mut words = parsed.options();
    while let Some((at, word)) = words.next() {
        let taken = match word.to_ascii_uppercase().as_slice() {
            b"NX" => options.key_exists.replace(false).is_some(),
            b"XX" => options.key_exists.replace(true).is_some(),
            b"FNX" => options.fields_exist.replace(false).is_some(),
            b"FXX" => options.fields_exist.replace(true).is_some(),
            b"KEEPTTL" => options.expiry.replace(FieldExpiry::Keep).is_some(),
            _ => {
                let form = Form::from_option(word).ok_or(ReplyError::SYNTAX)?;
                let amount = parsed.option_after(at).ok_or(ReplyError::SYNTAX)?;
                words.next();
                options
                    .expiry
                    .replace(FieldExpiry::At(moment(form, amount, ctx)?))
                    .is_some()
            }
        };
        if taken {
            return Err(ReplyError::SYNTAX);
        }
    }
    let (key, now, pairs) = (args.at(1), ctx.now, parsed.fields);
    let names = || pairs.iter().step_by(2);
    let hash = ctx
        .keys
        .peek(key)
        .map(|record| HashView::of(record, now))
        .transpose()?;
    let present = |name| hash.is_some_and(|hash| hash.get(name).is_some());
    let holds = options
        .key_exists
        .is_none_or(|wanted| wanted == hash.is_some())
        && options
            .fields_exist
            .is_none_or(|wanted| names().all(|name| present(name) == wanted));
    if holds {
        let expiry = options.expiry.unwrap_or(FieldExpiry::Never);
        if matches!(expiry, FieldExpiry::At(moment) if moment <= now) {
            set_in_the_past(ctx, key, pairs)?;
        } else {
            change_or_create(ctx, key, pairs, 2, Event::hash("hset"), |hash| {
                for at in (0..pairs.len()).step_by(2) {
                    hash.insert(pairs.at(at), pairs.at(at + 1), expiry);
                }
            })?;
            if matches!(expiry, FieldExpiry::At(_)) {
                ctx.keys.announce(key, HEXPIRE);
            }
            effect_set(ctx, key, pairs, expiry);
        }
    }
    ctx.reply.int(i64::from(holds));
    Ok(Outcome::Done)
}

const HEXPIRE: Event = Event::hash("hexpire");

/// Fields set with an expiry that has already passed are gone at once.
fn set_in_the_past(ctx: &mut Context<'_>, key: &[u8], pairs: Args<'_>) -> Result<(), ReplyError> {
    let names: Vec<&[u8]> = pairs.iter().step_by(2).collect();
    let server = ctx.server;
    // Fields that are not there are set before they expire.
    ctx.keys.announce(key, Event::hash("hset"));
    ctx.keys.announce(key, HEXPIRE);
    if let Some(mut found) = edit(ctx, key, names.iter().copied())? {
        change(
            &mut found,
            &server.settings,
            Event::hash("hexpired"),
            |hash| {
                names.iter().for_each(|name| {
                    hash.remove(name);
                });
            },
        );
        delete_if_empty(found);
    }
    // Those count, too, that were not there.
    let counters = ctx.keys.counters();
    counters.expired_fields.add(names.len() as u64);
    ctx.keys.effect_instead(|| vec![hdel_request(key, &names)]);
    Ok(())
}

fn effect_set(ctx: &mut Context<'_>, key: &[u8], pairs: Args<'_>, expiry: FieldExpiry) {
    ctx.keys.effect_instead(|| {
        let (mut digits, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        let mut words: Vec<&[u8]> = vec![b"HSETEX", key];
        match expiry {
            FieldExpiry::At(moment) => {
                words.extend([&b"PXAT"[..], digits.format(moment).as_bytes()])
            }
            FieldExpiry::Keep => words.push(b"KEEPTTL"),
            FieldExpiry::Never => {}
        }
        words.extend([&b"FIELDS"[..], count.format(pairs.len() / 2).as_bytes()]);
        words.extend(pairs.iter());
        vec![OwnedArgs::from_iter(words)]
    });
}
