//! Counting and finding bits in a range: BITCOUNT and BITPOS.

use std::ops::Range;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::string::value::StringView;
use crate::resp::{Args, ReplyError};
use crate::value::{bits, number};

/// What a range's ends count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

/// `start [end [BYTE | BIT]]`, both ends belonging to the range, negative ones counted from the string's end.
#[derive(Debug, Clone, Copy)]
struct Ends {
    start: i64,
    /// None: to the string's end, and for BITPOS beyond.
    end: Option<i64>,
    unit: Unit,
}

impl Ends {
    fn parse(args: Args<'_>) -> Result<Self, ReplyError> {
        let integer = |text| number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER);
        if args.len() > 3 {
            return Err(ReplyError::SYNTAX);
        }
        let start = args.get(0).map_or(Ok(0), integer)?;
        let unit = match args.get(2) {
            Some(word) if word.eq_ignore_ascii_case(b"BIT") => Unit::Bit,
            Some(word) if !word.eq_ignore_ascii_case(b"BYTE") => return Err(ReplyError::SYNTAX),
            _ => Unit::Byte,
        };
        let end = args.get(1).map(integer).transpose()?;
        Ok(Self { start, end, unit })
    }

    /// Whether both ends count from the string's end and are the wrong way round. Clamped to the string they might not
    /// be, and the peers' BITPOS goes by that while their BITCOUNT does not.
    fn are_reversed(&self) -> bool {
        let end = self.end.unwrap_or(-1);
        self.start < 0 && end < 0 && self.start > end
    }

    /// The bits of a string of `len` bytes that are meant.
    fn bits(&self, len: usize) -> Range<u64> {
        let (len, scale) = match self.unit {
            Unit::Byte => (len as i64, 8),
            Unit::Bit => (len as i64 * 8, 1),
        };
        let end = self.end.unwrap_or(-1);
        let from_end = |at: i64| if at < 0 { (len + at).max(0) } else { at };
        let (start, end) = (from_end(self.start), from_end(end).min(len - 1));
        if start > end {
            return 0..0;
        }
        start as u64 * scale..(end as u64 + 1) * scale
    }
}

/// `BITCOUNT key [start [end [BYTE | BIT]]]`
pub(super) fn bitcount(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let ends = Ends::parse(args.rest(2))?;
    let mut string = StringView::read(&mut ctx.keys, args.at(1))?;
    let bytes = string.bytes();
    let range = if ends.are_reversed() {
        0..0
    } else {
        ends.bits(bytes.len())
    };
    ctx.reply.int(bits::count_range(bytes, range) as i64);
    Ok(Outcome::Done)
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub(super) fn bitpos(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted = match number::parse_i64(args.at(2)) {
        Some(0) => false,
        Some(1) => true,
        Some(_) => {
            return Err(ReplyError::fixed("ERR The bit argument must be 1 or 0."));
        }
        None => return Err(ReplyError::NOT_INTEGER),
    };
    let ends = Ends::parse(args.rest(3))?;
    let position = match ctx.keys.read(args.at(1)) {
        Some(record) => {
            let mut string = StringView::of(record)?;
            let bytes = string.bytes();
            let range = ends.bits(bytes.len());
            // Without an end the string goes on with zeros.
            let beyond = !wanted && ends.end.is_none() && !range.is_empty();
            let end = range.end;
            bits::find(bytes, range, wanted).or(beyond.then_some(end))
        }
        // No string is all zeros, wherever the search begins.
        None => (!wanted).then_some(0),
    };
    ctx.reply.int(position.map_or(-1, |at| at as i64));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_from_both_ends() {
        let bits = |start, end, unit| Ends { start, end, unit }.bits(3);
        for (start, end, expected) in [
            (0, None, 0..24),
            (0, Some(-1), 0..24),
            (1, Some(1), 8..16),
            (-2, None, 8..24),
            (-100, Some(-90), 0..8),
            (-1, Some(-2), 0..0),
            (3, None, 0..0),
            (-100, Some(-200), 0..8),
            (0, Some(i64::MAX), 0..24),
            (i64::MIN, Some(i64::MIN), 0..8),
        ] {
            assert_eq!(bits(start, end, Unit::Byte), expected, "{start} {end:?}");
        }
        let reversed = |start, end| {
            let unit = Unit::Byte;
            Ends { start, end, unit }.are_reversed()
        };
        assert!(reversed(-100, Some(-200)) && reversed(-1, Some(-2)));
        assert!(!reversed(-2, None) && !reversed(2, Some(1)));
        assert_eq!(bits(-3, Some(100), Unit::Bit), 21..24);
        assert_eq!(bits(5, Some(5), Unit::Bit), 5..6);
        let empty = Ends {
            start: 0,
            end: None,
            unit: Unit::Bit,
        };
        assert!(empty.bits(0).is_empty());
    }
}
