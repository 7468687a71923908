//! Which arguments of a request are keys, and what is done with them.
//!
//! [`keys_of`] is the only place that knows: locks, prefetch, `COMMAND GETKEYS` and access rules all ask it. A command's
//! key specs say where keys begin and how many follow; the few commands whose options decide name a [`Finder`] as well.
//! Whatever a request says, its keys are a handful of evenly spaced ranges, so nothing is allocated.

use super::flags::KeyFlags;
use super::spec::Command;
use crate::resp::Args;

/// One rule of where a command's keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Where the search begins.
    pub begin: Begin,
    /// Which arguments from there on are keys.
    pub find: Find,
    /// What is done with these keys.
    pub flags: KeyFlags,
    /// What a reader of `COMMAND INFO` should know about the flags; mostly empty.
    pub note: &'static str,
}

/// Where the keys of a [`KeySpec`] begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this argument; the command's name is argument 0.
    Index(u8),
    /// After this word.
    Keyword {
        /// The word, in upper case.
        word: &'static str,
        /// The argument where the search starts; negative: that many from the end, searching backwards.
        start: i8,
    },
    /// Only the command itself knows.
    Unknown,
}

/// Which arguments are keys, counted from where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// From the beginning to the last.
    Range {
        /// The last key: from the beginning, or from the end of the request when negative.
        last: i8,
        /// From one key to the next.
        step: u8,
        /// With `last: -1`: only the first 1/limit of what remains is looked at. 0 and 1: all of it.
        limit: u8,
    },
    /// As many as an argument says.
    Count {
        /// Where the number stands.
        at: u8,
        /// Where the first key stands.
        first: u8,
        /// From one key to the next.
        step: u8,
    },
    /// Only the command itself knows.
    Unknown,
}

impl KeySpec {
    /// The same with a word about its flags.
    #[must_use]
    pub const fn note(mut self, note: &'static str) -> KeySpec {
        self.note = note;
        self
    }
}

/// One key, at argument `at`.
pub const fn key(at: u8, flags: &[KeyFlags]) -> KeySpec {
    keys(at, 0, 1, flags)
}

/// Keys from argument `at` to `last` (counted from `at`, or from the end when negative), every `step`.
pub const fn keys(at: u8, last: i8, step: u8, flags: &[KeyFlags]) -> KeySpec {
    KeySpec {
        begin: Begin::Index(at),
        find: Find::Range {
            last,
            step,
            limit: 0,
        },
        flags: KeyFlags::of(flags),
        note: "",
    }
}

/// The keys from the one after `word`, which is searched from argument `start`, to the end of the request.
pub const fn keys_after(word: &'static str, start: i8, flags: &[KeyFlags]) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword { word, start },
        find: Find::Range {
            last: -1,
            step: 1,
            limit: 0,
        },
        flags: KeyFlags::of(flags),
        note: "",
    }
}

/// As many keys as argument `at` says, every `step` from the one after it.
pub const fn counted_keys(at: u8, step: u8, flags: &[KeyFlags]) -> KeySpec {
    KeySpec {
        begin: Begin::Index(at),
        find: Find::Count {
            at: 0,
            first: 1,
            step,
        },
        flags: KeyFlags::of(flags),
        note: "",
    }
}

/// The first half of what follows the word `STREAMS`, which is argument `start` or comes later.
pub const fn streams_from(start: i8) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword {
            word: "STREAMS",
            start,
        },
        find: Find::Range {
            last: -1,
            step: 1,
            limit: 2,
        },
        flags: KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]),
        note: "",
    }
}

/// Keys whose places only the command itself knows.
pub const fn unknown_keys(flags: &[KeyFlags]) -> KeySpec {
    KeySpec {
        begin: Begin::Unknown,
        find: Find::Unknown,
        flags: KeyFlags::of(flags),
        note: "",
    }
}

/// How keys are found where the specs are not enough.
pub type Finder = fn(Args<'_>) -> Option<Keys>;

/// A key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which argument it is.
    pub index: usize,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// Evenly spaced keys: `first`, `first + step`, ... up to `last`.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    first: u32,
    last: u32,
    step: u32,
    flags: KeyFlags,
}

/// The keys of one request, in the order of the command's specs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    ranges: [Range; Keys::RANGES],
    used: usize,
}

impl Keys {
    /// The most ranges that any command needs: GEORADIUS and SORT have three.
    const RANGES: usize = 3;

    /// Adds the keys from argument `first` to `last`.
    fn push(&mut self, first: usize, last: usize, step: usize, flags: KeyFlags) {
        let narrow = |n: usize| u32::try_from(n).expect("a request has fewer than 2^31 arguments");
        self.ranges[self.used] = Range {
            first: narrow(first),
            last: narrow(last),
            step: narrow(step),
            flags,
        };
        self.used += 1;
    }

    fn one(index: usize, flags: &[KeyFlags]) -> Keys {
        let mut keys = Keys::default();
        keys.push(index, index, 1, KeyFlags::of(flags));
        keys
    }

    /// The keys in order; a key that is named twice comes twice.
    pub fn iter(&self) -> impl Iterator<Item = Key> + Clone + '_ {
        self.ranges[..self.used].iter().flat_map(|range| {
            (range.first..=range.last)
                .step_by(range.step as usize)
                .map(|index| Key {
                    index: index as usize,
                    flags: range.flags,
                })
        })
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.ranges[..self.used]
            .iter()
            .map(|range| ((range.last - range.first) / range.step + 1) as usize)
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }
}

/// The arguments do not say where the keys are: the command will answer an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeys;

/// The keys of a request of `command`, whose arity has been checked.
///
/// # Errors
/// [`NoKeys`] when the arguments make no sense, such as a number of keys that are not there. A command without key specs
/// has no keys, and that is no error.
pub fn keys_of(command: &Command, args: Args<'_>) -> Result<Keys, NoKeys> {
    if command.key_flags_vary
        && let Some(find) = command.finder
    {
        return find(args).ok_or(NoKeys);
    }
    match by_specs(command.keys, args) {
        Some(keys) => Ok(keys),
        None => command.finder.and_then(|find| find(args)).ok_or(NoKeys),
    }
}

/// The keys that the specs name; none when one of the specs does not fit the request or does not know all of its keys.
fn by_specs(specs: &[KeySpec], args: Args<'_>) -> Option<Keys> {
    let mut keys = Keys::default();
    for spec in specs
        .iter()
        .filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    {
        let begin = match spec.begin {
            Begin::Index(at) => usize::from(at),
            Begin::Keyword { word, start } => match find_word(word, start, args) {
                Some(at) => at + 1,
                None => continue,
            },
            Begin::Unknown => return None,
        };
        let (first, last, step) = match spec.find {
            Find::Range { last, step, .. } if last >= 0 => {
                (begin, begin + last.unsigned_abs() as usize, step)
            }
            Find::Range {
                last,
                step,
                limit: 0 | 1,
            } => (
                begin,
                args.len().checked_sub(last.unsigned_abs().into())?,
                step,
            ),
            Find::Range { step, limit, .. } => {
                let looked_at = args.len().checked_sub(begin)? / usize::from(limit);
                (begin, (begin + looked_at).checked_sub(1)?, step)
            }
            Find::Count { at, first, step } => {
                let count = number(args.get(begin + usize::from(at))?)?;
                let first = begin + usize::from(first);
                // Steps between the keys count too: MSETEX has a value after each.
                let span = count.checked_sub(1)?.checked_mul(step.into())?;
                (first, first.checked_add(span)?, step)
            }
            Find::Unknown => return None,
        };
        if last >= args.len() || last < first {
            return None;
        }
        keys.push(first, last, step.into(), spec.flags);
        if spec.flags.contains(KeyFlags::INCOMPLETE) {
            return None;
        }
    }
    Some(keys)
}

fn find_word(word: &str, start: i8, args: Args<'_>) -> Option<usize> {
    let is_word = |&at: &usize| is(args, at, word);
    if start > 0 {
        (usize::from(start.unsigned_abs())..args.len()).find(is_word)
    } else {
        // The first argument is never the word: something stands before it.
        let from = args.len().checked_sub(start.unsigned_abs().into())?;
        (2..=from).rev().find(is_word)
    }
}

fn is(args: Args<'_>, at: usize, word: &str) -> bool {
    args.get(at)
        .is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
}

fn number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().all(u8::is_ascii_digit) && !(text.len() > 1 && text[0] == b'0');
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

/// SET: without GET it never looks at the old value.
pub fn of_set(args: Args<'_>) -> Option<Keys> {
    let get = (3..args.len()).any(|at| is(args, at, "GET"));
    Some(Keys::one(
        1,
        if get {
            &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE]
        } else {
            &[KeyFlags::OW, KeyFlags::UPDATE]
        },
    ))
}

/// XREAD, XREADGROUP: `STREAMS` before the keys, which may also be the name of a group or a consumer.
pub fn of_stream_readers(args: Args<'_>) -> Option<Keys> {
    let mut at = 1;
    while !is(args, at, "STREAMS") {
        args.get(at)?;
        at += match () {
            () if is(args, at, "COUNT") || is(args, at, "BLOCK") => 2,
            () if is(args, at, "GROUP") => 3,
            () => 1,
        };
    }
    let named = args.len() - at - 1;
    if named == 0 || !named.is_multiple_of(2) {
        return None;
    }
    let mut keys = Keys::default();
    let flags = KeyFlags::of(&[KeyFlags::RO, KeyFlags::ACCESS]);
    keys.push(at + 1, at + named / 2, 1, flags);
    Some(keys)
}

/// MIGRATE: one key, or an empty argument in its place and `KEYS` before the last ones. The word may also be a password.
pub fn of_migrate(args: Args<'_>) -> Option<Keys> {
    let flags = [KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE];
    let mut at = 6;
    while args.get(3)?.is_empty() && args.get(at).is_some() {
        if is(args, at, "KEYS") && at + 1 < args.len() {
            let mut keys = Keys::default();
            keys.push(at + 1, args.len() - 1, 1, KeyFlags::of(&flags));
            return Some(keys);
        }
        at += match () {
            () if is(args, at, "AUTH") => 2,
            () if is(args, at, "AUTH2") => 3,
            () => 1,
        };
    }
    Some(Keys::one(3, &flags))
}

/// BITFIELD: it writes unless all it does is GET.
pub fn of_bitfield(args: Args<'_>) -> Option<Keys> {
    let mut at = 2;
    while at < args.len() {
        at += match args.len() - at {
            3.. if is(args, at, "GET") => 3,
            2.. if is(args, at, "OVERFLOW") => 2,
            _ => {
                let flags = [KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE];
                return Some(Keys::one(1, &flags));
            }
        };
    }
    Some(Keys::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]))
}

/// PFMERGE without sources, where the specs miss them.
pub fn of_pfmerge(_args: Args<'_>) -> Option<Keys> {
    let flags = [KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::INSERT];
    Some(Keys::one(1, &flags))
}

/// GEORADIUS and its like, whose options begin at argument `options`: of several keys to store to, the last one counts.
fn of_radius(args: Args<'_>, options: usize) -> Option<Keys> {
    let mut keys = Keys::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]);
    let (mut at, mut stored) = (options, None);
    while at + 1 < args.len() {
        if is(args, at, "STORE") || is(args, at, "STOREDIST") {
            at += 1;
            stored = Some(at);
        }
        at += 1;
    }
    if let Some(at) = stored {
        keys.push(at, at, 1, KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]));
    }
    Some(keys)
}

/// SORT_RO: what BY and GET lead to is not among the arguments.
pub fn of_sort_ro(_: Args<'_>) -> Option<Keys> {
    Some(Keys::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]))
}

/// SORT: the same, and the last argument that follows `STORE` as an option.
pub fn of_sort(args: Args<'_>) -> Option<Keys> {
    let mut keys = Keys::one(1, &[KeyFlags::RO, KeyFlags::ACCESS]);
    let mut destination = None;
    let mut at = 2;
    while at < args.len() {
        if is(args, at, "LIMIT") {
            at += 2;
        } else if is(args, at, "BY") || is(args, at, "GET") {
            at += 1;
        } else if is(args, at, "STORE") && at + 1 < args.len() {
            at += 1;
            destination = Some(at);
        }
        at += 1;
    }
    if let Some(at) = destination {
        keys.push(at, at, 1, KeyFlags::of(&[KeyFlags::OW, KeyFlags::UPDATE]));
    }
    Some(keys)
}

/// GEORADIUS: it reads a key, and may write one.
pub fn of_georadius(args: Args<'_>) -> Option<Keys> {
    of_radius(args, 6)
}

/// GEORADIUSBYMEMBER: it reads a key, and may write one.
pub fn of_georadiusbymember(args: Args<'_>) -> Option<Keys> {
    of_radius(args, 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;
    use crate::resp::OwnedArgs;

    fn keys(request: &str) -> Option<Vec<String>> {
        let args: OwnedArgs = request.split(' ').collect();
        let command = table::resolve(args.view()).unwrap();
        let keys = keys_of(command, args.view()).ok()?;
        assert_eq!(keys.iter().count(), keys.len());
        Some(
            keys.iter()
                .map(|key| String::from_utf8(args.view().at(key.index).to_vec()).unwrap())
                .collect(),
        )
    }

    fn flags(request: &str) -> Vec<String> {
        let args: OwnedArgs = request.split(' ').collect();
        let keys = keys_of(table::resolve(args.view()).unwrap(), args.view()).unwrap();
        keys.iter()
            .map(|key| key.flags.names().collect::<Vec<_>>().join(" "))
            .collect()
    }

    fn found<const N: usize>(request: &str, expected: [&str; N]) {
        assert_eq!(
            keys(request).as_deref(),
            Some(expected.map(String::from).as_slice()),
            "{request}"
        );
    }

    #[test]
    fn options_decide_what_is_done_with_keys() {
        for (request, expected) in [
            ("bitfield k get u8 0", "RO access"),
            ("bitfield k overflow sat get u8 0", "RO access"),
            ("bitfield k", "RO access"),
            ("bitfield k get get get set u8 0 1", "RW access update"),
            ("bitfield k get u8", "RW access update"),
        ] {
            assert_eq!(flags(request), [expected], "{request}");
        }
        found("pfmerge k", ["k"]);
        found("pfmerge k a b", ["k", "a", "b"]);
        found("georadius k 1 2 3 km", ["k"]);
        found("georadius k 1 2 3 km store", ["k"]);
        found("georadius k 1 2 3 km store d storedist e", ["k", "e"]);
        found("georadius k 1 2 3 km store store", ["k", "store"]);
        found("georadiusbymember k m 3 km asc STORE d", ["k", "d"]);
        assert_eq!(
            flags("georadiusbymember k m 3 km store d"),
            ["RO access", "OW update"]
        );
    }

    #[test]
    fn ranges_begin_end_and_step() {
        found("get a", ["a"]);
        found("mget a b c", ["a", "b", "c"]);
        found("mset a 1 b 2", ["a", "b"]);
        found("rename a b", ["a", "b"]);
        found("lcs a b IDX", ["a", "b"]);
        found("zrangestore d s 0 1", ["d", "s"]);
        found("object encoding a", ["a"]);
        found("ping a", []);
        found("spublish channel message", []);
    }

    #[test]
    fn counted_keys_must_be_there() {
        found("zunion 2 a b WITHSCORES", ["a", "b"]);
        found("zunionstore d 2 a b", ["d", "a", "b"]);
        found("zmpop 1 a MIN", ["a"]);
        found("msetex 2 a 1 b 2 EX 10", ["a", "b"]);
        for wrong in [
            "3",
            "0",
            "-1",
            "x",
            "",
            "+1",
            "18446744073709551615",
            "99999999999999999999",
        ] {
            assert_eq!(keys(&format!("zunionstore d {wrong} a b")), None, "{wrong}");
            assert_eq!(keys(&format!("msetex {wrong} a 1 b 2")), None, "{wrong}");
        }
    }

    #[test]
    fn what_sort_stores_to_may_stand_anywhere() {
        found("sort l", ["l"]);
        found("sort l STORE d", ["l", "d"]);
        found(
            "sort l store d limit 0 store BY store get # store e",
            ["l", "e"],
        );
        found("sort l get store", ["l"]);
        found("sort l store", ["l"]);
        found("sort_ro l store d", ["l"]);
        assert_eq!(flags("sort l store d"), ["RO access", "OW update"]);
    }

    #[test]
    fn what_set_does_with_its_key_depends_on_its_options() {
        assert_eq!(flags("set a b"), ["OW update"]);
        assert_eq!(flags("set a get"), ["OW update"]);
        assert_eq!(flags("set a b EX 1 get"), ["RW access update"]);
        assert_eq!(flags("copy a b"), ["RO access", "OW update"]);
    }

    #[test]
    fn the_word_before_the_keys_may_be_a_name() {
        found("xread streams a b 0 0", ["a", "b"]);
        found("xread count 1 block 5 Streams a 0", ["a"]);
        found("xreadgroup group g streams noack streams a >", ["a"]);
        found("xreadgroup count 1 group g streams streams a >", ["a"]);
        found(
            "xreadgroup group streams streams streams a b > 0",
            ["a", "b"],
        );
        assert_eq!(keys("xread streams a b 0"), None);
        assert_eq!(keys("xread count 1 block"), None);
        assert_eq!(keys("xread count 1 streams"), None);
    }

    fn by(specs: &[KeySpec], request: &str) -> Option<Vec<usize>> {
        let args: OwnedArgs = request.split(' ').collect();
        Some(
            by_specs(specs, args.view())?
                .iter()
                .map(|key| key.index)
                .collect(),
        )
    }

    #[test]
    fn keywords_are_searched_from_either_end() {
        let streams = KeySpec {
            begin: Begin::Keyword {
                word: "STREAMS",
                start: 1,
            },
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            ..key(1, &[KeyFlags::RO])
        };
        assert_eq!(
            by(&[streams], "xread count 1 Streams a b 0 0"),
            Some(vec![4, 5])
        );
        assert_eq!(by(&[streams], "xread streams"), None);
        assert_eq!(by(&[streams], "xread count 1"), Some(vec![]));
        let from_the_end = KeySpec {
            begin: Begin::Keyword {
                word: "KEYS",
                start: -2,
            },
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 0,
            },
            ..key(1, &[KeyFlags::RW])
        };
        assert_eq!(
            by(&[from_the_end], "migrate host keys x keys a b"),
            Some(vec![5, 6])
        );
        assert_eq!(by(&[from_the_end], "keys"), Some(vec![]));
    }

    #[test]
    fn a_spec_that_does_not_know_everything_is_not_trusted() {
        let incomplete = key(1, &[KeyFlags::RO, KeyFlags::INCOMPLETE]);
        assert_eq!(by(&[incomplete], "sort a"), None);
        let unknown = KeySpec {
            begin: Begin::Unknown,
            find: Find::Unknown,
            ..key(1, &[])
        };
        assert_eq!(by(&[key(1, &[]), unknown], "sort a"), None);
    }

    #[test]
    fn one_key_at_a_fixed_place_has_the_quick_way() {
        for command in table::all() {
            let Some(at) = command.first_key() else {
                continue;
            };
            let shortest: OwnedArgs = (0..command.arity.unsigned_abs())
                .map(|i| i.to_string())
                .collect();
            let keys = keys_of(command, shortest.view()).unwrap();
            assert_eq!(
                keys.iter().map(|key| key.index).collect::<Vec<_>>(),
                [at],
                "{}",
                command.full_name()
            );
        }
        assert_eq!(table::find(b"get").unwrap().first_key(), Some(1));
        for several in [&b"mget"[..], b"rename", b"ping", b"spublish", b"zunion"] {
            assert_eq!(table::find(several).unwrap().first_key(), None);
        }
    }
}
