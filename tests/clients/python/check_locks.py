"""Locks: redis-py's and two Redlock libraries keep threads and processes out of each other's way."""

import multiprocessing
import threading
import time

import pottery
import redis
import redlock
from check import PORT, URL, done, equal, raises, until

ROUNDS, THREADS, PROCESSES = 15, 3, 3


def enter_and_leave(make_lock):
    """What must not be done by two at once: a read, a pause and a write."""
    r = redis.Redis(port=PORT)
    for _ in range(ROUNDS):
        with make_lock():
            value = int(r.get("value") or 0)
            assert r.incr("inside") == 1, "two are inside"
            time.sleep(0.001)
            r.decr("inside")
            r.set("value", value + 1)


def of_redis_py():
    return redis.Redis(port=PORT).lock("lock", timeout=10, sleep=0.002)


class OfRedlockPy:
    """redlock-py has no context manager of its own that waits as long as it takes."""

    def __enter__(self):
        self.manager = redlock.Redlock([URL], retry_count=5000, retry_delay=0.002)
        self.held = self.manager.lock("redlock", 10_000)
        assert self.held, "no lock in all those tries"

    def __exit__(self, *_):
        self.manager.unlock(self.held)


def of_pottery():
    return pottery.Redlock(key="pottery", masters={redis.Redis(port=PORT)}, auto_release_time=10)


def in_threads(make_lock):
    failures = []

    def run():
        try:
            enter_and_leave(make_lock)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if failures:
        raise failures[0]


def exclusion(make_lock, what):
    redis.Redis(port=PORT).delete("value", "inside")
    processes = [multiprocessing.Process(target=in_threads, args=(make_lock,)) for _ in range(PROCESSES)]
    [process.start() for process in processes]
    [process.join() for process in processes]
    equal([process.exitcode for process in processes], [0] * PROCESSES, what)
    equal(int(redis.Redis(port=PORT).get("value")), ROUNDS * THREADS * PROCESSES, what)


def life_of_a_lock():
    """Expiry, extension, and that only the holder can release or extend (three scripts)."""
    r = redis.Redis(port=PORT)
    mine, other = r.lock("life", timeout=2), r.lock("life", timeout=5)
    assert mine.acquire() and mine.locked() and mine.owned()
    equal(other.acquire(blocking_timeout=0.05), False)
    mine.extend(2)
    assert 2_000 < r.pttl("life") <= 4_000
    mine.extend(10, replace_ttl=True)
    assert 8_000 < r.pttl("life") <= 10_000
    mine.reacquire()
    assert 500 < r.pttl("life") <= 2_000
    begun = time.monotonic()
    mine.extend(0.3, replace_ttl=True)
    assert other.acquire(blocking_timeout=5), "the lock has expired"
    assert time.monotonic() - begun > 0.25
    raises(redis.exceptions.LockNotOwnedError, "no longer owned", mine.extend, 1)
    raises(redis.exceptions.LockNotOwnedError, "no longer owned", mine.release)
    other.release()
    equal(r.exists("life"), 0)


def life_of_a_redlock():
    first, second = of_pottery(), of_pottery()
    assert first.acquire() and not second.acquire(blocking=False)
    assert 8_000 < redis.Redis(port=PORT).pttl("redlock:pottery") <= 10_000
    first.extend()
    first.release()
    assert second.acquire(timeout=5)
    second.release()
    raises(pottery.ReleaseUnlockedLock, "pottery", second.release)
    brief = redlock.Redlock([URL], retry_count=1)
    assert brief.lock("brief", 100) and not brief.lock("brief", 100)
    until("the redlock has expired", lambda: brief.lock("brief", 100), 5)


if __name__ == "__main__":
    life_of_a_lock()
    life_of_a_redlock()
    exclusion(of_redis_py, "redis-py's lock")
    exclusion(OfRedlockPy, "redlock-py")
    exclusion(of_pottery, "pottery")
    done(["redis", "redlock-py", "pottery"], f"{PROCESSES} processes of {THREADS} threads exclude each other; expiry, extension, ownership")
