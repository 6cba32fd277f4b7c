#!/usr/bin/env bash
# Make stand-ins for official base images from Debian packages, where no container registry answers.
# Usage: base-images.sh [TAG...]   without arguments: every tag the project's Dockerfiles and Compose files name
set -euo pipefail

cd "$(dirname "$0")/.."
LABEL=turo.ci.stand-in
BASE=debian:trixie-slim # every other stand-in is built on it

tags_in_use() {
  grep -rhoE --include='*Dockerfile*' --include='docker-compose*.y*ml' --exclude-dir=.ci \
    '^( *image:|FROM( --platform=[^ ]+)?) +["'\'']?[a-z0-9][a-z0-9./_-]*:[A-Za-z0-9._-]+' . |
    grep -oE '[^ "'\'']+$' | sort -u
}

# The hash of a stand-in's files; an image without this label is a real one.
fingerprint() { find "$1" .ci/images/debian -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16; }

# Settings with which this machine reaches its package indexes: builds need them too.
host_settings() {
  local name
  for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST UV_INDEX_URL UV_DEFAULT_INDEX; do
    if [[ -n ${!name:-} ]]; then printf 'ENV %s="%s"\n' "$name" "${!name}"; fi
  done
}

build() { # tag folder: build one stand-in; its prepare.sh may add to the context what is made outside Docker
  local tag=$1 folder=$2 context
  context=$(mktemp -d)
  cp -r "$folder/." "$context"
  if [[ -x $folder/prepare.sh ]]; then "$folder/prepare.sh" "$tag" "$context"; fi
  if [[ $folder == */debian ]]; then host_settings >>"$context/Dockerfile"; fi
  docker build --quiet --label "$LABEL=$(fingerprint "$folder")" --tag "$tag" "$context" >/dev/null
  rm -rf "$context"
}

ensure() { # tag: make it unless it is there and current
  local tag=$1 folder current
  folder=.ci/images/$(tr / - <<<"${tag%%:*}")
  if [[ ! -d $folder ]]; then echo "left out $tag: there is no stand-in for it"; return; fi
  if current=$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$tag" 2>/dev/null); then
    if [[ -z $current ]]; then echo "have $tag"; return; fi
  fi
  [[ ${current:-} == "$(fingerprint "$folder")" ]] || build "$tag" "$folder"
  .ci/stand-in-version.sh "$tag"
}

# The engine's own question: where it can pull, the official images come as usual.
if timeout 120 docker pull --quiet "$BASE" >/dev/null 2>&1; then
  echo 'a container registry answers: no stand-ins needed'
  exit 0
fi

if (($# == 0)); then mapfile -t tags < <(tags_in_use); else tags=("$@"); fi
ensure "$BASE"
pids=()
for tag in "${tags[@]}"; do ensure "$tag" & pids+=($!); done
for pid in "${pids[@]}"; do wait "$pid"; done
