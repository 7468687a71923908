//! A small set: its members in the order of their insertion.

use super::{Number, PackedBuf, Walker, push_element, push_number, set_count};

/// A packed set, to be read.
#[derive(Debug, Clone, Copy)]
pub struct PackedSet<'a>(&'a [u8]);

/// Where a member lies, with its length.
struct Place {
    start: usize,
    end: usize,
}

impl<'a> PackedSet<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Packs members that are all different.
    pub fn from_members<M: AsRef<[u8]>>(members: impl ExactSizeIterator<Item = M>) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_number(&mut bytes, members.len());
        for member in members {
            push_element(&mut bytes, member.as_ref());
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

    /// Whether there is such a member.
    #[inline]
    pub fn contains(self, member: &[u8]) -> bool {
        self.iter().any(|other| other == member)
    }

    /// The member at an index in the order of insertion.
    pub fn nth(self, index: usize) -> Option<&'a [u8]> {
        self.iter().nth(index)
    }

    /// The members, in the order of their insertion.
    pub fn iter(self) -> Iter<'a> {
        let (walker, count) = Walker::begin(self.0);
        Iter {
            walker,
            left: count,
        }
    }

    fn find(self, member: &[u8]) -> Option<Place> {
        let (mut walker, _) = Walker::begin(self.0);
        loop {
            let start = walker.at;
            if walker.element()? == member {
                let end = walker.at;
                return Some(Place { start, end });
            }
        }
    }

    /// Adds a member and tells whether it is new.
    pub fn insert(buf: &mut impl PackedBuf, member: &[u8]) -> bool {
        if PackedSet(buf.bytes()).contains(member) {
            return false;
        }
        Self::push(buf, member);
        true
    }

    /// Adds a member that is known to be new.
    pub fn push(buf: &mut impl PackedBuf, member: &[u8]) {
        let count = PackedSet(buf.bytes()).len();
        set_count(buf, count.saturating_add(1));
        let len = Number::new(member.len());
        buf.splice(buf.bytes().len(), 0, &[len.as_bytes(), member]);
    }

    /// Removes a member and tells whether it was there.
    pub fn remove(buf: &mut impl PackedBuf, member: &[u8]) -> bool {
        let set = PackedSet(buf.bytes());
        let count = set.len();
        let Some(Place { start, end }) = set.find(member) else {
            return false;
        };
        buf.splice(start, end - start, &[]);
        set_count(buf, count.saturating_sub(1));
        true
    }
}

/// Members, in the order of their insertion.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    walker: Walker<'a>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let member = self.walker.element()?;
        self.left = self.left.saturating_sub(1);
        Some(member)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // No member is shorter than the byte that tells its length.
        let most = self.walker.bytes.len() - self.walker.at;
        (self.left.min(most), Some(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_costs_one_byte_more_than_it_has() {
        let members: [&[u8]; 3] = [b"one", b"two", &[b'3'; 60]];
        let bytes = PackedSet::from_members(members.iter());
        assert_eq!(bytes.len(), 3 + 3 + 60 + 3 + 1);
        assert!(PackedSet::new(&bytes).iter().eq(members));
        assert_eq!(PackedSet::new(&bytes).nth(1), Some(&b"two"[..]));
    }

    #[test]
    fn no_bytes_are_an_empty_set() {
        let mut bytes = Vec::new();
        assert!(PackedSet::new(&bytes).is_empty() && !PackedSet::new(&bytes).contains(b""));
        assert!(!PackedSet::remove(&mut bytes, b""));
        assert!(PackedSet::insert(&mut bytes, b"") && !PackedSet::insert(&mut bytes, b""));
        assert_eq!(PackedSet::new(&bytes).len(), 1);
    }

    proptest! {
        #[test]
        fn it_does_what_a_list_without_repetitions_does(
            steps in prop::collection::vec((any::<bool>(), 0usize..200, 0usize..140), 0..300),
        ) {
            let (mut bytes, mut model) = (Vec::new(), Vec::<Vec<u8>>::new());
            for (insert, number, len) in steps {
                // More than 127 members, and members longer than 127 bytes, need longer numbers.
                let mut member = number.to_string().into_bytes();
                member.resize(member.len().max(if number % 7 == 0 { len } else { 0 }), b'.');
                let at = model.iter().position(|other| *other == member);
                if insert {
                    prop_assert_eq!(PackedSet::insert(&mut bytes, &member), at.is_none());
                    if at.is_none() {
                        model.push(member);
                    }
                } else {
                    prop_assert_eq!(PackedSet::remove(&mut bytes, &member), at.is_some());
                    if let Some(at) = at {
                        model.remove(at);
                    }
                }
                let set = PackedSet::new(&bytes);
                prop_assert_eq!(set.len(), model.len());
                prop_assert!(set.iter().eq(model.iter().map(|member| &member[..])));
            }
        }

        #[test]
        fn damaged_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let set = PackedSet::new(&bytes);
            prop_assert!(set.iter().count() <= bytes.len());
            let _ = (set.contains(b"x"), set.nth(3));
            let mut edited = bytes;
            PackedSet::insert(&mut edited, b"member");
            PackedSet::remove(&mut edited, b"member");
        }
    }
}
