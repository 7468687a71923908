//! Running a script: executing what it asks for, setting it aside when it takes long, answering with what it returns.

use std::sync::Arc;
use std::time::Instant;

use super::program::{Found, Programs};
use crate::command::acl::{self, Place};
use crate::command::call;
use crate::command::context::{CommandResult, Context, Outcome, Suspension};
use crate::command::dispatch;
use crate::command::observed;
use crate::command::room;
use crate::command::table::{self, Command, Flags};
use crate::resp::{Args, ReplyError};
use crate::script::Namespace;
use crate::script::engine::{Event, Failure, KILLED, MOST_SET_ASIDE, Program, Run};
use crate::script::running::{Kind, Run as Shown};
use crate::script::store::Flags as ScriptFlags;

/// `EVAL`, `EVALSHA`, `FCALL` and their read-only forms: `programs` says what the first argument is.
pub(super) fn run(ctx: &mut Context<'_>, args: Args<'_>, programs: Programs) -> CommandResult {
    let command = ctx.command;
    let must_not_wait = std::mem::replace(&mut ctx.session.must_not_wait, true);
    let result = run_or_go_on(ctx, args, programs, must_not_wait);
    ctx.command = command;
    ctx.session.must_not_wait = must_not_wait;
    result
}

fn run_or_go_on(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    programs: Programs,
    must_not_wait: bool,
) -> CommandResult {
    let (mut run, mut event, rules) = match ctx.resumes.and_then(Run::resume) {
        Some(mut run) => {
            // What it was begun with, whatever has been removed or replaced since.
            let rules = Rules::of(run.program.flags(), programs);
            let event = run.go();
            (run, event, rules)
        }
        None => {
            let found = programs
                .find(ctx.server, args)
                .inspect_err(|_| observed::show_program(ctx, args))?;
            let rules = Rules::of(found.flags, programs);
            if !found.stays_within_keys && !ctx.keys.holds_all() {
                // Another program than the one that the locks were taken for: it has just been loaded or replaced.
                if must_not_wait {
                    return Err(ReplyError::fixed(
                        "ERR the program was replaced while the transaction waited for its keys",
                    ));
                }
                return Ok(Outcome::Suspend(Suspension::Reserved(Instant::now())));
            }
            observed::show_program(ctx, args);
            check(ctx, found.flags, programs)?;
            let (run, event) = begin(ctx, args, programs, found)?;
            (run, event, rules)
        }
    };
    loop {
        match event {
            Event::Call => {
                execute(ctx, &mut run, rules);
                event = run.go_on();
            }
            Event::TurnOver => {
                let shown = show(ctx, &mut run, args);
                if shown.ends() {
                    run.end();
                    event = run.go();
                    continue;
                }
                return Ok(Outcome::Suspend(Suspension::Script(run.set_aside())));
            }
            Event::Done(result) => {
                // What a script selects is selected for itself alone.
                ctx.session.select(run.db);
                ctx.keys.end_unit();
                return answer(ctx, &mut run, result);
            }
        }
    }
}

/// What a script may do.
#[derive(Clone, Copy)]
struct Rules {
    read_only: bool,
    /// What may make values grow is refused while memory is short.
    heeds_memory: bool,
}

impl Rules {
    fn of(flags: ScriptFlags, programs: Programs) -> Self {
        Self {
            read_only: programs.read_only || flags.no_writes,
            heeds_memory: !flags.allow_oom,
        }
    }
}

/// Whether a program that says this of itself may begin.
fn check(ctx: &Context<'_>, flags: ScriptFlags, programs: Programs) -> Result<(), ReplyError> {
    if !flags.declared || flags.no_writes {
        return Ok(());
    }
    if programs.read_only {
        return Err(ReplyError::fixed(
            "ERR Can not execute a script with write flag using *_ro command.",
        ));
    }
    if call::lacks_replicas(ctx.server) {
        return Err(ReplyError::NO_REPLICAS);
    }
    if !flags.allow_oom && is_short(ctx) {
        return Err(ReplyError::fixed(
            "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
        ));
    }
    Ok(())
}

fn is_short(ctx: &Context<'_>) -> bool {
    room::is_exceeded(ctx.server)
}

fn begin(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    programs: Programs,
    found: Found,
) -> Result<(Run, Event), ReplyError> {
    let keys = super::program::declared_keys(args, programs)?;
    if ctx.session.is_restricted() {
        // Whoever is denied something is shown in it.
        ctx.session.client().set_last_command(ctx.command.id());
    }
    if Run::set_aside_count() >= MOST_SET_ASIDE {
        return Err(ReplyError::fixed(
            "BUSY too many scripts take long at the same time",
        ));
    }
    let options = super::options(ctx.server);
    let rest = args.rest(3 + keys.len());
    let (db, protocol) = (ctx.session.db(), ctx.reply.protocol());
    let (run, event) = Run::start(
        found.program,
        ctx.resumes,
        keys,
        rest,
        db,
        protocol,
        options,
    )?;
    if let (Program::Script(script), true) = (&run.program, found.is_new) {
        ctx.server.scripts.add(script, false);
    }
    ctx.keys.begin_unit();
    Ok((run, event))
}

/// Enters a script into the list of those that take long, if it is not there.
fn show(ctx: &Context<'_>, run: &mut Run, args: Args<'_>) -> Arc<Shown> {
    let (started, ticket) = (run.started(), run.ticket());
    let shown = run.shown.get_or_insert_with(|| {
        let (kind, name) = match &run.program {
            Program::Script(script) => (Kind::Script, script.sha.to_string()),
            Program::Function(_, name) => {
                (Kind::Function, String::from_utf8_lossy(name).into_owned())
            }
        };
        let shown = Arc::new(Shown::new(kind, name, args.to_owned(), started));
        if run.wrote {
            shown.note_write();
        }
        ctx.server.scripts.running.add(ticket, Arc::clone(&shown));
        shown
    });
    Arc::clone(shown)
}

/// Executes the request that a script has made.
fn execute(ctx: &mut Context<'_>, run: &mut Run, rules: Rules) {
    let request = run.request();
    let args = request.view();
    run.reply().clear();
    if run.has_to_end() {
        // It is at its end as soon as it looks at the clock.
        run.reply().error(&ReplyError::err(KILLED));
    } else if run.api().asks_only.get() {
        let known = dispatch::resolve(table::find(args.at(0)), args);
        match known.ok() {
            None => run.reply().error(&ReplyError::fixed("ERR")),
            Some(command) if acl::may_call(ctx.server, ctx.session, command, args) => {
                run.reply().ok();
            }
            Some(_) => run.reply().int(0),
        }
    } else {
        let protocol = run.protocol();
        std::mem::swap(ctx.reply, &mut *run.reply());
        ctx.reply.set_protocol(protocol);
        let namespace = run.api().namespace.get();
        let result = admit(ctx, args, rules, namespace).and_then(|command| {
            if command.flags.contains(Flags::WRITE) && !run.note_write() {
                run.end();
                return Err(ReplyError::err(KILLED));
            }
            let in_script = std::mem::replace(&mut ctx.in_script, true);
            let result = call::call(ctx, command, args, 0);
            ctx.in_script = in_script;
            result
        });
        if let Err(error) = result {
            ctx.reply.clear();
            call::answer_error(ctx.server, ctx.session, ctx.reply, &error);
        }
        std::mem::swap(ctx.reply, &mut *run.reply());
    }
    run.give_back(request);
}

/// Whether a script may execute this request.
fn admit(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    rules: Rules,
    namespace: Namespace,
) -> Result<&'static Command, ReplyError> {
    let command = dispatch::resolve(table::find(args.at(0)), args).map_err(|_| {
        ReplyError::fixed(namespace.choose(
            "ERR Unknown Redis command called from script",
            "ERR Unknown command called from script",
        ))
    })?;
    let counters = &ctx.server.stats.of(ctx.session.worker()).commands[command.id()];
    let refused = if !command.accepts(args.len()) {
        Some(namespace.choose(
            "ERR Wrong number of args calling Redis command from script",
            "ERR Wrong number of args calling command from script",
        ))
    } else if command.flags.contains(Flags::NOSCRIPT) {
        Some("ERR This Redis command is not allowed from script")
    } else {
        None
    };
    if refused.is_none() && ctx.session.is_restricted() {
        acl::check(ctx.server, ctx.session, command, args, Place::Script)
            .inspect_err(|_| counters.rejected.bump())?;
    }
    let refused = if refused.is_some() {
        refused
    } else if rules.read_only && call::writes(command.flags) {
        Some("ERR Write commands are not allowed from read-only scripts.")
    } else if command.flags.contains(Flags::WRITE) && call::lacks_replicas(ctx.server) {
        Some("NOREPLICAS Not enough good replicas to write.")
    } else if rules.heeds_memory && command.flags.contains(Flags::DENYOOM) && is_short(ctx) {
        Some("OOM command not allowed when used memory > 'maxmemory'.")
    } else if !call::covers(ctx, command, args) {
        Some("ERR Script attempted to access a key that it has not declared")
    } else {
        None
    };
    match refused {
        None => Ok(command),
        Some(text) => {
            counters.rejected.bump();
            Err(ReplyError::fixed(text))
        }
    }
}

/// Answers with what the script has returned, or how it has failed.
fn answer(ctx: &mut Context<'_>, run: &mut Run, result: Result<(), Failure>) -> CommandResult {
    let Err(failure) = result else {
        let mut output = run.output();
        for error in output.errors.drain(..) {
            call::count_error(ctx.server, ctx.session, &error);
        }
        if let Some(problem) = output.problem.take() {
            return Err(problem);
        }
        if let Some(line) = output.reply.contiguous().strip_prefix(b"-") {
            // What returns an error has failed. It is counted: as a command's, or just now.
            let error = ReplyError::from_bytes(line.trim_ascii_end().to_vec());
            return Err(error.counted());
        }
        ctx.reply.take_from(&mut output.reply);
        return Ok(Outcome::Done);
    };
    let name = match &run.program {
        Program::Script(script) => script.sha.to_string(),
        Program::Function(_, name) => String::from_utf8_lossy(name).into_owned(),
    };
    let mut text = failure.text;
    text.extend_from_slice(format!(" script: {name}").as_bytes());
    if let Some((source, line)) = failure.place {
        text.extend_from_slice(format!(", on {source}:{line}.").as_bytes());
    } else {
        text.push(b'.');
    }
    let error = ReplyError::from_bytes(text);
    Err(if failure.is_counted {
        error.counted()
    } else {
        error
    })
}
