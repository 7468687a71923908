import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.csc.CacheConfig;
import redis.clients.jedis.csc.CacheStats;

/** Jedis in RESP2 and RESP3: types, transactions, pipelines, scripts, functions, subscriptions, client-side caching. */
final class CheckJedis {
    private static Jedis connect(RedisProtocol protocol) {
        return new Jedis(new HostAndPort(Check.HOST, Check.PORT), DefaultJedisClientConfig.builder().protocol(protocol).build());
    }

    private static void values(Jedis jedis) {
        jedis.hset("h", Map.of("a", "1", "b", "ä"));
        Check.equal(jedis.hgetAll("h"), Map.of("a", "1", "b", "ä"));
        jedis.zadd("z", Map.of("x", 1.5, "y", Double.POSITIVE_INFINITY));
        Check.equal(jedis.zscore("z", "x"), 1.5);
        Check.equal(jedis.zrangeWithScores("z", 0, -1).get(1).getScore(), Double.POSITIVE_INFINITY);
        jedis.sadd("s", "a", "b");
        Check.equal(jedis.smembers("s"), Set.of("a", "b"));
        Check.equal(jedis.hexpire("h", 100, "a", "none"), List.of(1L, -2L));
        Check.fails("WRONGTYPE", () -> jedis.incr("h"));
        try (Pipeline pipeline = jedis.pipelined()) {
            List<Response<Long>> counts = new ArrayList<>();
            for (int n = 0; n < 1000; n++) {
                counts.add(pipeline.incr("count"));
            }
            pipeline.sync();
            Check.equal(counts.get(999).get(), 1000L);
        }
    }

    private static void transactions(Jedis jedis, Jedis other) {
        Transaction first = jedis.multi();
        first.set("a", "1");
        Response<Long> two = first.incr("a");
        Check.equal(first.exec(), List.of("OK", 2L));
        Check.equal(two.get(), 2L);
        jedis.watch("a");
        other.set("a", "changed");
        Transaction lost = jedis.multi();
        lost.set("a", "lost");
        Check.equal(lost.exec(), null);
        Check.equal(jedis.get("a"), "changed");
        Transaction dropped = jedis.multi();
        dropped.set("a", "dropped");
        dropped.discard();
        Check.equal(jedis.get("a"), "changed");
    }

    private static void programs(Jedis jedis) {
        String sha = jedis.scriptLoad("return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'text', {1}}");
        Check.equal(jedis.evalsha(sha, List.of("sum"), List.of("5")), List.of(5L, "text", List.of(1L)));
        jedis.scriptFlush();
        Check.fails("NOSCRIPT", () -> jedis.evalsha(sha, List.of("sum"), List.of("5")));
        Check.fails("my words", () -> jedis.eval("return redis.error_reply('MY my words')"));
        jedis.functionLoadReplace("#!lua name=twice\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)");
        Check.equal(jedis.fcall("twice", List.of(), List.of("21")), 42L);
        Check.equal(jedis.functionList().get(0).getLibraryName(), "twice");
        byte[] dump = jedis.functionDump();
        jedis.functionFlush();
        jedis.functionRestore(dump);
        Check.equal(jedis.fcall("twice", List.of(), List.of("4")), 8L);
    }

    private static void subscriptions(Jedis jedis, Jedis listener) throws InterruptedException {
        List<String> heard = new ArrayList<>();
        JedisPubSub subscription = new JedisPubSub() {
            @Override
            public void onMessage(String channel, String message) {
                heard.add(channel + " " + message);
                if (message.equals("end")) {
                    unsubscribe();
                }
            }
        };
        Thread thread = new Thread(() -> listener.subscribe(subscription, "news"));
        thread.start();
        Check.until("the channel has a subscriber", () -> jedis.publish("news", "hello") == 1);
        Transaction transaction = jedis.multi();
        transaction.publish("news", "queued");
        transaction.publish("news", "end");
        transaction.exec();
        thread.join(10_000);
        Check.equal(heard, List.of("news hello", "news queued", "news end"));
    }

    /** Client-side caching: what was read is kept here until the server says that it has changed. */
    private static void localCache(Jedis other) throws InterruptedException {
        try (RedisClient near = RedisClient.builder().hostAndPort(Check.HOST, Check.PORT)
                .clientConfig(DefaultJedisClientConfig.builder().protocol(RedisProtocol.RESP3).build())
                .cacheConfig(CacheConfig.builder().maxSize(100).build()).build()) {
            other.set("near", "1");
            for (int n = 0; n < 50; n++) {
                Check.equal(near.get("near"), "1");
            }
            CacheStats stats = near.getCache().getAndResetStats();
            Check.equal(List.of(stats.getMissCount(), stats.getHitCount()), List.of(1L, 49L));
            other.set("near", "2");
            Check.until("the change is seen", () -> near.get("near").equals("2"));
            other.psetex("near", 30, "brief");
            Check.until("the expiry is seen", () -> near.get("near") == null);
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        for (RedisProtocol protocol : List.of(RedisProtocol.RESP2, RedisProtocol.RESP3)) {
            try (Jedis jedis = connect(protocol); Jedis other = connect(protocol)) {
                jedis.flushAll();
                values(jedis);
                transactions(jedis, other);
                programs(jedis);
                subscriptions(jedis, other);
                localCache(jedis);
            }
        }
        Check.done("jedis", Jedis.class, "types, pipelines, MULTI, WATCH, scripts, functions, pub/sub, client-side caching; RESP2 and RESP3");
    }
}
