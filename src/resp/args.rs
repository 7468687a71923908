//! A request's arguments, as slices of the buffer that they were received in.
//!
//! [`Args`] is a view: copying it costs nothing and reading an argument copies nothing. Arguments of
//! [`SHARED_LEN`](super::parser::SHARED_LEN) bytes and more were read straight into an allocation of their own, which
//! [`Args::shared`] hands out without a copy. [`OwnedArgs`] outlives the buffer: queued transactions and the effects of
//! writes keep it. Argument 0 is the command's name.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Index;

use bytes::Bytes;

use super::parser::SHARED_LEN;

/// Marks a span whose `start` is an index into the list of shared arguments.
const SHARED: u32 = 1 << 31;

/// Where one argument lies: an offset into the request's bytes, or an index into its shared arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// `len` bytes from `start`; none when that lies beyond what a span can say (2 GB).
    pub(super) fn inline(start: usize, len: usize) -> Option<Span> {
        let start = u32::try_from(start)
            .ok()
            .filter(|start| start & SHARED == 0)?;
        Some(Span {
            start,
            len: u32::try_from(len).ok()?,
        })
    }

    /// The shared argument at `index`.
    pub(super) fn shared(index: usize) -> Span {
        let index = u32::try_from(index)
            .ok()
            .filter(|index| index & SHARED == 0);
        let index = index.expect("2^31 shared arguments of 32 kB do not fit into any memory");
        Span {
            start: index | SHARED,
            len: 0,
        }
    }

    pub(super) fn shared_index(self) -> Option<usize> {
        (self.start & SHARED != 0).then_some((self.start & !SHARED) as usize)
    }
}

/// The arguments of one request.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    shared: &'a [Bytes],
}

impl<'a> Args<'a> {
    pub(super) fn new(bytes: &'a [u8], spans: &'a [Span], shared: &'a [Bytes]) -> Args<'a> {
        Args {
            bytes,
            spans,
            shared,
        }
    }

    /// The number of arguments, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no arguments at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`, if there are that many.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|&span| self.slice(span))
    }

    /// Argument `index`, for as long as the request's buffer lives.
    ///
    /// # Panics
    /// When there are not that many: the dispatcher has checked the arity.
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        self.slice(self.spans[index])
    }

    /// The arguments in order.
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter { args: *self }
    }

    /// The arguments from `from` on; none when there are fewer.
    #[inline]
    pub fn rest(&self, from: usize) -> Args<'a> {
        Args {
            spans: self.spans.get(from..).unwrap_or_default(),
            ..*self
        }
    }

    /// Up to `count` arguments from `from` on; fewer when there are fewer.
    #[inline]
    pub fn part(&self, from: usize, count: usize) -> Args<'a> {
        let rest = self.rest(from);
        Args {
            spans: rest.spans.get(..count).unwrap_or(rest.spans),
            ..rest
        }
    }

    /// The allocation that argument `index` was read into, if it has one of its own. Cloning it is cheap.
    #[inline]
    pub fn shared(&self, index: usize) -> Option<Bytes> {
        let index = self.spans.get(index)?.shared_index()?;
        Some(self.shared[index].clone())
    }

    /// A copy that outlives the buffer. Shared arguments stay shared.
    pub fn to_owned(&self) -> OwnedArgs {
        let mut owned = OwnedArgs::with_capacity(
            self.len(),
            self.iter()
                .map(<[u8]>::len)
                .filter(|&n| n < SHARED_LEN)
                .sum(),
        );
        for (index, arg) in self.iter().enumerate() {
            match self.shared(index) {
                Some(shared) => owned.push_shared(shared),
                None => owned.push(arg),
            }
        }
        owned
    }

    #[inline]
    fn slice(&self, span: Span) -> &'a [u8] {
        match span.shared_index() {
            None => {
                let start = span.start as usize;
                &self.bytes[start..start + span.len as usize]
            }
            Some(index) => &self.shared[index],
        }
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.at(index)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter { args: self }
    }
}

impl<'a> IntoIterator for &Args<'a> {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for arg in self {
            list.entry(&format_args!("{}", arg.escape_ascii()));
        }
        list.finish()
    }
}

/// The arguments of a request in order.
#[derive(Clone)]
pub struct Iter<'a> {
    args: Args<'a>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&first, rest) = self.args.spans.split_first()?;
        self.args.spans = rest;
        Some(self.args.slice(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.args.len(), Some(self.args.len()))
    }

    fn nth(&mut self, n: usize) -> Option<&'a [u8]> {
        self.args = self.args.rest(n);
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (&last, rest) = self.args.spans.split_last()?;
        self.args.spans = rest;
        Some(self.args.slice(last))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// Arguments that own their bytes: one buffer for the small ones, the shared allocations of the big ones.
#[derive(Clone, Default)]
pub struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    shared: Vec<Bytes>,
}

impl OwnedArgs {
    /// No arguments yet, with room for `args` of them and for `bytes` bytes in all.
    pub fn with_capacity(args: usize, bytes: usize) -> OwnedArgs {
        OwnedArgs {
            bytes: Vec::with_capacity(bytes),
            spans: Vec::with_capacity(args),
            shared: Vec::new(),
        }
    }

    /// Forgets all arguments, and keeps the room that they had.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.shared.clear();
    }

    /// Holds what `args` does, in the room that it has; shared arguments stay shared.
    pub fn copy_from(&mut self, args: Args<'_>) {
        self.clear();
        self.append(args);
    }

    /// Appends copies of `args`; shared arguments stay shared.
    pub fn append(&mut self, args: Args<'_>) {
        let base = self.bytes.len();
        if args.shared.is_empty() && base + args.bytes.len() < SHARED as usize {
            // One copy with the few bytes between the arguments is quicker than one for each.
            self.bytes.extend_from_slice(args.bytes);
            let moved = |span: &Span| Span {
                start: span.start + base as u32,
                ..*span
            };
            self.spans.extend(args.spans.iter().map(moved));
            return;
        }
        for (index, arg) in args.iter().enumerate() {
            match args.shared(index) {
                Some(shared) => self.push_shared(shared),
                None => self.push(arg),
            }
        }
    }

    /// Appends a copy of `arg`.
    pub fn push(&mut self, arg: &[u8]) {
        if arg.len() < SHARED_LEN
            && let Some(span) = Span::inline(self.bytes.len(), arg.len())
        {
            self.bytes.extend_from_slice(arg);
            self.spans.push(span);
        } else {
            self.push_shared(Bytes::copy_from_slice(arg));
        }
    }

    /// Appends an argument without copying it.
    pub fn push_shared(&mut self, arg: Bytes) {
        self.spans.push(Span::shared(self.shared.len()));
        self.shared.push(arg);
    }

    /// The arguments, to read.
    #[inline]
    pub fn view(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans, &self.shared)
    }

    /// The bytes that these arguments hold: payloads and bookkeeping.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.spans.capacity() * size_of::<Span>()
            + self
                .shared
                .iter()
                .map(|arg| arg.len() + size_of::<Bytes>())
                .sum::<usize>()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = T>>(args: I) -> OwnedArgs {
        let args = args.into_iter();
        let mut owned = OwnedArgs::with_capacity(args.size_hint().0, 0);
        for arg in args {
            owned.push(arg.as_ref());
        }
        owned
    }
}

impl fmt::Debug for OwnedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_arguments_keep_order_and_sharing() {
        let big = vec![b'x'; SHARED_LEN];
        let mut owned = OwnedArgs::from_iter([b"SET".as_slice(), b"key", &big, b""]);
        owned.push_shared(Bytes::from_static(b"tiny but shared"));
        let args = owned.view();
        assert_eq!(args.len(), 5);
        assert_eq!(&args[0], b"SET");
        assert_eq!(args.at(2), big.as_slice());
        assert_eq!(args.get(3), Some(b"".as_slice()));
        assert_eq!(args.get(5), None);
        assert!(args.shared(1).is_none() && args.shared(2).is_some() && args.shared(9).is_none());

        let copy = args.to_owned();
        assert!(copy.view().iter().eq(args.iter()));
        let (a, b) = (
            copy.view().shared(2).expect("shared"),
            args.shared(2).expect("shared"),
        );
        assert_eq!(
            a.as_ptr(),
            b.as_ptr(),
            "copying the arguments copied a shared one"
        );
    }

    #[test]
    fn rest_and_iterators() {
        let owned: OwnedArgs = ["a", "b", "c"].into_iter().collect();
        let args = owned.view();
        assert!(args.rest(1).iter().eq([b"b".as_slice(), b"c"]));
        assert!(args.rest(7).is_empty());
        assert!(args.iter().rev().eq([b"c".as_slice(), b"b", b"a"]));
        assert_eq!(args.iter().nth(2), Some(b"c".as_slice()));
        assert_eq!(args.iter().nth(3), None);
        assert_eq!(format!("{args:?}"), "[a, b, c]");
    }
}
