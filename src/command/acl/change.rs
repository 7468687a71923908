//! What becomes of connections when their users change: those of users who are gone are closed, and so are those that
//! listen to channels which they may not listen to any more; who waits in a command that is not allowed any more is told so.
//!
//! A connection that begins to listen or to wait at the same moment is not missed: it looks at its user once more behind
//! that, and the change has been made known before anybody is looked for here.

use super::check::{Asker, ask, refusal};
use crate::acl::{self, User};
use crate::command::context::Context;
use crate::command::{blocking, table};
use crate::keyspace::waiting::Waiter;
use crate::mailbox::Kind;
use crate::server::Server;
use crate::session::Client;
use crate::users::Change;

/// Makes connections live with what has changed. The connection that has changed it gets its reply first.
pub(super) fn follow(ctx: &mut Context<'_>, changes: &[Change]) {
    let server = ctx.server;
    for change in changes {
        let listeners = match &change.new {
            Some(new) if !new.keeps_channels_of(&change.old) => deprived_listeners(server, new),
            _ => Vec::new(),
        };
        for client in server.clients.all() {
            if client.identity().user != *change.old.name() {
                continue;
            }
            let is_lost = change.new.is_none() || listeners.contains(&client.id);
            if is_lost && client.id == ctx.session.id() {
                ctx.session.closing = true;
            } else if is_lost {
                server.clients.kill(&client, &server.mailboxes);
            } else if let Some(new) = &change.new
                && let Some(waiter) = client.waiting()
            {
                end_wait(server, ctx.session.worker(), &client, new, &waiter);
            }
        }
    }
}

/// Who listens to what this user may not listen to.
fn deprived_listeners(server: &Server, user: &User) -> Vec<u64> {
    let listeners = Kind::ALL.into_iter().map(|kind| {
        let is_pattern = kind == Kind::Pattern;
        let denied = |name: &[u8]| !user.allows_channel(name, is_pattern);
        server.pubsub.listeners_of(kind, denied)
    });
    listeners.flatten().collect()
}

/// Lets a client wait no longer for what its user may not ask for any more.
pub(in crate::command) fn end_wait(
    server: &Server,
    thread: usize,
    client: &Client,
    user: &User,
    waiter: &Waiter,
) {
    let Some(command) = table::by_id(waiter.command) else {
        return;
    };
    let args = waiter.request.view();
    if let Err(denied) = ask(user, command, args) {
        let why = refusal(user, command, denied);
        if blocking::refuse(server, thread, waiter, &why) {
            let asker = Asker {
                server,
                thread,
                client,
                user: user.name().as_bytes(),
                context: acl::Context::Toplevel,
            };
            asker.note(command, args, denied);
        }
    }
}
