"""All checks, in the order in which they are told."""

from __future__ import annotations

from turo.operate.doctor.checks import (
    choices,
    data,
    env_lines,
    env_values,
    exposed,
    folders,
    machine,
    places,
    ports,
    receivers,
    upgrades,
)
from turo.operate.doctor.checks.running import (
    access,
    certificate,
    containers,
    pipeline,
    rooms,
    routes,
    services,
)
from turo.operate.doctor.finding import Check, Needs, Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
HOST, PROJECT, STACK = Needs.HOST, Needs.PROJECT, Needs.STACK

MACHINE = (
    Check("docker-version", ERROR, "version of Docker's engine", machine.docker_version, HOST),
    Check("compose-version", ERROR, "version of Docker Compose", machine.compose_version, HOST),
    Check("memory", WARNING, "memory of Docker's machine", machine.memory, HOST),
    Check("processors", ERROR, "processors, and what replicas reserve of them", machine.processors, HOST),
    Check("disk-space", WARNING, "free room on disk", machine.disk_space, HOST),
    Check("port-taken", ERROR, "who listens on our ports", ports.port_taken, HOST),
    Check("clock", WARNING, "clocks of host, containers, files and the outside", machine.clock),
    Check("folders", ERROR, "shared folders, who may write", folders.folders, PROJECT, folders.make_folders),
    Check(
        "shell-variable", WARNING, "variables of the shell that win over .env", env_lines.shell_variable, HOST
    ),
    Check("proxy", WARNING, "the shell's proxy and localhost", places.proxy, HOST),
)
WRITTEN = (
    Check("env-line", ERROR, "the form of .env's lines", env_lines.env_line, PROJECT),
    Check("env-unknown", WARNING, "names that nobody reads", env_lines.env_unknown, PROJECT),
    Check("env-twice", WARNING, "names that occur twice", env_lines.env_twice, PROJECT),
    Check("env-quoting", WARNING, "quotes, spaces and $ in values", env_lines.env_quoting, PROJECT),
    Check("env-value", ERROR, "values that are refused", env_values.env_value, PROJECT),
    Check("env-effect", NOTE, "values that do nothing", env_lines.env_effect, PROJECT),
    Check(
        "override-left-out", WARNING, "COMPOSE_FILE and the override", env_lines.override_left_out, PROJECT
    ),
    Check("env-private", WARNING, "who may read .env", folders.env_private, PROJECT, folders.close_env),
    Check("ports-equal", ERROR, "two services on one port", ports.ports_equal, PROJECT),
    Check("models", ERROR, "MODEL_NAMES, MODEL_PATHS, FORECAST_MODEL", choices.models, PROJECT),
    Check("replicas", WARNING, "SERVE_MIN_REPLICAS and SERVE_MAX_REPLICAS", choices.replicas, PROJECT),
    Check("replicas-memory", WARNING, "memory of all replicas", choices.replicas_memory, PROJECT),
    Check("ray-memory", ERROR, "Ray's store, shared memory and limit", choices.ray_memory, PROJECT),
    Check("open-ports", ERROR, "passwords where ports are open", choices.open_ports, PROJECT),
    Check("exposed", ERROR, "what is put behind TLS", exposed.exposed, PROJECT),
    Check("alert-receivers", ERROR, "who is told of alerts", receivers.alert_receivers, PROJECT),
    Check("grafana-password", WARNING, "Grafana's password", choices.grafana_password, PROJECT),
    Check("store-place", ERROR, "MLflow's store and artifacts", places.store_place, PROJECT),
    Check("container-address", ERROR, "addresses that containers call", places.container_address, PROJECT),
    Check("input-files", WARNING, "input files by their names", data.input_files, PROJECT),
    Check("as-of", ERROR, "AS_OF", data.as_of, PROJECT),
    Check("timezone", ERROR, "TIMEZONE", data.timezone, PROJECT),
    Check("horizons", WARNING, "HORIZON_DAYS and FORECAST_HORIZONS", data.horizons, PROJECT),
    Check("older-snapshot", NOTE, "ACCEPT_OLDER_SNAPSHOT", data.older_snapshot, PROJECT),
    Check("end-of-life", WARNING, "ends of life of what is pinned", data.end_of_life),
    Check("upgrade-unfinished", WARNING, "upgrades under way", upgrades.upgrade_unfinished),
)
RUNNING = (
    Check("container-state", ERROR, "containers as Docker has them", containers.container_state, HOST),
    Check("container-memory", WARNING, "memory limits in force", containers.container_memory, HOST),
    Check("outside", ERROR, "published ports, from this machine", containers.outside, HOST),
    Check("service-away", ERROR, "who answers", services.service_away, STACK),
    Check("service-answer", ERROR, "logins, keys, and the form of answers", services.service_answer, STACK),
    Check("service-clock", ERROR, "clocks of the services", services.service_clock, STACK),
    Check("certificate", ERROR, "certificates behind TLS", certificate.certificate, STACK),
    Check("airflow-part", ERROR, "Airflow's parts", services.airflow_part, STACK),
    Check("secrets-agree", ERROR, "passwords, key and token against the vault", access.secrets_agree, STACK),
    Check("host-allowed", ERROR, "names under which MLflow answers", access.host_allowed, STACK),
    Check("versions", WARNING, "versions across containers", access.versions, STACK),
    Check("route-away", ERROR, "routes of MODEL_NAMES", routes.route_away, STACK),
    Check("route-refused", ERROR, "versions that could not be served", routes.route_refused, STACK),
    Check("route-behind", WARNING, "served version and champion", routes.route_behind, STACK),
    Check("champion-data", NOTE, "the data of the champions", routes.champion_data, STACK),
    Check("stack-disk", WARNING, "room where services write", rooms.stack_disk, STACK),
    Check("ray-room", WARNING, "Ray's shared memory and memory", rooms.ray_room, STACK),
    Check("ray-processors", ERROR, "processors for replicas and tasks", rooms.ray_processors, STACK),
    Check("owners", ERROR, "who may write below the folders", rooms.owners, STACK),
    Check("import-errors", ERROR, "DAG files", pipeline.import_errors, STACK),
    Check("dag-paused", WARNING, "DAGs that are paused", pipeline.dag_paused, STACK),
    Check("failed-run", WARNING, "last runs of DAGs", pipeline.failed_run, STACK),
    Check("failed-step", WARNING, "last runs of steps", pipeline.failed_step, STACK),
    Check("table-notes", ERROR, "notes beside table and forecast", pipeline.table_notes, STACK),
    Check("backup-fresh", WARNING, "the newest backup", pipeline.backup_fresh, STACK),
    Check("backup-whole", WARNING, "what the newest backup lacks", pipeline.backup_whole, STACK),
    Check("target-down", WARNING, "whom Prometheus reads from", services.target_down, STACK),
    Check("alert-firing", WARNING, "alerts that fire", services.alert_firing, STACK),
)
RUNNING_IDS = frozenset(check.id for check in RUNNING if check.needs is STACK)
UNANSWERED = Check("unanswered", WARNING, "what could not be looked at", machine.unanswered)
CHECKS = (*MACHINE, *WRITTEN, *RUNNING, UNANSWERED)
