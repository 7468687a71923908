-- redis-lua: types, pipelines, transactions with check-and-set, scripts, commands of one's own, subscriptions.
local redis = require 'redis'

local port = tonumber(os.getenv('LARDER_PORT'))
local function connect()
    local client = redis.connect { host = '127.0.0.1', port = port, timeout = 10 }
    return client
end

local function show(value)
    if type(value) ~= 'table' then return type(value) .. ' ' .. tostring(value) end
    local names, parts = {}, {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
    for n, name in ipairs(names) do parts[n] = tostring(name) .. ' = ' .. show(value[name]) end
    return '{' .. table.concat(parts, ', ') .. '}'
end
local function equal(got, wanted)
    if show(got) ~= show(wanted) then error('wanted ' .. show(wanted) .. ', got ' .. show(got), 2) end
end
local function fails(text, call, ...)
    local went, told = pcall(call, ...)
    if went or not tostring(told):find(text, 1, true) then error('wanted an error with ' .. text .. ', got ' .. tostring(told), 2) end
end

local client, other = connect(), connect()
client:flushall()
equal(client:ping(), true)
equal(client:set('s', 'a\0\r\n'), true)
equal({ client:get('s'), client:expire('s', 100), client:ttl('s') > 90 }, { 'a\0\r\n', true, true })
equal(client:get('none'), nil)
client:hmset('h', { a = '1', b = 'zwei' })
equal(client:hgetall('h'), { a = '1', b = 'zwei' })
equal(client:hmget('h', 'a', 'b'), { '1', 'zwei' })
equal({ client:rpush('l', 'a', 'b', 'c'), client:lrange('l', 0, -1) }, { 3, { 'a', 'b', 'c' } })
equal(client:blpop('l', 1), { 'l', 'a' })
equal(client:zadd('z', 1.5, 'x'), 1)
equal(client:zrange('z', 0, -1, { withscores = true }), { { 'x', '1.5' } })
equal(client:sadd('t', 'x', 'y'), 2)
equal(client:sismember('t', 'x'), true)
fails('WRONGTYPE', client.incr, client, 'l')
equal(client:info().server.redis_mode, 'standalone')
local cursor, found = 0, 0
for n = 1, 300 do client:set('scan:' .. n, n) end
repeat
    local page = client:scan(cursor, { match = 'scan:*', count = 50 })
    cursor, found = page[1], found + #page[2]
until cursor == '0' or cursor == 0
equal(found, 300)

local replies = client:pipeline(function(pipe)
    for n = 1, 1000 do pipe:incrby('sum', n) end
end)
equal({ #replies, replies[1000] }, { 1000, 500500 })

replies = client:transaction(function(transaction)
    transaction:set('a', '1')
    transaction:incr('a')
end)
equal(replies, { true, 2 })
-- Check-and-set: the first try meets another's write, the second one wins.
local tries = 0
replies = client:transaction({ watch = 'a', cas = true, retry = 2 }, function(transaction)
    local value = transaction:get('a')
    tries = tries + 1
    if tries == 1 then other:set('a', 10) end
    transaction:multi()
    transaction:set('a', value + 1)
end)
equal({ tries, replies, client:get('a') }, { 2, { true }, '11' })

local script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2]}"
equal(client:eval(script, 1, 'total', 5, 'x'), { 5, 'x' })
local sha = client:script('load', script)
equal(client:evalsha(sha, 1, 'total', 5, 'y'), { 10, 'y' })
redis.commands.getdel = redis.command('GETDEL')
equal({ connect():getdel('a'), client:exists('a') }, { '11', false })

local heard = {}
for message, abort in other:pubsub { subscribe = { 'news' }, psubscribe = { 'we*' } } do
    if message.kind == 'psubscribe' then -- it has subscribed to both
        equal(client:publish('news', 'one'), 1)
        equal(client:publish('weather', 'sun'), 1)
    elseif message.payload and (message.kind == 'message' or message.kind == 'pmessage') then
        heard[#heard + 1] = message.channel .. ' ' .. message.payload
        if #heard == 2 then abort() end
    end
end
equal(heard, { 'news one', 'weather sun' })
equal(other:ping(), true)
print((redis._VERSION:gsub('%-dev', '')) .. ': types, SCAN, pipelines, MULTI, check-and-set, scripts, pub/sub')
