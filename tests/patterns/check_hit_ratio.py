"""INFO's hits and misses, and the three kinds of misses, after reads of which all is known."""

import neighbours  # noqa: F401 (tells the programs where Larder is)
from check import equal, until
from hit_ratio import cache, counters, report

equal(report(counters())["hit ratio"], None)
cache.set("there", 1)
cache.set("brief", 1, px=1)
until("it has expired", lambda: cache.dbsize() == 1)
before = counters()
[cache.get("there") for _ in range(7)]
cache.mget("there", "brief", "never")
told = report(before)
equal([told["reads"], told["hit ratio"]], [10, 0.8])
equal([told["expired"], told["evicted"], told["never there"]], [1, 0, 1])

cache.config_set("maxmemory", "6mb")
cache.config_set("maxmemory-policy", "allkeys-lhd")
for first in range(0, 20_000, 1000):
    cache.mset({f"key:{n}": "x" * 1000 for n in range(first, first + 1000)})
before = counters()
found = sum(value is not None for first in range(0, 20_000, 1000) for value in cache.mget([f"key:{n}" for n in range(first, first + 1000)]))
told = report(before)
equal([told["reads"], told["hit ratio"]], [20_000, found / 20_000])
# It remembers for a while which keys it has evicted, not for ever.
assert 0 < found < 10_000 and told["evicted"] > (20_000 - found) / 4 and told["expired"] == 0, told
print("hit ratio and kinds of misses")
