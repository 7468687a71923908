use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::resp::window::WINDOW;

/// A connection's parsing state, fed by hand.
#[derive(Default)]
struct Input {
    buffer: ReadBuffer,
    window: Window,
    parser: RequestParser,
    limits: Limits,
}

impl Input {
    fn unauthenticated() -> Input {
        Input {
            limits: Limits {
                authenticated: false,
                ..Limits::default()
            },
            ..Input::default()
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.parser.receive(&mut self.buffer, bytes);
    }

    fn fill(&mut self) -> Result<(), ProtocolError> {
        self.parser
            .fill(&mut self.buffer, &mut self.window, &self.limits)
    }

    /// Executes everything that is complete, `at_once` requests at a time.
    fn drain(&mut self, at_once: usize) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
        let mut requests = Vec::new();
        loop {
            self.fill()?;
            if self.window.is_empty() {
                return Ok(requests);
            }
            let n = at_once.min(self.window.len());
            for index in 0..n {
                requests.push(
                    self.window
                        .args(&self.buffer, index)
                        .iter()
                        .map(<[u8]>::to_vec)
                        .collect(),
                );
            }
            self.window.consume(n);
        }
    }

    fn buffered(&self) -> usize {
        self.parser.buffered(&self.buffer, &self.window)
    }
}

fn request(args: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn parse(bytes: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
    let mut input = Input::default();
    input.receive(bytes);
    input.drain(WINDOW)
}

fn words(requests: Vec<Vec<Vec<u8>>>) -> Vec<String> {
    requests
        .iter()
        .map(|args| args.join(&b' ').escape_ascii().to_string())
        .collect()
}

#[test]
fn arrays_and_inline_requests() {
    let requests =
        parse(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4\r\nPING\r\nset k 'a b'\n").unwrap();
    assert_eq!(words(requests), ["GET k", "PING", "PING", "set k a b"]);
}

#[test]
fn nothing_at_all_is_skipped() {
    let requests = parse(b"\r\n\n  \r\n*0\r\n*-1\r\n*-5\r\nPING\r\n").unwrap();
    assert_eq!(words(requests), ["PING"]);
    let mut input = Input::default();
    input.receive(&b"\r\n*0\r\n".repeat(1000));
    assert_eq!(input.drain(1), Ok(vec![]));
    assert_eq!(input.buffer.len(), 0);
    assert!(!input.parser.is_mid_request(&input.buffer));
}

#[test]
fn protocol_errors() {
    let long = |start: &str, len: usize| format!("{start}{}", "1".repeat(len)).into_bytes();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"*x\r\n".into(), "invalid multibulk length"),
        (b"*\r\n".into(), "invalid multibulk length"),
        (b"*03\r\n".into(), "invalid multibulk length"),
        (b"*+3\r\n".into(), "invalid multibulk length"),
        (b"*3 \r\n".into(), "invalid multibulk length"),
        (b"*-0\r\n".into(), "invalid multibulk length"),
        (b"*2147483648\r\n".into(), "invalid multibulk length"),
        (
            b"*99999999999999999999999\r\n".into(),
            "invalid multibulk length",
        ),
        (b"*1\r\nPING\r\n".into(), "expected '$', got 'P'"),
        (b"*1\r\n*1\r\n".into(), "expected '$', got '*'"),
        (b"*1\r\n\r\n".into(), "expected '$', got ' '"),
        (b"*1\r\n$-5\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$-1\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$01\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$1x\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$536870913\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$10737418240\r\n".into(), "invalid bulk length"),
        (b"set k \"v\r\n".into(), "unbalanced quotes in request"),
        (b"set k 'v'x\r\n".into(), "unbalanced quotes in request"),
        (long("", MAX_LINE + 1), "too big inline request"),
        (long("*", MAX_LINE), "too big mbulk count string"),
        (long("*1\r\n$", MAX_LINE), "too big bulk count string"),
        (b"*1\r\n*1\r\n".repeat(100_000), "expected '$', got '*'"),
    ];
    for (bytes, text) in cases {
        let error = parse(&bytes).expect_err(text);
        assert_eq!(error.reply().text(), format!("ERR Protocol error: {text}"));
    }
    // Not errors yet: the line may still end.
    for bytes in [
        long("", MAX_LINE),
        long("*", MAX_LINE - 1),
        long("*1\r\n$", MAX_LINE - 1),
        b"*1\r\n$5\r".into(),
    ] {
        assert_eq!(parse(&bytes), Ok(vec![]));
    }
}

#[test]
fn an_error_waits_for_the_requests_before_it_and_stays() {
    let mut input = Input::default();
    input.receive(b"PING\r\n*1\r\n$-5\r\nPING\r\n");
    assert_eq!(input.fill(), Ok(()));
    assert_eq!(input.window.len(), 1);
    assert_eq!(input.fill(), Ok(()));
    input.window.consume(1);
    assert_eq!(input.fill(), Err(ProtocolError::InvalidBulkLength));
    input.receive(b"PING\r\n");
    assert_eq!(input.fill(), Err(ProtocolError::InvalidBulkLength));
    assert!(input.window.is_empty());
}

#[test]
fn what_the_unauthenticated_may_send() {
    let many = request(&vec![b"x".to_vec(); 11]);
    let big = request(&[b"x".to_vec(), vec![0; 16385]]);
    for (bytes, text) in [
        (&many, "unauthenticated multibulk length"),
        (&big, "unauthenticated bulk length"),
    ] {
        let mut input = Input::unauthenticated();
        input.receive(bytes);
        let error = input.drain(1).expect_err(text);
        assert_eq!(error.reply().text(), format!("ERR Protocol error: {text}"));

        // A request before it may authenticate.
        for authenticates in [true, false] {
            let mut input = Input::unauthenticated();
            input.receive(b"AUTH secret\r\n");
            input.receive(bytes);
            input.fill().unwrap();
            assert_eq!(input.window.len(), 1);
            input.window.consume(1);
            input.limits.authenticated = authenticates;
            assert_eq!(input.fill().is_ok(), authenticates);
            assert_eq!(input.window.len(), usize::from(authenticates));
        }
    }
    let mut input = Input::unauthenticated();
    input.receive(&request(&vec![b"x".to_vec(); 10]));
    input.receive(&request(&[vec![0; 16384]]));
    assert_eq!(input.drain(1).unwrap().len(), 2);
}

#[test]
fn announcements_cost_nothing() {
    let mut input = Input::default();
    input.receive(b"*2000000000\r\n$3\r\nSET\r\n$536870912\r\nabc");
    assert_eq!(input.drain(1), Ok(vec![]));
    assert!(input.buffered() < 100_000, "{}", input.buffered());
    assert!(input.parser.read_space(&mut input.buffer).len() <= DIRECT_START);
    assert!(input.parser.is_mid_request(&input.buffer));
}

#[test]
fn a_big_argument_is_read_into_its_own_allocation() {
    let value: Vec<u8> = (0..1_000_000u32).map(|i| (i >> 3) as u8).collect();
    let bytes = request(&[
        b"SET".to_vec(),
        b"k".to_vec(),
        value.clone(),
        b"NX".to_vec(),
    ]);
    let mut input = Input::default();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let space = input.parser.read_space(&mut input.buffer);
        let n = space.len().min(rest.len()).min(50_000);
        space[..n].copy_from_slice(&rest[..n]);
        input.parser.received(&mut input.buffer, n);
        rest = &rest[n..];
        input.fill().unwrap();
        assert!(
            input.buffer.len() < 20_000,
            "a big argument went through the buffer"
        );
    }
    assert_eq!(input.window.len(), 1);
    assert_eq!(input.window.wire_bytes(0), bytes.len());
    let args = input.window.args(&input.buffer, 0);
    assert_eq!((args.at(2), args.at(3)), (&value[..], &b"NX"[..]));
    let shared = args
        .shared(2)
        .expect("an argument of a megabyte has its own allocation");
    assert_eq!(shared.as_ptr(), args.at(2).as_ptr());
    assert!(args.shared(1).is_none());
    input.window.clear();
    input.fill().unwrap();
    assert_eq!(input.buffer.len(), 0);
    assert_eq!(&shared[..], value);
}

#[test]
fn memory_goes_back_when_idle() {
    let mut input = Input::default();
    input.receive(&request(&vec![vec![b'x'; 100]; 10_000]));
    assert_eq!(input.drain(1).unwrap().len(), 1);
    input.buffer.release_if_empty();
    assert_eq!(input.buffer.capacity(), 0);
    input.window.release_if_empty();
    assert!(input.buffered() < 1024, "{}", input.buffered());
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..30),
        1 => vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'*'), Just(b'$'), Just(b'1')], 0..12),
        1 => (0usize..300, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (SHARED_LEN - 3..SHARED_LEN + 3, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (0usize..300_000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

/// Quotes an argument so that an inline request can hold it.
fn quoted(arg: &[u8]) -> String {
    let bytes: String = arg.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{bytes}\"")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn however_the_bytes_are_cut_up(
        requests in vec(vec(argument(), 1..6), 1..40),
        inline in vec(any::<bool>(), 40),
        cuts in vec(prop_oneof![1usize..8, 1usize..200, 1usize..100_000], 1..60),
        at_once in 1usize..20,
        authenticated in any::<bool>(),
    ) {
        let fits = |args: &Vec<Vec<u8>>| authenticated || args.iter().all(|arg| arg.len() <= 16384);
        let requests: Vec<_> = requests.into_iter().filter(fits).collect();
        let mut bytes = Vec::new();
        for (args, inline) in requests.iter().zip(inline) {
            if inline && args.iter().map(Vec::len).sum::<usize>() < 1000 {
                let words: Vec<_> = args.iter().map(|arg| quoted(arg)).collect();
                bytes.extend_from_slice(words.join(" ").as_bytes());
                bytes.extend_from_slice(b"\r\n");
            } else {
                bytes.extend_from_slice(&request(args));
            }
        }
        let mut input = Input { limits: Limits { authenticated, ..Limits::default() }, ..Input::default() };
        let mut parsed = Vec::new();
        let (mut rest, mut cut) = (&bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let n = rest.len().min(*cut.next().unwrap());
            input.receive(&rest[..n]);
            rest = &rest[n..];
            parsed.extend(input.drain(at_once).unwrap());
        }
        prop_assert_eq!(parsed.len(), requests.len());
        prop_assert!(parsed == requests);
        prop_assert_eq!(input.buffer.len(), 0);
    }

    #[test]
    fn wire_bytes_add_up(requests in vec(vec(argument(), 1..6), 1..16), cut in 1usize..100_000) {
        let bytes: Vec<u8> = requests.iter().flat_map(|args| request(args)).collect();
        let mut input = Input::default();
        for piece in bytes.chunks(cut) {
            input.receive(piece);
            input.fill().unwrap();
        }
        prop_assert_eq!(input.window.len(), requests.len());
        prop_assert_eq!(input.window.waiting_bytes(), bytes.len());
        for (index, args) in requests.iter().enumerate() {
            prop_assert_eq!(input.window.wire_bytes(index), request(args).len());
            prop_assert!(input.window.args(&input.buffer, index).iter().eq(args.iter().map(Vec::as_slice)));
            let owned = input.window.args(&input.buffer, index).to_owned();
            prop_assert!(owned.view().iter().eq(args.iter().map(Vec::as_slice)));
        }
    }

    #[test]
    fn junk_never_panics(bytes in vec(any::<u8>(), 0..300), cut in 1usize..50) {
        let mut input = Input::default();
        for piece in bytes.chunks(cut) {
            input.receive(piece);
            if input.drain(3).is_err() {
                break;
            }
        }
    }

    #[test]
    fn request_like_junk_never_panics(parts in vec(0usize..14, 0..60), cut in 1usize..20) {
        let pieces: [&[u8]; 14] =
            [b"*", b"$", b"1", b"3", b"0", b"-", b"\r\n", b"\r\n", b"\r", b"\n", b"a", b"\"", b"*1\r\n$1\r\n", b"40000"];
        let bytes: Vec<u8> = parts.iter().flat_map(|&part| pieces[part]).copied().collect();
        let mut input = Input::default();
        for piece in bytes.chunks(cut) {
            input.receive(piece);
            if input.drain(3).is_err() {
                break;
            }
        }
    }
}
