//! Passwords: kept as SHA-256, compared in a time that tells nothing, made at random.

use std::hint::black_box;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// A password, as its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 32]);

impl Password {
    /// What stands for this text.
    pub fn of(text: &[u8]) -> Self {
        let hash = digest(&SHA256, text);
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The password of 64 hexadecimal digits in lower case.
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        let (pairs, []) = digits.as_chunks::<2>() else {
            return None;
        };
        if pairs.len() != hash.len() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(hash))
    }

    /// Its 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Whether they are the same. The time does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| {
            // black_box: or the compiler might stop at the first difference.
            black_box(difference | (a ^ b))
        });
        difference == 0
    }
}

/// Never shown, not even to whoever debugs.
impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// So many hexadecimal digits that nobody can guess; `None` if the system has no random numbers to give.
pub fn generate(digits: usize) -> Option<String> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let mut text = hex(&bytes);
    text.truncate(digits);
    Some(text)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_its_sha256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Password::of(b"abc").to_hex(), abc);
        assert_eq!(
            Password::from_hex(abc.as_bytes()),
            Some(Password::of(b"abc"))
        );
        for bad in [
            "",
            &abc[1..],
            &abc.to_uppercase(),
            &abc.replace('a', "g"),
            &format!("{abc}00"),
        ] {
            assert!(Password::from_hex(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(!format!("{:?}", Password::of(b"abc")).contains("ba78"));
    }

    #[test]
    fn only_the_whole_password_matches() {
        let sesame = Password::of(b"sesame");
        assert!(sesame.matches(&Password::of(b"sesame")));
        for guess in [&b""[..], b"sesam", b"sesames", b"Sesame"] {
            assert!(!sesame.matches(&Password::of(guess)));
        }
        let mut close = sesame;
        close.0[31] ^= 1;
        assert!(!sesame.matches(&close));
    }

    #[test]
    fn generated_ones_have_their_length_and_differ() {
        assert_eq!(generate(3).unwrap().len(), 3);
        assert_eq!(generate(64).unwrap().len(), 64);
        assert_ne!(generate(64), generate(64));
    }
}
