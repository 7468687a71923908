//! `notify-keyspace-events`: a set of one-letter event classes.
//!
//! The letters and their order in CONFIG GET are those of the Redis documentation on keyspace notifications.

/// A set of event classes, as `notify-keyspace-events` selects them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClasses(pub u32);

/// The error for a letter that is no class.
pub(super) const INVALID_CLASS: &str = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";

impl EventClasses {
    /// `K`: events are published to `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: Self = Self(1 << 0);
    /// `E`: events are published to `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: Self = Self(1 << 1);
    /// `g`: commands that are not about one type (DEL, EXPIRE, RENAME...).
    pub const GENERIC: Self = Self(1 << 2);
    /// `$`: string commands.
    pub const STRING: Self = Self(1 << 3);
    /// `l`: list commands.
    pub const LIST: Self = Self(1 << 4);
    /// `s`: set commands.
    pub const SET: Self = Self(1 << 5);
    /// `h`: hash commands.
    pub const HASH: Self = Self(1 << 6);
    /// `z`: sorted set commands.
    pub const SORTED_SET: Self = Self(1 << 7);
    /// `x`: a key expired.
    pub const EXPIRED: Self = Self(1 << 8);
    /// `e`: a key was evicted.
    pub const EVICTED: Self = Self(1 << 9);
    /// `t`: stream commands.
    pub const STREAM: Self = Self(1 << 10);
    /// `m`: a key that was read is not there. Not part of `A`.
    pub const KEY_MISS: Self = Self(1 << 11);
    /// `d`: module types; accepted, never fired.
    pub const MODULE: Self = Self(1 << 13);
    /// `n`: a key was created. Not part of `A`.
    pub const NEW: Self = Self(1 << 14);

    /// `A`: every class that is about a kind of change.
    pub const ALL: Self = Self(
        Self::GENERIC.0
            | Self::STRING.0
            | Self::LIST.0
            | Self::SET.0
            | Self::HASH.0
            | Self::SORTED_SET.0
            | Self::EXPIRED.0
            | Self::EVICTED.0
            | Self::STREAM.0
            | Self::MODULE.0,
    );

    /// The letters in the order in which CONFIG GET shows them; the first eleven are folded into `A`.
    const LETTERS: [(char, Self); 14] = [
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::SORTED_SET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
        ('n', Self::NEW),
        ('K', Self::KEYSPACE),
        ('E', Self::KEYEVENT),
        ('m', Self::KEY_MISS),
    ];

    /// True if every class of `other` is selected.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads a string of class letters; `None` if one of them is no class.
    pub fn parse(letters: &str) -> Option<Self> {
        letters.chars().try_fold(Self(0), |set, letter| {
            let class = match letter {
                'A' => Self::ALL,
                _ => Self::LETTERS.iter().find(|(known, _)| *known == letter)?.1,
            };
            Some(Self(set.0 | class.0))
        })
    }
}

impl std::fmt::Display for EventClasses {
    /// The letters as CONFIG GET shows them. Where every class of `A` is selected, `n` is folded away too, as the
    /// peers do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = self.contains(Self::ALL);
        if all {
            f.write_str("A")?;
        }
        let shown = if all {
            &Self::LETTERS[11..]
        } else {
            &Self::LETTERS[..]
        };
        for (letter, class) in shown {
            if self.contains(*class) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_in_the_order_of_the_peers() {
        for (given, shown) in [
            ("", ""),
            ("KEA", "AKE"),
            ("Ex", "xE"),
            ("Kg$lshzxetd", "AK"),
            ("mKE$g", "g$KEm"),
            ("nE", "nE"),
        ] {
            assert_eq!(
                EventClasses::parse(given).unwrap().to_string(),
                shown,
                "{given}"
            );
        }
    }

    #[test]
    fn an_unknown_letter_is_refused() {
        assert_eq!(EventClasses::parse("KEq"), None);
    }

    #[test]
    fn misses_and_new_keys_are_not_in_all() {
        assert!(!EventClasses::ALL.contains(EventClasses::KEY_MISS));
        assert!(!EventClasses::ALL.contains(EventClasses::NEW));
    }
}
