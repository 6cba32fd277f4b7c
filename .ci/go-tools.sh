#!/usr/bin/env bash
# Put the linters that are not on PyPI into a folder: go-tools.sh FOLDER
set -euo pipefail

ACTIONLINT=v1.7.12
folder=$(mkdir -p "$1" && cd "$1" && pwd)

if [[ ! -x $folder/actionlint ]]; then
  GOBIN=$folder go install "github.com/rhysd/actionlint/cmd/actionlint@$ACTIONLINT"
fi

# promtool has no package of its own outside Debian; elsewhere take it from the image the stack runs.
promtool_from_debian() { # mirror
  local work
  work=$(mktemp -d)
  mkdir -p "$work/none" "$work/lists/partial"
  echo "deb $1 sid main" >"$work/sources"
  chmod -R a+rX "$work"
  local options=(-qq -o "Dir::Etc::sourcelist=$work/sources" -o "Dir::Etc::sourceparts=$work/none"
    -o "Dir::State::lists=$work/lists" -o Acquire::Languages=none -o Acquire::Retries=5 -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$work" && apt-get "${options[@]}" download promtool && dpkg -x promtool_*.deb root)
  install "$work/root/usr/bin/promtool" "$folder/"
  rm -rf "$work"
}

promtool_from_image() {
  local image container
  image=$(grep -rhoE 'prom/prometheus:[A-Za-z0-9._-]+' "$(dirname "$0")/.." --include='*Dockerfile*' --include='docker-compose*.y*ml' | head -n 1)
  container=$(docker create "$image")
  docker cp "$container:/bin/promtool" "$folder/promtool"
  docker rm --volumes "$container" >/dev/null
}

if [[ ! -x $folder/promtool ]]; then
  mirror=$(sed -nE 's#^(URIs:|deb( \[.*\])?) *(https?://[^ ]+/debian)/?( .*)?$#\3#p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true)
  if [[ -n $mirror ]]; then promtool_from_debian "$mirror"; else promtool_from_image; fi
fi
"$folder/actionlint" -version | head -n 1
"$folder/promtool" --version | head -n 1
