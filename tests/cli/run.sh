#!/usr/bin/env bash
# Debian's redis-cli and redis-benchmark against a built server: what a user does in the first ten minutes.
#   tests/cli/run.sh PATH_TO_LARDER
set -euo pipefail
larder=$(readlink -f "$1")
work=$(mktemp -d)
server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) tls_port=$(free_port)
"$larder" --port "$port" --tls-port "$tls_port" --tls-cert-file "$work/cert.pem" --tls-key-file "$work/key.pem" \
    --unixsocket "$work/larder.sock" --requirepass secret > "$work/log" 2>&1 &
server=$!
export REDISCLI_AUTH=secret
for _ in $(seq 100); do redis-cli -p "$port" ping > /dev/null 2>&1 && break; sleep 0.1; done

passed=0
expect() { # expect WHAT COMMAND... : the command's output is WHAT
    local want=$1 got
    shift
    got=$("$@" 2>&1) || true
    if [ "$got" != "$want" ]; then
        printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$*" "$want" "$got"
        tail -n 20 "$work/log"
        exit 1
    fi
    passed=$((passed + 1))
}
contains() { # contains PATTERN COMMAND... : some line of the output matches
    local pattern=$1 got
    shift
    got=$("$@" 2>&1) || true
    if ! grep -qE -- "$pattern" <<< "$got"; then
        printf 'FAILED: %s\n  wanted a line like: %s\n  got: %s\n' "$*" "$pattern" "$got"
        exit 1
    fi
    passed=$((passed + 1))
}
cli() { redis-cli -p "$port" "$@"; }

expect PONG cli ping
expect OK cli set greeting hello EX 100
expect hello cli get greeting
contains '^(99|100)$' cli ttl greeting
expect 2 cli hset user:1 name Ann age 30
expect $'name\nAnn\nage\n30' cli hgetall user:1
expect 3 cli zadd board 10 ann 20 bob 15 cid
expect $'bob\n20\ncid\n15\nann\n10' cli zrange board 0 -1 rev withscores
expect 1 cli expire user:1 60
contains '^1# "server" => "redis"$' cli -3 --no-raw hello 3
contains '^NOAUTH' env -u REDISCLI_AUTH redis-cli -p "$port" get greeting
expect hello env -u REDISCLI_AUTH redis-cli -p "$port" --no-auth-warning -a secret get greeting
contains 'WRONGPASS invalid username-password pair' env -u REDISCLI_AUTH redis-cli -p "$port" --no-auth-warning -a wrong get greeting
expect hello redis-cli -p "$tls_port" --tls --cacert "$work/cert.pem" get greeting
expect hello redis-cli -s "$work/larder.sock" get greeting
expect $'board\ngreeting\nuser:1' bash -c "redis-cli -p $port --scan | sort"
contains 'Biggest +zset +found' cli --bigkeys
contains '^3 ' bash -c "timeout 3 stdbuf -oL redis-cli -p $port --stat -i 1 | head -n 4"
expect OK bash -c "printf 'SET piped %s\r\n' value | redis-cli -p $port --pipe > $work/pipe && grep -q 'errors: 0' $work/pipe && echo OK"
redis-cli -p "$port" --csv subscribe news > "$work/news" &
subscriber=$!
for _ in $(seq 100); do [ "$(cli publish news hello)" = 1 ] && break; sleep 0.05; done
for _ in $(seq 100); do grep -q '"message","news","hello"' "$work/news" && break; sleep 0.05; done
kill "$subscriber"
contains '"message","news","hello"' cat "$work/news"

# Every type, as a user meets them.
expect 3 cli rpush queue a b c
expect $'queue\na' cli blpop nothing queue 1
expect $'b\nc' cli lrange queue 0 -1
expect 2 cli sadd tags red green
expect $'green\nred' bash -c "redis-cli -p $port smembers tags | sort"
expect 1-1 cli xadd events 1-1 kind login
expect $'1-1\nkind\nlogin' cli xrange events - +
expect 0 cli setbit seen 7 1
expect 1 cli bitcount seen
expect 1 cli pfadd visitors ann bob
expect 2 cli pfcount visitors
expect 1 cli geoadd places 13.361389 38.115556 Palermo
expect Palermo cli geosearch places fromlonlat 13 38 byradius 50 km
expect $'1\n2\n10' bash -c "redis-cli -p $port rpush numbers 10 2 1 > /dev/null; redis-cli -p $port sort numbers"

# Every mode that a server alone can serve.
expect OK cli flushall
expect OK cli set greeting hello
expect hello redis-cli -u "rediss://default:secret@127.0.0.1:$tls_port" --cacert "$work/cert.pem" --no-auth-warning get greeting
expect OK cli -n 3 set elsewhere 1
expect 1 cli -n 3 dbsize
expect 1 cli dbsize
contains '^1# "fields" => 2' bash -c "redis-cli -p $port -3 --no-raw hset typed fields 2 > /dev/null; redis-cli -p $port -3 --no-raw hgetall typed | sed 's/\"2\"/2/'"
printf "return {KEYS[1], ARGV[1], redis.call('GET', KEYS[1])}" > "$work/script.lua"
expect $'greeting\nx\nhello' cli --eval "$work/script.lua" greeting , x
contains 'key \[NX\|XX\] \[GT\|LT\] \[CH\] \[INCR\] score member' \
    python3 "$(dirname "$0")/type.py" 'zadd ' 'score member' redis-cli -p "$port"
contains '^summary$' cli command docs getex
contains '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+$' cli --latency
contains '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+$' timeout 3 stdbuf -oL redis-cli -p "$port" --latency-history -i 1
contains 'from 1 to 9 +milliseconds' timeout 3 stdbuf -oL redis-cli -p "$port" --latency-dist -i 1
awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "SET piped:%d %d\r\n", i % 1000, i }' > "$work/million"
contains '^errors: 0, replies: 1000000$' bash -c "redis-cli -p $port --pipe < $work/million"
expect 999999 cli get piped:999
expect 1000 bash -c "redis-cli -p $port --scan --pattern 'piped:*' | sort -u | wc -l"
cli del greeting typed > /dev/null
expect 500 cli eval 'for i = 1, 500 do redis.call("RPUSH", KEYS[1], i) end return 500' 1 longest
contains '^Biggest +list found [^ ]*longest[^ ]* has 500 items$' cli --bigkeys
contains '^1000 strings with 6000 bytes' bash -c "redis-cli -p $port del piped:last > /dev/null; redis-cli -p $port --bigkeys"
contains '^Biggest +list found [^ ]*longest[^ ]* has [0-9]+ bytes$' cli --memkeys
expect OK cli config set maxmemory-policy allkeys-lfu
for _ in $(seq 3000); do echo "GET piped:7"; done | cli > /dev/null
contains '^hot key found with counter: [0-9]+.keyname: "piped:7"$' bash -c "redis-cli -p $port --hotkeys | grep 'hot key found' | head -n 1"
contains 'Gets/sec \| Hits: [0-9]+' timeout 4 stdbuf -oL redis-cli -p "$port" --lru-test 1000
expect OK cli config set maxmemory-policy noeviction
redis-cli -p "$port" monitor > "$work/monitor" &
monitor=$!
for _ in $(seq 100); do cli get watched > /dev/null; grep -q '"get" "watched"' "$work/monitor" && break; sleep 0.05; done
kill "$monitor"
contains '^[0-9]+\.[0-9]{6} \[0 127.0.0.1:[0-9]+\] "get" "watched"$' cat "$work/monitor"
contains 'replication is not supported' timeout 10 redis-cli -p "$port" --replica

# The whole default set of redis-benchmark.
contains '^MSET \(10 keys\): .*requests per second' bash -c "redis-benchmark -p $port -a secret -q -n 2000 -c 10 -P 4 -r 1000 | tr '\\r' '\\n'"
expect OK cli flushall
kill -TERM "$server"
for _ in $(seq 60); do kill -0 "$server" 2> /dev/null || break; sleep 0.1; done
expect 0 bash -c "kill -0 $server 2> /dev/null; [ \$? -eq 1 ] && echo 0"
wait "$server" && passed=$((passed + 1))
server=
echo "$passed passed, 0 failed"
