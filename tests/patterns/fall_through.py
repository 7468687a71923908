"""Falling through: when the cache is away, the database answers, and nobody waits for the cache again and again."""

import json
import os
import time

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

cache = redis.Redis.from_url(
    os.environ["CACHE_URL"],
    decode_responses=True,
    socket_connect_timeout=0.2,  # a cache that takes longer than this is none
    socket_timeout=0.2,
    retry=Retry(NoBackoff(), 1),  # once more: the pool may have a connection of before the cache's restart
)
database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

TTL = 300
PAUSE = 5  # seconds for which the cache is left alone after a failure
away_until = 0.0


def ask_cache(command, *args, **kwargs):
    """The cache's reply, or None when there is none to be had."""
    global away_until
    if time.monotonic() < away_until:
        return None
    try:
        return command(*args, **kwargs)
    except (redis.ConnectionError, redis.TimeoutError):
        away_until = time.monotonic() + PAUSE
        return None


def product(number):
    key = f"product:{number}"
    if (kept := ask_cache(cache.get, key)) is not None:
        return json.loads(kept)
    row = database.execute("SELECT name, cents FROM product WHERE number = %s", [number]).fetchone()
    found = {"name": row[0], "cents": row[1]} if row else None
    ask_cache(cache.set, key, json.dumps(found), ex=TTL)
    return found
