//! Random programs, run by Lua itself: where the proof holds, no other key is ever touched.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{HookTriggers, Lua, Value, Variadic, VmState};

use super::super::{parse, stays_within_keys};
use super::{Entry, Place, commands};

/// A source of programs: the same seed, the same program.
struct Dice {
    state: u64,
    /// How many expressions and statements may still be written.
    left: usize,
}

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % bound
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    fn variable(&mut self) -> &'static str {
        self.one_of(&["a", "b", "c", "keys"])
    }

    fn block(&mut self) -> String {
        let statements: Vec<String> = (0..=self.below(3)).map(|_| self.statement()).collect();
        statements.join(" ")
    }

    fn key(&mut self) -> String {
        match self.below(12) {
            0 => self.value(),
            1 | 2 => self.variable().into(),
            3 => format!("{} or {}", self.key(), self.key()),
            4 => "unpack(KEYS)".into(),
            5 => format!("({} and {})", self.value(), self.key()),
            6 => format!("f({})", self.key()),
            7 => format!("keys[{}]", self.below(3)),
            _ => format!("KEYS[{}]", self.below(4)),
        }
    }

    fn command(&mut self) -> String {
        let call = self.one_of(&[
            "redis.call",
            "redis.call",
            "redis.pcall",
            "call",
            "pcall(redis.call, ",
        ]);
        let arguments = match self.below(8) {
            0 => format!("'del', {}, {}", self.key(), self.key()),
            1 => format!("'rename', {}, {}", self.key(), self.key()),
            2 => format!(
                "'zunionstore', {}, {}, {}",
                self.key(),
                1 + self.below(2),
                self.key()
            ),
            3 => format!("'set', {}, {}", self.key(), self.value()),
            4 => format!("'blpop', {}, {}", self.key(), self.value()),
            5 => format!("name, {}", self.key()),
            _ => format!("'get', {}", self.key()),
        };
        let open = if call.ends_with(' ') { "" } else { "(" };
        format!("{call}{open}{arguments})")
    }

    fn value(&mut self) -> String {
        if self.left == 0 {
            return "KEYS[1]".into();
        }
        self.left -= 1;
        match self.below(34) {
            0 => "'x'".into(),
            1 => "1".into(),
            2 => "nil".into(),
            3 => "KEYS".into(),
            4 => "ARGV[1]".into(),
            5 => format!("{{{}, {}}}", self.value(), self.value()),
            6 => format!("{{a = {}}}", self.value()),
            7 => format!(
                "function({}) {} return {} end",
                self.variable(),
                self.block(),
                self.value()
            ),
            8 => self
                .one_of(&[
                    "redis",
                    "redis.call",
                    "call",
                    "name",
                    "...",
                    "table.concat(KEYS)",
                ])
                .into(),
            9 => format!("{} .. {}", self.key(), self.value()),
            10 => format!("#{}", self.variable()),
            11 => format!("{} == {}", self.value(), self.value()),
            12 => format!("not {}", self.value()),
            13 => format!("unpack({})", self.value()),
            14 => format!("{}.a", self.variable()),
            15 => format!("{}[{}]", self.variable(), self.value()),
            16 => format!("select(2, {})", self.value()),
            17 => format!("pcall({}, {})", self.value(), self.value()),
            18 => format!("tostring({})", self.key()),
            19 => format!(
                "{}({})",
                self.one_of(&["pairs", "ipairs", "next"]),
                self.value()
            ),
            20 => self.command(),
            21 => format!("f({}, {})", self.value(), self.value()),
            22 => format!("({})", self.value()),
            23 => format!("setmetatable({{}}, {{__index = {}}})", self.value()),
            24 | 25 => self.variable().into(),
            _ => self.key(),
        }
    }

    fn statement(&mut self) -> String {
        if self.left == 0 {
            return String::new();
        }
        self.left -= 1;
        match self.below(26) {
            0 => format!("local {} = {}", self.variable(), self.value()),
            1 => format!(
                "local {}, {} = {}",
                self.variable(),
                self.variable(),
                self.value()
            ),
            2 => format!(
                "{}, {} = {}, {}",
                self.variable(),
                self.variable(),
                self.key(),
                self.value()
            ),
            3 | 4 => format!("{} = {}", self.variable(), self.key()),
            5 => format!(
                "if {} then {} else {} end",
                self.value(),
                self.block(),
                self.block()
            ),
            6 => {
                let iterator = self.one_of(&[
                    "ipairs(KEYS)",
                    "pairs(KEYS)",
                    "ipairs(keys)",
                    "pairs(keys), a",
                    "pairs(b)",
                ]);
                format!(
                    "for {}, {} in {iterator} do {} end",
                    self.variable(),
                    self.variable(),
                    self.block()
                )
            }
            7 => format!("for {} = 1, 2 do {} end", self.variable(), self.block()),
            8 => format!(
                "local function f({}, {}) {} return {} end",
                self.variable(),
                self.variable(),
                self.block(),
                self.key()
            ),
            9 => format!(
                "local function f({}, ...) {} return {} end",
                self.variable(),
                self.block(),
                self.value()
            ),
            10 => format!("f({}, {})", self.key(), self.value()),
            11 => format!("f = function({}) {} end", self.variable(), self.block()),
            12 => format!("do {} end", self.block()),
            13 => format!("repeat {} until true or {}", self.block(), self.value()),
            14 => format!(
                "{}[{}] = {}",
                self.variable(),
                1 + self.below(2),
                self.value()
            ),
            15 => format!("do return {} end", self.value()),
            16 => format!("local {} = KEYS", self.variable()),
            17 => format!("{}({})", self.variable(), self.value()),
            18 => format!("{}.a({})", self.variable(), self.value()),
            19 => format!("{}[1]({})", self.variable(), self.value()),
            20 => format!(
                "local {} = function({}) {} end",
                self.variable(),
                self.variable(),
                self.command()
            ),
            _ => self.command(),
        }
    }
}

fn program(seed: u64) -> String {
    let mut dice = Dice {
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        left: 14,
    };
    let mut statements = vec![
        "local call, name, keys, a, b, c = redis.call, 'get', KEYS, KEYS[1]".to_string(),
        format!("local function f(a, b) {} return a end", dice.block()),
    ];
    for _ in 0..5 {
        statements.push(dice.statement());
    }
    statements.join("\n")
}

/// The keys that a request names; one that names none that are known touches `?`.
fn touched(request: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let Some((name, arguments)) = request.split_first() else {
        return Vec::new();
    };
    let second = arguments.first().map(Vec::as_slice);
    let Some(places) = commands(&name.to_ascii_lowercase(), second) else {
        return vec![b"?".to_vec()];
    };
    let mut keys = Vec::new();
    for place in places {
        let (first, behind, step) = match place {
            Place::Range { first, last, step } if last < 0 => (
                first,
                (request.len() + 1).saturating_sub(last.unsigned_abs()),
                step,
            ),
            Place::Range { first, last, step } => (first, last.unsigned_abs() + 1, step),
            Place::Counted {
                number,
                first,
                step,
            } => {
                let digits = request
                    .get(number)
                    .and_then(|digits| std::str::from_utf8(digits).ok());
                let count: usize = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
                (first, first + count.min(request.len()) * step, step)
            }
        };
        if behind > request.len() {
            // Wrong number of arguments.
            return Vec::new();
        }
        keys.extend(
            (first..behind)
                .step_by(step)
                .map(|index| request[index].clone()),
        );
    }
    keys
}

/// Runs the program as a server would; all keys that it touched, or nothing if it is not Lua.
fn run(source: &str) -> Option<Vec<Vec<u8>>> {
    let lua = Lua::new();
    let keys = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&keys);
    let call = lua
        .create_function(move |_, arguments: Variadic<Value>| {
            let mut request = Vec::new();
            for argument in arguments.iter() {
                request.push(match argument {
                    Value::String(text) => text.as_bytes().to_vec(),
                    Value::Integer(number) => number.to_string().into_bytes(),
                    Value::Number(number) => number.to_string().into_bytes(),
                    _ => {
                        return Err(mlua::Error::runtime(
                            "arguments must be strings or integers",
                        ));
                    }
                });
            }
            seen.borrow_mut().extend(touched(&request));
            Ok("x")
        })
        .unwrap();
    lua.globals().set("call_command", call).unwrap();
    // An error ends the program: one that goes on and on could not be ended otherwise.
    lua.load(
        "redis = {call = call_command, pcall = call_command}
        call_command = nil
        KEYS, ARGV = {'k1', 'k2', 'k3'}, {'x', 'y'}
        pcall = function(f, ...) return true, f(...) end",
    )
    .exec()
    .unwrap();
    lua.set_hook(
        HookTriggers::new().every_nth_instruction(20_000),
        |_, _| -> mlua::Result<VmState> { Err(mlua::Error::runtime("too long")) },
    )
    .unwrap();
    let function = lua.load(source).into_function().ok()?;
    // How it ends does not matter.
    let _ = function.call::<Value>(());
    Some(keys.take())
}

/// `LARDER_FOOTPRINT_ROUNDS` makes it longer.
#[test]
fn what_is_proved_is_true() {
    let rounds =
        std::env::var("LARDER_FOOTPRINT_ROUNDS").map_or(3_000, |rounds| rounds.parse().unwrap());
    let (mut programs, mut proved) = (0, 0);
    for seed in 0..rounds {
        let source = program(seed);
        let Some(keys) = run(&source) else {
            continue;
        };
        programs += 1;
        assert!(
            parse::program(source.as_bytes()).is_ok(),
            "not read: {source}"
        );
        if !stays_within_keys(source.as_bytes(), Entry::Script, &commands) {
            continue;
        }
        proved += usize::from(!keys.is_empty());
        for key in keys {
            assert!(
                [&b"k1"[..], b"k2", b"k3"].contains(&key.as_slice()),
                "{} is touched by {source}",
                key.escape_ascii()
            );
        }
    }
    // Otherwise this says little.
    assert!(programs > rounds * 9 / 10, "{programs} of {rounds} are Lua");
    assert!(
        proved as u64 > rounds / 50,
        "{proved} of {rounds} are proved"
    );
}
