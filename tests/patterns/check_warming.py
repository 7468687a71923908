"""Warming: all of a table is in the cache, with spread expiries, and what was there already stays."""

import json

from check import equal
from neighbours import postgres

with postgres(
    "CREATE TABLE product (number int PRIMARY KEY, name text, cents int, sold int)",
    "INSERT INTO product SELECT n, 'product ' || n, n, n * 7919 % 5000 FROM generate_series(1, 5000) n",
):
    import warming as shop

    shop.cache.set("product:17", "newer")
    equal(shop.warm(), 4999)
    equal([shop.cache.dbsize(), shop.cache.get("product:17")], [5000, "newer"])
    equal(json.loads(shop.cache.get("product:4000")), {"name": "product 4000", "cents": 4000})
    with shop.cache.pipeline(transaction=False) as pipe:
        [pipe.ttl(f"product:{number}") for number in range(100, 1100)]
        ttls = pipe.execute()
    assert 0.89 * shop.TTL < min(ttls) < 0.95 * shop.TTL and 1.05 * shop.TTL < max(ttls) < 1.11 * shop.TTL, (min(ttls), max(ttls))
    equal(shop.warm(batch=700), 0, "a second time")
print("warming from PostgreSQL")
