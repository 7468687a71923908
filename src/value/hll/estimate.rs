//! How many different elements left these registers: Ertl's improved estimator.
//!
//! "New cardinality estimation algorithms for HyperLogLog sketches" (Otmar Ertl, arXiv:1702.01284), algorithm 6. It
//! needs no corrections for small or large numbers, and no tables.

use super::{MAX_RANK, REGISTERS};

/// 1 / (2 ln 2): the constant of the estimator for infinitely many registers.
const ALPHA: f64 = 0.721_347_520_444_481_703_680;

/// How many registers have which rank.
#[derive(Debug, Clone)]
pub(super) struct Histogram([u32; 64]);

impl Histogram {
    pub(super) fn new() -> Self {
        Self([0; 64])
    }

    /// So many more registers of this rank, which has six bits.
    #[inline]
    pub(super) fn add(&mut self, rank: u8, registers: u32) {
        self.0[usize::from(rank & 63)] += registers;
    }

    /// The number of different elements.
    ///
    /// Registers that no hash leaves behind make no sense, but some number.
    pub(super) fn estimate(&self) -> u64 {
        let all = REGISTERS as f64;
        let share = |registers: f64| registers / all;
        let full = f64::from(self.0[usize::from(MAX_RANK)]);
        let mut z = all * tau(share(all - full));
        for registers in self.0[1..usize::from(MAX_RANK)].iter().rev() {
            z = 0.5 * (z + f64::from(*registers));
        }
        z += all * sigma(share(f64::from(self.0[0])));
        (ALPHA * all * all / z).round() as u64
    }
}

/// What the registers of rank 0, `x` of all, add: x + x^2 + 2 x^4 + 4 x^8 + ...
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut factor, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// What the registers of the highest rank, all but `x` of all, add: (1 - x - (1 - √x)²/2 - (1 - ⁴√x)²/4 - ...) / 3
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut factor, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}
