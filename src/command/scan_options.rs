//! What SCAN, HSCAN, ZSCAN and SSCAN have in common: the cursor, MATCH and COUNT.
//!
//! What scans a key judges the cursor first, then the key, and the options only if there is such a key.

use crate::resp::{Args, Reply, ReplyError};
use crate::value::{glob, number};

/// Elements a call returns if the client does not say.
const DEFAULT_COUNT: usize = 10;
/// A call may not be asked for more than this.
const MAX_COUNT: i64 = i64::MAX / 16;

/// Parses a cursor; blanks before it are skipped.
pub fn cursor(text: &[u8]) -> Result<u64, ReplyError> {
    std::str::from_utf8(text.trim_ascii_start())
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(ReplyError::INVALID_CURSOR)
}

/// Parsed arguments of a scanning command.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions<'a> {
    /// Where to go on; 0 to begin.
    pub cursor: u64,
    /// About how many elements to look at.
    pub count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    /// Parses the options in `args`, which stand behind the cursor; options it does not know are given to `other`, which
    /// gets the option and the argument behind it and says how many words it took.
    pub fn parse(
        cursor: u64,
        args: Args<'a>,
        mut other: impl FnMut(&'a [u8], Option<&'a [u8]>) -> Result<usize, ReplyError>,
    ) -> Result<Self, ReplyError> {
        let mut options = Self {
            cursor,
            count: DEFAULT_COUNT,
            pattern: None,
        };
        let mut at = 0;
        while let Some(word) = args.get(at) {
            match args.get(at + 1) {
                Some(count) if word.eq_ignore_ascii_case(b"COUNT") => {
                    let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
                    if count < 1 {
                        return Err(ReplyError::SYNTAX);
                    }
                    options.count = usize::try_from(count.min(MAX_COUNT)).unwrap_or(usize::MAX);
                    at += 2;
                }
                Some(pattern) if word.eq_ignore_ascii_case(b"MATCH") => {
                    options.pattern = Some(pattern).filter(|pattern| *pattern != b"*");
                    at += 2;
                }
                next => at += other(word, next)?,
            }
        }
        Ok(options)
    }

    /// Whether an element's name is wanted.
    pub fn wants(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, name))
    }

    /// Begins the reply: where to go on, then `elements` elements, which the caller writes.
    pub fn begin_reply(reply: &mut Reply, next: u64, elements: usize) {
        reply.array(2);
        reply.bulk(itoa::Buffer::new().format(next).as_bytes());
        reply.array(elements);
    }
}
