"""A rate limit by fixed windows: a counter per client and minute. One round trip, one small key; at the border of two minutes
a client may get twice the limit through."""

import os
import time

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)


def allowed(client, limit=100, window=60, now=None):
    number = int((time.time() if now is None else now) // window)
    key = f"rate:{client}:{number}"
    with cache.pipeline() as pipe:  # MULTI and EXEC: no counter without an expiry is left behind
        count, _ = pipe.incr(key).expire(key, 2 * window, nx=True).execute()
    return count <= limit
