#!/usr/bin/env bash
# Build the exporter of the tag's version: prepare.sh TAG FOLDER. Debian has no package of it.
set -euo pipefail

# No C library: the program must run in any image.
GOBIN=$2 CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "github.com/prometheus/statsd_exporter@${1#*:}"
