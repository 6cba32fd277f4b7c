"""What `.env` says: each check fires on what is wrong, and is silent on what is right beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compose_file import compose_config

from turo.operate.doctor.checks import exposed
from turo.operate.doctor.every_check import RUNNING_IDS

Doctor = Callable[..., dict[str, Any]]

PASSWORDS = "AIRFLOW_ADMIN_PASSWORD=of-airflow\nGRAFANA_ADMIN_PASSWORD=of-grafana\nSERVE_API_KEY=of-serve\n"
OWN = PASSWORDS + "MLFLOW_ADMIN_PASSWORD=twelve-chars\n"
EXPOSED = OWN + "COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml\nTURO_DOMAIN=turo.example.com\n"

# (check, .env, words of what is said)
WRONG = [
    ("env-line", "MODEL_NAMES XGBoost\n", "line 1: not of the form NAME=value"),
    ("env-line", "A note\n", "line 1"),
    ("env-line", "SERVE_API_KEY\n", ".env, line 1: no = and no value"),
    ("env-line", "=3\n", "no name before the ="),
    ("env-line", 'AS_OF="2026-11-23\nHORIZON_DAYS=7\n', 'the " after AS_OF is never closed'),
    ("env-line", 'MODEL_NAMES="XGBoost","SVR"\n', 'MODEL_NAMES has text after its closing "'),
    ("env-unknown", "\nMODEL_NAME=XGBoost\n", "line 2: nothing reads MODEL_NAME; is MODEL_NAMES meant?"),
    ("env-unknown", "model_names=XGBoost\n", "is MODEL_NAMES meant?"),
    ("env-unknown", "COLOUR=red\n", "nothing reads COLOUR."),
    ("env-unknown", "DATA_DIR=/data\n", "DATA_DIR does nothing here"),
    ("env-unknown", "HTTPS_PROXY=http://proxy:3128\n", "HTTPS_PROXY reaches no container"),
    ("env-twice", "HORIZON_DAYS=7\nAS_OF=\nHORIZON_DAYS=28\n", "HORIZON_DAYS is in lines 1 and 3"),
    ("env-quoting", "AIRFLOW_ADMIN_PASSWORD=pa$word\n", "takes what follows a $ in AIRFLOW_ADMIN_PASSWORD"),
    ("env-quoting", "MODEL_NAMES=XGBoost,'SVR',CatBoost,KNN\n", "MODEL_NAMES has quotes inside"),
    ("env-quoting", "AIRFLOW_ADMIN_USER=' anna'\n", "begins or ends with a space"),
    ("env-value", "SERVE_MAX_ROWS=many\n", "SERVE_MAX_ROWS='many' cannot be used"),
    ("env-value", "HORIZON_DAYS=0\n", "HORIZON_DAYS='0'"),
    ("env-value", "LOG_LEVEL=debug\n", "LOG_LEVEL='debug'"),
    ("env-value", "SERVE_CORS_ORIGINS=*\n", "SERVE_CORS_ORIGINS='*'"),
    ("env-value", "BIND_ADDRESS=localhost\n", "Compose takes an IP address only"),
    ("env-value", "TRACKING_PUBLIC_HOST=https://mlflow.example.com\n", "it is no bare host name"),
    ("env-value", "PROMETHEUS_RETENTION=15\n", "it is no duration such as 15d"),
    ("env-value", "RAY_SHM_SIZE=big\n", "it is no size such as 2g"),
    ("env-value", "AIRFLOW_PORT=80801\n", "it is no port from 1 to 65535"),
    ("env-value", "RAY_OBJECT_STORE_BYTES=512m\n", "it is no whole number"),
    ("env-value", EXPOSED + "TLS_BIND_ADDRESS=localhost\n", "TLS_BIND_ADDRESS='localhost' cannot be used"),
    ("env-value", EXPOSED + "PROXY_NETWORK=10.213\n", "PROXY_NETWORK='10.213' cannot be used"),
    ("env-value", EXPOSED + "PROXY_NETWORK=10.1.2.0/29\n", "it is no three numbers of a network"),
    ("env-value", EXPOSED + "PROXY_NETWORK=10.1.256\n", "it is no three numbers of a network"),
    ("exposed", EXPOSED + "TURO_ACME_EMAIL=me\n", "TURO_ACME_EMAIL: me is no mail address"),
    ("env-effect", "ALLOW_INSECURE=1\n", "ALLOW_INSECURE=1 does nothing"),
    ("env-effect", "RAY_WORKER_MEM_LIMIT=8g\n", "RAY_WORKER_MEM_LIMIT=8g does nothing"),
    ("ports-equal", "AIRFLOW_PORT=8000\n", "AIRFLOW_PORT and SERVE_PORT are both 8000"),
    ("models", "MODEL_NAMES=XGBoost,SVR\n", "MODEL_NAMES has 2 names (XGBoost, SVR), MODEL_PATHS 4 paths"),
    ("models", "MODEL_NAMES=KNN,knn\nMODEL_PATHS=knn,svr\n", "KNN and knn stand for one route"),
    ("models", "MODEL_NAMES=Own\nMODEL_PATHS=own\n", "there is no mlflow/projects/own/MLproject"),
    ("models", "FORECAST_MODEL=xgboost\n", "FORECAST_MODEL=xgboost is none of MODEL_NAMES"),
    ("replicas", "SERVE_MIN_REPLICAS=3\n", "SERVE_MIN_REPLICAS=3 is more than SERVE_MAX_REPLICAS=2"),
    ("models", "MODEL_NAMES=docs\nMODEL_PATHS=knn\n", "docs cannot be a route"),
    ("models", "MODEL_NAMES=K NN\nMODEL_PATHS=knn\n", "K NN cannot be a route"),
    ("replicas-memory", "SERVE_MAX_REPLICAS=10\n", "4 models at 10 replicas may take 11.0 GiB"),
    ("ray-memory", "RAY_OBJECT_STORE_BYTES=2147483648\n", "does not fit into RAY_SHM_SIZE=1g"),
    ("ray-memory", "RAY_SHM_SIZE=8g\n", "no less than RAY_MEM_LIMIT=7g"),
    ("open-ports", "BIND_ADDRESS=0.0.0.0\n", "AIRFLOW_ADMIN_PASSWORD is the public default"),
    ("open-ports", "BIND_ADDRESS=192.168.1.5\nAIRFLOW_ADMIN_PASSWORD=a1\nGRAFANA_ADMIN_PASSWORD=b2\n",
     "SERVE_API_KEY is not set"),
    ("open-ports", "BIND_ADDRESS=0.0.0.0\nALLOW_INSECURE=1\n", "opens the ports to other machines"),
    ("open-ports", "BIND_ADDRESS=[::]\n", "TRACKING_PUBLIC_HOST is still localhost"),
    ("store-place", "BACKEND_URI=sqlite:///mlruns/mlflow.db\n", "is no file in /opt/turo/mlruns/"),
    ("exposed", "COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml\n", "but TURO_DOMAIN is not set"),
    ("exposed", "MLFLOW_ADMIN_PASSWORD=twelve-chars\n", "does nothing without TURO_DOMAIN"),
    ("exposed", OWN + "TURO_DOMAIN=turo.example.com\n", "COMPOSE_FILE does not name docker-compose.tls.yml"),
    ("exposed", EXPOSED + "MLFLOW_ADMIN_PASSWORD=eleven-char\n", "it needs 12 characters or more"),
    ("exposed", EXPOSED + "MLFLOW_ADMIN_PASSWORD=password1234\n", "PASSWORD: it is the public default"),
    ("exposed", EXPOSED + "SERVE_API_KEY=seven-c\n", "SERVE_API_KEY: it needs 8 characters"),
    ("exposed", EXPOSED + "AIRFLOW_ADMIN_PASSWORD=a\n", "AIRFLOW_ADMIN_PASSWORD: it needs 8 characters"),
    ("exposed", EXPOSED + "GRAFANA_ADMIN_PASSWORD=admin\n", "GRAFANA_ADMIN_PASSWORD: it is the public"),
    ("exposed", EXPOSED + "SERVE_API_KEY=\n", "SERVE_API_KEY: it is not set"),
    ("exposed", EXPOSED + "BIND_ADDRESS=0.0.0.0\n", "0.0.0.0 opens the ports without TLS"),
    ("exposed", EXPOSED + "HTTPS_PORT=443\n", "443 is what it is anyway"),
    ("exposed", EXPOSED + "TURO_DOMAIN=https://turo.example.com\n", "turo.example.com is no host name"),
    ("ports-equal", EXPOSED + "HTTP_PORT=8080\n", "AIRFLOW_PORT and HTTP_PORT are both 8080"),
    ("store-place", "BACKEND_URI=postgresql://mlflow@postgres/mlflow\n", "begins with postgresql://"),
    ("store-place", "ARTIFACT_ROOT=/data/artifacts\n", "is not below /opt/turo/mlflow_artifacts"),
    ("container-address", "FORECASTS_URI=postgresql://turo@localhost/forecasts\n", "is the container itself"),
    ("container-address", "RAY_ADDRESS=ray://127.0.0.1:10001\n", "127.0.0.1 is the container itself"),
    ("container-address", "BACKEND_URI=postgresql+psycopg2://me@db.example/m\n", "leads to db.example"),
    ("container-address", "TRACKING_BIND_HOST=127.0.0.1\n", "listens inside its container only"),
    ("container-address", "AIRFLOW_VAR_RAY_ADDRESS=ray://ray-two:10001\n", "but RAY_ADDRESS=ray://ray:10001"),
    ("input-files", "RESERVATIONS_FILE=trip_earnings_export_*.csv\n", "is called trip_earnings_export_*.csv"),
    ("input-files", "VEHICLES_FILE=fleet.csv\n", "VEHICLES_FILE: nothing in datas/ is called fleet.csv"),
    ("as-of", "AS_OF=23.11.2026\n", "AS_OF=23.11.2026 is no date"),
    ("as-of", "AS_OF=2999-01-01\n", "is in the future"),
    ("as-of", "AS_OF=2020-01-01\n", "but the newest reservations came"),
    ("timezone", "TIMEZONE=PST8\n", "TIMEZONE=PST8 is not the name"),
    ("horizons", "HORIZON_DAYS=14\n", "HORIZON_DAYS=14 is not among FORECAST_HORIZONS=7,28,90"),
    ("older-snapshot", "ACCEPT_OLDER_SNAPSHOT=true\n", "ACCEPT_OLDER_SNAPSHOT is on"),
]  # fmt: skip

RIGHT = [
    "",
    EXPOSED,
    EXPOSED + "TLS_BIND_ADDRESS=[::]\nPROXY_NETWORK=172.31.0\n",
    EXPOSED + "HTTPS_PORT=8443\nTURO_ACME_EMAIL=me@example.com\n",
    "\ufeff# a note\n\nexport HORIZON_DAYS=28 # as it is\r\n",
    "MODEL_NAMES=KNN\nMODEL_PATHS=knn\nFORECAST_MODEL=KNN\n",
    'AIRFLOW_ADMIN_PASSWORD=\'pa$word "q"\'\nGRAFANA_ADMIN_PASSWORD="b\\"2"\nJUPYTER_TOKEN=a$$b\n',
    "SERVE_MIN_REPLICAS=3\nSERVE_MAX_REPLICAS=3\nRAY_SHM_SIZE=2g\nRAY_OBJECT_STORE_BYTES=1073741824\n",
    "BIND_ADDRESS=0.0.0.0\nAIRFLOW_ADMIN_PASSWORD=a1\nGRAFANA_ADMIN_PASSWORD=b2\nSERVE_API_KEY=c3\n"
    "TRACKING_PUBLIC_HOST=forecasts.example.com\n",
    "BACKEND_URI=postgresql+psycopg2://mlflow@postgres/mlflow\nARTIFACT_ROOT=s3://bucket/turo\n",
    "RAY_WORKERS=1\nRAY_WORKER_MEM_LIMIT=8g\nCOMPOSE_PROFILES=operate\nTURO_TAG=v1\n",
    "AIRFLOW_PORT=8081\nRAY_DASHBOARD_PORT=8266\nTIMEZONE=Europe/Berlin\nDATE_ORDER=DMY\nTARGET=revenue\n",
]


@pytest.mark.parametrize(("check", "env", "words"), WRONG)
def test_what_is_wrong_is_named(doctor: Doctor, check: str, env: str, words: str) -> None:
    told = doctor(env)
    found = [each for each in told["findings"] if each["check"] == check]
    assert any(words in each["what"] for each in found), told["findings"]
    assert all(each["why"] and each["remedy"] for each in found)
    assert {each["link"] for each in found} == {f"docs/runbook.md#{check}"}
    errors = [each for each in told["findings"] if each["severity"] == "error"]
    assert told["exit"] == (1 if errors else 0)


@pytest.mark.parametrize("env", RIGHT)
def test_what_is_right_is_left_alone(doctor: Doctor, env: str) -> None:
    told = doctor(env)
    assert told["findings"] == []
    assert told["exit"] == 0
    assert set(told["skipped"]) == RUNNING_IDS


@pytest.mark.parametrize(
    "env",
    [
        "BIND_ADDRESS=localhost",
        "BIND_ADDRESS=::",
        "BIND_ADDRESS=[::1]",
        "BIND_ADDRESS=127.0.0.1",
        "RAY_MEM_LIMIT=7Gi",
        "RAY_MEM_LIMIT=7gib",
        "RAY_MEM_LIMIT=1.5g",
        "JUPYTER_MEM_LIMIT=0",
        "RAY_WORKERS=two",
        "AIRFLOW_PORT=http",
        "TLS_BIND_ADDRESS=localhost",
        "TLS_BIND_ADDRESS=[::]",
    ],
)
def test_compose_refuses_what_the_doctor_refuses(doctor: Doctor, env: str) -> None:
    name, value = env.split("=")
    refused = False
    try:
        compose_config("docker-compose.yml", exposed.OVERLAY, TURO_DOMAIN="x.org", **{name: value})
    except subprocess.CalledProcessError:
        refused = True
    found = [each for each in doctor(env)["findings"] if each["check"] == "env-value"]
    assert bool(found) is refused


def test_every_default_of_the_example_is_right(doctor: Doctor) -> None:
    from tools import REPOSITORY

    from turo.operate.doctor import project_files

    offered = project_files.offered(REPOSITORY)
    told = doctor("".join(f"{name}='{value}'\n" for name, value in offered.items()))
    assert [each for each in told["findings"] if each["severity"] != "note"] == []


def test_a_secret_that_cannot_be_used_is_not_shown(doctor: Doctor) -> None:
    told = doctor("SERVE_API_KEY=schlüssel\n")
    assert "SERVE_API_KEY=… cannot be used" in told["findings"][0]["what"]
    assert "schl" not in str(told)
    told = doctor("BACKEND_URI=postgresql://me:secret@db/mlflow\n")
    assert told["findings"]
    assert "secret" not in str(told["findings"])


def test_the_export_that_lies_there_is_named(doctor: Doctor, project: Any) -> None:
    (project / "datas/reservations.csv").rename(project / "datas/trip_earnings_export_20261123.csv")
    (found,) = doctor()["findings"]
    assert found["check"] == "input-files"
    assert (
        "RESERVATIONS_FILE=trip_earnings_export_*.csv in .env: trip_earnings_export_20261123.csv"
        in (found["remedy"])
    )


def test_allowed_doors_are_a_warning_and_others_an_error(doctor: Doctor) -> None:
    doors = "BIND_ADDRESS=0.0.0.0\nTRACKING_PUBLIC_HOST=example.com\n"
    assert [each["severity"] for each in doctor(doors)["findings"]] == ["error"]
    assert [each["severity"] for each in doctor(doors + "ALLOW_INSECURE=1\n")["findings"]] == ["warning"]
    for other in ("true", "yes", "0"):
        (found,) = doctor(f"{doors}ALLOW_INSECURE={other}\n")["findings"]
        assert found["severity"] == "error"
        assert f"refuses to start the stack: ALLOW_INSECURE={other} does not allow it" in found["why"]


def test_a_variable_of_an_override_file_has_a_reader(doctor: Doctor, project: Any) -> None:
    (project / "docker-compose.override.yml").write_text(
        "services: {ray: {environment: {A: '${MY_OWN:-}'}}}\n"
    )
    assert doctor("MY_OWN=1\n")["findings"] == []


def test_the_environment_of_the_doctor_is_nobodys_choice(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HORIZON_DAYS", "many")
    assert doctor()["findings"] == []


@pytest.mark.parametrize(
    "env",
    [
        "AIRFLOW_ADMIN_PASSWORD=hun$topsecret\n",
        "SERVE_API_KEY=abc\ntopsecret123\n",
        "SERVE_API_KEY=abc\ntopsecret=\n",
        "BACKEND_URI=postgresql://u@h/db?password=topsecret\n",
        "BACKEND_URI=postgresql://u:topsecret@h/db\n",
        "FORECASTS_URI=postgresql://u:topsecret@127.0.0.1/x\n",
        "ALERT_WEBHOOK_URL=hooks.x.org/topsecret\n",
        "ALERT_EMAIL_TO=me@x.org\nALERT_SMTP_PASSWORD=topsecret\n",
        "SERVE_API_KEY=' topsecret'\n",
        "BACKEND_URI=postgresql://mlflow:topsecret?2@postgres/mlflow\n",
        "BACKEND_URI=postgresql://mlflow:top?topsecret@postgres/mlflow\n",
        "BACKEND_URI=postgresql://u@h/db?password=a@topsecret\n",
        "SERVICE_URLS=jupyter=https://u:topsecret@h:9 9/\n",
        "SERVICE_URLS=jupyter=https://u:top/topsecret@h:9 9/\n",
        "SERVICE_URLS=jupyter='https://u:topsecret@h:99/\n",
    ],
)
def test_no_secret_is_told(doctor: Doctor, env: str) -> None:
    told = doctor(env)
    assert told["findings"]
    assert "topsecret" not in json.dumps(told)


@pytest.mark.parametrize("name", ["docker-compose.override.yml", "compose.override.yaml"])
def test_an_override_that_compose_file_leaves_out_is_told(doctor: Doctor, project: Path, name: str) -> None:
    (project / name).write_text("services: {}\n")
    files = "COMPOSE_FILE=docker-compose.yml:mine.yml"
    (found,) = doctor(f"{files}\n")["findings"]
    assert (found["check"], found["severity"]) == ("override-left-out", "warning")
    assert found["what"] == f"COMPOSE_FILE leaves {name} out."
    assert f"Write {files}:{name} in .env" in found["remedy"]
    assert doctor(f"{files}:./{name}\n")["findings"] == []
    assert doctor("")["findings"] == []
    semicolon = f"COMPOSE_PATH_SEPARATOR=;\n{files.replace(':', ';')};{name}\n"
    assert doctor(semicolon)["findings"] == []


def test_without_an_override_compose_file_leaves_nothing_out(doctor: Doctor) -> None:
    assert doctor("COMPOSE_FILE=docker-compose.yml:mine.yml\n")["findings"] == []
