# shellcheck shell=bash
# What ./doctor.sh tells of this machine, as one JSON object of strings. Only asks.

room() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 {print $4}'; }
listening() { # address:port, and who, where this user may know
  engine_here || return 0 # where ports are published another machine's programs are in the way
  if has ss; then
    ss -Hltnp 2>/dev/null | awk '{split($6, who, "\""); print $4, who[2]}'
  elif has lsof; then
    lsof -nP -iTCP -sTCP:LISTEN 2>/dev/null | awk 'NR > 1 {print $9, $1}'
  fi
}
engine_here() {
  local engine; engine=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)} || true
  case $engine in '' | unix:* | npipe:*) ;; *) return 1 ;; esac
}
unwritable() { for folder in "${SHARED[@]}"; do [ ! -d "$folder" ] || [ -w "$folder" ] || echo "$folder"; done; }
outside() { ! has curl || curl -sI -m 2 https://registry-1.docker.io/v2/ | tr -d '\r' | sed -n 's/^[Dd]ate: //p'; }
containers() { # service, state, health, memory limit, killed for memory, code: of what `up` made
  local all; all=$(docker ps -aq --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False)
  # shellcheck disable=SC2086 # one word each
  [ -z "$all" ] || docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}-{{end}} {{.HostConfig.Memory}} {{.State.OOMKilled}} {{.State.ExitCode}}' $all 2>/dev/null
}
chosen() { local given=${!1:-}; [ -n "$given" ] || given=$(written "$1"); echo "${given:-$2}"; }
door() { # what answers from outside at a published port, asked again before nobody is said to
  local url code=000
  url="http://$2:$(chosen "$1" "$3")/"
  for _ in 1 2; do
    [ "$code" != 000 ] || code=$(curl -s -o /dev/null -m 2 --noproxy '*' -w '%{http_code}' "$url") || true
  done
  echo "$1 $code"
}
doors() { # of services that run and are not just starting; side by side, and on this machine only
  local address service name port
  { engine_here && has curl; } || return 0
  address=$(chosen BIND_ADDRESS 127.0.0.1)
  case $address in 0.0.0.0 | localhost) address=127.0.0.1 ;; '::' | '[::]') address='[::1]' ;; esac
  while read -r service name port; do
    grep -qE "^$service running (healthy|unhealthy|-) " <<<"$CONTAINERS" && door "$name" "$address" "$port" &
  done <<<$'ray SERVE_PORT 8000\nairflow_api-server AIRFLOW_PORT 8080\nmlflow MLFLOW_PORT 5000'
  wait
}
fact() { printf '"%s": "%s", ' "$1" "$(printf '%s' "$2" | tr '\n' '|' | tr -d '\000-\037\042\134')"; }
facts() {
  local asked memory processors root CONTAINERS
  asked=$(mktemp); CONTAINERS=$(containers) || true
  outside >"$asked" & # beside the doors
  IFS='|' read -r _ memory processors root <<<"$INFO"
  printf '{'
  fact doors "$(doors)"; wait; fact outside "$(cat "$asked")"; rm -f "$asked"
  fact system "$(uname -s)"; fact project "${COMPOSE_PROJECT_NAME:-}"; fact docker "${INFO%%|*}"; fact compose "$COMPOSE"
  fact memory "$memory"; fact processors "$processors"; fact free_project "$(room .)"; fact free_docker "$(room "$root")"
  fact listening "$(listening | sort -u)"; fact volumes "$(docker volume ls -q)"; fact unwritable "$(unwritable)"
  fact containers "$CONTAINERS"; fact made "${MADE[*]-}"
  fact published "$(docker ps --format '{{or (.Label "com.docker.compose.project") "-"}} {{.Names}} {{.Ports}}')"
  fact shell "$(env | sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=..*/\1/p')"; fact no_proxy "${NO_PROXY:-${no_proxy:-}}"
  # Of the shell's variables the values that are no secret and say where ports are, and of which files the stack is.
  fact given "$(env | grep -E '^([A-Z_]+_PORT|BIND_ADDRESS|TLS_BIND_ADDRESS|TRACKING_PUBLIC_HOST|TURO_DOMAIN|COMPOSE_FILE)=.')"
  fact now "$(date +%s)"; fact env_base64 "$([ ! -f .env ] || base64 <.env | tr -d '\n')"
  printf '"by": "doctor.sh"}\n'
}
