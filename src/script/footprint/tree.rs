//! A program as the analysis needs it.
//!
//! Names are resolved, and what cannot matter is gone: how arithmetic groups, which operator it is, where a `break`
//! stands. Chains (`a.b(c).d`, `a or b or c`) are lists, so the tree is as deep as the source is nested, and no deeper.

/// A local variable, parameter or loop variable; or what a function returns first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalId(pub(super) usize);

/// A function that is written in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FunctionId(pub(super) usize);

/// A whole source.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) body: Block<'a>,
    /// By [`LocalId`]: whether a function inside its own one uses the variable, so that it may outlive the call that made
    /// it.
    pub(super) is_captured: Vec<bool>,
    /// By [`FunctionId`].
    pub(super) functions: Vec<Signature>,
}

/// A function, for those who call it.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) parameters: Vec<LocalId>,
    /// The first value that it returns.
    pub(super) result: LocalId,
}

/// Statements, one after the other.
pub(super) type Block<'a> = Vec<Statement<'a>>;

#[derive(Debug)]
pub(super) enum Statement<'a> {
    /// `local a, b = c, d`.
    Local(Vec<LocalId>, Vec<Expression<'a>>),
    /// `local function a() ... end`: the function can call itself by its name.
    LocalFunction(LocalId, Function<'a>),
    /// `a, b = c, d`; also `function a.b() ... end`.
    Assign(Vec<Target<'a>>, Vec<Expression<'a>>),
    /// An expression for its effect.
    Call(Expression<'a>),
    /// Blocks with the conditions under which they are run, once or as long as they hold. An `else` and a `do` have none.
    Branches(Vec<(Option<Expression<'a>>, Block<'a>)>),
    /// `for a = b, c`.
    Count(LocalId, Vec<Expression<'a>>, Block<'a>),
    /// `for a, b in c`.
    Each(Vec<LocalId>, Vec<Expression<'a>>, Block<'a>),
    /// `return a, b`.
    Return(Vec<Expression<'a>>),
}

/// What is assigned to.
#[derive(Debug)]
pub(super) enum Target<'a> {
    Local(LocalId),
    /// A global; which one does not matter.
    Global,
    /// A field of a value.
    Field(Expression<'a>, Expression<'a>),
}

#[derive(Debug)]
pub(super) enum Expression<'a> {
    /// `nil`, `true`, `false`.
    Constant,
    Number(&'a [u8]),
    /// A string, if its content is what is written.
    Text(Option<&'a [u8]>),
    /// `...`.
    Rest,
    Local(LocalId),
    Global(&'a [u8]),
    Function(Function<'a>),
    Table(Vec<Item<'a>>),
    /// A value followed by fields and calls.
    Chain(Box<Expression<'a>>, Vec<Link<'a>>),
    /// What could be many values, in parentheses: the first of them.
    First(Box<Expression<'a>>),
    Not(Box<Expression<'a>>),
    Length(Box<Expression<'a>>),
    And(Vec<Expression<'a>>),
    Or(Vec<Expression<'a>>),
    /// Any other operators between these. `compares` tells of the last one.
    Operation {
        operands: Vec<Expression<'a>>,
        compares: bool,
    },
}

/// A part of a chain.
#[derive(Debug)]
pub(super) enum Link<'a> {
    /// `.a` and `[a]`.
    Field(Expression<'a>),
    /// `(a, b)`.
    Call(Vec<Expression<'a>>),
    /// `:a(b)`.
    Method(Vec<Expression<'a>>),
}

/// An entry of a table that is written out.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Value(Expression<'a>),
    Named(&'a [u8], Expression<'a>),
    Keyed(Expression<'a>, Expression<'a>),
}

#[derive(Debug)]
pub(super) struct Function<'a> {
    pub(super) id: FunctionId,
    pub(super) body: Block<'a>,
}
