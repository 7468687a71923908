"""Write-through before PostgreSQL: the cache is true after every write, even when twenty write the same row at once."""

from check import equal
from neighbours import Queries, at_once, postgres

with postgres(
    "CREATE TABLE product (number int PRIMARY KEY, version int DEFAULT 1, name text, cents int)",
    "INSERT INTO product SELECT n, 1, 'product ' || n, n * 100 FROM generate_series(1, 10) n",
) as direct:
    import psycopg
    import write_through as shop

    queries = shop.database = Queries(shop.database)
    equal([shop.product(3), shop.product(3)], [{"name": "product 3", "cents": 300}] * 2)
    equal(queries.count, 1)
    shop.change_price(3, 5)
    equal([shop.product(3)["cents"], queries.count], [5, 2], "no question after a write")
    equal(shop.change_price(999, 5), None)
    equal([shop.product(999), shop.cache.exists("product:999")], [None, 0])

    # A writer who was held up between the database and the cache comes too late with what was true before.
    equal(shop.keep(3, 1, "product 3", 300), 0)
    equal([shop.product(3)["cents"], shop.cache.ttl("product:3") > 3500], [5, True])

    class EachItsOwn:
        """A connection for every call: threads do not share one here."""

        def execute(self, *args):
            with psycopg.connect(direct.info.dsn, autocommit=True) as connection:
                return connection.execute(*args)

    shop.database = EachItsOwn()
    at_once(20, lambda n: [shop.change_price(4, n * 10 + i) for i in range(5)])
    version, cents = direct.execute("SELECT version, cents FROM product WHERE number = 4").fetchone()
    equal(version, 101)
    equal(shop.cache.hget("product:4", "version"), "101")
    equal(shop.product(4)["cents"], cents, "the cache after a hundred writes by twenty")
print("write-through before PostgreSQL")
