//! What a server has of scripts: the cache that `EVALSHA` looks into, and the libraries of functions.
//!
//! Scripts that came with `EVAL` are kept as long as there are not too many of them, the least recently used going first;
//! what `SCRIPT LOAD` has brought stays until `SCRIPT FLUSH`, as in Redis 7.4.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use sha1::{Digest as _, Sha1};

use super::local::{self, LocalScript};
use super::running::Running;
use crate::resp::ReplyError;
use crate::stats::ticks;

/// Scripts that came with `EVAL` and are kept.
const MOST_EVALUATED: usize = 500;

/// A script's digest, as 40 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sha([u8; 40]);

impl std::hash::Hash for Sha {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        hasher.write(&self.0[..24]);
    }
}

impl Sha {
    /// The digest of a script.
    pub fn of(body: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (two, byte) in text.chunks_exact_mut(2).zip(Sha1::digest(body)) {
            two.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]);
        }
        Self(text)
    }

    /// A digest that a client sends, whatever its case.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut text: [u8; 40] = text.try_into().ok()?;
        text.make_ascii_lowercase();
        Some(Self(text))
    }

    /// Its digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes digests, which are as good as random already.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigestHasher(u64);

/// Makes [`DigestHasher`]s.
pub type BuildDigestHasher = std::hash::BuildHasherDefault<DigestHasher>;

impl std::hash::Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        // Digits of a digest: their low halves are its bits.
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        self.0 ^= self.0 >> 29;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a script says of itself in its first line, or a function when it is registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// It says anything at all: if not, the old rules hold.
    pub declared: bool,
    /// It changes nothing.
    pub no_writes: bool,
    /// It may run when memory is short.
    pub allow_oom: bool,
    /// It may run on a replica that has lost its primary.
    pub allow_stale: bool,
    /// It must not run in a cluster.
    pub no_cluster: bool,
    /// Its keys may be in several slots.
    pub allow_cross_slot_keys: bool,
}

impl Flags {
    /// The flags and their names.
    pub const NAMES: [&'static str; 5] = [
        "no-writes",
        "allow-oom",
        "allow-stale",
        "no-cluster",
        "allow-cross-slot-keys",
    ];

    /// Sets the flag of that name. False if there is none.
    pub fn set(&mut self, name: &[u8]) -> bool {
        match name {
            b"no-writes" => self.no_writes = true,
            b"allow-oom" => self.allow_oom = true,
            b"allow-stale" => self.allow_stale = true,
            b"no-cluster" => self.no_cluster = true,
            b"allow-cross-slot-keys" => self.allow_cross_slot_keys = true,
            _ => return false,
        }
        true
    }

    /// The names of those that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = [
            self.no_writes,
            self.allow_oom,
            self.allow_stale,
            self.no_cluster,
            self.allow_cross_slot_keys,
        ];
        Self::NAMES
            .into_iter()
            .zip(set)
            .filter(|(_, set)| *set)
            .map(|(name, _)| name)
    }
}

/// A script.
#[derive(Debug)]
pub struct Script {
    /// Its digest.
    pub sha: Sha,
    /// Its source.
    pub body: Bytes,
    /// What it says of itself.
    pub flags: Flags,
    /// It provably touches no keys but those that it is given.
    pub stays_within_keys: bool,
    used: AtomicU64,
}

impl Script {
    /// A script from its source.
    ///
    /// # Errors
    /// If its first line begins with `#!` and is not understood.
    pub fn new(
        body: Bytes,
        stays_within_keys: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Self, ReplyError> {
        Ok(Self {
            sha: Sha::of(&body),
            flags: first_line(&body)?,
            stays_within_keys: stays_within_keys(&body),
            body,
            used: AtomicU64::new(0),
        })
    }

    /// Notes that it is used now. Not every time: that would have the threads take a cache line from each other.
    #[inline]
    fn touch(&self) {
        const GRAIN_TICKS: u64 = 1 << 22;
        let now = ticks::now();
        if now.wrapping_sub(self.used.load(Ordering::Relaxed)) > GRAIN_TICKS {
            self.used.store(now, Ordering::Relaxed);
        }
    }
}

/// What the first line says, if it begins with `#!`.
fn first_line(body: &[u8]) -> Result<Flags, ReplyError> {
    let mut flags = Flags::default();
    if !body.starts_with(b"#!") {
        return Ok(flags);
    }
    flags.declared = true;
    let Some(end) = memchr::memchr(b'\n', body) else {
        return Err(ReplyError::fixed("ERR Invalid script shebang"));
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = &body[2..end];
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(ReplyError::err(format!(
            "Unexpected engine in script shebang: {}",
            text(engine)
        )));
    }
    for word in words {
        let Some(names) = word.strip_prefix(b"flags=") else {
            return Err(ReplyError::err(format!(
                "Unknown lua shebang option: {}",
                text(word)
            )));
        };
        for name in names
            .split(|byte| *byte == b',')
            .filter(|name| !name.is_empty())
        {
            if !flags.set(name) {
                return Err(ReplyError::err(format!(
                    "Unexpected flag in script shebang: {}",
                    text(name)
                )));
            }
        }
    }
    Ok(flags)
}

struct Cached {
    script: Arc<Script>,
    /// It came with `SCRIPT LOAD`.
    loaded: bool,
}

/// All scripts and functions of a server.
pub struct Scripts {
    /// Changes whenever a script is removed.
    version: AtomicU64,
    cache: DashMap<Sha, Cached, BuildDigestHasher>,
    evaluated: AtomicUsize,
    evicted: AtomicU64,
    flushes: AtomicU64,
    /// The libraries of functions.
    pub libraries: super::library::Libraries,
    /// Those that take long.
    pub running: Running,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            version: AtomicU64::new(next_version()),
            cache: DashMap::default(),
            evaluated: AtomicUsize::default(),
            evicted: AtomicU64::default(),
            flushes: AtomicU64::default(),
            libraries: super::library::Libraries::default(),
            running: Running::default(),
        }
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts")
            .field("cached", &self.cache.len())
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// The script of the request that this thread is at: found for its locks, then run.
    static FOUND: RefCell<Option<LocalScript>> = const { RefCell::new(None) };
}

/// Keeps a script for [`take_found`].
pub fn keep_found(script: LocalScript) {
    FOUND.with_borrow_mut(|found| *found = Some(script));
}

/// The script that was kept last, if it is the one.
pub fn take_found(is_it: impl FnOnce(&Script) -> bool) -> Option<LocalScript> {
    FOUND.take().filter(|script| is_it(script))
}

/// Versions of caches: no two servers of a process ever have the same.
fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Scripts {
    /// The script of this digest.
    pub fn get(&self, sha: &Sha) -> Option<LocalScript> {
        let script = local::by_digest(self.version(), sha, || self.find(sha))?;
        script.touch();
        Some(script)
    }

    /// The script of this source.
    pub fn get_by_source(&self, source: &[u8]) -> Option<LocalScript> {
        let script = local::by_source(self.version(), source, || self.find(&Sha::of(source)))?;
        script.touch();
        Some(script)
    }

    fn find(&self, sha: &Sha) -> Option<Arc<Script>> {
        self.cache.get(sha).map(|cached| Arc::clone(&cached.script))
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Has all threads look anew: what they know may have been removed.
    fn removed(&self) {
        self.version.store(next_version(), Ordering::Release);
    }

    /// Whether there is a script of this digest.
    pub fn has(&self, sha: &Sha) -> bool {
        self.cache.contains_key(sha)
    }

    /// Adds a script that compiles. `loaded`: it stays until [`Scripts::flush`].
    pub fn add(&self, script: &LocalScript, loaded: bool) {
        script.touch();
        let mut is_new = false;
        {
            let mut cached = self.cache.entry(script.sha).or_insert_with(|| {
                is_new = true;
                Cached {
                    script: Arc::clone(script.shared()),
                    loaded,
                }
            });
            if loaded && !cached.loaded {
                cached.loaded = true;
                self.one_less();
            }
        }
        if is_new && !loaded {
            self.evaluated.fetch_add(1, Ordering::Relaxed);
            while self.evaluated.load(Ordering::Relaxed) > MOST_EVALUATED && self.evict() {}
        }
    }

    /// Makes room. False if there is nothing that may go, or somebody else has just done it.
    fn evict(&self) -> bool {
        let evaluated = self.cache.iter().filter(|cached| !cached.loaded);
        let oldest = evaluated.min_by_key(|cached| cached.script.used.load(Ordering::Relaxed));
        let oldest = oldest.map(|cached| *cached.key());
        let removed = oldest.and_then(|sha| self.cache.remove_if(&sha, |_, cached| !cached.loaded));
        if removed.is_some() {
            self.removed();
            self.one_less();
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
        removed.is_some()
    }

    fn one_less(&self) {
        // A flush in between has begun to count anew.
        let _ = self
            .evaluated
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    }

    /// Forgets all scripts.
    pub fn flush(&self) {
        self.cache.clear();
        self.removed();
        self.evaluated.store(0, Ordering::Relaxed);
        self.flushes.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of scripts.
    pub fn count(&self) -> usize {
        self.cache.len()
    }

    /// How many scripts had to make room for others.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// The bytes that the scripts take.
    pub fn memory(&self) -> usize {
        let each =
            |script: &Script| script.body.len() + size_of::<Script>() + size_of::<(Sha, Cached)>();
        self.cache.iter().map(|cached| each(&cached.script)).sum()
    }
}
