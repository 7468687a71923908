//! The text of INFO while it grows, and how its figures are written.

use std::fmt::{self, Display, Write as _};

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a section, an empty line after the one before.
    pub(super) fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.write(format_args!("# {title}\r\n"));
    }

    /// Adds a line.
    pub(super) fn field(&mut self, name: impl Display, value: impl Display) {
        self.write(format_args!("{name}:{value}\r\n"));
    }

    /// Adds a line for each of several fields that have the same value, as those of missing features do.
    pub(super) fn fields(&mut self, names: &[&str], value: impl Display) {
        for name in names {
            self.field(name, &value);
        }
    }

    /// Adds a number of bytes, and a line of the same for people.
    pub(super) fn memory(&mut self, name: &str, bytes: usize) {
        self.field(name, bytes);
        self.field(format_args!("{name}_human"), Human(bytes));
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn write(&mut self, line: fmt::Arguments<'_>) {
        self.0
            .write_fmt(line)
            .expect("a string takes whatever is written to it");
    }
}

/// A number of bytes with two decimals and a unit, a power of 1024.
pub(super) struct Human(pub(super) usize);

impl Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
        let power = match self.0 {
            0 => 0,
            bytes => bytes.ilog2() as usize / 10,
        };
        match power {
            0 => write!(f, "{}B", self.0),
            _ => {
                let unit = UNITS[power.min(UNITS.len()) - 1];
                let scaled = self.0 as f64 / 1024_f64.powi(power.min(UNITS.len()) as i32);
                write!(f, "{scaled:.2}{unit}")
            }
        }
    }
}

/// A ratio with two decimals; what is divided by zero is 0.
pub(super) fn ratio(part: f64, whole: f64) -> String {
    format!("{:.2}", if whole == 0.0 { 0.0 } else { part / whole })
}

/// A share in percent, with two decimals and the sign.
pub(super) fn percent(part: usize, whole: usize) -> String {
    format!("{}%", ratio(part as f64 * 100.0, whole as f64))
}

/// Text from outside for the value of a line: without what would end the line or the field.
pub(super) fn safe(text: &str) -> String {
    text.replace(['#', ':', '\n', '\r'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (941_672, "919.60K"),
            (14_630_912, "13.95M"),
            (25_276_514_304, "23.54G"),
            (usize::MAX, "16384.00P"),
        ] {
            assert_eq!(Human(bytes).to_string(), text);
        }
    }

    #[test]
    fn sections_are_separated_by_an_empty_line() {
        let mut text = Text::default();
        text.title("A");
        text.memory("size", 2048);
        text.title("B");
        text.fields(&["x", "y"], 0);
        assert_eq!(
            std::str::from_utf8(text.as_bytes()),
            Ok("# A\r\nsize:2048\r\nsize_human:2.00K\r\n\r\n# B\r\nx:0\r\ny:0\r\n")
        );
    }

    #[test]
    fn shares_of_nothing_are_zero() {
        assert_eq!(
            (percent(1, 4), percent(1, 0)),
            ("25.00%".into(), "0.00%".into())
        );
        assert_eq!(safe("a:b\r\n#c"), "a_b___c");
    }
}
