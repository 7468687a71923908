// ioredis: transactions, pipelines, scripts as commands of their own, functions, subscriptions, streams, blocking commands.
import { Redis } from 'ioredis'
import { assert, check, host, port, sleep, until } from './check.mjs'

const LIBRARY = `#!lua name=shop
redis.register_function('sell', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)
redis.register_function{function_name = 'stock', callback = function(keys) return redis.call('GET', keys[1]) end, flags = {'no-writes'}}`

async function transactions(redis) {
    assert.deepEqual(await redis.multi().set('a', 1).incr('a').get('a').exec(), [[null, 'OK'], [null, 2], [null, '2']])
    const mixed = await redis.multi().set('a', 'x').incr('a').get('a').exec()
    assert.match(mixed[1][0].message, /^ERR value is not an integer or out of range/)
    assert.deepEqual(mixed[2], [null, 'x'])
    await assert.rejects(redis.multi().set('a', 1).call('SET', 'b').exec(), /^ReplyError: EXECABORT Transaction discarded/)

    // One command at a time, and a watched key that changes meanwhile.
    assert.equal(await redis.multi({ pipeline: false }), 'OK')
    assert.equal(await redis.set('a', 'queued'), 'QUEUED')
    assert.deepEqual(await redis.exec(), [[null, 'OK']])
    const other = redis.duplicate()
    await redis.watch('a')
    await other.set('a', 'changed')
    assert.equal(await redis.multi().set('a', 'lost').exec(), null)
    assert.equal(await redis.get('a'), 'changed')
    other.disconnect()

    const long = redis.pipeline()
    for (let n = 0; n < 5000; n++) long.hincrby('sums', n % 7, n)
    assert.equal((await long.exec()).length, 5000)
    const sums = Object.values(await redis.hgetall('sums')).reduce((sum, value) => sum + Number(value), 0)
    assert.equal(sums, (4999 * 5000) / 2)
}

async function scripts(redis) {
    redis.defineCommand('moveAll', {
        numberOfKeys: 2,
        lua: `local moved = 0
              while redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT') do moved = moved + 1 end
              return {moved, ARGV[1], {1, {2, 'three'}}, false}`,
    })
    await redis.rpush('from', 1, 2, 3)
    assert.deepEqual(await redis.moveAll('from', 'to', 'ä'), [3, 'ä', [1, [2, 'three']], null])
    assert.deepEqual(await redis.lrange('to', 0, -1), ['1', '2', '3'])
    await redis.script('FLUSH')
    assert.deepEqual((await redis.pipeline().moveAll('from', 'to', 'x').get('none').exec())[0][1][0], 0)
    const bytes = Buffer.from([0, 255, 13, 10])
    assert.deepEqual(await redis.evalBuffer('return ARGV[1]', 0, bytes), bytes)
    const sha = await redis.script('LOAD', "return redis.call('GET', KEYS[1])")
    assert.equal(await redis.evalsha(sha, 1, 'a'), 'changed')
    await assert.rejects(redis.eval("return redis.call('NOSUCH')", 0), /Unknown .*command called from script/)
    await assert.rejects(redis.eval('return {', 0), /Error compiling script/)
    await assert.rejects(redis.evalsha('0'.repeat(40), 0), /NOSCRIPT/)

    assert.equal(await redis.function('LOAD', 'REPLACE', LIBRARY), 'shop')
    await redis.set('apples', 10)
    assert.equal(await redis.fcall('sell', 1, 'apples', 3), 7)
    assert.equal(await redis.fcall_ro('stock', 1, 'apples'), '7')
    await assert.rejects(redis.fcall_ro('sell', 1, 'apples', 3), /Can not execute a script with write flag/)
    const dump = await redis.functionBuffer('DUMP')
    await redis.function('FLUSH')
    await redis.function('RESTORE', dump)
    assert.equal(await redis.fcall('sell', 1, 'apples', 1), 6)
}

async function subscriptions(redis) {
    const subscriber = redis.duplicate()
    const heard = []
    subscriber.on('message', (channel, text) => heard.push([channel, text]))
    subscriber.on('pmessage', (pattern, channel, text) => heard.push([pattern, channel, text]))
    assert.equal(await subscriber.subscribe('one', 'two'), 2)
    assert.equal(await subscriber.psubscribe('p:*'), 3)
    await redis.multi().publish('one', 'a').publish('p:x', 'b').publish('none', 'c').exec()
    await redis.eval("return redis.call('PUBLISH', 'two', ARGV[1])", 0, 'd')
    await until('three messages', () => heard.length === 3)
    assert.deepEqual(heard, [['one', 'a'], ['p:*', 'p:x', 'b'], ['two', 'd']])
    await subscriber.unsubscribe('one', 'two')
    await subscriber.punsubscribe('p:*')
    assert.equal(await subscriber.ping(), 'PONG')

    // What is subscribed to comes back after the connection was lost.
    await subscriber.subscribe('kept')
    await redis.client('KILL', 'ID', await redis.client('LIST').then((list) => /id=(\d+) .*sub=1 /.exec(list)[1]))
    await until('subscribed again', async () => (await redis.publish('kept', 'back')) === 1)
    await until('the message', () => heard.at(-1)[1] === 'back')
    subscriber.disconnect()
}

async function waiting(redis) {
    const waiter = redis.duplicate()
    const popped = waiter.blpop('nothing', 'queue', 10)
    const moved = redis.duplicate()
    const target = moved.blmove('source', 'target', 'LEFT', 'RIGHT', 10)
    await until('both wait', async () => /blocked_clients:2/.test(await redis.info('clients')))
    await redis.multi().rpush('queue', 'x').rpush('source', 'y').exec()
    assert.deepEqual([await popped, await target], [['queue', 'x'], 'y'])
    const read = waiter.xread('BLOCK', 10_000, 'STREAMS', 'stream', '$')
    await sleep(20)
    const id = await redis.xadd('stream', '*', 'k', 'v')
    assert.deepEqual(await read, [['stream', [[id, ['k', 'v']]]]])
    waiter.disconnect()
    moved.disconnect()

    const keys = new Set()
    await redis.mset(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`scan:${n}`, n])))
    for await (const found of redis.scanStream({ match: 'scan:*', count: 50 })) for (const key of found) keys.add(key)
    assert.equal(keys.size, 1000)
}

await check(['ioredis'], async () => {
    const redis = new Redis({ host, port, connectionName: 'tester', enableAutoPipelining: false })
    await transactions(redis)
    await scripts(redis)
    await subscriptions(redis)
    await waiting(redis)
    const automatic = new Redis({ host, port, enableAutoPipelining: true })
    const values = await Promise.all(Array.from({ length: 1000 }, (_, n) => automatic.get(`scan:${n}`)))
    assert.deepEqual(values, Array.from({ length: 1000 }, (_, n) => String(n)))
    return 'MULTI, WATCH, pipelines, scripts, functions, pub/sub across a lost connection, blocking commands, SCAN'
})
