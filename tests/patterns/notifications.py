"""Notifications: publishers need not know who listens, and listeners get what is published while they are there."""

import json
import os

import redis

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)


def tell(user, event, **details):
    """Returns how many got it. Who is not there gets nothing: what must arrive belongs into a stream or a queue."""
    return cache.publish(f"user:{user}", json.dumps({"event": event, **details}))


def listen(handle, *patterns):
    """Calls handle(user, message) on a thread of its own until its stop() is called."""
    subscription = cache.pubsub(ignore_subscribe_messages=True)

    def on_message(message):
        handle(message["channel"].removeprefix("user:"), json.loads(message["data"]))

    subscription.psubscribe(**{pattern: on_message for pattern in patterns})
    return subscription.run_in_thread(sleep_time=0.1, daemon=True)
