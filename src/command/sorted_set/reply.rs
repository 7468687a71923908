//! How members and their scores are answered.

use crate::resp::Reply;

/// The shape of a list of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Members alone.
    Names,
    /// Each member is followed by its score.
    Flat,
    /// Each member and its score are an array of two.
    Pairs,
}

impl Shape {
    /// What `WITHSCORES` means in the protocol that the client speaks.
    pub(super) fn new(with_scores: bool, reply: &Reply) -> Self {
        match (with_scores, reply.is_resp3()) {
            (false, _) => Self::Names,
            (true, false) => Self::Flat,
            (true, true) => Self::Pairs,
        }
    }

    /// Begins a list of `count` members.
    pub(super) fn begin(self, reply: &mut Reply, count: usize) {
        reply.array(match self {
            Self::Names | Self::Pairs => count,
            Self::Flat => count.saturating_mul(2),
        });
    }

    /// Writes one member.
    #[inline]
    pub(super) fn member(self, reply: &mut Reply, name: &[u8], score: f64) {
        if self == Self::Pairs {
            reply.array(2);
        }
        reply.bulk(name);
        if self != Self::Names {
            reply.double(score);
        }
    }

    /// Writes a list of `count` members.
    pub(super) fn list<'m>(
        self,
        reply: &mut Reply,
        count: usize,
        members: impl Iterator<Item = (&'m [u8], f64)>,
    ) {
        self.begin(reply, count);
        members.for_each(|(name, score)| self.member(reply, name, score));
    }
}
