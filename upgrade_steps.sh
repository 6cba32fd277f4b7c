# shellcheck shell=bash
# The steps of ./upgrade.sh, which reads this file whole before the checkout changes below it.
# Each is safe to repeat: a killed upgrade goes on with the step it was in.

STATE=backups/upgrade.state # read by sed, never run: containers may write to backups/

say() { printf 'upgrade: %s\n' "$1"; }
stop() { printf 'upgrade: %s\n' "$1" >&2; exit 1; }
state() { [ ! -f "$STATE" ] || sed -n "s/^$1=//p" "$STATE" | head -n 1; }
. ./written.sh
quietly() { docker compose --progress quiet "$@"; }

one_at_a_time() {
  LOCK=backups/upgrade.pid WORK=''
  if ! (set -C; echo $$ >"$LOCK") 2>/dev/null; then
    ps -p "$(cat "$LOCK")" -o args= 2>/dev/null | grep -q upgrade.sh &&
      stop "another one is under way, process $(cat "$LOCK"): wait for it"
    rm -f "$LOCK" # it may be a link
    (set -C; echo $$ >"$LOCK") || stop 'backups/ cannot be written to: docker compose run --rm bootstrap shares it'
  fi
  rm -rf backups/.upgrade-?????? # of a killed one
  trap 'rm -rf "$LOCK" ${WORK:+"$WORK"}' EXIT
  trap 'stop "interrupted$([ ! -f "$STATE" ] || echo " half-way: ./upgrade.sh goes on, ./upgrade.sh --back returns")"' INT TERM
}

phase() { # name: from now on a kill is taken up there
  PHASE=$1
  rm -f "$STATE.tmp" # a link that was laid there is not followed
  (set -C; printf '%s\n' "phase=$PHASE" "from=$FROM" "back=$BACK" "to=$TO" "target=$TARGET" "tag=$TAG" "archive=$ARCHIVE" \
    "saved=$SAVED" "project=$PROJECT" "$BEGUN_WITH" >"$STATE.tmp") && mv -f "$STATE.tmp" "$STATE"
}

ours() { # are the words of the note of the kind that phase() writes? Nothing of it is run, or taken for an option
  local commit='^[0-9a-f]{40,64}$' name='^[A-Za-z0-9_][A-Za-z0-9_.-]*$' archive='^(turo-[A-Za-z0-9.+-]+)?$' time='^([1-9][0-9]{0,11})?$'
  case $PHASE in saving | changing | migrating | proving | restoring | restored) ;; *) return 1 ;; esac
  [[ $FROM =~ $commit && $TO =~ $commit && $TAG =~ $name && $BACK =~ ^[^-] && $ARCHIVE =~ $archive && $SAVED =~ $time ]]
}

SHELL_SAYS='COMPOSE_FILE COMPOSE_PATH_SEPARATOR COMPOSE_PROFILES COMPOSE_ENV_FILES' # to Compose, beside name and tag

shell_says() { local name; for name in $SHELL_SAYS; do [ -z "${!name:-}" ] || printf '%s=%s\n' "$name" "${!name}"; done; }

same_stack() { # as of the shell that began it. No file is taken from a note that containers may write: it is asked for
  local name was is
  is=${TURO_TAG:-$(written TURO_TAG)}
  [ "${is:-local}" = "$TAG" ] || export TURO_TAG=$TAG
  for name in $SHELL_SAYS; do
    was=$(state "$name") is=${!name:-}
    [ "${is:-$(written "$name")}" != "$was" ] && [ "$was$is" != '' ] || continue
    [ -n "$was" ] || stop "$name is set in this shell, and the upgrade was begun without: unset it, then again"
    stop "$name is another one here, and the upgrade was begun with it: export $name=$(printf %q "$was"), then again"
  done
  was=$(state project) is=$(project)
  [ -z "$was" ] || [ "${is:-$was}" = "$was" ] ||
    stop "the upgrade was begun as the project $was, and here it is $is: export COMPOSE_PROJECT_NAME=$(printf %q "$was"), then again"
}

minutes() { echo $((($(date +%s) - ${SAVED:-0}) / 60)); } # since the backup

fresh() { local age; age=$(minutes); [ "$age" -ge 0 ] && [ "$age" -lt 60 ]; } # the backup

tag() { # one tag of our images as another, of all that the files here name
  local name
  for name in $(docker compose config --images | sed -n "s/^\(turo\/[^:]*\):${TAG//./\\.}\$/\1/p" | sort -u); do
    docker image inspect "$name:$1" >/dev/null 2>&1 || { say "the image $name:$1 is gone (docker image prune?)"; return 1; }
    docker tag "$name:$1" "$name:$2" || return 1
  done
}

own_digests() { # files of `make digests` that no commit here has: they would put the old images in place of the new
  local name
  for name in *.digests.yml; do
    [ ! -f "$name" ] || git ls-files --error-unmatch -- "$name" >/dev/null 2>&1 || echo "$name"
  done
}

project() { docker compose config | sed -n 's/^name: //p'; }

other_projects() { # under whose names containers of this very folder run
  docker ps --filter "label=com.docker.compose.project.working_dir=$PWD" \
    --format '{{.Label "com.docker.compose.project"}}' | sort -u | grep -vxF "$(project)" | head -n 1
}

there() { (cd "$WORK" && TURO_TAG="$TAG-upgrade" CODE_VERSION="${TO:0:12}" docker compose "$@"); }

check() { # the version, in a folder of its own: is the way open, and is the user's configuration understood there
  WORK=$(mktemp -d "$PWD/backups/.upgrade-XXXXXX") || return 1 # in a folder that Docker surely sees
  git archive "$TO" | tar -xf - -C "$WORK" && chmod -R a+rX "$WORK" || return 1
  own_files | while IFS= read -r own; do
    [ ! -r "$own" ] || [ -e "$WORK/$own" ] || beside "./$own" "$WORK/$own" || exit 1
  done || return 1
  there config --quiet || { say 'it is tried in a copy of this folder: what it did not find there by ../ or a path from / belongs in here,
  what a .gitignore of yours passes over under a name in .env'; return 1; }
  { [ ! -f .env ] || sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=.*/\1/p' .env; } |
    quietly run --rm -T --no-deps -v "$WORK:/target:ro" operator turo upgrade check /target --names
}

build() { # the version's images beside those in use, so that the way back needs no build
  there build && there pull --ignore-buildable --policy missing &&
    { tag "$TAG" "$TAG-before-upgrade" || { say 'docker compose build makes it again; then again'; false; }; } &&
    quietly run --rm -T --no-deps operator turo upgrade note
}

save() { # what stands still is the same in the archive and after a roll-back
  local told
  docker compose stop && docker compose up -d --wait postgres || return 1
  told=$(quietly run --rm -T operator turo backup) || return 1
  printf '  %s\n' "$told"
  ARCHIVE=$(printf '%s\n' "$told" | sed -n 's/^\(turo-[^ :]*\.tar\.gz\):.*/\1/p' | head -n 1)
  SAVED=$(date +%s) LATE=''
  [ -n "$ARCHIVE" ]
}

change() { docker compose down --remove-orphans && checkout "$TO" && tag "$TAG-upgrade" "$TAG"; }

migrate() { # the forecasts' tables are altered by whoever writes to them
  # To run mlflow Compose builds again what its image stands on: of the same arguments that is the same image.
  local -x CODE_VERSION="${TO:0:12}"
  # shellcheck disable=SC2016 # the container's variable
  quietly run --rm -T airflow_init &&
    quietly run --rm -T --no-deps mlflow sh -c 'exec mlflow db upgrade "$BACKEND_URI"'
}

prove() { docker compose up -d --wait --wait-timeout 1800 && quietly exec -T operator turo upgrade prove; }

forward() { # from the step that was under way
  if [ "$PHASE" = saving ]; then say 'stops, and backs up' && save && phase changing || return 1; fi
  if [ "$PHASE" = changing ]; then say "changes to $TARGET" && change && phase migrating || return 1; fi
  if [ "$PHASE" = migrating ]; then say 'migrates the databases' && migrate && phase proving || return 1; fi
  say 'starts, and asks everything' && prove && PHASE=proved
}

keep() { # what the new version has made: it is put aside where it is files, and is in no database of the old one
  [ "$AGREED" != --lose ] || return 0
  docker compose stop && docker compose up -d --wait postgres && quietly run --rm -T operator turo backup --kept && return
  [ -n "$LATE" ] || { say "what $TARGET left in the databases cannot be kept: nobody has worked with it"; return 0; }
  say 'what is in the databases now cannot be kept, see above. Mend that; or ./upgrade.sh --back --lose goes without'
  return 1
}

sound() { # the archive, by the code that shall bring it back, while everything still stands
  local by=$TAG-before-upgrade
  docker image inspect "turo/operator:$by" >/dev/null 2>&1 || by=$TAG # or Compose builds it, of the new files
  TURO_TAG=$by quietly run --rm -T --no-deps operator turo backup --verify "$ARCHIVE"
}

as_before() { # the old files and images
  local here
  here=$(git rev-parse HEAD)
  case $here in "$FROM" | "$TO") ;; *) say "what was committed since is left here: git branch NAME $here keeps it" ;; esac
  docker compose down --remove-orphans && checkout "$BACK" || return 1
  [ "$(git rev-parse HEAD)" = "$FROM" ] || checkout "$FROM" || return 1
  tag "$TAG-before-upgrade" "$TAG" || { say "builds $BACK again" && docker compose build; }
}

back() { # to the version of before, with the data of before where they may have been touched
  local volume touched=''
  # Before anything is taken down, but where a version that nobody has used yet has failed: then checkout looks.
  case ${LATE:+$PHASE} in '' | saving | restored) ;; *) unedited || return 1 ;; esac
  case $PHASE in
    saving | changing | restored) ;;
    *) touched=1; sound && keep && phase restoring || return 1 ;; # again where it was begun: people may have worked since
  esac
  case $PHASE in saving | restored) ;; *) as_before || return 1 ;; esac
  if [ -n "$touched" ]; then
    # Its queue is of the other version; what waited is queued again by the scheduler.
    for volume in $(docker volume ls -q --filter "label=com.docker.compose.project=$(project)" \
      --filter label=com.docker.compose.volume=redis_data); do docker volume rm "$volume" >/dev/null || return 1; done
    quietly run --rm -T --entrypoint turo restore upgrade back "$ARCHIVE" && phase restored || return 1
  fi
  docker compose up -d --wait --wait-timeout 1800
}
