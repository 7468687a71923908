"""The local tier: one question for a thousand reads, and no old value for long, whoever changes it."""

import os

import neighbours  # noqa: F401 (tells the programs where Larder is)
import redis
from check import equal, until
from near_cache import change, settings

other = redis.Redis.from_url(os.environ["CACHE_URL"])


def asked():
    return other.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"]


change("ann", "theme", "dark")
equal([settings("ann") for _ in range(1000)], [{"theme": "dark"}] * 1000)
equal([settings("bob") for _ in range(10)], [{}] * 10)
assert asked() <= 3, asked()
change("ann", "theme", "light")
until("one's own change is seen", lambda: settings("ann") == {"theme": "light"})
for n in range(50):
    other.hset("settings:ann", "size", n)
    until("another's change is seen", lambda: settings("ann") == {"theme": "light", "size": str(n)})
before = asked()
[settings("ann") for _ in range(1000)]
equal(asked() - before, 0)
other.pexpire("settings:ann", 20)
until("its expiry is seen", lambda: settings("ann") == {})
print("a local tier kept true by tracking")
