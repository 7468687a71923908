//! What operators are shown of a command that is executed: a line for those who monitor, an entry in a log, a spike.
//!
//! [`Watch`](crate::observe::Watch) says whether anything is to be done at all; that question is asked on a request's way,
//! everything here is behind it.

use std::time::Duration;

use super::context::Context;
use super::table::{Command, Flags};
use crate::observe::{self, Entry, Event, LogKind};
use crate::resp::Args;
use crate::server::Server;
use crate::session::{Client, Session, Transport};

/// How long a command took and how large it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    /// Nanoseconds.
    pub(super) nanos: u64,
    /// Bytes of the request; 0 if nobody sent it.
    pub(super) request: usize,
    /// Bytes of the reply.
    pub(super) reply: usize,
}

/// The bytes of a request as clients send it.
pub(super) fn request_bytes(args: Args<'_>) -> usize {
    let digits = |n: usize| n.checked_ilog10().unwrap_or(0) as usize + 1;
    let bytes = args.iter().map(|arg| digits(arg.len()) + arg.len() + 5);
    digits(args.len()) + 3 + bytes.sum::<usize>()
}

/// Looks at a command that was executed.
#[inline]
pub(super) fn note(
    server: &Server,
    client: &Client,
    command: &Command,
    args: Args<'_>,
    figures: Figures,
) {
    let watch = &server.observers.watch;
    if watch.notices(figures.nanos, figures.request, figures.reply) {
        keep(server, client, command, args, figures);
    }
}

#[cold]
fn keep(server: &Server, client: &Client, command: &Command, args: Args<'_>, figures: Figures) {
    let second = || server.clock.now() / 1000;
    let event = match command.flags.contains(Flags::FAST) {
        true => Event::FastCommand,
        false => Event::Command,
    };
    let observers = &server.observers;
    observers
        .latency
        .note(event, Duration::from_nanos(figures.nanos), second);
    if command.flags.contains(Flags::SKIP_COMMANDLOG) {
        return;
    }
    for kind in LogKind::ALL {
        let value = match kind {
            LogKind::Slow => figures.nanos / 1000,
            LogKind::LargeRequest => figures.request as u64,
            LogKind::LargeReply => figures.reply as u64,
        };
        let log = observers.log(kind);
        if log.wants(value) {
            log.add(Entry {
                id: 0,
                time: second(),
                value,
                args: observe::shortened(args, |index| is_secret(command, args, index)),
                addr: client.origin.addr.clone(),
                name: client.identity().name,
            });
        }
    }
}

/// Whether somebody is shown a command with these flags.
#[inline]
pub(super) fn is_shown(server: &Server, flags: Flags) -> bool {
    server.observers.watch.is_monitored() && !flags.intersects(HIDDEN)
}

/// Shows a command to those who monitor, if anybody does.
#[inline]
pub(super) fn show(server: &Server, session: &Session, command: &Command, args: Args<'_>) {
    if is_shown(server, command.flags) {
        show_from(server, session, &source_of(session.client()), command, args);
    }
}

/// [`show`] for a program that is about to run: what it calls comes behind it.
pub(super) fn show_program(ctx: &Context<'_>, args: Args<'_>) {
    if ctx.server.observers.watch.is_monitored() {
        let source = match ctx.in_script {
            true => "lua".to_owned(),
            false => source_of(ctx.session.client()),
        };
        show_from(ctx.server, ctx.session, &source, ctx.command, args);
    }
}

/// [`show`] for a command inside of another one.
#[inline]
pub(super) fn show_inner(ctx: &Context<'_>, args: Args<'_>) {
    if !ctx.command.flags.intersects(HIDDEN) {
        show_program(ctx, args);
    }
}

/// What is never shown, or by the command itself.
const HIDDEN: Flags = Flags::ADMIN.or(Flags::SKIP_MONITOR);

#[cold]
fn show_from(server: &Server, session: &Session, source: &str, command: &Command, args: Args<'_>) {
    let line = observe::line(
        server.clock.now_micros(),
        (session.db(), source),
        args,
        |index| is_secret(command, args, index),
    );
    server.observers.monitors().show(&line, &server.mailboxes);
}

fn source_of(client: &Client) -> String {
    match client.origin.transport {
        Transport::Unix => {
            let path = client.origin.addr.rsplit_once(':');
            format!(
                "unix:{}",
                path.map_or(&*client.origin.addr, |(path, _)| path)
            )
        }
        Transport::Tcp | Transport::Tls => client.origin.addr.to_string(),
    }
}

fn is_secret(command: &Command, args: Args<'_>, index: usize) -> bool {
    command.secrets.is_some_and(|secrets| secrets(args, index))
}
