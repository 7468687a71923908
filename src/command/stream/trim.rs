//! XTRIM, and the options that XADD shares with it.

use super::view::{INVALID_ID, edit, parse_id};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::config::Settings;
use crate::keyspace::Event;
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;
use crate::value::stream::{BlockLimits, Log, NewId, Precision, Trim};

pub(super) const XTRIM: Event = Event::stream("xtrim");

/// The limits of blocks that the settings give.
pub(super) fn block_limits(settings: &Settings) -> BlockLimits {
    BlockLimits {
        bytes: settings.stream_node_max_bytes(),
        entries: settings.stream_node_max_entries(),
    }
}

/// The command whose options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Xadd,
    Xtrim,
}

/// `[NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]]`, and the id behind them.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) trim: Option<(Trim, Precision)>,
    /// A stream is created if there is none.
    pub(super) creates: bool,
    pub(super) id: NewId,
    /// The argument behind the id.
    pub(super) next: usize,
}

impl Options {
    pub(super) fn parse(
        args: Args<'_>,
        command: For,
        settings: &Settings,
    ) -> Result<Self, ReplyError> {
        let (mut trim, mut approximate, mut limit) = (None, false, None);
        let (mut creates, mut id) = (true, NewId::Auto);
        let mut at = 2;
        while let Some(word) = args.get(at) {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            let behind = args.len() - at - 1;
            if behind > 0 && (is(b"MAXLEN") || is(b"MINID")) {
                if trim.is_some() {
                    return Err(ReplyError::fixed(
                        "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
                    ));
                }
                if behind > 1 && matches!(args.at(at + 1), b"~" | b"=") {
                    approximate = args.at(at + 1) == b"~";
                    at += 1;
                }
                at += 1;
                trim = Some(if is(b"MINID") {
                    Trim::MinId(parse_id(args.at(at))?)
                } else {
                    Trim::MaxLen(not_negative(
                        args.at(at),
                        "ERR The MAXLEN argument must be >= 0.",
                    )?)
                });
            } else if behind > 0 && is(b"LIMIT") {
                at += 1;
                limit = Some(not_negative(
                    args.at(at),
                    "ERR The LIMIT argument must be >= 0.",
                )?);
            } else if command == For::Xtrim {
                return Err(ReplyError::SYNTAX);
            } else if is(b"NOMKSTREAM") {
                creates = false;
            } else {
                id = NewId::parse(word).ok_or(INVALID_ID)?;
                break;
            }
            at += 1;
        }
        Ok(Self {
            trim: precision(trim, approximate, limit, command, settings)?,
            creates,
            id,
            next: at + 1,
        })
    }

    /// Whether what is trimmed depends on how entries happen to lie in blocks.
    pub(super) fn is_approximate(&self) -> bool {
        matches!(self.trim, Some((_, Precision::Blocks(_))))
    }
}

fn not_negative(text: &[u8], error: &'static str) -> Result<usize, ReplyError> {
    let number = number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?;
    usize::try_from(number).map_err(|_| ReplyError::fixed(error))
}

fn precision(
    trim: Option<Trim>,
    approximate: bool,
    limit: Option<usize>,
    command: For,
    settings: &Settings,
) -> Result<Option<(Trim, Precision)>, ReplyError> {
    if trim.is_none() && limit.is_some_and(|limit| limit > 0) {
        return Err(ReplyError::fixed(
            "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
        ));
    }
    if trim.is_none() && command == For::Xtrim {
        return Err(ReplyError::fixed(
            "ERR syntax error, XTRIM must be called with a trimming strategy",
        ));
    }
    if limit.is_some() && !approximate {
        return Err(ReplyError::fixed(
            "ERR syntax error, LIMIT cannot be used without the special ~ option",
        ));
    }
    let precision = match limit {
        _ if !approximate => Precision::Exact,
        // A hundred blocks are not noticed by others.
        None => Precision::Blocks(match settings.stream_node_max_entries() {
            0 => 10_000,
            entries => entries.saturating_mul(100).min(1_000_000),
        }),
        Some(0) => Precision::Blocks(usize::MAX),
        Some(limit) => Precision::Blocks(limit),
    };
    Ok(trim.map(|trim| (trim, precision)))
}

/// A trimming of `log` by `trim`, already done, said such that it takes the same entries wherever blocks begin.
pub(super) fn exactly(log: &Log, trim: Trim) -> Trim {
    match trim {
        Trim::MinId(_) if !log.is_empty() => Trim::MinId(log.first_id()),
        _ => Trim::MaxLen(log.len()),
    }
}

/// Appends an exact trimming to a request.
pub(super) fn push_trim(request: &mut OwnedArgs, trim: Trim) {
    let (option, threshold): (&[u8], _) = match trim {
        Trim::MaxLen(len) => (
            b"MAXLEN",
            number::format_i64(len as i64).as_bytes().to_vec(),
        ),
        Trim::MinId(id) => (b"MINID", id.text().to_vec()),
    };
    for word in [option, b"=", &threshold] {
        request.push(word);
    }
}

/// `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]`: how many entries went.
pub(super) fn xtrim(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, For::Xtrim, &ctx.server.settings)?;
    let (trim, precision) = options.trim.ok_or(ReplyError::SYNTAX)?;
    let found = edit(&mut ctx.keys, args.at(1))?;
    let done = found.map(|mut found| {
        found.change_if(XTRIM, |record| {
            let log = &mut record.stream_mut().log;
            let trimmed = log.trim(trim, precision);
            ((trimmed, exactly(log, trim)), trimmed > 0)
        })
    });
    let (trimmed, left) = done.unwrap_or((0, trim));
    if trimmed > 0 && options.is_approximate() {
        ctx.keys.effect_instead(|| {
            let mut request = OwnedArgs::from_iter([b"XTRIM", args.at(1)]);
            push_trim(&mut request, left);
            vec![request]
        });
    }
    ctx.reply.int(trimmed as i64);
    Ok(Outcome::Done)
}
