<?php
// phpredis: types, options that serialise and prefix, MULTI, WATCH and pipelines, scripts, SCAN, streams, publish/subscribe,
// and PHP's own sessions, which it keeps with a lock.
declare(strict_types=1);
require __DIR__ . '/check.php';

function connection(): Redis
{
    $redis = new Redis();
    $redis->connect(HOST, PORT, 5.0);
    return $redis;
}

function values(Redis $redis): void
{
    equal($redis->set('s', "a\0ä", ['nx', 'ex' => 100]), true);
    equal($redis->set('s', 'other', ['nx']), false);
    equal([$redis->get('s'), $redis->get('none'), $redis->type('s')], ["a\0ä", false, Redis::REDIS_STRING]);
    that($redis->ttl('s') > 90, 'it expires');
    equal($redis->mGet(['s', 'none']), ["a\0ä", false]);
    equal([$redis->incrBy('n', 5), $redis->incrByFloat('f', 1.5)], [5, 1.5]);
    $redis->hMSet('h', ['a' => '1', 'b' => 'zwei']);
    equal($redis->hGetAll('h'), ['a' => '1', 'b' => 'zwei']);
    equal($redis->hMGet('h', ['a', 'x']), ['a' => '1', 'x' => false]);
    equal($redis->rPush('l', 'a', 'b', 'c'), 3);
    equal([$redis->lRange('l', 0, -1), $redis->blPop(['l'], 1)], [['a', 'b', 'c'], ['l', 'a']]);
    equal($redis->sAdd('t', 'x', 'y'), 2);
    equal($redis->zAdd('z', 1.5, 'x', INF, 'y'), 2);
    equal($redis->zRange('z', 0, -1, true), ['x' => 1.5, 'y' => INF]);
    equal($redis->zRevRank('z', 'x'), 1);
    equal($redis->geoAdd('geo', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania'), 2);
    equal((int) round($redis->geoDist('geo', 'Palermo', 'Catania', 'km')), 166);
    equal([$redis->pfAdd('pf', ['a', 'b']), $redis->pfCount('pf')], [1, 2]);
    equal([$redis->incr('l'), str_contains($redis->getLastError(), 'WRONGTYPE')], [false, true]);
    equal($redis->info('server')['redis_mode'], 'standalone');

    $redis->mSet(array_combine(array_map(fn ($n) => "scan:$n", range(0, 499)), range(0, 499)));
    $redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $cursor = null;
    $found = [];
    while ($keys = $redis->scan($cursor, 'scan:*', 50)) {
        $found = array_merge($found, $keys);
    }
    equal(count(array_unique($found)), 500);
}

function options(): void
{
    $redis = connection();
    $redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
    $redis->setOption(Redis::OPT_PREFIX, 'app:');
    $thing = ['list' => [1, 2.5, null], 'text' => 'ä'];
    equal([$redis->set('thing', $thing), $redis->get('thing')], [true, $thing]);
    equal(connection()->exists('app:thing'), 1);
}

function transactions(Redis $redis): void
{
    equal($redis->multi()->set('a', '1')->incr('a')->get('a')->exec(), [true, 2, '2']);
    $replies = $redis->pipeline();
    for ($n = 0; $n < 1000; $n++) {
        $replies->incrBy('sum', $n);
    }
    equal(array_slice($replies->exec(), -1), [999 * 1000 / 2]);
    $redis->watch('a');
    connection()->set('a', 'changed');
    equal([$redis->multi()->set('a', 'lost')->exec(), $redis->get('a')], [false, 'changed']);
}

function scripts(Redis $redis): void
{
    $script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2], {1, false}}";
    equal($redis->eval($script, ['total', '5', 'ä'], 1), [5, 'ä', [1, false]]);
    $sha = $redis->script('load', $script);
    equal([$sha, $redis->evalSha($sha, ['total', '5', 'x'], 1)[0]], [sha1($script), 10]);
    equal($redis->script('exists', $sha, str_repeat('0', 40)), [1, 0]);
    equal([$redis->evalSha(str_repeat('0', 40)), str_contains($redis->getLastError(), 'NOSCRIPT')], [false, true]);
}

function streams(Redis $redis): void
{
    $id = $redis->xAdd('x', '*', ['kind' => 'sold']);
    equal($redis->xGroup('CREATE', 'x', 'readers', '0'), true);
    equal($redis->xReadGroup('readers', 'me', ['x' => '>'], 10), ['x' => [$id => ['kind' => 'sold']]]);
    equal([$redis->xPending('x', 'readers')[0], $redis->xAck('x', 'readers', [$id])], [1, 1]);
}

function subscriptions(Redis $redis): void
{
    beside(function (): void {
        $heard = [];
        $listener = connection();
        try {
            $listener->subscribe(['news', 'end'], function (Redis $listener, string $channel, string $text) use (&$heard): void {
                $heard[] = $text;
                if ($channel === 'end') {
                    $listener->close(); // the way out of subscribe
                }
            });
        } catch (RedisException $error) {
            equal($error->getMessage(), 'Connection closed');
        }
        equal($heard, ['one', 'two', 'now'], 'messages');
    }, function () use ($redis): void {
        while ($redis->pubSub('numsub', ['end'])['end'] === 0) {
            usleep(5000);
        }
        equal([$redis->publish('news', 'one'), $redis->publish('news', 'two'), $redis->publish('end', 'now')], [1, 1, 1]);
    });
}

function sessions(Redis $redis): void
{
    ini_set('session.save_handler', 'redis');
    ini_set('session.save_path', 'tcp://' . HOST . ':' . PORT . '?prefix=session:');
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    ini_set('session.gc_maxlifetime', '300');
    ini_set('redis.session.locking_enabled', '1');
    session_id('visitor');
    session_start();
    $_SESSION['cart'] = ['pear', 'apple'];
    equal($redis->exists('session:visitor_LOCK'), 1, "the session's lock");
    session_write_close();
    equal([$redis->exists('session:visitor_LOCK'), $redis->ttl('session:visitor') > 290], [0, true]);
    $_SESSION = [];
    session_id('visitor');
    session_start();
    equal($_SESSION, ['cart' => ['pear', 'apple']]);
    session_destroy();
    equal($redis->exists('session:visitor'), 0);
}

ob_start(); // a session cannot begin once there is output
$redis = connection();
$redis->flushAll();
values($redis);
options();
transactions($redis);
scripts($redis);
streams($redis);
subscriptions(connection());
sessions($redis);
ob_end_clean();
echo 'phpredis ', phpversion('redis'), ": types, serialiser, prefix, MULTI, WATCH, pipelines, scripts, SCAN, streams, pub/sub, sessions with locks\n";
