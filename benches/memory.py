#!/usr/bin/env python3
"""What becomes of memory: keys that expire all at once or all the time, and values that change their sizes.

    benches/memory.py target/release/larder [--only NAME[,NAME]] [--scale 1.0] [--port 20460]

Every measurement has a server of its own.  Times are of the wall unless they are said to be the processor's: on a busy machine compare
latencies with those that the same run has without the load.

    expire-at-once   5 million keys with one deadline: how long until they are gone and their memory is given back, and how long GETs of
                     other keys take meanwhile
    expire-steadily  100,000 keys a second that live for ten, and for two: the share of dead ones among the keys of the table
    fragmentation    values of 1 kB, nine in ten deleted at random, then values of 100 B: resident over counted memory
    churn            values of 10 B to 256 kB, hashes, and lists that grow, all with a time to live, at a steady rate for ten minutes: resident
                     memory against what is counted. Works with other servers, too
    collections      the same as fragmentation with large hashes, sets, sorted sets, lists and streams, whose elements change their sizes

Needs nothing but Python 3.
"""
import argparse
import math
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

BATCH = 500


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    """A connection.  Replies of one line, or one bulk string: nothing else is asked for."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")

    def reply(self):
        line = self.input.readline()
        if line.startswith(b"-"):
            raise RuntimeError(line.decode().strip())
        if line.startswith(b"$") and line != b"$-1\r\n":
            return self.input.read(int(line[1:]) + 2)[:-2]
        return line[1:-2]

    def call(self, *words):
        self.socket.sendall(encode(*words))
        return self.reply()

    def all(self, requests):
        """Requests in pipelines."""
        batch = []
        for request in requests:
            batch.append(encode(*request))
            if len(batch) == BATCH:
                self.flush(batch)
        self.flush(batch)

    def flush(self, batch):
        self.socket.sendall(b"".join(batch))
        for _ in batch:
            self.reply()
        batch.clear()

    def sets(self, prefix, numbers, *options):
        """Values of 50 bytes for numbered keys, as fast as this language can."""
        words = [b"SET", prefix + b":%08d" % 0, b"x" * 50, *(str(word).encode() for word in options)]
        request = encode(*words).replace(b":%08d" % 0, b":%08d")
        for first in range(numbers.start, numbers.stop, BATCH):
            batch = range(first, min(first + BATCH, numbers.stop))
            self.socket.sendall(b"".join(map(request.__mod__, batch)))
            if self.input.read(5 * len(batch)) != b"+OK\r\n" * len(batch):
                raise RuntimeError("a SET was refused")

    def info(self):
        lines = self.call("INFO", "everything").decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class Server:
    def __init__(self, binary, port, *extra):
        self.directory = tempfile.TemporaryDirectory()
        self.port = port
        self.process = subprocess.Popen([os.path.abspath(binary), "--port", str(port), *extra],
                                        cwd=self.directory.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                Client(port).call("PING")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("the server does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def client(self):
        return Client(self.port)

    def resident(self):
        """Bytes that the system counts."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def seconds(self):
        """Processor time."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Reader(threading.Thread):
    """GETs of keys that do not expire, one after the other."""

    def __init__(self, server, keys):
        super().__init__(daemon=True)
        self.client, self.keys, self.samples, self.runs = server.client(), keys, [], True

    def run(self):
        number = 0
        while self.runs:
            number = (number + 7919) % self.keys
            started = time.perf_counter()
            self.client.call("GET", f"stays:{number:08}")
            self.samples.append(time.perf_counter() - started)

    def take(self):
        """Percentiles of what came since the last call, in microseconds."""
        samples, self.samples = sorted(self.samples), []
        at = lambda share: 1e6 * samples[min(len(samples) - 1, int(len(samples) * share))] if samples else float("nan")
        return f"p50 {at(0.5):.0f} us, p99 {at(0.99):.0f} us, longest {at(1):.0f} us of {len(samples)}"


def megabytes(size):
    return f"{size / (1 << 20):.0f} MB"


def expire_at_once(server, scale):
    keys, stays = int(5_000_000 * scale), 100_000
    client = server.client()
    empty = server.resident()
    client.sets(b"stays", range(stays))
    # Time enough for all of them to be set.
    moment = int(time.time() * 1000) + int(15_000 + keys * 0.005)
    client.sets(b"goes", range(keys), "PXAT", moment)
    full, present = server.resident(), int(client.call("DBSIZE"))
    left = moment / 1000 - time.time()
    if left < 6:
        sys.exit("the load took too long: the keys expire already")
    time.sleep(left - 5)
    reader = Reader(server, stays)
    reader.start()
    time.sleep(max(0, moment / 1000 - time.time()))
    before, processor = reader.take(), server.seconds()
    late = int(client.call("EXISTS", *(f"goes:{n:08}" for n in range(0, keys, max(1, keys // 1000)))))
    while int(client.call("DBSIZE")) > stays:
        time.sleep(0.02)
    gone = time.time() - moment / 1000
    during, processor = reader.take(), server.seconds() - processor
    reader.runs = False
    print(f"{present - stays} keys with one deadline: gone after {gone:.1f} s of the wall; the server took {processor:.1f} s of the "
          f"processor meanwhile, the GETs included")
    print(f"  resident {megabytes(empty)} empty, {megabytes(full)} full")
    settle(server, client, "then")
    print(f"  GETs before: {before}; meanwhile: {during}")
    print(f"  of a thousand read behind the deadline {late} were there")


def expire_steadily(server, scale):
    """Dead ones are counted by what is there and what should be."""
    for life in (10.0, 2.0):
        expire_after(server, int(100_000 * scale), life)


def expire_after(server, rate, life):
    client, watch, lasts = server.client(), server.client(), 15 + 2 * life
    client.call("FLUSHALL")
    started, number, shares = time.time(), 0, []
    deadlines = []
    while time.time() - started < lasts:
        due = int((time.time() - started) * rate) - number
        if due < BATCH:
            time.sleep(0.001)
            continue
        moment = int((time.time() + life) * 1000)
        client.sets(b"k", range(number, number + BATCH), "PXAT", moment)
        deadlines.append((moment, BATCH))
        number += BATCH
        if number % (BATCH * 20) == 0 and time.time() - started > 1.5 * life:
            now = time.time() * 1000
            size = int(watch.call("DBSIZE"))
            alive = sum(count for moment, count in deadlines if moment > now)
            shares.append(max(0, size - alive) / size)
    shares.sort()
    print(f"{number / (time.time() - started):.0f} keys a second that live {life:.0f} s: dead among those in the table "
          f"{100 * shares[len(shares) // 2]:.2f}% (median), {100 * shares[int(len(shares) * 0.95)]:.2f}% (19 in 20), "
          f"{100 * shares[-1]:.2f}% (worst) of {len(shares)} looks")


def settle(server, client, what):
    """Says how memory stands at once, and when nothing gets better any more."""
    def state():
        info = client.info()
        used, resident = int(info["used_memory"]), server.resident()
        return resident / used, f"{megabytes(resident)} resident, {megabytes(used)} counted: {resident / used:.2f}"
    best, first = state()
    started = better = time.time()
    while time.time() - better < 8 and time.time() - started < 60:
        time.sleep(0.5)
        ratio, text = state()
        if ratio < best - 0.005:
            best, better = ratio, time.time()
    print(f"  {what}: {first}; after {better - started:.0f} s {state()[0]:.2f}")


def fragmentation(server, scale):
    count = int(1_000_000 * scale)
    client = server.client()
    client.all(("SET", f"large:{n}", "x" * 1000) for n in range(count))
    settle(server, client, f"{count} values of 1 kB")
    kept = random.Random(7)
    client.all(("DEL", f"large:{n}") for n in range(count) if kept.random() < 0.9)
    client.all(("SET", f"small:{n}", "x" * 100) for n in range(count))
    settle(server, client, "nine in ten deleted, as many values of 100 B set")


def churn(server, scale):
    """Some 150 MB that are new every ten seconds: what an hour does to a cache whose keys live a minute."""
    rate, lasts = 10_000, 600 * scale
    client, watch, source = server.client(), server.client(), random.Random(7)
    payload, started, done, samples = "x" * (256 << 10), time.time(), 0, []

    def text(median, deviation):
        return payload[:max(10, min(len(payload), int(source.lognormvariate(math.log(median), deviation))))]

    def requests(count):
        for _ in range(count):
            kind, key = source.random(), source.randrange(10_000_000)
            life = 1 + int(source.expovariate(1 / 9000))
            if kind < 0.8:
                yield "SET", f"value:{key}", text(300, 1.8), "PX", life
            elif kind < 0.9:
                yield ("HSET", f"hash:{key}", *(word for n in range(6) for word in (f"field:{n}", text(60, 0.8))))
                yield "PEXPIRE", f"hash:{key}", life
            else:
                yield "RPUSH", f"list:{key % 3000}", text(100, 1.0)
                yield "PEXPIRE", f"list:{key % 3000}", life

    while (passed := time.time() - started) < lasts:
        if done > passed * rate:
            time.sleep(0.002)
            continue
        client.all(requests(BATCH))
        done += BATCH
        if passed > len(samples):
            samples.append((server.resident(), int(watch.info()["used_memory"])))
    fifth = max(1, len(samples) // 5)
    for name, part in ("second", samples[fifth:2 * fifth]), ("last", samples[-fifth:]):
        resident, used = (sum(column) / len(part) for column in zip(*part))
        highest = max(sample[0] for sample in part)
        print(f"  the {name} fifth of {done} requests in {passed:.0f} s: {megabytes(resident)} resident, at the most {megabytes(highest)}; "
              f"{megabytes(used)} counted: {resident / used:.2f}")


COLLECTIONS = {
    "hashes": (lambda c, n, x: ("HSET", c, f"field:{n}", x), lambda c, n: ("HDEL", c, f"field:{n}")),
    "sets": (lambda c, n, x: ("SADD", c, f"{n}:{x}"), lambda c, n: ("SREM", c, f"{n}:{'x' * 500}")),
    "sorted sets": (lambda c, n, x: ("ZADD", c, n, f"{n}:{x}"), lambda c, n: ("ZREM", c, f"{n}:{'x' * 500}")),
    "lists": (lambda c, n, x: ("RPUSH", c, f"{n}:{x}"), None),
    "streams": (lambda c, n, x: ("XADD", c, f"{n + 1}-1", "field", x), lambda c, n: ("XDEL", c, f"{n + 1}-1")),
}


def collections(binary, port, scale):
    members, each = 20_000, max(1, int(20 * scale))
    for name, (add, remove) in COLLECTIONS.items():
        with Server(binary, port) as server:
            client, kept = server.client(), random.Random(7)
            client.all(add(f"large:{c}", n, "x" * 500) for n in range(members) for c in range(each))
            print(f"{each} {name} of {members} elements of 500 B")
            settle(server, client, "filled")
            if remove:
                client.all(remove(f"large:{c}", n) for n in range(members) for c in range(each) if kept.random() < 0.9)
            else:
                client.all(("LTRIM", f"large:{c}", -members // 10, -1) for c in range(each))
            settle(server, client, "nine in ten removed")
            client.all(add(f"small:{c}", n, "x" * 50) for n in range(members) for c in range(each))
            settle(server, client, "as many of 50 B added")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("larder")
    parser.add_argument("--only", help="names of measurements, with commas")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the numbers of keys")
    parser.add_argument("--port", type=int, default=20460)
    options = parser.parse_args()
    measurements = {"expire-at-once": expire_at_once, "expire-steadily": expire_steadily, "fragmentation": fragmentation, "churn": churn}
    for name in (options.only or ",".join([*measurements, "collections"])).split(","):
        print(f"{name}:", flush=True)
        if name == "collections":
            collections(options.larder, options.port, options.scale)
        else:
            with Server(options.larder, options.port) as server:
                measurements[name](server, options.scale)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
