//! Scripts of the kinds that applications and their libraries send.

use super::{holds, holds_not, of_library};

#[test]
fn locks() {
    // A lock is given back, prolonged and renewed by who holds it.
    holds(
        "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end",
    );
    holds(
        "local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then return 0 end
        redis.call('del', KEYS[1])
        return 1",
    );
    holds(
        "local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then return 0 end
        local left = redis.call('pttl', KEYS[1])
        if not left then left = 0 end
        if left < 0 then return 0 end
        local more = ARGV[2]
        if ARGV[3] == '0' then more = ARGV[2] + left end
        redis.call('pexpire', KEYS[1], more)
        return 1",
    );
    // The same over several keys.
    holds(
        "local count = 0
        for i, key in ipairs(KEYS) do
            if redis.call('get', key) == ARGV[1] then
                redis.pcall('del', key)
                count = count + 1
            end
        end
        return count",
    );
    holds(
        "for i, key in ipairs(KEYS) do
            if redis.call('exists', key) == 1 then return 0 end
        end
        for i, key in ipairs(KEYS) do
            redis.call('set', key, ARGV[1], 'PX', ARGV[2])
        end
        return #KEYS",
    );
    // A lock that its holder may take again.
    holds(
        "if ((redis.call('exists', KEYS[1]) == 0) or (redis.call('hexists', KEYS[1], ARGV[2]) == 1)) then
            redis.call('hincrby', KEYS[1], ARGV[2], 1);
            redis.call('pexpire', KEYS[1], ARGV[1]);
            return nil;
        end;
        return redis.call('pttl', KEYS[1]);",
    );
    holds(
        "if (redis.call('hexists', KEYS[1], ARGV[3]) == 0) then return nil; end;
        local counter = redis.call('hincrby', KEYS[1], ARGV[3], -1);
        if (counter > 0) then
            redis.call('pexpire', KEYS[1], ARGV[2]);
            return 0;
        else
            redis.call('del', KEYS[1]);
            redis.call('publish', KEYS[2], ARGV[1]);
            return 1;
        end;
        return nil;",
    );
    // Which command is run comes from outside.
    holds_not("redis.call('del', KEYS[1]); redis.call(ARGV[4], KEYS[2], ARGV[1]); return 1");
}

#[test]
fn rate_limiters() {
    // A bucket of tokens.
    holds(
        "redis.replicate_commands()
        local tokens_key = KEYS[1]
        local timestamp_key = KEYS[2]
        local rate = tonumber(ARGV[1])
        local capacity = tonumber(ARGV[2])
        local now = tonumber(ARGV[3])
        local requested = tonumber(ARGV[4])
        local fill_time = capacity / rate
        local ttl = math.floor(fill_time * 2)
        if now == nil then now = redis.call('TIME')[1] end
        local last_tokens = tonumber(redis.call('get', tokens_key))
        if last_tokens == nil then last_tokens = capacity end
        local last_refreshed = tonumber(redis.call('get', timestamp_key))
        if last_refreshed == nil then last_refreshed = 0 end
        local delta = math.max(0, now - last_refreshed)
        local filled = math.min(capacity, last_tokens + (delta * rate))
        local allowed = filled >= requested
        local new_tokens = filled
        local allowed_num = 0
        if allowed then
            new_tokens = filled - requested
            allowed_num = 1
        end
        if ttl > 0 then
            redis.call('setex', tokens_key, ttl, new_tokens)
            redis.call('setex', timestamp_key, ttl, now)
        end
        return { allowed_num, new_tokens }",
    );
    // A window that begins with the first request.
    holds(
        "local current = redis.call('INCR', KEYS[1])
        if tonumber(current) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
        return current",
    );
    holds(
        "local r = redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
        local consumed = redis.call('incrby', KEYS[1], ARGV[1])
        local ttl = redis.call('pttl', KEYS[1])
        if ttl == -1 then redis.call('expire', KEYS[1], ARGV[2]); ttl = 1000 * ARGV[2] end
        return {consumed, ttl}",
    );
    // A window that slides over the times of requests.
    holds(
        "local key, now, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
        local limit = tonumber(ARGV[3])
        redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
        local amount = redis.call('ZCARD', key)
        if amount < limit then
            redis.call('ZADD', key, now, now .. ':' .. math.random())
            redis.call('PEXPIRE', key, window)
            return {1, limit - amount - 1}
        end
        local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        return {0, oldest[2] + window - now}",
    );
    // Two windows, weighted, through a helper.
    holds(
        "local call = redis.call
        local function amount(key) return tonumber(call('get', key) or '0') end
        local weighted = amount(KEYS[2]) * (1 - ARGV[1] / ARGV[2]) + amount(KEYS[1])
        if weighted >= tonumber(ARGV[3]) then return -1 end
        call('incr', KEYS[1])
        call('pexpire', KEYS[1], ARGV[2] * 2)
        return weighted",
    );
}

#[test]
fn queues() {
    // What is due is taken from a schedule.
    holds(
        "local due = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)
        if due[1] then
            redis.call('zrem', KEYS[1], due[1])
            return due[1]
        end",
    );
    holds(
        "local key, now = KEYS[1], ARGV[1]
        local jobs = redis.call('zrange', key, '-inf', now, 'byscore', 'limit', 0, 1)
        if jobs[1] then redis.call('zrem', key, jobs[1]) return jobs[1] end",
    );
    // Jobs move from a reserved set back to their queue, in pieces.
    holds(
        "local due = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1])
        if (next(due) ~= nil) then
            redis.call('zremrangebyrank', KEYS[1], 0, #due - 1)
            for i = 1, #due, 100 do
                redis.call('rpush', KEYS[2], unpack(due, i, math.min(i + 99, #due)))
            end
        end
        return due",
    );
    holds(
        "local rcall = redis.call
        local wait, paused = KEYS[1], KEYS[2]
        local target = wait
        if rcall('HEXISTS', KEYS[3], 'paused') == 1 then target = paused end
        local push = ARGV[2] == 'R' and 'RPUSH' or 'LPUSH'
        rcall(push, target, ARGV[1])
        rcall('XADD', KEYS[4], '*', 'event', 'waiting', 'id', ARGV[1])
        return rcall('LLEN', target)",
    );
    // Names of keys are put together.
    holds_not(
        "local rcall = redis.call
        local id = rcall('INCR', KEYS[1])
        local job = ARGV[1] .. id
        rcall('HMSET', job, 'name', ARGV[2])
        rcall('LPUSH', KEYS[2], id)
        return id",
    );
    holds_not("redis.call('del', KEYS[1] .. ':lock')");
    holds_not("for _, id in ipairs(redis.call('smembers', KEYS[1])) do redis.call('del', id) end");
}

#[test]
fn data_of_applications() {
    holds(
        "local v = redis.call('get', KEYS[1]); if v == ARGV[1] then redis.call('set', KEYS[1], ARGV[2]) end",
    );
    holds(
        "local best = redis.call('zscore', KEYS[1], ARGV[1])
        if not best or tonumber(best) < tonumber(ARGV[2]) then
            redis.call('zadd', KEYS[1], ARGV[2], ARGV[1])
            redis.call('zremrangebyrank', KEYS[1], 0, -(tonumber(ARGV[3]) + 1))
        end
        return redis.call('zrevrank', KEYS[1], ARGV[1])",
    );
    holds(
        "local session = redis.call('hgetall', KEYS[1])
        if #session == 0 then return nil end
        local values = {}
        for i = 1, #session, 2 do values[session[i]] = session[i + 1] end
        values.touched = ARGV[1]
        redis.call('hset', KEYS[1], 'touched', ARGV[1], 'json', cjson.encode(values))
        redis.call('expire', KEYS[1], ARGV[2])
        return cjson.encode({id = KEYS[1], values = values})",
    );
    holds(
        "local sum = 0
        for i = 1, #KEYS do sum = sum + (tonumber(redis.call('get', KEYS[i])) or 0) end
        return tostring(sum)",
    );
    holds("return redis.call('del', unpack(KEYS))");
    holds(
        "for i = 1, #KEYS, 5000 do redis.call('unlink', unpack(KEYS, i, math.min(i + 4999, #KEYS))) end",
    );
    holds("return redis.call('zunionstore', KEYS[1], #KEYS - 1, unpack(KEYS, 2))");
    holds(
        "return redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[2], KEYS[3], 'WEIGHTS', ARGV[1], ARGV[2])",
    );
    holds(
        "local names = cjson.encode(KEYS) return redis.sha1hex(names .. table.concat(KEYS, ','))",
    );
    holds(
        "local ok, reply = pcall(redis.call, 'hset', KEYS[1], unpack(ARGV))
        if not ok then redis.log(redis.LOG_WARNING, 'cannot: ' .. tostring(reply)); return redis.error_reply('ERR no') end
        return redis.status_reply('OK')",
    );
    // What begins a transaction of its own kind is no key of the script.
    holds_not("for _, k in ipairs(redis.call('keys', ARGV[1])) do redis.call('del', k) end");
    holds_not("return redis.call('get', 'counter')");
    holds_not("return redis.call('get', ARGV[1])");
    holds_not("return redis.call('scan', 0)");
}

#[test]
fn helpers() {
    holds(
        "local function drop(key, field)
            local gone = redis.call('hdel', key, field)
            if redis.call('hlen', key) == 0 then redis.call('del', key) end
            return gone
        end
        return drop(KEYS[1], ARGV[1]) + drop(KEYS[2], ARGV[1])",
    );
    holds(
        "local add = function(keys, value)
            for _, key in pairs(keys) do redis.call('sadd', key, value) end
        end
        for _, value in ipairs(ARGV) do add(KEYS, value) end",
    );
    holds(
        "local function pick(i) if i % 2 == 0 then return KEYS[1] end return KEYS[2] end
        redis.call('incr', pick(tonumber(ARGV[1])))",
    );
    holds(
        "local function move(command, from, to) return redis.call(command, from, to) end
        move('rename', KEYS[1], KEYS[2]) move('copy', KEYS[2], KEYS[1])",
    );
    holds(
        "local function retry(key, left)
            if left == 0 then return nil end
            return redis.call('get', key) or retry(key, left - 1)
        end
        return retry(KEYS[1], 3)",
    );
    holds(
        "local later
        local function first(key) return later(key) end
        later = function(key) return redis.call('get', key) end
        return first(KEYS[1])",
    );
    holds("local function f(a, b, c) redis.call('mget', a, b, c) end f(unpack(KEYS))");
    holds("local function f(k) return redis.call('get', k) end return pcall(f, KEYS[1])");
    holds("return (function(k) return redis.call('get', k) end)(KEYS[1])");
    holds_not(
        "local function get(key) return redis.call('get', key) end
        return get(KEYS[1]) .. get('more')",
    );
    holds_not(
        "local function get(key) return redis.call('get', key) end
        return get(KEYS[1]) .. get(KEYS[1] .. ':more')",
    );
    holds_not("local function f(a, b) redis.call('mget', a, b) end f(unpack(ARGV))");
    holds_not("local function f(k) return redis.call('get', k) end return pcall(f, ARGV[1])");
}

#[test]
fn ways_to_write_it() {
    for source in [
        "return {KEYS[1], ARGV[1]}",
        "return KEYS",
        "",
        "#!lua flags=no-writes\nreturn redis.call('get', KEYS[1])",
        "return redis.call([[get]], KEYS[1])",
        "return redis.call('GeT', (KEYS[1]))",
        "return redis['call']('get', KEYS[1])",
        "return server.call('get', KEYS[ARGV[1]])",
        "return redis.call'ping'",
        "local r = redis or server; return r.call('get', KEYS[1])",
        "local keys, args = KEYS, ARGV; return redis.call('set', keys[1], args[1])",
        "local name = 'get' return redis.call(name, KEYS[1])",
        "local key = KEYS[1]; local function f() return redis.call('get', key) end return f()",
        "local key; if ARGV[1] then key = KEYS[1] else key = KEYS[2] end redis.call('get', key)",
        "local key = #ARGV == 2 and KEYS[2] or KEYS[1] redis.call('get', key)",
        "local key = KEYS[2] or KEYS[1] redis.call('get', key)",
        "repeat local k = KEYS[1]; until redis.call('get', k)",
        "local unpack = table.unpack or unpack return redis.call('del', unpack(KEYS))",
        "local ipairs = ipairs for _, k in ipairs(KEYS) do redis.call('del', k) end",
        "local n = table.getn(KEYS) local t = type(KEYS) return redis.call('get', KEYS[n])",
        "do local KEYS = {1} end return redis.call('get', KEYS[1])",
        "redis.call('mset', KEYS[1], ARGV[1], KEYS[2], ARGV[2])",
        "redis.call('msetex', 2, KEYS[1], ARGV[1], KEYS[2], ARGV[2], 'EX', 10)",
        "redis.call('blpop', KEYS[1], 0)",
        "redis.call('xgroup', 'CREATE', KEYS[1], 'g', '$')",
        "redis.setresp(3); redis.set_repl(redis.REPL_ALL); return redis.REDIS_VERSION",
        "local json = cjson return json.decode(redis.call('get', KEYS[1])).a.b:upper()",
        "while true do if redis.call('llen', KEYS[1]) == 0 then break end redis.call('lpop', KEYS[1]) end",
    ] {
        holds(source);
    }
}

#[test]
fn a_table_that_may_be_another_is_not_followed() {
    holds_not("for _, k in ipairs(KEYS or {}) do redis.call('del', k) end");
    holds_not("local t = {KEYS[1]} for _, k in ipairs(t) do redis.call('del', k) end");
}

#[test]
fn libraries() {
    for source in [
        "#!lua name=mylib
        local function get(keys, args) return redis.call('get', keys[1]) end
        redis.register_function('get', get)",
        "#!lua name=mylib
        server.register_function{
            function_name = 'touch',
            callback = function(keys, args)
                for _, key in ipairs(keys) do server.call('pexpire', key, args[1]) end
            end,
            flags = {'no-writes'},
        }",
        "#!lua name=lib
        local call = redis.call
        local function check(keys) if #keys == 0 then return redis.error_reply('no keys') end end
        local function count(keys, args)
            local wrong = check(keys)
            if wrong then return wrong end
            local key = keys[1]
            return call('incrby', key, args[1])
        end
        redis.register_function('count', count)
        redis.register_function({function_name = 'count2', callback = count})",
        "redis.register_function('f', function(keys) return keys end)",
        "local calls = 0 redis.register_function('f', function(keys) calls = calls + 1 return redis.call('get', keys[1]) end)",
    ] {
        assert!(of_library(source), "not proved: {source}");
    }
    for source in [
        "redis.register_function('f', function(keys, args) return redis.call('get', args[1]) end)",
        "redis.register_function('f', function(keys, args) return redis.call('get', KEYS[1]) end)",
        "local f = function(keys) return redis.call('get', keys[1]) end
        redis.register_function('f', f) redis.register_function('g', function(_, args) return f(args) end)",
        // Keys of an earlier call.
        "local last redis.register_function('f', function(keys)
            if last then redis.call('get', last) end last = keys[1] end)",
        "local last redis.register_function('f', function(keys)
            if last then redis.call('get', last[1]) end last = keys end)",
        "local function make() local last return function(keys)
            if last then redis.call('get', last) end last = keys[1] end end
        redis.register_function('f', make())",
        "local function add() local last redis.register_function('f', function(keys)
            if last then redis.call('get', last) end last = keys[1] end) end add()",
        "local run redis.register_function('f', function(keys)
            run = run or coroutine.wrap(function() while true do coroutine.yield() end end) end)",
        "local t = {function_name = 'f', callback = function(keys) return redis.call('get', keys[1]) end}
        redis.register_function(t)",
        "local seen = {} redis.register_function('f', function(keys)
            seen[1] = seen[1] or keys[1] redis.call('get', seen[1]) end)",
    ] {
        assert!(!of_library(source), "wrongly proved: {source}");
    }
}
