//! What a search asks for: the many options of GEOSEARCH, GEORADIUS and their like.

use super::read::place_of;
use super::{parse_place, parse_unit};
use crate::resp::{Args, ReplyError};
use crate::value::geo::{Place, Shape};
use crate::value::number;
use crate::value::zset::ZSetView;

/// What a command's name says about its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `GEORADIUS`: key, longitude, latitude, radius, unit; it may store unless it is `_RO`.
    RadiusAt { stores: bool },
    /// `GEORADIUSBYMEMBER`: key, member, radius, unit; it may store unless it is `_RO`.
    RadiusByMember { stores: bool },
    /// `GEOSEARCH`: key.
    Search,
    /// `GEOSEARCHSTORE`: destination, key.
    SearchStore,
}

impl Form {
    /// Which argument is the key that is searched.
    pub(super) fn source_at(self) -> usize {
        if self == Self::SearchStore { 2 } else { 1 }
    }

    fn is_search(self) -> bool {
        matches!(self, Self::Search | Self::SearchStore)
    }

    /// Whether STORE and STOREDIST name a key.
    fn takes_store_key(self) -> bool {
        matches!(
            self,
            Self::RadiusAt { stores: true } | Self::RadiusByMember { stores: true }
        )
    }
}

/// In which order the nearest and the farthest come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As they are found.
    Any,
    Nearest,
    Farthest,
}

/// Where the result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Destination<'a> {
    pub(super) key: &'a [u8],
    /// The scores are distances, not geohashes.
    pub(super) distances: bool,
}

/// An outline whose centre is named elsewhere.
#[derive(Debug, Clone)]
enum Outline {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
    Polygon { corners: Vec<Place> },
}

/// A search as it was asked for.
#[derive(Debug)]
pub(super) struct Query<'a> {
    /// Missing only if there is no set to be searched.
    centre: Option<Place>,
    outline: Option<Outline>,
    /// The unit of all lengths, in metres.
    pub(super) unit: f64,
    pub(super) order: Order,
    /// The most that are found.
    pub(super) count: Option<usize>,
    /// Those found first will do.
    pub(super) any: bool,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_place: bool,
    pub(super) store: Option<Destination<'a>>,
}

/// The words of a request, read one after the other.
struct Words<'a> {
    args: Args<'a>,
    at: usize,
}

impl<'a> Words<'a> {
    fn left(&self) -> usize {
        self.args.len() - self.at
    }

    /// The next word, which must be there.
    fn next(&mut self) -> &'a [u8] {
        self.at += 1;
        self.args.at(self.at - 1)
    }

    fn place(&mut self) -> Result<Place, ReplyError> {
        let (longitude, latitude) = (self.next(), self.next());
        parse_place(longitude, latitude)
    }

    /// A radius in metres, and its unit.
    fn circle(&mut self) -> Result<(Outline, f64), ReplyError> {
        let radius =
            number::parse_f64(self.next()).ok_or(ReplyError::fixed("ERR need numeric radius"))?;
        if radius < 0.0 {
            return Err(ReplyError::fixed("ERR radius cannot be negative"));
        }
        let unit = parse_unit(self.next())?;
        let radius = radius * unit;
        Ok((Outline::Circle { radius }, unit))
    }

    fn rectangle(&mut self) -> Result<(Outline, f64), ReplyError> {
        let width =
            number::parse_f64(self.next()).ok_or(ReplyError::fixed("ERR need numeric width"))?;
        let height =
            number::parse_f64(self.next()).ok_or(ReplyError::fixed("ERR need numeric height"))?;
        if width < 0.0 || height < 0.0 {
            return Err(ReplyError::fixed("ERR height or width cannot be negative"));
        }
        let unit = parse_unit(self.next())?;
        let (width, height) = (width * unit, height * unit);
        Ok((Outline::Box { width, height }, unit))
    }

    fn polygon(&mut self) -> Result<Outline, ReplyError> {
        let count = number::parse_i64(self.next())
            .and_then(|count| i32::try_from(count).ok())
            .ok_or(ReplyError::fixed("ERR invalid number of vertices"))?;
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count >= 3 && *count <= self.left() / 2)
            .ok_or(ReplyError::fixed(
                "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices",
            ))?;
        let mut corners = Vec::with_capacity(count);
        for _ in 0..count {
            corners.push(self.place()?);
        }
        Ok(Outline::Polygon { corners })
    }
}

/// Where a member is from which a search starts.
fn centre_of(zset: ZSetView<'_>, member: &[u8]) -> Result<Place, ReplyError> {
    place_of(Some(zset), member).ok_or(ReplyError::fixed(
        "ERR could not decode requested zset member",
    ))
}

impl<'a> Query<'a> {
    /// Reads a request. `zset` is what it searches: a member may be the centre.
    pub(super) fn parse(
        args: Args<'a>,
        form: Form,
        zset: Option<ZSetView<'_>>,
    ) -> Result<Self, ReplyError> {
        let mut query = Self {
            centre: None,
            outline: None,
            unit: 1.0,
            order: Order::Any,
            count: None,
            any: false,
            with_distance: false,
            with_hash: false,
            with_place: false,
            store: None,
        };
        let mut words = Words {
            args,
            at: form.source_at() + 1,
        };
        match form {
            Form::RadiusAt { .. } => {
                query.centre = Some(words.place()?);
                let (circle, unit) = words.circle()?;
                (query.outline, query.unit) = (Some(circle), unit);
            }
            Form::RadiusByMember { .. } => match zset {
                Some(zset) => {
                    query.centre = Some(centre_of(zset, words.next())?);
                    let (circle, unit) = words.circle()?;
                    (query.outline, query.unit) = (Some(circle), unit);
                }
                // The options still decide what the answer is.
                None => words.at += 3,
            },
            Form::SearchStore => {
                query.store = Some(Destination {
                    key: args.at(1),
                    distances: false,
                });
            }
            Form::Search => {}
        }
        let mut from = From::Nowhere;
        while words.left() > 0 {
            query.option(&mut words, form, zset, &mut from)?;
        }
        query.check(args, form, from)?;
        Ok(query)
    }

    /// Reads one option.
    fn option(
        &mut self,
        words: &mut Words<'a>,
        form: Form,
        zset: Option<ZSetView<'_>>,
        from: &mut From,
    ) -> Result<(), ReplyError> {
        let word = words.next();
        let (is, left) = (|name: &[u8]| word.eq_ignore_ascii_case(name), words.left());
        let search = form.is_search();
        if is(b"WITHDIST") {
            self.with_distance = true;
        } else if is(b"WITHHASH") {
            self.with_hash = true;
        } else if is(b"WITHCOORD") {
            self.with_place = true;
        } else if is(b"ANY") {
            self.any = true;
        } else if is(b"ASC") {
            self.order = Order::Nearest;
        } else if is(b"DESC") {
            self.order = Order::Farthest;
        } else if is(b"COUNT") && left >= 1 {
            let count = number::parse_i64(words.next()).ok_or(ReplyError::NOT_INTEGER)?;
            if count <= 0 {
                return Err(ReplyError::fixed("ERR COUNT must be > 0"));
            }
            self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
        } else if form.takes_store_key() && (is(b"STORE") || is(b"STOREDIST")) && left >= 1 {
            self.store = Some(Destination {
                key: words.next(),
                distances: is(b"STOREDIST"),
            });
        } else if form == Form::SearchStore && is(b"STOREDIST") {
            if let Some(store) = &mut self.store {
                store.distances = true;
            }
        } else if search && is(b"FROMMEMBER") && left >= 1 && from.takes(From::Member) {
            let member = words.next();
            if let Some(zset) = zset {
                self.centre = Some(centre_of(zset, member)?);
            }
            *from = From::Member;
        } else if search && is(b"FROMLONLAT") && left >= 2 && from.takes(From::Place) {
            self.centre = Some(words.place()?);
            *from = From::Place;
        } else if search && is(b"BYRADIUS") && left >= 2 && self.is_or_may_be(Self::IS_CIRCLE) {
            let (circle, unit) = words.circle()?;
            (self.outline, self.unit) = (Some(circle), unit);
        } else if search && is(b"BYBOX") && left >= 3 && self.is_or_may_be(Self::IS_BOX) {
            let (rectangle, unit) = words.rectangle()?;
            (self.outline, self.unit) = (Some(rectangle), unit);
        } else if search
            && is(b"BYPOLYGON")
            && left >= 2
            && self.is_or_may_be(Self::IS_POLYGON)
            && from.takes(From::Polygon)
        {
            self.outline = Some(words.polygon()?);
            *from = From::Polygon;
        } else {
            return Err(ReplyError::SYNTAX);
        }
        Ok(())
    }

    const IS_CIRCLE: fn(&Outline) -> bool = |outline| matches!(outline, Outline::Circle { .. });
    const IS_BOX: fn(&Outline) -> bool = |outline| matches!(outline, Outline::Box { .. });
    const IS_POLYGON: fn(&Outline) -> bool = |outline| matches!(outline, Outline::Polygon { .. });

    /// An outline may be given again, of the same kind: the last one counts.
    fn is_or_may_be(&self, kind: fn(&Outline) -> bool) -> bool {
        self.outline.as_ref().is_none_or(kind)
    }

    /// Whether the options go together.
    fn check(&self, args: Args<'_>, form: Form, from: From) -> Result<(), ReplyError> {
        if self.store.is_some() && (self.with_distance || self.with_hash || self.with_place) {
            let which = match form {
                Form::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            return Err(ReplyError::err(format_args!(
                "{which} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let missing = |what: &str| {
            let mut text = format!("ERR exactly one of {what} can be specified for ").into_bytes();
            text.extend_from_slice(args.at(0));
            Err(ReplyError::from_bytes(text))
        };
        if form.is_search() && from == From::Nowhere {
            return missing("FROMMEMBER or FROMLONLAT");
        }
        if form.is_search() && self.outline.is_none() {
            return missing("BYRADIUS, BYBOX and BYPOLYGON");
        }
        if self.any && self.count.is_none() {
            return Err(ReplyError::fixed(
                "ERR the ANY argument requires COUNT argument",
            ));
        }
        Ok(())
    }

    /// The area that is searched; `None` if a member that is not there is its centre.
    pub(super) fn shape(&self) -> Option<Shape> {
        let centre = self.centre;
        match self.outline.clone()? {
            Outline::Circle { radius } => Some(Shape::Circle {
                centre: centre?,
                radius,
            }),
            Outline::Box { width, height } => Some(Shape::Box {
                centre: centre?,
                width,
                height,
            }),
            Outline::Polygon { corners } => Some(Shape::Polygon { corners }),
        }
    }
}

/// What says where the centre is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Nowhere,
    Member,
    Place,
    /// A polygon has its own.
    Polygon,
}

impl From {
    /// Whether it may be said in this way: nothing else has said it.
    fn takes(self, way: Self) -> bool {
        self == Self::Nowhere || self == way
    }
}
