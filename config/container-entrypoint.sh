#!/bin/sh
# `docker run larder --requirepass x` and `docker run larder /etc/larder.toml` mean the server with these arguments.
set -e
case "$1" in
    -* | *.conf | *.toml) set -- larder "$@" ;;
esac
exec "$@"
