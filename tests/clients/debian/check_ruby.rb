# Ruby's redis: types, pipelines, MULTI and WATCH, scripts, iterators, subscriptions, reconnecting, threads.
require 'redis'
require_relative 'check'

redis = Redis.new(url: URL, id: 'tester', timeout: 10)
redis.flushall

equal redis.set('s', "a\0\r\n", ex: 100, nx: true), true
equal redis.set('s', 'other', nx: true), false
equal [redis.get('s'), redis.get('none'), redis.ttl('s') > 90], ["a\0\r\n", nil, true]
redis.mapped_hmset('h', 'a' => 1, 'b' => 'zwei')
equal redis.hgetall('h'), { 'a' => '1', 'b' => 'zwei' }
equal redis.zadd('z', [[1.5, 'x'], [Float::INFINITY, 'y']]), 2
equal redis.zrange('z', 0, -1, with_scores: true), [['x', 1.5], ['y', Float::INFINITY]]
equal [redis.rpush('l', %w[a b c]), redis.blpop('l', timeout: 1)], [3, %w[l a]]
equal redis.sadd('t', %w[x y]), 2
id = redis.xadd('x', { 'kind' => 'sold' })
redis.xgroup(:create, 'x', 'readers', '0')
equal redis.xreadgroup('readers', 'me', 'x', '>'), { 'x' => [[id, { 'kind' => 'sold' }]] }
equal redis.xack('x', 'readers', id), 1
fails(Redis::CommandError, 'WRONGTYPE') { redis.incr('l') }
redis.mapped_mset((0...500).to_h { |n| ["scan:#{n}", n] })
equal redis.scan_each(match: 'scan:*', count: 50).to_a.uniq.size, 500

equal redis.pipelined { |pipe| 1000.times { |n| pipe.incrby('sum', n) } }.last, 999 * 1000 / 2
future = nil
equal redis.multi { |transaction|
  transaction.set('a', 1)
  future = transaction.incr('a')
}, ['OK', 2]
equal future.value, 2
lost = redis.watch('a') do
  Redis.new(url: URL).set('a', 'changed')
  redis.multi { |transaction| transaction.set('a', 'lost') }
end
equal [lost, redis.get('a')], [nil, 'changed']

script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2], {1, false}}"
equal redis.eval(script, keys: ['total'], argv: [5, 'ä']), [5, 'ä', [1, nil]]
sha = redis.script(:load, script)
equal redis.evalsha(sha, keys: ['total'], argv: [5, 'x']).first, 10
fails(Redis::CommandError, 'NOSCRIPT') { redis.evalsha('0' * 40) }

heard = []
listening = Redis.new(url: URL, timeout: 10)
listener = Thread.new do
  listening.subscribe('news', 'end') do |on|
    on.message do |channel, text|
      heard << text
      listening.unsubscribe if channel == 'end'
    end
  end
end
until_there('the subscriber') { redis.pubsub(:numsub, 'end').last.to_i == 1 }
equal [redis.publish('news', 'one'), redis.publish('end', 'now')], [1, 1]
equal listener.join(10), listener
equal heard, %w[one now]

other = Redis.new(url: URL)
equal other.client(:kill, 'ID', redis.call('CLIENT', 'ID')), 1
until_there('the connection is gone') { other.client(:list).none? { |client| client['name'] == 'tester' } }
equal redis.get('a'), 'changed' # it has connected anew by itself

threads = 8.times.map { Thread.new { 200.times { redis.incr('shared') } } }
threads.each(&:join)
equal redis.get('shared'), '1600'
puts "redis-rb #{Redis::VERSION}: types, streams, pipelines, MULTI, WATCH, scripts, SCAN, pub/sub, reconnecting, threads"
