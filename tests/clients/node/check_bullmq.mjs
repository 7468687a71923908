// BullMQ is the heaviest user of scripts there is: every step of a job is a Lua script over a dozen keys, with cmsgpack
// for its options, blocking pops for its workers and a stream for its events.
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { assert, check, host, port, sleep, until } from './check.mjs'

const connection = { host, port, maxRetriesPerRequest: null }
const JOBS = 10_000

/** What is to be done for job `n`: some come late, some before others, some fail at first. */
function job(n) {
    const options = { removeOnComplete: false }
    if (n % 10 === 1) options.delay = 50 + (n % 200)
    if (n % 10 === 2) options.priority = 1 + (n % 7)
    if (n % 10 === 3) Object.assign(options, { attempts: 3, backoff: { type: 'fixed', delay: 20 } })
    if (n % 10 === 4) Object.assign(options, { attempts: 2, backoff: { type: 'exponential', delay: 10 } })
    return { name: `job-${n}`, data: { n, text: 'ä'.repeat(n % 50) }, opts: options }
}
const failuresOf = (n) => (n % 10 === 3 ? 2 : n % 10 === 4 ? 1 : 0)

/** Ten thousand jobs through two workers: each succeeds once, after just the failures that it was to have. */
async function manyJobs() {
    const queue = new Queue('many', { connection })
    const runs = new Map()
    let early = 0
    const work = async (job) => {
        const { n, text } = job.data
        assert.equal(text, 'ä'.repeat(n % 50))
        if (job.opts.delay && Date.now() < job.timestamp + job.opts.delay - 1) early++
        const run = (runs.get(n) ?? 0) + 1
        runs.set(n, run)
        if (run <= failuresOf(n)) throw new Error(`failure ${run} of ${n}`)
        return { square: n * n }
    }
    const workers = [1, 2].map(() => new Worker('many', work, { connection, concurrency: 50 }))
    for (let n = 0; n < JOBS; n += 500) {
        await queue.addBulk(Array.from({ length: 500 }, (_, i) => job(n + i)))
    }
    await until('all jobs are completed', async () => (await queue.getCompletedCount()) === JOBS, 100)
    await Promise.all(workers.map((worker) => worker.close()))

    const counts = await queue.getJobCounts()
    assert.deepEqual(counts, {
        active: 0, completed: JOBS, delayed: 0, failed: 0, prioritized: 0, waiting: 0, 'waiting-children': 0,
    })
    for (let n = 0; n < JOBS; n++) assert.equal(runs.get(n), 1 + failuresOf(n), `runs of job ${n}`)
    assert.equal(early, 0, 'delayed jobs that came early')
    for (const done of await queue.getJobs(['completed'], 0, 200)) {
        assert.equal(done.returnvalue.square, done.data.n ** 2)
        assert.equal(done.attemptsMade, 1 + failuresOf(done.data.n))
    }
    await queue.obliterate({ force: true })
    await queue.close()
}

/** With one worker, what is more urgent comes first, and what is equally urgent in the order of its arrival. */
async function priorities() {
    const queue = new Queue('priorities', { connection })
    await queue.pause()
    const order = [5, 1, 3, 1, 0, 5, 2]
    for (const [i, priority] of order.entries()) await queue.add('p', { i, priority }, { priority })
    await queue.add('p', { i: 99 }, { lifo: true })
    await queue.resume()
    const seen = []
    const worker = new Worker('priorities', async (job) => void seen.push(job.data.i), { connection })
    await until('the jobs are done', () => seen.length === 8)
    assert.deepEqual(seen, [99, 4, 1, 3, 6, 2, 0, 5])
    await worker.close()
    await queue.close()
}

/** Failing for good, failing beyond retry, trying again by hand, progress, logs, and waiting for the end. */
async function fates() {
    const queue = new Queue('fates', { connection })
    const events = new QueueEvents('fates', { connection })
    await events.waitUntilReady()
    let mend = false
    const worker = new Worker('fates', async (job) => {
        await job.log('begun')
        await job.updateProgress({ percent: 50 })
        if (job.name === 'hopeless') throw new UnrecoverableError('hopeless')
        if (!mend) throw new Error('not yet')
        return 'mended'
    }, { connection })
    const progress = []
    events.on('progress', ({ data }) => progress.push(data))

    const broken = await queue.add('broken', {}, { attempts: 2 })
    await assert.rejects(broken.waitUntilFinished(events, 20_000), /not yet/)
    const hopeless = await queue.add('hopeless', {}, { attempts: 5 })
    await assert.rejects(hopeless.waitUntilFinished(events, 20_000), /hopeless/)
    const failed = await queue.getFailed()
    assert.deepEqual(failed.map((job) => [job.name, job.attemptsMade]).sort(), [['broken', 2], ['hopeless', 1]])

    mend = true
    const again = await queue.getJob(broken.id)
    await again.retry()
    assert.equal(await again.waitUntilFinished(events, 20_000), 'mended')
    assert.equal(await again.getState(), 'completed')
    assert.deepEqual((await queue.getJobLogs(broken.id)).logs, ['begun', 'begun', 'begun'])
    await until('progress is told', () => progress.length === 4)
    assert.deepEqual(progress[0], { percent: 50 })

    const once = { deduplication: { id: 'same' }, delay: 60_000 }
    const first = await queue.add('twin', {}, once)
    const second = await queue.add('twin', {}, once)
    assert.equal(first.id, second.id)
    await first.remove()
    await worker.close()
    await events.close()
    await queue.close()
}

/** A parent waits for its children and gets what they returned. */
async function flow() {
    const producer = new FlowProducer({ connection })
    const leaves = new Worker('leaves', async (job) => job.data.n * 10, { connection, concurrency: 4 })
    const sums = new Worker('sums', async (job) => {
        const values = Object.values(await job.getChildrenValues())
        return values.reduce((a, b) => a + b, 0)
    }, { connection })
    const leaf = (n) => ({ name: 'leaf', queueName: 'leaves', data: { n } })
    const tree = await producer.add({
        name: 'top', queueName: 'sums', children: [
            { name: 'left', queueName: 'sums', children: [leaf(1), leaf(2)] },
            { name: 'right', queueName: 'sums', children: [leaf(3), leaf(4), leaf(5)] },
            leaf(100),
        ],
    })
    const queue = new Queue('sums', { connection })
    const top = await until('the flow is done', async () => {
        const job = await queue.getJob(tree.job.id)
        return (await job.getState()) === 'completed' && job
    })
    assert.equal((await queue.getJob(top.id)).returnvalue, 1150)
    await Promise.all([leaves.close(), sums.close(), producer.close(), queue.close()])
}

/** Jobs that come back by themselves, and a worker that may not do more than so many in a while. */
async function schedules() {
    const queue = new Queue('schedules', { connection })
    const times = []
    const limiter = { max: 5, duration: 400 }
    const worker = new Worker('schedules', async () => void times.push(Date.now()), { connection, concurrency: 5, limiter })
    await queue.upsertJobScheduler('tick', { every: 40, limit: 3 }, { name: 'tick' })
    await until('the schedule has run', () => times.length === 3)
    await queue.removeJobScheduler('tick')
    await sleep(500)
    times.length = 0
    await queue.addBulk(Array.from({ length: 12 }, () => ({ name: 'limited', data: {} })))
    await until('the limited jobs are done', () => times.length === 12)
    assert.ok(times[11] - times[0] >= 700, `12 jobs at 5 in 400 ms took ${times[11] - times[0]} ms`)
    await worker.close()
    await queue.close()
}

/** A worker that dies leaves its job behind: another takes it over when the lock has expired. */
async function stalled() {
    const queue = new Queue('stalled', { connection })
    const never = new Worker('stalled', () => new Promise(() => {}), {
        connection, lockDuration: 300, lockRenewTime: 1e9, skipStalledCheck: true,
    })
    const job = await queue.add('orphan', {})
    await until('the job is held', async () => (await job.getState()) === 'active')
    await never.close(true)
    const heir = new Worker('stalled', async () => 'inherited', { connection, stalledInterval: 200 })
    const done = await until('the job is taken over', async () => {
        const found = await queue.getJob(job.id)
        return found.returnvalue && found
    })
    assert.equal(done.returnvalue, 'inherited')
    await heir.close()
    await queue.close()
}

await check(['bullmq'], async () => {
    await manyJobs()
    await priorities()
    await fates()
    await flow()
    await schedules()
    await stalled()
    const redis = new Redis(connection)
    for (const name of ['many', 'priorities', 'fates', 'leaves', 'sums', 'schedules', 'stalled']) {
        const queue = new Queue(name, { connection })
        await queue.obliterate({ force: true })
        await queue.close()
    }
    assert.deepEqual(await redis.keys('bull:*:[0-9]*'), [], 'jobs are left')
    return `${JOBS} jobs with retries, delays and priorities; failures, flows, schedules, limits, stalled jobs`
})
