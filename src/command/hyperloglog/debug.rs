//! PFDEBUG and PFSELFTEST.

use std::fmt::Write;

use super::pf::{damaged, view_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, KeyMut, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::hll::{self, Encoding, Hll, HllBuf, dense, sparse};

/// `PFDEBUG ENCODING | DECODE | GETREG | TODENSE key`, `PFDEBUG SIMD ON | OFF`
pub(super) fn pfdebug(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let word = args.at(1);
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    if is(b"SIMD") {
        return simd(ctx, args.at(2));
    }
    let Some(mut found) = ctx.keys.edit(args.at(2)) else {
        return Err(ReplyError::fixed("ERR The specified key does not exist"));
    };
    let encoding = view_of(found.record())?.encoding();
    if is(b"GETREG") {
        make_dense(&mut found)?;
        let hll = view_of(found.record())?;
        ctx.reply.array(hll::REGISTERS);
        dense::ranks(hll.written()).for_each(|rank| ctx.reply.int(rank.into()));
    } else if is(b"DECODE") {
        if encoding != Encoding::Sparse {
            return Err(ReplyError::fixed("ERR HLL encoding is not sparse"));
        }
        let mut text = String::new();
        for run in sparse::runs(view_of(found.record())?.written()) {
            let gap = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{gap}{run}");
        }
        ctx.reply.bulk(text.as_bytes());
    } else if is(b"ENCODING") {
        ctx.reply.simple(match encoding {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        });
    } else if is(b"TODENSE") {
        make_dense(&mut found)?;
        ctx.reply.int(i64::from(encoding == Encoding::Sparse));
    } else {
        let mut text = b"ERR Unknown PFDEBUG subcommand '".to_vec();
        text.extend_from_slice(word);
        text.push(b'\'');
        return Err(ReplyError::from_bytes(text));
    }
    Ok(Outcome::Done)
}

/// There is one way of merging registers here, which the compiler makes use vectors: nothing to switch.
fn simd(ctx: &mut Context<'_>, word: &[u8]) -> CommandResult {
    if word.eq_ignore_ascii_case(b"ON") {
        ctx.reply.simple("enabled");
    } else if word.eq_ignore_ascii_case(b"OFF") {
        ctx.reply.simple("disabled");
    } else {
        return Err(ReplyError::fixed("ERR Argument must be ON or OFF"));
    }
    Ok(Outcome::Done)
}

fn make_dense(found: &mut KeyMut<'_>) -> Result<(), ReplyError> {
    let hll = view_of(found.record())?;
    if hll.encoding() == Encoding::Sparse {
        let mut hll = HllBuf::of(hll);
        hll.make_dense().map_err(damaged)?;
        let value = NewValue::Raw(hll.as_bytes());
        found.set_value(value, Event::silent("pfdebug"));
    }
    Ok(())
}

/// The most elements that the self-test counts: some milliseconds.
const TESTED: u32 = 100_000;

/// `PFSELFTEST`
pub(super) fn pfselftest(ctx: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let (mut growing, mut dense) = (HllBuf::new(), HllBuf::new());
    dense.make_dense().map_err(damaged)?;
    let sparse_max = ctx.server.settings.hll_sparse_max_bytes();
    for element in 1..=TESTED {
        let bytes = element.to_le_bytes();
        if growing.add(&bytes, sparse_max) != dense.add(&bytes, sparse_max) {
            return Err(ReplyError::fixed("TESTFAILED sparse and dense disagree"));
        }
        if element.is_power_of_two() || element == TESTED {
            check(&growing, element)?;
            check(&dense, element)?;
        }
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Six times the standard error, and two elements while there are few.
fn check(hll: &HllBuf, seen: u32) -> Result<(), ReplyError> {
    let count = match Hll::new(hll.as_bytes()) {
        Some(hll) => hll.count().map_err(damaged)?,
        None => return Err(ReplyError::fixed("TESTFAILED a header was damaged")),
    };
    let allowed = 2.0 + f64::from(seen) * 6.0 * 1.04 / (hll::REGISTERS as f64).sqrt();
    if (count as f64 - f64::from(seen)).abs() > allowed {
        return Err(ReplyError::new(format!(
            "TESTFAILED {seen} elements were counted as {count}"
        )));
    }
    Ok(())
}
