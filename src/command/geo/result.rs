//! What a search has found as a sorted set, of places or of distances.

use super::query::Destination;
use super::search::Hit;
use crate::command::sorted_set::combine::sort;
use crate::command::sorted_set::store::NewSet;
use crate::command::sorted_set::view::Thresholds;
use crate::server::Server;

/// The set of what was found. `unit` is that of the distances, in metres.
pub(super) fn new_set(
    server: &Server,
    hits: Vec<Hit<'_>>,
    destination: Destination<'_>,
    unit: f64,
) -> NewSet {
    let score = |hit: &Hit<'_>| match destination.distances {
        true => hit.distance / unit,
        false => hit.score,
    };
    let mut members: Vec<(&[u8], f64)> = hits.iter().map(|hit| (hit.name, score(hit))).collect();
    sort(&mut members);
    NewSet::from_sorted(members.into_iter(), Thresholds::of(&server.settings))
}
