//! COMMAND and its subcommands: what the table says, in the shapes of the protocol.

use super::table::keys::{Begin, Find};
use super::table::syntax::{Argument, Kind};
use super::table::{self, Acl, Command, KeySpec};
use super::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::glob;

const UNKNOWN: ReplyError = ReplyError::fixed("ERR Invalid command specified");
const KEYLESS: ReplyError = ReplyError::fixed("ERR The command has no key arguments");
const WRONG_NUMBER: ReplyError =
    ReplyError::fixed("ERR Invalid number of arguments specified for command");
const NO_KEYS: ReplyError = ReplyError::fixed("ERR Invalid arguments specified for command");

/// COMMAND
pub(super) fn all(context: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    write_all(context.reply);
    Ok(Outcome::Done)
}

/// COMMAND COUNT
pub(super) fn count(context: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    context.reply.int(as_int(table::commands().len()));
    Ok(Outcome::Done)
}

/// COMMAND INFO [command-name ...]
pub(super) fn info(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    write_info(context.reply, args.rest(2));
    Ok(Outcome::Done)
}

/// COMMAND DOCS [command-name ...]
pub(super) fn docs(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    write_docs(context.reply, args.rest(2));
    Ok(Outcome::Done)
}

/// COMMAND LIST [FILTERBY MODULE module-name|ACLCAT category|PATTERN pattern]
pub(super) fn list(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    write_list(context.reply, args.rest(2))?;
    Ok(Outcome::Done)
}

/// COMMAND GETKEYS command [arg ...]
pub(super) fn getkeys(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    write_keys(context.reply, args.rest(2), false)?;
    Ok(Outcome::Done)
}

/// COMMAND GETKEYSANDFLAGS command [arg ...]
pub(super) fn getkeysandflags(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    write_keys(context.reply, args.rest(2), true)?;
    Ok(Outcome::Done)
}

fn write_all(reply: &mut Reply) {
    reply.array(table::commands().len());
    for command in table::commands() {
        write_command(reply, command);
    }
}

fn write_info(reply: &mut Reply, names: Args<'_>) {
    if names.is_empty() {
        return write_all(reply);
    }
    reply.array(names.len());
    for name in names {
        match table::find_path(name) {
            Some(command) => write_command(reply, command),
            None => reply.null(),
        }
    }
}

fn write_docs(reply: &mut Reply, names: Args<'_>) {
    let commands: Vec<&Command> = if names.is_empty() {
        table::commands().to_vec()
    } else {
        names.iter().filter_map(table::find_path).collect()
    };
    reply.map(commands.len());
    for command in commands {
        reply.bulk(command.full_name().as_bytes());
        write_command_docs(reply, command);
    }
}

/// What `COMMAND LIST` lets through.
enum Filter<'a> {
    Everything,
    Nothing,
    Category(Acl),
    Pattern(&'a [u8]),
}

impl Filter<'_> {
    fn lets_through(&self, command: &Command) -> bool {
        match self {
            Filter::Everything => true,
            Filter::Nothing => false,
            Filter::Category(category) => command.acl.contains(*category),
            Filter::Pattern(pattern) => {
                glob::matches_ignoring_case(pattern, command.full_name().as_bytes())
            }
        }
    }
}

fn write_list(reply: &mut Reply, options: Args<'_>) -> Result<(), ReplyError> {
    let is = |at: usize, word: &str| options.at(at).eq_ignore_ascii_case(word.as_bytes());
    let filter = match options.len() {
        0 => Filter::Everything,
        3 if is(0, "FILTERBY") => match options.at(2) {
            // There are no modules, so none has commands.
            _ if is(1, "MODULE") => Filter::Nothing,
            name if is(1, "ACLCAT") => Acl::named(name).map_or(Filter::Nothing, Filter::Category),
            pattern if is(1, "PATTERN") => Filter::Pattern(pattern),
            _ => return Err(ReplyError::SYNTAX),
        },
        _ => return Err(ReplyError::SYNTAX),
    };
    let listed = table::all()
        .iter()
        .filter(|command| filter.lets_through(command));
    reply.array(listed.clone().count());
    for command in listed {
        reply.bulk(command.full_name().as_bytes());
    }
    Ok(())
}

fn write_keys(reply: &mut Reply, request: Args<'_>, with_flags: bool) -> Result<(), ReplyError> {
    let command = table::resolve(request).ok_or(UNKNOWN)?;
    if !command.has_keys() {
        return Err(KEYLESS);
    }
    if !command.accepts(request.len()) {
        return Err(WRONG_NUMBER);
    }
    let keys = table::keys_of(command, request).unwrap_or_default();
    if keys.is_empty() && !command.flags.contains(table::Flags::NO_MANDATORY_KEYS) {
        return Err(NO_KEYS);
    }
    reply.array(keys.len());
    for key in keys.iter() {
        if with_flags {
            reply.array(2);
        }
        reply.bulk(request.at(key.index));
        if with_flags {
            write_words(reply, key.flags.names());
        }
    }
    Ok(())
}

fn as_int(count: usize) -> i64 {
    i64::try_from(count).expect("counts of entries are small")
}

fn write_text(reply: &mut Reply, text: &str) {
    reply.bulk(text.as_bytes());
}

fn write_pair(reply: &mut Reply, name: &str, value: &str) {
    write_text(reply, name);
    write_text(reply, value);
}

fn write_words(reply: &mut Reply, words: impl Iterator<Item = &'static str> + Clone) {
    reply.set(words.clone().count());
    for word in words {
        reply.simple(word);
    }
}

/// The ten elements of `COMMAND INFO`.
fn write_command(reply: &mut Reply, command: &Command) {
    reply.array(10);
    write_text(reply, command.full_name());
    reply.int(command.arity.into());
    write_words(reply, command.flags.names());
    let range = command.key_range();
    reply.int(range.first.into());
    reply.int(range.last.into());
    reply.int(range.step.into());
    reply.set(command.acl.names().count());
    for category in command.acl.names() {
        reply.simple(&format!("@{category}"));
    }
    reply.set(command.tips.len());
    for tip in command.tips {
        write_text(reply, tip);
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        write_key_spec(reply, spec);
    }
    reply.array(command.subcommands.len());
    for subcommand in command.subcommands {
        write_command(reply, subcommand);
    }
}

fn write_key_spec(reply: &mut Reply, spec: &KeySpec) {
    reply.map(if spec.note.is_empty() { 3 } else { 4 });
    if !spec.note.is_empty() {
        write_pair(reply, "notes", spec.note);
    }
    write_text(reply, "flags");
    write_words(reply, spec.flags.names());
    write_text(reply, "begin_search");
    match spec.begin {
        Begin::Index(at) => write_spec(reply, "index", &[("index", at.into())]),
        Begin::Keyword { word, start } => {
            write_spec_head(reply, "keyword", 2);
            write_pair(reply, "keyword", word);
            write_text(reply, "startfrom");
            reply.int(start.into());
        }
        Begin::Unknown => write_spec(reply, "unknown", &[]),
    }
    write_text(reply, "find_keys");
    match spec.find {
        Find::Range { last, step, limit } => write_spec(
            reply,
            "range",
            &[
                ("lastkey", last.into()),
                ("keystep", step.into()),
                ("limit", limit.into()),
            ],
        ),
        Find::Count { at, first, step } => write_spec(
            reply,
            "keynum",
            &[
                ("keynumidx", at.into()),
                ("firstkey", first.into()),
                ("keystep", step.into()),
            ],
        ),
        Find::Unknown => write_spec(reply, "unknown", &[]),
    }
}

fn write_spec_head(reply: &mut Reply, kind: &str, facts: usize) {
    reply.map(2);
    write_pair(reply, "type", kind);
    write_text(reply, "spec");
    reply.map(facts);
}

fn write_spec(reply: &mut Reply, kind: &str, facts: &[(&str, i64)]) {
    write_spec_head(reply, kind, facts.len());
    for &(name, value) in facts {
        write_text(reply, name);
        reply.int(value);
    }
}

/// The map of `COMMAND DOCS`.
fn write_command_docs(reply: &mut Reply, command: &Command) {
    let arguments = command.arguments();
    let deprecated = command.deprecated;
    let doc_flags = [
        (deprecated.is_some(), "deprecated"),
        (command.internal, "syscmd"),
    ];
    let doc_flags = doc_flags
        .into_iter()
        .filter(|flag| flag.0)
        .map(|flag| flag.1);
    let optional = usize::from(!arguments.is_empty())
        + usize::from(!command.subcommands.is_empty())
        + usize::from(doc_flags.clone().next().is_some())
        + if deprecated.is_some() { 2 } else { 0 };
    reply.map(4 + optional);
    write_pair(reply, "summary", command.summary);
    write_pair(reply, "since", command.since);
    write_pair(reply, "group", command.group.name());
    write_pair(reply, "complexity", command.complexity);
    if doc_flags.clone().next().is_some() {
        write_text(reply, "doc_flags");
        write_words(reply, doc_flags);
    }
    if let Some(deprecated) = deprecated {
        write_pair(reply, "deprecated_since", deprecated.since);
        write_pair(reply, "replaced_by", deprecated.replaced_by);
    }
    if !arguments.is_empty() {
        write_text(reply, "arguments");
        write_arguments(reply, &arguments);
    }
    if !command.subcommands.is_empty() {
        write_text(reply, "subcommands");
        reply.map(command.subcommands.len());
        for subcommand in command.subcommands {
            write_text(reply, subcommand.full_name());
            write_command_docs(reply, subcommand);
        }
    }
}

fn write_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(reply, argument);
    }
}

fn write_argument(reply: &mut Reply, argument: &Argument) {
    let flags = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ];
    let flags = flags.into_iter().filter(|flag| flag.0).map(|flag| flag.1);
    let given = [argument.token, argument.since, argument.deprecated_since];
    let given = given.iter().flatten().count()
        + usize::from(argument.key_spec.is_some())
        + usize::from(flags.clone().next().is_some());
    // Name, type, and either how it is shown or what it consists of.
    reply.map(3 + given);
    write_pair(reply, "name", &argument.name);
    write_pair(reply, "type", argument.kind.name());
    let group = matches!(argument.kind, Kind::OneOf | Kind::Block);
    if !group {
        write_pair(
            reply,
            "display_text",
            argument.display.unwrap_or(&argument.name),
        );
    }
    if let Some(index) = argument.key_spec {
        write_text(reply, "key_spec_index");
        reply.int(as_int(index));
    }
    let facts = [
        ("token", argument.token),
        ("since", argument.since),
        ("deprecated_since", argument.deprecated_since),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            write_pair(reply, name, value);
        }
    }
    if flags.clone().next().is_some() {
        write_text(reply, "flags");
        write_words(reply, flags);
    }
    if group {
        write_text(reply, "arguments");
        write_arguments(reply, &argument.arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{OwnedArgs, Protocol};

    type Write = fn(&mut Reply, Args<'_>);

    /// What is written for `request` with line ends as spaces.
    fn written(protocol: Protocol, request: &str, write: Write) -> String {
        let args: OwnedArgs = request.split_whitespace().collect();
        let mut reply = Reply::new(protocol);
        write(&mut reply, args.view());
        String::from_utf8(reply.to_bytes().to_vec())
            .unwrap()
            .replace("\r\n", " ")
    }

    fn answered(reply: &mut Reply, result: Result<(), ReplyError>) {
        if let Err(error) = result {
            reply.error(&error);
        }
    }

    const KEYS: Write = |reply, args| {
        let result = write_keys(reply, args, false);
        answered(reply, result);
    };
    const KEYS_AND_FLAGS: Write = |reply, args| {
        let result = write_keys(reply, args, true);
        answered(reply, result);
    };
    const LIST: Write = |reply, args| {
        let result = write_list(reply, args);
        answered(reply, result);
    };

    #[test]
    fn info_has_ten_elements_in_either_protocol() {
        assert_eq!(
            written(Protocol::Resp2, "GET nope", write_info),
            "*2 *10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 \
             *6 $5 flags *2 +RO +access $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 \
             $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 limit :0 *0 $-1 "
        );
        assert_eq!(
            written(Protocol::Resp3, "config|rewrite x|y", write_info),
            "*2 *10 $14 config|rewrite :2 ~4 +admin +noscript +loading +stale :0 :0 :0 \
             ~3 +@admin +@slow +@dangerous ~2 $24 request_policy:all_nodes \
             $29 response_policy:all_succeeded ~0 *0 _ "
        );
        let all = written(Protocol::Resp3, "", write_info);
        assert!(all.starts_with(&format!("*{} *10 ", table::commands().len())));
    }

    #[test]
    fn docs_are_maps_of_what_is_known() {
        assert_eq!(
            written(Protocol::Resp3, "nope strlen", write_docs),
            "%1 $6 strlen %5 $7 summary $40 Returns the length of a string in bytes. $5 since $5 2.2.0 \
             $5 group $6 string $10 complexity $4 O(1) $9 arguments *1 %4 $4 name $3 key $4 type $3 key \
             $12 display_text $3 key $14 key_spec_index :0 "
        );
        let slaveof = written(Protocol::Resp3, "slaveof", write_docs);
        let deprecated = "$9 doc_flags ~1 +deprecated $16 deprecated_since $5 5.0.0 $11 replaced_by $11 `REPLICAOF` ";
        assert!(
            slaveof.starts_with("%1 $7 slaveof %8 ") && slaveof.contains(deprecated),
            "{slaveof}"
        );
        let group =
            "$9 arguments *1 %3 $4 name $4 args $4 type $5 oneof $9 arguments *2 %3 $4 name ";
        assert!(slaveof.contains(group), "{slaveof}");
        let config = written(Protocol::Resp2, "config", write_docs);
        assert!(
            config.contains("$11 subcommands *10 $10 config|get *"),
            "{config}"
        );
    }

    #[test]
    fn keys_are_found_or_the_reason_is_told() {
        let keys = |request| written(Protocol::Resp3, request, KEYS);
        assert_eq!(keys("MSET a 1 b 2"), "*2 $1 a $1 b ");
        assert_eq!(keys("nope a"), "-ERR Invalid command specified ");
        assert_eq!(keys("config nope"), "-ERR Invalid command specified ");
        assert_eq!(keys("ping"), "-ERR The command has no key arguments ");
        assert_eq!(
            keys("spublish a b"),
            "-ERR The command has no key arguments "
        );
        assert_eq!(
            keys("get"),
            "-ERR Invalid number of arguments specified for command "
        );
        assert_eq!(
            keys("get a b"),
            "-ERR Invalid number of arguments specified for command "
        );
        assert_eq!(
            keys("zunion 3 a b"),
            "-ERR Invalid arguments specified for command "
        );
        assert_eq!(
            written(Protocol::Resp3, "set a b", KEYS_AND_FLAGS),
            "*1 *2 $1 a ~2 +OW +update "
        );
    }

    #[test]
    fn lists_are_filtered_by_category_and_pattern() {
        let list = |options| written(Protocol::Resp2, options, LIST);
        assert!(list("").starts_with(&format!("*{} ", table::count())));
        assert_eq!(
            list("FilterBy pattern CONFIG|RE*"),
            "*2 $16 config|resetstat $14 config|rewrite "
        );
        assert_eq!(list("filterby module x"), "*0 ");
        assert_eq!(list("filterby aclcat nope"), "*0 ");
        assert!(list("filterby ACLCAT Hash").contains(" $4 hset "));
        for wrong in [
            "x",
            "filterby",
            "filterby pattern",
            "filterby x y",
            "a pattern b",
            "filterby pattern a b",
        ] {
            assert_eq!(list(wrong), "-ERR syntax error ", "{wrong}");
        }
    }
}
