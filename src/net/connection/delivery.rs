//! What comes to a connection from elsewhere: published messages, invalidations, lines for a monitor, the reply that it waits for.
//!
//! All of it comes through the worker's mailbox, between the connection's turns, and is sent by whoever empties that.

use std::task::Context;

use bytes::Bytes;

use super::{Connection, Stage};
use crate::keyspace::waiting::{Ticket, Waiter};
use crate::mailbox::{Audience, ClientId, Invalidation, Message};
use crate::resp::Protocol;
use crate::server::Server;
use crate::session::{ClientFlags, Tracking, TrackingMode};
use crate::tracking::broken_redirection;

impl Connection {
    /// Appends a message from elsewhere, if the subscription to it still holds. False if it does not.
    pub(in crate::net) fn deliver(&mut self, message: &Message) -> bool {
        if !self.session.subscriptions.wants(&message.topic) {
            return false;
        }
        self.reply.deliver(if self.reply.is_resp3() {
            &message.resp3
        } else {
            &message.resp2
        });
        true
    }

    /// Appends a line about a command. False if the connection does not monitor any more.
    pub(in crate::net) fn deliver_monitored(&mut self, line: &Bytes) -> bool {
        if !self.session.is_monitoring {
            return false;
        }
        self.reply.deliver(line);
        true
    }

    /// Tells the client that what it, or another one, has read is not true any more. `encode` writes that in a protocol. False if it is not told.
    pub(in crate::net) fn invalidate(
        &mut self,
        invalidation: &Invalidation,
        encode: impl FnOnce(Protocol) -> Bytes,
        server: &Server,
    ) -> bool {
        let is_redirected = invalidation.audience == Audience::Redirected;
        if !is_redirected {
            let own = self.session.tracking.as_ref();
            let Some(own) = own.filter(|own| concerns(own, self.session.id(), invalidation)) else {
                return false;
            };
            if let Some(to) = own.redirect {
                return !server.tracking.redirect(to, invalidation) && self.miss_redirection(to);
            }
        }
        if self.reply.is_resp3() {
            let message = encode(Protocol::Resp3);
            if self.is_of_its_wait(invalidation)
                && let Some(tracking) = &mut self.session.tracking
            {
                tracking.held.push(message);
                return false;
            }
            self.reply.deliver(&message);
        } else if is_redirected && self.session.is_subscribed() {
            self.reply.deliver(&encode(Protocol::Resp2));
        } else {
            // The client could not tell it from a reply.
            return false;
        }
        true
    }

    /// Whoever should hear instead of this client is gone. False if it is not told.
    fn miss_redirection(&mut self, to: ClientId) -> bool {
        self.client()
            .set_flags(ClientFlags::BROKEN_REDIRECTION, true);
        let tells = self.reply.is_resp3();
        if tells {
            self.reply.deliver(&broken_redirection(to));
        }
        tells
    }

    /// Whether the change is that of its own command, which somebody has executed while it waited: the reply is still to come.
    fn is_of_its_wait(&self, invalidation: &Invalidation) -> bool {
        let client = self.client();
        invalidation.by == client.id && client.waiting().is_some_and(|waiter| waiter.has_ended())
    }

    /// The wait for a key is over.
    pub(super) fn stop_waiting(&mut self, waiter: &Waiter, reply: &Bytes, server: &Server) {
        self.client().set_waiting(None);
        self.client().count_command();
        server.keyspace.forget(waiter);
        if !self.session.is_muted() {
            self.reply.deliver(reply);
        }
        let tracking = self.session.tracking.as_mut();
        let held = tracking.map(|tracking| std::mem::take(&mut tracking.held));
        for message in held.into_iter().flatten() {
            self.reply.deliver(&message);
        }
    }

    /// Whoever ended the wait of a blocking command sends its reply. False if that wait is not the present one.
    pub(in crate::net) fn unblock(
        &mut self,
        ticket: Ticket,
        reply: &Bytes,
        server: &Server,
    ) -> bool {
        let waiter = self.client().waiting();
        let Some(waiter) = waiter.filter(|waiter| waiter.ticket() == ticket) else {
            return false;
        };
        self.stop_waiting(&waiter, reply, server);
        if matches!(self.stage, Stage::Suspended(..)) {
            self.stage = Stage::Serving;
        }
        self.show_output();
        true
    }

    /// Sends what has been delivered from elsewhere, as far as the socket takes it at once. `cx` is that of the connection's task, which goes on
    /// with the rest. False if the task itself has to do it.
    pub(in crate::net) fn send_delivered(&mut self, cx: &mut Context<'_>, server: &Server) -> bool {
        let sends = match &self.stage {
            // Behind its turn it is written anyway.
            Stage::Serving => !self.has_yielded,
            Stage::Suspended(suspension, _) => !suspension.holds_output(),
            Stage::Ending(_) => false,
        };
        if !sends || self.flush(cx, server).is_err() {
            return false;
        }
        self.reply.release_if_empty();
        self.show_output();
        true
    }
}

/// Whether a client that has asked for such tracking wants to hear of it.
fn concerns(tracking: &Tracking, client: ClientId, invalidation: &Invalidation) -> bool {
    let broadcasts = matches!(tracking.mode, TrackingMode::Broadcast(_));
    let is_meant = match invalidation.audience {
        Audience::Readers => !broadcasts,
        Audience::Broadcast => broadcasts,
        Audience::All | Audience::Redirected => true,
    };
    is_meant && !(tracking.noloop && invalidation.by == client)
}
