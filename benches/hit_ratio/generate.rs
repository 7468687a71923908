//! Generated workloads: five production clusters after their published statistics, and the shapes that tell policies apart.

use super::workload::{Key, Op, Random, Request, Workload, Zipf};

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// A cluster of Twitter's, as "A large scale analysis of hundreds of in-memory cache clusters at Twitter" (Yang, Yue and Rashmi,
/// OSDI 2020) and its published traces describe it.
struct Cluster {
    name: &'static str,
    about: &'static str,
    /// Mean bytes of keys and values.
    key: u16,
    value: f64,
    /// The share of reads and of writes; the rest deletes.
    gets: f64,
    sets: f64,
    /// Times to live in seconds, each as frequent.
    ttls: &'static [f64],
    alpha: f64,
    /// Seconds that the requests take.
    seconds: f64,
    keys: f64,
    requests: f64,
}

/// Of cluster 12, four in five keys are asked for once: at this near to even a popularity that is a matter of the number of keys.
const CLUSTERS: [Cluster; 5] = [
    Cluster {
        name: "cluster19",
        about: "Twitter: 101 B, three reads a write, 7 h, Zipf 0.74",
        key: 42,
        value: 101.0,
        gets: 0.75,
        sets: 0.25,
        ttls: &[7.0 * HOUR],
        alpha: 0.735,
        seconds: 2.0 * DAY,
        keys: 300_000.0,
        requests: 1_500_000.0,
    },
    Cluster {
        name: "cluster14",
        about: "Twitter: 414 B, a fifth deletes, 1 day, Zipf 1.3",
        key: 96,
        value: 414.0,
        gets: 0.65,
        sets: 0.13,
        ttls: &[DAY],
        alpha: 1.30,
        seconds: 2.0 * DAY,
        keys: 300_000.0,
        requests: 1_500_000.0,
    },
    Cluster {
        name: "cluster4",
        about: "Twitter: 2.4 kB, 1 min to 1 day mixed",
        key: 67,
        value: 2439.0,
        gets: 0.9,
        sets: 0.1,
        ttls: &[60.0, 600.0, HOUR, 4.0 * HOUR, DAY],
        alpha: 0.9,
        seconds: DAY,
        keys: 200_000.0,
        requests: 1_000_000.0,
    },
    Cluster {
        name: "cluster12",
        about: "Twitter: 1 kB, four writes a read, 5 min, Zipf 0.3, most keys once",
        key: 44,
        value: 1030.0,
        gets: 0.2,
        sets: 0.8,
        ttls: &[300.0],
        alpha: 0.30,
        seconds: HOUR,
        keys: 2_500_000.0,
        requests: 1_000_000.0,
    },
    Cluster {
        name: "cluster6",
        about: "Twitter: 252 B, read mostly, 9 min, Zipf 1.9",
        key: 44,
        value: 252.0,
        gets: 0.98,
        sets: 0.02,
        ttls: &[550.0],
        alpha: 1.88,
        seconds: HOUR,
        keys: 300_000.0,
        requests: 1_000_000.0,
    },
];

/// Keys and requests of the shapes at full scale.
const KEYS: f64 = 100_000.0;
const REQUESTS: f64 = 1_000_000.0;

/// All of them. `scale` multiplies keys and requests.
pub fn all(scale: f64) -> Vec<Workload> {
    let mut random = Random(42);
    let mut workloads: Vec<_> = CLUSTERS
        .iter()
        .map(|cluster| cluster.generate(scale, &mut random))
        .collect();
    workloads.extend(Shapes::new(scale, random).all());
    workloads
}

/// Sizes with a logarithmic normal distribution and this mean.
fn sizes(count: usize, mean: f64, deviation: f64, random: &mut Random) -> Vec<u32> {
    let middle = mean.ln() - deviation * deviation / 2.0;
    (0..count)
        .map(|_| ((middle + deviation * random.normal()).exp() as u32).clamp(1, 1 << 20))
        .collect()
}

impl Cluster {
    fn generate(&self, scale: f64, random: &mut Random) -> Workload {
        let keys = (self.keys * scale) as usize;
        let popularity = Zipf::new(keys, self.alpha);
        let order = random.permutation(keys);
        let requests = (0..(self.requests * scale) as usize)
            .map(|_| {
                let key = order[popularity.draw(random)];
                let kind = random.unit();
                let op = match kind {
                    _ if kind < self.gets => Op::Get,
                    _ if kind < self.gets + self.sets => Op::Set,
                    _ => Op::Delete,
                };
                Request { key, op }
            })
            .collect();
        let keys = sizes(keys, self.value, 1.0, random)
            .into_iter()
            .map(|value| Key {
                name: self.key,
                value,
                ttl: (self.ttls[random.below(self.ttls.len())] * 1000.0) as u32,
            })
            .collect();
        Workload {
            name: self.name,
            about: self.about,
            requests,
            keys,
            millis: (self.seconds * 1000.0) as u64,
        }
    }
}

/// The shapes that tell policies apart.
struct Shapes {
    random: Random,
    keys: usize,
    requests: usize,
    popularity: Zipf,
    order: Vec<u32>,
}

impl Shapes {
    fn new(scale: f64, mut random: Random) -> Self {
        let keys = (KEYS * scale) as usize;
        Self {
            keys,
            requests: (REQUESTS * scale) as usize,
            popularity: Zipf::new(keys, 0.9),
            order: random.permutation(keys),
            random,
        }
    }

    fn all(mut self) -> Vec<Workload> {
        let (zipf, sizes) = (self.zipf(), self.sizes());
        let (scans, loops) = (self.scans(), self.loops());
        vec![zipf, sizes, scans, loops, self.drift(), self.sessions()]
    }

    fn popular(&mut self) -> u32 {
        self.order[self.popularity.draw(&mut self.random)]
    }

    /// A workload of reads.
    fn reads(name: &'static str, about: &'static str, keys: Vec<u32>) -> Workload {
        let count = keys.iter().max().map_or(0, |most| *most as usize + 1);
        let key = Key {
            name: 20,
            value: 256,
            ttl: 0,
        };
        Workload {
            name,
            about,
            requests: keys
                .into_iter()
                .map(|key| Request { key, op: Op::Get })
                .collect(),
            keys: vec![key; count],
            millis: 0,
        }
    }

    fn zipf(&mut self) -> Workload {
        let popularity = Zipf::new(self.keys, 0.99);
        let draw = |_| self.order[popularity.draw(&mut self.random)];
        let keys = (0..self.requests).map(draw).collect();
        Self::reads("zipf", "a popularity that stays, Zipf 0.99", keys)
    }

    fn sizes(&mut self) -> Workload {
        let keys = (0..self.requests).map(|_| self.popular()).collect();
        let mut workload = Self::reads("sizes", "Zipf 0.9, values of 10 B to 1 MB", keys);
        let sizes = sizes(workload.keys.len(), 800.0, 1.8, &mut self.random);
        for (key, value) in workload.keys.iter_mut().zip(sizes) {
            key.value = value.max(10);
        }
        workload
    }

    fn scans(&mut self) -> Workload {
        let (cold, mut at) = (2 * self.keys, 0);
        let mut keys = Vec::with_capacity(self.requests);
        while keys.len() < self.requests {
            for _ in 0..self.keys / 2 {
                keys.push(self.popular());
            }
            for _ in 0..self.keys / 5 {
                keys.push((self.keys + at) as u32);
                at = (at + 1) % cold;
            }
        }
        Self::reads("scans", "Zipf 0.9, and long passes over cold keys", keys)
    }

    fn loops(&mut self) -> Workload {
        let (length, mut at) = (self.keys / 4, 0);
        let mut keys = Vec::with_capacity(self.requests);
        while keys.len() < self.requests {
            if self.random.below(2) == 0 {
                keys.push(self.popular());
            } else {
                keys.push((self.keys + at) as u32);
                at = (at + 1) % length;
            }
        }
        Self::reads("loops", "half Zipf 0.9, half a loop", keys)
    }

    /// Every rank has a key for a while and then another one; two thirds of all keys come into use during the run.
    fn drift(&mut self) -> Workload {
        let count = self.keys;
        let draw = |at: usize| {
            let passed = (at as f64 / self.requests as f64 * (2 * count) as f64) as usize;
            let rank = self.popularity.draw(&mut self.random);
            let place = rank.wrapping_mul(2_654_435_761) % count;
            let generation = (passed + count - 1 - place) / count;
            (place + generation * count) as u32
        };
        let keys = (0..self.requests).map(draw).collect();
        Self::reads("drift", "Zipf 0.9 over keys that come and go", keys)
    }

    fn sessions(&mut self) -> Workload {
        let mut keys = Vec::with_capacity(self.requests);
        let mut open: Vec<(u32, u32)> = Vec::new();
        let mut next = 0;
        while keys.len() < self.requests {
            if open.len() < self.keys / 25 {
                let uses = 1 + (-(1.0 - self.random.unit()).ln() * 6.0) as u32;
                open.push((next, uses));
                keys.push(next);
                next += 1;
                continue;
            }
            let at = self.random.below(open.len());
            let (key, left) = &mut open[at];
            keys.push(*key);
            *left -= 1;
            if *left == 0 {
                open.swap_remove(at);
            }
        }
        Self::reads(
            "sessions",
            "keys used some times in a row, then never",
            keys,
        )
    }
}
