//! Places on the globe as 52-bit numbers whose neighbourhood is mostly that of the places.
//!
//! A place becomes a score of a sorted set by interleaving the bits of its longitude and its latitude ([`cell`]). All
//! places of a cell of the grid then have neighbouring scores, and a search looks through the cells around its centre
//! ([`area`]). Distances are those on a sphere ([`distance`]). Scores, distances and the order in which a search looks
//! through its cells are Redis's, bit by bit.

pub mod area;
pub mod cell;
pub mod distance;

pub use area::Shape;

/// The longitudes that places have, in degrees.
pub const MAX_LONGITUDE: f64 = 180.0;
/// The latitudes that places have, in degrees: those of a square web map.
pub const MAX_LATITUDE: f64 = 85.051_128_78;

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// East of Greenwich.
    pub longitude: f64,
    /// North of the equator.
    pub latitude: f64,
}

impl Place {
    /// Whether the place can be stored: longitudes up to 180, latitudes up to 85.05112878.
    pub fn is_valid(self) -> bool {
        self.longitude.abs() <= MAX_LONGITUDE && self.latitude.abs() <= MAX_LATITUDE
    }
}

#[cfg(test)]
mod tests;
