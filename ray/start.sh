#!/usr/bin/env bash
# Start one Ray node and stay in front: start.sh head | start.sh worker
set -euo pipefail

ROLE=${1:?head or worker}
OPTIONS=(--block --disable-usage-stats --metrics-export-port=8080
  --object-store-memory="${RAY_OBJECT_STORE_BYTES:-536870912}")
if [[ -n ${RAY_NUM_CPUS:-} ]]; then OPTIONS+=(--num-cpus="$RAY_NUM_CPUS"); fi

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Serve's HTTP options cannot change while it runs, so they are set once, before any model is deployed.
start_serve() {
  until answers 8265; do sleep 0.5; done
  until serve start --http-host "${RAY_HTTP_HOST:-0.0.0.0}" --http-port "${RAY_HTTP_PORT:-8000}" --proxy-location HeadOnly; do
    sleep 2
  done
}

case $ROLE in
  head)
    # A head that stops takes the cluster with it: there is nowhere to move work to, so nothing to wait for.
    export RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0
    OPTIONS+=(--head --port=6380 --ray-client-server-port=10001 --dashboard-host=0.0.0.0 --dashboard-port=8265)
    start_serve &
    ;;
  worker) OPTIONS+=(--address="${RAY_HEAD:-ray-head:6380}") ;;
  *) echo "start.sh: '$ROLE' is neither head nor worker" >&2 && exit 64 ;;
esac

ray start "${OPTIONS[@]}" &
NODE=$!
# Ray itself would end with 1 when it is asked to stop, as if it had failed.
trap 'kill -TERM "$NODE" 2>/dev/null || true; wait "$NODE" || true; exit 143' TERM INT
wait "$NODE"
