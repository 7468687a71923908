//! A selector: a set of commands with the keys and channels that they may be used on. A request is allowed if any of a
//! user's selectors allows all of it.

use std::collections::BTreeMap;

use super::request::{ChannelUse, Denied, KeyUse, Permission, Request};
use super::rule::{RuleError, Rules, is_name};
use super::{MAX_COMMANDS, Named};
use crate::value::glob;

const WORDS: usize = MAX_COMMANDS / 64;

/// What of the server may be used together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The commands, by their numbers.
    commands: [u64; WORDS],
    /// All commands were allowed, and nothing has been taken from that.
    all_commands: bool,
    /// All commands were allowed before the rules in `rules`: how a description begins.
    begins_with_all: bool,
    /// Rules about commands as they are shown, the sign included; those that have lost their meaning are gone.
    rules: Vec<String>,
    /// Commands that are allowed with one of these first arguments only.
    first_args: BTreeMap<usize, Vec<Box<[u8]>>>,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Box<[u8]>>,
}

/// Keys of which names match, and what may be done with them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyPattern {
    pattern: Box<[u8]>,
    permission: Permission,
}

impl Selector {
    /// One that allows nothing, or nothing but channels.
    pub fn new(all_channels: bool) -> Self {
        Self {
            commands: [0; WORDS],
            all_commands: false,
            begins_with_all: false,
            rules: Vec::new(),
            first_args: BTreeMap::new(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
        }
    }

    /// One that allows everything.
    pub fn everything() -> Self {
        let mut selector = Self::new(true);
        selector.allow_all_commands(true);
        selector.all_keys = true;
        selector
    }

    /// Whether it allows everything, without a look at the request.
    pub fn is_everything(&self) -> bool {
        self.all_commands && self.all_keys && self.all_channels
    }

    /// The selector that these rules make, which stand between parentheses.
    pub(super) fn parse(text: &[u8], rules: &Rules<'_>) -> Result<Self, RuleError> {
        let mut selector = Self::new(rules.all_channels);
        for rule in text.split(|byte| byte.is_ascii_whitespace()) {
            if !rule.is_empty() {
                selector.apply(rule, rules)?;
            }
        }
        Ok(selector)
    }

    /// Applies a rule that is about commands, keys or channels.
    pub(super) fn apply(&mut self, rule: &[u8], rules: &Rules<'_>) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        match rule {
            _ if is("allkeys") || is("~*") => {
                self.all_keys = true;
                self.keys.clear();
            }
            _ if is("resetkeys") => {
                self.all_keys = false;
                self.keys.clear();
            }
            _ if is("allchannels") || is("&*") => self.reset_channels(true),
            _ if is("resetchannels") => self.reset_channels(false),
            _ if is("allcommands") || is("+@all") => self.allow_all_commands(true),
            _ if is("nocommands") || is("-@all") => self.allow_all_commands(false),
            [b'~', pattern @ ..] => self.add_keys(pattern, Permission::ALL)?,
            [b'%', rest @ ..] => {
                let (permission, pattern) = permission(rest)?;
                self.add_keys(pattern, permission)?;
            }
            [b'&', pattern @ ..] => self.add_channels(pattern)?,
            [sign @ (b'+' | b'-'), b'@', name @ ..] => {
                self.allow_category(name, *sign == b'+', rules)?;
            }
            [b'+', name @ ..] if name.contains(&b'|') => self.allow_part(name, rules)?,
            [sign @ (b'+' | b'-'), name @ ..] => {
                let command = rules.vocabulary.command(name).ok_or(RuleError::Unknown)?;
                self.allow(&command, *sign == b'+');
                self.note_rule(command.name, *sign == b'+');
            }
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    pub(super) fn reset_channels(&mut self, all: bool) {
        self.all_channels = all;
        self.channels.clear();
    }

    fn allow_all_commands(&mut self, all: bool) {
        self.commands = [if all { u64::MAX } else { 0 }; WORDS];
        (self.all_commands, self.begins_with_all) = (all, all);
        self.rules.clear();
        self.first_args.clear();
    }

    fn add_keys(&mut self, pattern: &[u8], permission: Permission) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::PatternAfterAllKeys);
        }
        if !is_name(pattern) {
            return Err(RuleError::Syntax);
        }
        match self.keys.iter_mut().find(|old| *old.pattern == *pattern) {
            Some(old) => old.permission = old.permission.or(permission),
            None => self.keys.push(KeyPattern {
                pattern: pattern.into(),
                permission,
            }),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::PatternAfterAllChannels);
        }
        if !is_name(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|old| **old == *pattern) {
            self.channels.push(pattern.into());
        }
        Ok(())
    }

    fn allow_category(
        &mut self,
        name: &[u8],
        allow: bool,
        rules: &Rules<'_>,
    ) -> Result<(), RuleError> {
        let commands = rules.vocabulary.category(name).ok_or(RuleError::Unknown)?;
        for ids in commands {
            self.set(ids, allow);
        }
        self.note_rule(&format!("@{}", String::from_utf8_lossy(name)), allow);
        Ok(())
    }

    /// Allows a subcommand, or a command with a certain first argument: `config|get`, `select|0`.
    fn allow_part(&mut self, path: &[u8], rules: &Rules<'_>) -> Result<(), RuleError> {
        let bar = memchr::memrchr(b'|', path).ok_or(RuleError::Syntax)?;
        let (name, part) = (&path[..bar], &path[bar + 1..]);
        let command = rules.vocabulary.command(name).ok_or(RuleError::Unknown)?;
        if command.is_subcommand() {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        // What is written into lines must not end one.
        if part.is_empty() || !is_name(part) {
            return Err(RuleError::Syntax);
        }
        let part = std::str::from_utf8(part).map_err(|_| RuleError::Syntax)?;
        if command.is_container() {
            let subcommand = rules.vocabulary.command(path).ok_or(RuleError::Unknown)?;
            self.allow(&subcommand, true);
        } else {
            let allowed = self.first_args.entry(command.ids.start).or_default();
            let part = part.as_bytes();
            if !allowed.iter().any(|old| old.eq_ignore_ascii_case(part)) {
                allowed.push(part.into());
            }
        }
        self.note_rule(&format!("{}|{part}", command.name), true);
        Ok(())
    }

    /// Allows or denies a command, its subcommands included.
    fn allow(&mut self, command: &Named, allow: bool) {
        self.set(command.ids.clone(), allow);
    }

    fn set(&mut self, ids: std::ops::Range<usize>, allow: bool) {
        self.first_args.remove(&ids.start);
        for id in ids {
            let (word, bit) = (id / 64, 1 << (id % 64));
            if allow {
                self.commands[word] |= bit;
            } else {
                self.commands[word] &= !bit;
                self.all_commands = false;
            }
        }
    }

    /// Remembers a rule as it is shown. Older ones about the same, or about a part of it, have lost their meaning.
    fn note_rule(&mut self, rule: &str, allow: bool) {
        let rule = rule.to_ascii_lowercase();
        self.rules.retain(|old| {
            let rest = old[1..].strip_prefix(&rule);
            !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        });
        let sign = if allow { '+' } else { '-' };
        self.rules.push(format!("{sign}{rule}"));
    }

    /// Whether it allows all of a request.
    pub(super) fn check<K, C>(&self, request: &Request<'_, K, C>) -> Result<(), Denied>
    where
        K: Iterator<Item = KeyUse> + Clone,
        C: Iterator<Item = ChannelUse> + Clone,
    {
        if !self.all_commands && !request.is_open && !self.allows_command(request) {
            return Err(Denied::Command);
        }
        if !self.all_keys {
            for key in request.keys.clone() {
                if !self.allows_key(request.args.at(key.index), key.needs) {
                    return Err(Denied::Key(key.index));
                }
            }
        }
        for channel in request.channels.clone() {
            if !self.allows_channel(request.args.at(channel.index), channel.is_pattern) {
                return Err(Denied::Channel(channel.index));
            }
        }
        Ok(())
    }

    fn allows_command<K, C>(&self, request: &Request<'_, K, C>) -> bool {
        let id = request.command;
        let word = self.commands.get(id / 64).copied().unwrap_or_default();
        if word & (1 << (id % 64)) != 0 {
            return true;
        }
        let allowed = self.first_args.get(&id);
        allowed.is_some_and(|allowed| {
            let first = request.args.get(1);
            first.is_some_and(|first| allowed.iter().any(|arg| arg.eq_ignore_ascii_case(first)))
        })
    }

    fn allows_key(&self, key: &[u8], needed: Permission) -> bool {
        self.keys
            .iter()
            .any(|keys| keys.permission.covers(needed) && glob::matches(&keys.pattern, key))
    }

    /// Whether any key may be used so.
    pub(super) fn allows_any_key(&self, needed: Permission) -> bool {
        let any =
            |keys: &KeyPattern| keys.permission.covers(needed) && matches!(&*keys.pattern, b"*");
        self.all_keys || self.keys.iter().any(any)
    }

    /// Whether a channel may be used. A pattern only if it is allowed to the letter.
    pub(super) fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        let allows = |pattern: &[u8]| match is_pattern {
            true => pattern == name,
            false => glob::matches(pattern, name),
        };
        self.all_channels || self.channels.iter().any(|pattern| allows(pattern))
    }

    /// The patterns of channels; none if all are allowed.
    pub(super) fn channels(&self) -> Option<&[Box<[u8]>]> {
        (!self.all_channels).then_some(&self.channels)
    }

    /// The rules about commands, from a beginning that allows all or nothing.
    pub fn describe_commands(&self) -> String {
        let start = if self.begins_with_all {
            "+@all"
        } else {
            "-@all"
        };
        let rules = self.rules.iter().flat_map(|rule| [" ", rule]);
        std::iter::once(start).chain(rules).collect()
    }

    /// The patterns of keys.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let one = |keys: &KeyPattern| {
            let prefix: &[u8] = match keys.permission {
                Permission::READ => b"%R~",
                Permission::WRITE => b"%W~",
                _ => b"~",
            };
            [prefix, &keys.pattern].concat()
        };
        self.keys.iter().map(one).collect::<Vec<_>>().join(&b' ')
    }

    /// The patterns of channels.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let each = self.channels.iter();
        let each: Vec<_> = each.map(|pattern| [b"&", &**pattern].concat()).collect();
        each.join(&b' ')
    }

    /// All of it, as rules that make the same.
    pub(super) fn describe(&self) -> Vec<u8> {
        let channels = match self.all_channels {
            true => Vec::new(),
            false => b"resetchannels".to_vec(),
        };
        let parts = [
            self.describe_keys(),
            channels,
            self.describe_channels(),
            self.describe_commands().into_bytes(),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(&b' ')
    }
}

/// Reads `R~pattern`, `W~pattern`, `RW~pattern`.
fn permission(rest: &[u8]) -> Result<(Permission, &[u8]), RuleError> {
    let tilde = memchr::memchr(b'~', rest).ok_or(RuleError::Syntax)?;
    let permission = match rest[..tilde].to_ascii_uppercase().as_slice() {
        b"R" => Permission::READ,
        b"W" => Permission::WRITE,
        b"RW" | b"WR" => Permission::ALL,
        _ => return Err(RuleError::Syntax),
    };
    Ok((permission, &rest[tilde + 1..]))
}
