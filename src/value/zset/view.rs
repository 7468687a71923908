//! Packed and large sets seen alike: what the commands read from.

use std::iter::{FusedIterator, Rev, Skip, Take};
use std::ops::Range;
use std::vec;

use super::range::{Direction, LexRange, ScoreRange};
use super::{Iter, ZSet};
use crate::value::packed::{PackedZSet, PackedZSetIter};

/// A sorted set to be read, whatever its encoding.
#[derive(Debug, Clone, Copy)]
pub enum ZSetView<'a> {
    /// A small set, packed into its key's record.
    Packed(PackedZSet<'a>),
    /// A large set.
    Large(&'a ZSet),
}

impl<'a> From<&'a ZSet> for ZSetView<'a> {
    fn from(zset: &'a ZSet) -> Self {
        Self::Large(zset)
    }
}

impl<'a> From<PackedZSet<'a>> for ZSetView<'a> {
    fn from(zset: PackedZSet<'a>) -> Self {
        Self::Packed(zset)
    }
}

impl<'a> ZSetView<'a> {
    /// Number of members.
    pub fn len(self) -> usize {
        match self {
            Self::Packed(zset) => zset.len(),
            Self::Large(zset) => zset.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The score of `member`.
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Packed(zset) => zset.score(member),
            Self::Large(zset) => zset.score(member),
        }
    }

    /// How many members come before `member`, and its score. Backward, how many come after it.
    pub fn rank(self, member: &[u8], direction: Direction) -> Option<(usize, f64)> {
        let (rank, score) = match self {
            Self::Packed(zset) => zset.rank(member),
            Self::Large(zset) => zset.rank_and_score(member),
        }?;
        match direction {
            Direction::Forward => Some((rank, score)),
            Direction::Backward => Some((self.len() - 1 - rank, score)),
        }
    }

    /// The member before which there are `rank` others, and its score.
    pub fn by_rank(self, rank: usize) -> Option<(&'a [u8], f64)> {
        match self {
            Self::Packed(zset) => zset.by_rank(rank),
            Self::Large(zset) => zset.by_rank(rank),
        }
    }

    /// The ranks of the members whose scores are in the range.
    pub fn score_range(self, range: &ScoreRange) -> Range<usize> {
        match self {
            Self::Packed(zset) => {
                let start = zset.partition_point(|_, score| range.begins_after(score));
                let end = zset.partition_point(|_, score| range.reaches(score));
                start..end.max(start)
            }
            Self::Large(zset) => zset.score_range(range),
        }
    }

    /// The ranks of the members in the range of names, if all members have the same score; otherwise the
    /// answer is some range.
    pub fn lex_range(self, range: &LexRange<'_>) -> Range<usize> {
        match self {
            Self::Packed(zset) => {
                let start = zset.partition_point(|name, _| range.begins_after(name));
                let end = zset.partition_point(|name, _| range.reaches(name));
                start..end.max(start)
            }
            Self::Large(zset) => zset.lex_range(range),
        }
    }

    /// All members in order.
    pub fn iter(self) -> ViewIter<'a> {
        self.range(0..self.len(), Direction::Forward)
    }

    /// The members with these ranks, in order or from the last to the first; ranks that no member has are left
    /// out.
    pub fn range(self, ranks: Range<usize>, direction: Direction) -> ViewIter<'a> {
        ViewIter(match (self, direction) {
            (Self::Packed(zset), _) => {
                let members = zset.iter().skip(ranks.start).take(ranks.len());
                match direction {
                    Direction::Forward => Members::Packed(members),
                    // Packed members are walked one way only; there are not many.
                    Direction::Backward => {
                        Members::PackedBackward(members.collect::<Vec<_>>().into_iter().rev())
                    }
                }
            }
            (Self::Large(zset), Direction::Forward) => Members::Large(zset.range(ranks)),
            (Self::Large(zset), Direction::Backward) => {
                Members::LargeBackward(zset.range(ranks).rev())
            }
        })
    }

    /// Visits about `count` members from `position` on and returns the position of the next step, or `None` at
    /// the end. A packed set is visited in one step. See [`ZSet::scan`].
    pub fn scan(
        self,
        position: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], f64),
    ) -> Option<u64> {
        match self {
            Self::Packed(zset) => {
                zset.iter().for_each(|(name, score)| visit(name, score));
                None
            }
            Self::Large(zset) => zset.scan(position, count, visit),
        }
    }
}

impl<'a> IntoIterator for ZSetView<'a> {
    type Item = (&'a [u8], f64);
    type IntoIter = ViewIter<'a>;

    fn into_iter(self) -> ViewIter<'a> {
        self.iter()
    }
}

/// Members and their scores, in the direction that was asked for.
#[derive(Clone)]
pub struct ViewIter<'a>(Members<'a>);

#[derive(Clone)]
enum Members<'a> {
    Packed(Take<Skip<PackedZSetIter<'a>>>),
    PackedBackward(Rev<vec::IntoIter<(&'a [u8], f64)>>),
    Large(Iter<'a>),
    LargeBackward(Rev<Iter<'a>>),
}

impl<'a> Iterator for ViewIter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Members::Packed(members) => members.next(),
            Members::PackedBackward(members) => members.next(),
            Members::Large(members) => members.next(),
            Members::LargeBackward(members) => members.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Members::Packed(members) => members.size_hint(),
            Members::PackedBackward(members) => members.size_hint(),
            Members::Large(members) => members.size_hint(),
            Members::LargeBackward(members) => members.size_hint(),
        }
    }
}

impl FusedIterator for ViewIter<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_encodings_look_the_same(
            members in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..3), -3i32..3, 0..100),
            ranks in (0usize..120, 0usize..120),
            scores in (-4i32..4, -4i32..4),
            names in (prop::collection::vec(any::<u8>(), 0..3), prop::collection::vec(any::<u8>(), 0..3)),
        ) {
            let mut sorted: Vec<_> = members.iter().map(|(name, score)| (&name[..], f64::from(*score))).collect();
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
            let zset = ZSet::from_sorted(sorted.iter().copied());
            let bytes = PackedZSet::from_sorted(sorted.iter().copied());
            let (large, packed) = (ZSetView::from(&zset), ZSetView::from(PackedZSet::new(&bytes)));

            prop_assert_eq!(packed.len(), large.len());
            prop_assert!(packed.iter().eq(large.iter()) && packed.iter().eq(sorted.iter().copied()));
            for direction in [Direction::Forward, Direction::Backward] {
                let range = ranks.0..ranks.1;
                prop_assert!(packed.range(range.clone(), direction).eq(large.range(range, direction)));
                for (name, _) in &sorted {
                    prop_assert_eq!(packed.rank(name, direction), large.rank(name, direction));
                }
            }
            let bounds = (scores.0.to_string(), format!("({}", scores.1));
            let range = ScoreRange::parse(bounds.0.as_bytes(), bounds.1.as_bytes()).expect("both are numbers");
            prop_assert_eq!(packed.score_range(&range), large.score_range(&range));
            let same_score = ZSet::from_sorted(members.keys().map(|name| (&name[..], 1.0)));
            let bytes = PackedZSet::from_sorted(members.keys().map(|name| (&name[..], 1.0)));
            let range = LexRange {
                min: super::super::LexBound::Inclusive(&names.0),
                max: super::super::LexBound::Exclusive(&names.1),
            };
            prop_assert_eq!(
                ZSetView::from(PackedZSet::new(&bytes)).lex_range(&range),
                ZSetView::from(&same_score).lex_range(&range)
            );
            prop_assert_eq!(packed.by_rank(ranks.0), large.by_rank(ranks.0));
            prop_assert_eq!(packed.score(&names.0), large.score(&names.0));
        }
    }
}
