//! All commands in one place: found by name, numbered, iterated.
//!
//! Built once, from the families' tables, at the first look-up. Names are found in an open-addressed table at most a third
//! full. A slot holds its name's length, first and last eight letters in lower case: for names of up to sixteen letters
//! that is the name itself, so a look-up reads one slot and nothing else. No copy, no allocation.

use std::sync::LazyLock;

use super::spec::Command;
use crate::command::{
    acl, bitmap, connection, generic, geo, hash, hyperloglog, list, observe, pubsub, scripting,
    server, set, sorted_set, stream, string, transaction, unsupported,
};
use crate::resp::Args;

/// The families in the order in which `COMMAND` lists them.
const FAMILIES: [&[Command]; 18] = [
    generic::COMMANDS,
    string::COMMANDS,
    hash::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    stream::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    geo::COMMANDS,
    pubsub::COMMANDS,
    scripting::COMMANDS,
    transaction::COMMANDS,
    connection::COMMANDS,
    server::COMMANDS,
    acl::COMMANDS,
    observe::COMMANDS,
    unsupported::COMMANDS,
];

/// Slots of the name table: a power of two, at least three times the commands. At twice as many, runs of ten taken slots are common.
const SLOTS: usize = 1024;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::build);

struct Registry {
    commands: Vec<&'static Command>,
    all: Vec<&'static Command>,
    slots: Box<[Option<Slot>; SLOTS]>,
}

impl Registry {
    fn build() -> Registry {
        let mut registry = Registry {
            commands: Vec::new(),
            all: Vec::new(),
            slots: Box::new([None; SLOTS]),
        };
        for entry in FAMILIES.iter().copied().flatten() {
            registry.add(entry);
        }
        assert!(
            registry.commands.len() * 3 <= SLOTS,
            "the name table is too full to be quick"
        );
        registry
    }

    /// Registers a command and its subcommands. They live as long as the process: leaking them is what makes them `'static`.
    fn add(&mut self, entry: &Command) {
        let next_id = |offset: usize| {
            u16::try_from(self.all.len() + offset).expect("there are a few hundred commands")
        };
        let mut command = entry.registered(next_id(0), None);
        let subcommands = entry.subcommands.iter().enumerate();
        command.subcommands = Vec::leak(
            subcommands
                .map(|(i, sub)| sub.registered(next_id(i + 1), Some(entry.name)))
                .collect(),
        );
        let command: &'static Command = Box::leak(Box::new(command));
        self.all.push(command);
        self.all.extend(command.subcommands);
        self.commands.push(command);
        let name = Folded::new(command.name.as_bytes());
        let mut at = name.home();
        while let Some(other) = &self.slots[at % SLOTS] {
            assert_ne!(other.command.name, command.name, "two commands of one name");
            at += 1;
        }
        self.slots[at % SLOTS] = Some(Slot { name, command });
    }
}

/// A command in the name table.
#[derive(Clone, Copy)]
struct Slot {
    name: Folded,
    command: &'static Command,
}

/// A name in lower case, as far as two words hold it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Folded {
    len: usize,
    first: u64,
    last: u64,
}

impl Folded {
    /// Up to this length, equal folds mean equal names.
    const WHOLE: usize = 16;

    #[inline]
    fn new(name: &[u8]) -> Folded {
        let (first, last) =
            if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
            } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
                (
                    u32::from_le_bytes(*first).into(),
                    u32::from_le_bytes(*last).into(),
                )
            } else {
                let at = |i: usize| u64::from(name.get(i).copied().unwrap_or_default());
                (at(0) | at(1) << 8 | at(2) << 16, 0)
            };
        Folded {
            len: name.len(),
            first: lower_case(first),
            last: lower_case(last),
        }
    }

    /// Where the search for this name starts.
    #[inline]
    fn home(self) -> usize {
        let mixed = self.first.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ self.last.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ (mixed >> 32))
            .wrapping_add(self.len as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - SLOTS.ilog2())) as usize
    }
}

/// Eight bytes with their ASCII letters in lower case.
#[inline]
fn lower_case(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // The high bit of each sum tells whether the byte is past 'Z', and whether it is 'A' or past it: no sum carries.
    let low = bytes & !HIGH;
    let past_z = low + (0x7f - b'Z' as u64) * EACH;
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let upper = (from_a ^ past_z) & !bytes & HIGH;
    bytes | (upper >> 2)
}

/// The command of that name, whatever its case; a container for a container's name.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Command> {
    let slots = &REGISTRY.slots;
    let folded = Folded::new(name);
    let mut at = folded.home();
    while let Some(slot) = &slots[at % SLOTS] {
        if slot.name == folded
            && (name.len() <= Folded::WHOLE
                || slot.command.name.as_bytes().eq_ignore_ascii_case(name))
        {
            return Some(slot.command);
        }
        at += 1;
    }
    None
}

/// The command of a name such as `get` or `config|get`.
pub fn find_path(path: &[u8]) -> Option<&'static Command> {
    let mut parts = path.split(|&byte| byte == b'|');
    let command = find(parts.next()?)?;
    match (parts.next(), parts.next()) {
        (None, _) => Some(command),
        (Some(name), None) => command.subcommand(name),
        (Some(_), Some(_)) => None,
    }
}

/// The command that a request calls: the subcommand, where it names one.
pub fn resolve(args: Args<'_>) -> Option<&'static Command> {
    let command = find(args.get(0)?)?;
    match args.get(1) {
        Some(name) if !command.subcommands.is_empty() => command.subcommand(name),
        _ => Some(command),
    }
}

/// All commands and containers, without their subcommands.
pub fn commands() -> &'static [&'static Command] {
    &REGISTRY.commands
}

/// All commands and subcommands, each at the index that is its [`Command::id`].
pub fn all() -> &'static [&'static Command] {
    &REGISTRY.all
}

/// The command or subcommand of that number.
pub fn by_id(id: usize) -> Option<&'static Command> {
    all().get(id).copied()
}

/// How many commands and subcommands there are: their ids lie below.
pub fn count() -> usize {
    all().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedArgs;

    #[test]
    fn every_command_is_found_whatever_its_case() {
        for command in commands() {
            assert!(std::ptr::eq(
                find(command.name.as_bytes()).unwrap(),
                *command
            ));
            let upper = command.name.to_ascii_uppercase();
            assert!(std::ptr::eq(find(upper.as_bytes()).unwrap(), *command));
        }
        for missing in [
            "",
            "g",
            "ge",
            "gets",
            "get\0",
            "\0get",
            "zrangebyscorex",
            "restore\rasking",
            "ſet",
        ] {
            assert!(find(missing.as_bytes()).is_none(), "{missing}");
        }
        assert!(find(&[b'x'; 10_000]).is_none());
    }

    #[test]
    fn only_letters_change_when_case_is_folded() {
        for byte in 0..=u8::MAX {
            let folded = lower_case(u64::from_ne_bytes([
                b'A', byte, byte, 0xff, byte, b'Z', 0, byte,
            ]));
            let low = byte.to_ascii_lowercase();
            assert_eq!(
                folded.to_ne_bytes(),
                [b'a', low, low, 0xff, low, b'z', 0, low]
            );
        }
    }

    #[test]
    fn ids_are_dense_and_names_full() {
        for (id, command) in all().iter().enumerate() {
            assert_eq!(command.id(), id);
            assert!(std::ptr::eq(by_id(id).unwrap(), *command));
            assert!(std::ptr::eq(
                find_path(command.full_name().as_bytes()).unwrap(),
                *command
            ));
        }
        assert!(by_id(count()).is_none());
        assert_eq!(find_path(b"Config|GET").unwrap().full_name(), "config|get");
        assert!(find_path(b"config|get|x").is_none() && find_path(b"get|x").is_none());
    }

    #[test]
    fn a_request_calls_the_subcommand() {
        let call = |args: &[&str]| {
            resolve(args.iter().collect::<OwnedArgs>().view()).map(Command::full_name)
        };
        assert_eq!(call(&["CONFIG", "Get", "x"]), Some("config|get"));
        assert_eq!(call(&["CONFIG"]), Some("config"));
        assert_eq!(call(&["CONFIG", "x"]), None);
        assert_eq!(call(&["command"]), Some("command"));
        assert_eq!(call(&["get", "x"]), Some("get"));
        assert_eq!(call(&[]), None);
    }
}
