//! Two facts of a certificate file that INFO shows: its serial number and when it expires.
//!
//! Only the first certificate of a PEM file is looked at, and only as far as these facts; whether it is valid is for TLS
//! to say. Whatever cannot be read is no certificate.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What is known of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The serial number in hexadecimal digits, two for each byte.
    pub serial: String,
    /// When it expires, in seconds since the Unix epoch.
    pub expires: i64,
}

/// The first certificate of a PEM file.
pub fn read(path: &Path) -> Option<Certificate> {
    parse(&CertificateDer::from_pem_file(path).ok()?)
}

/// ASN.1 tags that a certificate has on the way to its dates.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

fn parse(der: &[u8]) -> Option<Certificate> {
    let (SEQUENCE, certificate, _) = element(der)? else {
        return None;
    };
    let (SEQUENCE, mut rest, _) = element(certificate)? else {
        return None;
    };
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    let (INTEGER, serial, rest) = element(rest)? else {
        return None;
    };
    let (_, _signature, rest) = element(rest)?;
    let (_, _issuer, rest) = element(rest)?;
    let (SEQUENCE, validity, _) = element(rest)? else {
        return None;
    };
    let (_, _not_before, rest) = element(validity)?;
    let (tag, not_after, _) = element(rest)?;
    // A leading zero only says that the number is positive.
    let digits = serial
        .strip_prefix(&[0])
        .filter(|rest| !rest.is_empty())
        .unwrap_or(serial);
    Some(Certificate {
        serial: digits.iter().map(|byte| format!("{byte:02X}")).collect(),
        expires: moment(tag, not_after)?,
    })
}

/// The first element of DER-encoded bytes: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (len, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // One to four bytes of length follow.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (
                bytes
                    .iter()
                    .fold(0, |len, byte| len << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(len)?;
    Some((tag, contents, rest))
}

/// A time as certificates write it (`YYMMDDhhmmssZ` or with four digits of the year), in seconds since the Unix epoch.
fn moment(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    let seconds = (part(4)? * 60 + part(6)?) * 60 + part(8)?;
    Some(days_since_epoch(year, month, day) * 86_400 + seconds)
}

/// Days from the Unix epoch to a date of the Gregorian calendar. The year is taken to begin in March, so that the day that
/// is there only sometimes is its last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days_before_month = (153 * month + 2) / 5;
    let leap_days = year / 4 - year / 100 + year / 400;
    // The day before 1 March of the year 0 is 719469 days before the epoch.
    year * 365 + leap_days + days_before_month + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        assert_eq!(moment(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(moment(UTC_TIME, b"000229120000Z"), Some(951_825_600));
        assert_eq!(
            moment(GENERALIZED_TIME, b"20380119031407Z"),
            Some(i64::from(i32::MAX))
        );
        assert_eq!(moment(GENERALIZED_TIME, b"2038"), None);
        assert_eq!(moment(INTEGER, b"700101000000Z"), None);
    }

    #[test]
    fn serial_and_expiry_are_found_behind_what_is_not_looked_at() {
        let wrap = |tag: u8, contents: &[u8]| -> Vec<u8> {
            let mut der = vec![tag, 0x81, contents.len() as u8];
            der.extend(contents);
            der
        };
        let dates = [
            wrap(UTC_TIME, b"700101000000Z"),
            wrap(UTC_TIME, b"000229120000Z"),
        ]
        .concat();
        let fields = [
            wrap(VERSION, &[2, 1, 2]),
            wrap(INTEGER, &[0, 0xAB, 1]),
            wrap(SEQUENCE, &[]),
            wrap(SEQUENCE, &[]),
            wrap(SEQUENCE, &dates),
        ];
        let der = wrap(SEQUENCE, &wrap(SEQUENCE, &fields.concat()));
        let expected = Certificate {
            serial: "AB01".to_owned(),
            expires: 951_825_600,
        };
        assert_eq!(parse(&der), Some(expected));
        for end in 0..der.len() {
            assert_eq!(parse(&der[..end]), None);
        }
    }
}
