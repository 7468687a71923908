//! Distances on a sphere as large as the earth, in metres, by the haversine formula: right to 0.5 %.

use super::Place;

/// The radius of the sphere, in metres.
pub const EARTH_RADIUS: f64 = 6_372_797.560_856;

/// Radians of a degree, rounded once: `f64::to_radians` differs in the last bit.
const RADIANS: f64 = std::f64::consts::PI / 180.0;

pub(super) fn radians(degrees: f64) -> f64 {
    degrees * RADIANS
}

pub(super) fn degrees(radians: f64) -> f64 {
    radians / RADIANS
}

/// The distance between two latitudes.
pub fn of_latitudes(one: f64, other: f64) -> f64 {
    EARTH_RADIUS * (radians(other) - radians(one)).abs()
}

/// The distance between two places.
pub fn between(one: Place, other: Place) -> f64 {
    let v = ((radians(other.longitude) - radians(one.longitude)) / 2.0).sin();
    if v == 0.0 {
        return of_latitudes(one.latitude, other.latitude);
    }
    let (first, second) = (radians(one.latitude), radians(other.latitude));
    let u = ((second - first) / 2.0).sin();
    let a = u * u + first.cos() * second.cos() * v * v;
    2.0 * EARTH_RADIUS * a.sqrt().asin()
}
