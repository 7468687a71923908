//! What a command is: one entry of its family's table.
//!
//! A family's `COMMANDS` is a `const` slice of [`Command`]s, built with the methods below. Name, arity, flags, keys and
//! the rest are facts that clients rely on; the dispatcher, `COMMAND`, the documentation and the statistics all read them
//! here and nowhere else. The registry fills in what follows from them (id, full name, derived ACL categories).

use super::flags::{Acl, Flags, KeyFlags};
use super::keys::{Begin, Find, Finder, KeySpec};
use super::syntax::{self, Argument};
use crate::command::Handler;
use crate::command::blocking::Blocking;
use crate::resp::Args;

/// The family that a command is documented under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Any key, whatever its type.
    Generic,
    /// Strings.
    String,
    /// Hashes.
    Hash,
    /// Sorted sets.
    SortedSet,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Streams.
    Stream,
    /// Strings as arrays of bits.
    Bitmap,
    /// Strings that estimate how many different things were seen.
    Hyperloglog,
    /// Sorted sets of places.
    Geo,
    /// Channels.
    PubSub,
    /// Scripts and functions.
    Scripting,
    /// Several commands as one.
    Transactions,
    /// The connection itself.
    Connection,
    /// The server.
    Server,
    /// Cluster mode.
    Cluster,
}

impl Group {
    /// All groups, in the order of the documentation.
    pub const ALL: [Group; 16] = [
        Group::Generic,
        Group::String,
        Group::Hash,
        Group::List,
        Group::Set,
        Group::SortedSet,
        Group::Stream,
        Group::Bitmap,
        Group::Hyperloglog,
        Group::Geo,
        Group::PubSub,
        Group::Scripting,
        Group::Transactions,
        Group::Connection,
        Group::Server,
        Group::Cluster,
    ];

    /// The name that `COMMAND DOCS` gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::List => "list",
            Group::Set => "set",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
            Group::Hyperloglog => "hyperloglog",
            Group::Geo => "geo",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Cluster => "cluster",
        }
    }

    /// The ACL category of all the group's commands, if there is one.
    const fn acl(self) -> Acl {
        match self {
            Group::Generic => Acl::KEYSPACE,
            Group::String => Acl::STRING,
            Group::Hash => Acl::HASH,
            Group::SortedSet => Acl::SORTEDSET,
            Group::List => Acl::LIST,
            Group::Set => Acl::SET,
            Group::Stream => Acl::STREAM,
            Group::Bitmap => Acl::BITMAP,
            Group::Hyperloglog => Acl::HYPERLOGLOG,
            Group::Geo => Acl::GEO,
            Group::Connection => Acl::CONNECTION,
            Group::Scripting => Acl::SCRIPTING,
            Group::Transactions => Acl::TRANSACTION,
            Group::PubSub | Group::Server | Group::Cluster => Acl::NONE,
        }
    }
}

/// Which locks the dispatcher takes before the handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Those of the keys that the request names; none when it names none.
    Keys,
    /// All of them: the command may touch any key, and must see all of them at one moment.
    All,
    /// None: the handler walks the keyspace, one shard at a time.
    Each,
    /// None: the command touches no key, even if it names one.
    None,
    /// Those of everything that the connection has queued and watches.
    Transaction,
    /// Those of the keys that the request names if the script keeps to them, else all.
    Script,
}

/// Which arguments are channels that a message is sent to or that are listened to from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// None.
    None,
    /// The first.
    First,
    /// All.
    All,
    /// All, and they are patterns.
    Patterns,
}

/// Whether the argument at an index must never be shown or logged.
pub type Secrets = fn(Args<'_>, usize) -> bool;

/// Finds out which locks a request needs.
pub type LockChooser = fn(Args<'_>) -> Lock;

/// What replaces a deprecated command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deprecated {
    /// The version since which it should not be used.
    pub since: &'static str,
    /// What to use instead.
    pub replaced_by: &'static str,
}

/// First, last and step of the keys, as clients from before key specs read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// The first key's argument; 0: no keys.
    pub first: i32,
    /// The last key's argument; negative: from the end.
    pub last: i32,
    /// From one key to the next.
    pub step: i32,
}

/// A command, a container of subcommands, or a subcommand.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// The name in lower case; a subcommand's own, without its container's.
    pub name: &'static str,
    /// How many arguments a request has, the name included; negative: at least as many.
    pub arity: i16,
    /// What the dispatcher must know.
    pub flags: Flags,
    /// The ACL categories; in a family's table only those that flags and group do not imply.
    pub acl: Acl,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Finds the keys, and what is done with them, where the specs are not enough.
    pub finder: Option<Finder>,
    /// Where its channels are.
    pub channels: Channels,
    /// Which locks it needs.
    pub lock: Lock,
    /// Knows which locks a request needs, where that depends on its arguments.
    pub lock_chooser: Option<LockChooser>,
    /// The family it is documented under.
    pub group: Group,
    /// The version of Redis or Valkey that brought it.
    pub since: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// What it takes, in the language of [`super::syntax`]; without the name.
    pub syntax: &'static str,
    /// How its cost grows.
    pub complexity: &'static str,
    /// Hints for clients and proxies, in the words of the protocol.
    pub tips: &'static [&'static str],
    /// Whether something better replaces it.
    pub deprecated: Option<Deprecated>,
    /// Whether it is a tool for the server's makers: documented as internal.
    pub internal: bool,
    /// Whether Larder knows the name and refuses the work.
    pub refused: bool,
    /// The subcommands of a container.
    pub subcommands: &'static [Command],
    /// What runs it. A container's answers a request without a subcommand.
    pub handler: Handler,
    /// Which argument, if not 0, names a member of the collection under its key: a hint at what to prefetch.
    pub member: u8,
    /// How a client that waits in it is served.
    pub blocking: Option<Blocking>,
    /// Which of its arguments must never be shown or logged; none if there is no function.
    pub secrets: Option<Secrets>,
    /// Whether the finder knows better than the specs.
    pub(super) key_flags_vary: bool,
    id: u16,
    full_name: &'static str,
    first_key: Option<u8>,
    key_range: KeyRange,
}

impl Command {
    /// An entry with everything that has no usual value.
    pub const fn new(group: Group, name: &'static str, arity: i16, handler: Handler) -> Command {
        Command {
            name,
            arity,
            flags: Flags::NONE,
            acl: Acl::NONE,
            keys: &[],
            finder: None,
            channels: Channels::None,
            lock: Lock::Keys,
            lock_chooser: None,
            group,
            since: "",
            summary: "",
            syntax: "",
            complexity: "O(1)",
            tips: &[],
            deprecated: None,
            internal: false,
            refused: false,
            subcommands: &[],
            handler,
            member: 0,
            blocking: None,
            secrets: None,
            key_flags_vary: false,
            id: 0,
            full_name: "",
            first_key: None,
            key_range: KeyRange {
                first: 0,
                last: 0,
                step: 0,
            },
        }
    }

    /// Sets the flags.
    #[must_use]
    pub const fn flags(mut self, flags: &[Flags]) -> Command {
        self.flags = Flags::of(flags);
        self
    }

    /// Adds ACL categories to those that flags and group imply.
    #[must_use]
    pub const fn acl(mut self, acl: &[Acl]) -> Command {
        self.acl = Acl::of(acl);
        self
    }

    /// Says where the keys are.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Command {
        self.keys = keys;
        let mut i = 0;
        while i < keys.len() {
            self.key_flags_vary |= keys[i].flags.contains(KeyFlags::VARIABLE_FLAGS);
            i += 1;
        }
        self
    }

    /// Says how to find the keys where the specs are not enough.
    #[must_use]
    pub const fn finder(mut self, finder: Finder) -> Command {
        self.finder = Some(finder);
        self
    }

    /// Says how to find the keys where the specs may be wrong.
    #[must_use]
    pub const fn finder_decides(mut self, finder: Finder) -> Command {
        self.finder = Some(finder);
        self.key_flags_vary = true;
        self
    }

    /// Says where its channels are.
    #[must_use]
    pub const fn channels(mut self, channels: Channels) -> Command {
        self.channels = channels;
        self
    }

    /// Says which locks it needs, if not those of its keys.
    #[must_use]
    pub const fn lock(mut self, lock: Lock) -> Command {
        self.lock = lock;
        self
    }

    /// Says how to find out which locks a request needs, where that depends on its arguments.
    #[must_use]
    pub const fn lock_by(mut self, chooser: LockChooser) -> Command {
        self.lock_chooser = Some(chooser);
        self
    }

    /// Says which version brought it.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Command {
        self.since = version;
        self
    }

    /// Says what it does.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Command {
        self.summary = summary;
        self
    }

    /// Says what it takes.
    #[must_use]
    pub const fn syntax(mut self, syntax: &'static str) -> Command {
        self.syntax = syntax;
        self
    }

    /// Says how its cost grows, if it does.
    #[must_use]
    pub const fn complexity(mut self, complexity: &'static str) -> Command {
        self.complexity = complexity;
        self
    }

    /// Gives hints to clients and proxies.
    #[must_use]
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Command {
        self.tips = tips;
        self
    }

    /// Says what replaces it.
    #[must_use]
    pub const fn deprecated(mut self, since: &'static str, replaced_by: &'static str) -> Command {
        self.deprecated = Some(Deprecated { since, replaced_by });
        self
    }

    /// Says that it is a tool for the server's makers.
    #[must_use]
    pub const fn internal(mut self) -> Command {
        self.internal = true;
        self
    }

    /// Says that it is answered with an error until Larder can do what it asks for.
    #[must_use]
    pub const fn refused(mut self) -> Command {
        self.refused = true;
        self
    }

    /// Says which argument names a member of the collection under its key.
    #[must_use]
    pub const fn member(mut self, at: u8) -> Command {
        self.member = at;
        self
    }

    /// Says how a client that waits in it is served.
    #[must_use]
    pub const fn blocking(mut self, blocking: Blocking) -> Command {
        self.blocking = Some(blocking);
        self
    }

    /// Says which of its arguments must never be shown or logged.
    #[must_use]
    pub const fn secrets(mut self, secrets: Secrets) -> Command {
        self.secrets = Some(secrets);
        self
    }

    /// Makes it a container.
    #[must_use]
    pub const fn subcommands(mut self, subcommands: &'static [Command]) -> Command {
        self.subcommands = subcommands;
        self
    }

    /// Its number: from 0 to [`super::count`], different for each command and subcommand, the same for a whole run.
    #[inline]
    pub fn id(&self) -> usize {
        self.id.into()
    }

    /// Its name with the container's before it: `config|get`.
    #[inline]
    pub fn full_name(&self) -> &'static str {
        self.full_name
    }

    /// Where its key is, if its requests always have exactly one and always there. The quick way to the lock.
    #[inline]
    pub fn first_key(&self) -> Option<usize> {
        self.first_key.map(usize::from)
    }

    /// Where a key is worth prefetching: its only key, or the first of a script's, if it has any.
    #[inline]
    pub fn likely_key(&self) -> Option<usize> {
        match self.lock {
            Lock::Script => Some(3),
            _ => self.first_key(),
        }
    }

    /// Which locks a request needs, whose arity has been checked.
    #[inline]
    pub fn lock_for(&self, args: Args<'_>) -> Lock {
        match self.lock_chooser {
            None => self.lock,
            Some(choose) => choose(args),
        }
    }

    /// First, last and step of its keys, as far as three numbers can say.
    pub fn key_range(&self) -> KeyRange {
        self.key_range
    }

    /// Whether a request of `len` arguments, its name included, has the right length.
    #[inline]
    pub fn accepts(&self, len: usize) -> bool {
        let arity = usize::from(self.arity.unsigned_abs());
        len == arity || (self.arity < 0 && len > arity)
    }

    /// The subcommand of that name, whatever its case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands
            .iter()
            .find(|subcommand| subcommand.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether it is answered in the subscriber mode of RESP2.
    pub fn allowed_in_subscriber_mode(&self) -> bool {
        self.flags.contains(Flags::SUBSCRIBER_MODE)
    }

    /// Whether any request of it can name a key.
    pub fn has_keys(&self) -> bool {
        self.finder.is_some()
            || self
                .keys
                .iter()
                .any(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    }

    /// What it takes, as a tree.
    pub fn arguments(&self) -> Vec<Argument> {
        syntax::parse(self.syntax, self.keys.len()).expect("a test parses every command's syntax")
    }

    /// What it takes, as redis-cli hints at it: `key [NX|XX]`.
    pub fn hint(&self) -> String {
        syntax::hint(&self.arguments())
    }

    /// Fills in what follows from the entry. `container` is the container's name.
    pub(super) fn registered(mut self, id: u16, container: Option<&str>) -> Command {
        self.id = id;
        self.full_name = match container {
            Some(container) => String::leak(format!("{container}|{}", self.name)),
            None => self.name,
        };
        self.acl = self.acl.or(self.implied_acl());
        let (key_range, movable) = key_range(self.keys);
        self.key_range = key_range;
        if movable {
            self.flags = self.flags.or(Flags::MOVABLEKEYS);
        }
        self.first_key = match *self.keys {
            [
                KeySpec {
                    begin: Begin::Index(at),
                    find: Find::Range { last: 0, .. },
                    flags,
                    ..
                },
            ] if !flags.intersects(KeyFlags::of(&[KeyFlags::NOT_KEY, KeyFlags::INCOMPLETE]))
                && self.arity.unsigned_abs() > at.into() =>
            {
                Some(at)
            }
            _ => None,
        };
        self
    }

    fn implied_acl(&self) -> Acl {
        let implied = [
            (Flags::WRITE, Acl::WRITE),
            (Flags::READONLY, Acl::READ),
            (Flags::ADMIN, Acl::ADMIN.or(Acl::DANGEROUS)),
            (Flags::PUBSUB, Acl::PUBSUB),
            (Flags::BLOCKING, Acl::BLOCKING),
            (Flags::FAST, Acl::FAST),
        ];
        // A container does nothing itself; what it holds says what it is about. A generic command that names types of values
        // is about these, and one that takes no lock (WAIT) about no key.
        let types = Acl::of(&[Acl::LIST, Acl::SET, Acl::SORTEDSET]);
        let is_elsewhere =
            self.group == Group::Generic && (self.lock == Lock::None || self.acl.intersects(types));
        let group = if self.subcommands.is_empty() && !is_elsewhere {
            self.group.acl()
        } else {
            Acl::NONE
        };
        let acl = implied
            .iter()
            .filter(|(flag, _)| self.flags.contains(*flag))
            .fold(group, |acl, &(_, more)| acl.or(more));
        if acl.contains(Acl::FAST) {
            acl
        } else {
            acl.or(Acl::SLOW)
        }
    }
}

/// What three numbers can say of `specs`, and whether they leave keys out.
fn key_range(specs: &[KeySpec]) -> (KeyRange, bool) {
    let range = |spec: &KeySpec| match *spec {
        KeySpec {
            begin: Begin::Index(at),
            find: Find::Range { last, step, .. },
            ..
        } => {
            let (first, last) = (i32::from(at), i32::from(last));
            Some(KeyRange {
                first,
                last: if last < 0 { last } else { first + last },
                step: step.into(),
            })
        }
        _ => None,
    };
    let incomplete = specs
        .iter()
        .any(|spec| spec.flags.contains(KeyFlags::INCOMPLETE));
    if let [spec] = specs
        && let Some(range) = range(spec)
    {
        return (range, incomplete);
    }
    let mut all = KeyRange::default();
    let mut movable = incomplete;
    for spec in specs {
        match range(spec) {
            Some(next) if next.step == 1 && (all.first == 0 || all.last == next.first - 1) => {
                all = KeyRange {
                    first: if all.first == 0 {
                        next.first
                    } else {
                        all.first
                    },
                    ..next
                };
            }
            _ => movable = true,
        }
    }
    (all, movable)
}
