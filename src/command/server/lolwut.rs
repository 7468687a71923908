//! `LOLWUT`: what a larder is for. Shelves of jars, never the same ones twice.

use std::fmt::Write as _;

use crate::command::random::below;
use crate::command::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// How many shelves there are and how many jars stand on each, if nobody says so, and at most.
const SHELVES: (usize, usize) = (3, 20);
const JARS: (usize, usize) = (6, 20);

/// How a jar looks: its lid, its shoulders, two lines of glass around what is in it, its bottom.
const JARS_LOOK: [[&str; 5]; 4] = [
    [
        " .-----. ",
        " )_____( ",
        "|#######|",
        "|#######|",
        "'-------'",
    ],
    [
        "  .---.  ",
        " /     \\ ",
        "|  ###  |",
        "|#######|",
        " '-----' ",
    ],
    [
        "         ",
        "  [===]  ",
        " / ### \\ ",
        "( ##### )",
        " '-----' ",
    ],
    [
        "  _____  ",
        " |_____| ",
        " |#####| ",
        " |#####| ",
        " '-----' ",
    ],
];
/// A place that is still free.
const NO_JAR: [&str; 5] = ["         "; 5];
/// What is in it: jam, honey, pickles, pepper, flour, beans, rice.
const CONTENTS: &[char] = &['@', '~', 'o', ':', '.', '%', '"'];

/// `LOLWUT [VERSION version] [shelves [jars]]`: every version of it is this one.
pub(super) fn lolwut(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut sizes = args.rest(1);
    if sizes.len() > 1 && sizes[0].eq_ignore_ascii_case(b"VERSION") {
        number::parse_i64(&sizes[1]).ok_or(ReplyError::NOT_INTEGER)?;
        sizes = sizes.rest(2);
    }
    let size = |at: usize, (usual, most): (usize, usize)| match sizes.get(at) {
        None => Ok(usual),
        Some(text) => {
            let size = number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)?;
            Ok(usize::try_from(size).unwrap_or(0).clamp(1, most))
        }
    };
    let text = draw(size(0, SHELVES)?, size(1, JARS)?, below);
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Draws the shelves; `choose` picks a number below another.
fn draw(shelves: usize, jars: usize, mut choose: impl FnMut(usize) -> usize) -> String {
    let mut text = String::new();
    let board = "=".repeat(10 * jars + 3);
    for _ in 0..shelves {
        let mut lines = [const { String::new() }; 5];
        for _ in 0..jars {
            let look = match choose(8) {
                0 => NO_JAR,
                _ => JARS_LOOK[choose(JARS_LOOK.len())],
            };
            let content = CONTENTS[choose(CONTENTS.len())].to_string();
            for (line, part) in lines.iter_mut().zip(look) {
                let _ = write!(line, " {}", part.replace('#', &content));
            }
        }
        for line in &lines {
            let _ = writeln!(text, "| {line}|");
        }
        let _ = writeln!(text, "{board}");
    }
    let _ = writeln!(
        text,
        "\nHelp yourself. Larder ver. {}",
        env!("CARGO_PKG_VERSION")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_shelf_is_as_wide_as_its_board() {
        let text = draw(2, 7, below);
        let widths: Vec<usize> = text.lines().take(12).map(str::len).collect();
        assert_eq!(widths, [73; 12], "\n{text}");
        assert!(!text.contains('#'), "every jar is filled\n{text}");
        assert_ne!(draw(9, 9, below), draw(9, 9, below));
    }
}
