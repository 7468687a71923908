"""Version keys: a group is forgotten at once, others are not, and what is made for an old version is not seen."""

import neighbours  # noqa: F401 (tells the programs where Larder is)
from check import equal
from version_keys import TTL, cache, cached, forget

calls = []


def make(value):
    calls.append(value)
    return value


equal([cached("menu", n, lambda: make(n)) for n in (1, 2, 1, 2)], [1, 2, 1, 2])
equal([cached("other", 1, lambda: make("o")), calls], ["o", [1, 2, "o"]])
forget("menu")
equal([cached("menu", 1, lambda: make("new")), cached("other", 1, lambda: make("wrong")), calls], ["new", "o", [1, 2, "o", "new"]])


def while_somebody_forgets():
    forget("menu")
    return "old"


equal(cached("menu", 3, while_somebody_forgets), "old")
equal(cached("menu", 3, lambda: "new"), "new", "what was begun before it was forgotten")
keys = list(cache.scan_iter("menu:*"))
equal(len(keys), 5)
assert all(0 < cache.ttl(key) <= TTL for key in keys), "the old ones go by themselves"
print("version keys")
