//! The request parser and the reply writer, without sockets: what a pipelined request and its reply cost.
//!
//! `cargo bench --bench resp`

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use larder::resp::{Limits, Protocol, ReadBuffer, Reply, RequestParser, Window};

const PIPELINED: usize = 64;

fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Parses `input` as one read delivers it, looking at every argument.
fn parse(
    input: &[u8],
    buffer: &mut ReadBuffer,
    window: &mut Window,
    parser: &mut RequestParser,
) -> usize {
    let limits = Limits::default();
    parser.receive(buffer, input);
    let mut bytes = 0;
    loop {
        parser
            .fill(buffer, window, &limits)
            .expect("the requests are well formed");
        if window.is_empty() {
            return bytes;
        }
        for index in 0..window.len() {
            bytes += window
                .args(buffer, index)
                .iter()
                .map(<[u8]>::len)
                .sum::<usize>();
        }
        window.clear();
    }
}

fn parser(c: &mut Criterion) {
    let value = [b'v'; 64];
    let big = vec![b'v'; 1 << 20];
    let cases = [
        (
            "get",
            request(&[b"GET", b"key:000000012345"]).repeat(PIPELINED),
            PIPELINED,
        ),
        (
            "set",
            request(&[b"SET", b"key:000000012345", &value]).repeat(PIPELINED),
            PIPELINED,
        ),
        (
            "set_one",
            request(&[b"SET", b"key:000000012345", &value]),
            1,
        ),
        (
            "inline",
            b"SET key:000000012345 value\r\n".repeat(PIPELINED),
            PIPELINED,
        ),
        ("set_1mb", request(&[b"SET", b"key:000000012345", &big]), 1),
    ];
    let mut group = c.benchmark_group("parser");
    for (name, input, requests) in cases {
        let (mut buffer, mut window, mut parser) =
            (ReadBuffer::new(), Window::new(), RequestParser::new());
        group.throughput(Throughput::Elements(requests as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                black_box(parse(
                    black_box(&input),
                    &mut buffer,
                    &mut window,
                    &mut parser,
                ))
            });
        });
    }
    group.finish();
}

fn writer(c: &mut Criterion) {
    let value = [b'v'; 64];
    let mut group = c.benchmark_group("reply");
    group.throughput(Throughput::Elements(PIPELINED as u64));
    let mut bench = |name: &str, write: &dyn Fn(&mut Reply)| {
        let mut reply = Reply::new(Protocol::Resp2);
        group.bench_function(name, |b| {
            b.iter(|| {
                for _ in 0..PIPELINED {
                    write(black_box(&mut reply));
                }
                reply.consume(reply.pending());
            });
        });
    };
    bench("ok", &|reply| reply.ok());
    bench("int_small", &|reply| reply.int(black_box(7)));
    bench("int_large", &|reply| reply.int(black_box(1_234_567_890)));
    bench("bulk_64", &|reply| reply.bulk(black_box(&value)));
    bench("double", &|reply| reply.double(black_box(1234.5)));
    bench("double_whole", &|reply| reply.double(black_box(1234.0)));
    bench("array_of_10_deferred", &|reply| {
        let at = reply.defer();
        for n in 0..10 {
            reply.int(black_box(n));
        }
        reply.array_at(at, 10);
    });
    let big = Bytes::from(vec![b'v'; 1 << 20]);
    bench("bulk_1mb_shared", &|reply| {
        reply.bulk_shared(black_box(&big))
    });
    group.finish();

    c.bench_function("reply/encode_message", |b| {
        b.iter_batched(
            || (),
            |()| {
                Reply::encode(Protocol::Resp3, |reply| {
                    reply.push(3);
                    reply.bulk(b"message");
                    reply.bulk(b"channel");
                    reply.bulk(black_box(&value));
                })
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, parser, writer);
criterion_main!(benches);
