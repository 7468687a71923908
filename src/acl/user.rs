//! A user: how it shows that it is who it says, and what it may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::password::Password;
use super::request::{ChannelUse, Denied, KeyUse, Permission, Request};
use super::rule::{RuleError, Rules};
use super::selector::Selector;

/// Somebody who may use the server.
#[derive(Debug, Clone)]
pub struct User {
    name: Arc<str>,
    /// Which user of this name: one who is made anew is another one.
    id: u64,
    is_enabled: bool,
    /// Any password will do.
    nopass: bool,
    /// Kept and shown; payloads of RESTORE are always checked.
    skip_sanitize_payload: bool,
    passwords: Vec<Password>,
    root: Selector,
    /// Further selectors, each of which may allow a request by itself.
    selectors: Vec<Selector>,
}

impl User {
    /// A user who cannot log in yet and may do nothing.
    pub fn new(name: &str, all_channels: bool) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Self {
            name: Arc::from(name),
            id: IDS.fetch_add(1, Ordering::Relaxed),
            is_enabled: false,
            nopass: false,
            skip_sanitize_payload: false,
            passwords: Vec::new(),
            root: Selector::new(all_channels),
            selectors: Vec::new(),
        }
    }

    /// A user who may do everything and needs no password: what the default user is at first.
    pub fn almighty(name: &str) -> Self {
        Self {
            is_enabled: true,
            nopass: true,
            root: Selector::everything(),
            ..Self::new(name, true)
        }
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether the other one is the same user, maybe with other rules.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Becomes the successor of a user of the same name: connections of that one go on with this one's rules.
    pub fn succeed(&mut self, other: &Self) {
        self.id = other.id;
    }

    /// Whether one can log in as this user.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Whether connections are this user's without any password.
    pub fn is_open(&self) -> bool {
        self.is_enabled && self.nopass
    }

    /// Whether any password will do.
    pub fn needs_no_password(&self) -> bool {
        self.nopass
    }

    /// Whether everything is allowed, without a look at the request.
    pub fn is_unrestricted(&self) -> bool {
        self.root.is_everything() || self.selectors.iter().any(Selector::is_everything)
    }

    /// Applies a rule. One that is refused may have changed the user: try it on a copy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn apply(&mut self, rule: &[u8], rules: &Rules<'_>) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        match rule {
            [] => {}
            _ if is("on") => self.is_enabled = true,
            _ if is("off") => self.is_enabled = false,
            _ if is("skip-sanitize-payload") => self.skip_sanitize_payload = true,
            _ if is("sanitize-payload") => self.skip_sanitize_payload = false,
            _ if is("nopass") => {
                self.nopass = true;
                self.passwords.clear();
            }
            _ if is("resetpass") => {
                self.nopass = false;
                self.passwords.clear();
            }
            _ if is("clearselectors") => self.selectors.clear(),
            _ if is("reset") => {
                *self = Self {
                    name: Arc::clone(&self.name),
                    id: self.id,
                    ..Self::new("", rules.all_channels)
                };
            }
            [b'>', password @ ..] => self.add_password(Password::of(password)),
            [b'#', hash @ ..] => {
                self.add_password(Password::from_hex(hash).ok_or(RuleError::BadHash)?);
            }
            [b'<', password @ ..] => self.remove_password(Password::of(password))?,
            [b'!', hash @ ..] => {
                self.remove_password(Password::from_hex(hash).ok_or(RuleError::BadHash)?)?;
            }
            [b'(', inner @ .., b')'] => self.selectors.push(Selector::parse(inner, rules)?),
            _ => self.root.apply(rule, rules)?,
        }
        Ok(())
    }

    fn add_password(&mut self, password: Password) {
        if !self.passwords.contains(&password) {
            self.passwords.push(password);
        }
        self.nopass = false;
    }

    fn remove_password(&mut self, password: Password) -> Result<(), RuleError> {
        let place = self.passwords.iter().position(|old| *old == password);
        self.passwords
            .remove(place.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// Has this password alone; with none, any will do (`requirepass`).
    pub fn set_password(&mut self, password: &[u8]) {
        self.passwords.clear();
        self.nopass = password.is_empty();
        if !self.nopass {
            self.passwords.push(Password::of(password));
        }
    }

    /// Whether one can log in with this password.
    pub fn accepts(&self, password: &[u8]) -> bool {
        if !self.is_enabled || self.nopass {
            return self.is_enabled;
        }
        let password = Password::of(password);
        // All of them are looked at, whichever it is.
        let matching = self.passwords.iter().filter(|own| own.matches(&password));
        matching.count() > 0
    }

    /// Whether a request is allowed.
    ///
    /// # Errors
    /// Why it is not: where no selector allows the command, that; else the last key or channel that stood against it.
    pub fn check<K, C>(&self, request: &Request<'_, K, C>) -> Result<(), Denied>
    where
        K: Iterator<Item = KeyUse> + Clone,
        C: Iterator<Item = ChannelUse> + Clone,
    {
        let mut denied = Denied::Command;
        for selector in self.all_selectors() {
            match selector.check(request) {
                Ok(()) => return Ok(()),
                Err(reason) => denied = denied.max(reason),
            }
        }
        Err(denied)
    }

    /// Whether a request is allowed, and would be on whatever keys, used so.
    pub fn allows_on_any_key<K, C>(&self, request: &Request<'_, K, C>, needed: Permission) -> bool
    where
        K: Iterator<Item = KeyUse> + Clone,
        C: Iterator<Item = ChannelUse> + Clone,
    {
        self.all_selectors()
            .any(|selector| selector.allows_any_key(needed) && selector.check(request).is_ok())
    }

    /// Whether a channel, or a pattern of channels, may be listened to.
    pub fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        self.all_selectors()
            .any(|selector| selector.allows_channel(name, is_pattern))
    }

    /// Whether it may listen to all that `other` may listen to, as far as the rules are the same to the letter.
    pub fn keeps_channels_of(&self, other: &Self) -> bool {
        let all = |user: &Self| user.all_selectors().any(|own| own.channels().is_none());
        if all(self) || all(other) {
            return all(self);
        }
        let channels = other.all_selectors().filter_map(Selector::channels);
        channels.flatten().all(|pattern| {
            self.all_selectors().any(|own| {
                let own = own.channels().into_iter().flatten();
                own.into_iter().any(|other| other == pattern)
            })
        })
    }

    /// The selector of the rules without parentheses.
    pub fn root(&self) -> &Selector {
        &self.root
    }

    /// The other selectors.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// The words for what holds for the user as a whole.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> + Clone {
        let enabled = if self.is_enabled { "on" } else { "off" };
        let sanitize = match self.skip_sanitize_payload {
            true => "skip-sanitize-payload",
            false => "sanitize-payload",
        };
        let flags = [
            Some(enabled),
            self.nopass.then_some("nopass"),
            Some(sanitize),
        ];
        flags.into_iter().flatten()
    }

    /// The passwords, as hashes.
    pub fn passwords(&self) -> impl ExactSizeIterator<Item = String> {
        self.passwords.iter().map(|password| password.to_hex())
    }

    /// All of it as rules that make the same user.
    pub fn describe(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for flag in self.flags() {
            text.extend_from_slice(flag.as_bytes());
            text.push(b' ');
        }
        for hash in self.passwords() {
            text.extend_from_slice(format!("#{hash} ").as_bytes());
        }
        text.extend(self.root.describe());
        for selector in &self.selectors {
            text.extend_from_slice(b" (");
            text.extend(selector.describe());
            text.push(b')');
        }
        text
    }

    /// The line that makes the same user: `user name rules`.
    pub fn line(&self) -> Vec<u8> {
        [b"user ", self.name.as_bytes(), b" ", &self.describe()].concat()
    }
}
