//! The proof against scripts as they are written, against tricks, against hostile sources, and against Lua itself.

mod corpus;
mod generated;
mod hostile;
mod tricks;

use super::{Entry, Place, stays_within_keys};

/// The commands of these tests, as a table of commands would tell of them.
fn commands(name: &[u8], second: Option<&[u8]>) -> Option<Vec<Place>> {
    let range = |first, last, step| Place::Range { first, last, step };
    let counted = |number| Place::Counted {
        number,
        first: number + 1,
        step: 1,
    };
    Some(match name {
        b"ping" | b"time" | b"publish" | b"echo" => vec![],
        b"del" | b"exists" | b"mget" | b"sinter" | b"unlink" | b"touch" => vec![range(1, -1, 1)],
        b"mset" => vec![range(1, -1, 2)],
        b"blpop" => vec![range(1, -2, 1)],
        b"rename" | b"rpoplpush" | b"lmove" | b"smove" | b"copy" => vec![range(1, 2, 1)],
        b"zunionstore" => vec![Place::at(1), counted(2)],
        b"zunion" | b"lmpop" => vec![counted(1)],
        b"msetex" => vec![Place::Counted {
            number: 1,
            first: 2,
            step: 2,
        }],
        b"xgroup" if second.is_some_and(|word| word.eq_ignore_ascii_case(b"create")) => {
            vec![Place::at(2)]
        }
        b"keys" | b"scan" | b"sort" | b"xgroup" | b"flushall" => return None,
        b"nonsense" => vec![],
        _ => vec![Place::at(1)],
    })
}

fn of_script(source: &str) -> bool {
    stays_within_keys(source.as_bytes(), Entry::Script, &commands)
}

fn of_library(source: &str) -> bool {
    stays_within_keys(source.as_bytes(), Entry::Library, &commands)
}

#[track_caller]
fn holds(source: &str) {
    assert!(of_script(source), "not proved: {source}");
}

#[track_caller]
fn holds_not(source: &str) {
    assert!(!of_script(source), "wrongly proved: {source}");
}
