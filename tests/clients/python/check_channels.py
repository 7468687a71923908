"""channels_redis: Django Channels' two layers, over lists and sorted sets with scripts, and over publish/subscribe."""

import asyncio

import redis
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from check import URL, done, equal, until


def subscriptions():
    r = redis.Redis.from_url(URL)
    return sum(count for _, count in r.pubsub_numsub(*r.pubsub_channels()))


async def exchange(make_layer):
    """Messages to one channel and to groups, between two servers of one site."""
    here, there = make_layer(), make_layer()

    def settled(count):
        """That layer sends SUBSCRIBE and does not wait for the reply: what another connection publishes may be first."""
        if isinstance(here, RedisPubSubChannelLayer):
            until(f"{count} subscriptions", lambda: subscriptions() == count)

    ann, bob = await here.new_channel(), await there.new_channel()
    settled(2)
    await here.send(bob, {"type": "chat", "text": "ä" * 50, "n": 1})
    equal(await asyncio.wait_for(there.receive(bob), 5), {"type": "chat", "text": "ä" * 50, "n": 1})

    await here.group_add("room", ann)
    await there.group_add("room", bob)
    settled(4)
    for n in range(50):
        await here.group_send("room", {"type": "chat", "n": n})
    for layer, channel in ((here, ann), (there, bob)):
        got = [(await asyncio.wait_for(layer.receive(channel), 5))["n"] for _ in range(50)]
        equal(got, list(range(50)), "messages to the group")

    await there.group_discard("room", bob)
    settled(3)
    waiting = asyncio.ensure_future(there.receive(bob))
    await here.group_send("room", {"type": "last"})
    equal((await asyncio.wait_for(here.receive(ann), 5))["type"], "last")
    await here.send(bob, {"type": "direct"})
    equal((await asyncio.wait_for(waiting, 5))["type"], "direct", "who has left the group gets nothing more")
    await here.flush()
    for layer in (here, there):
        if hasattr(layer, "close_pools"):
            await layer.close_pools()


async def capacity():
    layer = RedisChannelLayer(hosts=[f"{URL}/6"], capacity=3)
    channel = await layer.new_channel()
    for n in range(3):
        await layer.send(channel, {"type": "fits", "n": n})
    try:
        await layer.send(channel, {"type": "too many"})
    except Exception as error:
        equal(type(error).__name__, "ChannelFull")
    else:
        raise AssertionError("a fourth message was taken")
    await layer.close_pools()


asyncio.run(exchange(lambda: RedisChannelLayer(hosts=[f"{URL}/5"])))
asyncio.run(exchange(lambda: RedisPubSubChannelLayer(hosts=[URL])))
asyncio.run(capacity())
done(["channels", "channels_redis"], "both layers, messages to channels and groups, capacity")
