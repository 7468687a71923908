//! What a thread knows of the scripts that its server has.
//!
//! The threads share a cache of scripts, and whoever looks into it writes to it: a lock, a count of users, when a script was used
//! last. Scripts are run by the million, so every thread keeps what it has found there for as long as nothing has been
//! removed, with a count of users of its own. It reads one number that others seldom change, and writes nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use ahash::RandomState;
use bytes::Bytes;

use super::store::{BuildDigestHasher, Script, Sha};

/// Scripts that a thread remembers.
const MOST: usize = 2000;

/// A thread's hold on a script.
#[derive(Debug, Clone)]
pub struct LocalScript(Rc<Held>);

#[derive(Debug)]
struct Held {
    script: Arc<Script>,
}

impl LocalScript {
    /// The script itself, to share with other threads.
    pub fn shared(&self) -> &Arc<Script> {
        &self.0.script
    }
}

impl From<Arc<Script>> for LocalScript {
    fn from(script: Arc<Script>) -> Self {
        Self(Rc::new(Held { script }))
    }
}

impl Deref for LocalScript {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0.script
    }
}

struct Known {
    /// The version of the cache that this is true of.
    version: u64,
    by_digest: HashMap<Sha, LocalScript, BuildDigestHasher>,
    by_source: HashMap<Bytes, LocalScript, RandomState>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known {
        version: 0,
        by_digest: HashMap::default(),
        by_source: HashMap::with_hasher(RandomState::new()),
    });
}

impl Known {
    /// Forgets what was true of another version.
    #[inline]
    fn catch_up(&mut self, version: u64) {
        if self.version != version {
            self.by_digest.clear();
            self.by_source.clear();
            self.version = version;
        }
    }

    fn add(&mut self, script: &LocalScript) {
        if self.by_digest.len() >= MOST {
            self.by_digest.clear();
            self.by_source.clear();
        }
        self.by_digest.insert(script.sha, script.clone());
        self.by_source.insert(script.body.clone(), script.clone());
    }
}

/// The script of this digest as the thread knows it, or else as `find` finds it. `version` is that of the cache, read before.
#[inline]
pub(super) fn by_digest(
    version: u64,
    sha: &Sha,
    find: impl FnOnce() -> Option<Arc<Script>>,
) -> Option<LocalScript> {
    known_or_found(version, |known| known.by_digest.get(sha), find)
}

/// The script of this source, likewise.
#[inline]
pub(super) fn by_source(
    version: u64,
    source: &[u8],
    find: impl FnOnce() -> Option<Arc<Script>>,
) -> Option<LocalScript> {
    known_or_found(version, |known| known.by_source.get(source), find)
}

#[inline]
fn known_or_found(
    version: u64,
    look: impl FnOnce(&Known) -> Option<&LocalScript>,
    find: impl FnOnce() -> Option<Arc<Script>>,
) -> Option<LocalScript> {
    KNOWN.with_borrow_mut(|known| {
        known.catch_up(version);
        if let Some(script) = look(known) {
            return Some(script.clone());
        }
        let script = LocalScript::from(find()?);
        known.add(&script);
        Some(script)
    })
}
