//! Ranges of a sorted set, by score, by name and by rank, read as the commands write them.
//!
//! Every range becomes a range of ranks, of a packed set and of a large one alike; what comes after (`LIMIT`,
//! reversing, counting, removing) is arithmetic on ranks. Parsing answers `None` for what is not a bound; the
//! commands have the words for it.

use std::ops::Range;

/// One end of a range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreBound {
    /// The score; never NaN.
    pub score: f64,
    /// Whether the score itself is left out, as `(` says.
    pub exclusive: bool,
}

impl ScoreBound {
    /// Reads `5`, `(5`, `-inf` or `(+inf`.
    ///
    /// As with the peers the number ends at a zero byte, an empty one is 0, and one beyond the range of doubles is
    /// infinite; spaces and hexadecimal notation are refused.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (exclusive, number) = match text {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        let end = number.iter().position(|&byte| byte == 0);
        let number = &number[..end.unwrap_or(number.len())];
        let score = match number {
            [] => 0.0,
            number => std::str::from_utf8(number).ok()?.parse::<f64>().ok()?,
        };
        (!score.is_nan()).then_some(Self { score, exclusive })
    }
}

/// A range of scores: empty if its ends are the wrong way round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: ScoreBound,
    /// The upper end.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// Reads both ends.
    pub fn parse(min: &[u8], max: &[u8]) -> Option<Self> {
        Some(Self {
            min: ScoreBound::parse(min)?,
            max: ScoreBound::parse(max)?,
        })
    }

    /// Whether `score` lies below the range, whatever its upper end is.
    #[inline]
    pub fn begins_after(&self, score: f64) -> bool {
        score < self.min.score || (self.min.exclusive && score == self.min.score)
    }

    /// Whether `score` does not lie above the range, whatever its lower end is.
    #[inline]
    pub fn reaches(&self, score: f64) -> bool {
        score < self.max.score || (!self.max.exclusive && score == self.max.score)
    }

    /// Whether the range has this score in it.
    pub fn contains(&self, score: f64) -> bool {
        !self.begins_after(score) && self.reaches(score)
    }
}

/// One end of a range of names, which are compared byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// `-`: before every name.
    Lowest,
    /// `+`: behind every name.
    Highest,
    /// `[name`: the name belongs to the range.
    Inclusive(&'a [u8]),
    /// `(name`: the name does not.
    Exclusive(&'a [u8]),
}

impl<'a> LexBound<'a> {
    /// Reads `-`, `+`, `[name` or `(name`.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        match text {
            b"-" => Some(Self::Lowest),
            b"+" => Some(Self::Highest),
            [b'[', name @ ..] => Some(Self::Inclusive(name)),
            [b'(', name @ ..] => Some(Self::Exclusive(name)),
            _ => None,
        }
    }
}

/// A range of names: for sets whose members all have the same score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl<'a> LexRange<'a> {
    /// Reads both ends.
    pub fn parse(min: &'a [u8], max: &'a [u8]) -> Option<Self> {
        Some(Self {
            min: LexBound::parse(min)?,
            max: LexBound::parse(max)?,
        })
    }

    /// Whether `name` lies below the range, whatever its upper end is.
    #[inline]
    pub fn begins_after(&self, name: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => name < bound,
            LexBound::Exclusive(bound) => name <= bound,
        }
    }

    /// Whether `name` does not lie above the range, whatever its lower end is.
    #[inline]
    pub fn reaches(&self, name: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => name <= bound,
            LexBound::Exclusive(bound) => name < bound,
        }
    }

    /// Whether the range has this name in it.
    pub fn contains(&self, name: &[u8]) -> bool {
        !self.begins_after(name) && self.reaches(name)
    }
}

/// A range of ranks as `ZRANGE` takes it: both ends belong to it, negative ones count from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankRange {
    /// The first rank.
    pub start: i64,
    /// The last rank.
    pub stop: i64,
}

impl RankRange {
    /// The ranks that it means in a set of `len` members, walked in `direction`: backward, rank 0 is the last
    /// member.
    pub fn of(&self, len: usize, direction: Direction) -> Range<usize> {
        let count = i64::try_from(len).unwrap_or(i64::MAX);
        let from_end = |rank: i64| if rank < 0 { rank + count } else { rank };
        let start = from_end(self.start).max(0);
        let end = from_end(self.stop).saturating_add(1).clamp(0, count);
        if start >= end {
            return 0..0;
        }
        let (start, end) = (start as usize, end as usize);
        match direction {
            Direction::Forward => start..end,
            Direction::Backward => len - end..len - start,
        }
    }
}

/// Which way a range is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest score to the highest.
    Forward,
    /// From the highest score to the lowest: `REV`.
    Backward,
}

/// What `LIMIT offset count` leaves of `ranks` that are walked in `direction`.
///
/// A negative count means all. A negative offset means nothing, as in a packed set of the peers; their large
/// sets count it from the other end, past the end of the range.
pub fn limit(ranks: Range<usize>, offset: i64, count: i64, direction: Direction) -> Range<usize> {
    let Ok(offset) = usize::try_from(offset) else {
        return 0..0;
    };
    let left = ranks.len().saturating_sub(offset);
    let count = usize::try_from(count).map_or(left, |count| count.min(left));
    let skipped = ranks.len() - left;
    match direction {
        Direction::Forward => {
            let start = ranks.start + skipped;
            start..start + count
        }
        Direction::Backward => {
            let end = ranks.end - skipped;
            end - count..end
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Backward, Forward};

    fn score(text: &str) -> Option<(f64, bool)> {
        ScoreBound::parse(text.as_bytes()).map(|bound| (bound.score, bound.exclusive))
    }

    #[test]
    fn score_bounds_are_read_as_the_peers_read_them() {
        let inf = f64::INFINITY;
        for (text, wanted) in [
            ("5", (5.0, false)),
            ("(5", (5.0, true)),
            ("+1", (1.0, false)),
            (".5", (0.5, false)),
            ("5.", (5.0, false)),
            ("-1e3", (-1000.0, false)),
            ("inf", (inf, false)),
            ("+inf", (inf, false)),
            ("(-iNf", (-inf, true)),
            ("Infinity", (inf, false)),
            ("1e400", (inf, false)),
            ("-1e400", (-inf, false)),
            ("1e-400", (0.0, false)),
            ("", (0.0, false)),
            ("(", (0.0, true)),
            ("\0", (0.0, false)),
            ("-1\0zz", (-1.0, false)),
        ] {
            assert_eq!(score(text), Some(wanted), "{text:?}");
        }
        for text in [
            " -1", "1 ", "  ", "( 1", "\t1", "0x10", "0x1p3", "0x", "nan", "-nan", "nan(1)", "((1",
            "1_0", ".", "1e", "--1", "e5", "+", "infinit",
        ] {
            assert_eq!(score(text), None, "{text:?}");
        }
        assert_eq!(ScoreBound::parse(b"\xff"), None);
    }

    #[test]
    fn score_ranges_know_what_is_inside() {
        let range = ScoreRange::parse(b"(1", b"2").expect("both are numbers");
        assert!(
            !range.contains(1.0)
                && range.contains(1.5)
                && range.contains(2.0)
                && !range.contains(2.1)
        );
        let range = ScoreRange::parse(b"-inf", b"(+inf").expect("both are numbers");
        assert!(range.contains(f64::NEG_INFINITY) && !range.contains(f64::INFINITY));
        let zero = ScoreRange::parse(b"0", b"0").expect("both are numbers");
        assert!(zero.contains(-0.0) && zero.contains(0.0));
        let backwards = ScoreRange::parse(b"2", b"1").expect("both are numbers");
        assert!(
            ![0.0, 1.0, 1.5, 2.0, 3.0]
                .iter()
                .any(|&score| backwards.contains(score))
        );
    }

    #[test]
    fn lex_ranges_know_what_is_inside() {
        let range = |min, max| LexRange::parse(min, max);
        let inner = range(b"[a", b"(c").expect("both are bounds");
        assert!(
            inner.contains(b"a")
                && inner.contains(b"bzz")
                && !inner.contains(b"c")
                && !inner.contains(b"")
        );
        let all = range(b"-", b"+").expect("both are bounds");
        assert!(all.contains(b"") && all.contains(b"\xff\xff"));
        for (min, max) in [(b"+", b"-"), (b"+", b"+"), (b"-", b"-"), (b"[", b"(")] {
            let empty = range(min, max).expect("both are bounds");
            assert!(!empty.contains(b"") && !empty.contains(b"a"), "{empty:?}");
        }
        for text in [&b""[..], b"-x", b"++", b"1", b"a"] {
            assert_eq!(LexBound::parse(text), None);
        }
    }

    #[test]
    fn ranks_count_from_both_ends() {
        let of = |start, stop, len| RankRange { start, stop }.of(len, Forward);
        assert_eq!(of(0, -1, 5), 0..5);
        assert_eq!(of(-2, 100, 5), 3..5);
        assert_eq!(of(-100, 1, 5), 0..2);
        assert_eq!(of(i64::MIN, i64::MAX, 5), 0..5);
        for (start, stop) in [
            (3, 1),
            (5, 9),
            (0, -6),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN),
        ] {
            assert_eq!(of(start, stop, 5), 0..0);
        }
        assert_eq!(of(0, -1, 0), 0..0);
        let top = RankRange { start: 0, stop: 1 };
        assert_eq!(top.of(5, Backward), 3..5);
        assert_eq!(top.of(1, Backward), 0..1);
    }

    #[test]
    fn limits_count_from_the_direction() {
        assert_eq!(limit(2..8, 1, 2, Forward), 3..5);
        assert_eq!(limit(2..8, 1, 2, Backward), 5..7);
        assert_eq!(limit(2..8, 4, -1, Forward), 6..8);
        assert_eq!(limit(2..8, 4, -5, Backward), 2..4);
        assert_eq!(limit(2..8, 9, 1, Forward).len(), 0);
        assert_eq!(limit(2..8, i64::MAX, i64::MAX, Backward).len(), 0);
        assert_eq!(limit(2..8, -1, 3, Forward).len(), 0);
        assert_eq!(limit(2..8, 0, 0, Backward).len(), 0);
    }
}
