//! A connection as one line of `CLIENT LIST`.
//!
//! Fields, order and spelling are those of Valkey 9.1, so that tools which split the line at spaces and `=` find what they
//! look for.  Fields of things that Larder does not have are there with the value of "none".

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::client::{Client, ClientFlags, NO_COMMAND};

/// Displays a connection as it is at a moment. There is no line break at the end.
#[derive(Debug)]
pub struct Line<'a> {
    /// The connection.
    pub client: &'a Client,
    /// The moment for which age and idle time are told.
    pub now: Instant,
    /// The name of a command (with its container: `client|list`) by its number in the command table.
    pub command_name: fn(usize) -> &'static str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client,
            now,
            command_name,
        } = *self;
        let (origin, identity, buffers) = (&client.origin, client.identity(), &client.buffers);
        let [channels, patterns, shard_channels] = client.subscriptions();
        let query = buffers.query.load(Ordering::Relaxed);
        let query_free = buffers.query_free.load(Ordering::Relaxed);
        let arguments = buffers.arguments.load(Ordering::Relaxed);
        let reply_capacity = buffers.reply_capacity.load(Ordering::Relaxed);
        let reply_flat = buffers.reply_flat.load(Ordering::Relaxed);
        let reply_chunks = buffers.reply_chunks.load(Ordering::Relaxed);
        let chunk_bytes = buffers.reply_chunk_bytes.load(Ordering::Relaxed);
        let transaction = &client.transaction;
        let multi_bytes = transaction.bytes.load(Ordering::Relaxed);
        let watched = transaction.watched.load(Ordering::Relaxed);
        let queued = transaction.queued.load(Ordering::Relaxed);
        let queued = match client.flags().contains(ClientFlags::MULTI) {
            true => i64::try_from(queued).unwrap_or(i64::MAX),
            false => -1,
        };
        let total = client.memory();
        let waits_to_write = reply_flat + chunk_bytes > 0;
        let command = match client.last_command() {
            NO_COMMAND => "NULL",
            command => command_name(command),
        };
        write!(
            out,
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} capa={} db={}",
            client.id,
            origin.addr,
            origin.laddr,
            origin.fd,
            Printable(&identity.name),
            client.age_secs(now),
            client.idle_millis(now) / 1000,
            client.flags(),
            client.capabilities(),
            client.db(),
        )?;
        write!(
            out,
            " sub={channels} psub={patterns} ssub={shard_channels} multi={queued} watch={watched}"
        )?;
        write!(
            out,
            " qbuf={query} qbuf-free={query_free} argv-mem={arguments} multi-mem={multi_bytes} rbs={reply_capacity} rbp={} \
             obl={reply_flat} oll={reply_chunks} omem={chunk_bytes} tot-mem={total} events={} cmd={command}",
            buffers.reply_peak.load(Ordering::Relaxed),
            if waits_to_write { "rw" } else { "r" },
        )?;
        write!(
            out,
            " user={} redir={} resp={} lib-name={} lib-ver={} tot-net-in={} tot-net-out={} tot-cmds={}",
            identity.user,
            client
                .redirect()
                .map_or(-1, |to| i64::try_from(to).unwrap_or(i64::MAX)),
            client.protocol(),
            Printable(&identity.lib_name),
            Printable(&identity.lib_ver),
            client.net_in.load(Ordering::Relaxed),
            client.net_out.load(Ordering::Relaxed),
            client.executed_commands(),
        )
    }
}

/// Text that was checked to be printable ASCII when it was set.
struct Printable<'a>(&'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(out, "{}", char::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::client::tests::a_client;

    #[test]
    fn the_fields_stand_in_their_order() {
        let client = a_client(7, "127.0.0.1:5000");
        client.rename(|identity| identity.name = "worker".into());
        client.set_last_command(3);
        let line = Line {
            client: &client,
            now: client.created,
            command_name: |_| "client|list",
        };
        assert_eq!(
            line.to_string(),
            "id=7 addr=127.0.0.1:5000 laddr=127.0.0.1:6379 fd=9 name=worker age=0 idle=0 flags=N capa= db=0 sub=0 \
             psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 \
             tot-mem=1536 events=r cmd=client|list user=default redir=-1 resp=2 lib-name= lib-ver= tot-net-in=0 \
             tot-net-out=0 tot-cmds=0"
        );
    }
}
