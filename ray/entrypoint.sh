#!/usr/bin/env bash
# Entrypoint of every ML image: what it writes into host folders stays group-writable, so that the folders'
# access lists (made by bootstrap) let the user who started the stack change and delete it.
set -euo pipefail
umask 0002
mkdir -p "$HOME" "$MPLCONFIGDIR"
cp /opt/turo/matplotlib/* "$MPLCONFIGDIR/"
exec "$@"
