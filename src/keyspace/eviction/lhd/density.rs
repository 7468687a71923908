//! How many hits a key will earn: learned from the keys themselves.
//!
//! For every class of uses and of age, [`Density`] counts the hits that fell on keys there, and takes a *census* of how many keys
//! were there to be hit: in the cache, from the records that the hunt for victims shows anyway, and among those evicted
//! not long ago, whose return is a hit that was missed. Hits over keys and time are the *hazard*: the chance that a key of this
//! class and age is used within the next tick. It is what the keys do, whatever the policy makes of it.
//!
//! From the hazards follows the density: the most hits that a key earns for each tick of staying, if it is let go at the moment that is
//! best for it. A key that is likely to be used soon but not later earns a lot for a short stay. A key that will surely be used, but in
//! a long time, earns little for a long one. In a loop that does not fit every key returns after the same time, so the ones that were used
//! last are the farthest from it and go first; where popularity fades, the ones that were not used for longest do. (For a known
//! hazard this is the index that Gittins proved to be best for a bandit with many arms.)
//!
//! Both sums fade, so that what was learned long ago counts little.

use super::usage::{AGES, CLASSES, Usage, age_class, age_width};

/// A figure for each class of uses and of age.
pub(super) type Grid = [[f32; AGES]; CLASSES];

const NOTHING: Grid = [[0.0; AGES]; CLASSES];

/// What is left of older sums at each census.
const FADING: f32 = 0.9;
/// Keys seen without which a census says nothing.
const FEWEST_SEEN: f32 = 64.0;
/// What is assumed before anything is known, as strongly as so many passages of a key through a class of age would say it.
const CONVICTION: f64 = 4.0;
/// ... namely that such a passage ends in a hit this often, times one more than the class of uses: long unused is bad, often used is good.
const ASSUMED: f64 = 0.02;

/// A random sample of keys.
#[derive(Debug)]
struct Sample {
    seen: f32,
    at: Grid,
}

impl Sample {
    const NONE: Self = Self {
        seen: 0.0,
        at: NOTHING,
    };

    fn see(&mut self, usage: Usage, tick: u32) {
        self.at[usize::from(usage.class)][age_class(usage.age(tick))] += 1.0;
    }
}

/// The densities, and what they are learned from.
#[derive(Debug)]
pub(super) struct Density {
    /// Hits for each tick that a key stays, as of the last census.
    now: Grid,
    hits: Grid,
    /// Keys times ticks.
    stays: Grid,
    residents: Sample,
    evicted: Sample,
    /// When the last census was closed.
    since: u32,
}

impl Density {
    /// Nothing is known.
    pub(super) fn new(tick: u32) -> Box<Self> {
        let mut density = Box::new(Self {
            now: NOTHING,
            hits: NOTHING,
            stays: NOTHING,
            residents: Sample::NONE,
            evicted: Sample::NONE,
            since: tick,
        });
        density.derive();
        density
    }

    /// What a key earns for each tick that it stays.
    #[inline]
    pub(super) fn of(&self, usage: Usage, tick: u32) -> f32 {
        self.now[usize::from(usage.class)][age_class(usage.age(tick))]
    }

    /// A key drawn at random is there.
    pub(super) fn see_resident(&mut self, usage: Usage, tick: u32) {
        self.residents.seen += 1.0;
        self.residents.see(usage, tick);
    }

    /// A place drawn at random among the memories of evicted keys, which may be empty.
    pub(super) fn see_memory(&mut self, usage: Option<Usage>, tick: u32) {
        self.evicted.seen += 1.0;
        if let Some(usage) = usage {
            self.evicted.see(usage, tick);
        }
    }

    /// Ticks since the last census was closed.
    pub(super) fn age(&self, tick: u32) -> u32 {
        Usage::new(self.since).age(tick)
    }

    /// Closes a census: there are so many keys and places for memories, and this many hits fell since the last one.
    pub(super) fn close(&mut self, tick: u32, keys: usize, memories: usize, hits: &Grid) {
        let ticks = self.age(tick) as f32;
        self.since = tick;
        let residents = std::mem::replace(&mut self.residents, Sample::NONE);
        let evicted = std::mem::replace(&mut self.evicted, Sample::NONE);
        // Nobody was hunting, as while a cache fills: there are hits, but nobody counted those who were not hit.
        if residents.seen < FEWEST_SEEN {
            return;
        }
        let resident = ticks * keys as f32 / residents.seen;
        let memory = ticks * memories as f32 / evicted.seen.max(1.0);
        let new = hits.as_flattened();
        for (sum, new) in self.hits.as_flattened_mut().iter_mut().zip(new) {
            *sum = *sum * FADING + new;
        }
        let seen = residents.at.as_flattened().iter();
        let seen = seen.zip(evicted.at.as_flattened());
        for (sum, (residents, evicted)) in self.stays.as_flattened_mut().iter_mut().zip(seen) {
            *sum = *sum * FADING + residents * resident + evicted * memory;
        }
        self.derive();
    }

    /// The densities that follow from the sums.
    fn derive(&mut self) {
        let sum = |grid: &Grid, age: usize| -> f64 {
            grid.iter().map(|class| f64::from(class[age])).sum()
        };
        let all: Vec<_> = (0..AGES)
            .map(|age| (sum(&self.hits, age), sum(&self.stays, age)))
            .collect();
        for class in 0..CLASSES {
            let assumed = ASSUMED * (class + 1) as f64;
            let passages = std::array::from_fn(|age| {
                let width = age_width(age);
                // What little is known of a class is filled up with what is known of all.
                let (hits, stays) = all[age];
                let usual = hazard(hits, stays, assumed / width, width);
                let (hits, stays) = (self.hits[class][age], self.stays[class][age]);
                let hazard = hazard(hits.into(), stays.into(), usual, width);
                Stay::through(hazard, width)
            });
            self.now[class] = densities(&passages);
        }
    }
}

/// The chance of a hit within a tick, from hits and the ticks that keys have stayed, and what was assumed before.
fn hazard(hits: f64, stays: f64, assumed: f64, width: f64) -> f64 {
    let ticks = CONVICTION * width;
    (hits + ticks * assumed) / (stays + ticks)
}

/// A key's stay from some age to another, or until it is hit.
#[derive(Debug, Clone, Copy)]
struct Stay {
    /// The ticks that it lasts on average.
    ticks: f64,
    /// The chance that it ends with a hit.
    hit: f64,
}

impl Stay {
    /// The way through a class of age.
    fn through(hazard: f64, width: f64) -> Self {
        let hit = 1.0 - (-hazard * width).exp();
        Self {
            ticks: width * (1.0 - hit / 2.0),
            hit,
        }
    }

    /// A stay and, if it ends without a hit, another behind it.
    fn then(self, next: Self) -> Self {
        let left = 1.0 - self.hit;
        Self {
            ticks: self.ticks + left * next.ticks,
            hit: self.hit + left * next.hit,
        }
    }

    fn density(self) -> f64 {
        self.hit / self.ticks
    }
}

/// The density at every age: of the stay from there that has the highest.
///
/// From the oldest age to the youngest, a stay is extended by the one behind it for as long as that one is worth more. What
/// is left on the stack are the stays behind each other, each worth more than the next.
fn densities(passages: &[Stay; AGES]) -> [f32; AGES] {
    let mut densities = [0.0; AGES];
    let mut stays: Vec<Stay> = Vec::with_capacity(AGES);
    for age in (0..AGES).rev() {
        let mut stay = passages[age];
        while let Some(next) = stays.pop_if(|next| next.density() > stay.density()) {
            stay = stay.then(next);
        }
        stays.push(stay);
        densities[age] = stay.density() as f32;
    }
    densities
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A census of keys that are spread over the ages evenly up to `limit` ticks, with hits as `hits` says.
    fn learned(limit: u32, hits: impl Fn(u32) -> f32) -> Box<Density> {
        let mut density = Density::new(0);
        let tick = limit;
        let mut grid = NOTHING;
        for at in 0..limit {
            density.see_resident(Usage::new(at), tick);
            let age = tick - at;
            grid[0][age_class(age)] += hits(age) * limit as f32;
        }
        density.close(tick, limit as usize, 0, &grid);
        density
    }

    fn at(density: &Density, age: u32) -> f32 {
        density.of(Usage::new(0), age)
    }

    #[test]
    fn before_anything_is_known_the_oldest_and_the_least_used_go_first() {
        let density = Density::new(0);
        for age in [1, 10, 100, 1_000, 100_000] {
            assert!(at(&density, age) > at(&density, age * 2));
            let once = Usage::new(0).used(0);
            assert!(density.of(once, age) > at(&density, age));
        }
    }

    #[test]
    fn where_popularity_fades_the_oldest_go_first() {
        let density = learned(10_000, |age| 1.0 / age as f32);
        for age in [10, 100, 1_000, 4_000] {
            assert!(at(&density, age) > at(&density, age * 2));
        }
    }

    #[test]
    fn in_a_loop_the_youngest_go_first() {
        let density = learned(10_000, |age| if age > 9_000 { 0.01 } else { 0.0 });
        for age in [10, 100, 1_000, 4_000] {
            assert!(at(&density, age) < at(&density, age * 2));
        }
        assert!(at(&density, 9_900) > at(&density, 20_000));
    }

    #[test]
    fn a_quick_return_is_worth_nothing_once_it_did_not_come() {
        let density = learned(10_000, |age| if age < 16 { 0.1 } else { 0.0 });
        assert!(at(&density, 4) > 100.0 * at(&density, 40));
    }

    #[test]
    fn hits_that_nobody_set_against_a_census_count_for_nothing() {
        let mut density = Density::new(0);
        let before = density.now;
        density.close(1_000, 10_000, 100, &[[7.0; AGES]; CLASSES]);
        assert_eq!(density.now, before);
        assert_eq!(density.age(1_001), 1);
    }

    #[test]
    fn the_best_stay_is_found_as_by_trying_all() {
        let hazards: Vec<f64> = (0..AGES)
            .map(|age| ((age * 7919 % 31) as f64 / 31.0).powi(4) / age_width(age))
            .collect();
        let passages = std::array::from_fn(|age| Stay::through(hazards[age], age_width(age)));
        let found = densities(&passages);
        for first in 0..AGES {
            let mut stay = passages[first];
            let mut best = stay.density();
            for next in &passages[first + 1..] {
                stay = stay.then(*next);
                best = best.max(stay.density());
            }
            assert!((f64::from(found[first]) - best).abs() <= best * 1e-5);
        }
    }
}
