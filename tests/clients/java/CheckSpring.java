import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.springframework.cache.annotation.CacheEvict;
import org.springframework.cache.annotation.Cacheable;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.cache.RedisCacheConfiguration;
import org.springframework.data.redis.cache.RedisCacheManager;
import org.springframework.data.redis.connection.Message;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.RedisOperations;
import org.springframework.data.redis.core.SessionCallback;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.data.redis.listener.KeyExpirationEventMessageListener;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** Spring Data Redis: the cache behind {@code @Cacheable}, and the template with transactions, scripts and expiry events. */
final class CheckSpring {
    /** A service that counts how often it was really asked. */
    public static class Prices {
        int asked;

        @Cacheable("prices")
        public String of(String thing) {
            asked++;
            return thing + " costs " + asked;
        }

        @CacheEvict("prices")
        public void forget(String thing) {}

        @CacheEvict(value = "prices", allEntries = true)
        public void forgetAll() {}

        public int asked() {
            return asked;
        }
    }

    @Configuration
    @EnableCaching
    public static class Shop {
        @Bean
        public LettuceConnectionFactory connections() {
            return new LettuceConnectionFactory(Check.HOST, Check.PORT);
        }

        @Bean
        public RedisCacheManager cacheManager(LettuceConnectionFactory connections) {
            RedisCacheConfiguration defaults = RedisCacheConfiguration.defaultCacheConfig().entryTtl(Duration.ofSeconds(60));
            return RedisCacheManager.builder(connections).cacheDefaults(defaults).build();
        }

        @Bean
        public StringRedisTemplate template(LettuceConnectionFactory connections) {
            return new StringRedisTemplate(connections);
        }

        @Bean
        public Prices prices() {
            return new Prices();
        }
    }

    /** The cache writes behind the caller's back, so what it wrote is waited for. */
    private static void cache(Prices prices, StringRedisTemplate template) throws InterruptedException {
        Check.equal(prices.of("tea"), "tea costs 1");
        Check.until("the price is cached", () -> template.hasKey("prices::tea"));
        Check.equal(prices.of("tea"), "tea costs 1");
        Check.equal(prices.of("ä"), "ä costs 2");
        Check.equal(prices.asked(), 2);
        Check.until("both prices are cached", () -> template.keys("prices::*").equals(Set.of("prices::tea", "prices::ä")));
        Long ttl = template.getExpire("prices::tea");
        Check.that(ttl > 50 && ttl <= 60, "an entry's expiry: " + ttl);
        prices.forget("tea");
        Check.until("the price is forgotten", () -> !template.hasKey("prices::tea"));
        Check.equal(prices.of("tea"), "tea costs 3");
        Check.until("it is cached again", () -> template.hasKey("prices::tea"));
        prices.forgetAll();
        Check.until("all prices are forgotten", () -> template.keys("prices::*").isEmpty());
    }

    private static void template(StringRedisTemplate template) {
        List<Object> replies = template.execute(new SessionCallback<>() {
            @Override
            @SuppressWarnings("unchecked")
            public <K, V> List<Object> execute(RedisOperations<K, V> operations) throws DataAccessException {
                RedisOperations<String, String> strings = (RedisOperations<String, String>) operations;
                strings.watch("a");
                strings.multi();
                strings.opsForValue().set("a", "1");
                strings.opsForValue().increment("a", 4);
                strings.opsForHash().put("h", "f", "v");
                return strings.exec();
            }
        });
        Check.equal(replies, List.of(true, 5L, true));
        Check.equal(template.opsForHash().entries("h"), Map.of("f", "v"));
        RedisScript<Long> script = RedisScript.of("return redis.call('INCRBY', KEYS[1], ARGV[1])", Long.class);
        Check.equal(template.execute(script, List.of("a"), "10"), 15L);
        Check.equal(template.execute(script, List.of("a"), "10"), 25L);
        List<Object> many = template.executePipelined((org.springframework.data.redis.core.RedisCallback<Object>) connection -> {
            for (int n = 0; n < 500; n++) {
                connection.stringCommands().incr("count".getBytes());
            }
            return null;
        });
        Check.equal(many.get(499), 500L);
        Check.equal(template.opsForValue().setIfAbsent("a", "x", Duration.ofSeconds(1)), false);
    }

    /** What Spring Session does for its sessions: an event when a key expires. */
    private static void expiry(AnnotationConfigApplicationContext shop, StringRedisTemplate template) throws Exception {
        Queue<String> expired = new ConcurrentLinkedQueue<>();
        RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        container.setConnectionFactory(shop.getBean(LettuceConnectionFactory.class));
        container.afterPropertiesSet();
        container.start();
        KeyExpirationEventMessageListener listener = new KeyExpirationEventMessageListener(container) {
            @Override
            protected void doHandleMessage(Message message) {
                expired.add(message.toString());
            }
        };
        listener.setKeyspaceNotificationsConfigParameter("Ex");
        listener.init();
        for (int n = 0; n < 20; n++) {
            template.opsForValue().set("session:" + n, "x", Duration.ofMillis(20));
        }
        Check.until("all expiries are told", () -> expired.size() == 20);
        Check.that(expired.contains("session:7"), "the expired keys' names");
        listener.destroy();
        container.destroy();
    }

    public static void main(String[] arguments) throws Exception {
        AnnotationConfigApplicationContext shop = new AnnotationConfigApplicationContext(Shop.class);
        StringRedisTemplate template = shop.getBean(StringRedisTemplate.class);
        cache(shop.getBean(Prices.class), template);
        template(template);
        expiry(shop, template);
        shop.close();
        Check.done("spring-data-redis", RedisCacheManager.class, "@Cacheable with expiry and eviction, transactions, scripts, pipelines, expiry events");
    }
}
