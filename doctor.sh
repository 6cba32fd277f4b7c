#!/usr/bin/env bash
# What is wrong with this machine, the configuration, the stack: each finding with its remedy. Changes nothing
# but with --fix, and then says what. --json is for programs. Exit 1 where something stops the stack.
set -uo pipefail # without -e: a question that fails is a fact too
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ./written.sh
. ./doctor_facts.sh

OPTIONS=() MOUNT=:ro MADE=()
SHARED=(datas mlruns mlflow_artifacts backups jupyter/notebooks)
for word in "$@"; do
  case $word in
    --fix) OPTIONS+=(--fix) MOUNT= ;;
    --json) OPTIONS+=(--json) ;;
    --help) sed -n '2,3s/^# //p' "$0"; echo 'usage: ./doctor.sh [--fix] [--json]'; exit ;;
    *) echo 'usage: ./doctor.sh [--fix] [--json]' >&2; exit 64 ;;
  esac
done
# As `turo doctor` says it, where it cannot be asked.
stop() { printf 'error    %s: %s\n         > %s\n         docs/runbook.md#%s\n' "$1" "$2" "$3" "$1" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
older() { # version, major, minor
  awk -v had="${1#v}" -v major="$2" -v minor="$3" \
    'BEGIN {split(had, is, "."); exit !(is[1] + 0 < major || (is[1] + 0 == major && is[2] + 0 < minor))}'
}

has docker || stop docker-version 'no docker on this machine' 'Install Docker 26 or newer: https://docs.docker.com/engine/install/'
INFO=$(docker info --format '{{.ServerVersion}}|{{.MemTotal}}|{{.NCPU}}|{{.DockerRootDir}}' 2>&1) || case $INFO in
  *'permission denied'*) stop docker-version 'this user may not ask Docker' "sudo usermod -aG docker \"\$USER\", then log in anew" ;;
  *) stop docker-version 'no Docker engine answers' 'Start it: sudo systemctl start docker, or Docker Desktop' ;;
esac
INFO=$(printf '%s\n' "$INFO" | tail -n 1) # warnings stand before it
COMPOSE=$(docker compose version --short 2>/dev/null) ||
  stop compose-version 'docker has no compose plugin' 'Install it: https://docs.docker.com/compose/install/'
! older "$COMPOSE" 2 40 || # it would refuse the file, without a word of why
  stop compose-version "Docker Compose is $COMPOSE; 2.40 or newer is needed" 'Update the plugin: https://docs.docker.com/compose/install/'

for folder in "${SHARED[@]}"; do # Docker would make it, as root
  [ -d "$folder" ] || { [ -z "$MOUNT" ] && mkdir -p "$folder" && MADE+=("$folder"); } ||
    stop folders "$folder/ is missing" "mkdir -p $folder, or ./doctor.sh --fix"
done
# A .env that Compose refuses must not keep the doctor away: Compose is started without it, and the doctor reads it.
PROJECT=$(chosen COMPOSE_PROJECT_NAME turo) TAG=$(chosen TURO_TAG local)
compose() { TURO_TAG=$TAG COMPOSE_PROJECT_NAME=$PROJECT docker compose --progress "$1" --env-file /dev/null -f docker-compose.yml "${@:2}"; }
networks() { # two at most that the stack's operator is in, or where it is away those that docker-compose.yml names
  local of=label=com.docker.compose all named operator its
  all=$(docker network ls --format '{{.Name}}')
  named=$(for key in edge backend; do
    docker network ls --filter "$of.project=$PROJECT" --filter "$of.network=$key" --format '{{.Name}}'
  done)
  operator=$(docker ps -aq --filter "$of.project=$PROJECT" --filter "$of.service=operator" --filter "$of.oneoff=False")
  # shellcheck disable=SC2016,SC2086 # a template; one word each
  its=$([ -z "$operator" ] || docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' $operator)
  # A container that has ended may name one that is gone.
  { grep -Fx "$its" <<<"$named"; printf '%s\n' "$its" "$named"; } | grep -Fx "$all" | awk 'NF && !seen[$0]++' | head -n 2
}
docker image inspect "turo/operator:$TAG" >/dev/null 2>&1 || {
  echo 'Builds what the doctor runs in, once; that takes minutes.' >&2
  compose plain build operator >&2 || {
    printf 'Docker %s, Compose %s; free KiB: %s here, %s where Docker keeps images.\n' \
      "${INFO%%|*}" "$COMPOSE" "$(room .)" "$(room "${INFO##*|}")" >&2
    stop unanswered 'what the doctor runs in cannot be built' 'Do what Docker says above (room on disk, network, proxy); then start this again'
  }
}
# Of the stack's networks Compose is to touch none, whatever files it was started with: operator/asks*.yml.
{ read -r EDGE; read -r BACKEND; } <<<"$(networks 2>/dev/null)" || true
BESIDE=operator/asks-alone.yml
[ -z "$EDGE" ] || BESIDE=operator/asks.yml
export DOCTOR_EDGE=$EDGE DOCTOR_BACKEND=${BACKEND:-$EDGE}
facts | compose quiet -f "$BESIDE" run --rm -T --no-deps -v "$PWD:/host$MOUNT" operator \
  turo doctor --folder /host --host-facts - ${OPTIONS[@]+"${OPTIONS[@]}"}
