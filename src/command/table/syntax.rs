//! The language in which an entry says what its command takes, and the tree that it stands for.
//!
//! One line per command, close to the hints of redis-cli, from which both the hint and the `arguments` of `COMMAND DOCS`
//! derive. Parsed when someone asks; a test parses all of them.
//!
//! | written | meaning |
//! |---|---|
//! | `field` | a string; `key` and `pattern` have the types of that name |
//! | `count:integer` | an argument of another type: `string`, `key`, `integer`, `double`, `unix-time`, `pattern` |
//! | `WITHSCORES`, `change=CH`, `any='*'` | a word to be written as it is, named after itself or otherwise |
//! | `EX seconds:integer` | an argument after a word |
//! | `<where: MIN\|MAX>` | one of several; called `where` |
//! | `(data: field value)` | several, in order; called `data` |
//! | `LIMIT (limit: offset count)` | the same after a word |
//! | `[GET]`, `[condition: NX\|XX]`, `[range: start end]` | what may be left out: an argument, one of several, several |
//! | `key...` | once or more; after a word, the word comes once |
//! | `[GET pattern]...` | any number of times, each with its word |
//! | `addr{ip:port}` | shown as `ip:port` |
//! | `destination:key#2` | a key, or a pattern of keys, that the key spec of that index describes; without `#`, keys and specs go in pairs |
//! | `@6.2.0`, `!7.0.0` | added in, deprecated since that version |

use std::borrow::Cow;
use std::fmt::Write;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any bytes.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// A key's name.
    Key,
    /// A glob-style pattern.
    Pattern,
    /// A moment, as a Unix time.
    UnixTime,
    /// A word to be written as it is.
    PureToken,
    /// One of [`Argument::arguments`].
    OneOf,
    /// All of [`Argument::arguments`], in order.
    Block,
}

impl Kind {
    const VALUES: [Kind; 6] = [
        Kind::String,
        Kind::Integer,
        Kind::Double,
        Kind::Key,
        Kind::Pattern,
        Kind::UnixTime,
    ];

    /// The name that `COMMAND DOCS` gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

/// One node of a command's argument tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// The word itself, or the word before the argument.
    pub token: Option<&'static str>,
    /// How it is shown, where that is not its name.
    pub display: Option<&'static str>,
    /// For a key: the index of the key spec that describes it.
    pub key_spec: Option<usize>,
    /// The version that added it.
    pub since: Option<&'static str>,
    /// The version since which it should not be used.
    pub deprecated_since: Option<&'static str>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it may come more than once.
    pub multiple: bool,
    /// Whether its word comes again each time.
    pub multiple_token: bool,
    /// What it consists of.
    pub arguments: Vec<Argument>,
}

impl Argument {
    fn new(name: Cow<'static, str>, kind: Kind) -> Argument {
        Argument {
            name,
            kind,
            token: None,
            display: None,
            key_spec: None,
            since: None,
            deprecated_since: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            arguments: Vec::new(),
        }
    }
}

/// A line that is not in the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// How many bytes of the line were understood.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// The tree of a line, for a command with that many key specs.
///
/// # Errors
/// [`SyntaxError`] where the line leaves the language.
pub fn parse(line: &'static str, key_specs: usize) -> Result<Vec<Argument>, SyntaxError> {
    let mut parser = Parser {
        line,
        at: 0,
        keys: 0,
        key_specs,
    };
    let arguments = parser.sequence()?;
    if parser.rest().is_empty() {
        Ok(arguments)
    } else {
        Err(parser.expected("the end"))
    }
}

struct Parser {
    line: &'static str,
    at: usize,
    keys: usize,
    key_specs: usize,
}

impl Parser {
    fn rest(&self) -> &'static str {
        &self.line[self.at..]
    }

    fn expected(&self, expected: &'static str) -> SyntaxError {
        SyntaxError {
            at: self.at,
            expected,
        }
    }

    /// Takes `prefix` if it comes next.
    fn take(&mut self, prefix: &str) -> bool {
        let taken = self.rest().starts_with(prefix);
        if taken {
            self.at += prefix.len();
        }
        taken
    }

    fn require(&mut self, prefix: &'static str) -> Result<(), SyntaxError> {
        if self.take(prefix) {
            Ok(())
        } else {
            Err(self.expected(prefix))
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'static str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Letters, digits and dashes; at least one.
    fn word(&mut self) -> Result<&'static str, SyntaxError> {
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if word.is_empty() {
            Err(self.expected("a word"))
        } else {
            Ok(word)
        }
    }

    /// What comes up to a quote, or to a brace.
    fn until(&mut self, end: &'static str) -> Result<&'static str, SyntaxError> {
        let text = self.take_while(|c| !end.starts_with(c));
        self.require(end)?;
        Ok(text)
    }

    /// Arguments with spaces between them.
    fn sequence(&mut self) -> Result<Vec<Argument>, SyntaxError> {
        let mut arguments = Vec::new();
        loop {
            self.take_while(|c| c == ' ');
            if self.rest().is_empty() || self.rest().starts_with([']', '>', ')', '|']) {
                return Ok(arguments);
            }
            arguments.push(self.argument()?);
        }
    }

    fn argument(&mut self) -> Result<Argument, SyntaxError> {
        if self.take("[") {
            return self.optional();
        }
        let Some(token) = self.token()? else {
            return self.value();
        };
        // A word belongs to the argument right after it.
        let next = self
            .rest()
            .strip_prefix(' ')
            .and_then(|rest| rest.chars().next());
        let mut argument = if next.is_some_and(|c| c.is_ascii_lowercase() || c == '<' || c == '(')
            && !self.names_a_token()
        {
            self.at += 1;
            self.value()?
        } else {
            self.versions(Argument::new(
                token.to_ascii_lowercase().into(),
                Kind::PureToken,
            ))
        };
        argument.token = Some(token);
        Ok(argument)
    }

    /// A word in upper case or in quotes, if that comes next.
    fn token(&mut self) -> Result<Option<&'static str>, SyntaxError> {
        if self.take("'") {
            self.until("'").map(Some)
        } else if self.rest().starts_with(|c: char| c.is_ascii_uppercase()) {
            self.word().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Whether what comes next is `name=WORD`.
    fn names_a_token(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .is_some_and(|end| rest[end..].starts_with('='))
    }

    /// What follows a word, or stands alone.
    fn value(&mut self) -> Result<Argument, SyntaxError> {
        let mut argument = if self.take("<") {
            let group = self.group(Some(Kind::OneOf))?;
            self.require(">")?;
            group
        } else if self.take("(") {
            let group = self.group(Some(Kind::Block))?;
            self.require(")")?;
            group
        } else {
            let name = self.word()?;
            if self.take("=") {
                let token = self
                    .token()?
                    .ok_or(self.expected("a word in upper case or in quotes"))?;
                let argument = Argument {
                    token: Some(token),
                    ..Argument::new(name.into(), Kind::PureToken)
                };
                return Ok(self.versions(argument));
            }
            self.typed(name)?
        };
        argument.multiple = self.take("...");
        Ok(self.versions(argument))
    }

    fn typed(&mut self, name: &'static str) -> Result<Argument, SyntaxError> {
        let kind = match name {
            "key" => Kind::Key,
            "pattern" => Kind::Pattern,
            _ => Kind::String,
        };
        let mut argument = Argument::new(name.into(), kind);
        if self.take("{") {
            argument.display = Some(self.until("}")?);
        }
        if self.take(":") {
            let word = self.word()?;
            let named = Kind::VALUES.into_iter().find(|kind| kind.name() == word);
            argument.kind = named.ok_or(self.expected("a type"))?;
        }
        if argument.kind == Kind::Key {
            argument.key_spec = Some(self.keys.min(self.key_specs.saturating_sub(1)));
            self.keys += 1;
        }
        if self.take("#") {
            argument.key_spec = Some(
                self.word()?
                    .parse()
                    .map_err(|_| self.expected("a number"))?,
            );
        }
        Ok(argument)
    }

    /// `name: a b` or `name: a|b`, without what is around it. Without `kind`, the bars decide.
    fn group(&mut self, kind: Option<Kind>) -> Result<Argument, SyntaxError> {
        let name = self.word()?;
        self.require(": ")?;
        let mut arguments = self.sequence()?;
        let kind = kind.unwrap_or(if self.rest().starts_with('|') {
            Kind::OneOf
        } else {
            Kind::Block
        });
        if kind == Kind::OneOf {
            while self.take("|") {
                arguments.push(self.argument()?);
            }
        }
        Ok(Argument {
            arguments,
            ..Argument::new(name.into(), kind)
        })
    }

    /// What follows an opening bracket.
    fn optional(&mut self) -> Result<Argument, SyntaxError> {
        let group = self
            .rest()
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let group = group.is_some_and(|end| self.rest()[end..].starts_with(": "));
        let mut argument = if group {
            self.group(None)?
        } else {
            self.argument()?
        };
        self.require("]")?;
        argument.optional = true;
        if self.take("...") {
            argument.multiple = true;
            argument.multiple_token = argument.token.is_some();
        }
        Ok(self.versions(argument))
    }

    fn versions(&mut self, mut argument: Argument) -> Argument {
        let version = |c: char| c.is_ascii_digit() || c == '.';
        if self.take("@") {
            argument.since = Some(self.take_while(version));
        }
        if self.take("!") {
            argument.deprecated_since = Some(self.take_while(version));
        }
        argument
    }
}

/// The arguments as redis-cli hints at them: `key [NX|XX] [EX seconds]`.
pub fn hint(arguments: &[Argument]) -> String {
    let mut line = String::new();
    join(&mut line, arguments, ' ');
    line
}

fn join(line: &mut String, arguments: &[Argument], between: char) {
    for (i, argument) in arguments.iter().enumerate() {
        if i > 0 {
            line.push(between);
        }
        show(line, argument);
    }
}

fn show(line: &mut String, argument: &Argument) {
    let mut value = String::new();
    match argument.kind {
        Kind::PureToken => {}
        Kind::OneOf => join(&mut value, &argument.arguments, '|'),
        Kind::Block => join(&mut value, &argument.arguments, ' '),
        _ => value.push_str(argument.display.unwrap_or(&argument.name)),
    }
    let token = match argument.token {
        Some("") => "\"\"",
        token => token.unwrap_or_default(),
    };
    let space = if token.is_empty() || value.is_empty() {
        ""
    } else {
        " "
    };
    let again = if argument.multiple_token {
        format!("{token}{space}")
    } else {
        String::new()
    };
    let repeat = if argument.multiple {
        format!(" [{again}{value} ...]")
    } else {
        String::new()
    };
    let (open, close) = if argument.optional {
        ("[", "]")
    } else {
        ("", "")
    };
    write!(line, "{open}{token}{space}{value}{repeat}{close}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    fn tree(line: &'static str) -> Vec<Argument> {
        parse(line, 1).unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    #[test]
    fn every_command_has_a_syntax_with_a_hint() {
        for command in table::all() {
            let arguments = parse(command.syntax, command.keys.len());
            let arguments =
                arguments.unwrap_or_else(|error| panic!("{}: {error:?}", command.full_name()));
            assert_eq!(hint(&arguments).is_empty(), command.syntax.is_empty());
        }
    }

    #[test]
    fn hints_read_like_those_of_redis_cli() {
        let hint = |line| hint(&tree(line));
        assert_eq!(
            hint(
                "key value [condition: NX|XX|IFEQ comparison-value@8.1.0] [GET@6.2.0] [e: EX seconds:integer|KEEPTTL]"
            ),
            "key value [NX|XX|IFEQ comparison-value] [GET] [EX seconds|KEEPTTL]"
        );
        assert_eq!(
            hint("key (data: field value)..."),
            "key field value [field value ...]"
        );
        assert_eq!(
            hint("[GET pattern]... [ID id...]"),
            "[GET pattern [GET pattern ...]] [ID id [id ...]]"
        );
        assert_eq!(
            hint("key... <where: MIN|MAX> [LIMIT (l: offset count)]"),
            "key [key ...] MIN|MAX [LIMIT offset count]"
        );
        assert_eq!(hint("addr{ip:port} any='*' none=''"), "ip:port * \"\"");
    }

    #[test]
    fn trees_say_what_the_line_says() {
        let [argument] =
            <[Argument; 1]>::try_from(tree("[GET get-pattern{pattern}:pattern]...@2.2.0")).unwrap();
        assert_eq!(
            (argument.name.as_ref(), argument.kind),
            ("get-pattern", Kind::Pattern)
        );
        assert_eq!(
            (argument.token, argument.display, argument.since),
            (Some("GET"), Some("pattern"), Some("2.2.0"))
        );
        assert!(argument.optional && argument.multiple && argument.multiple_token);

        let arguments = parse("key by:key#2 other:key [range: start:integer [end]]", 3).unwrap();
        let specs: Vec<_> = arguments.iter().map(|argument| argument.key_spec).collect();
        assert_eq!(specs, [Some(0), Some(2), Some(2), None]);
        let range = &arguments[3];
        assert_eq!(
            (range.kind, range.optional, range.arguments.len()),
            (Kind::Block, true, 2)
        );
        assert!(range.arguments[1].optional && range.arguments[0].kind == Kind::Integer);

        let arguments = tree("NO ONE change=CH old!2.0");
        assert_eq!(
            arguments.iter().map(|a| a.kind).collect::<Vec<_>>(),
            [
                Kind::PureToken,
                Kind::PureToken,
                Kind::PureToken,
                Kind::String
            ]
        );
        assert_eq!(
            (arguments[2].name.as_ref(), arguments[2].token),
            ("change", Some("CH"))
        );
        assert_eq!(arguments[3].deprecated_since, Some("2.0"));
    }

    #[test]
    fn what_is_not_in_the_language_is_refused() {
        for line in [
            "[key", "key]", "a:number", "<NX|XX>", "(a: b", "a=b", "[]", "a|b", "'x", "key#x",
            "a{b",
        ] {
            assert!(parse(line, 1).is_err(), "{line}");
        }
    }
}
