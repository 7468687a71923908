//! MONITOR: the connections that are shown every command, and the line that they are shown.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::command_log::REDACTED;
use crate::mailbox::{ClientId, Mailboxes, Post};
use crate::memory::messages;
use crate::resp::Args;

/// Who monitors, by worker.
#[derive(Debug, Default)]
pub struct Monitors(RwLock<Vec<(usize, Arc<[ClientId]>)>>);

impl Monitors {
    /// Whether nobody monitors.
    pub fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// A connection of `worker` begins to monitor.
    pub fn add(&self, worker: usize, client: ClientId) {
        self.change(worker, |clients| clients.push(client));
    }

    /// A connection of `worker` does not monitor any more.
    pub fn remove(&self, worker: usize, client: ClientId) {
        self.change(worker, |clients| clients.retain(|other| *other != client));
    }

    fn change(&self, worker: usize, change: impl FnOnce(&mut Vec<ClientId>)) {
        let mut all = self.0.write();
        let place = all.iter().position(|(other, _)| *other == worker);
        let mut clients = match place {
            Some(place) => all.swap_remove(place).1.to_vec(),
            None => Vec::new(),
        };
        change(&mut clients);
        if !clients.is_empty() {
            all.push((worker, clients.into()));
        }
    }

    /// Shows them a line.
    pub fn show(&self, line: &Bytes, mailboxes: &Mailboxes) {
        for (worker, clients) in self.0.read().iter() {
            mailboxes.of(*worker).post(Post::Monitored {
                to: Arc::clone(clients),
                line: line.clone(),
            });
        }
    }
}

/// A request as monitors are shown it: a status reply. `place` is the database and where the request came from.
pub fn line(
    micros: i64,
    place: (usize, &str),
    args: Args<'_>,
    is_secret: impl Fn(usize) -> bool,
) -> Bytes {
    let mut line = Vec::with_capacity(64);
    let (db, source) = place;
    write!(
        line,
        "+{}.{:06} [{db} {source}]",
        micros / 1_000_000,
        micros % 1_000_000
    )
    .expect("a Vec takes all that is written");
    for (index, arg) in args.iter().enumerate() {
        line.push(b' ');
        quote(&mut line, if is_secret(index) { REDACTED } else { arg });
    }
    line.extend_from_slice(b"\r\n");
    messages::share(line)
}

/// Appends `text` in quotes, so that it is printable and one line.
fn quote(line: &mut Vec<u8>, text: &[u8]) {
    line.push(b'"');
    for byte in text {
        match byte {
            b'\\' | b'"' => line.extend_from_slice(&[b'\\', *byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0x07 => line.extend_from_slice(b"\\a"),
            0x08 => line.extend_from_slice(b"\\b"),
            b' '..=b'~' => line.push(*byte),
            _ => write!(line, "\\x{byte:02x}").expect("a Vec takes all that is written"),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedArgs;

    #[test]
    fn a_line_is_printable() {
        let args: OwnedArgs = ["set", "a b", "\"\\\n\r\t\x07\x08\x01ü", "secret"]
            .into_iter()
            .collect();
        let line = line(1_000_001, (3, "127.0.0.1:5000"), args.view(), |index| {
            index == 3
        });
        assert_eq!(
            std::str::from_utf8(&line).unwrap(),
            "+1.000001 [3 127.0.0.1:5000] \"set\" \"a b\" \"\\\"\\\\\\n\\r\\t\\a\\b\\x01\\xc3\\xbc\" \"(redacted)\"\r\n"
        );
    }

    #[test]
    fn a_line_is_posted_once_a_worker() {
        let (monitors, mailboxes) = (Monitors::default(), Mailboxes::new(2));
        let all = [(0, 1), (1, 2), (0, 3)];
        all.iter()
            .for_each(|(worker, client)| monitors.add(*worker, *client));
        monitors.show(&Bytes::from_static(b"+x\r\n"), &mailboxes);
        let mut posts = Vec::new();
        mailboxes.of(0).drain(&mut posts);
        assert!(
            matches!(&posts[..], [Post::Monitored { to, .. }] if **to == [1, 3]),
            "{posts:?}"
        );
        all.iter()
            .for_each(|(worker, client)| monitors.remove(*worker, *client));
        assert!(monitors.is_empty());
    }
}
