"""Write-through: who changes the database puts the new value into the cache, and an older value never replaces a newer one."""

import json
import os

import psycopg
import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

TTL = 3600
PUT_UNLESS_OLDER = cache.register_script("""
    local version = tonumber(redis.call('HGET', KEYS[1], 'version'))
    if version and version >= tonumber(ARGV[1]) then return 0 end
    redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
    return 1
""")


def keep(number, version, name, cents):
    value = json.dumps({"name": name, "cents": cents})
    return PUT_UNLESS_OLDER(keys=[f"product:{number}"], args=[version, value, TTL])


def change_price(number, cents):
    row = database.execute(
        "UPDATE product SET cents = %s, version = version + 1 WHERE number = %s RETURNING number, version, name, cents",
        [cents, number],
    ).fetchone()
    if row:
        keep(*row)  # another writer may be here at the same time: the row's version tells which of the two is the newer


def product(number):
    if (kept := cache.hget(f"product:{number}", "value")) is not None:
        return json.loads(kept)
    row = database.execute("SELECT number, version, name, cents FROM product WHERE number = %s", [number]).fetchone()
    if row is None:
        return None
    keep(*row)
    return {"name": row[2], "cents": row[3]}
