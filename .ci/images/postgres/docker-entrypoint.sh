#!/usr/bin/env bash
# Initialise the cluster on first start, as the official image does, then become the server.
set -euo pipefail

value_of() { # NAME default: the variable, or the content of the file NAME_FILE
  local file="${1}_FILE"
  if [[ -n ${!file:-} ]]; then cat "${!file}"; else echo "${!1:-$2}"; fi
}

run_script() {
  echo "$0: running $1"
  # shellcheck disable=SC1090  # the user's scripts: run when executable, else read, as the official image does
  case $1 in
    *.sh) if [[ -x $1 ]]; then "$1"; else . "$1"; fi ;;
    *.sql) "${psql[@]}" --dbname "$POSTGRES_DB" -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | "${psql[@]}" --dbname "$POSTGRES_DB" ;;
  esac
}

initialise() {
  POSTGRES_USER=$(value_of POSTGRES_USER postgres)
  POSTGRES_PASSWORD=$(value_of POSTGRES_PASSWORD '')
  POSTGRES_DB=$(value_of POSTGRES_DB "$POSTGRES_USER")
  export POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB PGPASSWORD=$POSTGRES_PASSWORD
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} arguments
  if [[ -z $POSTGRES_PASSWORD && $method != trust ]]; then
    echo 'Database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD_FILE' >&2
    exit 1
  fi
  # The variable holds command line arguments, quotes and all.
  eval "arguments=(${POSTGRES_INITDB_ARGS:-})"
  initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") "${arguments[@]}"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # Scripts see a server on the socket only: nobody connects to a half-made database.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  psql=(psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER")
  if [[ $POSTGRES_DB != postgres ]]; then
    "${psql[@]}" --dbname postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
  fi
  for script in /docker-entrypoint-initdb.d/*; do
    if [[ -f $script ]]; then run_script "$script"; fi
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
}

if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi
if [[ ${1:-} == postgres ]]; then
  if ((EUID == 0)); then
    install -d -o postgres -g postgres -m 0700 "$PGDATA"
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
  fi
  mkdir -p "$PGDATA" && chmod 0700 "$PGDATA"
  if [[ ! -s $PGDATA/PG_VERSION ]]; then initialise; fi
fi
exec "$@"
