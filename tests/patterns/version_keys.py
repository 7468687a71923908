"""Version keys: one INCR makes a whole group of keys unreachable, however many they are; their expiry removes them."""

import json
import os

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
TTL = 600


def cached(group, name, make):
    version = cache.get(f"version:{group}") or 0
    key = f"{group}:{version}:{name}"
    if (kept := cache.get(key)) is not None:
        return json.loads(kept)
    made = make()
    # If the version has changed meanwhile, this goes where nobody looks any more.
    cache.set(key, json.dumps(made), ex=TTL)
    return made


def forget(group):
    cache.incr(f"version:{group}")
