// Socket.IO's Redis adapter: two servers whose visitors hear each other, over publish/subscribe (with and without shards).
import { createServer } from 'node:http'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { assert, check, host, port, until, url } from './check.mjs'

async function serve(adapter) {
    const http = createServer()
    const server = new Server(http, { adapter })
    server.on('connection', (socket) => {
        socket.on('join', (room, joined) => {
            socket.join(room)
            joined()
        })
        socket.on('say', (room, text) => server.to(room).emit('said', text))
    })
    server.on('sum', (a, b, answer) => answer(a + b))
    await new Promise((ready) => http.listen(0, host, ready))
    return { server, address: `http://${host}:${http.address().port}` }
}

async function visit(address) {
    const socket = io(address, { transports: ['websocket'], reconnection: false, forceNew: true })
    socket.heard = []
    socket.on('said', (text) => socket.heard.push(text))
    socket.on('question', (n, answer) => answer(n + 1))
    await until('connected', () => socket.connected)
    return socket
}

async function chat(makeAdapter) {
    const sites = [await serve(await makeAdapter()), await serve(await makeAdapter())]
    const [ann, bob, cid] = await Promise.all([visit(sites[0].address), visit(sites[1].address), visit(sites[1].address)])
    await ann.emitWithAck('join', 'kitchen')
    await bob.emitWithAck('join', 'kitchen')
    const [first] = sites.map(({ server }) => server)
    await until('both servers know the room', async () => (await first.in('kitchen').fetchSockets()).length === 2)

    for (let n = 0; n < 100; n++) ann.emit('say', 'kitchen', `message ${n}`)
    await until('all is heard', () => ann.heard.length === 100 && bob.heard.length === 100)
    assert.deepEqual(bob.heard, Array.from({ length: 100 }, (_, n) => `message ${n}`))
    assert.deepEqual(cid.heard, [], 'who is not in the room hears nothing')

    first.emit('said', Buffer.from([1, 0, 255]))
    await until('bytes are heard', () => cid.heard.length === 1)
    assert.deepEqual([...cid.heard[0]], [1, 0, 255])
    assert.deepEqual((await first.timeout(5000).emitWithAck('question', 1)).sort(), [2, 2, 2], 'answers from everywhere')
    assert.deepEqual(await first.serverSideEmitWithAck('sum', 2, 3), [5])
    first.in('kitchen').socketsLeave('kitchen')
    await until('the room is empty', async () => (await first.in('kitchen').fetchSockets()).length === 0)
    first.disconnectSockets(true)
    await until('all are gone', () => !ann.connected && !bob.connected && !cid.connected)
    for (const { server } of sites) await server.close()
}

await check(['socket.io', '@socket.io/redis-adapter'], async () => {
    await chat(async () => createAdapter(new Redis({ host, port }), new Redis({ host, port })))
    const connect = () => createClient({ url }).connect()
    await chat(async () => createAdapter(await connect(), await connect()))
    await chat(async () => createShardedAdapter(await connect(), await connect()))
    return 'rooms over two servers, bytes, questions to all, leaving; ioredis, node-redis, sharded pub/sub'
})
