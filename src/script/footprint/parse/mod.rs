//! Reads Lua 5.1: statements here, expressions in [`expression`], names in [`scope`].
//!
//! Whatever Lua accepts is read as Lua reads it, up to [`DEEPEST`]. It is more lenient in places (a `return` in the middle
//! of a block, a number that is none): Lua refuses to run such sources.

mod expression;
mod scope;

use self::scope::Scope;
use super::token::{Token, Tokens, Unreadable};
use super::tree::{
    Block, Expression, Function, FunctionId, Link, LocalId, Program, Signature, Statement, Target,
};

/// How deep blocks and expressions may be nested, together. Lua's own limit is 200.
const DEEPEST: usize = 100;

/// How many parameters a function may have. Lua allows 200 local variables.
const PARAMETERS: usize = 200;

/// Reads a whole source.
pub(super) fn program(source: &[u8]) -> Result<Program<'_>, Unreadable> {
    let mut tokens = Tokens::new(source);
    let mut parser = Parser {
        token: tokens.next()?,
        ahead: tokens.next()?,
        tokens,
        scope: Scope::default(),
        functions: Vec::new(),
        depth: 0,
    };
    let body = parser.block()?;
    if parser.token != Token::End {
        return Err(Unreadable);
    }
    Ok(Program {
        body,
        is_captured: parser.scope.into_captured(),
        functions: parser.functions,
    })
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    /// The token to read next, and the one behind it.
    token: Token<'a>,
    ahead: Token<'a>,
    scope: Scope<'a>,
    functions: Vec<Signature>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Takes the next token.
    fn advance(&mut self) -> Result<Token<'a>, Unreadable> {
        let behind = self.tokens.next()?;
        let ahead = std::mem::replace(&mut self.ahead, behind);
        Ok(std::mem::replace(&mut self.token, ahead))
    }

    fn is(&self, sign: &[u8]) -> bool {
        matches!(self.token, Token::Sign(next) if next == sign)
    }

    /// Takes the next token if it is this one.
    fn skip(&mut self, sign: &[u8]) -> Result<bool, Unreadable> {
        let is = self.is(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, sign: &[u8]) -> Result<(), Unreadable> {
        self.skip(sign)?.then_some(()).ok_or(Unreadable)
    }

    fn name(&mut self) -> Result<&'a [u8], Unreadable> {
        match self.advance()? {
            Token::Name(name) => Ok(name),
            _ => Err(Unreadable),
        }
    }

    /// Does something one level deeper.
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        if self.depth == DEEPEST {
            return Err(Unreadable);
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Statements up to the word that ends them, which is left. Their names end with them.
    fn block(&mut self) -> Result<Block<'a>, Unreadable> {
        let outside = self.scope.enter();
        let block = self.open_block()?;
        self.scope.leave(outside);
        Ok(block)
    }

    /// The same, but the names stay: for the condition behind a `repeat`.
    fn open_block(&mut self) -> Result<Block<'a>, Unreadable> {
        self.deeper(|parser| {
            let mut block = Block::new();
            while !parser.is_at_end_of_block() {
                block.extend(parser.statement()?);
                parser.skip(b";")?;
            }
            Ok(block)
        })
    }

    fn is_at_end_of_block(&self) -> bool {
        match self.token {
            Token::End => true,
            Token::Sign(sign) => matches!(sign, b"end" | b"else" | b"elseif" | b"until"),
            _ => false,
        }
    }

    /// A block and the `end` behind it.
    fn block_and_end(&mut self) -> Result<Block<'a>, Unreadable> {
        let block = self.block()?;
        self.expect(b"end")?;
        Ok(block)
    }

    /// A statement; none for a `break`.
    fn statement(&mut self) -> Result<Option<Statement<'a>>, Unreadable> {
        let Token::Sign(sign) = self.token else {
            return self.assignment_or_call().map(Some);
        };
        if sign == b"(" {
            return self.assignment_or_call().map(Some);
        }
        self.advance()?;
        Ok(Some(match sign {
            b"break" => return Ok(None),
            b"do" => Statement::Branches(vec![(None, self.block_and_end()?)]),
            b"for" => self.for_loop()?,
            b"function" => self.named_function()?,
            b"if" => self.branches()?,
            b"local" => self.local()?,
            b"repeat" => {
                let outside = self.scope.enter();
                let body = self.open_block()?;
                self.expect(b"until")?;
                let condition = self.expression()?;
                self.scope.leave(outside);
                Statement::Branches(vec![(Some(condition), body)])
            }
            b"return" => {
                let is_empty = self.is_at_end_of_block() || self.is(b";");
                Statement::Return(if is_empty {
                    Vec::new()
                } else {
                    self.expressions()?
                })
            }
            b"while" => {
                let condition = self.expression()?;
                self.expect(b"do")?;
                Statement::Branches(vec![(Some(condition), self.block_and_end()?)])
            }
            _ => return Err(Unreadable),
        }))
    }

    /// What follows an `if`.
    fn branches(&mut self) -> Result<Statement<'a>, Unreadable> {
        let mut branches = Vec::new();
        loop {
            let condition = self.expression()?;
            self.expect(b"then")?;
            branches.push((Some(condition), self.block()?));
            if self.skip(b"elseif")? {
                continue;
            }
            if self.skip(b"else")? {
                branches.push((None, self.block()?));
            }
            self.expect(b"end")?;
            return Ok(Statement::Branches(branches));
        }
    }

    /// What follows a `for`.
    fn for_loop(&mut self) -> Result<Statement<'a>, Unreadable> {
        let mut names = vec![self.name()?];
        let counts = self.skip(b"=")?;
        while !counts && self.skip(b",")? {
            names.push(self.name()?);
        }
        if !counts {
            self.expect(b"in")?;
        }
        let values = self.expressions()?;
        self.expect(b"do")?;
        let outside = self.scope.enter();
        let variables = self.scope.declare_all(&names);
        let body = self.block_and_end()?;
        self.scope.leave(outside);
        Ok(if counts {
            Statement::Count(variables[0], values, body)
        } else {
            Statement::Each(variables, values, body)
        })
    }

    /// What follows a `local`. The names are not yet those of the values.
    fn local(&mut self) -> Result<Statement<'a>, Unreadable> {
        if self.skip(b"function")? {
            let name = self.name()?;
            let local = self.scope.declare(name);
            return Ok(Statement::LocalFunction(local, self.function(false)?));
        }
        let mut names = vec![self.name()?];
        while self.skip(b",")? {
            names.push(self.name()?);
        }
        let values = if self.skip(b"=")? {
            self.expressions()?
        } else {
            Vec::new()
        };
        Ok(Statement::Local(self.scope.declare_all(&names), values))
    }

    /// What follows the `function` that begins a statement: `a.b:c(d) ... end` is an assignment.
    fn named_function(&mut self) -> Result<Statement<'a>, Unreadable> {
        let mut holder = self.variable()?;
        let mut links = Vec::new();
        let mut is_method = false;
        while !is_method && !self.is(b"(") {
            is_method = self.skip(b":")?;
            if !is_method {
                self.expect(b".")?;
            }
            links.push(Link::Field(Expression::Text(Some(self.name()?))));
        }
        if !links.is_empty() {
            holder = Expression::Chain(Box::new(holder), links);
        }
        let target = target(holder)?;
        let function = Expression::Function(self.function(is_method)?);
        Ok(Statement::Assign(vec![target], vec![function]))
    }

    /// A function from its parameters to its end.
    fn function(&mut self, is_method: bool) -> Result<Function<'a>, Unreadable> {
        self.expect(b"(")?;
        let mut names: Vec<&[u8]> = Vec::new();
        if is_method {
            names.push(b"self");
        }
        let mut takes_more = false;
        while !self.is(b")") {
            takes_more = self.skip(b"...")?;
            if takes_more {
                break;
            }
            names.push(self.name()?);
            if !self.skip(b",")? {
                break;
            }
        }
        self.expect(b")")?;
        if names.len() > PARAMETERS {
            return Err(Unreadable);
        }
        let outside = self.scope.enter_function();
        let parameters = self.scope.declare_all(&names);
        let result = self.scope.unnamed();
        // As in Lua 5.1, the other arguments are in a table of this name.
        let others = takes_more.then(|| self.scope.declare(b"arg"));
        let mut body = self.block_and_end()?;
        if let Some(others) = others {
            body.push(Statement::Local(vec![others], vec![Expression::Rest]));
        }
        self.scope.leave_function(outside);
        self.functions.push(Signature { parameters, result });
        Ok(Function {
            id: FunctionId(self.functions.len() - 1),
            body,
        })
    }

    /// A statement that begins with an expression.
    fn assignment_or_call(&mut self) -> Result<Statement<'a>, Unreadable> {
        let first = self.suffixed()?;
        if !self.is(b"=") && !self.is(b",") {
            let is_call = matches!(
                &first,
                Expression::Chain(_, links) if !matches!(links.last(), Some(Link::Field(_)))
            );
            return is_call.then_some(Statement::Call(first)).ok_or(Unreadable);
        }
        let mut targets = vec![target(first)?];
        while self.skip(b",")? {
            targets.push(target(self.suffixed()?)?);
        }
        self.expect(b"=")?;
        Ok(Statement::Assign(targets, self.expressions()?))
    }
}

/// The same as something to assign to.
fn target(expression: Expression<'_>) -> Result<Target<'_>, Unreadable> {
    match expression {
        Expression::Local(local) => Ok(Target::Local(local)),
        Expression::Global(_) => Ok(Target::Global),
        Expression::Chain(base, mut links) => match links.pop() {
            Some(Link::Field(key)) if links.is_empty() => Ok(Target::Field(*base, key)),
            Some(Link::Field(key)) => Ok(Target::Field(Expression::Chain(base, links), key)),
            _ => Err(Unreadable),
        },
        _ => Err(Unreadable),
    }
}
