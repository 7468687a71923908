"""Against stampedes: when a popular key expires, one asks the database and the others wait for what it finds. Expiries are spread,
so that keys which were made together do not go together."""

import json
import os
import random
import time
import uuid

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)

TTL = 300
LOCK_TTL = 10  # seconds after which somebody else may try, should the first one have died
RELEASE = cache.register_script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")


def cached(key, make):
    while True:
        if (kept := cache.get(key)) is not None:
            return json.loads(kept)
        token = uuid.uuid4().hex
        if cache.set(f"lock:{key}", token, nx=True, ex=LOCK_TTL):
            try:
                if (kept := cache.get(key)) is not None:  # somebody was quicker than our first look
                    return json.loads(kept)
                made = make()
                cache.set(key, json.dumps(made), ex=int(TTL * random.uniform(0.9, 1.1)))
                return made
            finally:
                RELEASE(keys=[f"lock:{key}"], args=[token])  # only our own: it may have expired, and be another's by now
        time.sleep(random.uniform(0.01, 0.03))
