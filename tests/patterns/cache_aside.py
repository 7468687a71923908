"""Cache-aside: look into the cache, on a miss ask the database, and keep the answer for a while."""

import json
import os

import psycopg
import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

TTL = 300  # seconds for which an answer may be out of date at most
TTL_OF_NOTHING = 10  # what is not there may be there soon


def product(number):
    key = f"product:{number}"
    if (kept := cache.get(key)) is not None:
        return json.loads(kept)
    row = database.execute("SELECT name, cents FROM product WHERE number = %s", [number]).fetchone()
    found = {"name": row[0], "cents": row[1]} if row else None
    cache.set(key, json.dumps(found), ex=TTL if found else TTL_OF_NOTHING)
    return found


def change_price(number, cents):
    database.execute("UPDATE product SET cents = %s WHERE number = %s", [cents, number])
    cache.delete(f"product:{number}")  # only now, or a reader would put the old price back
