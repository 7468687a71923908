//! DEBUG's tools for clients: an example of every type of the protocol, errors of any text.

use crate::command::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::{glob, number};

const NO_SUCH_TYPE: ReplyError = ReplyError::fixed(
    "ERR Wrong protocol type name. Please use one of the following: \
     string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);
const RESP3_ONLY: ReplyError = ReplyError::fixed("ERR RESP2 is not supported by this command");

/// The longest text that STRINGMATCH-LEN makes.
const LONGEST_TEXT: i64 = 1 << 20;

/// `DEBUG PROTOCOL type`
#[expect(
    clippy::approx_constant,
    reason = "the double is the peers' example, not pi"
)]
pub(super) fn example(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let reply = &mut *ctx.reply;
    match args.at(2).to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(3.141),
        b"bignum" => reply.bignum("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.bool(number == 1);
            }
        }
        b"attrib" => attributes(reply),
        b"push" if !reply.is_resp3() => return Err(RESP3_ONLY),
        b"push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
            // A push is no reply: the command still owes one.
            reply.bulk(b"Some real reply following the push reply");
        }
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        _ => return Err(NO_SUCH_TYPE),
    }
    Ok(Outcome::Done)
}

fn attributes(reply: &mut Reply) {
    if reply.is_resp3() {
        reply.attribute(1);
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.int(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

/// `DEBUG ERROR text`: the text is the whole error, its code included.
pub(super) fn error(_: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    Err(ReplyError::from_bytes(args.at(2).to_vec()))
}

/// `DEBUG STRINGMATCH-LEN length pattern`
pub(super) fn stringmatch_len(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    if !(0..=LONGEST_TEXT).contains(&length) {
        return Err(ReplyError::VALUE_RANGE);
    }
    let text = vec![b'a'; usize::try_from(length).unwrap_or(0)];
    ctx.reply.int(glob::matches(args.at(3), &text).into());
    Ok(Outcome::Done)
}
