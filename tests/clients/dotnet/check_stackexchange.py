"""StackExchange.Redis, byte by byte: what version 3 of .NET's client sends when it connects, beats and works, in the order in which
its own source does (ServerEndPoint.HandshakeAsync, AutoConfigureAsync; there is no .NET here), and what it expects in return.

It writes the handshake as one batch and reads the replies by their number: one reply too few or too many, and the connection
is useless.
"""

import os
import re
import socket
import subprocess

import hiredis
from check import HOST, PORT, equal, until

CLIENT = b"WEB-1(SE.Redis-v3.1.0)"
UNIQUE = bytes(range(16))  # a GUID as bytes, which it sends as the tracer
TIE_BREAKER, CONFIGURATION = b"__Booksleeve_TieBreak", b"__Booksleeve_MasterChanged"
AUTO_CONFIGURE = [
    (b"CONFIG", b"GET", b"timeout"),
    (b"CONFIG", b"GET", b"replica-read-only"),
    (b"CONFIG", b"GET", b"databases"),
    (b"SENTINEL", b"MASTERS"),
    (b"INFO", b"replication"),
    (b"INFO", b"server"),
    (b"CLUSTER", b"NODES"),
    (b"GET", TIE_BREAKER),
]
IDENTITY = [
    (b"CLIENT", b"SETNAME", CLIENT),
    (b"CLIENT", b"SETINFO", b"lib-name", b"SE.Redis"),
    (b"CLIENT", b"SETINFO", b"lib-ver", b"3.1.0"),
    (b"CLIENT", b"ID"),
]


class Connection:
    """One of the two connections that it has to every server."""

    def __init__(self, port=PORT):
        self.socket = socket.create_connection((HOST, port), timeout=10)
        self.reader = hiredis.Reader(notEnoughData=Ellipsis)

    def send(self, *commands):
        batch = b"".join(b"*%d\r\n" % len(c) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in c) for c in commands)
        self.socket.sendall(batch)

    def read(self):
        while (reply := self.reader.gets()) is Ellipsis:
            if not (data := self.socket.recv(65536)):
                raise ConnectionError("the server has closed the connection")
            self.reader.feed(data)
        return reply

    def ask(self, *commands):
        self.send(*commands)
        return [self.read() for _ in commands]


def is_error(reply, beginning):
    assert isinstance(reply, hiredis.ReplyError) and str(reply).startswith(beginning), f"wanted {beginning!r}, got {reply!r}"


def fields(reply):
    """A map is an array of twice as many in RESP2."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


def handshake(connection, protocol, password=None):
    """The interactive connection's first batch, and what the client takes from the replies."""
    first = [(b"AUTH", password)] if password else []
    batch = [*first, (b"HELLO", protocol), *IDENTITY, *AUTO_CONFIGURE, (b"ECHO", UNIQUE)]
    replies = connection.ask(*batch)
    if password:
        equal(replies.pop(0), b"OK")
    hello, setname, library, version, number, timeout, read_only, databases, sentinel, replication, server, nodes, tie, echo = replies
    hello = fields(hello)
    equal((hello[b"proto"], hello[b"role"], hello[b"mode"]), (int(protocol), b"master", b"standalone"), "HELLO")
    equal(hello[b"id"], number, "the connection's number")
    equal((setname, library, version), (b"OK",) * 3, "its name and the library's")
    equal(fields(timeout), {b"timeout": b"0"})
    equal(fields(read_only), {b"replica-read-only": b"yes"})
    equal(fields(databases), {b"databases": b"16"})
    is_error(sentinel, "ERR unknown command")  # else it takes the server for a sentinel
    equal(re.search(rb"^role:(\w+)\r$", replication, re.M).group(1), b"master", "the part in replication")
    assert re.search(rb"^redis_version:\d+\.\d+\.\d+\r$", server, re.M), "the version decides what it uses"
    equal(re.search(rb"^redis_mode:(\w+)\r$", server, re.M).group(1), b"standalone", "a cluster would be asked for its slots")
    assert re.search(rb"^run_id:[0-9a-f]{40}\r$", server, re.M)
    is_error(nodes, "ERR This instance has cluster support disabled")
    equal((tie, echo), (None, UNIQUE), "the tie breaker and the tracer")
    assert server.startswith(b"# Server\r\n") and replication.startswith(b"# Replication\r\n")


def subscription():
    """The second connection of RESP2: after its handshake there is only publish/subscribe on it."""
    listener, other = Connection(), Connection()
    replies = listener.ask(*IDENTITY, (b"ECHO", UNIQUE), (b"SUBSCRIBE", CONFIGURATION))
    equal(replies[:3], [b"OK"] * 3)
    equal(replies[4:], [UNIQUE, [b"subscribe", CONFIGURATION, 1]])
    equal(listener.ask((b"PING",)), [[b"pong", b""]], "a heartbeat")
    equal(listener.ask((b"PSUBSCRIBE", b"we*")), [[b"psubscribe", b"we*", 2]])
    # Its own word to all others that the configuration has changed, and a user's message.
    equal(other.ask((b"PUBLISH", CONFIGURATION, b"*"), (b"PUBLISH", b"weather", b"sun")), [1, 1])
    equal(listener.read(), [b"message", CONFIGURATION, b"*"])
    equal(listener.read(), [b"pmessage", b"we*", b"weather", b"sun"])
    equal(listener.ask((b"PUNSUBSCRIBE", b"we*"), (b"UNSUBSCRIBE", UNIQUE)), [[b"punsubscribe", b"we*", 1], [b"unsubscribe", UNIQUE, 1]])


def one_connection_for_all():
    """With RESP3 messages come between replies, as pushes."""
    connection, other = Connection(), Connection()
    handshake(connection, b"3")
    connection.send((b"SUBSCRIBE", b"news"))
    equal(connection.read(), [b"subscribe", b"news", 1])
    equal(other.ask((b"PUBLISH", b"news", b"one")), [1])
    equal(connection.read(), [b"message", b"news", b"one"])
    equal(connection.ask((b"GET", b"none"), (b"ECHO", UNIQUE)), [None, UNIQUE])


def work():
    """What IDatabase and IServer send: databases by SELECT, transactions with conditions, scripts by their digest, locks, scans."""
    c = Connection()
    handshake(c, b"2")
    equal(c.ask((b"SELECT", b"2"), (b"SET", b"k", b"v", b"EX", b"60"), (b"PTTL", b"k"))[:2], [b"OK", b"OK"])
    # ITransaction with Condition.StringEqual: it watches, looks, and only then queues.
    equal(c.ask((b"WATCH", b"k"), (b"GET", b"k")), [b"OK", b"v"])
    queued = c.ask((b"MULTI",), (b"INCR", b"n"), (b"GETSET", b"k", b"w"), (b"EXEC",))
    equal(queued, [b"OK", b"QUEUED", b"QUEUED", [1, b"v"]])
    equal(c.ask((b"WATCH", b"k"), (b"GET", b"k"), (b"UNWATCH",)), [b"OK", b"w", b"OK"])
    # A lock: LockTake and LockRelease.
    equal(c.ask((b"SET", b"lock", b"token", b"PX", b"30000", b"NX"), (b"SET", b"lock", b"other", b"PX", b"30000", b"NX")), [b"OK", None])
    equal(c.ask((b"WATCH", b"lock"), (b"GET", b"lock"), (b"MULTI",), (b"DEL", b"lock"), (b"EXEC",)), [b"OK", b"token", b"OK", b"QUEUED", [1]])
    script = b"return {KEYS[1], ARGV[1], redis.call('INCRBY', KEYS[1], 2)}"
    (digest,) = c.ask((b"SCRIPT", b"LOAD", script))
    equal(c.ask((b"EVALSHA", digest, b"1", b"n", UNIQUE)), [[b"n", UNIQUE, 3]])
    is_error(c.ask((b"EVALSHA", b"0" * 40, b"0"))[0], "NOSCRIPT")  # whereupon it loads the script
    equal(c.ask((b"MSET", *(part for n in range(300) for part in (b"scan:%d" % n, b"x")))), [b"OK"])
    found, cursor = set(), b"0"
    while True:
        ((cursor, keys),) = c.ask((b"SCAN", cursor, b"MATCH", b"scan:*", b"COUNT", b"100"))
        found.update(keys)
        if cursor == b"0":
            break
    equal(len(found), 300)
    equal(c.ask((b"PING",), (b"INFO", b"replication"), (b"TIME",))[0], b"PONG", "heartbeats")
    equal(c.ask((b"QUIT",)), [b"OK"])
    equal(c.socket.recv(1), b"", "what follows QUIT")


def with_a_password():
    """AUTH goes first in the batch. A wrong one gets its error, and so does all that follows, each its own."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([os.environ["LARDER_SERVER"], "--port", str(port), "--requirepass", "secret"], stdout=subprocess.DEVNULL)
    try:

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex((HOST, port)) == 0

        until("a server with a password", listens)
        for protocol in (b"2", b"3"):
            handshake(Connection(port), protocol, b"secret")
        batch = [(b"AUTH", b"wrong"), (b"HELLO", b"3"), *IDENTITY, *AUTO_CONFIGURE, (b"ECHO", UNIQUE)]
        replies = Connection(port).ask(*batch)
        is_error(replies[0], "WRONGPASS")
        for (name, *_), reply in zip(batch[1:], replies[1:]):
            is_error(reply, "ERR unknown command" if name == b"SENTINEL" else "NOAUTH")
        # Where AUTH has been renamed away, HELLO carries the credentials and the name.
        hello, name = Connection(port).ask((b"HELLO", b"3", b"AUTH", b"default", b"secret", b"SETNAME", CLIENT), (b"CLIENT", b"GETNAME"))
        equal((hello[b"proto"], name), (3, CLIENT))
    finally:
        server.terminate()
        server.wait(20)


for protocol in (b"2", b"3"):
    handshake(Connection(), protocol)
subscription()
one_connection_for_all()
work()
with_a_password()
print("StackExchange.Redis 3.1 (its bytes): handshake of both connections in RESP2 and RESP3, with and without a password, work, heartbeats")
