"""Cache-aside in front of PostgreSQL: who is asked, what is kept and for how long, and what a change does."""

from check import equal
from neighbours import Queries, postgres

PRODUCTS = [
    "CREATE TABLE product (number int PRIMARY KEY, name text, cents int)",
    "INSERT INTO product SELECT n, 'product ' || n, n * 100 FROM generate_series(1, 100) n",
]
with postgres(*PRODUCTS) as direct:
    import cache_aside as shop

    queries = shop.database = Queries(shop.database)
    equal([shop.product(7), shop.product(7), shop.product(7)], [{"name": "product 7", "cents": 700}] * 3)
    equal(queries.count, 1, "queries for three questions")
    assert shop.TTL - 10 < shop.cache.ttl("product:7") <= shop.TTL

    equal([shop.product(999), shop.product(999), queries.count], [None, None, 2], "what is not there is asked for once")
    assert 0 < shop.cache.ttl("product:999") <= shop.TTL_OF_NOTHING

    shop.change_price(7, 1)
    equal(shop.product(7)["cents"], 1, "after a change")
    direct.execute("UPDATE product SET cents = 2 WHERE number = 7")
    equal(shop.product(7)["cents"], 1, "a change behind its back is not seen")
    shop.cache.pexpire("product:7", 1)
    while shop.cache.exists("product:7"):
        pass
    equal(shop.product(7)["cents"], 2, "once the answer has expired")
print("cache-aside before PostgreSQL")
