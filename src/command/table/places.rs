//! What the proof of a script's footprint asks about commands.

use super::keys::{Begin, Find, KeySpec};
use super::{Command, KeyFlags, Lock, find};
use crate::script::footprint::Place;

/// Where the keys of a command stand whose name is `name` and whose next argument is `second`, if that is known; `None` if
/// the name and that argument do not tell, or if the command may touch other keys. For
/// [`stays_within_keys`](crate::script::footprint::stays_within_keys).
pub fn places_of(name: &[u8], second: Option<&[u8]>) -> Option<Vec<Place>> {
    let Some(command) = find(name) else {
        // It can only fail.
        return Some(Vec::new());
    };
    if command.subcommands.is_empty() {
        return places(command);
    }
    match command.subcommand(second?) {
        Some(subcommand) => places(subcommand),
        None => Some(Vec::new()),
    }
}

fn places(command: &Command) -> Option<Vec<Place>> {
    let touches_only_its_keys = matches!(command.lock, Lock::Keys | Lock::None);
    if !touches_only_its_keys || command.lock_chooser.is_some() {
        return None;
    }
    command
        .keys
        .iter()
        .filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
        .map(place)
        .collect()
}

fn place(spec: &KeySpec) -> Option<Place> {
    let Begin::Index(begin) = spec.begin else {
        return None;
    };
    if spec.flags.contains(KeyFlags::INCOMPLETE) {
        return None;
    }
    let begin = usize::from(begin);
    match spec.find {
        Find::Range {
            last,
            step,
            limit: 0 | 1,
        } => Some(Place::Range {
            first: begin,
            last: match usize::try_from(last) {
                Ok(last) => (begin + last).cast_signed(),
                Err(_) => last.into(),
            },
            step: step.into(),
        }),
        Find::Count { at, first, step } => Some(Place::Counted {
            number: begin + usize::from(at),
            first: begin + usize::from(first),
            step: step.into(),
        }),
        Find::Range { .. } | Find::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(request: &str) -> Option<Vec<Place>> {
        let mut words = request.split(' ').map(str::as_bytes);
        places_of(words.next().unwrap(), words.next())
    }

    #[test]
    fn specs_become_places() {
        let range = |first, last, step| Place::Range { first, last, step };
        for (request, expected) in [
            ("get", vec![Place::at(1)]),
            ("set", vec![Place::at(1)]),
            ("bitfield", vec![Place::at(1)]),
            ("del", vec![range(1, -1, 1)]),
            ("mset", vec![range(1, -1, 2)]),
            ("blpop", vec![range(1, -2, 1)]),
            ("rename", vec![Place::at(1), Place::at(2)]),
            ("object encoding", vec![Place::at(2)]),
            (
                "zunionstore",
                vec![
                    Place::at(1),
                    Place::Counted {
                        number: 2,
                        first: 3,
                        step: 1,
                    },
                ],
            ),
            ("ping", vec![]),
            ("publish", vec![]),
            ("object nonsense", vec![]),
            ("nonsense", vec![]),
        ] {
            assert_eq!(of(request), Some(expected), "{request}");
        }
    }

    #[test]
    fn what_is_not_told_by_places_is_unknown() {
        for request in [
            "keys",
            "scan",
            "sort",
            "sort_ro",
            "flushall",
            "flushdb",
            "swapdb",
            "randomkey",
            "dbsize",
            "georadius",
            "xread",
            "xreadgroup",
            "migrate",
            "object",
            "memory",
        ] {
            assert_eq!(of(request), None, "{request}");
        }
    }
}
