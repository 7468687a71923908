//! Bitmaps: strings as arrays of bits, and integers of any width among them.
//!
//! There is no encoding of its own: a bitmap is a string, and what reads or changes strings works on it. Bit 0 is the
//! most significant one of the first byte; what lies behind the end is zero. Writing behind the end makes the string
//! longer, up to `proto-max-bulk-len` bytes.

mod field;
mod operation;
mod range;
mod single;
#[cfg(test)]
mod tests;

use crate::command::context::Context;
use crate::resp::ReplyError;
use crate::value::number;

use super::table::keys::of_bitfield;
use super::table::words::{
    ACCESS, Command, DENYOOM, FAST, Group, OW, READONLY, RO, RW, UPDATE, VARIABLE_FLAGS, WRITE,
    key, keys,
};

const BAD_OFFSET: ReplyError =
    ReplyError::fixed("ERR bit offset is not an integer or out of range");

/// Reads the number of a bit, one that a string can have. `unit` is how many bits are counted as one.
fn parse_offset(ctx: &Context<'_>, text: &[u8], unit: u32) -> Result<u64, ReplyError> {
    let longest = u64::try_from(ctx.server.settings.proto_max_bulk_len()).unwrap_or(u64::MAX);
    number::parse_i64(text)
        .and_then(|offset| u64::try_from(offset).ok())
        .and_then(|offset| offset.checked_mul(u64::from(unit)))
        .filter(|offset| offset / 8 < longest)
        .ok_or(BAD_OFFSET)
}

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Bitmap, "bitcount", -2, range::bitcount)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.6.0")
        .summary("Counts the bits of a string that are set, in all of it or in a range.")
        .syntax(
            "key [range: start:integer [end-unit-block: end:integer [unit: BYTE|BIT]@7.0.0]]",
        )
        .complexity("O(N), N being the number of bytes in the range"),
    Command::new(Group::Bitmap, "bitfield", -2, field::bitfield)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, ACCESS, UPDATE, VARIABLE_FLAGS]).note("Only reads if all it does is GET")])
        .finder(of_bitfield)
        .since("3.2.0")
        .summary("Reads, sets and adds to integers of any width within a string.")
        .syntax(
            "key [operation: GET (get-block: encoding offset:integer)|(write: [OVERFLOW \
            <overflow-block: WRAP|SAT|FAIL>] <write-operation: SET (set-block: encoding \
            offset:integer value:integer)|INCRBY (incrby-block: encoding offset:integer \
            increment:integer)>)]...",
        )
        .complexity("O(1) for each operation"),
    Command::new(Group::Bitmap, "bitfield_ro", -2, field::bitfield_ro)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("6.0.0")
        .summary("Reads integers of any width within a string.")
        .syntax("key [GET (get-block: encoding offset:integer)]...")
        .complexity("O(1) for each operation"),
    Command::new(Group::Bitmap, "bitop", -4, operation::bitop)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(2, &[OW, UPDATE]), keys(3, -1, 1, &[RO, ACCESS])])
        .since("2.6.0")
        .summary("Combines several strings bit by bit and stores the result.")
        .syntax("<operation: AND|OR|XOR|NOT> destkey:key key...")
        .complexity("O(N), N being the sum of the strings' lengths"),
    Command::new(Group::Bitmap, "bitpos", -3, range::bitpos)
        .flags(&[READONLY])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.8.7")
        .summary("Finds the first bit of a string that is set, or that is not.")
        .syntax(
            "key bit:integer [range: start:integer [end-unit-block: end:integer [unit: BYTE|BIT]@7.0.0]]",
        )
        .complexity("O(N), N being the number of bytes in the range"),
    Command::new(Group::Bitmap, "getbit", 3, single::getbit)
        .flags(&[READONLY, FAST])
        .keys(&[key(1, &[RO, ACCESS])])
        .since("2.2.0")
        .summary("Returns one bit of a string.")
        .syntax("key offset:integer"),
    Command::new(Group::Bitmap, "setbit", 4, single::setbit)
        .flags(&[WRITE, DENYOOM])
        .keys(&[key(1, &[RW, ACCESS, UPDATE])])
        .since("2.2.0")
        .summary("Sets or clears one bit of a string, which grows as needed, and returns what it was.")
        .syntax("key offset:integer value:integer"),
];
