"""The hit ratio since one has last looked, and why the misses were misses: read from INFO."""

import os

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
KINDS = ("never_seen", "expired", "evicted")


def counters():
    stats, more = cache.info("stats"), cache.info("larder")
    return {"hits": stats["keyspace_hits"], **{kind: more[f"keyspace_misses_{kind}"] for kind in KINDS}}


def report(before):
    """What has happened since the counters were read: they count from the server's start, or CONFIG RESETSTAT."""
    now = {name: value - before[name] for name, value in counters().items()}
    reads = sum(now.values())
    return {
        "reads": reads,
        "hit ratio": now["hits"] / reads if reads else None,
        "never there": now["never_seen"],
        "expired": now["expired"],  # a longer time to live would help
        "evicted": now["evicted"],  # more memory would
    }
