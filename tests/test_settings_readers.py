"""The environment is read at the edges only, once a process; everything else is handed the settings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("src/turo", "dags", "mlflow")
REMEDY = (
    "Take what you need as a parameter: the Settings, or the one value. Callers get them from the edges that "
    "tests/test_settings_readers.py names: cli.py, demo.py, DAG files and others. A new variable becomes a "
    "field of Settings."
)

# Where a process begins: who reads the settings there, and hands them on.
READ_SETTINGS = {
    "src/turo/cli.py": "the command line, which every Ray job is as well",
    "src/turo/demo/platform.py": "begins with the environment that it makes for its child processes",
    "src/turo/mlflow_container/first_start.py": "main of the mlflow container",
    "src/turo/training/entry.py": "main of every project's train.py",
    "src/turo/serving/replica/model_app.py": "a replica, which Serve starts in a process of its own",
    "src/turo/serving/replica/catalog.py": "likewise",
    "src/turo/serving/replica/shadow.py": "likewise",
    "src/turo/serving/http/before_queue.py": "likewise: Serve calls it by name, without arguments",
    "src/turo/mlflow_container/health.py": "main of a health check",
    "src/turo/mlflow_container/accounts.py": "main of what runs before MLflow's server",
    "src/turo/mlflow_container/gunicorn_settings.py": "a worker of MLflow's server, which Gunicorn starts",
    "src/turo/orchestration/ray_job.py": "a task, which Airflow starts in a process of its own",
    "dags/prepare_data.py": "a DAG file",
    "dags/forecast_fleet.py": "a DAG file",
    "dags/new_files.py": "a DAG file",
    "dags/nightly_backup.py": "a DAG file",
    "dags/retrain.py": "a DAG file",
    "dags/replay_track_record.py": "a DAG file",
}
# Variables that are no settings of ours, or that others read.
TOUCH_VARIABLES = {
    "src/turo/environment.py": "lends variables to children and libraries, and puts back what was there",
    "src/turo/cli.py": "sets what Ray reads when it is imported",
    "src/turo/demo/platform.py": "sets what the demo's child processes read",
    "src/turo/demo/services.py": "hands the environment to MLflow, and sets what Ray and Serve read",
    "src/turo/demo/guard.py": "finds what the demo started by a mark that it hands down",
    "src/turo/serving/ingress/haproxy.py": "a program that a change of replicas waits for: loads no settings",
    "src/turo/mlflow_container/server.py": "hands on what MLflow makes for its server, which it becomes",
    "src/turo/orchestration/role_health.py": "Airflow's options; starts every few seconds: loads no settings",
    "src/turo/orchestration/initialise.py": "main of airflow_init; the administrator's login is Airflow's",
}
OF_OS = {"environ", "environb", "getenv", "getenvb"}
OF_SETTINGS = {"load", "Settings"}


def imported(tree: ast.Module) -> dict[str, str]:
    """Name in a file → what it stands for, with its module."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            roots = (alias.name.split(".")[0] for alias in node.names if not alias.asname)
            found |= {root: root for root in roots}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def touches_variables(source: str) -> bool:
    """Whether code names the environment of the process."""
    tree = ast.parse(source)
    names = imported(tree)
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name))
    wanted = {f"os.{name}" for name in OF_OS}
    return bool(wanted & {_meaning(node, names) for node in used})


def reads_settings(source: str) -> bool:
    """Whether code makes the settings out of the environment; to name their class as a type is none of it."""
    tree = ast.parse(source)
    names = imported(tree)
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    wanted = {f"turo.settings.{name}" for name in OF_SETTINGS}
    return bool(wanted & {_meaning(node, names) for node in called})


def _meaning(node: ast.expr, names: dict[str, str]) -> str:
    """`os.environ` of `o.environ` after `import os as o`."""
    first, dot, rest = ast.unparse(node).partition(".")
    return f"{names.get(first, '')}{dot}{rest}"


def files() -> dict[str, str]:
    """Path below the repository → source, of what runs."""
    found = (path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))
    own = {path.relative_to(REPOSITORY).as_posix(): path.read_text() for path in found}
    del own["src/turo/settings.py"]
    return own


def test_the_settings_are_read_where_a_process_begins_and_nowhere_else() -> None:
    found = {path for path, source in files().items() if reads_settings(source)}
    assert found <= set(READ_SETTINGS), f"{sorted(found - set(READ_SETTINGS))} read the settings. {REMEDY}"
    assert set(READ_SETTINGS) <= found, "these no longer do: take them off the list"


def test_nothing_else_reads_variables() -> None:
    found = {path for path, source in files().items() if touches_variables(source)}
    assert found <= set(TOUCH_VARIABLES), f"{sorted(found - set(TOUCH_VARIABLES))} use os.environ. {REMEDY}"
    assert set(TOUCH_VARIABLES) <= found, "these no longer do: take them off the list"


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['A']",
        "import os as o\no.environ.get('A')",
        "from os import environ as env\nenv.get('A')",
        "import os\nos.getenv('A')",
        "import os.path\nimport os\nf(os.environ)",
    ],
)
def test_every_way_to_the_environment_is_seen(source: str) -> None:
    assert touches_variables(source)


@pytest.mark.parametrize(
    "source",
    [
        "from turo import settings\nsettings.load()",
        "from turo import settings as s\ns.load(a=1).b",
        "from turo.settings import load as read\nread()",
        "from turo.settings import Settings\nSettings()",
        "import turo.settings\nturo.settings.load()",
    ],
)
def test_every_way_to_read_the_settings_is_seen(source: str) -> None:
    assert reads_settings(source)


def test_a_type_or_another_load_is_no_reading() -> None:
    assert not reads_settings("from turo.settings import Settings\ndef f(settings: Settings): g(settings)")
    assert not reads_settings("from turo.serving.replica.model_slot import load\nload()")
