//! Libraries of functions: what `FUNCTION LOAD` brings and `FCALL` finds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::store::Flags;
use crate::resp::ReplyError;

/// A library: its code, and what that registers.
#[derive(Debug)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its source, the first line included.
    pub code: Bytes,
    /// All its functions provably touch no keys but those that they are given.
    pub stays_within_keys: bool,
    /// Its functions.
    pub functions: Vec<Function>,
}

/// A function of a library.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: Vec<u8>,
    /// What it does.
    pub description: Option<Vec<u8>>,
    /// What it says of itself.
    pub flags: Flags,
}

/// Whether this can be the name of a library or a function.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The name of the library whose code this is, from its first line.
///
/// # Errors
/// If there is none, or the line is not understood.
pub fn name_of(code: &[u8]) -> Result<String, ReplyError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some(rest) = code.strip_prefix(b"#!") else {
        return Err(ReplyError::fixed("ERR Missing library metadata"));
    };
    let Some(end) = memchr::memchr(b'\n', rest) else {
        return Err(ReplyError::fixed("ERR Invalid library metadata"));
    };
    let mut words = rest[..end].split(u8::is_ascii_whitespace);
    // The first word is the engine's name even if it is empty.
    let engine = words.next().unwrap_or_default();
    let mut name = None;
    for word in words.filter(|word| !word.is_empty()) {
        let Some(value) = word.strip_prefix(b"name=") else {
            return Err(ReplyError::err(format!(
                "Invalid metadata value given: {}",
                text(word)
            )));
        };
        let quoted = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""));
        if name.replace(quoted.unwrap_or(value)).is_some() {
            return Err(ReplyError::fixed(
                "ERR Invalid metadata value, name argument was given multiple times",
            ));
        }
    }
    let Some(name) = name else {
        return Err(ReplyError::fixed("ERR Library name was not given"));
    };
    if !is_name(name) {
        return Err(ReplyError::fixed(
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
        ));
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(ReplyError::err(format!(
            "Engine '{}' not found",
            text(engine)
        )));
    }
    Ok(text(name))
}

/// What to do with a library whose name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Refuse the new one, in the words of `FUNCTION LOAD`.
    Refuse,
    /// Refuse it in the words of `FUNCTION RESTORE`, which have no quotes around the name.
    RefuseRestored,
    /// Replace the old one.
    Replace,
}

/// All libraries of a server.
#[derive(Debug, Default)]
pub struct Libraries(RwLock<Arc<Set>>);

/// All libraries at one moment.
#[derive(Debug, Default, Clone)]
pub struct Set {
    libraries: BTreeMap<String, Arc<Library>>,
    /// By the functions' names in lower case.
    functions: BTreeMap<Vec<u8>, Arc<Library>>,
}

impl Set {
    /// The library that has a function of this name, and the function.
    pub fn find(&self, function: &[u8]) -> Option<(&Arc<Library>, &Function)> {
        let library = self.functions.get(&function.to_ascii_lowercase())?;
        let found = library
            .functions
            .iter()
            .find(|other| other.name.eq_ignore_ascii_case(function))?;
        Some((library, found))
    }

    /// All libraries by name.
    pub fn libraries(&self) -> impl Iterator<Item = &Arc<Library>> {
        self.libraries.values()
    }

    /// The number of functions.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The bytes that the libraries take.
    pub fn memory(&self) -> usize {
        let of = |library: &Library| {
            let functions = library
                .functions
                .iter()
                .map(|one| one.name.len() + size_of::<Function>());
            size_of::<Library>() + library.code.len() + functions.sum::<usize>()
        };
        self.libraries.values().map(|library| of(library)).sum()
    }

    /// Adds a library.
    ///
    /// # Errors
    /// If its name or the name of one of its functions is taken.
    pub fn add(&mut self, library: Arc<Library>, taken: Taken) -> Result<(), ReplyError> {
        if self.libraries.contains_key(&library.name) {
            match taken {
                Taken::Refuse => {
                    return Err(ReplyError::err(format!(
                        "Library '{}' already exists",
                        library.name
                    )));
                }
                Taken::RefuseRestored => {
                    let name = &library.name;
                    return Err(ReplyError::err(format!("Library {name} already exists")));
                }
                Taken::Replace => self.remove(&library.name),
            };
        }
        let used = library
            .functions
            .iter()
            .find(|one| self.functions.contains_key(&one.name.to_ascii_lowercase()));
        if let Some(used) = used {
            let name = String::from_utf8_lossy(&used.name).into_owned();
            return Err(ReplyError::err(format!("Function {name} already exists")));
        }
        for function in &library.functions {
            self.functions
                .insert(function.name.to_ascii_lowercase(), Arc::clone(&library));
        }
        self.libraries.insert(library.name.clone(), library);
        Ok(())
    }

    /// Removes a library. False if there is none of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(library) = self.libraries.remove(name) else {
            return false;
        };
        for function in &library.functions {
            self.functions.remove(&function.name.to_ascii_lowercase());
        }
        true
    }
}

impl Libraries {
    /// All libraries as they are now.
    pub fn all(&self) -> Arc<Set> {
        Arc::clone(&self.0.read())
    }

    /// Changes them, all at once or not at all.
    ///
    /// # Errors
    /// The change's.
    pub fn change<R>(
        &self,
        change: impl FnOnce(&mut Set) -> Result<R, ReplyError>,
    ) -> Result<R, ReplyError> {
        let mut libraries = self.0.write();
        let mut changed = Set::clone(&libraries);
        let result = change(&mut changed)?;
        *libraries = Arc::new(changed);
        Ok(result)
    }
}
