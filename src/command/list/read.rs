//! Asking about elements: LLEN, LINDEX, LRANGE, LPOS.

use std::ops::ControlFlow;

use super::view::{read, reply_element};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::multi_pop::at_least;
use crate::resp::{Args, ReplyError};
use crate::value::list::End;
use crate::value::number;
use crate::value::zset::{Direction, RankRange};

/// A whole number.
pub(super) fn integer(text: &[u8]) -> Result<i64, ReplyError> {
    number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)
}

/// A whole number that has a negative: a position counted from either end.
pub(super) fn signed(text: &[u8]) -> Result<i64, ReplyError> {
    match integer(text)? {
        i64::MIN => Err(ReplyError::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        number => Ok(number),
    }
}

/// The range of indices in a list of `len` elements that `start stop` mean.
pub(super) fn range(
    args: Args<'_>,
) -> Result<impl Fn(usize) -> std::ops::Range<usize>, ReplyError> {
    let range = RankRange {
        start: integer(args.at(2))?,
        stop: integer(args.at(3))?,
    };
    Ok(move |len| range.of(len, Direction::Forward))
}

/// The index in a list of `len` elements that a number means, negative ones counting from the tail.
pub(super) fn index(number: i64, len: usize) -> Option<usize> {
    let index = if number < 0 {
        len.checked_sub(usize::try_from(number.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(number).ok()?
    };
    (index < len).then_some(index)
}

/// `LLEN key`
pub(super) fn llen(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let list = read(&mut ctx.keys, args.at(1))?;
    ctx.reply.int(list.map_or(0, |list| list.len() as i64));
    Ok(Outcome::Done)
}

/// `LINDEX key index`
pub(super) fn lindex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let element = match read(&mut ctx.keys, args.at(1))? {
        Some(list) => index(integer(args.at(2))?, list.len()).and_then(|index| list.get(index)),
        None => None,
    };
    match element {
        Some(element) => reply_element(ctx.reply, element),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}

/// `LRANGE key start stop`
pub(super) fn lrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = range(args)?;
    let Some(list) = read(&mut ctx.keys, args.at(1))? else {
        ctx.reply.array(0);
        return Ok(Outcome::Done);
    };
    let indices = range(list.len());
    let reply = &mut *ctx.reply;
    reply.array(indices.len());
    list.each(indices, |element| reply_element(reply, element));
    Ok(Outcome::Done)
}

/// What LPOS looks for.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// Which match is the first that counts, from 1; negative: from the tail.
    rank: i64,
    /// How many matches are asked for; without it, one that is no array.
    count: Option<usize>,
    /// How many elements are looked at; 0 means all.
    most: usize,
}

impl Search {
    fn parse(options: Args<'_>) -> Result<Self, ReplyError> {
        let mut search = Self {
            rank: 1,
            count: None,
            most: 0,
        };
        let mut options = options.iter();
        while let Some(word) = options.next() {
            let text = options.next().ok_or(ReplyError::SYNTAX)?;
            if word.eq_ignore_ascii_case(b"RANK") {
                search.rank = signed(text)?;
                if search.rank == 0 {
                    return Err(ReplyError::fixed(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                         negative to start from the end of the list",
                    ));
                }
            } else if word.eq_ignore_ascii_case(b"COUNT") {
                let error = ReplyError::fixed("ERR COUNT can't be negative");
                search.count = Some(at_least(0, text).ok_or(error)?);
            } else if word.eq_ignore_ascii_case(b"MAXLEN") {
                let error = ReplyError::fixed("ERR MAXLEN can't be negative");
                search.most = at_least(0, text).ok_or(error)?;
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        Ok(search)
    }
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub(super) fn lpos(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let search = Search::parse(args.rest(3))?;
    let list = read(&mut ctx.keys, args.at(1))?;
    let reply = &mut *ctx.reply;
    let header = search.count.map(|_| reply.defer());
    let wanted = match search.count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => count,
    };
    let mut matches = 0;
    if let Some(list) = list {
        let from = if search.rank > 0 {
            End::Head
        } else {
            End::Tail
        };
        let mut skip = search.rank.unsigned_abs() - 1;
        let mut left = match search.most {
            0 => usize::MAX,
            most => most,
        };
        list.walk(from, |index, element| {
            left -= 1;
            if element == args.at(2) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    reply.int(index as i64);
                    matches += 1;
                }
            }
            if left == 0 || matches == wanted {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
    }
    match header {
        Some(header) => reply.array_at(header, matches),
        None if matches == 0 => reply.null(),
        None => {}
    }
    Ok(Outcome::Done)
}
