// node-redis in RESP2 and RESP3: transactions, scripts, functions, subscriptions, iterators, pools, client-side caching.
import { BasicClientSideCache, createClient, createClientPool, defineScript, RESP_TYPES, WatchError } from 'redis'
import { assert, check, sleep, until, url } from './check.mjs'

const SCRIPTS = {
    addAll: defineScript({
        NUMBER_OF_KEYS: 1,
        SCRIPT: "local sum = 0 for _, n in ipairs(ARGV) do sum = redis.call('INCRBY', KEYS[1], n) end return sum",
        parseCommand(parser, key, numbers) {
            parser.pushKey(key)
            parser.push(...numbers.map(String))
        },
        transformReply: (reply) => reply,
    }),
}
const FUNCTIONS = {
    bank: {
        deposit: {
            NUMBER_OF_KEYS: 1,
            parseCommand(parser, key, amount) {
                parser.pushKey(key)
                parser.push(String(amount))
            },
            transformReply: (reply) => reply,
        },
    },
}
const LIBRARY = `#!lua name=bank
redis.register_function('deposit', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)`

async function values(client) {
    await client.hSet('h', { a: '1', b: 'zwei' })
    assert.deepEqual({ ...(await client.hGetAll('h')) }, { a: '1', b: 'zwei' })
    await client.zAdd('z', [{ score: 1.5, value: 'x' }, { score: Infinity, value: 'y' }])
    assert.deepEqual(await client.zRangeWithScores('z', 0, -1), [{ value: 'x', score: 1.5 }, { value: 'y', score: Infinity }])
    assert.equal(await client.zScore('z', 'x'), 1.5)
    await client.sAdd('s', ['a', 'b'])
    assert.deepEqual([...(await client.sMembers('s'))].sort(), ['a', 'b'])
    assert.deepEqual(await client.hExpire('h', ['a', 'none'], 100), [1, -2])
    const id = await client.xAdd('x', '*', { k: 'v' })
    const [{ name, messages }] = await client.xRead({ key: 'x', id: '0' })
    assert.deepEqual([name, messages[0].id, { ...messages[0].message }], ['x', id, { k: 'v' }])
    await client.xGroupCreate('x', 'g', '0')
    assert.equal((await client.xReadGroup('g', 'me', { key: 'x', id: '>' }))[0].messages.length, 1)
    assert.equal((await client.xInfoStream('x')).length, 1)
    const bytes = Buffer.from([0, 200, 13, 10])
    await client.set('bytes', bytes)
    assert.deepEqual(await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('bytes'), bytes)
    await client.mSet(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`scan:${n}`, 'x'])))
    const found = new Set()
    for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 40 })) for (const key of keys) found.add(key)
    assert.equal(found.size, 500)
    await assert.rejects(client.incr('h'), /WRONGTYPE/)
}

async function transactions(client) {
    assert.deepEqual(await client.multi().set('a', '1').incr('a').get('a').exec(), ['OK', 2, '2'])
    await assert.rejects(client.multi().set('a', 'x').incr('a').exec(), ({ replies, errorIndexes }) => {
        assert.deepEqual(errorIndexes, [1])
        return replies[0] === 'OK' && /not an integer/.test(replies[1].message)
    })
    await assert.rejects(client.multi().addCommand(['SET', 'b']).exec(), /EXECABORT|wrong number of arguments/)
    const isolated = await client.duplicate().connect()
    await isolated.watch('a')
    await client.set('a', 'changed')
    await assert.rejects(isolated.multi().set('a', 'lost').exec(), WatchError)
    assert.equal(await client.get('a'), 'changed')
    isolated.destroy()
    const replies = await Promise.all(Array.from({ length: 2000 }, (_, n) => client.incrBy('sum', n)))
    assert.equal(replies.at(-1), (1999 * 2000) / 2)
}

async function programs(client) {
    assert.equal(await client.addAll('total', [1, 2, 3]), 6)
    await client.scriptFlush()
    assert.equal(await client.addAll('total', [4]), 10)
    assert.deepEqual(await client.multi().addAll('total', [1]).get('total').exec(), [11, '11'])
    assert.deepEqual(await client.eval('return {KEYS[1], ARGV[1], 3.9, false}', { keys: ['k'], arguments: ['v'] }), ['k', 'v', 3, null])
    assert.equal(await client.functionLoad(LIBRARY, { REPLACE: true }), 'bank')
    assert.equal(await client.bank.deposit('account', 5), 5)
    assert.deepEqual(await client.multi().bank.deposit('account', 5).exec(), [10])
    const [library] = await client.functionList()
    assert.equal(library.library_name, 'bank')
    assert.equal([...library.functions][0].name, 'deposit')
    const dump = await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).functionDump()
    await client.functionFlush()
    await client.functionRestore(dump)
    assert.equal(await client.bank.deposit('account', 1), 11)
}

async function subscriptions(client) {
    const subscriber = await client.duplicate().connect()
    const heard = []
    await subscriber.subscribe('news', (text, channel) => heard.push([channel, text]))
    await subscriber.pSubscribe('we*', (text, channel) => heard.push([channel, text]))
    await subscriber.sSubscribe('shard', (text, channel) => heard.push([channel, text]))
    assert.equal(await client.publish('news', 'a'), 1)
    await client.publish('weather', 'b')
    await client.sPublish('shard', 'c')
    await client.multi().publish('news', 'd').exec()
    await until('four messages', () => heard.length === 4)
    assert.deepEqual(heard, [['news', 'a'], ['weather', 'b'], ['shard', 'c'], ['news', 'd']])
    await subscriber.unsubscribe()
    await subscriber.pUnsubscribe()
    await subscriber.sUnsubscribe()
    assert.equal(String(await subscriber.ping()), 'PONG')
    subscriber.destroy()
}

async function pool(options) {
    const clients = await createClientPool(options, { minimum: 2, maximum: 5 }).connect()
    const waits = Array.from({ length: 4 }, (_, n) => clients.execute((one) => one.blPop(`queue:${n}`, 10)))
    await sleep(30)
    for (let n = 0; n < 4; n++) await clients.rPush(`queue:${n}`, String(n))
    assert.deepEqual((await Promise.all(waits)).map(({ element }) => element), ['0', '1', '2', '3'])
    assert.deepEqual(await clients.multi().set('pooled', 'x').get('pooled').exec(), ['OK', 'x'])
    await clients.close()
}

/** Client-side caching: what was read is kept here until the server says that it has changed. */
async function localCache(other) {
    const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100, evictPolicy: 'LRU' })
    const near = await createClient({ url, RESP: 3, clientSideCache: cache }).connect()
    await other.set('near', '1')
    for (let n = 0; n < 50; n++) assert.equal(await near.get('near'), '1')
    assert.deepEqual([cache.stats().missCount, cache.stats().hitCount], [1, 49])
    await other.set('near', '2')
    await until('the change is seen', async () => (await near.get('near')) === '2')
    await other.set('near', 'brief', { PX: 30 })
    await until('the expiry is seen', async () => (await near.get('near')) === null)
    await near.close()
}

await check(['redis'], async () => {
    for (const RESP of [2, 3]) {
        const options = { url, RESP, scripts: SCRIPTS, functions: FUNCTIONS, name: 'tester' }
        const client = await createClient(options).connect()
        await client.flushAll()
        await values(client)
        await transactions(client)
        await programs(client)
        await subscriptions(client)
        await pool(options)
        await localCache(client)
        await client.close()
    }
    return 'types, MULTI, WATCH, scripts, functions, pub/sub, pool, client-side caching; RESP2 and RESP3'
})
