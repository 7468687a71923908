//! LCS: the longest common subsequence of two strings, by the textbook's dynamic programming.
//!
//! The table of lengths takes four bytes for each pair of bytes; its size is bounded, as Redis bounds it by memory.

use super::value::StringView;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// Cells of the table that a request may ask for: 1 GiB of memory.
const MAX_CELLS: usize = 1 << 28;

/// A common run: where it starts in both strings, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    a: usize,
    b: usize,
    length: usize,
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
pub(super) fn lcs(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut string = |key: &[u8]| -> Result<Vec<u8>, ReplyError> {
        let mut view = StringView::read(&mut ctx.keys, key)
            .map_err(|_| ReplyError::new("ERR The specified keys must contain string values"))?;
        Ok(view.bytes().to_vec())
    };
    // Both are looked up, and counted, before either is judged; the options come behind that.
    let (a, b) = (string(args.at(1)), string(args.at(2)));
    let (a, b) = (a?, b?);
    let (mut want_length, mut want_runs, mut with_lengths, mut shortest) = (false, false, false, 0);
    let mut at = 3;
    while let Some(word) = args.get(at) {
        if word.eq_ignore_ascii_case(b"IDX") {
            want_runs = true;
        } else if word.eq_ignore_ascii_case(b"LEN") {
            want_length = true;
        } else if word.eq_ignore_ascii_case(b"WITHMATCHLEN") {
            with_lengths = true;
        } else if word.eq_ignore_ascii_case(b"MINMATCHLEN") && at + 1 < args.len() {
            at += 1;
            shortest = number::parse_i64(args.at(at))
                .ok_or(ReplyError::NOT_INTEGER)?
                .max(0);
        } else {
            return Err(ReplyError::SYNTAX);
        }
        at += 1;
    }
    if want_length && want_runs {
        return Err(ReplyError::new(
            "ERR If you want both the length and indexes, please just use IDX.",
        ));
    }
    let (subsequence, runs) = longest_common(&a, &b)?;
    if want_length {
        ctx.reply.int(subsequence.len() as i64);
    } else if want_runs {
        let runs: Vec<_> = runs
            .into_iter()
            .filter(|run| run.length as i64 >= shortest)
            .collect();
        ctx.reply.map(2);
        ctx.reply.bulk(b"matches");
        ctx.reply.array(runs.len());
        for run in runs {
            ctx.reply.array(if with_lengths { 3 } else { 2 });
            for start in [run.a, run.b] {
                ctx.reply.array(2);
                ctx.reply.int(start as i64);
                ctx.reply.int((start + run.length - 1) as i64);
            }
            if with_lengths {
                ctx.reply.int(run.length as i64);
            }
        }
        ctx.reply.bulk(b"len");
        ctx.reply.int(subsequence.len() as i64);
    } else {
        ctx.reply.bulk(&subsequence);
    }
    Ok(Outcome::Done)
}

/// The longest common subsequence, and the runs it is made of from the last to the first.
fn longest_common(a: &[u8], b: &[u8]) -> Result<(Vec<u8>, Vec<Run>), ReplyError> {
    let width = b.len() + 1;
    let cells = (a.len() + 1)
        .checked_mul(width)
        .filter(|cells| *cells <= MAX_CELLS);
    let cells = cells.ok_or_else(|| {
        ReplyError::new(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        )
    })?;
    let mut table = vec![0_u32; cells];
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            table[i * width + j] = if a[i - 1] == b[j - 1] {
                table[(i - 1) * width + j - 1] + 1
            } else {
                table[(i - 1) * width + j].max(table[i * width + j - 1])
            };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut subsequence = Vec::with_capacity(table[cells - 1] as usize);
    let mut runs: Vec<Run> = Vec::new();
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            subsequence.push(a[i]);
            match runs.last_mut() {
                Some(run) if run.a == i + 1 && run.b == j + 1 => {
                    *run = Run {
                        a: i,
                        b: j,
                        length: run.length + 1,
                    }
                }
                _ => runs.push(Run {
                    a: i,
                    b: j,
                    length: 1,
                }),
            }
        } else if table[(i - 1) * width + j] > table[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    subsequence.reverse();
    Ok((subsequence, runs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::command::local::LocalClient;
    use crate::config::Settings;
    use crate::server::Server;

    #[test]
    fn the_example_of_the_documentation() {
        let (subsequence, runs) = longest_common(b"ohmytext", b"mynewtext").expect("small");
        assert_eq!(subsequence, b"mytext");
        assert_eq!(
            runs,
            [
                Run {
                    a: 4,
                    b: 5,
                    length: 4
                },
                Run {
                    a: 2,
                    b: 0,
                    length: 2
                }
            ]
        );
    }

    #[test]
    fn empty_and_disjoint() {
        for (a, b) in [(&b""[..], &b"abc"[..]), (b"abc", b""), (b"abc", b"xyz")] {
            assert_eq!(longest_common(a, b).expect("small"), (vec![], vec![]));
        }
    }

    #[test]
    fn keys_are_judged_before_options() {
        let server = Server::new(Settings::new(), 1, Clock::manual(1_000_000).0);
        let mut client = LocalClient::new(&server, 0);
        client.run(&server, &[b"SADD", b"set", b"m"]);
        let wrong = client.run(&server, &[b"LCS", b"set", b"none", b"FOO"]);
        assert_eq!(
            wrong,
            "-ERR The specified keys must contain string values\r\n"
        );
        let syntax = client.run(&server, &[b"LCS", b"none", b"none", b"FOO"]);
        assert_eq!(syntax, "-ERR syntax error\r\n");
    }
}
