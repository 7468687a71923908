//! HyperLogLog: how many different things were seen, within 0.81 % or so, in 12 kB at the most.
//!
//! A thing's hash chooses one of 16384 registers; a register keeps the largest rank that it has seen, a rank being one
//! more than the zeros at the end of the rest of the hash. From how many registers have which rank follows the number of
//! different things: see [`estimate`]. (Flajolet et al., 2007; Heule et al., 2013; Ertl, 2017.)
//!
//! The bytes are Redis's, so that a value can be moved to and from it as a string:
//!
//! ```text
//! "HYLL"   encoding        unused   cached count, low byte first          registers
//! 4 B      1 B: 0 dense    3 B      8 B; the top bit says that            dense or sparse
//!               1 sparse            it is out of date
//! ```
//!
//! [`dense`] has six bits for each register, [`sparse`] has runs of equal ones and turns dense when it gets too long.
//! Any string may claim to be a HyperLogLog: nothing here trusts the bytes, and nothing panics over them.

pub mod dense;
pub mod estimate;
mod murmur;
pub mod sparse;

use estimate::Histogram;

/// Bits of the hash that choose a register.
const INDEX_BITS: u32 = 14;
/// How many registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// The greatest rank that a hash has.
const MAX_RANK: u8 = (u64::BITS - INDEX_BITS) as u8 + 1;

const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
/// Where the registers begin.
const HEADER: usize = 16;
/// Set in the last byte of a cached count that is out of date.
const STALE: u8 = 0x80;
const DENSE_LEN: usize = HEADER + dense::LEN;

/// All registers, a byte each.
pub type Registers = [u8; REGISTERS];

/// The runs of a sparse HyperLogLog do not make up its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupted;

/// How the registers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// Six bits each.
    Dense = 0,
    /// Runs of equal ones.
    Sparse = 1,
}

/// The register that an element belongs to, and its rank there.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur::hash(element);
    let index = hash as usize % REGISTERS;
    // The bit behind the last one ends the count, should all others be zero.
    let rest = hash >> INDEX_BITS | 1 << (u64::BITS - INDEX_BITS);
    (index, rest.trailing_zeros() as u8 + 1)
}

/// The bytes of a HyperLogLog, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Hll<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
}

impl<'a> Hll<'a> {
    /// `None` if the bytes are something else. That they are sound is known only when they are read.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return None;
        }
        let encoding = match bytes[ENCODING_AT] {
            0 if bytes.len() == DENSE_LEN => Encoding::Dense,
            1 => Encoding::Sparse,
            _ => return None,
        };
        Some(Self { bytes, encoding })
    }

    /// How the registers are written.
    pub fn encoding(self) -> Encoding {
        self.encoding
    }

    /// The registers as they are written.
    pub fn written(self) -> &'a [u8] {
        &self.bytes[HEADER..]
    }

    /// The number of different elements, if it was counted since the last change.
    pub fn cached(self) -> Option<u64> {
        let mut count = [0; 8];
        count.copy_from_slice(&self.bytes[CACHE_AT..HEADER]);
        (count[7] & STALE == 0).then(|| u64::from_le_bytes(count))
    }

    /// The number of different elements, counted anew.
    pub fn count(self) -> Result<u64, Corrupted> {
        let mut histogram = Histogram::new();
        match self.encoding {
            Encoding::Dense => {
                dense::ranks(self.written()).for_each(|rank| histogram.add(rank, 1));
            }
            Encoding::Sparse => {
                for run in sparse::whole(self.written())? {
                    histogram.add(run.rank, run.len as u32);
                }
            }
        }
        Ok(histogram.estimate())
    }

    /// Raises `registers` to these, where these are higher.
    pub fn merge_into(self, registers: &mut Registers) -> Result<(), Corrupted> {
        match self.encoding {
            Encoding::Dense => {
                for (register, rank) in registers.iter_mut().zip(dense::ranks(self.written())) {
                    *register = (*register).max(rank);
                }
            }
            Encoding::Sparse => {
                let mut rest = &mut registers[..];
                for run in sparse::whole(self.written())? {
                    let (these, behind) = rest.split_at_mut(run.len);
                    if run.rank > 0 {
                        these.iter_mut().for_each(|r| *r = (*r).max(run.rank));
                    }
                    rest = behind;
                }
            }
        }
        Ok(())
    }
}

/// How many different elements these registers have seen.
pub fn count_registers(registers: &Registers) -> u64 {
    let mut histogram = Histogram::new();
    registers.iter().for_each(|rank| histogram.add(*rank, 1));
    histogram.estimate()
}

/// Adds to a dense HyperLogLog where it is; tells whether a register was raised. Nothing happens to other bytes.
pub fn add_dense(bytes: &mut [u8], element: &[u8]) -> bool {
    let (index, rank) = place(element);
    if bytes.len() != DENSE_LEN || !dense::raise(&mut bytes[HEADER..], index, rank) {
        return false;
    }
    invalidate(bytes);
    true
}

/// Keeps the number of elements until the next change. The bytes have a header.
pub fn set_cached(bytes: &mut [u8], count: u64) {
    bytes[CACHE_AT..HEADER].copy_from_slice(&count.to_le_bytes());
}

fn invalidate(bytes: &mut [u8]) {
    bytes[HEADER - 1] |= STALE;
}

/// A HyperLogLog to be changed.
#[derive(Debug, Clone)]
pub struct HllBuf {
    bytes: Vec<u8>,
}

impl Default for HllBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl HllBuf {
    /// One that has seen nothing.
    pub fn new() -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING_AT] = Encoding::Sparse as u8;
        let mut runs = sparse::Runs::default();
        runs.push(0, REGISTERS);
        bytes.extend_from_slice(runs.as_bytes());
        Self { bytes }
    }

    /// A copy of another.
    pub fn of(hll: Hll<'_>) -> Self {
        Self {
            bytes: hll.bytes.to_vec(),
        }
    }

    /// Says that the cached count is out of date.
    pub fn invalidate(&mut self) {
        invalidate(&mut self.bytes);
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn encoding(&self) -> Encoding {
        if self.bytes[ENCODING_AT] == Encoding::Dense as u8 {
            Encoding::Dense
        } else {
            Encoding::Sparse
        }
    }

    /// Adds an element; tells whether a register was raised. A sparse one turns dense if it would have more than
    /// `sparse_max` bytes.
    pub fn add(&mut self, element: &[u8], sparse_max: usize) -> Result<bool, Corrupted> {
        let (index, rank) = place(element);
        self.raise(index, rank, sparse_max)
    }

    /// Raises a register to a rank; tells whether it was lower.
    pub fn raise(&mut self, index: usize, rank: u8, sparse_max: usize) -> Result<bool, Corrupted> {
        if self.encoding() == Encoding::Sparse {
            match sparse::raise(&mut self.bytes, HEADER, index, rank, sparse_max)? {
                sparse::Raised::No => return Ok(false),
                sparse::Raised::Yes => {
                    invalidate(&mut self.bytes);
                    return Ok(true);
                }
                sparse::Raised::NoRoom => self.make_dense()?,
            }
        }
        let raised = dense::raise(&mut self.bytes[HEADER..], index, rank);
        if raised {
            invalidate(&mut self.bytes);
        }
        Ok(raised)
    }

    /// Raises all registers that are lower than these. The cached count is out of date then, whether any was.
    pub fn raise_all(&mut self, registers: &Registers, sparse_max: usize) -> Result<(), Corrupted> {
        for (index, rank) in registers.iter().enumerate() {
            if *rank > 0 {
                self.raise(index, *rank, sparse_max)?;
            }
        }
        invalidate(&mut self.bytes);
        Ok(())
    }

    /// Writes the registers densely, if they are not.
    pub fn make_dense(&mut self) -> Result<(), Corrupted> {
        if self.encoding() == Encoding::Dense {
            return Ok(());
        }
        let mut dense = vec![0; DENSE_LEN];
        dense[..HEADER].copy_from_slice(&self.bytes[..HEADER]);
        dense[ENCODING_AT] = Encoding::Dense as u8;
        let mut index = 0;
        for run in sparse::whole(&self.bytes[HEADER..])? {
            if run.rank > 0 {
                for index in index..index + run.len {
                    dense::raise(&mut dense[HEADER..], index, run.rank);
                }
            }
            index += run.len;
        }
        self.bytes = dense;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
