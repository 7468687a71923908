//! How places and distances are answered.

use std::fmt::Write;

use crate::resp::Reply;
use crate::value::geo::Place;

/// Writes numbers by way of one buffer.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
}

impl Writer {
    /// A longitude and a latitude with up to 17 digits behind the point: as exact as they are.
    pub(super) fn place(&mut self, reply: &mut Reply, place: Place) {
        reply.array(2);
        for degrees in [place.longitude, place.latitude] {
            self.text.clear();
            let _ = write!(self.text, "{degrees:.17}");
            let text = self.text.trim_end_matches('0').trim_end_matches('.');
            reply.double_text(text.as_bytes());
        }
    }

    /// A distance with four digits behind the point, as text in both protocols.
    pub(super) fn distance(&mut self, reply: &mut Reply, distance: f64) {
        const SCALE: i64 = 10_000;
        self.text.clear();
        let scaled = distance * SCALE as f64;
        let _ = if scaled.abs() < i64::MAX as f64 {
            let scaled = scaled.round_ties_even() as i64;
            write!(self.text, "{}.{:04}", scaled / SCALE, scaled % SCALE)
        } else if distance.is_nan() {
            // Two ends of the earth, by a rounding error.
            write!(self.text, "nan")
        } else {
            write!(self.text, "{distance:.4}")
        };
        reply.bulk(self.text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    #[test]
    fn numbers_look_as_the_peers_show_them() {
        let written = |protocol, write: fn(&mut Writer, &mut Reply)| {
            let bytes = Reply::encode(protocol, |reply| write(&mut Writer::default(), reply));
            String::from_utf8(bytes.to_vec()).expect("numbers are ASCII")
        };
        let place = |writer: &mut Writer, reply: &mut Reply| {
            let (longitude, latitude) = (180.0, 38.115_556_395_496_298_59);
            writer.place(
                reply,
                Place {
                    longitude,
                    latitude,
                },
            );
        };
        assert_eq!(
            written(Protocol::Resp2, place),
            "*2\r\n$3\r\n180\r\n$20\r\n38.11555639549629859\r\n"
        );
        assert_eq!(
            written(Protocol::Resp3, place),
            "*2\r\n,180\r\n,38.11555639549629859\r\n"
        );
        let distance = |writer: &mut Writer, reply: &mut Reply| {
            for distance in [0.0, 0.05, 166_274.151_561, f64::NAN, f64::INFINITY] {
                writer.distance(reply, distance);
            }
        };
        assert_eq!(
            written(Protocol::Resp3, distance),
            "$6\r\n0.0000\r\n$6\r\n0.0500\r\n$11\r\n166274.1516\r\n$3\r\nnan\r\n$3\r\ninf\r\n"
        );
    }
}
