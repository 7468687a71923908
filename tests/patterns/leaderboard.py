"""A leaderboard: points, ranks, the best, and who stands right above and below somebody."""

import os

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
BOARD = "leaderboard:week"


def score(player, points):
    return cache.zincrby(BOARD, points, player)


def best(count=10):
    return cache.zrange(BOARD, 0, count - 1, desc=True, withscores=True)


def rank(player):
    """1 for the best; None for who has not played."""
    place = cache.zrevrank(BOARD, player)
    return None if place is None else place + 1


NEIGHBOURS = cache.register_script("""
    local place = redis.call('ZREVRANK', KEYS[1], ARGV[1])
    if not place then return {} end
    local first = math.max(0, place - ARGV[2])
    return {first + 1, redis.call('ZREVRANGE', KEYS[1], first, place + ARGV[2], 'WITHSCORES')}
""")


def neighbours(player, distance=2):
    """(rank, name, points) of the player and of those around; a script, so that nobody moves between the two questions."""
    found = NEIGHBOURS(keys=[BOARD], args=[player, distance])
    if not found:
        return []
    first, flat = found
    return [(first + n, name, float(points)) for n, (name, points) in enumerate(zip(flat[::2], flat[1::2]))]
