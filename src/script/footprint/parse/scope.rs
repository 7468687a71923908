//! Which local variable a name means.

use std::collections::HashMap;

use super::LocalId;

/// The names that are known where the parser is.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// For each name its variables, the innermost last.
    names: HashMap<&'a [u8], Vec<LocalId>>,
    /// The names in the order of their declarations.
    declared: Vec<&'a [u8]>,
    /// How many functions there are around.
    depth: usize,
    locals: Vec<Local>,
}

/// A variable.
struct Local {
    /// How many functions there are around its declaration.
    depth: usize,
    is_captured: bool,
}

/// Where a scope began.
#[derive(Clone, Copy)]
pub(super) struct Outside(usize);

impl<'a> Scope<'a> {
    /// Begins a block.
    pub(super) fn enter(&self) -> Outside {
        Outside(self.declared.len())
    }

    /// Ends a block: what was declared in it is forgotten.
    pub(super) fn leave(&mut self, outside: Outside) {
        for name in self.declared.drain(outside.0..) {
            if let Some(variables) = self.names.get_mut(name) {
                variables.pop();
            }
        }
    }

    /// Begins a function.
    pub(super) fn enter_function(&mut self) -> Outside {
        self.depth += 1;
        self.enter()
    }

    /// Ends a function.
    pub(super) fn leave_function(&mut self, outside: Outside) {
        self.leave(outside);
        self.depth -= 1;
    }

    /// A new variable; from now on the name means it.
    pub(super) fn declare(&mut self, name: &'a [u8]) -> LocalId {
        let local = self.unnamed();
        self.names.entry(name).or_default().push(local);
        self.declared.push(name);
        local
    }

    /// The same for several.
    pub(super) fn declare_all(&mut self, names: &[&'a [u8]]) -> Vec<LocalId> {
        names.iter().map(|name| self.declare(name)).collect()
    }

    /// A place for values that has no name.
    pub(super) fn unnamed(&mut self) -> LocalId {
        self.locals.push(Local {
            depth: self.depth,
            is_captured: false,
        });
        LocalId(self.locals.len() - 1)
    }

    /// The variable that the name means here; none if it means a global.
    pub(super) fn resolve(&mut self, name: &[u8]) -> Option<LocalId> {
        let found = *self.names.get(name)?.last()?;
        let local = &mut self.locals[found.0];
        local.is_captured |= local.depth < self.depth;
        Some(found)
    }

    /// Of all variables that there were, whether a function inside their own one uses them.
    pub(super) fn into_captured(self) -> Vec<bool> {
        self.locals.iter().map(|local| local.is_captured).collect()
    }
}
