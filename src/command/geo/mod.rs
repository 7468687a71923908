//! Geo: sorted sets of places.
//!
//! A place is a member whose score is its geohash of 52 bits, exact as a double: everything that reads or changes sorted
//! sets works on it, and it has their encodings. See [`crate::value::geo`].

mod add;
mod query;
mod read;
mod reply;
mod result;
mod search;
#[cfg(test)]
mod tests;

use crate::resp::ReplyError;
use crate::value::geo::Place;
use crate::value::number;

use super::table::keys::{Begin, Find, KeySpec};
use super::table::keys::{of_georadius, of_georadiusbymember};
use super::table::words::{
    ACCESS, Command, DENYOOM, Group, OW, READONLY, RO, RW, UPDATE, VARIABLE_FLAGS, WRITE, key,
};

/// Reads a place; one that cannot be stored is an error, too.
fn parse_place(longitude: &[u8], latitude: &[u8]) -> Result<Place, ReplyError> {
    let degrees = |text| number::parse_f64(text).ok_or(ReplyError::NOT_FLOAT);
    let place = Place {
        longitude: degrees(longitude)?,
        latitude: degrees(latitude)?,
    };
    if place.is_valid() {
        Ok(place)
    } else {
        Err(ReplyError::err(format_args!(
            "invalid longitude,latitude pair {:.6},{:.6}",
            place.longitude, place.latitude
        )))
    }
}

/// Reads a unit of length, as metres.
fn parse_unit(word: &[u8]) -> Result<f64, ReplyError> {
    let units: [(&[u8], f64); 4] = [
        (b"M", 1.0),
        (b"KM", 1000.0),
        (b"FT", 0.3048),
        (b"MI", 1609.34),
    ];
    units
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .map(|(_, metres)| *metres)
        .ok_or(ReplyError::fixed(
            "ERR unsupported unit provided. please use M, KM, FT, MI",
        ))
}

/// The key that is stored to, behind a word of GEORADIUS's options.
const fn stored(word: &'static str, options: i8) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword {
            word,
            start: options,
        },
        find: Find::Range {
            last: 0,
            step: 1,
            limit: 0,
        },
        ..key(0, &[OW, UPDATE, VARIABLE_FLAGS])
    }
}

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Geo, "geoadd", -5, add::geoadd)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, UPDATE])])
        .since("3.2.0")
        .summary("Adds places to a sorted set, or moves them.")
        .syntax(
            "key [condition: NX|XX]@6.2.0 [change=CH]@6.2.0 (data: longitude:double \
            latitude:double member)...",
        )
        .complexity("O(log N) for each place, N being the size of the sorted set"),
    Command::new(Group::Geo, "geodist", -4, read::geodist)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("3.2.0")
        .summary("Returns the distance between two places of a sorted set.")
        .syntax("key member1 member2 [unit: M|KM|FT|MI]"),
    Command::new(Group::Geo, "geohash", -2, read::geohash)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("3.2.0")
        .summary("Returns the geohashes of places as text.")
        .syntax("key [member]...")
        .complexity("O(1) for each place"),
    Command::new(Group::Geo, "geopos", -2, read::geopos)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("3.2.0")
        .summary("Returns the longitudes and latitudes of places.")
        .syntax("key [member]...")
        .complexity("O(1) for each place"),
    Command::new(Group::Geo, "georadius", -6, search::georadius)
        .flags(&[WRITE, DENYOOM])
        .keys(&[
            key(1, &[RO, ACCESS]),
            stored("STORE", 6),
            stored("STOREDIST", 6),
        ])
        .finder(of_georadius)
        .since("3.2.0")
        .summary("Returns or stores the places within a radius of a point.")
        .syntax(
            "key longitude:double latitude:double radius:double <unit: M|KM|FT|MI> \
            [WITHCOORD] [WITHDIST] [WITHHASH] [count-block: COUNT count:integer [ANY@6.2.0]] \
            [order: ASC|DESC] [store: STORE storekey:key|STOREDIST storedistkey:key]",
        )
        .complexity(SEARCH_COST),
    Command::new(Group::Geo, "georadius_ro", -6, search::georadius_ro)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("3.2.10")
        .summary("Returns the places within a radius of a point.")
        .syntax(
            "key longitude:double latitude:double radius:double <unit: M|KM|FT|MI> \
            [WITHCOORD] [WITHDIST] [WITHHASH] [count-block: COUNT count:integer [ANY@6.2.0]] \
            [order: ASC|DESC]",
        )
        .complexity(SEARCH_COST),
    Command::new(
        Group::Geo,
        "georadiusbymember",
        -5,
        search::georadiusbymember,
    )
    .flags(&[WRITE, DENYOOM])
    .keys(&[
        key(1, &[RO, ACCESS]),
        stored("STORE", 5),
        stored("STOREDIST", 5),
    ])
    .finder(of_georadiusbymember)
    .since("3.2.0")
    .summary("Returns or stores the places within a radius of one of them.")
    .syntax(
        "key member radius:double <unit: M|KM|FT|MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
            [count-block: COUNT count:integer [ANY]] [order: ASC|DESC] [store: STORE \
            storekey:key|STOREDIST storedistkey:key]",
    )
    .complexity(SEARCH_COST),
    Command::new(
        Group::Geo,
        "georadiusbymember_ro",
        -5,
        search::georadiusbymember_ro,
    )
    .flags(&[READONLY])
    .keys(&[key(1, &[RO, ACCESS])])
    .since("3.2.10")
    .summary("Returns the places within a radius of one of them.")
    .syntax(
        "key member radius:double <unit: M|KM|FT|MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
            [count-block: COUNT count:integer [ANY]] [order: ASC|DESC]",
    )
    .complexity(SEARCH_COST),
    Command::new(Group::Geo, "geosearch", -7, search::geosearch)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Returns the places within a circle, a box or a polygon.")
        .syntax(
            "key [from: FROMMEMBER member|FROMLONLAT (fromlonlat: longitude:double \
            latitude:double)] <by: (circle: BYRADIUS radius:double <unit: M|KM|FT|MI>)|(box: \
            BYBOX width:double height:double <unit: M|KM|FT|MI>)|(polygon: BYPOLYGON \
            num-vertices:integer (vertices: longitude:double latitude:double)...)@9.0.0> \
            [order: ASC|DESC] [count-block: COUNT count:integer [ANY]] [WITHCOORD] [WITHDIST] \
            [WITHHASH]",
        )
        .complexity(SEARCH_COST),
    Command::new(Group::Geo, "geosearchstore", -8, search::geosearchstore)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[OW, UPDATE]), key(2, &[RO, ACCESS])])
        .since("6.2.0")
        .summary("Stores the places within a circle, a box or a polygon.")
        .syntax(
            "destination:key source:key [from: FROMMEMBER member|FROMLONLAT (fromlonlat: \
            longitude:double latitude:double)] <by: (circle: BYRADIUS radius:double <unit: \
            M|KM|FT|MI>)|(box: BYBOX width:double height:double <unit: M|KM|FT|MI>)|(polygon: \
            BYPOLYGON num-vertices:integer (vertices: longitude:double \
            latitude:double)...)@9.0.0> [order: ASC|DESC] [count-block: COUNT count:integer \
            [ANY]] [STOREDIST]",
        )
        .complexity(SEARCH_COST),
];

const SEARCH_COST: &str = "O(N+log(M)), N being the number of places in and right around the \
    area and M the size of the sorted set";
