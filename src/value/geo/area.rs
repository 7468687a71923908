//! Searching an area: which cells may have places in it, and whether a place is.

use std::ops::Range;

use super::Place;
use super::cell::{Cell, STEPS};
use super::distance::{self, EARTH_RADIUS, degrees, radians};

/// Half the length of the equator on a square web map, in metres.
const MAP_HALF: f64 = 20_037_726.37;

/// The area of a search. Lengths are in metres.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// What is no farther from the centre than the radius.
    Circle {
        /// The centre.
        centre: Place,
        /// The radius.
        radius: f64,
    },
    /// What is no farther from the centre than half the width and half the height.
    Box {
        /// The centre.
        centre: Place,
        /// From west to east, measured at the latitude of each place.
        width: f64,
        /// From south to north.
        height: f64,
    },
    /// What is within a polygon, whose edges are straight on the map.
    Polygon {
        /// The corners in order. The last is joined with the first.
        corners: Vec<Place>,
    },
}

/// The degrees that a shape is within.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Bounds {
    fn corners(&self) -> [Place; 4] {
        [
            (self.west, self.south),
            (self.west, self.north),
            (self.east, self.south),
            (self.east, self.north),
        ]
        .map(|(longitude, latitude)| Place {
            longitude,
            latitude,
        })
    }
}

impl Shape {
    /// The place from which distances are measured. A polygon's is the middle of its corners on the sphere.
    pub fn centre(&self) -> Place {
        match self {
            Self::Circle { centre, .. } | Self::Box { centre, .. } => *centre,
            Self::Polygon { corners } => middle(corners),
        }
    }

    /// How far `place` is from `centre`, which is the shape's; `None` if it is outside.
    pub fn distance(&self, centre: Place, place: Place) -> Option<f64> {
        match self {
            Self::Circle { radius, .. } => {
                let distance = distance::between(centre, place);
                // What is not a number is not outside either.
                let outside = distance > *radius;
                (!outside).then_some(distance)
            }
            Self::Box { width, height, .. } => {
                let beside = Place {
                    longitude: centre.longitude,
                    ..place
                };
                let outside = distance::of_latitudes(place.latitude, centre.latitude)
                    > height / 2.0
                    || distance::between(place, beside) > width / 2.0;
                (!outside).then(|| distance::between(centre, place))
            }
            Self::Polygon { corners } => {
                is_within(corners, place).then(|| distance::between(centre, place))
            }
        }
    }

    /// The ranges of scores that may have places of the shape, in the order in which they are to be searched.
    pub fn scores(&self, centre: Place) -> impl Iterator<Item = Range<u64>> {
        let bounds = self.bounds(centre);
        let steps = self.steps(centre, bounds);
        cells(centre, bounds, steps)
            .into_iter()
            .flatten()
            .map(Cell::scores)
    }

    fn bounds(&self, centre: Place) -> Bounds {
        let (width, height) = match self {
            Self::Circle { radius, .. } => (*radius, *radius),
            Self::Box { width, height, .. } => (width / 2.0, height / 2.0),
            Self::Polygon { corners } => return corners_bounds(corners),
        };
        let tall = degrees(height / EARTH_RADIUS);
        // Meridians are closest on the side of the pole: the shape spans the most degrees there.
        let near_pole = if centre.latitude < 0.0 {
            centre.latitude - tall
        } else {
            centre.latitude + tall
        };
        let wide = degrees(width / EARTH_RADIUS / radians(near_pole).cos());
        Bounds {
            west: centre.longitude - wide,
            south: centre.latitude - tall,
            east: centre.longitude + wide,
            north: centre.latitude + tall,
        }
    }

    /// The steps of a grid whose cells are about as large as the shape.
    fn steps(&self, centre: Place, bounds: Bounds) -> u32 {
        let mut reach = match self {
            Self::Circle { radius, .. } => *radius,
            Self::Box { width, height, .. } => {
                (width / 2.0 * (width / 2.0) + height / 2.0 * (height / 2.0)).sqrt()
            }
            Self::Polygon { .. } => bounds
                .corners()
                .map(|corner| distance::between(centre, corner))
                .into_iter()
                .fold(0.0, f64::max),
        };
        if reach == 0.0 {
            return STEPS;
        }
        let mut steps = -1;
        while reach < MAP_HALF {
            reach *= 2.0;
            steps += 1;
        }
        // Towards the poles cells get narrower.
        let latitude = centre.latitude.abs();
        steps -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        steps.clamp(1, STEPS as i32) as u32
    }
}

/// Where a cell lies from the centre's: columns to the east and rows to the north, in the order of the search.
const AROUND: [(i32, i32); 9] = [
    (0, 0),
    (0, 1),
    (0, -1),
    (1, 0),
    (-1, 0),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
];

/// The cells to be searched: the centre's and those around it that the bounds reach.
fn cells(centre: Place, bounds: Bounds, mut steps: u32) -> [Option<Cell>; 9] {
    let at = |steps| Cell::of(centre, steps);
    let around = |east, north| at(steps).moved(east, north).extent();
    // A centre near its cell's edge may have bounds beyond the neighbour.
    let too_small = around(0, 1).latitude.end < bounds.north
        || around(0, -1).latitude.start > bounds.south
        || around(1, 0).longitude.end < bounds.east
        || around(-1, 0).longitude.start > bounds.west;
    if steps > 1 && too_small {
        steps -= 1;
    }
    let home = at(steps);
    let extent = home.extent();
    let reached = |(east, north)| {
        steps < 2
            || !(north < 0 && extent.latitude.start < bounds.south
                || north > 0 && extent.latitude.end > bounds.north
                || east < 0 && extent.longitude.start < bounds.west
                || east > 0 && extent.longitude.end > bounds.east)
    };
    let mut last = None;
    AROUND.map(|(east, north)| {
        let cell = home.moved(east, north);
        // In a coarse grid a cell comes from both sides, one right behind the other.
        if !reached((east, north)) || last == Some(cell) {
            return None;
        }
        if (east, north) != (0, 0) {
            last = Some(cell);
        }
        Some(cell)
    })
}

fn corners_bounds(corners: &[Place]) -> Bounds {
    let nowhere = Bounds {
        west: f64::INFINITY,
        south: f64::INFINITY,
        east: f64::NEG_INFINITY,
        north: f64::NEG_INFINITY,
    };
    corners.iter().fold(nowhere, |bounds, corner| Bounds {
        west: bounds.west.min(corner.longitude),
        south: bounds.south.min(corner.latitude),
        east: bounds.east.max(corner.longitude),
        north: bounds.north.max(corner.latitude),
    })
}

/// The middle of places on the sphere: where their sum as points in space lies, seen from the centre of the earth.
fn middle(places: &[Place]) -> Place {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for place in places {
        let (longitude, latitude) = (radians(place.longitude), radians(place.latitude));
        x += latitude.cos() * longitude.cos();
        y += latitude.cos() * longitude.sin();
        z += latitude.sin();
    }
    Place {
        longitude: degrees(y.atan2(x)),
        latitude: degrees(z.atan2((x * x + y * y).sqrt())),
    }
}

/// Whether a line from `place` to the east crosses the polygon's edges an odd number of times.
fn is_within(corners: &[Place], place: Place) -> bool {
    let Some(mut from) = corners.last() else {
        return false;
    };
    let mut within = false;
    for to in corners {
        let crosses = (to.latitude > place.latitude) != (from.latitude > place.latitude);
        if crosses {
            let slope = (from.longitude - to.longitude) / (from.latitude - to.latitude);
            let at = to.longitude + (place.latitude - to.latitude) * slope;
            within ^= place.longitude < at;
        }
        from = to;
    }
    within
}
