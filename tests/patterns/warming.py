"""Warming: fill an empty cache from the database before it gets its users, a thousand keys a round trip."""

import itertools
import json
import os
import random

import psycopg
import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
database = psycopg.connect(os.environ["DATABASE_URL"])

TTL = 3600


def warm(batch=1000):
    """Returns the number of keys that were not there and are now; keys that users have filled since are newer, and stay."""
    added = 0
    with database.cursor(name="warming") as rows:  # a cursor of the server: the table need not fit into memory here
        rows.itersize = batch
        rows.execute("SELECT number, name, cents FROM product ORDER BY sold DESC")
        while page := list(itertools.islice(rows, batch)):
            with cache.pipeline(transaction=False) as pipe:
                for number, name, cents in page:
                    ttl = int(TTL * random.uniform(0.9, 1.1))  # or all of them would expire at once
                    pipe.set(f"product:{number}", json.dumps({"name": name, "cents": cents}), ex=ttl, nx=True)
                added += sum(1 for done in pipe.execute() if done)
    database.commit()
    return added
