#!/usr/bin/env bash
# Take the platform to another version, or back where that fails: checks, builds, backs up, migrates, starts, proves.
# Asks nothing; .env, overrides and your files stay as they are. Killed half-way: ./upgrade.sh goes on, --back returns.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
# shellcheck source=upgrade_steps.sh
. ./upgrade_steps.sh || exit 1
# shellcheck source=upgrade_checkout.sh
. ./upgrade_checkout.sh || exit 1
USAGE='usage: ./upgrade.sh [--check] VERSION | ./upgrade.sh [--back [--yes | --lose]]'

begin() { # VERSION: all that can be known beforehand, while the old version runs on
  local changed more
  TARGET=$1 ARCHIVE='' SAVED='' TAG=${TURO_TAG:-$(written TURO_TAG)}
  TAG=${TAG:-local} BEGUN_WITH=$(shell_says) PROJECT=$(project)
  TO=$(git rev-parse --verify --quiet "$1^{commit}") || stop "$1 is no commit, branch or tag here: git fetch --tags, then git branch --all and git tag --list name them"
  FROM=$(git rev-parse HEAD) BACK=$(git symbolic-ref --quiet --short HEAD || git rev-parse HEAD)
  [ "$TO" != "$FROM" ] || { say "the checkout is at $1 already; if its containers are older, git checkout what they are, then again"; exit; }
  changed=$(git status --porcelain --untracked-files=no -- "${NOT_OURS[@]}")
  [ -z "$changed" ] || stop "files of the platform were changed, git stash keeps them for later:
$changed"
  [ "$(git rev-parse --is-shallow-repository)" = false ] || stop 'only the newest commits are here: git fetch --unshallow --tags, then again'
  git merge-base --is-ancestor "$FROM" "$TO" || stop "$1 lacks commits that are here. Join both, then upgrade to that:
  git worktree add --detach ../joined && git -C ../joined merge $1 && ./upgrade.sh \$(git -C ../joined rev-parse HEAD)"
  more=$(own_digests | paste -sd ' ' -)
  [ -z "$more" ] || stop "$more has the digests of this version's images, and would keep those in use under the new one:
  move it away, take it out of COMPOSE_FILE in .env, then again; where $1 runs, make digests writes its own"
  free "$TO" || stop "$1 brings files of these names: move yours away, then again"
  docker image inspect "turo/operator:$TAG" >/dev/null || stop "nothing to upgrade was built here: git checkout $1, then docker compose up -d --build --wait"
  more=$(other_projects)
  [ -z "$more" ] || stop "the stack of this folder was started as the project $more, and here it is $(project): write COMPOSE_PROJECT_NAME=$more into .env"
  more=$(other_files)
  [ -z "$more" ] || stop "the stack was started with $more too: write COMPOSE_FILE=$(paste -sd : - <<<"docker-compose.yml
$(overrides)${more:+
$more}" | sed 's/::*/:/g') into .env, or it would be left out"
  more=$(elsewhere)
  [ -z "$more" ] || stop "COMPOSE_FILE or COMPOSE_ENV_FILES names $more, and the version is tried in a copy of this folder:
  write COMPOSE_FILE=docker-compose.yml:… as seen from here into .env, and move what lies elsewhere in here"
  more=$(left_out)
  [ -z "$more" ] || stop "COMPOSE_FILE leaves $more out, which Compose takes by itself only without it: write COMPOSE_FILE=$(compose_file):$more into .env, or move the file away"
  say "checks $1"
  check || stop 'the version cannot be taken, see above; nothing was changed'
  more=$(samples "$TO" | paste -sd ' ' -)
  [ -z "$more" ] || say "your $more stays as it is: $1 has another sample of that name, git show $1:NAME shows it"
  [ -z "$ONLY_CHECK" ] || { say "the way to $1 is open"; exit; }
  say "builds $1 while the old version runs on"
  build || stop 'it cannot be built, see above; nothing was changed'
  rm -rf "$WORK"
}

return_to() { # why
  say "$1: goes back to $BACK"
  back || stop "cannot go back, see above. ./upgrade.sh --back tries again; the backup is ${ARCHIVE:-not made yet}"
  rm -f "$STATE" backups/upgrade-before.json
  stop "$TARGET is not taken, see above; $BACK runs again as it was"
}

resume() { # WORDS: of an upgrade that was killed, by the words of this call
  PHASE=$(state phase) FROM=$(state from) BACK=$(state back) TO=$(state to) TARGET=$(state target)
  TAG=$(state tag) ARCHIVE=$(state archive) SAVED=$(state saved) LATE=1
  PROJECT=$(state project) BEGUN_WITH=$(sed -n '/^COMPOSE_/p' "$STATE")
  ours || stop "$STATE is damaged: bring it back, or remove it and restore the backup by hand (operator/README.md, Restore)"
  local both="./upgrade.sh goes on, ./upgrade.sh --back returns"
  [ -z "$ONLY_CHECK" ] || stop "an upgrade to $TARGET is under way: $both"
  case ${1:-} in
    '' | --back | "$TARGET" | "$TO") ;;
    *) stop "an upgrade to $TARGET is under way, and $1 comes after it: $both" ;;
  esac
  same_stack
  say "an upgrade to $TARGET was under way ($PHASE)"
  case $PHASE in
    restored) return_to 'as was begun' ;; # what is here now is the old version's, and stays
    restoring) ;;                         # there is no other way than back
    *) [ "${1:-}" = --back ] || return 0 ;;
  esac
  case $PHASE in
    migrating | proving | restoring)
      [ -n "$AGREED" ] || fresh || stop "the backup $ARCHIVE is $(minutes) minutes old, and what came into the databases since then is not in it.
  ./upgrade.sh --back --yes keeps that as an archive of its own, and returns" ;;
  esac
  return_to 'as was asked for'
}

main() {
  ONLY_CHECK='' LATE='' AGREED=''
  case ${1:-} in
    --help) sed -n '2,3s/^# //p' upgrade.sh; echo "$USAGE"; exit ;;
    --check) ONLY_CHECK=1; shift; [ $# = 1 ] || { echo "$USAGE" >&2; exit 64; } ;;
    --back) case $#${2:-} in 2--yes | 2--lose) AGREED=$2; set -- --back ;; esac ;;
  esac
  case $#${1:-} in 0 | 1--back | 1[!-]*) ;; *) echo "$USAGE" >&2; exit 64 ;; esac
  docker info >/dev/null 2>&1 || stop 'no Docker engine answers: start Docker first'
  git rev-parse --git-dir >/dev/null || stop 'this folder is no git checkout: git clone the platform, move .env and data there'
  one_at_a_time
  if [ -f "$STATE" ]; then
    resume "$@"
    # People may have worked since, with whichever version: nobody's work is thrown away unasked.
    case $PHASE in
      saving) unedited || stop 'cannot go on, see above' ;;
      changing)
        say 'takes the old files and images, to back up again'
        { unedited && as_before && phase saving; } || stop "cannot go on, see above. Mend that, then ./upgrade.sh; or ./upgrade.sh --back returns" ;;
      migrating | proving) forward || stop "the step $PHASE to $TARGET failed, see above. Mend that, then ./upgrade.sh; or
  ./upgrade.sh --back returns to $BACK and to the data of $(minutes) minutes ago" ;;
    esac
  elif [ "${1:---back}" = --back ]; then
    say 'no upgrade is under way'; echo "$USAGE" >&2; exit 64
  else
    begin "$1"; unedited || stop 'nothing was changed'
    phase saving || stop 'backups/upgrade.state cannot be written; nothing was changed'
  fi
  [ "$PHASE" = proved ] || forward || return_to "$PHASE failed"
  rm -f "$STATE"
  say "$TARGET runs. The old images are kept as $TAG-before-upgrade, the backup is $ARCHIVE"
}
main "$@"; exit
