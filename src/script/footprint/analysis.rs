//! What every expression can be, and whether everything that matters stays in sight.
//!
//! The source is walked until a walk learns nothing new: each variable starts as nothing and becomes whatever is put into
//! it, wherever that happens. Since all of it is in the source, what stands at the end is true at every moment of every
//! run: the first value to break it would have had to come from an expression whose operands had kept it.
//!
//! Functions are values too. As long as one is only called, its parameters are what its callers give; once it gets out of
//! sight (into a table, to `pcall`'s like) they can be anything.

use super::kind::{Kind, Words};
use super::request::{self, Values};
use super::tree::{
    Block, Expression, Function, FunctionId, Item, Link, LocalId, Program, Statement, Target,
};
use super::{Commands, Entry};

/// More walks are not made. Assignments in the order of their execution need two; each detour through a function that
/// stands further down can need one more.
const WALKS: usize = 12;

/// Whether the program touches only declared keys.
pub(super) fn holds(program: &Program<'_>, entry: Entry, commands: &Commands<'_>) -> bool {
    let mut analysis = Analysis {
        program,
        entry,
        commands,
        kinds: vec![Kind::Nothing; program.is_captured.len()],
        is_known: vec![true; program.functions.len()],
        within: Vec::new(),
        has_learned: false,
        has_failed: false,
    };
    for _ in 0..WALKS {
        analysis.has_learned = false;
        analysis.has_failed = false;
        analysis.block(&program.body);
        if !analysis.has_learned {
            return !analysis.has_failed;
        }
    }
    false
}

struct Analysis<'p, 'a> {
    program: &'p Program<'a>,
    entry: Entry,
    commands: &'p Commands<'p>,
    /// By [`LocalId`].
    kinds: Vec<Kind<'a>>,
    /// By [`FunctionId`]: whether all callers are known.
    is_known: Vec<bool>,
    /// The functions around what is looked at, the innermost last.
    within: Vec<FunctionId>,
    /// Whether this walk changed `kinds` or `is_known`.
    has_learned: bool,
    /// Whether this walk met something that is not understood. Only the last one decides.
    has_failed: bool,
}

/// The first value of an expression, and what the others can be if there may be any number.
type Found<'a> = (Kind<'a>, Option<Kind<'a>>);

/// What is not understood.
const ANYTHING: Found<'static> = (Kind::Other, Some(Kind::Other));

impl<'p, 'a> Analysis<'p, 'a> {
    fn fail(&mut self) {
        self.has_failed = true;
    }

    /// A value is put into a variable.
    fn put(&mut self, kind: Kind<'a>, local: LocalId) {
        // What lives on from one run to the next would bring the other run's keys.
        let lives_on = self.entry == Entry::Library && self.program.is_captured[local.0];
        let as_seen_there = if lives_on && kind == Kind::Key {
            Kind::Other
        } else {
            kind
        };
        if lives_on && kind == Kind::Keys {
            self.fail();
        }
        let before = self.kinds[local.0];
        let after = before.or(as_seen_there);
        if after != before {
            self.kinds[local.0] = after;
            self.has_learned = true;
        }
        self.blur(kind, after);
    }

    /// A value gets to where it is only known to be `seen_as`.
    fn blur(&mut self, kind: Kind<'a>, seen_as: Kind<'a>) {
        if kind == seen_as {
            return;
        }
        if kind.is_sealed() {
            self.fail();
        }
        if let Kind::Function(id) = kind
            && std::mem::replace(&mut self.is_known[id.0], false)
        {
            self.has_learned = true;
            let signature = &self.program.functions[id.0];
            for parameter in &signature.parameters {
                self.put(Kind::Other, *parameter);
            }
            self.put(Kind::Other, signature.result);
        }
    }

    /// A value gets out of sight.
    fn lose(&mut self, kind: Kind<'a>) {
        self.blur(kind, Kind::Other);
    }

    /// All of them get out of sight.
    fn lose_all(&mut self, values: &Values<'a>) {
        for kind in &values.kinds {
            self.lose(*kind);
        }
    }

    fn block(&mut self, block: &'p Block<'a>) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'p Statement<'a>) {
        match statement {
            Statement::Local(locals, values) => {
                let values = self.values(values);
                for (index, local) in locals.iter().enumerate() {
                    self.put(values.at(index), *local);
                }
                for unused in values.kinds.iter().skip(locals.len()) {
                    self.lose(*unused);
                }
            }
            Statement::LocalFunction(local, function) => {
                self.put(Kind::Function(function.id), *local);
                self.function(function);
            }
            Statement::Assign(targets, values) => {
                let values = self.values(values);
                for (index, target) in targets.iter().enumerate() {
                    self.assign(target, values.at(index));
                }
                for unused in values.kinds.iter().skip(targets.len()) {
                    self.lose(*unused);
                }
            }
            Statement::Call(call) => {
                self.value(call);
            }
            Statement::Branches(branches) => {
                for (condition, body) in branches {
                    if let Some(condition) = condition {
                        self.value(condition);
                    }
                    self.block(body);
                }
            }
            Statement::Count(local, bounds, body) => {
                let bounds = self.values(bounds);
                self.lose_all(&bounds);
                self.put(Kind::Other, *local);
                self.block(body);
            }
            Statement::Each(locals, values, body) => {
                self.each(locals, values);
                self.block(body);
            }
            Statement::Return(values) => self.returned(values),
        }
    }

    fn assign(&mut self, target: &'p Target<'a>, kind: Kind<'a>) {
        match target {
            Target::Local(local) => self.put(kind, *local),
            Target::Global => self.fail(),
            Target::Field(holder, key) => {
                let holder = self.value(holder);
                self.lose(holder);
                let key = self.value(key);
                self.lose(key);
                self.lose(kind);
            }
        }
    }

    /// Loop variables get what is iterated over.
    fn each(&mut self, locals: &[LocalId], values: &'p [Expression<'a>]) {
        let (position, element) = match values {
            [single] => match self.found(single) {
                (Kind::Walk, Some(Kind::Walk)) => (Kind::Other, Kind::Key),
                (Kind::Nothing, _) => (Kind::Nothing, Kind::Nothing),
                (first, rest) => {
                    self.lose(first);
                    self.lose(rest.unwrap_or(Kind::Nothing));
                    (Kind::Other, Kind::Other)
                }
            },
            _ => {
                let values = self.values(values);
                self.lose_all(&values);
                (Kind::Other, Kind::Other)
            }
        };
        for (index, local) in locals.iter().enumerate() {
            self.put(if index == 1 { element } else { position }, *local);
        }
    }

    fn returned(&mut self, values: &'p [Expression<'a>]) {
        let values = self.values(values);
        // Behind the main program nothing of the source runs with what it returned.
        let Some(function) = self.within.last() else {
            return;
        };
        let result = self.program.functions[function.0].result;
        self.put(values.at(0), result);
        for unseen in values.kinds.iter().skip(1) {
            self.lose(*unseen);
        }
    }

    /// The values of expressions in a row.
    fn values(&mut self, expressions: &'p [Expression<'a>]) -> Values<'a> {
        let mut values = Values {
            kinds: Vec::with_capacity(expressions.len()),
            rest: None,
        };
        for (index, expression) in expressions.iter().enumerate() {
            let (first, rest) = self.found(expression);
            values.kinds.push(first);
            if index + 1 == expressions.len()
                && let Some(rest) = rest
            {
                self.lose(rest);
                values.rest = Some(rest);
            }
        }
        values
    }

    /// The first value of an expression.
    fn value(&mut self, expression: &'p Expression<'a>) -> Kind<'a> {
        self.found(expression).0
    }

    fn found(&mut self, expression: &'p Expression<'a>) -> Found<'a> {
        let kind = match expression {
            Expression::Constant => Kind::Nothing,
            Expression::Number(_) | Expression::Text(None) => Kind::Other,
            Expression::Text(Some(text)) => Kind::Words(Words::of(text)),
            Expression::Rest => return ANYTHING,
            Expression::Local(local) => self.kinds[local.0],
            Expression::Global(name) => Kind::of_global(name, self.entry).unwrap_or_else(|| {
                self.fail();
                Kind::Other
            }),
            Expression::Function(function) => {
                self.function(function);
                Kind::Function(function.id)
            }
            Expression::Table(items) => {
                for item in items {
                    self.item(item);
                }
                Kind::Other
            }
            Expression::Chain(base, links) => {
                let mut found = self.found(base);
                for link in links {
                    found = self.link(found.0, link);
                }
                return found;
            }
            Expression::First(inside) => self.value(inside),
            Expression::Not(operand) => {
                self.value(operand);
                Kind::Nothing
            }
            Expression::Length(operand) => {
                let operand = self.value(operand);
                if operand != Kind::Keys {
                    self.lose(operand);
                }
                Kind::Other
            }
            // All but the last are only asked whether they hold; one that does not is nil or false.
            Expression::And(operands) => operands
                .iter()
                .map(|operand| self.value(operand))
                .last()
                .unwrap_or(Kind::Nothing),
            Expression::Or(operands) => {
                let kinds: Vec<_> = operands.iter().map(|operand| self.value(operand)).collect();
                let any = kinds.iter().copied().fold(Kind::Nothing, Kind::or);
                for kind in kinds {
                    self.blur(kind, any);
                }
                any
            }
            Expression::Operation { operands, compares } => {
                for operand in operands {
                    let operand = self.value(operand);
                    self.lose(operand);
                }
                if *compares {
                    Kind::Nothing
                } else {
                    Kind::Other
                }
            }
        };
        (kind, None)
    }

    fn function(&mut self, function: &'p Function<'a>) {
        self.within.push(function.id);
        self.block(&function.body);
        self.within.pop();
    }

    fn item(&mut self, item: &'p Item<'a>) {
        if let Item::Keyed(key, _) = item {
            let key = self.value(key);
            self.lose(key);
        }
        let (Item::Named(_, value) | Item::Value(value) | Item::Keyed(_, value)) = item;
        // Without a name the last one may be several values.
        let (first, rest) = self.found(value);
        self.lose(first);
        self.lose(rest.unwrap_or(Kind::Nothing));
    }

    /// A value of this kind is indexed or called.
    fn link(&mut self, holder: Kind<'a>, link: &'p Link<'a>) -> Found<'a> {
        match link {
            Link::Field(key) => {
                let key = self.value(key);
                self.lose(key);
                (self.field(holder, key), None)
            }
            Link::Call(arguments) => self.call(holder, arguments),
            Link::Method(arguments) => {
                self.lose(holder);
                let arguments = self.values(arguments);
                self.lose_all(&arguments);
                ANYTHING
            }
        }
    }

    fn field(&mut self, holder: Kind<'a>, key: Kind<'a>) -> Kind<'a> {
        let name = match key {
            Kind::Words(words) => words.iter().next().filter(|_| words.iter().count() == 1),
            _ => None,
        };
        let known = match (holder, name) {
            (Kind::Nothing, _) => Some(Kind::Nothing),
            (Kind::Keys, _) => Some(Kind::Key),
            (Kind::Api, Some(name)) => Kind::of_api_field(name, self.entry),
            (Kind::Library(library), Some(name)) => Some(Kind::of_library_field(library, name)),
            (Kind::Library(_), None) => Some(Kind::Other),
            _ => None,
        };
        known.unwrap_or_else(|| {
            self.lose(holder);
            Kind::Other
        })
    }

    fn call(&mut self, callee: Kind<'a>, expressions: &'p [Expression<'a>]) -> Found<'a> {
        if let (Kind::Register, [Expression::Table(items)]) = (callee, expressions) {
            self.registered_by_table(items);
            return ANYTHING;
        }
        let arguments = self.values(expressions);
        let first = arguments.at(0);
        match callee {
            // It fails; and nothing can be said as long as nothing is known about it.
            Kind::Nothing => return (Kind::Nothing, Some(Kind::Nothing)),
            Kind::Call => self.request(expressions, &arguments, 0),
            Kind::ProtectedCall if first == Kind::Call && arguments.certain() > 0 => {
                self.request(expressions, &arguments, 1);
            }
            Kind::ProtectedCall if let Kind::Function(id) = first => {
                self.give(id, &arguments.behind_first());
                // It is returned behind whether the call succeeded.
                self.put(Kind::Other, self.program.functions[id.0].result);
            }
            Kind::Iterator | Kind::Unpack if first == Kind::Nothing => {
                return (Kind::Nothing, Some(Kind::Nothing));
            }
            Kind::Iterator if first == Kind::Keys => {
                self.lose_behind(&arguments, 1);
                return (Kind::Walk, Some(Kind::Walk));
            }
            Kind::Unpack if first == Kind::Keys => {
                self.lose_behind(&arguments, 1);
                return (Kind::Key, Some(Kind::Key));
            }
            Kind::Reader => {
                for kind in &arguments.kinds {
                    if *kind != Kind::Keys {
                        self.lose(*kind);
                    }
                }
            }
            Kind::Function(id) => {
                self.give(id, &arguments);
                let result = self.program.functions[id.0].result;
                return (self.kinds[result.0], Some(Kind::Other));
            }
            Kind::Register => self.registered_by_arguments(&arguments),
            _ => {
                self.lose(callee);
                self.lose_all(&arguments);
            }
        }
        ANYTHING
    }

    /// The arguments from that one on get out of sight.
    fn lose_behind(&mut self, arguments: &Values<'a>, from: usize) {
        for kind in arguments.kinds.iter().skip(from) {
            self.lose(*kind);
        }
    }

    /// A command is called; its name is argument `name`.
    fn request(&mut self, expressions: &'p [Expression<'a>], arguments: &Values<'a>, name: usize) {
        self.lose_behind(arguments, name);
        if !request::is_within_keys(expressions, arguments, name, self.commands) {
            self.fail();
        }
    }

    /// A function of the source gets these arguments.
    fn give(&mut self, id: FunctionId, arguments: &Values<'a>) {
        let parameters = &self.program.functions[id.0].parameters;
        let given = match arguments.rest {
            Some(_) => parameters.len(),
            None => parameters.len().min(arguments.kinds.len()),
        };
        for (index, parameter) in parameters[..given].iter().enumerate() {
            self.put(arguments.at(index), *parameter);
        }
        self.lose_behind(arguments, parameters.len());
    }

    /// `redis.register_function(name, callback)`.
    fn registered_by_arguments(&mut self, arguments: &Values<'a>) {
        for (index, kind) in arguments.kinds.iter().enumerate() {
            match kind {
                Kind::Function(id) if index == 1 => self.called_back(*id),
                kind => self.lose(*kind),
            }
        }
    }

    /// `redis.register_function{function_name = name, callback = callback}`.
    fn registered_by_table(&mut self, items: &'p [Item<'a>]) {
        for item in items {
            match item {
                Item::Named(b"callback", callback) => match self.value(callback) {
                    Kind::Function(id) => self.called_back(id),
                    kind => self.lose(kind),
                },
                item => self.item(item),
            }
        }
    }

    /// The function is called with a run's keys and arguments.
    fn called_back(&mut self, id: FunctionId) {
        let run = Values {
            kinds: vec![Kind::Keys, Kind::Other],
            rest: None,
        };
        for (index, parameter) in self.program.functions[id.0].parameters.iter().enumerate() {
            self.put(run.at(index), *parameter);
        }
    }
}
