#!/usr/bin/env python3
"""Larder against other servers of the Redis protocol on this machine: the README's table.

    benches/compare.py target/release/larder valkey=/path/to/valkey-server [redis=/path/to/redis-server] \\
        [--benchmark /path/to/valkey-benchmark] [--write README.md]

Every server is pinned to the first core and the load to the second; the servers take turns, round after round.  A figure
is the median over the rounds of requests per second of the *server's* processor time, user and system, which is steadier on a
shared machine than requests per second of wall time.  Memory is the growth of the resident set over a load, per item.

The load generator is valkey-benchmark 9.1 or later (it needs `--sequential`, `__data__` and `__rand_1st__`).
"""
import argparse
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import time

KEYS = 1_000_000
FILL = {
    "key": (KEYS, ["SET", "key:__rand_int__", "__data__"]),
    "hash": (KEYS // 4, ["HSET", "h:__rand_int__", "name", "__data__", "age", "30"]),
    "zset": (KEYS // 4, ["ZADD", "board", "__rand_1st__", "player:__rand_2nd__"]),
    "list": (KEYS, ["RPUSH", "queue", "__data__"]),
    "set": (KEYS, ["SADD", "tags", "tag:__rand_int__"]),
}
# what the table says, pipeline, requests, what has to be there, the request
SPEED = [
    ("GET, one at a time", 1, 100_000, "key", ["GET", "key:__rand_int__"]),
    ("SET, one at a time", 1, 100_000, "key", ["SET", "key:__rand_int__", "__data__"]),
    ("GET, pipeline of 16", 16, 1_500_000, "key", ["GET", "key:__rand_int__"]),
    ("SET, pipeline of 16", 16, 1_500_000, "key", ["SET", "key:__rand_int__", "__data__"]),
    ("SET EX, pipeline of 16", 16, 1_000_000, "key", ["SET", "key:__rand_int__", "__data__", "EX", "900"]),
    ("HSET of 2 fields, pipeline of 16", 16, 1_000_000, "hash", ["HSET", "h:__rand_int__", "name", "__data__", "age", "30"]),
    ("HGET, pipeline of 16", 16, 1_000_000, "hash", ["HGET", "h:__rand_int__", "name"]),
    ("ZADD, pipeline of 16", 16, 800_000, "zset", ["ZADD", "board", "__rand_1st__", "player:__rand_2nd__"]),
    ("ZREVRANK, pipeline of 16", 16, 800_000, "zset", ["ZREVRANK", "board", "player:__rand_int__"]),
    ("LPUSH, pipeline of 16", 16, 1_000_000, "list", ["LPUSH", "queue", "__data__"]),
    ("RPOP, pipeline of 16", 16, 1_000_000, "list", ["RPOP", "queue"]),
    ("LRANGE of 100, pipeline of 4", 4, 60_000, "list", ["LRANGE", "queue", "0", "99"]),
    ("SADD, pipeline of 16", 16, 1_000_000, "set", ["SADD", "tags", "tag:__rand_int__"]),
]
# what the table says, pipeline, batches
FAN_OUT = [
    ("deliveries of a message of 64 B to 1,000 subscribers", 1, 200),
    ("the same, pipeline of 16", 16, 100),
]
SUBSCRIBERS = 1000
# what the table says, items, bytes of __data__, the request
MEMORY = [
    ("a key of 16 B with 32 B", KEYS, 32, ["SET", "key:__rand_int__", "__data__"]),
    ("the same with a TTL", KEYS, 32, ["SET", "key:__rand_int__", "__data__", "EX", "86400"]),
    ("a key of 20 B with 12 digits", KEYS, 3, ["SET", "counter:__rand_1st__", "__rand_1st__"]),
    ("a hash of 5 fields", KEYS // 4, 24, ["HSET", "user:__rand_int__", "name", "__data__", "email", "__data__",
                                           "age", "31", "city", "__data__", "plan", "free"]),
    ("a member of a large sorted set", KEYS, 3, ["ZADD", "board", "__rand_1st__", "player:__rand_1st__"]),
    ("a field of a large hash", KEYS, 24, ["HSET", "big", "field:__rand_int__", "__data__"]),
    ("a member of a large set", KEYS, 3, ["SADD", "members", "member:__rand_int__"]),
    ("an element of a large list, 24 B", KEYS, 24, ["RPUSH", "queue", "__data__"]),
]


class Server:
    """One server process on a free port, pinned to the first core."""

    def __init__(self, name, program):
        self.name = name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", program, "--port", str(self.port), "--save", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit(f"{name} did not start")
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def load(benchmark, server, requests, pipeline, space, request, size=64, clients=50, sequential=False):
    """Sends the load; gives the requests per second of the server's processor time."""
    command = ["taskset", "-c", "1", benchmark, "-p", str(server.port), "-n", str(requests), "-c", str(clients),
               "-P", str(pipeline), "-d", str(size), "-r", str(space), "-q"]
    before = server.cpu_seconds()
    subprocess.run(command + ["--sequential"] * sequential + ["--"] + request, check=True, stdout=subprocess.DEVNULL)
    return requests / max(server.cpu_seconds() - before, 0.01)


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def receive(connection, expected):
    """Receives so many bytes."""
    while expected:
        received = len(connection.recv(min(expected, 1 << 16)))
        if not received:
            sys.exit("a connection was closed")
        expected -= received


def fan_out(server, pipeline, batches):
    """Publishes to many subscribers that read; gives the deliveries per second of the server's processor time."""
    channel, text = b"news", b"x" * 64
    subscribers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(SUBSCRIBERS)]
    for subscriber in subscribers:
        subscriber.sendall(encode(b"SUBSCRIBE", channel))
        receive(subscriber, len(encode(b"subscribe", channel)) + len(b":1\r\n"))
    with socket.create_connection(("127.0.0.1", server.port)) as publisher:
        before = server.cpu_seconds()
        for _ in range(batches):
            publisher.sendall(encode(b"PUBLISH", channel, text) * pipeline)
            receive(publisher, len(b":%d\r\n" % SUBSCRIBERS) * pipeline)
            for subscriber in subscribers:
                receive(subscriber, len(encode(b"message", channel, text)) * pipeline)
        spent = server.cpu_seconds() - before
    for subscriber in subscribers:
        subscriber.close()
    return batches * pipeline * SUBSCRIBERS / max(spent, 0.01)


def speed(options, programs):
    rows = []
    servers = [Server(name, program) for name, program in programs]
    try:
        for server in servers:
            for items, request in FILL.values():
                load(options.benchmark, server, items, 64, items, request, clients=4, sequential=True)
        measurements = [
            (title, lambda server, pipeline=pipeline, requests=requests, kind=kind, request=request:
                load(options.benchmark, server, requests, pipeline, FILL[kind][0], request))
            for title, pipeline, requests, kind, request in SPEED
        ] + [
            (title, lambda server, pipeline=pipeline, batches=batches: fan_out(server, pipeline, batches))
            for title, pipeline, batches in FAN_OUT
        ]
        for title, measure in measurements:
            found = {server.name: [] for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    found[server.name].append(measure(server))
            rows.append((title, [statistics.median(found[server.name]) for server in servers]))
            print(rows[-1], file=sys.stderr)
    finally:
        for server in servers:
            server.__exit__()
    return rows


def memory(options, programs):
    rows = []
    for title, items, size, request in MEMORY:
        found = []
        for name, program in programs:
            with Server(name, program) as server:
                before = server.resident()
                load(options.benchmark, server, items, 32, items, request, size=size, clients=4, sequential=True)
                time.sleep(1)
                found.append((server.resident() - before) / items)
        rows.append((title, found))
        print(rows[-1], file=sys.stderr)
    return rows


def table(names, title, rows, form):
    lines = ["| " + " | ".join([title, *names]) + " |", "|---" * (len(names) + 1) + "|"]
    for what, figures in rows:
        cells = [form(figures[0])] + [f"{form(figure)} ({figures[0] / figure:.2f}x)" for figure in figures[1:]]
        lines.append("| " + " | ".join([what, *cells]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("larder")
    parser.add_argument("peers", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--benchmark", default="valkey-benchmark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", metavar="README.md", help="put the tables between the benchmark marks of this file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    programs = [("Larder", options.larder)] + [tuple(peer.split("=", 1)) for peer in options.peers]
    names = [name for name, _ in programs]
    text = "\n\n".join([
        table(names, "thousand requests per second of the server's processor time", speed(options, programs),
              lambda figure: f"{figure / 1000:.0f}"),
        table(names, "bytes of memory for", memory(options, programs), lambda figure: f"{figure:.0f}"),
    ])
    print(text)
    if options.write:
        readme = pathlib.Path(options.write)
        before, rest = readme.read_text().split("<!-- benchmark:begin -->\n", 1)
        _, after = rest.split("<!-- benchmark:end -->", 1)
        readme.write_text(f"{before}<!-- benchmark:begin -->\n{text}\n<!-- benchmark:end -->{after}")


if __name__ == "__main__":
    main()
