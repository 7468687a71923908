// connect-redis with express-session: a shop whose visitors have their carts in Larder.
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { assert, check, host, url } from './check.mjs'

function shop(store) {
    const app = express()
    app.use(session({ store, secret: 'not secret', resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 } }))
    app.get('/put/:thing', (request, response) => {
        request.session.cart = [...(request.session.cart ?? []), request.params.thing]
        response.json(request.session.cart)
    })
    app.get('/cart', (request, response) => response.json(request.session.cart ?? []))
    app.get('/leave', (request, response) => request.session.destroy(() => response.json([])))
    return new Promise((ready) => {
        const server = app.listen(0, host, () => ready(server))
    })
}

/** A visitor who keeps the cookie that he was given. */
function visitor(port) {
    let cookie
    return async (path) => {
        const response = await fetch(`http://${host}:${port}${path}`, { headers: cookie ? { cookie } : {} })
        cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
        return response.json()
    }
}

await check(['connect-redis', 'express-session'], async () => {
    const client = await createClient({ url }).connect()
    const store = new RedisStore({ client, prefix: 'shop:' })
    const servers = [await shop(store), await shop(store)]
    const [ann, bob] = servers.map((server) => visitor(server.address().port))
    await ann('/put/apple')
    await bob('/put/plum')
    assert.deepEqual(await ann('/put/pear'), ['apple', 'pear'])
    assert.deepEqual(await bob('/cart'), ['plum'])
    const keys = await client.keys('shop:*')
    assert.equal(keys.length, 2)
    for (const key of keys) {
        const ttl = await client.ttl(key)
        assert.ok(ttl > 50 && ttl <= 60, `a session's expiry: ${ttl}`)
    }
    assert.equal(await store.length(), 2)
    assert.equal((await store.all()).length, 2)
    assert.equal((await store.ids()).length, 2)
    await ann('/leave')
    assert.deepEqual(await ann('/cart'), [])
    assert.equal(await store.length(), 1)
    await store.clear()
    assert.deepEqual(await bob('/cart'), [])
    for (const server of servers) server.closeAllConnections()
    return 'carts of two visitors at two servers, expiry, listing, end'
})
