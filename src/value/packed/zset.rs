//! A small sorted set: scores and members, by score and then by the members' bytes.
//!
//! A score that is an integer from 0 to 239 is one byte; another integer of up to 7 bytes is a byte
//! that tells how many, and those; anything else a byte and the 8 of an `f64`.

use std::ops::Range;

use super::{Number, PackedBuf, Walker, push_element, push_number, set_count};
use crate::value::zset::Insertion;

/// A packed sorted set, to be read.  No score is NaN.
#[derive(Debug, Clone, Copy)]
pub struct PackedZSet<'a>(&'a [u8]);

/// From this byte on a score does not fit its first byte; the low bits tell how many follow.
const LONG: u8 = 0xf0;
/// Bytes of a score that is no integer; one that has fewer is.
const FLOAT_LEN: usize = size_of::<f64>();

/// A score as it is written, on the stack.
struct Score {
    bytes: [u8; 1 + FLOAT_LEN],
    len: usize,
}

impl Score {
    fn new(score: f64) -> Self {
        let integer = score as i64;
        // The two zeros are one score, hence one integer.
        if integer as f64 != score || integer == i64::MAX {
            return Self::long(score.to_le_bytes(), FLOAT_LEN);
        }
        if (0..i64::from(LONG)).contains(&integer) {
            let mut bytes = [0; 1 + FLOAT_LEN];
            bytes[0] = integer as u8;
            return Self { bytes, len: 1 };
        }
        // One bit more than it has, for the sign.
        let bits = i64::BITS + 1 - (integer ^ (integer >> (i64::BITS - 1))).leading_zeros();
        match bits.div_ceil(u8::BITS) as usize {
            len if len < FLOAT_LEN => Self::long(integer.to_le_bytes(), len),
            _ => Self::long(score.to_le_bytes(), FLOAT_LEN),
        }
    }

    fn long(value: [u8; FLOAT_LEN], len: usize) -> Self {
        let mut bytes = [0; 1 + FLOAT_LEN];
        bytes[0] = LONG | len as u8;
        bytes[1..=len].copy_from_slice(&value[..len]);
        Self {
            bytes,
            len: 1 + len,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    fn read(walker: &mut Walker<'_>) -> Option<f64> {
        let first = walker.byte()?;
        if first < LONG {
            return Some(f64::from(first));
        }
        let len = usize::from(first - LONG);
        let taken = walker.take(len)?;
        let mut value = [0; FLOAT_LEN];
        value.get_mut(..len)?.copy_from_slice(taken);
        if len == FLOAT_LEN {
            return Some(f64::from_le_bytes(value));
        }
        let unused = i64::BITS - len as u32 * u8::BITS;
        let integer = i64::from_le_bytes(value).checked_shl(unused)? >> unused;
        Some(integer as f64)
    }
}

/// A member in its place.
#[derive(Clone, Copy)]
struct Found<'a> {
    rank: usize,
    member: &'a [u8],
    score: f64,
    start: usize,
    member_start: usize,
    end: usize,
}

impl Found<'_> {
    fn is_before(&self, score: f64, member: &[u8]) -> bool {
        self.score < score || (self.score == score && self.member < member)
    }
}

impl<'a> PackedZSet<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Packs members that come in order, each once.
    pub fn from_sorted<'m>(members: impl Iterator<Item = (&'m [u8], f64)> + Clone) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_number(&mut bytes, members.clone().count());
        for (member, score) in members {
            bytes.extend_from_slice(Score::new(score).as_bytes());
            push_element(&mut bytes, member);
        }
        bytes
    }

    /// Number of members.
    pub fn len(self) -> usize {
        Walker::begin(self.0).1
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    #[inline]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        let (mut walker, _) = Walker::begin(self.0);
        loop {
            let score = Score::read(&mut walker)?;
            if walker.element()? == member {
                return Some(score);
            }
        }
    }

    /// How many members come before this one, and its score.
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        self.find(member).map(|found| (found.rank, found.score))
    }

    /// The member with this rank.
    pub fn by_rank(self, rank: usize) -> Option<(&'a [u8], f64)> {
        self.iter().nth(rank)
    }

    /// The rank of the first member for which `before` does not hold, as in
    /// [`slice::partition_point`]: it holds for all members up to some rank and for none after.
    pub fn partition_point(self, mut before: impl FnMut(&[u8], f64) -> bool) -> usize {
        self.iter()
            .take_while(|&(member, score)| before(member, score))
            .count()
    }

    /// All members in order; ranges are had by [`Iterator::skip`] and [`Iterator::take`].
    pub fn iter(self) -> Iter<'a> {
        let (walker, count) = Walker::begin(self.0);
        Iter {
            walker,
            left: count,
        }
    }

    /// The members with these ranks, from the last of them to the first.
    pub fn iter_rev(self, ranks: Range<usize>) -> impl ExactSizeIterator<Item = (&'a [u8], f64)> {
        let members: Vec<_> = self.iter().skip(ranks.start).take(ranks.len()).collect();
        members.into_iter().rev()
    }

    fn places(self) -> impl Iterator<Item = Found<'a>> {
        let (mut walker, _) = Walker::begin(self.0);
        (0..).map_while(move |rank| {
            let start = walker.at;
            let score = Score::read(&mut walker)?;
            let member_start = walker.at;
            let member = walker.element()?;
            Some(Found {
                rank,
                member,
                score,
                start,
                member_start,
                end: walker.at,
            })
        })
    }

    fn find(self, member: &[u8]) -> Option<Found<'a>> {
        self.places().find(|found| found.member == member)
    }

    /// Where the first member begins that does not come before this one.
    fn place_for(self, score: f64, member: &[u8]) -> usize {
        self.places()
            .find(|found| !found.is_before(score, member))
            .map_or(self.0.len(), |found| found.start)
    }

    /// Gives `member` this score, and inserts it if it is not there.
    pub fn insert(buf: &mut impl PackedBuf, member: &[u8], score: f64) -> Insertion {
        Self::update(buf, member, |_| Some(score))
    }

    /// Gives `member` the score that `decide` makes of its present one, which is `None` if it is
    /// not there.  If `decide` returns `None` nothing changes.
    ///
    /// # Panics
    /// If the score is NaN.
    pub fn update(
        buf: &mut impl PackedBuf,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Insertion {
        let zset = PackedZSet(buf.bytes());
        let found = zset.find(member);
        let old = found.map(|found| found.score);
        let Some(score) = decide(old) else {
            return Insertion::Same;
        };
        assert!(!score.is_nan(), "a score is a number");
        if old == Some(score) {
            return Insertion::Same;
        }
        let written = Score::new(score);
        let member_len = Number::new(member.len());
        let Some(found) = found else {
            set_count(buf, zset.len().saturating_add(1));
            let at = PackedZSet(buf.bytes()).place_for(score, member);
            buf.splice(at, 0, &[written.as_bytes(), member_len.as_bytes(), member]);
            return Insertion::Added;
        };
        let (start, member_start, end, old) =
            (found.start, found.member_start, found.end, found.score);
        let at = zset.place_for(score, member);
        if at < start {
            // What it passes is copied, so that the record changes its size once.
            let passed = buf.bytes()[at..start].to_vec();
            buf.splice(
                at,
                end - at,
                &[written.as_bytes(), member_len.as_bytes(), member, &passed],
            );
        } else if at > end {
            let passed = buf.bytes()[end..at].to_vec();
            buf.splice(
                start,
                at - start,
                &[&passed, written.as_bytes(), member_len.as_bytes(), member],
            );
        } else {
            buf.splice(start, member_start - start, &[written.as_bytes()]);
        }
        Insertion::Updated(old)
    }

    /// Removes a member and returns its score.
    pub fn remove(buf: &mut impl PackedBuf, member: &[u8]) -> Option<f64> {
        let zset = PackedZSet(buf.bytes());
        let count = zset.len();
        let Found {
            score, start, end, ..
        } = zset.find(member)?;
        buf.splice(start, end - start, &[]);
        set_count(buf, count.saturating_sub(1));
        Some(score)
    }

    /// Removes the members with these ranks and returns how many there were.
    pub fn remove_range(buf: &mut impl PackedBuf, ranks: Range<usize>) -> usize {
        let zset = PackedZSet(buf.bytes());
        let count = zset.len();
        let mut doomed = zset.places().skip(ranks.start).take(ranks.len());
        let Some(first) = doomed.next() else {
            return 0;
        };
        let last = doomed.last().unwrap_or(first);
        let (start, end, removed) = (first.start, last.end, last.rank - first.rank + 1);
        buf.splice(start, end - start, &[]);
        set_count(buf, count.saturating_sub(removed));
        removed
    }
}

/// Members with their scores, in order.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    walker: Walker<'a>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let score = Score::read(&mut self.walker)?;
        let member = self.walker.element()?;
        self.left = self.left.saturating_sub(1);
        Some((member, score))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // A member has at least a byte of score and one of length.
        let most = (self.walker.bytes.len() - self.walker.at) / 2;
        (self.left.min(most), Some(most))
    }
}

#[cfg(test)]
mod tests;
