#!/usr/bin/env bash
# Write a minimal Debian for the tag debian:SUITE-slim as root.tar: prepare.sh TAG FOLDER
set -euo pipefail

suite=${1#*:} suite=${suite%-slim} target=$2/root.tar
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mirror_of() { # archive name; prints its address as this machine uses it
  sed -nE "s#^(URIs:|deb( \[.*\])?) *(https?://[^ ]+/$1)/?( .*)?\$#\3#p" \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -n 1 || true
}

command -v debootstrap >/dev/null || {
  apt-get -qq -o Acquire::Retries=5 update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -y --no-install-recommends install debootstrap >/dev/null
}
mirror=$(mirror_of debian)
security=$(mirror_of debian-security)
debootstrap --variant=minbase --include=ca-certificates,netbase,tzdata "$suite" "$root" "$mirror" >&2

cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: ${security:-${mirror}-security}
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
rm "$root/etc/apt/sources.list"

# What this machine needs to reach packages, its images need too; documentation they do not.
apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$root/etc/apt/apt.conf.d/99host" || true
printf 'Acquire::Languages "none";\nAcquire::Retries "5";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n' >"$root/etc/apt/apt.conf.d/docker"
# shellcheck disable=SC2016  # apt's own shell expands it
echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' >"$root/etc/apt/apt.conf.d/docker-clean"
printf 'path-exclude /usr/share/%s/*\n' doc man info >"$root/etc/dpkg/dpkg.cfg.d/docker"
if [[ -f /etc/pip.conf ]]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$root" update-ca-certificates >&2

tar -C "$root" --exclude='./var/cache/apt/archives/*' --exclude='./var/lib/apt/lists/*' \
  --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./dev/*' -cf "$target" .
