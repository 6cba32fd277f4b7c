#!/usr/bin/env bash
# Say which version a stand-in image is, and where that is not what its tag pins: stand-in-version.sh TAG
# This is the one place that asks; the image then carries the answer as a label (docker image inspect shows it).
set -euo pipefail

TAG=$1
LABEL=turo.ci.stand-in.version

asked() { # the program inside says it
  local command=(--version)
  case $TAG in
    debian:*) command=(cat /etc/debian_version) ;;
    postgres:*) command=(psql --version) ;;
    caddy:*) command=(caddy version) ;;
    python:*) command=(python --version) ;;
    redis:*) command=(redis-server --version) ;;
    # Built from the tag's own source; a program that was not built by its makers does not know its version.
    prom/statsd-exporter:*) echo "${TAG#*:v}"; return ;;
  esac
  docker run --rm --network none "$TAG" "${command[@]}" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

# An image inherits the labels of what it is built on: the answer names its tag.
known=$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$TAG")
version=${known#"$TAG is "}
if [[ $known != "$TAG is "* ]]; then
  version=$(asked)
  docker build --quiet --label "$LABEL=$TAG is $version" --tag "$TAG" - <<<"FROM $TAG" >/dev/null
fi

pin=$(sed -nE 's/^v?([0-9]+(\.[0-9]+)*).*/\1/p' <<<"${TAG#*:}")
if [[ -z $pin || $version. == "$pin".* ]]; then
  echo "$TAG is a stand-in of version $version"
else
  echo "$TAG DIFFERS: the stand-in is version $version, the pin says $pin"
fi
