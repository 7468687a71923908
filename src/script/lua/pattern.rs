//! Lua's patterns, matched without recursion.
//!
//! The matcher in C recurses for every item of a pattern and cannot be interrupted while it tries one alternative after the other. This
//! one keeps its alternatives on a stack of its own, whose height is at most the number of the pattern's items, and counts its steps.
//! What matches, what is captured and what is wrong with a pattern is as in Lua 5.1, where a zero byte ends a pattern.

use mlua::{Lua, Value};

use super::{Pacer, failure};

/// The most captures that a pattern may have.
const CAPTURES: usize = 32;

/// The most alternatives remembered at a time: more than any pattern that is not made to have many.
const ALTERNATIVES: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Open,
    Position,
    Closed(usize),
}

#[derive(Debug, Clone, Copy)]
struct Capture {
    start: usize,
    extent: Extent,
}

/// What to do when all that was tried since has failed.
#[derive(Debug, Clone, Copy)]
enum Alternative {
    /// `x*`: go on behind the item after one repetition less, down to `start`.
    Longest {
        start: usize,
        at: usize,
        next: usize,
    },
    /// `x-`: one repetition of the item more, if it matches at `at`.
    Shortest { at: usize, item: usize, end: usize },
    /// `x?`: go on without it.
    Without { at: usize, next: usize },
    /// A capture was opened.
    Reopen,
    /// A capture was closed.
    Unclose(usize),
}

/// A pattern's search in a string.
pub(super) struct Matcher<'a> {
    lua: &'a Lua,
    pacer: &'a Pacer,
    source: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Capture>,
    alternatives: Vec<Alternative>,
}

impl<'a> Matcher<'a> {
    /// A search for a pattern (without its anchor) in a string.
    pub(super) fn new(lua: &'a Lua, pacer: &'a Pacer, source: &'a [u8], pattern: &'a [u8]) -> Self {
        Self {
            lua,
            pacer,
            source,
            pattern,
            captures: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    /// The end of the match that begins exactly here.
    pub(super) fn match_at(&mut self, start: usize) -> mlua::Result<Option<usize>> {
        self.captures.clear();
        self.alternatives.clear();
        let (mut at, mut item) = (start, 0);
        loop {
            match self.advance(at, item)? {
                Step::Matched(end) => return Ok(Some(end)),
                Step::Go(next_at, next_item) => (at, item) = (next_at, next_item),
                Step::Failed => match self.retreat()? {
                    Some(next) => (at, item) = next,
                    None => return Ok(None),
                },
            }
        }
    }

    /// How many values a match has: its captures, or itself.
    pub(super) fn count(&self) -> usize {
        self.captures.len().max(1)
    }

    /// How many captures a match has.
    pub(super) fn captured(&self) -> usize {
        self.captures.len()
    }

    /// A capture's value; the whole match for the first if there are none.
    pub(super) fn value(&self, index: usize, start: usize, end: usize) -> mlua::Result<Value> {
        match self.piece(index, start, end)? {
            Piece::Text(bytes) => Ok(Value::String(self.lua.create_string(bytes)?)),
            Piece::Position(position) => Ok(Value::Number(position as f64)),
        }
    }

    /// The whole match.
    pub(super) fn whole(&self, start: usize, end: usize) -> Piece<'a> {
        Piece::Text(&self.source[start..end])
    }

    /// A capture as the bytes or the position it is.
    pub(super) fn piece(&self, index: usize, start: usize, end: usize) -> mlua::Result<Piece<'a>> {
        if index >= self.captures.len() {
            return match index {
                0 => Ok(Piece::Text(&self.source[start..end])),
                _ => Err(self.problem("invalid capture index")),
            };
        }
        let capture = self.captures[index];
        match capture.extent {
            Extent::Open => Err(self.problem("unfinished capture")),
            Extent::Position => Ok(Piece::Position(capture.start + 1)),
            Extent::Closed(length) => Ok(Piece::Text(
                &self.source[capture.start..capture.start + length],
            )),
        }
    }

    /// A step forward from this place in the string and this item of the pattern.
    #[inline]
    fn advance(&mut self, at: usize, item: usize) -> mlua::Result<Step> {
        self.pacer.step(self.lua, 1)?;
        match self.byte(item) {
            b'(' if self.byte(item + 1) == b')' => self.open(at, item + 2, Extent::Position),
            b'(' => self.open(at, item + 1, Extent::Open),
            b')' => {
                let index = (0..self.captures.len())
                    .rev()
                    .find(|&index| self.captures[index].extent == Extent::Open)
                    .ok_or_else(|| self.problem("invalid pattern capture"))?;
                self.captures[index].extent = Extent::Closed(at - self.captures[index].start);
                self.remember(Alternative::Unclose(index))?;
                Ok(Step::Go(at, item + 1))
            }
            b'%' => match self.byte(item + 1) {
                b'b' => self.balanced(at, item + 2),
                b'f' => self.frontier(at, item + 2),
                digit if digit.is_ascii_digit() => self.repeated(at, item, digit),
                _ => self.single(at, item),
            },
            0 => Ok(Step::Matched(at)),
            b'$' if self.byte(item + 1) == 0 => Ok(if at == self.source.len() {
                Step::Matched(at)
            } else {
                Step::Failed
            }),
            _ => self.single(at, item),
        }
    }

    /// An item for one byte, with its suffix.
    #[inline]
    fn single(&mut self, at: usize, item: usize) -> mlua::Result<Step> {
        let end = self.item_end(item)?;
        let next = end + 1;
        match self.byte(end) {
            b'?' => {
                if !self.fits(at, item, end)? {
                    return Ok(Step::Go(at, next));
                }
                self.remember(Alternative::Without { at, next })?;
                Ok(Step::Go(at + 1, next))
            }
            suffix @ (b'*' | b'+') => {
                let mut start = at;
                if suffix == b'+' {
                    if !self.fits(at, item, end)? {
                        return Ok(Step::Failed);
                    }
                    start += 1;
                }
                let mut most = start;
                while self.fits(most, item, end)? {
                    most += 1;
                }
                self.pacer.step(self.lua, most - start)?;
                if most > start {
                    self.remember(Alternative::Longest {
                        start,
                        at: most,
                        next,
                    })?;
                }
                Ok(Step::Go(most, next))
            }
            b'-' => {
                self.remember(Alternative::Shortest { at, item, end })?;
                Ok(Step::Go(at, next))
            }
            _ if self.fits(at, item, end)? => Ok(Step::Go(at + 1, end)),
            _ => Ok(Step::Failed),
        }
    }

    /// Back to the last alternative there is.
    fn retreat(&mut self) -> mlua::Result<Option<(usize, usize)>> {
        self.pacer.step(self.lua, 1)?;
        while let Some(alternative) = self.alternatives.pop() {
            match alternative {
                Alternative::Longest { start, at, next } => {
                    if at - 1 > start {
                        self.alternatives.push(Alternative::Longest {
                            start,
                            at: at - 1,
                            next,
                        });
                    }
                    return Ok(Some((at - 1, next)));
                }
                Alternative::Shortest { at, item, end } => {
                    if self.fits(at, item, end)? {
                        self.alternatives.push(Alternative::Shortest {
                            at: at + 1,
                            item,
                            end,
                        });
                        return Ok(Some((at + 1, end + 1)));
                    }
                }
                Alternative::Without { at, next } => return Ok(Some((at, next))),
                Alternative::Reopen => drop(self.captures.pop()),
                Alternative::Unclose(index) => self.captures[index].extent = Extent::Open,
            }
        }
        Ok(None)
    }

    fn remember(&mut self, alternative: Alternative) -> mlua::Result<()> {
        if self.alternatives.len() >= ALTERNATIVES {
            return Err(self.problem("pattern too complex"));
        }
        self.alternatives.push(alternative);
        Ok(())
    }

    fn open(&mut self, at: usize, next: usize, extent: Extent) -> mlua::Result<Step> {
        if self.captures.len() >= CAPTURES {
            return Err(self.problem("too many captures"));
        }
        self.captures.push(Capture { start: at, extent });
        self.remember(Alternative::Reopen)?;
        Ok(Step::Go(at, next))
    }

    /// `%bxy`, from its two bytes on.
    fn balanced(&self, at: usize, item: usize) -> mlua::Result<Step> {
        let (opening, closing) = (self.byte(item), self.byte(item + 1));
        if opening == 0 || closing == 0 {
            return Err(self.problem("unbalanced pattern"));
        }
        if self.source.get(at) != Some(&opening) {
            return Ok(Step::Failed);
        }
        let mut depth = 1_usize;
        for (index, &byte) in self.source.iter().enumerate().skip(at + 1) {
            if byte == closing {
                depth -= 1;
                if depth == 0 {
                    self.pacer.step(self.lua, index - at)?;
                    return Ok(Step::Go(index + 1, item + 2));
                }
            } else if byte == opening {
                depth += 1;
            }
        }
        self.pacer.step(self.lua, self.source.len() - at)?;
        Ok(Step::Failed)
    }

    /// `%f[set]`, from the set on.
    fn frontier(&self, at: usize, item: usize) -> mlua::Result<Step> {
        if self.byte(item) != b'[' {
            return Err(self.problem("missing '[' after '%f' in pattern"));
        }
        let end = self.item_end(item)?;
        let before = if at == 0 { 0 } else { self.source[at - 1] };
        let here = self.source.get(at).copied().unwrap_or(0);
        let inside = !self.in_set(before, item, end)? && self.in_set(here, item, end)?;
        Ok(if inside {
            Step::Go(at, end)
        } else {
            Step::Failed
        })
    }

    /// `%1`: what was captured, once more.
    fn repeated(&self, at: usize, item: usize, digit: u8) -> mlua::Result<Step> {
        let invalid = || self.problem("invalid capture index");
        let index = usize::from(digit)
            .checked_sub(usize::from(b'1'))
            .filter(|&index| index < self.captures.len())
            .ok_or_else(invalid)?;
        let captured = match self.captures[index].extent {
            Extent::Open => return Err(invalid()),
            // In C the length is negative then, which no rest of a string is as long as.
            Extent::Position => return Ok(Step::Failed),
            Extent::Closed(length) => {
                &self.source[self.captures[index].start..self.captures[index].start + length]
            }
        };
        self.pacer.step(self.lua, captured.len() / 32)?;
        let same = self.source[at..].starts_with(captured);
        Ok(if same {
            Step::Go(at + captured.len(), item + 2)
        } else {
            Step::Failed
        })
    }

    /// Where an item for one byte ends.
    #[inline]
    fn item_end(&self, item: usize) -> mlua::Result<usize> {
        match self.byte(item) {
            b'%' if self.byte(item + 1) == 0 => {
                Err(self.problem("malformed pattern (ends with '%')"))
            }
            b'%' => Ok(item + 2),
            b'[' => {
                let mut index = item + 1;
                if self.byte(index) == b'^' {
                    index += 1;
                }
                loop {
                    let byte = self.byte(index);
                    if byte == 0 {
                        return Err(self.problem("malformed pattern (missing ']')"));
                    }
                    index += 1;
                    if byte == b'%' && self.byte(index) != 0 {
                        index += 1;
                    }
                    if self.byte(index) == b']' {
                        self.pacer.step(self.lua, (index - item) / 16)?;
                        return Ok(index + 1);
                    }
                }
            }
            _ => Ok(item + 1),
        }
    }

    /// Whether there is a byte at this place that the item stands for.
    #[inline]
    fn fits(&self, at: usize, item: usize, end: usize) -> mlua::Result<bool> {
        let Some(&byte) = self.source.get(at) else {
            return Ok(false);
        };
        match self.byte(item) {
            b'.' => Ok(true),
            b'%' => Ok(in_class(byte, self.byte(item + 1))),
            b'[' => self.in_set(byte, item, end),
            literal => Ok(literal == byte),
        }
    }

    /// Whether a set, from its `[` to behind its `]`, has a byte.
    fn in_set(&self, byte: u8, item: usize, end: usize) -> mlua::Result<bool> {
        let close = end - 1;
        self.pacer.step(self.lua, (close - item) / 16)?;
        let mut index = item + 1;
        let wanted = self.byte(index) != b'^';
        if !wanted {
            index += 1;
        }
        while index < close {
            let member = self.byte(index);
            if member == b'%' {
                index += 1;
                if in_class(byte, self.byte(index)) {
                    return Ok(wanted);
                }
            } else if self.byte(index + 1) == b'-' && index + 2 < close {
                index += 2;
                if member <= byte && byte <= self.byte(index) {
                    return Ok(wanted);
                }
            } else if member == byte {
                return Ok(wanted);
            }
            index += 1;
        }
        Ok(!wanted)
    }

    /// A byte of the pattern; zero is its end.
    #[inline]
    fn byte(&self, index: usize) -> u8 {
        self.pattern.get(index).copied().unwrap_or(0)
    }

    #[cold]
    fn problem(&self, text: &str) -> mlua::Error {
        failure::error(self.lua, text)
    }
}

/// What a capture is.
pub(super) enum Piece<'a> {
    Text(&'a [u8]),
    Position(usize),
}

enum Step {
    Matched(usize),
    Go(usize, usize),
    Failed,
}

/// Whether a byte is in the class of a letter, as `%a`; another byte stands for itself.
fn in_class(byte: u8, class: u8) -> bool {
    let member = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    member == class.is_ascii_lowercase()
}
