//! Writing serialised bytes: lengths, strings, numbers.

use super::listpack;
use crate::value::number;

/// Elements of a list are packed together up to this many bytes; a larger one is a node of its own.
pub(super) const NODE: usize = 8 * 1024;

/// Serialised bytes under construction.
#[derive(Debug)]
pub(super) struct Writer<'o>(pub(super) &'o mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn millis(&mut self, millis: i64) {
        self.raw(&millis.to_le_bytes());
    }

    pub(super) fn score(&mut self, score: f64) {
        self.raw(&score.to_le_bytes());
    }

    /// A number in the form of a length.
    pub(super) fn number(&mut self, number: u64) {
        match number {
            0..=0x3F => self.byte(number as u8),
            0x40..=0x3FFF => self.raw(&[0x40 | (number >> 8) as u8, number as u8]),
            0x4000..=0xFFFF_FFFF => {
                self.byte(0x80);
                self.raw(&(number as u32).to_be_bytes());
            }
            _ => {
                self.byte(0x81);
                self.raw(&number.to_be_bytes());
            }
        }
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A string as it is.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// A string: what is the text of a small integer in binary.
    pub(super) fn string(&mut self, bytes: &[u8]) {
        match number::parse_i64(bytes) {
            Some(value) if i32::try_from(value).is_ok() => self.int(value),
            _ => self.bytes(bytes),
        }
    }

    /// A string that is the text of an integer.
    pub(super) fn int(&mut self, value: i64) {
        if let Ok(value) = i8::try_from(value) {
            self.raw(&[0xC0, value as u8]);
        } else if let Ok(value) = i16::try_from(value) {
            self.byte(0xC1);
            self.raw(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.byte(0xC2);
            self.raw(&value.to_le_bytes());
        } else {
            self.bytes(itoa::Buffer::new().format(value).as_bytes());
        }
    }

    /// The nodes of a list.
    pub(super) fn nodes<'e>(&mut self, elements: impl Iterator<Item = &'e [u8]>) {
        // The number of nodes stands before them, and is known behind them.
        let mut nodes = Vec::new();
        let (mut count, mut writer) = (0, Writer(&mut nodes));
        let mut packed = listpack::Builder::new();
        for element in elements {
            if !packed.is_empty() && packed.len() + element.len() > NODE {
                writer.packed(&mut packed);
                count += 1;
            }
            if element.len() > NODE {
                writer.number(1);
                writer.bytes(element);
                count += 1;
            } else {
                packed.push(element);
            }
        }
        if !packed.is_empty() {
            writer.packed(&mut packed);
            count += 1;
        }
        self.count(count);
        self.raw(&nodes);
    }

    fn packed(&mut self, packed: &mut listpack::Builder) {
        self.number(2);
        self.bytes(&packed.finish());
    }
}
