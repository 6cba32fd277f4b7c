#!/usr/bin/env bash
# Put the linters that are not on PyPI into a folder: go-tools.sh FOLDER
set -euo pipefail

ACTIONLINT=v1.7.12
folder=$(mkdir -p "$1" && cd "$1" && pwd)

if [[ ! -x $folder/actionlint ]]; then
  GOBIN=$folder go install "github.com/rhysd/actionlint/cmd/actionlint@$ACTIONLINT"
fi

# promtool, amtool and caddy have no packages of their own outside Debian; elsewhere take them from the images the stack runs.
from_debian() { # mirror package program
  local work
  work=$(mktemp -d)
  mkdir -p "$work/none" "$work/lists/partial"
  echo "deb $1 sid main" >"$work/sources"
  chmod -R a+rX "$work"
  local options=(-qq -o "Dir::Etc::sourcelist=$work/sources" -o "Dir::Etc::sourceparts=$work/none"
    -o "Dir::State::lists=$work/lists" -o Acquire::Languages=none -o Acquire::Retries=5 -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$work" && apt-get "${options[@]}" download "$2" && dpkg -x "$2"_*.deb root)
  install "$work/root/usr/bin/$3" "$folder/"
  rm -rf "$work"
}

image_of() { # name: with its tag, as the stack runs it; a port or a mounted folder may be called the same
  grep -rhoE --include='*Dockerfile*' --include='docker-compose*.y*ml' --exclude-dir='.*[a-z]' \
    "^( *image:|FROM( --platform=[^ ]+)?) +[\"']?$1:[A-Za-z0-9._-]+" "$(dirname "$0")/.." |
    grep -oE "$1:[A-Za-z0-9._-]+\$" | sort -u | sed -n 1p
}

from_image() { # image program folder
  local image container
  image=$(image_of "$1")
  container=$(docker create "$image")
  docker cp "$container:$3/$2" "$folder/$2"
  docker rm --volumes "$container" >/dev/null
}

mirror=$(sed -nE 's#^(URIs:|deb( \[.*\])?) *(https?://[^ ]+/debian)/?( .*)?$#\3#p' \
  /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true)
tool() { # program, Debian's package, image, its folder there
  if [[ -x $folder/$1 ]]; then return; fi
  if [[ -n $mirror ]]; then from_debian "$mirror" "$2" "$1"; else from_image "$3" "$1" "${4:-/bin}"; fi
}
tool promtool promtool prom/prometheus
tool amtool prometheus-alertmanager prom/alertmanager
tool caddy caddy caddy /usr/bin
"$folder/actionlint" -version | head -n 1
"$folder/promtool" --version | head -n 1
"$folder/amtool" --version | head -n 1
"$folder/caddy" version
