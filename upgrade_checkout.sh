# shellcheck shell=bash
# What of the user's lies in the checkout, and how ./upgrade.sh goes from one commit to another: what users changed below
# datas/ and jupyter/notebooks/ stays.

THEIRS=(datas jupyter/notebooks) # what users change
NOT_OURS=(. "${THEIRS[@]/#/:!}") # all but that

changed_by_user() { # of a commit's samples those that are otherwise here, or were removed: names, each with a NUL
  git diff --name-only -z --no-renames HEAD -- "${THEIRS[@]}"
  git diff --name-only -z --no-renames --diff-filter=A HEAD "$1" -- "${THEIRS[@]}" |
    while IFS= read -r -d '' name; do [ ! -e "$name" ] || printf '%s\0' "$name"; done
}

leave_theirs() { # a commit: in the index its samples stand already where the user has files of these names
  changed_by_user "$1" | while IFS= read -r -d '' name; do
    git reset --quiet "$1" -- ":(literal)$name" </dev/null || exit 1
  done
}

set_out() { # to a commit, from one that has its samples already: so git has nothing to do with the user's files
  leave_theirs "$1" || return 1
  local tree commit own=(-c user.name=upgrade -c user.email=upgrade@localhost)
  tree=$(git write-tree) || return 1
  [ "$tree" != "$(git rev-parse 'HEAD^{tree}')" ] || return 0
  commit=$(git "${own[@]}" commit-tree -p HEAD -m "samples of $1" "$tree") && git update-ref --no-deref HEAD "$commit"
}

free() ( # would git go from here to that commit? Tried on a copy of its index
  index=$(git rev-parse --git-path index)
  cp "$index" "$index.upgrade" && GIT_INDEX_FILE=$(cd "${index%/*}" && pwd)/index.upgrade && export GIT_INDEX_FILE &&
    leave_theirs "$1" && tree=$(git write-tree) && git read-tree -n -m -u "$tree" "$1"
  status=$?
  rm -f "$index.upgrade" "$index.upgrade.lock"
  exit "$status"
)

samples() { # that the commit has otherwise than this one, where the user has files of these names
  changed_by_user "$1" | while IFS= read -r -d '' name; do
    [ ! -e "$name" ] || ! git cat-file -e "$1:$name" 2>/dev/null || git diff --quiet HEAD "$1" -- ":(literal)$name" ||
      printf '%s\n' "$name"
  done
}

begun() { # a file that a checkout which was killed has only begun to write
  local at size
  size=$(($(wc -c <"$1")))
  for at in "$FROM" "$TO"; do
    git cat-file -e "$at:$1" 2>/dev/null && [ "$size" -lt "$(git cat-file -s "$at:$1")" ] &&
      [ "$(git cat-file blob "$at:$1" | head -c "$size" | git hash-object --stdin)" = "$(git hash-object --no-filters -- "$1")" ] && return
  done
  return 1
}

edited() { # files of the platform whose content neither version nor a commit has: the user's work since it was begun
  { git diff --name-only -z HEAD -- "${NOT_OURS[@]}"; git diff --name-only -z --no-renames "$FROM" "$TO" -- "${NOT_OURS[@]}"; } |
    while IFS= read -r -d '' name; do
      [ -f "$name" ] && [ ! -L "$name" ] || continue
      known=$(for at in HEAD "$FROM" "$TO"; do git rev-parse --verify --quiet "$at:$name"; done)
      case $known in *"$(git hash-object -- "$name")"*) ;; *) begun "$name" || printf '%s\n' "$name" ;; esac
    done | sort -u
}

unedited() {
  local more
  more=$(edited)
  [ ! -f "$STATE" ] || rm -f "$(git rev-parse --git-path index.lock)" # of a checkout that was killed: git would stash nothing
  [ -z "$more" ] || { say "these were changed since the upgrade was begun, and would be overwritten. git stash push -- FILE keeps one
  for later, mv FILE ../ one that git does not know; then again:
$more"; return 1; }
}

checkout() { # a branch or commit; a checkout that was killed half-way is finished, files of users stay as they are
  set_out "$1" 2>/dev/null && git checkout --quiet "$1" 2>/dev/null &&
    { git diff --quiet HEAD -- "${NOT_OURS[@]}" || [ -n "$(edited)" ]; } && return
  unedited || return 1
  set_out "$1" && git checkout --quiet --force "$1" -- "${NOT_OURS[@]}" && git checkout --quiet "$1"
}

own_files() { # of the user's, beside the compose file: .env, overrides, what they name; not data, and no folder that a stack fills
  echo .env
  # By the .gitignore of the platform alone: what the user's own git passes over, Compose does not.
  local kept=("${THEIRS[@]/#/:!}" ':!backups' ':!mlruns' ':!mlflow_artifacts')
  git -c core.quotepath=off ls-files --others --exclude-per-directory=.gitignore -- . "${kept[@]}"
  git -c core.quotepath=off ls-files --others --ignored --exclude-per-directory=.gitignore -- ':(glob)*/**/*.env' "${kept[@]}"
}

beside() { # a file, or a folder with a git of its own, into another folder; a copy: containers may write to what lies there
  case $1 in
    */) mkdir -p "$2" && cp -Rp "$1." "$2" ;;
    *) mkdir -p "${2%/*}" && cp -p "$1" "$2" ;;
  esac
}

compose_file() { printf '%s\n' "${COMPOSE_FILE:-$(written COMPOSE_FILE)}"; }

overrides() { # the one that Compose takes by itself where COMPOSE_FILE is not set
  local name
  for name in compose.override.yml compose.override.yaml docker-compose.override.yml docker-compose.override.yaml; do
    [ ! -f "$name" ] || { echo "$name"; return; }
  done
}

left_out() { # an override that lies here, of a COMPOSE_FILE that does not name it
  local own
  own=$(overrides)
  case :$(compose_file): in :: | *":$own:"* | *":./$own:"*) ;; *) printf '%s\n' "$own" ;; esac
}

other_files() { # that containers were started with (`-f`), and that Compose does not take by itself
  local folder files name
  [ -n "$(compose_file)" ] ||
    docker ps --filter "label=com.docker.compose.project=$(project)" \
      --format '{{.Label "com.docker.compose.project.working_dir"}},{{.Label "com.docker.compose.project.config_files"}}' |
    while IFS=, read -r folder files; do
      tr ',' '\n' <<<"$files" | while IFS= read -r name; do printf '%s\n' "${name#"$folder"/}"; done
    done | sort -u | grep -vE '^((docker-)?compose(\.override)?\.ya?ml)?$' | paste -sd : -
}

elsewhere() { # of the files that Compose is told of those that a copy of this folder would take from another place
  printf '%s\n' "$(compose_file)" "${COMPOSE_ENV_FILES:-}" | tr ':;,' '\n' | grep -E '^/|(^|/)\.\.(/|$)' | paste -sd ' ' -
}
