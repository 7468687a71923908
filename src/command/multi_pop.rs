//! What LMPOP, ZMPOP and their blocking forms have in common: `numkeys key [key ...] word [COUNT count]`.

use crate::resp::{Args, ReplyError};
use crate::value::number;

/// What such a command asks for.
#[derive(Debug, Clone, Copy)]
pub struct MultiPop<'a, W> {
    keys: Args<'a>,
    numkeys: usize,
    /// From where to take.
    pub place: W,
    /// The most elements to take: at least 1.
    pub count: usize,
}

impl<'a, W: Copy> MultiPop<'a, W> {
    /// Parses the arguments from the number of keys on, which is argument `at`. `places` are the words that say from where to
    /// take.
    pub fn parse(args: Args<'a>, at: usize, places: [(&str, W); 2]) -> Result<Self, ReplyError> {
        let numkeys = at_least(1, args.at(at))
            .ok_or(ReplyError::fixed("ERR numkeys should be greater than 0"))?;
        let keys = args.rest(at + 1);
        let mut options = keys.rest(numkeys).iter();
        let place = options.next().and_then(|word| {
            let named = |(name, _): &&(&str, W)| word.eq_ignore_ascii_case(name.as_bytes());
            places.iter().find(named).map(|(_, place)| *place)
        });
        let place = place.ok_or(ReplyError::SYNTAX)?;
        let mut wanted = None;
        while let Some(word) = options.next() {
            match options.next() {
                Some(text) if wanted.is_none() && word.eq_ignore_ascii_case(b"COUNT") => {
                    let error = ReplyError::fixed("ERR count should be greater than 0");
                    wanted = Some(at_least(1, text).ok_or(error)?);
                }
                _ => return Err(ReplyError::SYNTAX),
            }
        }
        Ok(Self {
            keys,
            numkeys,
            place,
            count: wanted.unwrap_or(1),
        })
    }

    /// The keys, in the order in which they are tried.
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a, W> {
        self.keys.iter().take(self.numkeys)
    }
}

/// A number of at least `least`.
pub fn at_least(least: i64, text: &[u8]) -> Option<usize> {
    number::parse_i64(text)
        .filter(|count| *count >= least)
        .and_then(|count| usize::try_from(count).ok())
}
