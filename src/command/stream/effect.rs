//! What commands on groups hand on: requests that do the same at any time.
//!
//! What is delivered or claimed becomes an XCLAIM that names owner, moment and count, as the peers replicate it. Ids whose
//! moment and count are the same share one.

use crate::clock::UnixMillis;
use crate::resp::OwnedArgs;
use crate::value::number;
use crate::value::stream::StreamId;

/// A group and one of its consumers, by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) key: &'a [u8],
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
}

/// Entries that became pending for a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) id: StreamId,
    pub(super) delivered: UnixMillis,
    pub(super) count: u64,
}

impl Place<'_> {
    /// The consumer was created.
    pub(super) fn consumer_created(self) -> OwnedArgs {
        OwnedArgs::from_iter([
            b"XGROUP",
            &b"CREATECONSUMER"[..],
            self.key,
            self.group,
            self.consumer,
        ])
    }

    /// The group has read up to `last_id`.
    pub(super) fn group_advanced(self, last_id: StreamId, entries_read: Option<u64>) -> OwnedArgs {
        // What cannot be a number of entries stands for one that is not known.
        let read = entries_read.and_then(|read| i64::try_from(read).ok());
        OwnedArgs::from_iter([
            b"XGROUP",
            &b"SETID"[..],
            self.key,
            self.group,
            &last_id.text(),
            b"ENTRIESREAD",
            number::format_i64(read.unwrap_or(-1)).as_ref(),
        ])
    }

    /// Entries, which are in the stream, became pending for the consumer.
    pub(super) fn claimed(self, claimed: &[Claimed], requests: &mut Vec<OwnedArgs>) {
        let alike = |a: &Claimed, b: &Claimed| (a.delivered, a.count) == (b.delivered, b.count);
        for run in claimed.chunk_by(alike) {
            let mut request =
                OwnedArgs::from_iter([b"XCLAIM", self.key, self.group, self.consumer, b"0"]);
            run.iter()
                .for_each(|claimed| request.push(&claimed.id.text()));
            let count = i64::try_from(run[0].count).unwrap_or(i64::MAX);
            for word in [
                &b"TIME"[..],
                number::format_i64(run[0].delivered).as_ref(),
                b"RETRYCOUNT",
                number::format_i64(count).as_ref(),
                b"FORCE",
                b"JUSTID",
            ] {
                request.push(word);
            }
            requests.push(request);
        }
    }

    /// Entries are no longer pending for anybody.
    pub(super) fn released(self, ids: &[StreamId], requests: &mut Vec<OwnedArgs>) {
        if !ids.is_empty() {
            let mut request = OwnedArgs::from_iter([b"XACK", self.key, self.group]);
            ids.iter().for_each(|id| request.push(&id.text()));
            requests.push(request);
        }
    }
}
