"""Thirty ask for the same expired key at once: one asks the database. A holder who dies or is slow holds nobody up for good."""

import threading

import neighbours
from check import equal, raises
from stampede_lock import TTL, cache, cached

calls, slow = [], threading.Event()


def make():
    calls.append(1)
    slow.wait(0.2)  # the database takes its time
    return {"made": len(calls)}


equal(neighbours.at_once(30, lambda n: cached("popular", make)), [{"made": 1}] * 30)
equal([len(calls), cache.exists("lock:popular")], [1, 0])
assert 0.89 * TTL < cache.ttl("popular") < 1.11 * TTL

[cached(f"key:{n}", lambda: n) for n in range(100)]
assert len({cache.ttl(f"key:{n}") for n in range(100)}) > 20, "expiries are spread"


def fail():
    raise OSError("the database is away")


raises(OSError, "the database is away", cached, "failed", fail)
equal(cached("failed", lambda: "there"), "there", "a failure leaves no lock behind")

cache.set("lock:dead", "of somebody who died", px=100)
equal(cached("dead", lambda: "there"), "there", "when the lock has expired")


def until_another_has_the_lock():
    cache.set("lock:slow", "another's", ex=10)  # as if ours had expired meanwhile
    return "late"


equal(cached("slow", until_another_has_the_lock), "late")
equal(cache.get("lock:slow"), "another's", "only its own lock is given back")
print("stampede lock with spread expiries")
