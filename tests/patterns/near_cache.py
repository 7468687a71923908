"""A first tier in the program's own memory: what is read again and again is asked for once, and the server tells when it changes."""

import os

import redis
from redis.cache import CacheConfig

cache = redis.Redis.from_url(
    os.environ["CACHE_URL"],
    protocol=3,  # which has room for messages between replies
    decode_responses=True,
    cache_config=CacheConfig(max_size=10_000),
)


def settings(tenant):
    """Thousands of times a second, of which hardly one asks the server."""
    return cache.hgetall(f"settings:{tenant}")


def change(tenant, name, value):
    cache.hset(f"settings:{tenant}", name, value)  # every program that has read them drops its copy
