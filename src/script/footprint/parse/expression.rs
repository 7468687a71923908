//! Expressions.

use super::{Parser, Unreadable};
use crate::script::footprint::token::Token;
use crate::script::footprint::tree::{Expression, Item, Link};

/// What an operator between two operands does, as far as it matters.
#[derive(Clone, Copy)]
enum Operator {
    Or,
    And,
    Compares,
    Computes,
}

/// How strongly `not`, `#` and the sign bind: more than what multiplies, less than `^`.
const PREFIX: u8 = 7;

/// The operator and how strongly it binds. All group to the left here: it does not matter for `..` and `^`, where Lua has
/// it otherwise, and keeps long chains of them flat.
fn operator(token: Token<'_>) -> Option<(Operator, u8)> {
    let Token::Sign(sign) = token else {
        return None;
    };
    Some(match sign {
        b"or" => (Operator::Or, 1),
        b"and" => (Operator::And, 2),
        b"<" | b">" | b"<=" | b">=" | b"~=" | b"==" => (Operator::Compares, 3),
        b".." => (Operator::Computes, 4),
        b"+" | b"-" => (Operator::Computes, 5),
        b"*" | b"/" | b"%" => (Operator::Computes, 6),
        b"^" => (Operator::Computes, 8),
        _ => return None,
    })
}

/// Both operands with what is between them, as one list where that means the same.
fn joined<'a>(left: Expression<'a>, operator: Operator, right: Expression<'a>) -> Expression<'a> {
    match (operator, left) {
        (Operator::Or, Expression::Or(mut operands)) => {
            operands.push(right);
            Expression::Or(operands)
        }
        (Operator::Or, left) => Expression::Or(vec![left, right]),
        (Operator::And, Expression::And(mut operands)) => {
            operands.push(right);
            Expression::And(operands)
        }
        (Operator::And, left) => Expression::And(vec![left, right]),
        (operator, left) => {
            let mut operands = match left {
                Expression::Operation { operands, .. } => operands,
                left => vec![left],
            };
            operands.push(right);
            Expression::Operation {
                operands,
                compares: matches!(operator, Operator::Compares),
            }
        }
    }
}

impl<'a> Parser<'a> {
    pub(super) fn expression(&mut self) -> Result<Expression<'a>, Unreadable> {
        self.operation(0)
    }

    /// Expressions with commas between them.
    pub(super) fn expressions(&mut self) -> Result<Vec<Expression<'a>>, Unreadable> {
        let mut expressions = vec![self.expression()?];
        while self.skip(b",")? {
            expressions.push(self.expression()?);
        }
        Ok(expressions)
    }

    /// Operands and the operators that bind more strongly than `limit`.
    fn operation(&mut self, limit: u8) -> Result<Expression<'a>, Unreadable> {
        self.deeper(|parser| {
            let mut left = parser.operand()?;
            while let Some((operator, strength)) = operator(parser.token)
                && strength > limit
            {
                parser.advance()?;
                left = joined(left, operator, parser.operation(strength)?);
            }
            Ok(left)
        })
    }

    /// An operand with what stands before it.
    fn operand(&mut self) -> Result<Expression<'a>, Unreadable> {
        if self.skip(b"not")? {
            return Ok(Expression::Not(Box::new(self.operation(PREFIX)?)));
        }
        if self.skip(b"#")? {
            return Ok(Expression::Length(Box::new(self.operation(PREFIX)?)));
        }
        if self.skip(b"-")? {
            return Ok(Expression::Operation {
                operands: vec![self.operation(PREFIX)?],
                compares: false,
            });
        }
        let simple = match self.token {
            Token::Number(number) => Expression::Number(number),
            Token::Text(text) => Expression::Text(text),
            Token::Sign(b"nil" | b"true" | b"false") => Expression::Constant,
            Token::Sign(b"...") => Expression::Rest,
            Token::Sign(b"{") => return self.table(),
            Token::Sign(b"function") => {
                self.advance()?;
                return Ok(Expression::Function(self.function(false)?));
            }
            _ => return self.suffixed(),
        };
        self.advance()?;
        Ok(simple)
    }

    /// A name as a value.
    pub(super) fn variable(&mut self) -> Result<Expression<'a>, Unreadable> {
        let name = self.name()?;
        Ok(match self.scope.resolve(name) {
            Some(local) => Expression::Local(local),
            None => Expression::Global(name),
        })
    }

    /// A name or something in parentheses, with its fields and calls.
    pub(super) fn suffixed(&mut self) -> Result<Expression<'a>, Unreadable> {
        let base = if self.skip(b"(")? {
            let inside = self.expression()?;
            self.expect(b")")?;
            // Also keeps `(a) = b` from being an assignment.
            Expression::First(Box::new(inside))
        } else {
            self.variable()?
        };
        let mut links = Vec::new();
        loop {
            links.push(match self.token {
                Token::Sign(b".") => {
                    self.advance()?;
                    Link::Field(Expression::Text(Some(self.name()?)))
                }
                Token::Sign(b"[") => {
                    self.advance()?;
                    let key = self.expression()?;
                    self.expect(b"]")?;
                    Link::Field(key)
                }
                Token::Sign(b":") => {
                    self.advance()?;
                    self.name()?;
                    Link::Method(self.arguments()?)
                }
                Token::Sign(b"(" | b"{") | Token::Text(_) => Link::Call(self.arguments()?),
                _ if links.is_empty() => return Ok(base),
                _ => return Ok(Expression::Chain(Box::new(base), links)),
            });
        }
    }

    /// The arguments of a call; a string or a table can be the only one without parentheses.
    fn arguments(&mut self) -> Result<Vec<Expression<'a>>, Unreadable> {
        match self.token {
            Token::Text(text) => {
                self.advance()?;
                Ok(vec![Expression::Text(text)])
            }
            Token::Sign(b"{") => Ok(vec![self.table()?]),
            _ => {
                self.expect(b"(")?;
                let arguments = if self.is(b")") {
                    Vec::new()
                } else {
                    self.expressions()?
                };
                self.expect(b")")?;
                Ok(arguments)
            }
        }
    }

    /// A table that is written out.
    fn table(&mut self) -> Result<Expression<'a>, Unreadable> {
        self.expect(b"{")?;
        let mut items = Vec::new();
        while !self.is(b"}") {
            items.push(self.item()?);
            if !self.skip(b",")? && !self.skip(b";")? {
                break;
            }
        }
        self.expect(b"}")?;
        Ok(Expression::Table(items))
    }

    fn item(&mut self) -> Result<Item<'a>, Unreadable> {
        if let (Token::Name(name), Token::Sign(b"=")) = (self.token, self.ahead) {
            self.advance()?;
            self.advance()?;
            return Ok(Item::Named(name, self.expression()?));
        }
        if self.skip(b"[")? {
            let key = self.expression()?;
            self.expect(b"]")?;
            self.expect(b"=")?;
            return Ok(Item::Keyed(key, self.expression()?));
        }
        Ok(Item::Value(self.expression()?))
    }
}
