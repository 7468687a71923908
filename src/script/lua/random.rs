//! `math.random`: the 48-bit linear congruence of POSIX, as Redis has it, so that a seed gives the numbers it gives there.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Table};

use super::arguments::Arguments;
use super::failure;

/// The generator's 48 bits.
#[derive(Debug)]
pub(super) struct Random(Cell<u64>);

impl Default for Random {
    fn default() -> Self {
        let random = Self(Cell::new(0));
        random.seed(0);
        random
    }
}

impl Random {
    /// Starts the sequence that belongs to a seed.
    pub(super) fn seed(&self, seed: i32) {
        self.0.set(u64::from(seed as u32) << 16 | 0x330E);
    }

    /// The next number from zero up to, not including, one.
    fn fraction(&self) -> f64 {
        const MOST: u64 = i32::MAX as u64;
        let next = self.0.get().wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & 0xFFFF_FFFF_FFFF;
        self.0.set(next);
        ((next >> 17) % MOST) as f64 / MOST as f64
    }
}

/// `math.random` and `math.randomseed` over this generator.
pub(super) fn library(lua: &Lua, random: &Rc<Random>) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let generator = Rc::clone(random);
    library.raw_set(
        "random",
        lua.create_function(move |lua, arguments: MultiValue| {
            let arguments = Arguments::new(lua, arguments);
            let fraction = generator.fraction();
            let bound = |index| {
                arguments
                    .integer(index)
                    .map(|bound| f64::from(bound as i32))
            };
            match arguments.count() {
                0 => Ok(fraction),
                1 => {
                    let high = bound(0)?;
                    if high < 1.0 {
                        return Err(arguments.bad(0, "interval is empty"));
                    }
                    Ok((fraction * high).floor() + 1.0)
                }
                2 => {
                    let (low, high) = (bound(0)?, bound(1)?);
                    if low > high {
                        return Err(arguments.bad(1, "interval is empty"));
                    }
                    Ok((fraction * (high - low + 1.0)).floor() + low)
                }
                _ => Err(failure::error(lua, "wrong number of arguments")),
            }
        })?,
    )?;
    let generator = Rc::clone(random);
    library.raw_set(
        "randomseed",
        lua.create_function(move |lua, arguments: MultiValue| {
            generator.seed(Arguments::new(lua, arguments).integer(0)? as i32);
            Ok(())
        })?,
    )?;
    Ok(library)
}
