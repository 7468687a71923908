//! SORT and SORT_RO: the elements of a list, a set or a sorted set in another order, or what other keys say about them.
//!
//! `BY` and `GET` name other keys by a pattern, in which an element takes the place of the `*`. Nobody can say from the
//! request alone which keys those are, so that such a request takes all locks; any other takes those of its keys.
//!
//! Elements of one weight are in the order of their bytes, so that a list that is stored is the same wherever the request
//! is replayed.

use std::cmp::Ordering;
use std::ops::Range;

use bytes::Bytes;

use crate::clock::UnixMillis;
use crate::command::acl;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::list::view::ListMut;
use crate::command::random::Draws;
use crate::command::set::view::{Digits, Member, SetView};
use crate::command::table::Lock;
use crate::keyspace::{Access, Event, Expiry, NewValue, Record, RecordRef, Value};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::list::{Element, End, List};
use crate::value::number;
use crate::value::packed::{PackedHash, PackedList, PackedZSet};
use crate::value::zset::{Direction, ZSetView};

const NOT_DOUBLES: ReplyError =
    ReplyError::fixed("ERR One or more scores can't be converted into double");

/// A pattern that names a key or a hash's field for each element.
#[derive(Debug, Clone, Copy)]
struct Pattern<'a> {
    before: &'a [u8],
    after: &'a [u8],
    field: Option<&'a [u8]>,
}

impl<'a> Pattern<'a> {
    /// `None` without a `*`: then it names nothing.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let star = memchr::memchr(b'*', text)?;
        let (before, rest) = (&text[..star], &text[star + 1..]);
        let arrow = rest.windows(2).position(|two| two == b"->");
        // Without a name behind it an arrow is a part of the key.
        let arrow = arrow.filter(|arrow| arrow + 2 < rest.len());
        Some(Self {
            before,
            after: &rest[..arrow.unwrap_or(rest.len())],
            field: arrow.map(|arrow| &rest[arrow + 2..]),
        })
    }

    /// What the key or field for `element` holds, if it is there and a string.
    fn look_up<'k>(
        self,
        keys: &'k Access<'_>,
        element: &[u8],
        key: &mut Vec<u8>,
        now: UnixMillis,
    ) -> Option<Piece<'k>> {
        key.clear();
        for part in [self.before, element, self.after] {
            key.extend_from_slice(part);
        }
        let value = keys.read_shared(key)?.value();
        match (value, self.field) {
            (Value::Int(int), None) => Some(Piece::Digits(Digits::new(int))),
            (Value::Str(bytes), None) => Some(Piece::Plain(bytes)),
            (Value::BigStr(bytes), None) => Some(Piece::Shared(bytes)),
            (Value::PackedHash(bytes), Some(field)) => {
                PackedHash::new(bytes).get(field).map(Piece::Plain)
            }
            (Value::Hash(hash), Some(field)) => {
                let field = hash.get(field).filter(|field| !field.is_expired(now))?;
                Some(Piece::Plain(field.value()))
            }
            _ => None,
        }
    }
}

/// What elements are sorted by.
#[derive(Debug, Clone, Copy)]
enum By<'a> {
    /// Themselves.
    Element,
    /// What other keys hold.
    Pattern(Pattern<'a>),
    /// Not at all: they stay in the order that they have.
    Nothing,
}

/// What is returned for an element.
#[derive(Debug, Clone, Copy)]
enum Get<'a> {
    Element,
    Pattern(Pattern<'a>),
    /// A pattern without a place for the element: never there.
    Nothing,
}

/// The options behind the key.
#[derive(Debug)]
struct Options<'a> {
    by: By<'a>,
    gets: Vec<Get<'a>>,
    offset: i64,
    /// Negative: all.
    count: i64,
    descending: bool,
    /// By bytes, and not as numbers.
    alpha: bool,
    store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(args: Args<'a>, may_store: bool) -> Result<Self, ReplyError> {
        let mut options = Self {
            by: By::Element,
            gets: Vec::new(),
            offset: 0,
            count: -1,
            descending: false,
            alpha: false,
            store: None,
        };
        let mut words = args.rest(2).iter();
        while let Some(word) = words.next() {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            if is(b"ASC") {
                options.descending = false;
            } else if is(b"DESC") {
                options.descending = true;
            } else if is(b"ALPHA") {
                options.alpha = true;
            } else if is(b"LIMIT") {
                let (offset, count) = (words.next(), words.next());
                let (Some(offset), Some(count)) = (offset, count) else {
                    return Err(ReplyError::SYNTAX);
                };
                options.offset = number::parse_i64(offset).ok_or(ReplyError::NOT_INTEGER)?;
                options.count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
            } else if may_store && is(b"STORE") {
                options.store = Some(words.next().ok_or(ReplyError::SYNTAX)?);
            } else if is(b"BY") {
                let pattern = Pattern::parse(words.next().ok_or(ReplyError::SYNTAX)?);
                options.by = pattern.map_or(By::Nothing, By::Pattern);
            } else if is(b"GET") {
                let text = words.next().ok_or(ReplyError::SYNTAX)?;
                options.gets.push(match Pattern::parse(text) {
                    Some(pattern) => Get::Pattern(pattern),
                    None if text == b"#" => Get::Element,
                    None => Get::Nothing,
                });
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether the request looks at keys that it does not name.
    fn looks_elsewhere(&self) -> bool {
        matches!(self.by, By::Pattern(_))
            || self.gets.iter().any(|get| matches!(get, Get::Pattern(_)))
    }

    /// The indices that LIMIT leaves of `len` elements.
    fn range(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(len);
        let count = usize::try_from(self.count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }
}

/// Which locks a request of SORT or SORT_RO needs.
pub(super) fn locks(args: Args<'_>) -> Lock {
    match Options::parse(args, true) {
        Ok(options) if options.looks_elsewhere() => Lock::All,
        // A request that makes no sense touches nothing.
        _ => Lock::Keys,
    }
}

/// An element or what is known about it, where it is held.
#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    Digits(Digits),
    Plain(&'a [u8]),
    Shared(&'a Bytes),
}

impl<'a> Piece<'a> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Digits(digits) => digits.as_ref(),
            Self::Plain(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    fn as_element(&self) -> Element<'_> {
        match self {
            Self::Shared(bytes) => Element::Shared(bytes),
            _ => Element::Plain(self.bytes()),
        }
    }

    fn reply(&self, reply: &mut Reply) {
        match self {
            Self::Shared(bytes) => reply.bulk_shared(bytes),
            _ => reply.bulk(self.bytes()),
        }
    }
}

impl<'a> From<Element<'a>> for Piece<'a> {
    fn from(element: Element<'a>) -> Self {
        match element {
            Element::Plain(bytes) => Self::Plain(bytes),
            Element::Shared(bytes) => Self::Shared(bytes),
        }
    }
}

impl<'a> From<Member<'a>> for Piece<'a> {
    fn from(member: Member<'a>) -> Self {
        match member {
            Member::Int(digits) => Self::Digits(digits),
            Member::Bytes(bytes) => Self::Plain(bytes),
        }
    }
}

/// What is sorted.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    PackedList(PackedList<'a>),
    List(&'a List),
    Set(SetView<'a>),
    ZSet(ZSetView<'a>),
}

impl<'a> Source<'a> {
    fn of(record: RecordRef<'a>) -> Result<Self, ReplyError> {
        match record.value() {
            Value::PackedList(bytes) => Ok(Self::PackedList(PackedList::new(bytes))),
            Value::List(list) => Ok(Self::List(list)),
            Value::PackedZSet(bytes) => Ok(Self::ZSet(PackedZSet::new(bytes).into())),
            Value::ZSet(zset) => Ok(Self::ZSet(zset.into())),
            _ => SetView::in_record(record)
                .map(Self::Set)
                .ok_or(ReplyError::WRONG_TYPE),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::PackedList(list) => list.len(),
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::ZSet(zset) => zset.len(),
        }
    }

    /// The elements with these indices in their own order, which is reversed if that is asked for. A set has no order to
    /// be reversed.
    fn elements(self, range: Range<usize>, reversed: bool) -> Vec<Piece<'a>> {
        if range.is_empty() {
            return Vec::new();
        }
        let count = range.len();
        let start = match self {
            Self::Set(_) => range.start,
            _ if reversed => self.len() - range.end,
            _ => range.start,
        };
        let mut elements = Vec::with_capacity(count);
        match self {
            Self::PackedList(list) => {
                elements.extend(list.iter_from(start).take(count).map(Piece::Plain));
            }
            Self::List(list) => {
                elements.extend(list.elements_from(start).take(count).map(Piece::from))
            }
            Self::Set(set) => {
                elements.extend(set.iter().skip(start).take(count).map(Piece::from));
                return elements;
            }
            Self::ZSet(zset) => {
                let members = zset.range(start..start + count, Direction::Forward);
                elements.extend(members.map(|(member, _)| Piece::Plain(member)));
            }
        }
        if reversed {
            elements.reverse();
        }
        elements
    }
}

/// What an element is compared by.
#[derive(Debug, Clone, Copy)]
enum Weight<'a> {
    Number(f64),
    /// The element's own bytes.
    Itself,
    /// The bytes that another key holds; none, if it is not there, come first.
    Text(Option<Piece<'a>>),
}

impl Weight<'_> {
    /// Weights of one request are of one kind.
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => {
                one.partial_cmp(two).unwrap_or(Ordering::Equal)
            }
            (Self::Text(one), Self::Text(two)) => {
                let one = one.as_ref().map(Piece::bytes);
                one.cmp(&two.as_ref().map(Piece::bytes))
            }
            _ => Ordering::Equal,
        }
    }
}

/// The elements that are wanted, in their order.
fn sorted<'a>(
    source: Source<'a>,
    options: &Options<'_>,
    keys: &'a Access<'_>,
    now: UnixMillis,
    in_script: bool,
) -> Result<Vec<Piece<'a>>, ReplyError> {
    let len = source.len();
    let range = options.range(len);
    // What is stored, and what a script sees, must not depend on the order in which a set happens to be.
    let needs_order = options.store.is_some() || in_script;
    let is_set_to_order = matches!(source, Source::Set(_)) && needs_order;
    let (by, alpha) = match options.by {
        By::Nothing if is_set_to_order => (By::Element, true),
        by => (by, options.alpha),
    };
    if matches!(by, By::Nothing) {
        return Ok(source.elements(range, options.descending));
    }
    let mut key = Vec::new();
    let mut weigh = |element: &Piece<'a>| {
        let found = match by {
            By::Pattern(pattern) => pattern.look_up(keys, element.bytes(), &mut key, now),
            By::Element | By::Nothing if alpha => return Ok(Weight::Itself),
            By::Element | By::Nothing => Some(*element),
        };
        match found {
            _ if alpha => Ok(Weight::Text(found)),
            None => Ok(Weight::Number(0.0)),
            Some(text) => number::parse_f64(text.bytes())
                .map(Weight::Number)
                .ok_or(NOT_DOUBLES),
        }
    };
    let mut weighed = Vec::with_capacity(len);
    let mut failed = None;
    for element in source.elements(0..len, false) {
        // All are looked up, as the peers do, even behind one that is no number.
        match weigh(&element) {
            Ok(weight) => weighed.push((weight, element)),
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let compare = |one: &(Weight<'_>, Piece<'_>), two: &(Weight<'_>, Piece<'_>)| {
        let order = one.0.compare(&two.0);
        let order = order.then_with(|| one.1.bytes().cmp(two.1.bytes()));
        if options.descending {
            order.reverse()
        } else {
            order
        }
    };
    if range.end < len {
        // Only the first ones are wanted: the others need no order among themselves.
        weighed.select_nth_unstable_by(range.end, compare);
        weighed.truncate(range.end);
    }
    weighed.sort_unstable_by(compare);
    Ok(weighed.drain(range).map(|(_, element)| element).collect())
}

/// Gives what is to be returned for `elements`, in order; `None` for what is not there.
fn results<'a>(
    elements: &[Piece<'a>],
    gets: &[Get<'_>],
    keys: &'a Access<'_>,
    now: UnixMillis,
    mut give: impl FnMut(Option<&Piece<'_>>),
) {
    let mut key = Vec::new();
    for element in elements {
        if gets.is_empty() {
            give(Some(element));
        }
        for get in gets {
            match get {
                Get::Element => give(Some(element)),
                Get::Pattern(pattern) => {
                    let found = pattern.look_up(keys, element.bytes(), &mut key, now);
                    give(found.as_ref());
                }
                Get::Nothing => give(None),
            }
        }
    }
}

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]`
pub(super) fn sort(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(ctx, args, true)
}

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]`
pub(super) fn sort_ro(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(ctx, args, false)
}

/// What a pattern leads to may be any key: only who may read all of them may use one.
fn check_permissions(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    options: &Options<'_>,
) -> Result<(), ReplyError> {
    if acl::may_read_any_key(ctx.server, ctx.session, ctx.command, args) {
        return Ok(());
    }
    Err(ReplyError::fixed(match options.by {
        By::Pattern(_) => "ERR BY option of SORT denied due to insufficient ACL permissions.",
        _ => "ERR GET option of SORT denied due to insufficient ACL permissions.",
    }))
}

fn run(ctx: &mut Context<'_>, args: Args<'_>, may_store: bool) -> CommandResult {
    let (key, now) = (args.at(1), ctx.now);
    let options = Options::parse(args, may_store)?;
    if options.looks_elsewhere() || !options.gets.is_empty() {
        check_permissions(ctx, args, &options)?;
    }
    ctx.keys.read(key).map(Source::of).transpose()?;
    let source = ctx
        .keys
        .view(key)
        .and_then(|record| Source::of(record).ok());
    let elements = match source {
        Some(source) => sorted(source, &options, &ctx.keys, now, ctx.in_script)?,
        None => Vec::new(),
    };
    let count = elements.len().saturating_mul(options.gets.len().max(1));
    if options.gets.len() > 1 {
        // The request decides how often everything is repeated.
        Draws::new(count, ctx.server.settings.proto_max_bulk_len())?;
    }
    let Some(destination) = options.store else {
        ctx.reply.array(count);
        results(
            &elements,
            &options.gets,
            &ctx.keys,
            now,
            |piece| match piece {
                Some(piece) => piece.reply(ctx.reply),
                None => ctx.reply.null(),
            },
        );
        return Ok(Outcome::Done);
    };
    ctx.reply.int(count as i64);
    if count == 0 {
        ctx.keys.remove(destination, Event::DEL);
        return Ok(Outcome::Done);
    }
    let mut record = ctx.keys.draft(destination, NewValue::PackedList(b""));
    let mut list = ListMut::new(&mut record, &ctx.server.settings);
    results(&elements, &options.gets, &ctx.keys, now, |piece| {
        let element = piece.map_or(Element::Plain(b""), Piece::as_element);
        list.push(End::Tail, element);
    });
    replace(&mut ctx.keys, destination, record);
    Ok(Outcome::Done)
}

/// Sets `key` to the list in `record`, whatever it holds.
fn replace(keys: &mut Access<'_>, key: &[u8], mut record: Record) {
    let value = match record.view().value() {
        Value::PackedList(bytes) => NewValue::PackedList(bytes),
        _ => NewValue::List(Box::new(std::mem::take(record.list_mut()))),
    };
    keys.set(key, value, Expiry::Never, Event::list("sortstore"));
}
