#!/usr/bin/env bash
# Rebuild and restart the stack from scratch. Destructive: Docker volumes (Airflow's history, secrets, metrics),
# trained models and prepared tables are removed; your CSV files, notebooks and .env stay. Asks first.
set -euo pipefail
shopt -s nullglob

cd "$(dirname "${BASH_SOURCE[0]}")"
stop() { echo "refresh: $1" >&2; exit 1; }

YES=
case ${1:-} in
  '') ;;
  --yes) YES=1 ;;
  --help) sed -n '2,3s/^# //p' "$0"; echo 'usage: ./refresh.sh [--yes]'; exit ;;
  *) echo 'usage: ./refresh.sh [--yes]' >&2; exit 64 ;;
esac
[ -f docker-compose.yml ] && [ -d src/turo ] && [ -d datas ] || stop "$PWD is not the project's folder"
docker info >/dev/null 2>&1 || stop 'no Docker engine answers: start Docker first'

# What the pipeline makes. Inputs are never named here, whatever they are called.
MADE=(datas/datas.csv datas/datas.parquet datas/manifest.json datas/rejected.csv datas/last_export.parquet datas/.*.lock
  datas/horizon-* datas/predictions datas/forecast* datas/report.html datas/report datas/track-record.* datas/last-runs mlruns/* mlflow_artifacts/*)

echo "This forgets the stack's volumes and removes:"
for path in "${MADE[@]}"; do [ ! -e "$path" ] || echo "  $path"; done
if [ -z "$YES" ]; then
  printf 'Type yes to go on: '
  read -r ANSWER || ANSWER=
  [ "$ANSWER" = yes ] || stop 'nothing was changed'
fi

docker compose down --volumes --remove-orphans
rm -rf -- "${MADE[@]}"
docker compose build
docker compose up -d --wait
docker compose ps
