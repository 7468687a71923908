use proptest::collection::vec;
use proptest::prelude::*;
use redis_protocol::resp3::types::BytesFrame as Frame3;
use redis_protocol::{resp2, resp3};

use super::*;
use crate::resp::decode::{self, DecodeLimits, Value};

fn written(protocol: Protocol, write: impl FnOnce(&mut Reply)) -> String {
    Reply::encode(protocol, write)
        .escape_ascii()
        .to_string()
        .replace("\\r\\n", "|")
}

/// What `write` writes in RESP2 and in RESP3, with `|` for a line end.
fn both(write: impl Fn(&mut Reply)) -> (String, String) {
    (
        written(Protocol::Resp2, &write),
        written(Protocol::Resp3, &write),
    )
}

fn pair(resp2: &str, resp3: &str) -> (String, String) {
    (resp2.into(), resp3.into())
}

#[test]
fn scalars() {
    assert_eq!(both(|r| r.ok()), pair("+OK|", "+OK|"));
    assert_eq!(both(|r| r.simple("QUEUED")), pair("+QUEUED|", "+QUEUED|"));
    assert_eq!(
        both(|r| r.error(&ReplyError::SYNTAX)),
        pair("-ERR syntax error|", "-ERR syntax error|")
    );
    assert_eq!(both(|r| r.int(-1)), pair(":-1|", ":-1|"));
    assert_eq!(both(|r| r.bulk(b"")), pair("$0||", "$0||"));
    assert_eq!(both(|r| r.bulk_int(1234)), pair("$4|1234|", "$4|1234|"));
    assert_eq!(both(|r| r.null()), pair("$-1|", "_|"));
    assert_eq!(both(|r| r.null_array()), pair("*-1|", "_|"));
    assert_eq!(both(|r| r.bool(true)), pair(":1|", "#t|"));
    assert_eq!(both(|r| r.bool(false)), pair(":0|", "#f|"));
    assert_eq!(both(|r| r.double(1.5)), pair("$3|1.5|", ",1.5|"));
    assert_eq!(
        both(|r| r.double(f64::NEG_INFINITY)),
        pair("$4|-inf|", ",-inf|")
    );
    assert_eq!(
        both(|r| r.human_double(1e21)),
        pair("$22|1000000000000000000000|", ",1000000000000000000000|")
    );
    assert_eq!(both(|r| r.human_double(-0.0)), pair("$1|0|", ",0|"));
    assert_eq!(
        both(|r| r.bignum("12345678901234567890")),
        pair("$20|12345678901234567890|", "(12345678901234567890|")
    );
    assert_eq!(
        both(|r| r.verbatim("txt", b"a\tb")),
        pair("$3|a\\tb|", "=7|txt:a\\tb|")
    );
}

#[test]
fn aggregates() {
    assert_eq!(both(|r| r.array(3)), pair("*3|", "*3|"));
    assert_eq!(both(|r| r.map(3)), pair("*6|", "%3|"));
    assert_eq!(both(|r| r.set(600)), pair("*600|", "~600|"));
    assert_eq!(both(|r| r.push(3)), pair("*3|", ">3|"));
    assert_eq!(written(Protocol::Resp3, |r| r.attribute(1)), "|1|");
}

#[test]
fn deferred_aggregates_nest() {
    let write = |r: &mut Reply| {
        let outer = r.defer();
        r.bulk_shared(&Bytes::from(vec![b'x'; SPLICED_LEN]));
        let inner = r.defer();
        for n in 0..12 {
            r.int(n);
        }
        r.bulk_shared(&Bytes::from(vec![b'y'; SPLICED_LEN]));
        r.set_at(inner, 13);
        r.null();
        r.map_at(outer, 123_456);
    };
    let (x, y) = ("x".repeat(SPLICED_LEN), "y".repeat(SPLICED_LEN));
    let ints = ":0|:1|:2|:3|:4|:5|:6|:7|:8|:9|:10|:11|";
    let resp2 = format!("*246912|$16384|{x}|*13|{ints}$16384|{y}|$-1|");
    let resp3 = format!("%123456|$16384|{x}|~13|{ints}$16384|{y}|_|");
    assert_eq!(both(write), (resp2, resp3));
    assert_eq!(
        both(|r| {
            let at = r.defer();
            r.array_at(at, 0);
        }),
        pair("*0|", "*0|")
    );
}

#[test]
fn a_half_written_reply_is_taken_back() {
    let mut reply = Reply::default();
    reply.int(1);
    let mark = reply.mark();
    assert!(reply.is_at(mark));
    reply.array(2);
    reply.bulk_shared(&Bytes::from(vec![0; SPLICED_LEN]));
    assert!(!reply.is_at(mark));
    reply.truncate_to(mark);
    reply.error(&ReplyError::NO_KEY);
    assert_eq!(&reply.to_bytes()[..], b":1\r\n-ERR no such key\r\n");
    assert_eq!(reply.pending(), reply.to_bytes().len());
}

#[test]
fn muted_replies_let_push_messages_through() {
    let mut reply = Reply::new(Protocol::Resp3);
    reply.set_muted(true);
    reply.ok();
    let at = reply.defer();
    reply.bulk(b"x");
    reply.map_at(at, 1);
    assert_eq!(reply.pending(), 0);

    reply.push(2);
    reply.bulk(b"invalidate");
    reply.array(2);
    reply.bulk(b"a");
    reply.null();
    reply.int(5);
    reply.deliver(&Bytes::from_static(b">0\r\n"));
    assert_eq!(
        &reply.to_bytes()[..],
        b">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n_\r\n>0\r\n"
    );
    reply.set_muted(false);
    reply.consume(reply.pending());
    reply.append_raw(b"+OK\r\n");
    assert_eq!(&reply.to_bytes()[..], b"+OK\r\n");
}

#[test]
fn big_values_are_not_copied() {
    let big = Bytes::from(vec![b'v'; SPLICED_LEN]);
    let mut reply = Reply::default();
    reply.bulk_shared(&big);
    let mut slices = [IoSlice::new(&[]); 4];
    assert_eq!(reply.io_slices(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), big.as_ptr());
    assert_eq!(&slices[2][..], b"\r\n");
    let mut one = [IoSlice::new(&[]); 1];
    assert_eq!(reply.io_slices(&mut one), 1);
    reply.consume(reply.pending());
    assert_eq!(reply.io_slices(&mut [IoSlice::new(&[]); 4]), 0);
    reply.release_if_empty();
    assert_eq!(reply.memory(), 0);
}

/// A reply to write. Only what both protocols tell apart needs telling apart.
fn value() -> impl Strategy<Value = Value> {
    let bytes = || vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let scalar = prop_oneof![
        Just(Value::Null),
        "[ -~]{0,20}".prop_map(|text| Value::Simple(Bytes::from(text))),
        "[A-Z]{1,9} [ -~]{0,20}".prop_map(|text| Value::Error(ReplyError::new(text))),
        any::<i64>().prop_map(Value::Int),
        (0i64..2000).prop_map(Value::Int),
        bytes().prop_map(Value::Bulk),
        (SPLICED_LEN - 2..SPLICED_LEN + 2)
            .prop_map(|len| Value::Bulk(Bytes::from(vec![b'b'; len]))),
        any::<f64>()
            .prop_filter("nan is not equal to itself", |v| !v.is_nan())
            .prop_map(Value::Double),
        any::<bool>().prop_map(Value::Bool),
        "[1-9][0-9]{0,40}".prop_map(|digits| Value::BigNumber(Bytes::from(digits))),
        bytes().prop_map(|text| Value::Verbatim {
            format: "txt",
            text
        }),
    ];
    // The other decoder hashes keys and members: they cannot be aggregates.
    let key = || {
        let bulk = vec(any::<u8>(), 0..12).prop_map(|bytes| Value::Bulk(Bytes::from(bytes)));
        prop_oneof![bulk, any::<i64>().prop_map(Value::Int)]
    };
    scalar.prop_recursive(4, 40, 12, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Value::Array),
            vec(key(), 0..12).prop_map(Value::Set),
            vec((key(), inner), 0..12).prop_map(Value::Map),
        ]
    })
}

fn write(reply: &mut Reply, value: &Value, deferred: bool) {
    let nested = |reply: &mut Reply, values: &mut dyn Iterator<Item = &Value>| {
        for value in values {
            write(reply, value, deferred);
        }
    };
    match value {
        Value::Null => reply.null(),
        Value::Simple(text) => reply.simple(str::from_utf8(text).unwrap()),
        Value::Error(error) => reply.error(error),
        Value::Int(n) => reply.int(*n),
        Value::Bulk(bytes) => reply.bulk_shared(bytes),
        Value::Double(n) => reply.double(*n),
        Value::Bool(b) => reply.bool(*b),
        Value::BigNumber(digits) => reply.bignum(str::from_utf8(digits).unwrap()),
        Value::Verbatim { format, text } => reply.verbatim(format, text),
        Value::Array(values) if deferred => {
            let at = reply.defer();
            nested(reply, &mut values.iter());
            reply.array_at(at, values.len());
        }
        Value::Array(values) => {
            reply.array(values.len());
            nested(reply, &mut values.iter());
        }
        Value::Set(values) if deferred => {
            let at = reply.defer();
            nested(reply, &mut values.iter());
            reply.set_at(at, values.len());
        }
        Value::Set(values) => {
            reply.set(values.len());
            nested(reply, &mut values.iter());
        }
        Value::Map(pairs) if deferred => {
            let at = reply.defer();
            nested(
                reply,
                &mut pairs.iter().flat_map(|(key, value)| [key, value]),
            );
            reply.map_at(at, pairs.len());
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            nested(
                reply,
                &mut pairs.iter().flat_map(|(key, value)| [key, value]),
            );
        }
        Value::Push(_) => unreachable!("not generated"),
    }
}

/// What a RESP2 client sees of a value.
fn downgraded(value: &Value) -> Value {
    match value {
        Value::Bool(b) => Value::Int((*b).into()),
        Value::Double(n) => Value::Bulk(Bytes::copy_from_slice(&DoubleText::new(*n))),
        Value::BigNumber(bytes) | Value::Verbatim { text: bytes, .. } => Value::Bulk(bytes.clone()),
        Value::Array(values) | Value::Set(values) => {
            Value::Array(values.iter().map(downgraded).collect())
        }
        Value::Map(pairs) => Value::Array(
            pairs
                .iter()
                .flat_map(|(k, v)| [downgraded(k), downgraded(v)])
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether the other decoder understood the same. Its maps and sets have no order and no duplicates.
fn same2(value: &Value, frame: &resp2::types::BytesFrame) -> bool {
    use resp2::types::BytesFrame as Frame;
    match (value, frame) {
        (Value::Null, Frame::Null) => true,
        (Value::Simple(a), Frame::SimpleString(b)) | (Value::Bulk(a), Frame::BulkString(b)) => {
            a == b
        }
        (Value::Error(a), Frame::Error(b)) => a.text() == **b,
        (Value::Int(a), Frame::Integer(b)) => a == b,
        (Value::Array(a), Frame::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same2(a, b))
        }
        _ => false,
    }
}

fn same3(value: &Value, frame: &Frame3) -> bool {
    match (value, frame) {
        (Value::Null, Frame3::Null) => true,
        (Value::Simple(a), Frame3::SimpleString { data: b, .. }) => a == b,
        (Value::Bulk(a), Frame3::BlobString { data: b, .. }) => a == b,
        (Value::BigNumber(a), Frame3::BigNumber { data: b, .. }) => a == b,
        (Value::Verbatim { text: a, .. }, Frame3::VerbatimString { data: b, .. }) => a == b,
        (Value::Error(a), Frame3::SimpleError { data: b, .. }) => a.text() == **b,
        (Value::Int(a), Frame3::Number { data: b, .. }) => a == b,
        (Value::Double(a), Frame3::Double { data: b, .. }) => a == b,
        (Value::Bool(a), Frame3::Boolean { data: b, .. }) => a == b,
        (Value::Array(a), Frame3::Array { data: b, .. }) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same3(a, b))
        }
        (Value::Set(a), Frame3::Set { data: b, .. }) => {
            a.iter().all(|a| b.iter().any(|b| same3(a, b)))
        }
        (Value::Map(a), Frame3::Map { data: b, .. }) => {
            a.iter().all(|(a, _)| b.keys().any(|b| same3(a, b)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn two_decoders_read_what_was_written(value in value(), deferred in any::<bool>()) {
        let resp3_bytes = Reply::encode(Protocol::Resp3, |reply| write(reply, &value, deferred));
        let (ours, len) = decode::decode(&resp3_bytes, DecodeLimits::default()).unwrap().unwrap();
        prop_assert_eq!(&ours, &value);
        prop_assert_eq!(len, resp3_bytes.len());
        let (theirs, len) = resp3::decode::complete::decode_bytes(&resp3_bytes).unwrap().unwrap();
        prop_assert!(same3(&value, &theirs), "{:?}", theirs);
        prop_assert_eq!(len, resp3_bytes.len());

        let resp2_bytes = Reply::encode(Protocol::Resp2, |reply| write(reply, &value, deferred));
        let value = downgraded(&value);
        let (ours, len) = decode::decode(&resp2_bytes, DecodeLimits::default()).unwrap().unwrap();
        prop_assert_eq!(&ours, &value);
        prop_assert_eq!(len, resp2_bytes.len());
        let (theirs, len) = resp2::decode::decode_bytes(&resp2_bytes).unwrap().unwrap();
        prop_assert!(same2(&value, &theirs), "{:?}", theirs);
        prop_assert_eq!(len, resp2_bytes.len());
    }

    #[test]
    fn partial_writes_send_everything_once_in_order(
        steps in vec((0usize..40_000, any::<bool>(), 0usize..60_000, 1usize..6), 1..40),
    ) {
        let mut reply = Reply::default();
        let (mut expected, mut sent) = (Vec::new(), Vec::new());
        for (number, (len, shared, write, max_slices)) in steps.into_iter().enumerate() {
            let bytes = Bytes::from(vec![number as u8; len]);
            expected.extend_from_slice(format!("${len}\r\n").as_bytes());
            expected.extend_from_slice(&bytes);
            expected.extend_from_slice(b"\r\n");
            if shared { reply.bulk_shared(&bytes) } else { reply.bulk(&bytes) }
            prop_assert_eq!(reply.pending(), expected.len() - sent.len());

            let mut slices = [IoSlice::new(&[]); 6];
            let used = reply.io_slices(&mut slices[..max_slices]);
            let before = sent.len();
            for slice in &slices[..used] {
                prop_assert!(!slice.is_empty());
                let room = write - (sent.len() - before);
                sent.extend_from_slice(&slice[..room.min(slice.len())]);
            }
            reply.consume(sent.len() - before);
            reply.release_if_empty();
        }
        sent.extend_from_slice(&reply.to_bytes());
        prop_assert!(sent == expected);
    }
}
