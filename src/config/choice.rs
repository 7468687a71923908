//! The parameters whose value is one word of a few, as Rust enums.
//!
//! Each enum is the single declaration of its words: the table takes [`Choice::WORDS`], the store keeps the position
//! of the word, and the accessor turns the position back into the variant.

/// A setting that is one of a few words. The position of a word in `WORDS` is what the store holds.
pub trait Choice: Sized {
    /// The words, as CONFIG GET shows them.
    const WORDS: &'static [&'static str];

    /// The variant at a position of `WORDS`; positions beyond the end give the last variant.
    fn at(position: usize) -> Self;
}

macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant),+
        }

        impl Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn at(position: usize) -> Self {
                const VARIANTS: &[$name] = &[$($name::$variant),+];
                VARIANTS[position.min(VARIANTS.len() - 1)]
            }
        }
    };
}

choice! {
    /// `loglevel`: how much is logged, most first.
    LogLevel {
        /// Everything, down to what each connection does.
        Debug = "debug",
        /// More than an operator needs every day.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// Only what should be looked at.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

choice! {
    /// `log-format`: the shape of a log line.
    LogFormat {
        /// One line of text for people.
        Text = "text",
        /// One JSON object a line, for machines.
        Json = "json",
        /// The word other servers' files use for their own text format; the same as `Text`.
        Legacy = "legacy",
    }
}

choice! {
    /// `enable-debug-command`, `enable-protected-configs`: who may do something dangerous.
    ProtectedAction {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from this machine.
        Local = "local",
    }
}

choice! {
    /// `acl-pubsub-default`: which channels a new user may use.
    AclPubsubDefault {
        /// All.
        Allchannels = "allchannels",
        /// None.
        Resetchannels = "resetchannels",
    }
}

impl ProtectedAction {
    /// Whether a client may do it; `local` says that it is connected from this machine.
    pub fn allows(self, local: bool) -> bool {
        self == Self::Yes || (self == Self::Local && local)
    }
}

choice! {
    /// `tls-auth-clients`: whether TLS clients must show a certificate.
    TlsAuthClients {
        /// Certificates are not asked for.
        No = "no",
        /// A valid certificate is required.
        Yes = "yes",
        /// A certificate is checked if the client shows one.
        Optional = "optional",
    }
}

choice! {
    /// `maxmemory-policy`: what gives way when the memory cap is reached.
    MaxmemoryPolicy {
        /// The least recently used key among those with a TTL.
        VolatileLru = "volatile-lru",
        /// The least frequently used key among those with a TTL.
        VolatileLfu = "volatile-lfu",
        /// Any key with a TTL.
        VolatileRandom = "volatile-random",
        /// The key that would expire first.
        VolatileTtl = "volatile-ttl",
        /// The least recently used key.
        AllkeysLru = "allkeys-lru",
        /// The least frequently used key.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// The key with a TTL whose bytes earn the fewest hits.
        VolatileLhd = "volatile-lhd",
        /// The key whose bytes earn the fewest hits.
        AllkeysLhd = "allkeys-lhd",
        /// Nothing: writes that need memory get an error.
        Noeviction = "noeviction",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_and_its_word_are_the_same_variant() {
        assert_eq!(LogLevel::WORDS[2], "notice");
        assert_eq!(LogLevel::at(2), LogLevel::Notice);
        assert_eq!(MaxmemoryPolicy::at(9), MaxmemoryPolicy::Noeviction);
        assert_eq!(MaxmemoryPolicy::at(99), MaxmemoryPolicy::Noeviction);
    }
}
