import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.TrackingArgs;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.support.caching.CacheAccessor;
import io.lettuce.core.support.caching.CacheFrontend;
import io.lettuce.core.support.caching.ClientSideCaching;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** Lettuce: one shared connection, futures, transactions, scripts, functions, subscriptions, client-side caching, keyspace events. */
final class CheckLettuce {
    public static void main(String[] arguments) throws Exception {
        RedisClient client = RedisClient.create(RedisURI.create(Check.HOST, Check.PORT));
        StatefulRedisConnection<String, String> connection = client.connect();
        StatefulRedisConnection<String, String> other = client.connect();
        RedisCommands<String, String> redis = connection.sync();
        redis.flushall();

        redis.hset("h", Map.of("a", "1", "b", "ä"));
        Check.equal(redis.hgetall("h"), Map.of("a", "1", "b", "ä"));
        redis.zadd("z", 1.5, "x");
        Check.equal(redis.zscore("z", "x"), 1.5);
        Check.fails("WRONGTYPE", () -> redis.incr("h"));
        RedisAsyncCommands<String, String> async = connection.async();
        List<RedisFuture<Long>> counts = new ArrayList<>();
        for (int n = 0; n < 5000; n++) {
            counts.add(async.incr("count"));
        }
        for (int n = 0; n < 5000; n++) {
            Check.equal(counts.get(n).get(10, TimeUnit.SECONDS), n + 1L);
        }

        redis.multi();
        redis.set("a", "1");
        redis.incr("a");
        TransactionResult result = redis.exec();
        Check.equal(List.of(result.get(0), result.get(1)), List.of("OK", 2L));
        redis.watch("a");
        other.sync().set("a", "changed");
        redis.multi();
        redis.set("a", "lost");
        Check.that(redis.exec().wasDiscarded(), "a watched key has changed");
        Check.equal(redis.get("a"), "changed");

        String[] keys = {"sum"};
        Check.equal(redis.<List<Object>>eval("return {redis.call('INCRBY', KEYS[1], ARGV[1]), {'x'}}", ScriptOutputType.MULTI, keys, "5"),
            List.of(5L, List.of("x")));
        String sha = redis.scriptLoad("return redis.call('GET', KEYS[1])");
        Check.equal(redis.<String>evalsha(sha, ScriptOutputType.VALUE, keys), "5");
        Check.fails("NOSCRIPT", () -> redis.evalsha("f".repeat(40), ScriptOutputType.VALUE, keys));
        Check.equal(redis.<Boolean>eval("return redis.call('EXISTS', KEYS[1]) == 1", ScriptOutputType.BOOLEAN, keys), true);
        redis.functionLoad("#!lua name=twice\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)", true);
        Check.equal(redis.<Long>fcall("twice", ScriptOutputType.INTEGER, new String[0], "21"), 42L);
        Check.equal(redis.functionList("twi*").get(0).get("library_name"), "twice");
        byte[] dump = redis.functionDump();
        redis.functionFlush(io.lettuce.core.FlushMode.SYNC);
        redis.functionRestore(dump);
        Check.equal(redis.<Long>fcall("twice", ScriptOutputType.INTEGER, new String[0], "4"), 8L);

        StatefulRedisPubSubConnection<String, String> listener = client.connectPubSub();
        ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
        listener.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
                heard.add(channel + " " + message);
            }
        });
        listener.sync().subscribe("news");
        for (int n = 0; n < 100; n++) {
            Check.equal(redis.publish("news", String.valueOf(n)), 1L);
        }
        Check.until("all messages are heard", () -> heard.size() == 100);
        Check.equal(heard.peek(), "news 0");

        RedisFuture<KeyValue<String, String>> waiting = other.async().blpop(10, "queue");
        redis.rpush("queue", "x");
        Check.equal(waiting.get(10, TimeUnit.SECONDS), KeyValue.just("queue", "x"));
        // Client-side caching: what was read is kept here until the server says that it has changed.
        Map<String, String> kept = new ConcurrentHashMap<>();
        CacheFrontend<String, String> near =
            ClientSideCaching.enable(CacheAccessor.forMap(kept), client.connect(), TrackingArgs.Builder.enabled().noloop());
        redis.set("near", "1");
        Check.equal(near.get("near"), "1");
        Check.equal(kept, Map.of("near", "1"));
        redis.set("near", "2");
        Check.until("what has changed is no longer kept", kept::isEmpty);
        Check.equal(near.get("near"), "2");
        redis.psetex("near", 30, "brief");
        Check.until("the expiry is seen", () -> near.get("near") == null);

        // Keyspace events.
        redis.configSet("notify-keyspace-events", "Ex");
        listener.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String pattern, String channel, String message) {
                heard.add(channel + " " + message);
            }
        });
        listener.sync().psubscribe("__keyevent@*__:expired");
        redis.psetex("gone soon", 20, "x");
        Check.until("the expiry is told", () -> heard.contains("__keyevent@0__:expired gone soon"));
        Check.done("lettuce-core", RedisClient.class, "types, 5000 futures on one connection, MULTI, WATCH, scripts, functions, pub/sub, BLPOP, client-side caching, keyspace events");
    }
}
