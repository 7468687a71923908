// rate-limiter-flexible counts with scripts through ioredis, or node-redis; node's redlock takes turns with them.
import { Redis } from 'ioredis'
import { RateLimiterRedis, BurstyRateLimiter, RateLimiterQueue } from 'rate-limiter-flexible'
import { createClient } from 'redis'
import Redlock from 'redlock'
import { assert, check, host, port, sleep, until, url } from './check.mjs'

async function limits(storeClient, keyPrefix, more) {
    const limiter = new RateLimiterRedis({ storeClient, keyPrefix, points: 5, duration: 2, ...more })
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => limiter.consume('ann')))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 5, 'of 20 at once, 5 pass')
    const refused = tries.find(({ status }) => status === 'rejected').reason
    assert.ok(refused.msBeforeNext > 0 && refused.msBeforeNext <= 2000, `${refused.msBeforeNext} ms`)
    assert.equal(refused.remainingPoints, 0)
    assert.equal((await limiter.consume('bob', 2)).remainingPoints, 3)
    assert.equal((await limiter.get('bob')).consumedPoints, 2)
    assert.equal((await limiter.reward('bob', 1)).consumedPoints, 1)
    assert.equal((await limiter.penalty('bob', 3)).consumedPoints, 4)
    await sleep(refused.msBeforeNext + 30)
    assert.equal((await limiter.consume('ann')).remainingPoints, 4, 'a new window')
    await limiter.block('bob', 60)
    await assert.rejects(limiter.consume('bob'), ({ msBeforeNext }) => msBeforeNext > 50_000)
    assert.ok(await limiter.delete('bob'))
    assert.equal(await limiter.get('bob'), null)
}

async function bursts(storeClient) {
    const bursty = new BurstyRateLimiter(
        new RateLimiterRedis({ storeClient, keyPrefix: 'steady', points: 2, duration: 60 }),
        new RateLimiterRedis({ storeClient, keyPrefix: 'burst', points: 3, duration: 60 }),
    )
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => bursty.consume('ann')))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 5)

    const queue = new RateLimiterQueue(new RateLimiterRedis({ storeClient, keyPrefix: 'queue', points: 5, duration: 1 }))
    const begun = Date.now()
    for (let n = 0; n < 8; n++) await queue.removeTokens(1)
    assert.ok(Date.now() - begun >= 500, 'eight tokens at five a second')
}

/** Five holders that take turns: nobody reads what another is about to write. */
async function redlock(clients) {
    const locks = new Redlock(clients, { retryCount: -1, retryDelay: 5, retryJitter: 5 })
    const [first] = clients
    await first.set('value', 0)
    await Promise.all(Array.from({ length: 5 }, async () => {
        for (let n = 0; n < 10; n++) {
            const lock = await locks.lock('turn', 5000)
            const value = Number(await first.get('value'))
            await sleep(1)
            await first.set('value', value + 1)
            await lock.unlock()
        }
    }))
    assert.equal(await first.get('value'), '50')

    const impatient = new Redlock(clients, { retryCount: 0 })
    const held = await impatient.lock('brief', 150)
    await assert.rejects(impatient.lock('brief', 150), /Exceeded 0 attempts/)
    await held.extend(300)
    assert.ok((await first.pttl('brief')) > 150)
    await until('the lock has expired', async () => (await first.exists('brief')) === 0)
    await assert.rejects(held.extend(300))
}

await check(['rate-limiter-flexible', 'redlock'], async () => {
    const io = new Redis({ host, port, enableOfflineQueue: false })
    await until('connected', () => io.status === 'ready')
    const node = await createClient({ url }).connect()
    await Promise.all([
        limits(io, 'io'),
        limits(node, 'node', { useRedisPackage: true }),
        bursts(io),
        redlock([new Redis({ host, port })]),
    ])
    return 'limits hold, expire, block and reward, over ioredis and node-redis; locks exclude, extend, expire'
})
