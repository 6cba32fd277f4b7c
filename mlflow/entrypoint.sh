#!/usr/bin/env bash
# MLflow's server, then what keeps Ray Serve equal to its registry. The container lives while both do.
set -euo pipefail

: "${BACKEND_URI:=sqlite:///mlruns/mlflow.db}" "${ARTIFACT_ROOT:=mlflow_artifacts}"
: "${TRACKING_BIND_HOST:=0.0.0.0}" "${TRACKING_PORT:=5000}"
: "${TRACKING_PUBLIC_HOST:=localhost}" "${TRACKING_PUBLIC_PORT:=$TRACKING_PORT}"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export MLFLOW_TRACKING_URI="http://127.0.0.1:$TRACKING_PORT"

# Names under which MLflow may be called; anything else, a rebound DNS name for example, gets 403.
HOSTS="mlflow:$TRACKING_PORT,localhost:$TRACKING_PORT,127.0.0.1:$TRACKING_PORT"
HOSTS+=",$TRACKING_PUBLIC_HOST:$TRACKING_PUBLIC_PORT,localhost:$TRACKING_PUBLIC_PORT,127.0.0.1:$TRACKING_PUBLIC_PORT"
ORIGINS="http://$TRACKING_PUBLIC_HOST:$TRACKING_PUBLIC_PORT,https://$TRACKING_PUBLIC_HOST:$TRACKING_PUBLIC_PORT"
# Where a proxy is in front: https://mlflow.example.com, by which browsers then call it.
if [[ -n ${TRACKING_PUBLIC_URL:-} ]]; then
  HOSTS+=",${TRACKING_PUBLIC_URL#*://}" ORIGINS+=",$TRACKING_PUBLIC_URL"
fi
export MLFLOW_SERVER_ALLOWED_HOSTS="${MLFLOW_SERVER_ALLOWED_HOSTS:-$HOSTS}"
# Pages of these may change something; other names than localhost would else be refused by the very page they opened.
export MLFLOW_SERVER_CORS_ALLOWED_ORIGINS="${MLFLOW_SERVER_CORS_ALLOWED_ORIGINS:-$ORIGINS}"
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true
# Only what this server stores itself may become a model version, never a path or an address.
SOURCES='^(mlflow-artifacts|models|runs):/'
export MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX="${MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX:-$SOURCES}"

# Counters of dead workers must not outlive a restart.
METRICS=${TMPDIR:-/tmp}/mlflow-metrics
rm -rf "$METRICS" && mkdir -p "$METRICS"

GUNICORN="--config python:turo.mlflow_container.gunicorn_settings --worker-class gthread --threads 4"
GUNICORN+=" --timeout 120 --no-control-socket --worker-tmp-dir ${TMPDIR:-/tmp}"
[[ -z ${STATSD_HOST:-} ]] || GUNICORN+=" --statsd-host=$STATSD_HOST:${STATSD_PORT:-9125} --statsd-prefix=mlflow"

# With a password MLflow asks everybody for a login (docker-compose.tls.yml).
AUTH=()
if [[ -n ${MLFLOW_TRACKING_PASSWORD:-} ]]; then
  AUTH=(--app-name basic-auth)
  export MLFLOW_AUTH_CONFIG_PATH=${TMPDIR:-/tmp}/basic_auth.ini
  export MLFLOW_AUTH_ADMIN_USERNAME=$MLFLOW_TRACKING_USERNAME MLFLOW_AUTH_ADMIN_PASSWORD=$MLFLOW_TRACKING_PASSWORD
  MLFLOW_FLASK_SERVER_SECRET_KEY=${MLFLOW_FLASK_SERVER_SECRET_KEY:-$(cat /run/secrets/mlflow/flask_secret_key)}
  export MLFLOW_FLASK_SERVER_SECRET_KEY
  python -m turo.mlflow_container.accounts "$MLFLOW_AUTH_CONFIG_PATH"
else
  # Loaded once, before the workers part from it. Not with accounts, whose connections they must not share.
  GUNICORN+=" --preload"
fi

# Makes the tables of a new database; an old schema is refused with the command that upgrades it.
python -m turo.mlflow_container.server server --backend-store-uri "$BACKEND_URI" \
  --artifacts-destination "$ARTIFACT_ROOT" --serve-artifacts --host "$TRACKING_BIND_HOST" --port "$TRACKING_PORT" --workers 2 \
  "${AUTH[@]}" --gunicorn-opts "$GUNICORN" --expose-prometheus "$METRICS" &
SERVER=$!
SERVING=
stop() { kill -TERM "$SERVER" ${SERVING:+"$SERVING"} 2>/dev/null || true; }
trap 'stop; wait; exit 143' TERM INT

# A port that listens is seen for nothing; a Python that asks takes half a second of processor time.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$TRACKING_PORT") 2>/dev/null; }
until listens && python -c "import sys, turo.mlflow_container.health as h; sys.exit(bool(h.answer('$MLFLOW_TRACKING_URI/health')))"; do
  kill -0 "$SERVER" 2>/dev/null || { echo "entrypoint: MLflow ended before it answered" >&2; exit 1; }
  sleep 0.5
done

python "$HERE/serve_with_ray.py" &
SERVING=$!
STATUS=0
wait -n "$SERVER" "$SERVING" || STATUS=$?
echo "entrypoint: a process ended with status $STATUS; the container ends with it" >&2
stop
wait || true
exit $((STATUS == 0 ? 1 : STATUS))
