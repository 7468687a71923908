#!/usr/bin/env python3
"""Hit ratios of running servers: the same requests to Larder and to Valkey under the same maxmemory.

    benches/hit_ratio_servers.py target/release/larder [valkey-server] [--traces DIR] [--write README.md]

A read that misses sets its key.  Each workload is replayed, in pipelines over one connection, against every server and policy, each
started anew.  `maxmemory` is the same for all: what the empty servers use, the larger of the two figures, and a share of what all keys of
the workload would add, the smaller of the two.

The servers' clock for LRU has seconds, and a replay takes some: their LRU knows recency better where a cache's turn takes minutes.

Needs nothing but Python 3.
"""
import argparse
import bisect
import functools
import itertools
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SHARES = [0.1, 0.25, 0.5]
# Where a workload says nothing of sizes, all its keys together have so many bytes: what an empty server needs shall not matter.
FOOTPRINT = 64 << 20
PIPELINE = 64
BEGIN, END = "<!-- hit-ratio-servers:begin -->", "<!-- hit-ratio-servers:end -->"


class Zipf:
    """Ranks below `count`, each in proportion to (rank + 1) ** -alpha."""

    def __init__(self, count, alpha, source):
        self.sums = list(itertools.accumulate((rank + 1) ** -alpha for rank in range(count)))
        self.source = source

    def draw(self):
        return bisect.bisect(self.sums, self.source.random() * self.sums[-1])


class Workload:
    """Keys in their order, the bytes of each key's value, and the share of writes."""

    def __init__(self, name, keys, size=None, sets=0.0):
        even = max(100, FOOTPRINT // len(set(keys)))
        self.name, self.keys, self.size = name, keys, size or (lambda key: even)
        source = random.Random(7)
        self.writes = [source.random() < sets for _ in keys] if sets else None


def sizes(mean, deviation):
    """A size for each key, by itself: the same for every server."""
    def size(key):
        value = random.Random(key * 2654435761).lognormvariate(0, deviation)
        return max(1, min(1 << 20, int(mean * value / 2.718281828 ** (deviation * deviation / 2))))
    return functools.cache(size)


def generated(requests):
    source = random.Random(42)
    keys = requests // 6
    order = list(range(keys))
    source.shuffle(order)
    zipf = Zipf(keys, 0.9, source)
    popular = lambda: order[zipf.draw()]

    yield Workload("zipf", [popular() for _ in range(requests)])
    yield Workload("sizes", [popular() for _ in range(requests)], sizes(1000, 1.5))
    # Small values: more of them.
    many = 4 * requests
    even, skewed, flat = Zipf(many // 3, 0.74, source), Zipf(many, 1.3, source), Zipf(keys, 0.6, source)
    yield Workload("cluster19: 101 B, a quarter writes", [even.draw() for _ in range(many)], sizes(101, 0.7), 0.25)
    yield Workload("cluster14: 414 B, Zipf 1.3", [skewed.draw() for _ in range(many)], sizes(414, 0.7), 0.13)
    yield Workload("cluster4: 2.4 kB", [flat.draw() for _ in range(requests)], sizes(2439, 0.7), 0.1)

    scans, at = [], 0
    while len(scans) < requests:
        scans += [popular() for _ in range(keys // 2)]
        scans += [keys + (at + step) % (2 * keys) for step in range(keys // 5)]
        at += keys // 5
    yield Workload("scans", scans)
    loop = itertools.cycle(range(keys, keys + keys // 4))
    yield Workload("loops", [popular() if source.random() < 0.5 else next(loop) for _ in range(requests)])

    drift = []
    for number in range(requests):
        rank = zipf.draw() * 2654435761 % keys
        generation = (2 * keys * number // requests + keys - 1 - rank) // keys
        drift.append(rank + generation * keys)
    yield Workload("drift", drift)

    sessions, active, fresh = [], [], 0
    while len(sessions) < requests:
        if len(active) < keys // 20:
            active.append([fresh, 1 + int(source.expovariate(1 / 6))])
            sessions.append(fresh)
            fresh += 1
            continue
        at = source.randrange(len(active))
        session = active[at]
        sessions.append(session[0])
        session[1] -= 1
        if session[1] <= 0:
            active[at] = active[-1]
            active.pop()
    yield Workload("sessions", sessions)


def traces(directory, requests):
    for name, file, tool in [("web07", "web07.trace.xz", "xz"), ("orm-night", "orm-night.trace.xz", "xz"),
                             ("sprite", "sprite.trace.gz", "gzip"), ("multi2", "multi2.trace.gz", "gzip")]:
        path = pathlib.Path(directory) / file
        if path.exists():
            data = subprocess.run([tool, "-dc", path], check=True, capture_output=True).stdout
            if tool == "xz":
                keys = [int.from_bytes(data[at:at + 4], "big") for at in range(0, len(data), 4)]
            else:
                keys = [int(word) for word in data.split()]
            yield Workload(name, keys[:requests])


class Server:
    """A server of its own, and a connection to it."""

    def __init__(self, binary, port, extra=()):
        self.directory = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([binary, "--port", str(port), *extra], cwd=self.directory.name,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.05)
        else:
            sys.exit(f"{binary} does not listen on port {port}")
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def reply(self):
        """A reply: None, a number, a string. Errors end the run."""
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind in b"+:":
            return rest
        sys.exit(f"the server said {line!r}")

    def send(self, requests):
        """Sends requests and gives their replies."""
        self.socket.sendall(b"".join(requests))
        return [self.reply() for _ in requests]

    def call(self, *words):
        return self.send([encode(*words)])[0]

    def used(self):
        info = self.call("INFO", "memory").decode()
        return int(next(line.split(":")[1] for line in info.splitlines() if line.startswith("used_memory:")))


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


FILLER = b"x" * (1 << 20)


def set_request(workload, key):
    return encode("SET", "key:%012d" % key, FILLER[:workload.size(key)])


def replay(server, workload):
    """The hits among the reads."""
    reads = hits = 0
    for start in range(0, len(workload.keys), PIPELINE):
        keys = workload.keys[start:start + PIPELINE]
        requests, asked = [], []
        for number, key in enumerate(keys, start):
            if workload.writes and workload.writes[number]:
                requests.append(set_request(workload, key))
                asked.append(None)
            else:
                requests.append(encode("GET", "key:%012d" % key))
                asked.append(key)
        missed = {}
        for key, reply in zip(asked, server.send(requests)):
            if key is None:
                continue
            # A second read of a pipeline, before its client could set the key, is no miss of the cache's.
            if reply is None and key in missed:
                continue
            reads += 1
            if reply is None:
                missed[key] = True
            else:
                hits += 1
        if missed:
            server.send([set_request(workload, key) for key in missed])
    return 100 * hits / max(reads, 1)


def growth(server, workload):
    """Bytes that an empty server uses, and by how much all keys make it grow."""
    empty = server.used()
    keys = sorted(set(workload.keys))
    for start in range(0, len(keys), PIPELINE):
        server.send([set_request(workload, key) for key in keys[start:start + PIPELINE]])
    full = server.used()
    server.call("FLUSHALL")
    return empty, full - empty


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("larder")
    parser.add_argument("valkey", nargs="?", default=shutil.which("valkey-server") or shutil.which("redis-server"))
    parser.add_argument("--traces", default=os.environ.get("LARDER_TRACES"))
    parser.add_argument("--requests", type=int, default=400_000)
    parser.add_argument("--port", type=int, default=20450)
    parser.add_argument("--policy", default="allkeys-lhd")
    parser.add_argument("--write", help="the Markdown file whose table between the markers is replaced")
    options = parser.parse_args()
    if not options.valkey:
        sys.exit("there is no valkey-server to compare with")

    binaries = {"larder": (os.path.abspath(options.larder), ["--save", ""]),
                "valkey": (options.valkey, ["--save", "", "--appendonly", "no"])}
    columns = [("larder", options.policy), ("larder", "allkeys-lru"), ("valkey", "allkeys-lru"), ("valkey", "allkeys-lfu")]
    lines = ["| hits in 100 reads | maxmemory | " + " | ".join(f"{name}, `{policy}`" for name, policy in columns) + " |",
             "|---|--:|" + "--:|" * len(columns)]
    print("\n".join(lines), flush=True)
    rows = wins = 0
    workloads = itertools.chain(traces(options.traces, options.requests) if options.traces else [],
                                generated(options.requests))
    for workload in workloads:
        sizes_of = {}
        for name, (binary, extra) in binaries.items():
            with Server(binary, options.port, extra) as server:
                sizes_of[name] = growth(server, workload)
        for share in SHARES:
            # One cap for both: what the emptier of the two needs, and a share of what the leaner one grows by.
            cap = int(max(empty for empty, _ in sizes_of.values()) + share * min(full for _, full in sizes_of.values()))
            ratios = []
            for name, policy in columns:
                binary, extra = binaries[name]
                with Server(binary, options.port, extra) as server:
                    server.call("CONFIG", "SET", "maxmemory", cap)
                    server.call("CONFIG", "SET", "maxmemory-policy", policy)
                    ratios.append(replay(server, workload))
            rows += 1
            wins += ratios[0] > max(ratios[2:])
            lines.append(f"| {workload.name}, {share:.0%} | {cap / 1e6:.1f} MB | "
                         + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
            print(lines[-1], flush=True)
    print(f"\n{options.policy} had the most hits in {wins} of {rows}.")
    if options.write:
        path = pathlib.Path(options.write)
        text = path.read_text()
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main()
