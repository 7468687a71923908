//! Which keys can a script touch? A proof, from its source alone, that it keeps to the keys it declared.
//!
//! A script with that proof runs under the locks of its keys' shards; any other runs under all locks. Both are sound, so
//! the answer "no" costs parallelism and nothing else, and whatever is not understood is answered with "no". The answer
//! "yes" is a promise: every key of every command that the script can run is one of those declared, or the command
//! fails before it touches any.
//!
//! [`token`] and [`parse`] read Lua 5.1 into the tree of [`tree`], in which every name is already the local variable or
//! the global that it means. [`analysis`] then asks of each expression what its value can be ([`kind`]): a local variable
//! can be whatever any assignment or any call puts into it, all over the source, so the order of execution does not
//! matter. The few values that everything rests on (`KEYS`, `redis`, `redis.call`, the libraries) are *sealed*: they
//! may be used in the ways that are understood here, and nowhere else. [`request`] looks at a command's arguments.
//!
//! What is relied upon of the one who runs the scripts:
//! * globals cannot be assigned, and the globals known to [`kind`] are those of Lua 5.1 and Redis;
//! * `KEYS` is a plain table of the declared keys, as is what a function's callback gets as its first argument, and each
//!   run has its own;
//! * no key is touched but by a command, and a command refuses an argument that is neither a string nor a number.

mod analysis;
mod kind;
mod parse;
mod request;
mod token;
mod tree;

#[cfg(test)]
mod tests;

/// What the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A script: the body of a function without arguments, its keys in the global `KEYS`.
    Script,
    /// A library: functions given to `redis.register_function` get their keys as the first argument. They may keep values
    /// from one call to the next, and the keys of an earlier call are not those of this one.
    Library,
}

/// Where some of a command's keys stand among its arguments, of which the command's name is number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// From argument `first` to `last`, which counts from the end when negative (-1 is the last argument).
    Range {
        /// The first key.
        first: usize,
        /// The last argument that can be a key.
        last: isize,
        /// From one key to the next.
        step: usize,
    },
    /// As many as an argument says.
    Counted {
        /// Which argument says how many.
        number: usize,
        /// The first key.
        first: usize,
        /// From one key to the next.
        step: usize,
    },
}

impl Place {
    /// One key, at this argument.
    pub const fn at(index: usize) -> Place {
        Place::Range {
            first: index,
            last: index.cast_signed(),
            step: 1,
        }
    }
}

/// What is known of commands: given a name in lower case, and the argument behind it if that is a constant (it may be a
/// subcommand), all places of keys; `None` if the command may touch other keys than those, or where they stand is not
/// known. A name that is no command's has no keys: it can only fail.
pub type Commands<'c> = dyn Fn(&[u8], Option<&[u8]>) -> Option<Vec<Place>> + 'c;

/// Longer sources are not looked at. The longest of real ones are some 50 kB.
const LONGEST: usize = 1 << 20;

/// Whether the script or library provably touches no keys but the declared ones, whatever its keys and arguments are.
///
/// The time it takes grows with the length of the source and not faster, and the stack it needs is bounded.
pub fn stays_within_keys(source: &[u8], entry: Entry, commands: &Commands<'_>) -> bool {
    source.len() <= LONGEST
        && parse::program(without_shebang(source))
            .is_ok_and(|program| analysis::holds(&program, entry, commands))
}

/// What follows the first line, if that names the language as in `#!lua name=mylib`.
fn without_shebang(source: &[u8]) -> &[u8] {
    if !source.starts_with(b"#!") {
        return source;
    }
    let end = memchr::memchr(b'\n', source).unwrap_or(source.len());
    &source[end..]
}
