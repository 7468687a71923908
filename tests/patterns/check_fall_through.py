"""The cache goes, nobody notices but PostgreSQL; it comes back, and is used again."""

import os
import socket

from check import equal
from neighbours import Queries, free_port, larder, postgres

port = free_port()
os.environ["CACHE_URL"] = f"redis://127.0.0.1:{port}"
with postgres(
    "CREATE TABLE product (number int PRIMARY KEY, name text, cents int)",
    "INSERT INTO product VALUES (1, 'pear', 50)",
):
    import fall_through as shop

    queries = shop.database = Queries(shop.database)
    pear = {"name": "pear", "cents": 50}
    attempts = []

    def get(key, real=shop.cache.get):
        attempts.append(key)
        return real(key)

    shop.cache.get = get
    server = larder(port)
    equal([shop.product(1), shop.product(1), queries.count], [pear, pear, 1])
    server.terminate()
    server.wait(20)
    equal([shop.product(1) for _ in range(50)], [pear] * 50)
    equal([queries.count, len(attempts)], [51, 3], "queries while the cache is away, and questions to it")

    server = larder(port)
    shop.away_until = 0.0  # the pause is over
    equal([shop.product(1) for _ in range(10)], [pear] * 10)
    equal([queries.count, len(attempts)], [52, 13], "one query for the empty cache, then none")

    server.terminate()
    server.wait(20)
    with socket.create_server(("127.0.0.1", port)):  # which takes connections and never answers
        equal([shop.product(1) for _ in range(10)], [pear] * 10)
        equal([queries.count, len(attempts)], [62, 14])
print("falling through to PostgreSQL")
