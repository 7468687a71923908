#!/usr/bin/env bash
# Other people's programs against Larder: queues, locks, caches, sessions and client libraries, each with what it really does.
#   tests/clients/run.sh [SERVER [NAME...]]
# SERVER is a built larder (default: target/release/larder, built if need be); any other program that listens at `--port`
# does as well, so that a failure here can be tried on the peers. NAME picks checks (`bullmq`, `redis_py`, `Redisson`) or all
# of a group: `node`, `python`, `dotnet`, `go`, `java`, `rust`, `debian` (what is in Debian's own packages: C, PHP, Perl, Lua, Ruby,
# Prometheus), and `patterns`, the programs of docs/patterns.md with PostgreSQL. The languages themselves must be there: Node.js 20,
# Python 3.11, Go 1.26, Rust, and a JDK 17 with Maven; Debian's packages are installed if need be (for which one must be root), all
# else once, in the versions that the lock files name, below target/clients.
#
# Every check has a server of its own and 120 seconds, prints one line, and is the last one if it fails. The lines tell which versions were
# tested: they must be what the README's table says (LARDER_WRITE_DOCUMENTS=1 writes it, after a run of all).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
installed=${CARGO_TARGET_DIR:-$root/target}/clients
server=${1:-}
[ $# -gt 0 ] && shift
if [ -z "$server" ]; then
    (cd "$root" && cargo build --release --locked --quiet)
    server=${CARGO_TARGET_DIR:-$root/target}/release/larder
fi
server=$(realpath -s "$server") # a link keeps its name: redis-server is one

work=$(mktemp -d)
running= program=
stop() { # ends the server by its id and waits; fails if it does not go by itself
    local went=0
    [ -z "$running" ] && return
    kill "$running" 2> /dev/null || true
    for _ in $(seq 100); do kill -0 "$running" 2> /dev/null || break; sleep 0.1; done
    if kill -0 "$running" 2> /dev/null; then
        kill -9 "$running"
        went=1
    fi
    wait "$running" 2> /dev/null || went=1
    running=
    return $went
}
trap '[ -n "$program" ] && kill "$program" 2> /dev/null; stop || true; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

once() { # once NAME LOCKFILE COMMAND... : runs the command unless it has been run for this very lock file
    local name=$1 lock=$2 mark
    shift 2
    mark=$(cat "$lock" <(printf '%s ' "$@" "$installed") | sha256sum)
    [ "$(cat "$installed/$name.mark" 2> /dev/null)" = "$mark" ] && return
    rm -rf "${installed:?}/$name.mark"
    "$@" > "$work/install" 2>&1 || { cat "$work/install"; echo "FAILED: installing for $name"; exit 1; }
    echo "$mark" > "$installed/$name.mark"
}

install_python() {
    rm -rf "$installed/venv"
    python3 -m venv "$installed/venv"
    "$installed/venv/bin/pip" install --quiet --no-deps -r "$here/python/requirements.txt"
}

install_node() { # packages lie beside the programs that import them, so the programs are copied to where they may lie
    mkdir -p "$installed/node"
    cp "$here"/node/package*.json "$installed/node/"
    (cd "$installed/node" && npm ci --ignore-scripts --no-audit --no-fund)
}

install_java() {
    rm -rf "$installed/java"
    mvn --quiet --batch-mode --file "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$installed/java/lib"
}

passed=0
check() { # check NAME COMMAND... : one program against a server of its own
    local name=$1 port status=0 begun=$SECONDS
    shift
    mkdir -p "$work/$name"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd "$work/$name" && exec "$server" --port "$port") > "$work/$name.log" 2>&1 &
    running=$!
    for _ in $(seq 100); do (: > "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.05; done
    # timeout ends all that the program starts, too.
    (cd "$work/$name" && LARDER_PORT=$port LARDER_SERVER=$server exec timeout -k 10 120 "$@") > "$work/told" 2> "$work/errors" &
    program=$!
    wait "$program" || status=$?
    program=
    if [ $status -ne 0 ] || ! kill -0 "$running" 2> /dev/null || ! stop; then
        tail -n 60 "$work/told" "$work/errors"
        echo "-- the server's log"
        tail -n 20 "$work/$name.log"
        echo "FAILED: $name (exit status $status)"
        exit 1
    fi
    printf '%-24s %3ss  %s\n' "$name" $((SECONDS - begun)) "$(tail -n 1 "$work/told")"
    printf '%s\t%s\n' "$group" "$(tail -n 1 "$work/told")" >> "$work/lines"
    passed=$((passed + 1))
}

need() { # need PROGRAM FOR : says what is missing instead of failing at its first use
    command -v "$1" > /dev/null || { echo "FAILED: the checks for $2 need $1"; exit 1; }
}

wanted() { # wanted GROUP NAME : was this check asked for?
    local pick
    group=$1
    [ ${#picks[@]} -eq 0 ] && return
    for pick in "${picks[@]}"; do [ "$pick" = "$1" ] || [ "$pick" = "$2" ] && return; done
    return 1
}
picks=("$@")
python=$installed/venv/bin/python
export PYTHONPATH=$here/python PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

mkdir -p "$installed"
for source in "$here"/node/check_*.mjs; do
    name=$(basename "$source" .mjs) name=${name#check_}
    wanted node "$name" || continue
    need npm node
    once node "$here/node/package-lock.json" install_node
    cp "$here"/node/*.mjs "$installed/node/"
    check "$name" node "$installed/node/check_$name.mjs"
done
for source in "$here"/{python,dotnet}/check_*.py; do
    name=$(basename "$source" .py) name=${name#check_}
    wanted "$(basename "$(dirname "$source")")" "$name" || continue
    once python "$here/python/requirements.txt" install_python
    check "$name" "$python" "$source"
done
for source in "$here"/go/check_*; do
    name=$(basename "$source") name=${name#check_}
    wanted go "$name" || continue
    need go go
    [ -n "${go_built:-}" ] || (cd "$here/go" && go build -o "$installed/go/" ./...)
    go_built=1
    check "$name" "$installed/go/check_$name"
done
for source in "$here"/java/Check?*.java; do
    name=$(basename "$source" .java) name=${name#Check}
    wanted java "$name" || continue
    need mvn java
    once java "$here/java/pom.xml" install_java
    [ -n "${java_built:-}" ] || javac -nowarn -XDsuppressNotes -cp "$installed/java/lib/*" -d "$installed/java/classes" "$here"/java/*.java
    java_built=1
    check "$name" java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$installed/java/classes:$installed/java/lib/*" "Check$name"
done
for source in "$here"/rust/src/bin/check_*.rs; do
    name=$(basename "$source" .rs) name=${name#check_}
    wanted rust "$name" || continue
    need cargo rust
    [ -n "${rust_built:-}" ] || cargo build --quiet --locked --manifest-path "$here/rust/Cargo.toml" --target-dir "$installed/rust"
    rust_built=1
    check "$name" "$installed/rust/debug/check_$name"
done
for source in "$here"/debian/check_*; do
    name=$(basename "$source") name=${name#check_} kind=${name##*.} name=${name%.*}
    wanted debian "$name" || continue
    [ -n "${packages:=}" ] || { packages=$(grep -v '^#' "$here/debian/packages.txt") && "$root/tests/packages.sh" $packages; }
    case $kind in
        c)
            gcc -Wall -Wextra -o "$installed/check_$name" "$source" -lhiredis
            check "$name" "$installed/check_$name"
            ;;
        lua) check "$name" lua5.1 "$source" ;;
        php) check "$name" php "$source" ;;
        pl) check "$name" perl "$source" ;;
        py)
            once python "$here/python/requirements.txt" install_python
            check "$name" "$python" "$source"
            ;;
        rb) check "$name" ruby "$source" ;;
    esac
done
for source in "$root"/tests/patterns/check_*.py; do
    name=$(basename "$source" .py) name=${name#check_}
    wanted patterns "$name" || continue
    "$root/tests/packages.sh" postgresql
    once python "$here/python/requirements.txt" install_python
    check "$name" "$python" "$source"
done
[ $passed -gt 0 ] || { echo "FAILED: there is no check named ${picks[*]}"; exit 1; }
python3 "$root/tests/patterns/document.py"
python3 "$here/table.py" "$root/README.md" "$work/lines" $([ ${#picks[@]} -gt 0 ] || echo all)
echo "$passed passed, 0 failed"
