//! What a value can be, as far as it matters.

use super::Entry;
use super::tree::FunctionId;

/// All that the value of an expression or a variable can be. Each of them may also be `nil`, `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Nothing else: no command takes such an argument, and whoever calls or indexes it fails. Also that of a variable to
    /// which nothing was seen to be assigned yet.
    Nothing,
    /// A declared key.
    Key,
    /// The table of the declared keys.
    Keys,
    /// What `ipairs` and `pairs` return for that table.
    Walk,
    /// `redis` or `server`.
    Api,
    /// `redis.call` or `redis.pcall`.
    Call,
    /// `redis.register_function`.
    Register,
    /// A table of functions that Lua or Redis provide, by its name.
    Library(&'a [u8]),
    /// `ipairs` or `pairs`.
    Iterator,
    /// `unpack`.
    Unpack,
    /// `pcall`.
    ProtectedCall,
    /// A function that looks at its arguments, and neither keeps nor returns a table that is among them.
    Reader,
    /// A function of the source.
    Function(FunctionId),
    /// One of a few strings.
    Words(Words<'a>),
    /// Anything but what is sealed.
    Other,
}

/// A few strings that were written out. An empty one is left out: no command has that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words<'a>([&'a [u8]; 4]);

impl<'a> Words<'a> {
    pub(super) fn of(word: &'a [u8]) -> Words<'a> {
        Words([word, b"", b"", b""])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.into_iter().filter(|word| !word.is_empty())
    }

    /// The words of both, unless they are too many.
    fn with(mut self, others: Words<'a>) -> Option<Words<'a>> {
        for word in others.iter() {
            if !self.0.contains(&word) {
                *self.0.iter_mut().find(|place| place.is_empty())? = word;
            }
        }
        Some(self)
    }
}

impl<'a> Kind<'a> {
    /// What can be either.
    pub(super) fn or(self, other: Kind<'a>) -> Kind<'a> {
        match (self, other) {
            (kind, Kind::Nothing) | (Kind::Nothing, kind) => kind,
            (Kind::Words(words), Kind::Words(others)) => {
                words.with(others).map_or(Kind::Other, Kind::Words)
            }
            (kind, other) if kind == other => kind,
            _ => Kind::Other,
        }
    }

    /// Whether the proof ends where the value gets out of sight: who has it can do more with it than is understood here.
    pub(super) fn is_sealed(self) -> bool {
        matches!(
            self,
            Kind::Keys | Kind::Walk | Kind::Api | Kind::Call | Kind::Register | Kind::Library(_)
        )
    }

    /// Whether a command given the value as a key touches no other than a declared one.
    pub(super) fn is_safe_key(self) -> bool {
        matches!(self, Kind::Key | Kind::Nothing)
    }

    /// The value of a global; `None` if nothing is known about it, or too much can be done with it.
    ///
    /// Not among them are `_G`, `getfenv` and `setfenv`, through which globals and the variables of functions are reached,
    /// and `load`, `loadstring` and the like, which run what is not in the source.
    pub(super) fn of_global(name: &'a [u8], entry: Entry) -> Option<Kind<'a>> {
        Some(match name {
            b"KEYS" if entry == Entry::Script => Kind::Keys,
            b"ARGV" if entry == Entry::Script => Kind::Other,
            // A coroutine may live on from one call of a library's function to the next.
            b"coroutine" if entry == Entry::Library => return None,
            b"redis" | b"server" => Kind::Api,
            b"ipairs" | b"pairs" => Kind::Iterator,
            b"unpack" => Kind::Unpack,
            b"pcall" => Kind::ProtectedCall,
            b"next" | b"type" | b"tostring" | b"rawget" | b"rawequal" => Kind::Reader,
            b"string" | b"table" | b"math" | b"os" | b"coroutine" | b"cjson" | b"cmsgpack"
            | b"struct" | b"bit" => Kind::Library(name),
            b"assert" | b"collectgarbage" | b"error" | b"gcinfo" | b"getmetatable" | b"print"
            | b"rawset" | b"select" | b"setmetatable" | b"tonumber" | b"xpcall" | b"_VERSION" => {
                Kind::Other
            }
            _ => return None,
        })
    }

    /// A field of `redis`; `None` if nothing is known about it.
    pub(super) fn of_api_field(name: &[u8], entry: Entry) -> Option<Kind<'a>> {
        Some(match name {
            b"call" | b"pcall" => Kind::Call,
            b"register_function" if entry == Entry::Library => Kind::Register,
            b"acl_check_cmd"
            | b"breakpoint"
            | b"debug"
            | b"error_reply"
            | b"log"
            | b"replicate_commands"
            | b"set_repl"
            | b"setresp"
            | b"sha1hex"
            | b"status_reply" => Kind::Other,
            constant if constant.iter().all(|byte| is_of_constant(*byte)) => Kind::Other,
            _ => return None,
        })
    }

    /// A field of a library.
    pub(super) fn of_library_field(library: &[u8], name: &[u8]) -> Kind<'a> {
        match (library, name) {
            (b"table", b"getn" | b"maxn" | b"concat")
            | (b"cjson", b"encode")
            | (b"cmsgpack", b"pack") => Kind::Reader,
            // Not in Lua 5.1: `nil`, which is why scripts try it.
            (b"table", b"unpack") => Kind::Unpack,
            _ => Kind::Other,
        }
    }
}

/// Constants are named in capitals: `LOG_NOTICE`, `REDIS_VERSION`.
fn is_of_constant(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_up_to_a_few() {
        let words = |text: &'static str| {
            text.split(' ')
                .map(|word| Kind::Words(Words::of(word.as_bytes())))
                .fold(Kind::Nothing, Kind::or)
        };
        let Kind::Words(few) = words("get set get del ttl") else {
            panic!("four words are few");
        };
        assert_eq!(
            few.iter().collect::<Vec<_>>(),
            [b"get", b"set", b"del", b"ttl"]
        );
        assert_eq!(words("get set del ttl mget"), Kind::Other);
    }

    #[test]
    fn joining_never_forgets() {
        let kinds = [
            Kind::Nothing,
            Kind::Key,
            Kind::Keys,
            Kind::Library(b"table"),
            Kind::Library(b"string"),
            Kind::Function(FunctionId(0)),
            Kind::Function(FunctionId(1)),
            Kind::Words(Words::of(b"a")),
            Kind::Words(Words::of(b"b")),
            Kind::Other,
        ];
        for a in kinds {
            assert_eq!(a.or(a), a);
            assert_eq!(a.or(Kind::Nothing), a);
            assert_eq!(a.or(Kind::Other), Kind::Other);
            for b in kinds {
                assert_eq!(a.or(b).or(a), a.or(b));
                for c in kinds {
                    assert!(a.or(b).or(c) == a.or(b.or(c)) || matches!(a.or(b), Kind::Words(_)));
                }
            }
        }
    }
}
