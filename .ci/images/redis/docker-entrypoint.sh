#!/usr/bin/env bash
# Start Redis as its own user, as the official image does.
set -euo pipefail

if [[ ${1:-} == -* || ${1:-} == *.conf ]]; then set -- redis-server "$@"; fi
if [[ ${1:-} == redis-server ]]; then
  if ((EUID == 0)); then
    chown -R redis:redis .
    exec setpriv --reuid redis --regid redis --clear-groups "$0" "$@"
  fi
  # Inside a container the network is the boundary: the official build is not in protected mode either.
  set -- "$@" --protected-mode no
  umask 0077
fi
exec "$@"
