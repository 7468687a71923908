import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.ExpiredObjectListener;
import org.redisson.api.RAtomicLong;
import org.redisson.api.RBatch;
import org.redisson.api.RBlockingQueue;
import org.redisson.api.RBucket;
import org.redisson.api.RClientSideCaching;
import org.redisson.api.RCountDownLatch;
import org.redisson.api.RDelayedQueue;
import org.redisson.api.RLocalCachedMap;
import org.redisson.api.RLock;
import org.redisson.api.RMapCache;
import org.redisson.api.RRateLimiter;
import org.redisson.api.RReadWriteLock;
import org.redisson.api.RSemaphore;
import org.redisson.api.RTopic;
import org.redisson.api.RTransaction;
import org.redisson.api.RateType;
import org.redisson.api.RedissonClient;
import org.redisson.api.TransactionOptions;
import org.redisson.api.options.ClientSideCachingOptions;
import org.redisson.api.options.LocalCachedMapOptions;
import org.redisson.api.redisnode.RedisNodes;
import org.redisson.config.Config;
import org.redisson.config.Protocol;

/** Redisson, whose every object is a bundle of scripts that wake each other by publish/subscribe. */
final class CheckRedisson {
    private static RedissonClient connect() {
        Config config = new Config();
        config.setProtocol(Protocol.RESP3);
        config.useSingleServer().setAddress("redis://" + Check.HOST + ":" + Check.PORT).setConnectionMinimumIdleSize(4);
        return Redisson.create(config);
    }

    /** Threads of two clients take turns under one lock: nobody reads what another is about to write. */
    private static void exclusion(RedissonClient here, RedissonClient there, String lockName, boolean fair) throws Exception {
        RBucket<Integer> value = here.getBucket("value of " + lockName);
        value.set(0);
        ExecutorService threads = Executors.newFixedThreadPool(6);
        List<Future<?>> ends = new ArrayList<>();
        for (int n = 0; n < 6; n++) {
            RedissonClient client = n % 2 == 0 ? here : there;
            ends.add(threads.submit(() -> {
                RLock lock = fair ? client.getFairLock(lockName) : client.getLock(lockName);
                for (int round = 0; round < 15; round++) {
                    lock.lock();
                    try {
                        value.set(value.get() + 1);
                    } finally {
                        lock.unlock();
                    }
                }
            }));
        }
        for (Future<?> end : ends) {
            end.get(60, TimeUnit.SECONDS);
        }
        threads.shutdown();
        Check.equal(value.get(), 90);
    }

    private static void locks(RedissonClient here, RedissonClient there) throws Exception {
        RLock mine = here.getLock("life");
        RLock other = there.getLock("life");
        Check.that(mine.tryLock(0, 1500, TimeUnit.MILLISECONDS), "a free lock");
        mine.lock(1500, TimeUnit.MILLISECONDS);
        Check.equal(mine.getHoldCount(), 2);
        Check.that(!other.tryLock(), "a held lock");
        Check.fails("attempt to unlock lock, not locked by current thread", () -> {
            other.unlock();
            return null;
        });
        Check.that(other.tryLock(5, 5, TimeUnit.SECONDS), "the lock has expired");
        other.unlock();
        RReadWriteLock door = here.getReadWriteLock("door");
        RReadWriteLock same = there.getReadWriteLock("door");
        door.readLock().lock();
        Check.that(same.readLock().tryLock(), "two may read");
        Check.that(!same.writeLock().tryLock(), "nobody may write meanwhile");
        same.readLock().unlock();
        door.readLock().unlock();
        Check.that(same.writeLock().tryLock(), "nobody reads");
        same.writeLock().unlock();
        exclusion(here, there, "plain", false);
        exclusion(here, there, "fair", true);
    }

    private static void limits(RedissonClient here, RedissonClient there) throws Exception {
        RRateLimiter limiter = here.getRateLimiter("limiter");
        Check.that(limiter.trySetRate(RateType.OVERALL, 5, Duration.ofSeconds(2)), "a new rate");
        int passed = 0;
        for (int n = 0; n < 20; n++) {
            passed += (n % 2 == 0 ? limiter : there.getRateLimiter("limiter")).tryAcquire() ? 1 : 0;
        }
        Check.equal(passed, 5);
        Check.that(limiter.tryAcquire(1, Duration.ofSeconds(5)), "a new window");

        RSemaphore semaphore = here.getSemaphore("semaphore");
        Check.that(semaphore.trySetPermits(2), "permits");
        semaphore.acquire(2);
        Check.that(!there.getSemaphore("semaphore").tryAcquire(), "no permit is left");
        semaphore.release();
        Check.that(there.getSemaphore("semaphore").tryAcquire(), "a permit has come back");

        RCountDownLatch latch = here.getCountDownLatch("latch");
        latch.trySetCount(2);
        there.getCountDownLatch("latch").countDown();
        there.getCountDownLatch("latch").countDown();
        Check.that(latch.await(5, TimeUnit.SECONDS), "the latch is open");
    }

    private static void collections(RedissonClient here, RedissonClient there) throws Exception {
        RMapCache<String, String> cache = here.getMapCache("cache");
        cache.put("brief", "x", 1000, TimeUnit.MILLISECONDS);
        cache.put("long", "y", 100, TimeUnit.SECONDS);
        Check.equal(cache.get("brief"), "x");
        Check.until("an entry expires", () -> cache.get("brief") == null);
        Check.equal(cache.readAllMap(), Map.of("long", "y"));
        Check.equal(cache.putIfAbsent("long", "z"), "y");
        Check.equal(cache.addAndGet("number", 5), 5);

        RBlockingQueue<String> queue = there.getBlockingQueue("queue");
        RDelayedQueue<String> delayed = here.getDelayedQueue(here.getBlockingQueue("queue"));
        long begun = System.nanoTime();
        delayed.offer("late", 1000, TimeUnit.MILLISECONDS);
        here.getBlockingQueue("queue").offer("soon");
        Check.equal(queue.poll(5, TimeUnit.SECONDS), "soon");
        Check.equal(queue.poll(10, TimeUnit.SECONDS), "late");
        Check.that(System.nanoTime() - begun >= 990_000_000, "a delayed element came early");
        delayed.destroy();

        RTransaction transaction = here.createTransaction(TransactionOptions.defaults());
        transaction.getMap("map").put("a", "1");
        transaction.getSet("set").add("x");
        transaction.commit();
        Check.equal(there.getMap("map").readAllMap(), Map.of("a", "1"));
        Check.equal(there.getSet("set").readAll(), Set.of("x"));
        RBatch batch = here.createBatch();
        for (int n = 0; n < 1000; n++) {
            batch.getAtomicLong("count").incrementAndGetAsync();
        }
        Check.equal(batch.execute().getResponses().get(999), 1000L);
        RAtomicLong count = there.getAtomicLong("count");
        Check.that(count.compareAndSet(1000, 7) && !count.compareAndSet(1000, 8) && count.get() == 7, "compare and set");
    }

    private static void topics(RedissonClient here, RedissonClient there) throws Exception {
        ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
        CountDownLatch all = new CountDownLatch(20);
        RTopic topic = here.getTopic("topic");
        topic.addListener(String.class, (channel, message) -> {
            heard.add(message);
            all.countDown();
        });
        for (int n = 0; n < 20; n++) {
            Check.equal(there.getTopic("topic").publish("message " + n), 1L);
        }
        Check.that(all.await(10, TimeUnit.SECONDS), "all messages are heard");
        topic.removeAllListeners();
    }

    /** Expiry events, a map with copies at its clients, and buckets that are kept here until the server says that they changed. */
    private static void events(RedissonClient here, RedissonClient there) throws Exception {
        here.getRedisNodes(RedisNodes.SINGLE).getInstance().setConfig("notify-keyspace-events", "Ex");
        CountDownLatch expired = new CountDownLatch(1);
        here.getKeys().addListener((ExpiredObjectListener) name -> {
            if (name.equals("brief")) {
                expired.countDown();
            }
        });
        there.getBucket("brief").set("x", Duration.ofMillis(20));
        Check.that(expired.await(10, TimeUnit.SECONDS), "an expiry is told");

        RLocalCachedMap<String, String> one = here.getLocalCachedMap(LocalCachedMapOptions.name("local"));
        RLocalCachedMap<String, String> two = there.getLocalCachedMap(LocalCachedMapOptions.name("local"));
        one.put("a", "1");
        Check.equal(two.get("a"), "1");
        Check.equal(two.getCachedMap().get("a"), "1");
        one.put("a", "2");
        Check.until("the other's copy has changed", () -> two.get("a").equals("2"));

        RClientSideCaching near = here.getClientSideCaching(ClientSideCachingOptions.defaults());
        RBucket<String> bucket = near.getBucket("near");
        there.getBucket("near").set("1");
        Check.equal(bucket.get(), "1");
        Check.equal(bucket.get(), "1");
        there.getBucket("near").set("2");
        Check.until("the change is seen", () -> bucket.get().equals("2"));
        near.destroy();
    }

    public static void main(String[] arguments) throws Exception {
        RedissonClient here = connect();
        RedissonClient there = connect();
        locks(here, there);
        limits(here, there);
        collections(here, there);
        topics(here, there);
        events(here, there);
        here.shutdown();
        there.shutdown();
        Check.done("redisson", Redisson.class, "locks (plain, fair, read/write) between two clients, rate limiter, semaphore, latch, caches, delayed queue, topics, "
            + "expiry events, local copies, client-side caching");
    }
}
