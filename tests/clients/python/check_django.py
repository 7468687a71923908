"""Django's own Redis cache, django-redis (with its locks), and Django's sessions, which lie in the cache."""

import threading
import time

import django
from check import URL, done, equal, raises
from django.conf import settings

settings.configure(
    CACHES={
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"{URL}/3", "KEY_PREFIX": "own"},
        "other": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"{URL}/4",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
        },
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SESSION_CACHE_ALIAS="other",
    SECRET_KEY="not secret",
)
django.setup()

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django_redis import get_redis_connection  # noqa: E402


def as_any_cache(cache):
    cache.clear()
    equal(cache.get("none", "default"), "default")
    cache.set("thing", {"a": [1, 2, ("x", None)], "ä": b"\x00\xff"}, timeout=100)
    equal(cache.get("thing"), {"a": [1, 2, ("x", None)], "ä": b"\x00\xff"})
    equal((cache.add("thing", 1), cache.add("new", 1)), (False, True))
    equal((cache.incr("new", 5), cache.decr("new")), (6, 5))
    raises(ValueError, "", cache.incr, "missing")
    equal(cache.get_or_set("made", lambda: "by a function", 50), "by a function")
    cache.set_many({f"k{n}": n for n in range(500)}, timeout=60)
    equal(cache.get_many([f"k{n}" for n in range(0, 600, 3)]), {f"k{n}": n for n in range(0, 500, 3)})
    cache.delete_many([f"k{n}" for n in range(250)])
    equal(("k0" in cache, "k300" in cache), (False, True))
    equal((cache.touch("k300", 30), cache.touch("k0", 30), cache.delete("k300"), cache.delete("k300")), (True, False, True, False))
    cache.set("brief", 1, timeout=0.05 if hasattr(cache, "lock") else 1)
    cache.set("at once", 1, timeout=0)
    time.sleep(1.1)
    equal((cache.get("brief"), cache.get("at once")), (None, None))
    cache.set("v", "one", version=1)
    cache.set("v", "two", version=2)
    equal((cache.get("v", version=1), cache.get("v", version=2)), ("one", "two"))


def of_django_redis(cache):
    cache.set("once", 1, nx=True)
    equal(cache.set("once", 2, nx=True), False)
    cache.set("long", 1, timeout=100)
    assert 90 < cache.ttl("long") <= 100 and 90_000 < cache.pttl("long") <= 100_000
    cache.persist("long")
    equal((cache.ttl("long"), cache.ttl("absent")), (None, 0))
    cache.expire("long", timeout=20)
    assert 15 < cache.ttl("long") <= 20
    cache.set_many({f"user:{n}": n for n in range(100)})
    equal(len(cache.keys("user:*")), 100)
    equal(len(list(cache.iter_keys("user:*"))), 100)
    equal(cache.delete_pattern("user:*"), 100)

    total = []

    def enter():
        for _ in range(20):
            with cache.lock("door", timeout=10, sleep=0.002):
                value = cache.get("value", 0)
                time.sleep(0.001)
                cache.set("value", value + 1)
                total.append(1)

    threads = [threading.Thread(target=enter) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    equal((cache.get("value"), len(total)), (100, 100), "entries under the lock")
    equal(get_redis_connection("other").eval("return #redis.call('KEYS', '*door*')", 0), 0)


def sessions():
    session = SessionStore()
    session["cart"] = ["apple", 3]
    session.set_expiry(60)
    session.save()
    again = SessionStore(session.session_key)
    equal(again["cart"], ["apple", 3])
    again.cycle_key()
    equal(SessionStore(session.session_key).get("cart"), None, "the old key")
    equal(SessionStore(again.session_key)["cart"], ["apple", 3], "the new key")
    again.flush()
    equal(SessionStore(again.session_key).get("cart"), None)


as_any_cache(caches["default"])
as_any_cache(caches["other"])
of_django_redis(caches["other"])
sessions()
done(["Django", "django-redis"], "both caches, versions, expiry, patterns, locks between threads, sessions")
