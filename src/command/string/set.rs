//! SET and its relatives: writing one whole value.

use super::value::{StringView, new_string, reply_string};
use crate::clock::UnixMillis;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::expiry::Form;
use crate::keyspace::{Event, Expiry, NewValue};
use crate::resp::{Args, OwnedArgs, ReplyError};

/// When SET sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Condition<'a> {
    #[default]
    Always,
    IfAbsent,
    IfPresent,
    IfEqual(&'a [u8]),
}

/// The options of SET, MSETEX and their relatives.
#[derive(Debug, Default)]
struct Options<'a> {
    condition: Condition<'a>,
    get: bool,
    keep_ttl: bool,
    expiry: Option<(Form, &'a [u8])>,
}

/// Which options a command takes beside an expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Set,
    MultiSet,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>, takes: Takes) -> Result<Self, ReplyError> {
        let mut options = Self::default();
        let mut at = 0;
        while let Some(word) = args.get(at) {
            let next = args.get(at + 1);
            let unconditional = options.condition == Condition::Always;
            // The same option may come again: the last one counts.
            let takes_form = |form| {
                !options.keep_ttl && options.expiry.is_none_or(|(present, _)| present == form)
            };
            at += 1;
            if word.eq_ignore_ascii_case(b"NX")
                && (unconditional || options.condition == Condition::IfAbsent)
            {
                options.condition = Condition::IfAbsent;
            } else if word.eq_ignore_ascii_case(b"XX")
                && (unconditional || options.condition == Condition::IfPresent)
            {
                options.condition = Condition::IfPresent;
            } else if takes == Takes::Set && word.eq_ignore_ascii_case(b"GET") {
                options.get = true;
            } else if word.eq_ignore_ascii_case(b"KEEPTTL") && options.expiry.is_none() {
                options.keep_ttl = true;
            } else if let (Takes::Set, true, true, Some(next)) = (
                takes,
                word.eq_ignore_ascii_case(b"IFEQ"),
                unconditional,
                next,
            ) {
                options.condition = Condition::IfEqual(next);
                at += 1;
            } else if let (Some(form), Some(next)) = (
                Form::from_option(word).filter(|form| takes_form(*form)),
                next,
            ) {
                options.expiry = Some((form, next));
                at += 1;
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        Ok(options)
    }
}

/// `SET key value [NX | XX | IFEQ value] [GET] [EX | PX | EXAT | PXAT time | KEEPTTL]`
pub(super) fn set(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 3 {
        ctx.keys
            .set(args.at(1), new_string(&args, 2), Expiry::Never, Event::SET);
        ctx.reply.ok();
        return Ok(Outcome::Done);
    }
    let options = Options::parse(args.rest(3), Takes::Set)?;
    let key = args.at(1);
    let moment = options
        .expiry
        .map(|(form, time)| form.moment(time, ctx.now, "set"))
        .transpose()?;
    if options.get {
        match ctx.keys.read(key) {
            Some(record) => reply_string(ctx.reply, record)?,
            None => ctx.reply.null(),
        }
    }
    if !condition_holds(ctx, key, options.condition)? {
        if !options.get {
            ctx.reply.null();
        }
        return Ok(Outcome::Done);
    }
    if store(ctx, key, new_string(&args, 2), options.keep_ttl, moment) {
        ctx.keys.counters().expired_keys.bump();
    }
    if options.get {
        // GET does not belong to the effect: it may be an error there.
        let rest = args
            .iter()
            .enumerate()
            .filter(|(i, word)| *i < 3 || !word.eq_ignore_ascii_case(b"GET"));
        if moment.is_none() {
            ctx.keys
                .effect_instead(|| vec![OwnedArgs::from_iter(rest.map(|(_, word)| word))]);
        }
    } else {
        ctx.reply.ok();
    }
    if let Some(moment) = moment.filter(|moment| *moment > ctx.now) {
        effect_set_at(ctx, key, args.at(2), moment);
    }
    Ok(Outcome::Done)
}

fn condition_holds(
    ctx: &mut Context<'_>,
    key: &[u8],
    condition: Condition<'_>,
) -> Result<bool, ReplyError> {
    Ok(match condition {
        Condition::Always => true,
        Condition::IfAbsent => ctx.keys.peek(key).is_none(),
        Condition::IfPresent => ctx.keys.peek(key).is_some(),
        Condition::IfEqual(wanted) => match ctx.keys.peek(key) {
            Some(record) => StringView::of(record)?.bytes() == wanted,
            None => false,
        },
    })
}

/// Sets the key. A moment that has already passed deletes it; tells whether it has.
fn store(
    ctx: &mut Context<'_>,
    key: &[u8],
    value: NewValue<'_>,
    keep_ttl: bool,
    moment: Option<UnixMillis>,
) -> bool {
    match moment {
        Some(moment) if moment <= ctx.now => {
            let removed = ctx.keys.remove(key, Event::DEL);
            ctx.keys
                .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", key])]);
            return removed;
        }
        Some(moment) => {
            ctx.keys.set(key, value, Expiry::At(moment), Event::SET);
            ctx.keys.announce(key, Event::EXPIRE);
        }
        None if keep_ttl => drop(ctx.keys.set(key, value, Expiry::Keep, Event::SET)),
        None => drop(ctx.keys.set(key, value, Expiry::Never, Event::SET)),
    }
    false
}

/// The effect of a set with an expiry names the moment, not the time to live.
fn effect_set_at(ctx: &mut Context<'_>, key: &[u8], value: &[u8], moment: UnixMillis) {
    ctx.keys.effect_instead(|| {
        let mut digits = itoa::Buffer::new();
        vec![OwnedArgs::from_iter([
            &b"SET"[..],
            key,
            value,
            b"PXAT",
            digits.format(moment).as_bytes(),
        ])]
    });
}

/// `SETNX key value`
pub(super) fn setnx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let absent = ctx.keys.peek(args.at(1)).is_none();
    if absent {
        ctx.keys
            .create(args.at(1), new_string(&args, 2), None, Event::SET);
    }
    ctx.reply.int(i64::from(absent));
    Ok(Outcome::Done)
}

/// `SETEX key seconds value`
pub(super) fn setex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_for(ctx, args, Form::EX, "setex")
}

/// `PSETEX key milliseconds value`
pub(super) fn psetex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_for(ctx, args, Form::PX, "psetex")
}

fn set_for(ctx: &mut Context<'_>, args: Args<'_>, form: Form, command: &str) -> CommandResult {
    let moment = form.moment(args.at(2), ctx.now, command)?;
    ctx.keys.set(
        args.at(1),
        new_string(&args, 3),
        Expiry::At(moment),
        Event::SET,
    );
    ctx.keys.announce(args.at(1), Event::EXPIRE);
    effect_set_at(ctx, args.at(1), args.at(3), moment);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `GETSET key value`
pub(super) fn getset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match ctx.keys.read(args.at(1)) {
        Some(record) => reply_string(ctx.reply, record)?,
        None => ctx.reply.null(),
    }
    ctx.keys
        .set(args.at(1), new_string(&args, 2), Expiry::Never, Event::SET);
    ctx.keys
        .effect_instead(|| vec![OwnedArgs::from_iter([b"SET", args.at(1), args.at(2)])]);
    Ok(Outcome::Done)
}

/// `MSET key value [key value ...]`
pub(super) fn mset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pairs_complete(args.len() - 1, "mset")?;
    set_pairs(ctx, args);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `MSETNX key value [key value ...]`: all or nothing.
pub(super) fn msetnx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pairs_complete(args.len() - 1, "msetnx")?;
    let absent = (1..args.len())
        .step_by(2)
        .all(|at| ctx.keys.peek(args.at(at)).is_none());
    if absent {
        set_pairs(ctx, args);
    }
    ctx.reply.int(i64::from(absent));
    Ok(Outcome::Done)
}

fn set_pairs(ctx: &mut Context<'_>, args: Args<'_>) {
    for at in (1..args.len()).step_by(2) {
        ctx.keys.set(
            args.at(at),
            new_string(&args, at + 1),
            Expiry::Never,
            Event::SET,
        );
    }
}

fn pairs_complete(words: usize, command: &str) -> Result<(), ReplyError> {
    if words.is_multiple_of(2) {
        Ok(())
    } else {
        Err(ReplyError::wrong_arity(command))
    }
}

/// `MSETEX numkeys key value [key value ...] [NX | XX] [EX | PX | EXAT | PXAT time | KEEPTTL]`
pub(super) fn msetex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let pairs = crate::value::number::parse_i64(args.at(1))
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| (1..=i32::MAX as usize).contains(n))
        .ok_or_else(|| ReplyError::new("ERR invalid numkeys value or out of range"))?;
    let end = 2 + pairs * 2;
    if end > args.len() {
        return Err(ReplyError::SYNTAX);
    }
    let options = Options::parse(args.rest(end), Takes::MultiSet)?;
    let moment = options
        .expiry
        .map(|(form, time)| form.moment(time, ctx.now, "msetex"))
        .transpose()?;
    let keys = || (2..end).step_by(2);
    let holds = match options.condition {
        Condition::IfAbsent => keys().all(|at| ctx.keys.peek(args.at(at)).is_none()),
        Condition::IfPresent => keys().all(|at| ctx.keys.peek(args.at(at)).is_some()),
        Condition::Always | Condition::IfEqual(_) => true,
    };
    if holds {
        for at in keys() {
            store(
                ctx,
                args.at(at),
                new_string(&args, at + 1),
                options.keep_ttl,
                moment,
            );
            if let Some(moment) = moment.filter(|moment| *moment > ctx.now) {
                effect_set_at(ctx, args.at(at), args.at(at + 1), moment);
            }
        }
    }
    ctx.reply.int(i64::from(holds));
    Ok(Outcome::Done)
}
