"""Debian's prometheus-redis-exporter: what it tells Prometheus about Larder is what was done to Larder."""

import re
import socket
import subprocess
import urllib.request

import redis
from check import PORT, URL, equal, until

PROGRAM = "prometheus-redis-exporter"
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{free.getsockname()[1]}"


def metrics():
    """All figures of one scrape: {'redis_db_keys{db="db0"}': 3.0, ...}."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return None  # it does not listen yet
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


r = redis.Redis(port=PORT, client_name="shop")
r.mset({f"key:{n}": "x" * 100 for n in range(50)})
r.mget([f"key:{n}" for n in range(60)])
[r.get("key:1") for _ in range(7)]
r.set("brief", 1, ex=100)
r.rpush("queue", *range(30))
r.set("number", 12.5)
for n in range(5):
    r.xadd("events", {"n": n})
r.xgroup_create("events", "readers", "0")
r.xreadgroup("readers", "me", {"events": ">"}, count=3)
r.select(3)
r.set("elsewhere", 1)
r.select(0)
try:
    r.incr("queue")
except redis.ResponseError:
    pass

OPTIONS = [
    *("-redis.addr", URL, "-web.listen-address", address, "-check-keys", "db0=que*,db0=number", "-check-single-streams", "db0=events"),
    *("-count-keys", "db0=key:*", "-export-client-list", "-include-config-metrics", "-include-system-metrics"),
]
with open("exporter.log", "w+") as log:
    exporter = subprocess.Popen([PROGRAM, *OPTIONS], stdout=log, stderr=log)
    try:
        until("the exporter listens", metrics)
        figures = metrics()
    finally:
        exporter.terminate()
        exporter.wait(10)
    log.seek(0)
    complaints = [line for line in log if "level=error" in line]

info = r.info("all")
wanted = {
    "redis_up": 1,
    'redis_exporter_last_scrape_error{err=""}': 0,
    'redis_db_keys{db="db0"}': 54,
    'redis_db_keys_expiring{db="db0"}': 1,
    'redis_db_keys{db="db3"}': 1,
    'redis_key_size{db="db0",key="queue"}': 30,
    'redis_key_value{db="db0",key="number"}': 12.5,
    'redis_keys_count{db="db0",key="key:*"}': 50,
    'redis_stream_length{db="db0",stream="events"}': 5,
    'redis_stream_group_messages_pending{db="db0",group="readers",stream="events"}': 3,
    'redis_commands_total{cmd="mget"}': 1,
    'redis_commands_failed_calls_total{cmd="incrby"}': 1,
    "redis_keyspace_misses_total": 10,
    "redis_config_maxclients": 10000,
}
for name, value in wanted.items():
    equal(figures.get(name), value, name)
assert figures["redis_keyspace_hits_total"] >= 57, figures["redis_keyspace_hits_total"]
assert figures["redis_memory_used_bytes"] > 5000
assert figures["redis_connected_clients"] >= 2
assert any('name="shop"' in name for name in figures if name.startswith("redis_connected_clients_details{")), "the list of clients"
assert any(name.startswith("redis_instance_info{") and f'redis_version="{info["redis_version"]}"' in name for name in figures)
equal(complaints, [], "what the exporter complains of")

build = next(name for name in figures if name.startswith("redis_exporter_build_info{"))
version = re.search(r'version="(\d+\.\d+\.\d+)[^"]*"}', build).group(1)
print(f"{PROGRAM} {version}: keys, streams, hits, commands, clients, settings as they are")
