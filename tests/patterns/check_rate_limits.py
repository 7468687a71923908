"""Both rate limits, by a clock of the check's own; twenty at once get through no more than the limit."""

import neighbours
import fixed_window
import sliding_window
from check import equal

cache = fixed_window.cache
equal([fixed_window.allowed("ann", 3, 60, now=600 + n) for n in range(5)], [True, True, True, False, False])
equal([fixed_window.allowed("bob", 3, 60, now=601), fixed_window.allowed("ann", 3, 60, now=659.9)], [True, False])
equal([fixed_window.allowed("ann", 3, 60, now=660 + n) for n in range(4)], [True, True, True, False], "the next window")
assert all(60 < cache.ttl(key) <= 120 for key in cache.keys("rate:*")), "no counter without an expiry"
equal(sum(neighbours.at_once(20, lambda n: fixed_window.allowed("all", 7, 60, now=0))), 7)

times = [0, 10, 50, 59, 60, 61, 70.001, 71, 200]
answers = [sliding_window.allowed("ann", 3, 60, now=now) for now in times]
equal([yes for yes, _ in answers], [True, True, True, False, True, False, True, False, True], "three in any sixty seconds")
equal([answers[3][1], answers[5][1]], [1.0, 9.0], "how long to wait")
equal(sum(yes for yes, _ in neighbours.at_once(20, lambda n: sliding_window.allowed("all", 7, 60))), 7)
assert 50_000 < cache.pttl("requests:all") <= 60_000
print("fixed and sliding windows")
