use proptest::prelude::*;

use super::cell::{Cell, STEPS, text};
use super::*;

fn place(longitude: f64, latitude: f64) -> Place {
    Place {
        longitude,
        latitude,
    }
}

/// Scores, texts and distances that the established servers answer.
#[test]
fn numbers_are_those_of_the_peers() {
    let palermo = Cell::of(place(13.361389, 38.115556), STEPS);
    let catania = Cell::of(place(15.087269, 37.502669), STEPS);
    assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
    assert_eq!(catania.score(), 3_479_447_370_796_909.0);
    let middle = palermo.middle();
    assert_eq!(format!("{:.17}", middle.longitude), "13.36138933897018433");
    assert_eq!(format!("{:.17}", middle.latitude), "38.11555639549629859");
    assert_eq!(&text(middle), b"sqc8b49rny0");
    let distance = distance::between(middle, catania.middle());
    assert_eq!(format!("{distance:.4}"), "166274.1516");
    // The last longitude and latitude lie in a column and a row of their own.
    let last = Cell::of(place(180.0, 85.051_128_78), STEPS);
    assert_eq!(last.score(), 13_510_798_882_111_488.0);
    assert_eq!(last.middle(), place(180.0, 85.051_128_78));
    assert_eq!(&text(last.middle()), b"bp05b5048p0");
}

#[test]
fn any_score_is_some_place() {
    let west = -179.999_997_317_790_985_11;
    for (score, longitude, latitude) in [
        (0.0, west, -85.051_127_512_639_43),
        (1.5, west, -85.051_124_977_918_25),
        (f64::INFINITY, west, -85.051_127_512_639_43),
        (f64::NEG_INFINITY, 180.0, -85.051_127_512_639_43),
        (-2.0, 180.0, 85.051_128_78),
        (1e18, 180.0, 85.051_128_78),
        (4_503_599_627_370_496.0, west, 85.051_128_78),
    ] {
        assert_eq!(
            Cell::of_score(score).middle(),
            place(longitude, latitude),
            "{score}"
        );
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    let coordinate =
        |max: f64| prop_oneof![8 => -max..=max, 1 => Just(max), 1 => Just(-max), 1 => Just(0.0)];
    (coordinate(MAX_LONGITUDE), coordinate(MAX_LATITUDE)).prop_map(|(lon, lat)| place(lon, lat))
}

/// Lengths from centimetres to beyond the globe, each size as likely.
fn length() -> impl Strategy<Value = f64> {
    (-2.0..8.0_f64).prop_map(|exponent| 10_f64.powf(exponent))
}

proptest! {
    #[test]
    fn scores_give_places_back(at in any_place()) {
        let cell = Cell::of(at, STEPS);
        let score = cell.score();
        // The column and the row of the very last places need bits that a score does not have to spare.
        if at.longitude < MAX_LONGITUDE && at.latitude < MAX_LATITUDE {
            prop_assert_eq!(Cell::of_score(score), cell);
        }
        let middle = cell.middle();
        prop_assert!(middle.is_valid());
        prop_assert!((middle.longitude - at.longitude).abs() < 4e-6);
        prop_assert!((middle.latitude - at.latitude).abs() < 2e-6);
    }

    #[test]
    fn cells_know_their_scores_and_neighbours(at in any_place(), steps in 1_u32..=STEPS) {
        let cell = Cell::of(at, steps);
        let scores = cell.scores();
        let score = Cell::of(at, STEPS).scores().start;
        prop_assert!(scores.contains(&score));
        prop_assert_eq!(cell.moved(1, 1).moved(-1, 0).moved(0, -1), cell.moved(1, 0).moved(-1, 0).moved(0, 1).moved(0, -1));
        prop_assert_eq!(cell.moved(0, 0), cell);
    }

    /// No place in a shape of moderate size is in a cell that is not searched, away from the map's edges, which the
    /// search does not cross; and no cell is searched twice.
    #[test]
    fn a_search_misses_nothing(
        centre in (-60.0..60.0_f64, -60.0..60.0_f64),
        radius in length(),
        away in (-1.0..1.0_f64, -1.0..1.0_f64),
        kind in 0..3,
    ) {
        let radius = radius.min(1_500_000.0);
        let centre = place(centre.0, centre.1);
        let tall = radius / 111_000.0;
        let wide = tall / distance::radians(centre.latitude).cos();
        let corner = |x: f64, y: f64| place(centre.longitude + x * wide, centre.latitude + y * tall);
        let shape = match kind {
            0 => Shape::Circle { centre, radius },
            1 => Shape::Box { centre, width: radius * 2.0, height: radius },
            _ => Shape::Polygon { corners: vec![corner(-1.0, -0.5), corner(0.9, -1.0), corner(0.3, 0.8)] },
        };
        let centre = shape.centre();
        let ranges: Vec<_> = shape.scores(centre).collect();
        let candidate = Cell::of(corner(away.0, away.1), STEPS);
        let score = candidate.scores().start;
        let searched = ranges.iter().filter(|range| range.contains(&score)).count();
        prop_assert!(searched <= 1);
        if shape.distance(centre, candidate.middle()).is_some() {
            prop_assert_eq!(searched, 1, "{:?} {:?}", shape, candidate.middle());
        }
    }

    #[test]
    fn no_length_is_too_odd(
        centre in any_place(),
        at in any_place(),
        lengths in (
            prop_oneof![length(), Just(0.0), Just(f64::INFINITY), Just(1e300)],
            prop_oneof![length(), Just(0.0), Just(f64::INFINITY), Just(1e300)],
        ),
        corners in prop::collection::vec(any_place(), 3..6),
    ) {
        for shape in [
            Shape::Circle { centre, radius: lengths.0 },
            Shape::Box { centre, width: lengths.0, height: lengths.1 },
            Shape::Polygon { corners: corners.clone() },
        ] {
            let centre = shape.centre();
            prop_assert!(shape.scores(centre).count() <= 9);
            let _ = shape.distance(centre, at);
        }
    }
}
