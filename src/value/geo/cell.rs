//! Cells of a grid over the globe, which halves both coordinates in each of its steps: a geohash.
//!
//! A cell's number has the bits of its column and row in turns, the row's being the even ones. At 26 steps, 52 bits, a
//! cell is 60 cm wide at most, and its number is exact as a score.

use std::ops::Range;

use super::{MAX_LATITUDE, MAX_LONGITUDE, Place};

/// The steps of a score.
pub const STEPS: u32 = 26;

/// What a geohash's text is made of.
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Letters of a geohash's text.
pub const TEXT_LEN: usize = 11;
/// The latitudes of everyone else's geohashes.
const TEXT_MAX_LATITUDE: f64 = 90.0;

/// A cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Counted from the west.
    column: u32,
    /// Counted from the south.
    row: u32,
    steps: u32,
}

/// What a cell covers, in degrees.
#[derive(Debug, Clone, PartialEq)]
pub struct Extent {
    /// From west to east.
    pub longitude: Range<f64>,
    /// From south to north.
    pub latitude: Range<f64>,
}

impl Cell {
    /// The cell that a place is in. The very last longitude and latitude make a column and a row of their own.
    pub fn of(place: Place, steps: u32) -> Self {
        Self::within(place, MAX_LATITUDE, steps)
    }

    fn within(place: Place, max_latitude: f64, steps: u32) -> Self {
        let scale = f64::from(1_u32 << steps);
        let share = |at: f64, max: f64| ((at + max) / (max + max) * scale) as u32;
        Self {
            column: share(place.longitude, MAX_LONGITUDE),
            row: share(place.latitude, max_latitude),
            steps,
        }
    }

    /// The cell of a score. One that is no place's, such as an infinite one, gives some cell.
    pub fn of_score(score: f64) -> Self {
        let bits = bits_of_score(score);
        Self {
            column: every_other(bits >> 1),
            row: every_other(bits),
            steps: STEPS,
        }
    }

    fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// The score that stands for the cell's first place.
    pub fn score(self) -> f64 {
        self.scores().start as f64
    }

    /// The scores of the places in the cell.
    pub fn scores(self) -> Range<u64> {
        let shift = 2 * (STEPS - self.steps);
        let bits = self.bits();
        bits << shift..(bits + 1) << shift
    }

    /// What the cell covers.
    pub fn extent(self) -> Extent {
        let scale = f64::from(1_u32 << self.steps);
        let range = |index: u32, max: f64| {
            let edge = |index: f64| -max + index / scale * (max + max);
            edge(index.into())..edge(f64::from(index) + 1.0)
        };
        Extent {
            longitude: range(self.column, MAX_LONGITUDE),
            latitude: range(self.row, MAX_LATITUDE),
        }
    }

    /// The place in the middle of the cell.
    pub fn middle(self) -> Place {
        let Extent {
            longitude,
            latitude,
        } = self.extent();
        let middle =
            |range: Range<f64>, max: f64| ((range.start + range.end) / 2.0).clamp(-max, max);
        Place {
            longitude: middle(longitude, MAX_LONGITUDE),
            latitude: middle(latitude, MAX_LATITUDE),
        }
    }

    /// The cell so many columns to the east and rows to the north, round the globe in both directions.
    #[must_use]
    pub fn moved(self, east: i32, north: i32) -> Self {
        let moved = |index: u32, by: i32| match by {
            0 => index,
            _ => index.wrapping_add_signed(by) & ((1 << self.steps) - 1),
        };
        Self {
            column: moved(self.column, east),
            row: moved(self.row, north),
            steps: self.steps,
        }
    }
}

/// The geohash of a place as text, as other systems read it.
pub fn text(place: Place) -> [u8; TEXT_LEN] {
    let bits = Cell::within(place, TEXT_MAX_LATITUDE, STEPS).bits();
    std::array::from_fn(|letter| {
        // 52 bits make ten letters and two bits of the eleventh, which is always 0.
        let bits = (2 * STEPS)
            .checked_sub(5 * (letter as u32 + 1))
            .map_or(0, |shift| bits >> shift);
        ALPHABET[(bits & 31) as usize]
    })
}

/// A score as bits: what is no integer of 64 bits gives what the peers' processors make of it.
fn bits_of_score(score: f64) -> u64 {
    const HALF: f64 = (1_u64 << 63) as f64;
    if score < HALF {
        score as i64 as u64
    } else if score < 2.0 * HALF {
        score as u64
    } else {
        0
    }
}

/// The bits of `value`, with a zero before each.
fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555_u64),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// The even bits of `bits`.
fn every_other(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333_u64),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}
