//! What is replayed: requests in their order, and what each key weighs and how long it lives.

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Reads the key. If it is not there, the client gets the value elsewhere and sets it: that is what caches are for.
    Get,
    /// Sets the key.
    Set,
    /// Deletes the key.
    Delete,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The key's number, below the number of keys.
    pub key: u32,
    /// What is done.
    pub op: Op,
}

/// What a key of this workload is.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Bytes of the key itself.
    pub name: u16,
    /// Bytes of its value.
    pub value: u32,
    /// Milliseconds that it lives after it was set; 0 for as long as it may.
    pub ttl: u32,
}

impl Key {
    /// Bytes of its record, as the server counts them (`MEMORY USAGE`): header, key and value, in steps of eight.
    pub fn bytes(self) -> u64 {
        let length = match self.value {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            _ => 4,
        };
        let expiry = if self.ttl > 0 { 8 } else { 0 };
        let header = 5 + length + expiry;
        (header + u64::from(self.name) + u64::from(self.value)).next_multiple_of(8)
    }
}

/// A workload.
#[derive(Debug)]
pub struct Workload {
    /// Its name in the tables.
    pub name: &'static str,
    /// A line about it.
    pub about: &'static str,
    /// The requests.
    pub requests: Vec<Request>,
    /// All keys, those included that are never asked for.
    pub keys: Vec<Key>,
    /// The time that passes, where keys expire.
    pub millis: u64,
}

impl Workload {
    /// Whether any key expires.
    pub fn expires(&self) -> bool {
        self.keys.iter().any(|key| key.ttl > 0)
    }

    /// How many different keys are used, and what they weigh together.
    pub fn footprint(&self) -> (usize, u64) {
        let mut seen = vec![false; self.keys.len()];
        let (mut count, mut bytes) = (0, 0);
        for request in &self.requests {
            if !std::mem::replace(&mut seen[request.key as usize], true) {
                count += 1;
                bytes += self.keys[request.key as usize].bytes();
            }
        }
        (count, bytes)
    }
}

/// A repeatable source of random numbers (splitmix64).
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Normally distributed around 0, with deviation 1.
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.unit().max(f64::MIN_POSITIVE), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// The numbers below `count`, shuffled.
    pub fn permutation(&mut self, count: usize) -> Vec<u32> {
        let mut all: Vec<u32> = (0..count as u32).collect();
        for at in (1..count).rev() {
            all.swap(at, self.below(at + 1));
        }
        all
    }
}

/// Ranks with Zipf's distribution: the k-th is drawn in proportion to k to the power of -alpha.
///
/// By rejection from the inverse of the integral (Hörmann and Derflinger).
#[derive(Debug)]
pub struct Zipf {
    count: f64,
    alpha: f64,
    low: f64,
    high: f64,
}

impl Zipf {
    /// Ranks from 0 to below `count`.
    pub fn new(count: usize, alpha: f64) -> Self {
        // At 1 itself the integral has another form, which this is near enough.
        let alpha = if (alpha - 1.0).abs() < 1e-9 {
            1.0 + 1e-9
        } else {
            alpha
        };
        let mut zipf = Self {
            count: count as f64,
            alpha,
            low: 0.0,
            high: 0.0,
        };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(zipf.count + 0.5);
        zipf
    }

    fn integral(&self, x: f64) -> f64 {
        (x.powf(1.0 - self.alpha) - 1.0) / (1.0 - self.alpha)
    }

    fn inverse(&self, y: f64) -> f64 {
        (1.0 + y * (1.0 - self.alpha)).powf(1.0 / (1.0 - self.alpha))
    }

    /// A rank.
    pub fn draw(&self, random: &mut Random) -> usize {
        loop {
            let at = self.high + random.unit() * (self.low - self.high);
            let rank = self.inverse(at).round().clamp(1.0, self.count);
            if at >= self.integral(rank + 0.5) - rank.powf(-self.alpha) {
                return rank as usize - 1;
            }
        }
    }
}
