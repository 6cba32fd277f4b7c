#!/usr/bin/env bash
# First start of an empty volume: one role and one database for each user of the server, passwords from bootstrap.
set -euo pipefail

SECRETS=/run/secrets/postgres

make_role() { # role [database it owns]
  psql -v ON_ERROR_STOP=1 -v role="$1" -v password="$(cat "$SECRETS/$1")" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
  if [[ -n ${2:-} ]]; then
    psql -v ON_ERROR_STOP=1 -v role="$1" -v database="$2" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
  fi
}

make_role airflow airflow
make_role mlflow mlflow
make_role celery_results celery_results
make_role turo forecasts
make_role exporter
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO exporter;
GRANT pg_monitor TO exporter;
SQL
