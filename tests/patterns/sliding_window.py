"""A rate limit by a sliding window: never more than the limit in any span of that length. It remembers each request that it let
through: memory for exactness."""

import os
import time
import uuid

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)

ALLOW = cache.register_script("""
    local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
    if redis.call('ZCARD', KEYS[1]) < limit then
        redis.call('ZADD', KEYS[1], now, ARGV[4])
        redis.call('PEXPIRE', KEYS[1], window)
        return {1, 0}
    end
    local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    return {0, oldest[2] + window - now}
""")


def allowed(client, limit=100, window=60, now=None):
    """(may it?, seconds until it is worth asking again)"""
    milliseconds = round((time.time() if now is None else now) * 1000)
    yes, wait = ALLOW(keys=[f"requests:{client}"], args=[milliseconds, window * 1000, limit, uuid.uuid4().hex])
    return bool(yes), wait / 1000
