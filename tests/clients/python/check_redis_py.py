"""redis-py: its transactions, pipelines, scripts, functions, subscriptions, pools and local cache, in RESP2 and RESP3, sync and asyncio."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import redis
import redis.asyncio
import redis.cache
from check import PORT, URL, done, equal, raises, until
from redis.backoff import NoBackoff
from redis.retry import Retry

ADD = "local sum = redis.call('INCRBY', KEYS[1], ARGV[1]) return {sum, KEYS[1], false, 7.9, {ok = 'FINE'}}"
LIBRARY = """#!lua name=accounts
local function deposit(keys, args)
    redis.call('HINCRBY', keys[1], 'balance', args[1])
    return redis.call('HGET', keys[1], 'balance')
end
local function balance(keys) return tonumber(redis.call('HGET', keys[1], 'balance') or 0) end
redis.register_function('deposit', deposit)
redis.register_function{function_name = 'balance', callback = balance, flags = {'no-writes'}}
"""


def basics(r):
    """One of every type, with what redis-py makes of the replies."""
    equal(r.set("s", "v", ex=100, get=True), None)
    equal((r.get("s"), r.ttl("s") > 90, r.type("s")), ("v", True, "string"))
    equal(r.set("s", "w", nx=True), None)
    r.hset("h", mapping={"a": 1, "b": "zwei", "c": 3.5})
    equal(r.hgetall("h"), {"a": "1", "b": "zwei", "c": "3.5"})
    equal(r.hexpire("h", 50, "a", "none"), [1, -2])
    equal(r.hmget("h", "a", "x", "b"), ["1", None, "zwei"])
    r.zadd("z", {"one": 1, "half": 0.5, "inf": float("inf")})
    equal([[name, score] for name, score in r.zrange("z", 0, -1, withscores=True)], [["half", 0.5], ["one", 1.0], ["inf", float("inf")]])
    equal(r.zscore("z", "half"), 0.5)
    equal(r.rpush("l", *range(5)), 5)
    equal((r.lrange("l", 1, 2), r.lpos("l", "3"), r.blpop("l", timeout=1)[-1]), (["1", "2"], 3, "0"))
    r.sadd("t", "x", "y")
    equal(r.smembers("t"), {"x", "y"})
    equal(r.smismember("t", ["x", "z"]), [1, 0])
    first = r.xadd("x", {"k": "v"})
    r.xgroup_create("x", "g", id="0")
    got = r.xreadgroup("g", "me", {"x": ">"}, count=10)
    got = list(got.items())[0] if isinstance(got, dict) else got[0]
    assert first in str(got), got
    equal((r.xpending("x", "g")["pending"], r.xack("x", "g", first)), (1, 1))
    equal(r.xinfo_stream("x")["length"], 1)
    equal(r.geoadd("geo", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")), 2)
    equal(round(r.geodist("geo", "Palermo", "Catania", unit="km")), 166)
    equal(sorted(r.scan_iter(match="[hst]")), ["h", "s", "t"])
    equal(r.client_getname(), "tester")
    assert r.info()["redis_version"] and r.config_get("maxmemory")["maxmemory"] == "0"
    raises(redis.ResponseError, "WRONGTYPE", r.incr, "l")


def pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for n in range(2000):
            pipe.set(f"p:{n}", n).incr(f"p:{n}").get(f"p:{n}")
        replies = pipe.execute()
    equal(replies, [reply for n in range(2000) for reply in (True, n + 1, str(n + 1))], "a long pipeline")
    pipe = r.pipeline(transaction=False).set("a", "text").incr("a").get("a")
    replies = pipe.execute(raise_on_error=False)
    equal((replies[0], type(replies[1]), replies[2]), (True, redis.ResponseError, "text"))


def transactions(r):
    with r.pipeline() as pipe:
        equal(pipe.set("a", 1).incr("a").hset("b", "f", "v").execute(), [True, 2, 1])
        pipe.set("a", "x").lpush("a", 1).set("after", 1)
        raises(redis.ResponseError, "Command # 2 (LPUSH a 1) of pipeline caused error: WRONGTYPE", pipe.execute)
    equal((r.get("a"), r.get("after")), ("x", "1"), "what is queued after an error is executed")
    with r.pipeline() as pipe:
        pipe.set("never", 1).execute_command("SET", "too few")
        raises(redis.ResponseError, "wrong number of arguments for 'set' command", pipe.execute)
    equal(r.exists("never"), 0)
    with r.pipeline() as pipe:
        pipe.watch("a")
        r.set("a", "changed")
        pipe.multi()
        raises(redis.WatchError, "Watched variable changed", pipe.set("a", "lost").execute)
    equal(r.get("a"), "changed")

    # Optimistic locking: eight threads that all count the same key up by reading and writing.
    def count():
        def up(pipe):
            value = int(pipe.get("counter") or 0)
            pipe.multi()
            pipe.set("counter", value + 1)

        for _ in range(50):
            r.transaction(up, "counter")

    threads = [threading.Thread(target=count) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    equal(r.get("counter"), "400", "increments under WATCH")


def scripts(r):
    add = r.register_script(ADD)
    equal(add(keys=["sum"], args=[5]), [5, "sum", None, 7, "FINE"])
    equal(r.script_exists(add.sha, "0" * 40), [True, False])
    r.script_flush()
    equal(add(keys=["sum"], args=[5])[0], 10, "the script is loaded anew")
    with r.pipeline() as pipe:
        add(keys=["sum"], args=[1], client=pipe)
        pipe.get("sum")
        add(keys=["sum"], args=[2], client=pipe)
        replies = pipe.execute()
    equal((replies[0][0], replies[1], replies[2][0]), (11, "11", 13), "scripts in a transaction")
    raises(redis.exceptions.NoScriptError, "No matching script", r.evalsha, "f" * 40, 0)
    raises(redis.ResponseError, "my words", r.eval, "return redis.error_reply('MY my words')", 0)
    raises(redis.ResponseError, "WRONGTYPE", r.eval, "return redis.call('INCR', KEYS[1])", 1, "l")
    raises(redis.ResponseError, "Write commands are not allowed", r.eval_ro, "return redis.call('SET', KEYS[1], 1)", 1, "k")
    equal(r.eval("return {ARGV[1], #ARGV, cjson.decode('[1,{\"a\":2}]')[2].a, cmsgpack.unpack(cmsgpack.pack('x'))}", 0, "ä"), ["ä", 1, 2, "x"])


def functions(r):
    equal(r.function_load(LIBRARY, replace=True), "accounts")
    equal(r.fcall("deposit", 1, "acc", 50), "50")
    equal((r.fcall_ro("balance", 1, "acc"), r.fcall("deposit", 1, "acc", -8)), (50, "42"))
    raises(redis.ResponseError, "Can not execute a script with write flag using *_ro command", r.fcall_ro, "deposit", 1, "acc", 1)
    raises(redis.ResponseError, "Library 'accounts' already exists", r.function_load, LIBRARY)
    raises(redis.ResponseError, "Function not found", r.fcall, "nothing", 0)
    assert "accounts" in str(r.function_list(library="acc*"))
    dump = r.execute_command("FUNCTION", "DUMP", **{"NEVER_DECODE": True})
    equal(r.function_flush(), True)
    equal(r.function_restore(dump), True)
    equal(r.fcall_ro("balance", 1, "acc"), 42, "a restored function")
    equal(r.function_delete("accounts"), True)


def subscriptions(r):
    heard = []
    with r.pubsub() as sub:
        sub.subscribe(**{"news": lambda message: heard.append((message["channel"], message["data"]))})
        sub.psubscribe("we*")
        sub.ssubscribe("shard")
        kinds = [sub.get_message(timeout=5)["type"] for _ in range(3)]
        equal(kinds, ["subscribe", "psubscribe", "ssubscribe"])
        equal((r.publish("news", "one"), r.publish("weather", "sun"), r.spublish("shard", "s"), r.publish("other", 1)), (1, 1, 1, 0))
        messages = [sub.get_message(timeout=5) for _ in range(3)]
        equal(heard, [("news", "one")])
        equal([(m["type"], m["channel"], m["data"]) for m in messages if m], [("pmessage", "weather", "sun"), ("smessage", "shard", "s")])
        equal((r.pubsub_channels(), r.pubsub_numpat(), r.pubsub_numsub("news")), (["news"], 1, [("news", 1)]))
        r.eval("redis.call('PUBLISH', 'news', ARGV[1])", 0, "from a script")
        r.pipeline().publish("news", "from a transaction").execute()
        [sub.get_message(timeout=5) for _ in range(2)]
        equal([data for _, data in heard], ["one", "from a script", "from a transaction"])


def pools(protocol):
    """Many threads on few connections; a lost one is replaced without anybody noticing."""
    options = {"protocol": protocol, "decode_responses": True, "retry": Retry(NoBackoff(), 3)}
    pool = redis.BlockingConnectionPool.from_url(f"{URL}/1", max_connections=4, timeout=10, **options)
    shared = redis.Redis(connection_pool=pool)
    shared.set("shared", 0)
    with ThreadPoolExecutor(16) as threads:
        counts = list(threads.map(lambda _: shared.incr("shared"), range(800)))
    equal((sorted(counts), shared.get("shared")), (list(range(1, 801)), "800"))
    names = [client["name"] for client in shared.client_list() if client["db"] == "1"]
    assert 1 <= len(names) <= 4, names
    with redis.Redis(port=PORT) as other:
        equal(other.exists("shared"), 0, "another database")
        other.client_kill_filter(_type="normal", skipme=True)
    equal(shared.get("shared"), "800", "after its connections were lost")
    pool.disconnect()


def local_cache():
    """Client-side caching: what was read once is not asked for again, until it changes."""
    with redis.Redis(port=PORT, decode_responses=True) as other, redis.Redis(
        port=PORT, protocol=3, decode_responses=True, cache_config=redis.cache.CacheConfig(max_size=100)
    ) as near:

        def asked():
            stats = other.info("commandstats")
            return sum(stats[f"cmdstat_{name}"]["calls"] for name in ("get", "hgetall") if f"cmdstat_{name}" in stats)

        other.mset({f"near:{n}": n for n in range(50)})
        other.hset("near:h", "a", 1)
        before = asked()
        for _ in range(20):
            equal([near.get(f"near:{n}") for n in range(50)], [str(n) for n in range(50)])
            equal(near.hgetall("near:h"), {"a": "1"})
        equal((asked() - before, near.get_cache().size), (51, 51), "questions that reached the server")

        other.set("near:7", "changed")
        until("the change is seen", lambda: near.get("near:7") == "changed")
        other.hset("near:h", "b", 2)
        until("the other field is seen", lambda: near.hgetall("near:h") == {"a": "1", "b": "2"})
        near.set("near:8", "mine")
        until("one's own change is seen", lambda: near.get("near:8") == "mine")
        other.set("near:9", "brief", px=30)
        until("the new value is seen", lambda: near.get("near:9") in ("brief", None))
        until("its expiry is seen", lambda: near.get("near:9") is None)
        other.flushall()
        until("all is gone", lambda: near.get("near:1") is None)
        equal(other.exists("near:1"), 0)


def keyspace_events(r):
    """Expiry is told when it happens, changes by key and by event."""
    r.config_set("notify-keyspace-events", "KEA")
    db = r.connection_pool.connection_kwargs.get("db", 0)
    with r.pubsub(ignore_subscribe_messages=True) as events:
        events.psubscribe(f"__keyevent@{db}__:*")
        events.subscribe(f"__keyspace@{db}__:watched")
        until("both subscriptions", lambda: r.pubsub_numpat() == 1 and r.pubsub_numsub(f"__keyspace@{db}__:watched")[0][1] == 1)
        r.set("watched", 1)
        r.incr("watched")
        r.hset("other", "f", "v")
        r.delete("watched")
        r.set("brief", 1, px=20)
        heard = []

        def expired():
            while message := events.get_message(timeout=0.01):
                heard.append((message["channel"].split(":", 1)[1], message["data"]))
            return ("expired", "brief") in heard

        until("the expiry", expired)
        told = [pair for pair in heard if "watched" in pair]
        equal(told.count(("set", "watched")) + told.count(("watched", "set")), 2, "told by event and by key")
        for pair in (("incrby", "watched"), ("watched", "incrby"), ("hset", "other"), ("del", "watched"), ("watched", "del")):
            assert pair in heard, (pair, heard)
    r.config_set("notify-keyspace-events", "")


async def on_asyncio(protocol):
    async with redis.asyncio.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        await asyncio.gather(*(r.incrby("async", n) for n in range(100)))
        equal(await r.get("async"), "4950")
        async with r.pipeline() as pipe:
            equal(await pipe.set("a", 1).incr("a").execute(), [True, 2])

        async def up(pipe):
            value = int(await pipe.get("raced") or 0)
            pipe.multi()
            pipe.set("raced", value + 1)

        await asyncio.gather(*(r.transaction(up, "raced") for _ in range(20)))
        equal(await r.get("raced"), "20")
        add = r.register_script(ADD)
        equal((await add(keys=["async sum"], args=[5]))[0], 5)
        await r.function_load(LIBRARY, replace=True)
        equal(await r.fcall("deposit", 1, "acc", 1), "1")
        async with r.pubsub() as sub:
            await sub.subscribe("async news")
            await sub.get_message(timeout=5)
            await r.publish("async news", "heard")
            equal((await sub.get_message(timeout=5))["data"], "heard")
        waiting = asyncio.create_task(r.blpop("queue", timeout=10))
        await asyncio.sleep(0.05)
        await r.rpush("queue", "served")
        equal((await waiting)[-1], "served")
        async with r.lock("async lock", timeout=5):
            equal(await r.lock("async lock", blocking=False).acquire(), False)


for protocol in (2, 3):
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True, client_name="tester") as client:
        client.flushall()
        for part in (basics, pipelines, transactions, scripts, functions, subscriptions, keyspace_events):
            part(client)
        client.flushall()
        pools(protocol)
        asyncio.run(on_asyncio(protocol))
local_cache()
WHAT = "types, pipelines, MULTI and WATCH, scripts, functions, pub/sub, pools, client-side caching, keyspace events"
done(["redis", "hiredis"], f"{WHAT}; RESP2 and RESP3, sync and asyncio")
