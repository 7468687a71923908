//! FUNCTION: libraries of functions.

use std::sync::Arc;

use bytes::Bytes;

use super::program::keeps_to_keys;
use super::{names_flush_type, script};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::rdb::functions;
use crate::resp::{Args, Reply, ReplyError};
use crate::script::engine::Run;
use crate::script::footprint::Entry;
use crate::script::library::{Function, Library, Taken, name_of};
use crate::script::running::Kind;
use crate::server::Server;
use crate::value::glob;

/// A library from its source, whose code is run for it.
fn library(server: &Server, code: Bytes) -> Result<Library, ReplyError> {
    let mut library = Library {
        name: name_of(&code)?,
        stays_within_keys: keeps_to_keys(&code, Entry::Library),
        code,
        functions: Vec::new(),
    };
    let draft = Arc::new(library);
    let registered = Run::load(&draft, super::options(server))?;
    if registered.is_empty() {
        return Err(ReplyError::fixed("ERR No functions registered"));
    }
    library = Library {
        name: draft.name.clone(),
        code: draft.code.clone(),
        stays_within_keys: draft.stays_within_keys,
        functions: registered
            .into_iter()
            .map(|one| Function {
                name: one.name,
                description: one.description,
                flags: one.flags,
            })
            .collect(),
    };
    Ok(library)
}

/// `FUNCTION LOAD [REPLACE] function-code`
pub(super) fn load(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut taken = Taken::Refuse;
    for option in args.part(2, args.len() - 3) {
        if !option.eq_ignore_ascii_case(b"REPLACE") {
            return Err(ReplyError::err(format!(
                "Unknown option given: {}",
                String::from_utf8_lossy(option)
            )));
        }
        taken = Taken::Replace;
    }
    let at = args.len() - 1;
    let code = args
        .shared(at)
        .unwrap_or_else(|| Bytes::copy_from_slice(args.at(at)));
    let library = Arc::new(library(ctx.server, code)?);
    let name = library.name.clone();
    let libraries = &ctx.server.scripts.libraries;
    libraries.change(|all| all.add(library, taken))?;
    ctx.keys.note_change();
    ctx.reply.bulk(name.as_bytes());
    Ok(Outcome::Done)
}

/// `FUNCTION DELETE library-name`
pub(super) fn delete(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let name = String::from_utf8_lossy(args.at(2));
    ctx.server
        .scripts
        .libraries
        .change(|all| match all.remove(&name) {
            true => Ok(()),
            false => Err(ReplyError::fixed("ERR Library not found")),
        })?;
    ctx.keys.note_change();
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `FUNCTION FLUSH [ASYNC | SYNC]`
pub(super) fn flush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(ReplyError::subcommand_syntax(b"flush", "function"));
    }
    if !names_flush_type(args) {
        return Err(ReplyError::fixed(
            "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
        ));
    }
    ctx.server.scripts.libraries.change(|all| {
        *all = Default::default();
        Ok(())
    })?;
    ctx.keys.note_change();
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `FUNCTION KILL`
pub(super) fn kill(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    script::end(ctx, Kind::Function)
}

/// `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`
pub(super) fn list(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut words = args.rest(2).iter();
    let (mut pattern, mut with_code) = (None, false);
    while let Some(word) = words.next() {
        if !with_code && word.eq_ignore_ascii_case(b"WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && word.eq_ignore_ascii_case(b"LIBRARYNAME") {
            let given = words.next();
            pattern =
                Some(given.ok_or(ReplyError::fixed("ERR library name argument was not given"))?);
        } else {
            return Err(ReplyError::err(format!(
                "Unknown argument {}",
                String::from_utf8_lossy(word)
            )));
        }
    }
    let all = ctx.server.scripts.libraries.all();
    let wanted = |library: &&Arc<Library>| {
        pattern.is_none_or(|pattern| glob::matches_ignoring_case(pattern, library.name.as_bytes()))
    };
    let wanted: Vec<_> = all.libraries().filter(wanted).collect();
    ctx.reply.array(wanted.len());
    for library in wanted {
        describe(ctx.reply, library, with_code);
    }
    Ok(Outcome::Done)
}

fn describe(reply: &mut Reply, library: &Library, with_code: bool) {
    reply.map(3 + usize::from(with_code));
    reply.bulk(b"library_name");
    reply.bulk(library.name.as_bytes());
    reply.bulk(b"engine");
    reply.bulk(b"LUA");
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&function.name);
        reply.bulk(b"description");
        match &function.description {
            Some(text) => reply.bulk(text),
            None => reply.null(),
        }
        reply.bulk(b"flags");
        reply.set(function.flags.names().count());
        function.flags.names().for_each(|name| reply.simple(name));
    }
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk_shared(&library.code);
    }
}

/// `FUNCTION STATS`
pub(super) fn stats(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let scripts = &ctx.server.scripts;
    let (running, all) = (scripts.running.oldest(), scripts.libraries.all());
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match running {
        None => reply.null(),
        Some(run) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(run.name.as_bytes());
            reply.bulk(b"command");
            let request = run.request.view();
            reply.array(request.len());
            request.iter().for_each(|word| reply.bulk(word));
            reply.bulk(b"duration_ms");
            reply.int(i64::try_from(run.started.elapsed().as_millis()).unwrap_or(i64::MAX));
        }
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.int(all.libraries().count() as i64);
    reply.bulk(b"functions_count");
    reply.int(all.functions() as i64);
    Ok(Outcome::Done)
}

/// `FUNCTION DUMP`
pub(super) fn dump(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let all = ctx.server.scripts.libraries.all();
    let payload = functions::payload(all.libraries().map(|library| &*library.code));
    ctx.reply.bulk(&payload);
    Ok(Outcome::Done)
}

/// `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`
pub(super) fn restore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 4 {
        return Err(ReplyError::subcommand_syntax(b"restore", "function"));
    }
    let (mut flushes, mut taken) = (false, Taken::RefuseRestored);
    if let Some(policy) = args.get(3) {
        if policy.eq_ignore_ascii_case(b"FLUSH") {
            flushes = true;
        } else if policy.eq_ignore_ascii_case(b"REPLACE") {
            taken = Taken::Replace;
        } else if !policy.eq_ignore_ascii_case(b"APPEND") {
            return Err(ReplyError::fixed(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    }
    let codes = functions::read(args.at(2))
        .map_err(|_| ReplyError::fixed("ERR DUMP payload version or checksum are wrong"))?;
    let mut loaded = Vec::new();
    for code in codes {
        loaded.push(Arc::new(library(ctx.server, code.into())?));
    }
    ctx.server.scripts.libraries.change(|all| {
        if flushes {
            *all = Default::default();
        }
        loaded
            .into_iter()
            .try_for_each(|library| all.add(library, taken))
    })?;
    ctx.keys.note_change();
    ctx.reply.ok();
    Ok(Outcome::Done)
}
