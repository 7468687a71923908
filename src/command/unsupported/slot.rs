//! `CLUSTER KEYSLOT`: which of a cluster's 16384 slots a key belongs to. Clients that shard by themselves ask for it.
//!
//! The rule is that of the Redis cluster specification: the CRC16 of the key, or of what stands between its first `{`
//! and the next `}` if that is not empty.

use crate::command::{CommandResult, Context, Outcome};
use crate::resp::Args;

/// Slots of a cluster.
const SLOTS: u16 = 16384;

/// `CLUSTER KEYSLOT key`
pub(super) fn keyslot(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ctx.reply.int(slot_of(args.at(2)).into());
    Ok(Outcome::Done)
}

fn slot_of(key: &[u8]) -> u16 {
    crc16(hash_tag(key).unwrap_or(key)) % SLOTS
}

/// The part of a key that decides its slot, if the key marks one.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr(b'{', key)? + 1;
    let len = memchr::memchr(b'}', &key[start..])?;
    (len > 0).then(|| &key[start..start + len])
}

/// The CRC16 of XMODEM: polynomial 0x1021, nothing reflected, starting from 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn only_the_first_tag_that_is_not_empty_decides() {
        assert_eq!(slot_of(b"foo"), 12182);
        for key in ["a{foo}b", "{foo}", "{foo}{bar}"] {
            assert_eq!(slot_of(key.as_bytes()), 12182, "{key}");
        }
        for key in ["foo{}{bar}", "foo{", "foo}bar{"] {
            assert_eq!(hash_tag(key.as_bytes()), None, "{key}");
        }
        assert_eq!(hash_tag(b"foo{{bar}}zap"), Some(&b"{bar"[..]));
    }
}
