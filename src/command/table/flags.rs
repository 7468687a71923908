//! The small sets of facts about a command: its flags, its ACL categories, and how it uses a key.
//!
//! Each set is a newtype over bits that can be put together in a `const`. The names are those that `COMMAND INFO`,
//! `COMMAND GETKEYSANDFLAGS` and `ACL CAT` show, in the order in which they show them; a flag without a name is ours
//! alone and never shown.

/// Declares a set of named bits: associated constants, their names, and free constants where tables use them a lot.
macro_rules! flag_set {
    ($(#[$about:meta])* $set:ident($bits:ty) in $words:ident { $($(#[$doc:meta])* $flag:ident = $bit:literal, $name:literal;)* }) => {
        flag_set! { $(#[$about])* $set($bits) { $($(#[$doc])* $flag = $bit, $name;)* } }

        /// The same as free constants: short words for the tables.
        pub(super) mod $words {
            $($(#[$doc])* pub const $flag: super::$set = super::$set::$flag;)*
        }
    };
    ($(#[$about:meta])* $set:ident($bits:ty) { $($(#[$doc:meta])* $flag:ident = $bit:literal, $name:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Default)]
        pub struct $set($bits);

        impl $set {
            $($(#[$doc])* pub const $flag: $set = $set(1 << $bit);)*

            const NAMES: &[($set, &str)] = &[$(($set::$flag, $name)),*];

            /// The empty set.
            pub const NONE: $set = $set(0);

            /// The union of `sets`.
            pub const fn of(sets: &[$set]) -> $set {
                let mut all = 0;
                let mut i = 0;
                while i < sets.len() {
                    all |= sets[i].0;
                    i += 1;
                }
                $set(all)
            }

            /// Both sets together.
            #[must_use]
            pub const fn or(self, other: $set) -> $set {
                $set(self.0 | other.0)
            }

            /// What both sets have.
            #[must_use]
            pub const fn and(self, other: $set) -> $set {
                $set(self.0 & other.0)
            }

            /// Whether all of `other` is in this set.
            #[inline]
            pub const fn contains(self, other: $set) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any of `other` is in this set.
            #[inline]
            pub const fn intersects(self, other: $set) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether nothing is in this set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The names of what is in this set, in the order in which they are shown.
            pub fn names(self) -> impl Iterator<Item = &'static str> + Clone {
                Self::NAMES.iter().filter(move |(flag, name)| self.contains(*flag) && !name.is_empty()).map(|&(_, name)| name)
            }

            /// The names of all flags, in the order in which they are shown.
            pub fn all_names() -> impl Iterator<Item = &'static str> + Clone {
                Self::NAMES.iter().map(|&(_, name)| name).filter(|name| !name.is_empty())
            }

            /// The flag of that name, whatever its case.
            pub fn named(name: &[u8]) -> Option<$set> {
                let known = |entry: &&($set, &str)| !entry.1.is_empty() && entry.1.as_bytes().eq_ignore_ascii_case(name);
                Self::NAMES.iter().find(known).map(|&(flag, _)| flag)
            }
        }

        impl std::fmt::Debug for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_set().entries(self.names()).finish()
            }
        }
    };
}

flag_set! {
    /// What the dispatcher must know about a command before it runs it.
    Flags(u32) in words_of_flags {
        /// May change the keyspace.
        WRITE = 0, "write";
        /// Reads keys and never changes one.
        READONLY = 1, "readonly";
        /// Refused while memory is short: it may make values grow.
        DENYOOM = 2, "denyoom";
        /// For whoever runs the server.
        ADMIN = 3, "admin";
        /// Has to do with channels.
        PUBSUB = 4, "pubsub";
        /// Refused inside a script.
        NOSCRIPT = 5, "noscript";
        /// May suspend the connection until something happens to a key.
        BLOCKING = 6, "blocking";
        /// Answered while a data set is being loaded.
        LOADING = 7, "loading";
        /// Answered by a replica that has lost its primary.
        STALE = 8, "stale";
        /// Never shown to MONITOR.
        SKIP_MONITOR = 9, "skip_monitor";
        /// Never logged as slow or large.
        SKIP_COMMANDLOG = 10, "skip_commandlog";
        /// Runs on a slot that is being imported.
        ASKING = 11, "asking";
        /// Takes constant or logarithmic time and never delays others.
        FAST = 12, "fast";
        /// Answered before the client has authenticated.
        NO_AUTH = 13, "no_auth";
        /// May be called without any key although it has key specs.
        NO_MANDATORY_KEYS = 14, "no_mandatory_keys";
        /// Refused while a replica loads its data beside the old one.
        NO_ASYNC_LOADING = 15, "no_async_loading";
        /// Refused inside MULTI.
        NO_MULTI = 16, "no_multi";
        /// The first, last and step numbers do not tell all of its keys. Derived from the key specs.
        MOVABLEKEYS = 17, "movablekeys";
        /// Answered while a script that runs for too long holds the keys.
        ALLOW_BUSY = 18, "allow_busy";
        /// Is no write, but a replica has to hear of it.
        MAY_REPLICATE = 19, "";
        /// Answered in the subscriber mode of RESP2.
        SUBSCRIBER_MODE = 20, "";
        /// Executed at once between MULTI and EXEC.
        NEVER_QUEUED = 21, "";
    }
}

flag_set! {
    /// The ACL categories that a command belongs to.
    Acl(u32) {
        /// The keyspace as a whole or a key whatever its type.
        KEYSPACE = 0, "keyspace";
        /// Reads keys.
        READ = 1, "read";
        /// Changes keys.
        WRITE = 2, "write";
        /// Sets.
        SET = 3, "set";
        /// Sorted sets.
        SORTEDSET = 4, "sortedset";
        /// Lists.
        LIST = 5, "list";
        /// Hashes.
        HASH = 6, "hash";
        /// Strings.
        STRING = 7, "string";
        /// Bitmaps.
        BITMAP = 8, "bitmap";
        /// HyperLogLogs.
        HYPERLOGLOG = 9, "hyperloglog";
        /// Geospatial indexes.
        GEO = 10, "geo";
        /// Streams.
        STREAM = 11, "stream";
        /// Channels.
        PUBSUB = 12, "pubsub";
        /// For whoever runs the server.
        ADMIN = 13, "admin";
        /// Quick.
        FAST = 14, "fast";
        /// Not quick.
        SLOW = 15, "slow";
        /// May suspend the connection.
        BLOCKING = 16, "blocking";
        /// Can do harm in the wrong hands.
        DANGEROUS = 17, "dangerous";
        /// The connection itself and facts about the server.
        CONNECTION = 18, "connection";
        /// Transactions.
        TRANSACTION = 19, "transaction";
        /// Scripts and functions.
        SCRIPTING = 20, "scripting";
    }
}

flag_set! {
    /// What a command does with a key: exactly one of the first four, then what it does with the data.
    KeyFlags(u16) in words_of_keys {
        /// Reads the value.
        RO = 0, "RO";
        /// Reads and changes the value.
        RW = 1, "RW";
        /// Replaces the value without looking at it.
        OW = 2, "OW";
        /// Removes the key.
        RM = 3, "RM";
        /// User data leaves the key: it is returned, copied or decides something.
        ACCESS = 4, "access";
        /// User data is changed, or data is added depending on what is there.
        UPDATE = 5, "update";
        /// Data is added, none is changed or removed.
        INSERT = 6, "insert";
        /// User data is removed on purpose.
        DELETE = 7, "delete";
        /// Looks like a key to a router but is none.
        NOT_KEY = 8, "not_key";
        /// The spec may miss keys.
        INCOMPLETE = 9, "incomplete";
        /// What is done depends on the arguments.
        VARIABLE_FLAGS = 10, "variable_flags";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_put_together_and_named_in_order() {
        let flags = Flags::of(&[Flags::FAST, Flags::WRITE, Flags::MAY_REPLICATE]);
        assert!(
            flags.contains(Flags::WRITE)
                && !flags.contains(Flags::of(&[Flags::WRITE, Flags::ADMIN]))
        );
        assert!(flags.intersects(Flags::of(&[Flags::WRITE, Flags::ADMIN])) && !flags.is_empty());
        assert_eq!(flags.names().collect::<Vec<_>>(), ["write", "fast"]);
        assert_eq!(
            format!("{:?}", KeyFlags::RO.or(KeyFlags::ACCESS)),
            r#"{"RO", "access"}"#
        );
        assert_eq!(Acl::named(b"SortedSet"), Some(Acl::SORTEDSET));
        assert_eq!(Acl::named(b"sorted"), None);
        assert_eq!(Flags::named(b""), None);
    }
}
