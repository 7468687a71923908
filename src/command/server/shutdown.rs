//! SHUTDOWN: the server's end at a client's word. There is no reply: the connection is closed.

use crate::command::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};

/// What the words of a request ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    save: bool,
    nosave: bool,
    now: bool,
    force: bool,
    safe: bool,
    failover: bool,
    abort: bool,
}

impl Options {
    fn parse(words: Args<'_>) -> Result<Options, ReplyError> {
        let mut options = Options::default();
        for word in words.iter() {
            let option = match word.to_ascii_lowercase().as_slice() {
                b"save" => &mut options.save,
                b"nosave" => &mut options.nosave,
                b"now" => &mut options.now,
                b"force" => &mut options.force,
                b"safe" => &mut options.safe,
                b"failover" => &mut options.failover,
                b"abort" => &mut options.abort,
                _ => return Err(ReplyError::SYNTAX),
            };
            *option = true;
        }
        let contradictory = options.save && options.nosave || options.abort && words.len() > 1;
        if contradictory {
            return Err(ReplyError::SYNTAX);
        }
        Ok(options)
    }
}

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [SAFE] [FAILOVER]`, `SHUTDOWN ABORT`
///
/// There are no replicas to wait for, so that NOW, SAFE and FAILOVER change nothing, and no shutdown lasts long enough to
/// be aborted. Who asks for SAVE without FORCE does not want to lose data, and is refused.
pub(super) fn shutdown(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args.rest(1))?;
    if options.abort {
        return Err(ReplyError::err("No shutdown in progress."));
    }
    if options.save && !options.force {
        tracing::warn!(
            "SHUTDOWN SAVE refused: nothing is stored on disk. SHUTDOWN NOSAVE ends the server"
        );
        return Err(ReplyError::err("Errors trying to SHUTDOWN. Check logs."));
    }
    tracing::info!("User requested shutdown...");
    ctx.session.closing = true;
    ctx.server.shut_down();
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedArgs;

    fn parse(words: &[&str]) -> Option<Options> {
        Options::parse(words.iter().collect::<OwnedArgs>().view()).ok()
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for words in [
            &["x"][..],
            &["save", "NOSAVE"],
            &["abort", "now"],
            &["ABORT", "abort"],
        ] {
            assert_eq!(parse(words), None, "{words:?}");
        }
        let options = parse(&["NoSave", "now", "now"]).unwrap();
        assert!(options.nosave && options.now && !options.force);
        assert_eq!(parse(&[]), Some(Options::default()));
    }
}
