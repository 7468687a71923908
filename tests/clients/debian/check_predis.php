<?php
// predis: types, pipelines, transactions with check-and-set, commands that are scripts, iterators, publish/subscribe.
declare(strict_types=1);
require __DIR__ . '/check.php';
require 'Predis/Autoloader.php';
Predis\Autoloader::register();

class AddAll extends Predis\Command\ScriptCommand
{
    public function getKeysCount()
    {
        return 1;
    }

    public function getScript()
    {
        return "local sum = 0 for _, n in ipairs(ARGV) do sum = redis.call('INCRBY', KEYS[1], n) end return sum";
    }
}

function client(array $options = []): Predis\Client
{
    return new Predis\Client(['host' => HOST, 'port' => PORT, 'timeout' => 5.0], $options);
}

function values(Predis\Client $client): void
{
    equal((string) $client->set('s', "a\0ä", 'EX', 100, 'NX'), 'OK');
    equal([$client->get('s'), $client->get('none')], ["a\0ä", null]);
    that($client->ttl('s') > 90, 'it expires');
    $client->hmset('h', ['a' => '1', 'b' => 'zwei']);
    equal($client->hgetall('h'), ['a' => '1', 'b' => 'zwei']);
    equal([$client->rpush('l', ['a', 'b', 'c']), $client->lrange('l', 0, -1)], [3, ['a', 'b', 'c']]);
    equal($client->blpop(['l'], 1), ['l', 'a']);
    equal($client->zadd('z', ['x' => 1.5, 'y' => 2]), 2);
    equal($client->zrange('z', 0, -1, ['withscores' => true]), ['x' => '1.5', 'y' => '2']);
    fails('WRONGTYPE', fn () => $client->incr('l'));
    equal(client(['prefix' => 'app:'])->incr('n'), 1);
    equal($client->get('app:n'), '1');

    $client->mset(array_combine(array_map(fn ($n) => "scan:$n", range(0, 499)), range(0, 499)));
    $found = iterator_to_array(new Predis\Collection\Iterator\Keyspace($client, 'scan:*', 50), false);
    equal(count(array_unique($found)), 500);
    $fields = iterator_to_array(new Predis\Collection\Iterator\HashKey($client, 'h'));
    equal($fields, ['a' => '1', 'b' => 'zwei']);
}

function transactions(Predis\Client $client): void
{
    $replies = $client->pipeline(function ($pipe): void {
        for ($n = 0; $n < 1000; $n++) {
            $pipe->incrby('sum', $n);
        }
    });
    equal(end($replies), 999 * 1000 / 2);
    $replies = $client->transaction(function ($transaction): void {
        $transaction->set('a', 1);
        $transaction->incr('a');
    });
    equal([(string) $replies[0], $replies[1]], ['OK', 2]);

    // Check-and-set: the first try meets another's write, the second one wins.
    $tries = 0;
    $replies = $client->transaction(['watch' => 'a', 'cas' => true, 'retry' => 3], function ($transaction) use (&$tries): void {
        $value = (int) $transaction->get('a');
        if (++$tries === 1) {
            client()->set('a', 10);
        }
        $transaction->multi();
        $transaction->set('a', $value + 1);
    });
    equal([$tries, $client->get('a')], [2, '11']);
}

function scripts(Predis\Client $client): void
{
    $client->getProfile()->defineCommand('addall', AddAll::class);
    equal($client->addall('total', 1, 2, 3), 6);
    $client->script('flush');
    equal($client->addall('total', 4), 10);
    equal($client->eval('return {KEYS[1], ARGV[1], {1, false}}', 1, 'k', 'ä'), ['k', 'ä', [1, null]]);
}

function subscriptions(Predis\Client $client): void
{
    beside(function (): void {
        $loop = client(['read_write_timeout' => 10])->pubSubLoop();
        $loop->subscribe('news', 'end');
        $heard = [];
        foreach ($loop as $message) {
            if ($message->kind === 'message') {
                $heard[] = $message->payload;
                if ($message->channel === 'end') {
                    $loop->unsubscribe();
                }
            }
        }
        equal($heard, ['one', 'now'], 'messages');
    }, function () use ($client): void {
        while ((int) $client->pubsub('numsub', 'end')['end'] === 0) {
            usleep(5000);
        }
        equal([$client->publish('news', 'one'), $client->publish('end', 'now')], [1, 1]);
    });
}

$client = client();
$client->flushall();
values($client);
transactions($client);
scripts($client);
subscriptions(client());
echo 'predis ', Predis\Client::VERSION, ": types, prefix, pipelines, MULTI, check-and-set, commands of one's own, iterators, pub/sub\n";
