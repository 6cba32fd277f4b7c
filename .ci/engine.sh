#!/usr/bin/env bash
# Bring up a Docker engine on a plain Debian machine that has none. Does nothing where one answers.
set -euo pipefail

LOG=/var/log/dockerd.log

# Install packages from newer Debian suites without leaving a trace in /etc/apt: sources, pins and lists
# live in a temporary folder, so nothing else on the machine is ever a candidate for an upgrade.
install_from_newer_suites() {
  local mirror dir options
  mirror=$(sed -nE 's#^(URIs:|deb( \[.*\])?) *(https?://[^ ]+/debian)/?( .*)?$#\3#p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true)
  : "${mirror:?no Debian mirror in /etc/apt: is this a Debian machine?}"
  dir=$(mktemp -d)
  mkdir -p "$dir/none" "$dir/lists/partial"
  for suite in "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" trixie sid; do
    echo "deb $mirror $suite main"
  done | sort -u >"$dir/sources"
  printf 'Package: *\nPin: release n=%s\nPin-Priority: %d\n\n' trixie 100 sid 50 >"$dir/pins"
  chmod -R a+rX "$dir"
  options=(-o "Dir::Etc::sourcelist=$dir/sources" -o "Dir::Etc::sourceparts=$dir/none"
    -o "Dir::Etc::preferences=$dir/pins" -o "Dir::Etc::preferencesparts=$dir/none"
    -o "Dir::State::lists=$dir/lists" -o Acquire::Languages=none -o Acquire::Retries=5)
  apt-get "${options[@]}" -qq update
  DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" -qq -y --no-install-recommends install "$@" >/dev/null
  rm -rf "$dir"
}

install_missing() {
  local packages=()
  command -v dockerd >/dev/null || packages+=(docker.io/trixie iptables)
  command -v docker >/dev/null || packages+=(docker-cli/trixie)
  docker compose version >/dev/null 2>&1 || packages+=(docker-compose/sid)
  docker buildx version >/dev/null 2>&1 || packages+=(docker-buildx/sid)
  if ((${#packages[@]})); then install_from_newer_suites "${packages[@]}"; fi
}

# dockerd starts containerd itself. The pid file of a process that is gone would make either refuse to start.
start_daemon() {
  local file link
  for file in /run/docker.pid /run/docker/containerd/containerd.pid; do
    [[ -d /proc/$(cat "$file" 2>/dev/null || echo none) ]] || rm -f "$file"
  done
  # Packets of containers must not be larger than what the machine's own link carries.
  link=$(awk '$2 == "00000000" {print $1; exit}' /proc/net/route)
  set -- "$(cat "/sys/class/net/$link/mtu")"
  setsid nohup dockerd --mtu "$1" --default-network-opt "bridge=com.docker.network.driver.mtu=$1" \
    >>"$LOG" 2>&1 </dev/null &
  daemon=$!
}

answers() { timeout 30 docker info >/dev/null 2>&1; }

# The daemon that was started here, or one that somebody else started meanwhile.
lives() { kill -0 "$daemon" 2>/dev/null || [[ -d /proc/$(cat /run/docker.pid 2>/dev/null || echo none) ]]; }

wait_for_daemon() { # a busy machine takes its time, a daemon that ended never answers
  local end=$((SECONDS + 180))
  until answers; do
    if ((SECONDS >= end)) || ! lives; then return 1; fi
    sleep 0.5
  done
}

install_missing
answers || { start_daemon && wait_for_daemon; } ||
  { tail -n 20 "$LOG" >&2; echo "dockerd does not answer, see $LOG" >&2; exit 1; }
docker version --format 'client {{.Client.Version}}, engine {{.Server.Version}}'
echo "compose $(docker compose version --short), buildx $(docker buildx version | cut -d' ' -f2)"
