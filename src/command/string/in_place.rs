//! Changing a string's bytes where they are: SETRANGE, APPEND, bitmaps and HyperLogLogs.
//!
//! A string that is changed in place stops being an integer or a short constant: `OBJECT ENCODING` says `raw` from then
//! on. A big one is changed in its own allocation, unless a reply still holds it; then it is copied once.

use bytes::{Bytes, BytesMut};

use super::value::StringView;
use crate::keyspace::{BIG_STRING, Kind, NewValue, Record};

/// What strings inside a record grow by.
static ZEROS: [u8; BIG_STRING] = [0; BIG_STRING];

/// Lets `f` change the bytes of the string in `record`, which has `len` bytes at least: what is missing is zero.
pub(crate) fn change_bytes<R>(
    record: &mut Record,
    len: usize,
    f: impl FnOnce(&mut [u8]) -> R,
) -> R {
    if record.view().kind() == Kind::BigStr {
        let shared = record.big_str_mut();
        let mut big = own(std::mem::take(shared), len);
        let result = f(&mut big);
        *shared = big.freeze();
        return result;
    }
    if record.view().kind() != Kind::Raw {
        let bytes = StringView::of(record.view())
            .map(|mut string| string.bytes().to_vec())
            .unwrap_or_default();
        record.set_value(NewValue::Raw(&bytes));
    }
    let old = record.bytes_mut();
    if len >= BIG_STRING {
        let mut big = BytesMut::zeroed(len);
        big[..old.len()].copy_from_slice(old);
        let result = f(&mut big);
        record.set_value(NewValue::BigStr(big.freeze()));
        return result;
    }
    let old_len = old.len();
    if old_len < len {
        record.splice(old_len, 0, &[&ZEROS[..len - old_len]]);
    }
    f(record.bytes_mut())
}

/// The bytes of a big string in an allocation that nobody shares, `len` of them at least.
fn own(bytes: Bytes, len: usize) -> BytesMut {
    if len >= bytes.len().saturating_mul(2) {
        // Fresh pages from the system are zero already: a bit set far out does not write all that lies between.
        let mut big = BytesMut::zeroed(len);
        big[..bytes.len()].copy_from_slice(&bytes);
        return big;
    }
    let mut big = match bytes.try_into_mut() {
        Ok(ours) => ours,
        Err(shared) => {
            let mut copy = BytesMut::with_capacity(shared.len().max(len));
            copy.extend_from_slice(&shared);
            copy
        }
    };
    if big.len() < len {
        big.resize(len, 0);
    }
    big
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: NewValue<'_>) -> Record {
        Record::new(b"key", value, None, 0)
    }

    fn bytes(record: &Record) -> Vec<u8> {
        let mut string = StringView::of(record.view()).expect("it holds a string");
        string.bytes().to_vec()
    }

    #[test]
    fn every_form_of_a_string_is_changed_and_grows() {
        for start in [
            NewValue::Int(12),
            NewValue::Str(b"12"),
            NewValue::Raw(b"12"),
        ] {
            let mut record = record(start);
            change_bytes(&mut record, 0, |bytes| bytes[1] = b'3');
            assert_eq!(bytes(&record), b"13");
            assert_eq!(record.view().kind(), Kind::Raw);
            for len in [5, BIG_STRING - 1, BIG_STRING, BIG_STRING + 7, 100_000] {
                change_bytes(&mut record, len, |bytes| {
                    assert_eq!(bytes.len(), len);
                    bytes[len - 1] = 1;
                });
            }
            let bytes = bytes(&record);
            let ones = bytes.iter().filter(|byte| **byte == 1).count();
            assert_eq!((&bytes[..2], bytes.len(), ones), (&b"13"[..], 100_000, 5));
            assert_eq!(record.view().kind(), Kind::BigStr);
        }
    }

    #[test]
    fn a_big_string_stays_where_it_is_unless_it_is_shared() {
        let mut record = record(NewValue::Raw(&[7; 2 * BIG_STRING]));
        let place = |record: &mut Record| record.big_str_mut().as_ptr();
        let before = place(&mut record);
        change_bytes(&mut record, 10, |bytes| bytes[9] = 0);
        assert_eq!(place(&mut record), before);

        let reply = record.big_str_mut().clone();
        change_bytes(&mut record, 10, |bytes| bytes[9] = 1);
        assert_ne!(place(&mut record), before);
        assert_eq!((reply[9], bytes(&record)[9]), (0, 1));
    }
}
