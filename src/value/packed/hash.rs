//! A small hash: fields and values in the order of insertion.  Fields of a packed hash never expire
//! by themselves; a hash with such fields is a large one.

use super::{Number, PackedBuf, Walker, push_element, push_number, set_count};

/// A packed hash, to be read.
#[derive(Debug, Clone, Copy)]
pub struct PackedHash<'a>(&'a [u8]);

/// Where a field and its value lie, with their lengths.
struct Place {
    start: usize,
    value_start: usize,
    end: usize,
}

impl<'a> PackedHash<'a> {
    /// Reads bytes that the functions of this type have written.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Packs pairs whose fields are all different.
    pub fn from_pairs<'p>(pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_number(&mut bytes, pairs.clone().count());
        for (field, value) in pairs {
            push_element(&mut bytes, field);
            push_element(&mut bytes, value);
        }
        bytes
    }

    /// Number of fields.
    pub fn len(self) -> usize {
        Walker::begin(self.0).1
    }

    /// Whether there is no field.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    #[inline]
    pub fn get(self, field: &[u8]) -> Option<&'a [u8]> {
        let (mut walker, _) = Walker::begin(self.0);
        loop {
            let found = walker.element()? == field;
            let value = walker.element()?;
            if found {
                return Some(value);
            }
        }
    }

    /// Whether there is such a field.
    pub fn contains(self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// The field and value at an index in the order of insertion.
    pub fn nth(self, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        self.iter().nth(index)
    }

    /// All fields with their values, in the order of insertion.
    pub fn iter(self) -> Iter<'a> {
        let (walker, count) = Walker::begin(self.0);
        Iter {
            walker,
            left: count,
        }
    }

    fn find(self, field: &[u8]) -> Option<Place> {
        let (mut walker, _) = Walker::begin(self.0);
        loop {
            let start = walker.at;
            let found = walker.element()? == field;
            let value_start = walker.at;
            walker.element()?;
            if found {
                return Some(Place {
                    start,
                    value_start,
                    end: walker.at,
                });
            }
        }
    }

    /// Gives a field a value and tells whether the field was there before.
    pub fn insert(buf: &mut impl PackedBuf, field: &[u8], value: &[u8]) -> bool {
        let value_len = Number::new(value.len());
        let hash = PackedHash(buf.bytes());
        if let Some(place) = hash.find(field) {
            buf.splice(
                place.value_start,
                place.end - place.value_start,
                &[value_len.as_bytes(), value],
            );
            return true;
        }
        set_count_of(buf, |count| count.saturating_add(1));
        let field_len = Number::new(field.len());
        buf.splice(
            buf.bytes().len(),
            0,
            &[field_len.as_bytes(), field, value_len.as_bytes(), value],
        );
        false
    }

    /// Removes a field and tells whether it was there.
    pub fn remove(buf: &mut impl PackedBuf, field: &[u8]) -> bool {
        let Some(place) = PackedHash(buf.bytes()).find(field) else {
            return false;
        };
        buf.splice(place.start, place.end - place.start, &[]);
        set_count_of(buf, |count| count.saturating_sub(1));
        true
    }
}

fn set_count_of(buf: &mut impl PackedBuf, change: impl FnOnce(usize) -> usize) {
    let count = PackedHash(buf.bytes()).len();
    set_count(buf, change(count));
}

/// Fields with their values, in the order of insertion.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    walker: Walker<'a>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let pair = (self.walker.element()?, self.walker.element()?);
        self.left = self.left.saturating_sub(1);
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // No element is shorter than the byte that tells its length.
        let most = (self.walker.bytes.len() - self.walker.at) / 2;
        (self.left.min(most), Some(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_element_costs_one_byte_more_than_it_has() {
        let pairs: [(&[u8], &[u8]); 5] = [
            (b"name", &[b'n'; 24]),
            (b"email", &[b'e'; 24]),
            (b"age", b"42"),
            (b"city", &[b'c'; 24]),
            (b"plan", b"free"),
        ];
        let payload: usize = pairs
            .iter()
            .map(|(field, value)| field.len() + value.len())
            .sum();
        let bytes = PackedHash::from_pairs(pairs.iter().copied());
        assert_eq!(bytes.len(), payload + 10 + 1);
        assert_eq!(PackedHash::new(&bytes).get(b"age"), Some(&b"42"[..]));
    }

    #[test]
    fn no_bytes_are_an_empty_hash() {
        let mut bytes = Vec::new();
        assert!(PackedHash::new(&bytes).is_empty());
        assert_eq!(PackedHash::new(&bytes).get(b""), None);
        assert!(!PackedHash::remove(&mut bytes, b""));
        assert!(!PackedHash::insert(&mut bytes, b"", b""));
        assert_eq!(PackedHash::new(&bytes).get(b""), Some(&b""[..]));
        assert_eq!(PackedHash::new(&bytes).len(), 1);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(Vec<u8>, Vec<u8>),
        Remove(Vec<u8>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let field = prop::collection::vec(0u8..4, 0..4);
        let value = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..8),
            (0usize..300).prop_map(|len| vec![b'v'; len]),
        ];
        prop_oneof![
            3 => (field.clone(), value).prop_map(|(field, value)| Step::Insert(field, value)),
            1 => field.prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn it_does_what_a_list_of_pairs_does(steps in prop::collection::vec(step(), 0..300)) {
            let mut bytes = Vec::new();
            let mut model: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(field, value) => {
                        let existed = PackedHash::insert(&mut bytes, &field, &value);
                        match model.iter_mut().find(|pair| pair.0 == field) {
                            Some(pair) => { prop_assert!(existed); pair.1 = value; }
                            None => { prop_assert!(!existed); model.push((field, value)); }
                        }
                    }
                    Step::Remove(field) => {
                        let before = model.len();
                        model.retain(|pair| pair.0 != field);
                        prop_assert_eq!(PackedHash::remove(&mut bytes, &field), model.len() < before);
                    }
                }
                let hash = PackedHash::new(&bytes);
                prop_assert_eq!(hash.len(), model.len());
                let pairs = || model.iter().map(|(field, value)| (&field[..], &value[..]));
                prop_assert!(hash.iter().eq(pairs()));
                for (index, (field, value)) in pairs().enumerate() {
                    prop_assert_eq!(hash.get(field), Some(value));
                    prop_assert_eq!(hash.nth(index), Some((field, value)));
                }
                prop_assert_eq!(hash.nth(model.len()), None);
                if !model.is_empty() {
                    prop_assert_eq!(&PackedHash::from_pairs(pairs()), &bytes);
                }
            }
        }
    }
}
