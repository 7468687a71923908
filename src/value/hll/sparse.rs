//! Registers as runs of equal ones, for HyperLogLogs that have seen little.
//!
//! | bytes | run |
//! |---|---|
//! | `00llllll` | `l + 1` registers of rank 0 |
//! | `01llllll llllllll` | the same, up to all registers |
//! | `1rrrrrll` | `l + 1` registers of rank `r + 1` |
//!
//! Ranks above 32 do not fit, and turn the whole dense. Which runs stand for given registers is not unique: those that a
//! change leaves behind are the ones that Redis leaves, so that equal histories give equal bytes.

use super::{Corrupted, REGISTERS};

const LONG_ZEROS: u8 = 0b0100_0000;
const RANKED: u8 = 0b1000_0000;

/// The longest run of zeros that one byte stands for.
const MAX_ZEROS: usize = 64;
/// The longest run of a rank.
const MAX_RUN: usize = 4;
/// The greatest rank.
const MAX_RANK: u8 = 32;
/// How many runs a change may look at to join them with their neighbours.
const JOIN_WITHIN: usize = 5;

/// So many registers of the same rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Their rank.
    pub rank: u8,
    /// How many they are.
    pub len: usize,
    /// Bytes that the run takes.
    size: usize,
}

impl Run {
    /// The run that begins at `at`; `None` at the end, and where the bytes end within a run.
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let first = *bytes.get(at)?;
        let (rank, len, size) = if first & RANKED != 0 {
            let rank = (first >> 2 & 0b1_1111) + 1;
            (rank, usize::from(first & 0b11) + 1, 1)
        } else if first & LONG_ZEROS != 0 {
            let len = usize::from(first & 0b11_1111) << 8 | usize::from(*bytes.get(at + 1)?);
            (0, len + 1, 2)
        } else {
            (0, usize::from(first) + 1, 1)
        };
        Some(Self { rank, len, size })
    }

    fn is_long(self) -> bool {
        self.size == 2
    }
}

impl std::fmt::Display for Run {
    /// As `PFDEBUG DECODE` shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rank {
            0 if self.is_long() => write!(f, "Z:{}", self.len),
            0 => write!(f, "z:{}", self.len),
            rank => write!(f, "v:{rank},{}", self.len),
        }
    }
}

/// The runs in order, as far as the bytes make sense.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = Run::at(bytes, at)?;
        at += run.size;
        Some(run)
    })
}

/// The runs, if they and nothing else make up all registers.
pub(super) fn whole(bytes: &[u8]) -> Result<impl Iterator<Item = Run> + '_, Corrupted> {
    let (len, size) = runs(bytes).fold((0, 0), |(len, size), run| (len + run.len, size + run.size));
    if len == REGISTERS && size == bytes.len() {
        Ok(runs(bytes))
    } else {
        Err(Corrupted)
    }
}

fn ranked(rank: u8, len: usize) -> u8 {
    RANKED | (rank - 1) << 2 | (len as u8 - 1)
}

/// A few runs as bytes, on the stack.
#[derive(Default)]
pub(super) struct Runs {
    bytes: [u8; Self::MOST],
    len: usize,
}

impl Runs {
    /// Two long runs of zeros around a rank.
    const MOST: usize = 5;

    /// Appends a run; one of no registers is none.
    pub(super) fn push(&mut self, rank: u8, len: usize) {
        match (rank, len) {
            (_, 0) => {}
            (0, _) => {
                let [high, low] = (len as u16 - 1).to_be_bytes();
                if len > MAX_ZEROS {
                    self.push_byte(LONG_ZEROS | high);
                }
                self.push_byte(low);
            }
            _ => self.push_byte(ranked(rank, len)),
        }
    }

    fn push_byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What came of raising a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raised {
    /// It had that rank or a higher one.
    No,
    /// It is raised.
    Yes,
    /// The runs cannot say it, or not within the bytes that they may take.
    NoRoom,
}

/// Raises a register to `rank`, the runs being in `bytes` from `start` on. All of `bytes` together may grow to `max`.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    start: usize,
    index: usize,
    rank: u8,
    max: usize,
) -> Result<Raised, Corrupted> {
    if rank > MAX_RANK {
        return Ok(Raised::NoRoom);
    }
    // The run that has the register, the one before it, and that run's first register.
    let (mut at, mut first, mut previous) = (start, 0, None);
    let run = loop {
        let run = Run::at(bytes, at).ok_or(Corrupted)?;
        if index < first + run.len {
            break run;
        }
        previous = Some(at);
        at += run.size;
        first += run.len;
    };
    if run.rank >= rank {
        return Ok(Raised::No);
    }
    if run.len == 1 && !run.is_long() {
        bytes[at] = ranked(rank, 1);
    } else {
        let mut split = Runs::default();
        split.push(run.rank, index - first);
        split.push(rank, 1);
        split.push(run.rank, first + run.len - 1 - index);
        let split = split.as_bytes();
        if split.len() > run.size && bytes.len() + split.len() - run.size > max {
            return Ok(Raised::NoRoom);
        }
        bytes.splice(at..at + run.size, split.iter().copied());
    }
    join(bytes, previous.unwrap_or(start));
    Ok(Raised::Yes)
}

/// Joins neighbouring runs of the same rank, from the run at `at` on, where one run can stand for both.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_WITHIN {
        let Some(run) = Run::at(bytes, at) else {
            return;
        };
        let next = Run::at(bytes, at + run.size)
            .filter(|next| run.rank > 0 && next.rank == run.rank && run.len + next.len <= MAX_RUN);
        match next {
            // The joined run is looked at again: it may go with the one behind it.
            Some(next) => {
                bytes[at] = ranked(run.rank, run.len + next.len);
                bytes.remove(at + 1);
            }
            None => at += run.size,
        }
    }
}
