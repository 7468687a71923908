//! The users that there are, and whose connections are whose.
//!
//! A user is replaced as a whole ([`User`] is a value), under a lock and with a new generation. A connection has the user
//! that it found when it last looked, and is told to look again by the one flag that every command asks for
//! ([`Client::is_restricted`](crate::session::Client::is_restricted)): it is down only for connections whose user may do
//! everything, and whoever changes a user puts it up for all of that user's connections before anybody hears that the
//! change is made. It is put down under the same lock, so that no change is missed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use crate::acl::{Log, Password, RuleError, Rules, User, is_name, merge_selectors, parse_file};
use crate::command::table::Vocabulary;
use crate::config::Settings;
use crate::config::choice::AclPubsubDefault;
use crate::session::{Client, DEFAULT_USER, Registry, Session};

type Table = BTreeMap<Arc<str>, Arc<User>>;

/// All users.
pub struct Users {
    /// By name; the default user is always there.
    table: RwLock<Table>,
    /// Grows with every change of the table, under its lock.
    generation: AtomicU64,
    /// A connection may not do anything before it has logged in.
    needs_password: AtomicBool,
    /// Held by whoever changes users: one change builds on the other.
    changing: Mutex<()>,
    /// What was denied.
    pub log: Log,
    clients: Arc<Registry>,
}

/// What became of a user.
#[derive(Debug)]
pub struct Change {
    /// The user until now.
    pub old: Arc<User>,
    /// The user from now on; none if it is gone.
    pub new: Option<Arc<User>>,
}

impl Users {
    /// The default user alone, who may do everything.
    pub fn new(clients: Arc<Registry>) -> Self {
        let default = User::almighty(DEFAULT_USER);
        Self {
            table: RwLock::new(BTreeMap::from([(
                Arc::clone(default.name()),
                Arc::new(default),
            )])),
            generation: AtomicU64::new(1),
            needs_password: AtomicBool::new(false),
            changing: Mutex::new(()),
            log: Log::default(),
            clients,
        }
    }

    /// Whether connections have to log in before they may do anything: the default user has a password, or is off.
    pub fn needs_password(&self) -> bool {
        self.needs_password.load(Ordering::Relaxed)
    }

    /// The user of this name.
    pub fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        let name = std::str::from_utf8(name).ok()?;
        self.table.read().get(name).cloned()
    }

    /// All users, by name.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.table.read().values().cloned().collect()
    }

    /// The number of users.
    pub fn count(&self) -> usize {
        self.table.read().len()
    }

    /// The session of a connection that has just been accepted: the default user's.
    pub fn welcome(&self, client: Arc<Client>) -> Session {
        let user = Arc::clone(&self.table.read()[DEFAULT_USER]);
        let mut session = Session::new(client, user, false);
        self.forget_login(&mut session);
        session
    }

    /// The session is the default user's again, as a new one's is.
    pub fn forget_login(&self, session: &mut Session) {
        let table = self.table.read();
        let user = &table[DEFAULT_USER];
        self.adopt(session, user, user.is_open());
    }

    /// Gives a session its user. Called under the table's lock.
    fn adopt(&self, session: &mut Session, user: &Arc<User>, authenticated: bool) {
        session.set_user(user, self.generation.load(Ordering::Relaxed), authenticated);
        let is_let_in = authenticated || !self.needs_password();
        let is_free = is_let_in && user.is_unrestricted();
        session.client().set_restricted(!is_free);
    }

    /// Logs a session in. False if the user is not there or disabled, or the password is wrong: then it stays who it was.
    pub fn log_in(&self, session: &mut Session, name: &[u8], password: &[u8]) -> bool {
        loop {
            let Some(user) = self.get(name) else {
                // As long as for a user who is there.
                std::hint::black_box(Password::of(password));
                return false;
            };
            if !user.accepts(password) {
                return false;
            }
            let table = self.table.read();
            // Meanwhile it may have become another one.
            if table
                .get(user.name())
                .is_some_and(|now| Arc::ptr_eq(now, &user))
            {
                self.adopt(session, &user, true);
                return true;
            }
        }
    }

    /// Brings a session's user up to date. False if that user is gone: it may do nothing any more, and its connection is closed.
    #[must_use]
    pub fn refresh(&self, session: &mut Session) -> bool {
        if session.users_generation() == self.generation.load(Ordering::Acquire) {
            return true;
        }
        let table = self.table.read();
        let user = table.get(session.user().name());
        match user.filter(|user| user.is_same(session.user())) {
            Some(user) => {
                let authenticated = session.is_authenticated();
                self.adopt(session, user, authenticated);
                true
            }
            None => {
                session.closing = true;
                false
            }
        }
    }

    /// Replaces users: `change` changes the table and returns which of them it has replaced.
    fn commit(&self, change: impl FnOnce(&mut Table) -> Vec<Change>) -> Vec<Change> {
        let mut table: RwLockWriteGuard<'_, Table> = self.table.write();
        let changes = change(&mut table);
        let is_open = table[DEFAULT_USER].is_open();
        self.needs_password.store(!is_open, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
        self.clients.for_each(|client| {
            let user = client.identity().user;
            if changes.iter().any(|change| *change.old.name() == user) {
                client.set_restricted(true);
            }
        });
        changes
    }

    /// Makes a user or changes one, by rules; all of them or none.
    ///
    /// # Errors
    /// What is wrong with the name or the rules, in Redis's words.
    pub fn set<'r>(
        &self,
        name: &[u8],
        rules: impl Iterator<Item = &'r [u8]>,
        settings: &Settings,
    ) -> Result<Vec<Change>, Vec<u8>> {
        let name = check_name(name)?;
        let rules = merge(rules)?;
        let _one_at_a_time = self.changing.lock();
        let old = self.get(name.as_bytes());
        let reader = self.rules(settings);
        let mut user = match &old {
            Some(old) => User::clone(old),
            None => User::new(name, reader.all_channels),
        };
        for rule in &rules {
            user.apply(rule, &reader)
                .map_err(|why| modifier_error(rule, why))?;
        }
        let new = Arc::new(user);
        Ok(self.commit(|table| {
            table.insert(Arc::clone(new.name()), Arc::clone(&new));
            let change = |old| Change {
                old,
                new: Some(Arc::clone(&new)),
            };
            old.map(change).into_iter().collect()
        }))
    }

    /// Removes users; those that are not there are left out. The default user stays.
    pub fn delete<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> Vec<Change> {
        let _one_at_a_time = self.changing.lock();
        let names = names.filter_map(|name| std::str::from_utf8(name).ok());
        let names: Vec<_> = names.filter(|name| *name != DEFAULT_USER).collect();
        self.commit(|table| {
            let gone = names.iter().filter_map(|name| table.remove(*name));
            gone.map(|old| Change { old, new: None }).collect()
        })
    }

    /// The default user has this password alone, or none (`requirepass`).
    pub fn set_default_password(&self, password: &str) {
        let _one_at_a_time = self.changing.lock();
        self.commit(|table| {
            let old = Arc::clone(&table[DEFAULT_USER]);
            let mut user = User::clone(&old);
            user.set_password(password.as_bytes());
            let new = Arc::new(user);
            table.insert(Arc::clone(new.name()), Arc::clone(&new));
            let new = Some(new);
            vec![Change { old, new }]
        });
    }

    /// Replaces all users by those of the file that `aclfile` names. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Everything that is wrong with the file: then nothing is changed.
    pub fn load(&self, path: &Path, settings: &Settings) -> Result<Vec<Change>, String> {
        let shown = path.display();
        let text = std::fs::read(path)
            .map_err(|why| format!("Error loading ACLs, opening file '{shown}': {why}"))?;
        let _one_at_a_time = self.changing.lock();
        let users = parse_file(&text, &shown.to_string(), &self.rules(settings));
        let mut users = users.map_err(|why| why.to_string())?;
        if !users.iter().any(|user| &**user.name() == DEFAULT_USER) {
            users.push(User::almighty(DEFAULT_USER));
        }
        Ok(self.commit(|table| {
            let mut new = Table::new();
            for mut user in users {
                if let Some(old) = table.get(user.name()) {
                    user.succeed(old);
                }
                new.insert(Arc::clone(user.name()), Arc::new(user));
            }
            let old = std::mem::replace(table, new);
            let change = |old: Arc<User>| Change {
                new: table.get(old.name()).cloned(),
                old,
            };
            old.into_values().map(change).collect()
        }))
    }

    /// The users as lines of a file.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(|user| user.line()).collect()
    }

    /// Takes the users that the configuration defines, by its lines or by a file.
    ///
    /// # Errors
    /// What is wrong with them, in one line.
    pub fn configure(&self, settings: &Settings) -> Result<(), String> {
        let defined = settings.users();
        let file = settings.users_file();
        if file.is_some() && !defined.is_empty() {
            return Err(
                "users are defined in the configuration and by an aclfile: define them in one place, or it is not clear \
                 which of them there are"
                    .into(),
            );
        }
        for words in &defined {
            self.define(words, settings)?;
        }
        match file {
            Some(file) => self.load(&file, settings).map(drop),
            None => Ok(()),
        }
    }

    /// Makes the user that a line of the configuration defines; words are its name and rules.
    fn define(&self, words: &[String], settings: &Settings) -> Result<(), String> {
        let mut user = read_definition(words, &self.rules(settings))?;
        let name = Arc::clone(user.name());
        if let Some(old) = self.get(name.as_bytes()) {
            user.succeed(&old);
        }
        if !user.is_enabled() {
            tracing::info!(
                "The user '{name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a \
                 configuration error."
            );
        }
        self.commit(|table| {
            table.insert(Arc::clone(user.name()), Arc::new(user));
            Vec::new()
        });
        Ok(())
    }

    /// The users as CONFIG REWRITE writes them, each as a name and rules. Not the default user, if all that it has is what
    /// `requirepass` says.
    ///
    /// # Errors
    /// A user whose rules are not text.
    pub fn for_configuration(&self, settings: &Settings) -> Result<Vec<Vec<String>>, String> {
        let mut plain = User::almighty(DEFAULT_USER);
        plain.set_password(settings.requirepass().as_bytes());
        let plain = plain.line();
        let lines = self.lines().into_iter().filter(|line| *line != plain);
        let words = |line: Vec<u8>| {
            let text = String::from_utf8(line).map_err(|_| "a user's rules are not UTF-8 text")?;
            Ok(text.split(' ').skip(1).map(str::to_owned).collect())
        };
        lines.map(words).collect()
    }

    fn rules(&self, settings: &Settings) -> Rules<'static> {
        Rules {
            vocabulary: &Vocabulary,
            all_channels: settings.acl_pubsub_default() == AclPubsubDefault::Allchannels,
        }
    }
}

/// The user that a line of the configuration defines; words are its name and rules.
fn read_definition(words: &[String], reader: &Rules<'_>) -> Result<User, String> {
    let (name, rules) = words.split_first().ok_or("a user has a name")?;
    let lossy = |why: Vec<u8>| String::from_utf8_lossy(&why).into_owned();
    check_name(name.as_bytes()).map_err(lossy)?;
    let rules = merge(rules.iter().map(String::as_bytes)).map_err(lossy)?;
    let mut user = User::new(name, reader.all_channels);
    for rule in &rules {
        user.apply(rule, reader).map_err(|why| {
            let rule = match rule.first() {
                Some(b'>' | b'<' | b'#' | b'!') => "(hidden)".into(),
                _ => String::from_utf8_lossy(rule),
            };
            format!(
                "Error loading ACL rule '{rule}' for the user named '{name}': {}",
                why.text()
            )
        })?;
    }
    Ok(user)
}

/// Whether a line of the configuration defines a user; words are its name and rules.
///
/// # Errors
/// What is wrong with it.
pub fn check_definition(words: &[String]) -> Result<(), String> {
    let rules = Rules {
        vocabulary: &Vocabulary,
        all_channels: false,
    };
    read_definition(words, &rules).map(drop)
}

/// A name that a user can have.
fn check_name(name: &[u8]) -> Result<&str, Vec<u8>> {
    if !is_name(name) {
        return Err(b"Usernames can't contain spaces or null characters".to_vec());
    }
    std::str::from_utf8(name).map_err(|_| b"Usernames must be UTF-8 text".to_vec())
}

fn merge<'r>(rules: impl Iterator<Item = &'r [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    merge_selectors(rules).map_err(|opening| {
        let before = b"Unmatched parenthesis in acl selector starting at '";
        [before, &opening[..], b"'."].concat()
    })
}

fn modifier_error(rule: &[u8], why: RuleError) -> Vec<u8> {
    [
        b"Error in ACL SETUSER modifier '",
        rule,
        b"': ",
        why.text().as_bytes(),
    ]
    .concat()
}
