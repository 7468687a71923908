use super::*;

fn all(bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut decoder = ReplyDecoder::default();
    decoder.feed(bytes);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_reply()? {
        values.push(value);
    }
    Ok(values)
}

fn bulk(text: &'static str) -> Value {
    Value::Bulk(Bytes::from_static(text.as_bytes()))
}

#[test]
fn every_type() {
    let values = all(b"+OK\r\n-ERR \xff no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n,-inf\r\n(123\r\n=6\r\ntxt:hi\r\n!5\r\nERR x\r\n");
    let expected = vec![
        Value::Simple(Bytes::from_static(b"OK")),
        Value::Error(ReplyError::from_bytes(b"ERR \xff no".to_vec())),
        Value::Int(-7),
        bulk("a\r\n"),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Bool(true),
        Value::Double(1.5),
        Value::Double(f64::NEG_INFINITY),
        Value::BigNumber(Bytes::from_static(b"123")),
        Value::Verbatim {
            format: "txt",
            text: Bytes::from_static(b"hi"),
        },
        Value::Error(ReplyError::fixed("ERR x")),
    ];
    assert_eq!(values.unwrap(), expected);
}

#[test]
fn aggregates_keep_their_order() {
    let values = all(b"%2\r\n+b\r\n:1\r\n+a\r\n*2\r\n:2\r\n~0\r\n>1\r\n$1\r\nx\r\n|1\r\n+ttl\r\n:9\r\n:3\r\n*0\r\n");
    let simple = |text: &'static str| Value::Simple(Bytes::from_static(text.as_bytes()));
    let expected = vec![
        Value::Map(vec![
            (simple("b"), Value::Int(1)),
            (
                simple("a"),
                Value::Array(vec![Value::Int(2), Value::Set(vec![])]),
            ),
        ]),
        Value::Push(vec![bulk("x")]),
        Value::Int(3),
        Value::Array(vec![]),
    ];
    assert_eq!(values.unwrap(), expected);
}

#[test]
fn byte_by_byte() {
    let bytes = b"*3\r\n$5\r\nhello\r\n%1\r\n+k\r\n,2\r\n*2\r\n:1\r\n$-1\r\n";
    let mut decoder = ReplyDecoder::default();
    for (index, byte) in bytes.iter().enumerate() {
        assert_eq!(
            decoder.next_reply(),
            Ok(None),
            "complete after {index} bytes"
        );
        decoder.feed(&[*byte]);
    }
    let whole = decode(bytes, DecodeLimits::default()).unwrap().unwrap();
    assert_eq!(whole.1, bytes.len());
    assert_eq!(decoder.next_reply().unwrap(), Some(whole.0));
}

#[test]
fn limits_hold_before_anything_is_allocated() {
    let limits = DecodeLimits {
        max_depth: 3,
        max_bytes: 100,
        max_elements: 10,
    };
    let decode =
        |bytes: &[u8]| decode(bytes, limits).map(|decoded| decoded.map(|(value, _)| value));
    assert_eq!(
        decode(b"*1\r\n*1\r\n*1\r\n:1\r\n").map(|value| value.is_some()),
        Ok(true)
    );
    assert_eq!(
        decode(b"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
        Err(DecodeError::TooDeep)
    );
    assert_eq!(decode(b"*11\r\n"), Err(DecodeError::TooMany));
    assert_eq!(decode(b"%6\r\n"), Err(DecodeError::TooMany));
    assert_eq!(decode(b"$101\r\n"), Err(DecodeError::TooLong));
    assert_eq!(
        decode(b"$18446744073709551615\r\n"),
        Err(DecodeError::TooLong)
    );
    assert_eq!(
        decode(b"%18446744073709551615\r\n"),
        Err(DecodeError::TooMany)
    );
    assert_eq!(decode(&[b'+'; 101]), Err(DecodeError::TooLong));
    assert_eq!(
        decode(&[b'*'; 40]),
        Err(DecodeError::Invalid("a length without an end".into()))
    );
    let deep = b"*1\r\n".repeat(1_000_000);
    assert_eq!(all(&deep), Err(DecodeError::TooDeep));
}

#[test]
fn what_is_not_resp() {
    for bytes in [
        &b"hello\r\n"[..],
        b"\r\n",
        b":x\r\n",
        b"$x\r\n",
        b"$+3\r\nabc\r\n",
        b"$-2\r\n",
        b"#x\r\n",
        b",x\r\n",
        b"$?\r\n",
        b"*?\r\n",
        b"=3\r\ntxt\r\n",
        b"*\r\n",
    ] {
        assert!(
            matches!(all(bytes), Err(DecodeError::Invalid(_))),
            "{}: {:?}",
            bytes.escape_ascii(),
            all(bytes)
        );
    }
}

proptest::proptest! {
    #[test]
    fn junk_never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = all(&bytes);
    }

    #[test]
    fn resp_like_junk_never_panics(parts in proptest::collection::vec(0usize..18, 0..60)) {
        let pieces: [&[u8]; 18] = [
            b"*", b"$", b"%", b"=", b"|", b">", b"1", b"3", b"-", b"\r\n", b"\r\n", b"\r", b"a", b"txt:", b"+", b":", b"!", b",",
        ];
        let bytes: Vec<u8> = parts.iter().flat_map(|&part| pieces[part]).copied().collect();
        let _ = all(&bytes);
    }
}
