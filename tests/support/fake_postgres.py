"""PostgreSQL's client programs on a server of one file: what pg_dump writes, pg_restore brings back."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

PROGRAM = """#!{python}
import json, pathlib, re, sys
server = pathlib.Path({server!r})
state = json.loads(server.read_text())
program, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
database = re.search(r"dbname=(\\w+)$", next(word for word in words if word.startswith("--dbname=")))[1]
state["asked"].append([program, database])
def end(text="", problem=""):
    server.write_text(json.dumps(state))
    print(text, end="")
    print(problem, file=sys.stderr, end="")
    sys.exit(1 if problem else 0)
if problem := state["problems"].get(program + " " + database):
    end(problem=problem)
if program == "pg_dump":
    pathlib.Path(words[words.index("--file") + 1]).write_text(json.dumps(state["databases"][database]))
    end()
if program == "pg_restore":
    owner = next(word for word in words if word.startswith("--role=")).removeprefix("--role=")
    state["databases"][database] = json.loads(pathlib.Path(words[-1]).read_text())
    state["owners"][database] = owner
    end()
sql = sys.stdin.read()
for role, password in re.findall(r"ALTER ROLE (\\w+) PASSWORD '([^']*)'", sql):
    state["passwords"][role] = password
if "DROP SCHEMA" in sql:
    state["databases"][database] = []
if "SHOW server_version" in sql:
    end("17.6 (Debian 17.6-1)\\n")
if "pg_database_size" in sql:
    end("".join(str(size) + "\\n" for size in state["sizes"]))
if "count(*)" in sql:
    end(str(len(state["databases"][database])) + "\\n")
if "pg_stat_activity" in sql:
    end("".join(client + "\\n" for client in state["clients"]))
if "relname = 'dag_run'" in sql:
    end("1\\n" if "dag_run" in state["databases"][database] else "")
if "FROM dag_run" in sql:
    end("prepare_data manual__1\\n")
end()
"""


class FakePostgreSQL:
    """A server whose databases are lists of tables.

    Args:
        folder: gets the programs (`bin`) and what the server keeps.
    """

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self._state = folder / "server.json"
        self.bin.mkdir(parents=True)
        databases: dict[str, list[str]] = {
            name: [] for name in ("airflow", "celery_results", "forecasts", "mlflow", "postgres")
        }
        self.write(
            databases=databases, owners={}, passwords={}, problems={}, clients=[], asked=[], sizes=[7 << 20]
        )
        for name in ("pg_dump", "pg_restore", "psql"):
            program = self.bin / name
            program.write_text(PROGRAM.format(python=sys.executable, server=str(self._state)))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def read(self) -> dict[str, Any]:
        """Everything that the server keeps, and what it was asked (`asked`)."""
        return dict(json.loads(self._state.read_text()))

    def write(self, **changed: Any) -> None:
        """Change what the server keeps; `problems` are told by `<program> <database>`."""
        before = self.read() if self._state.exists() else {}
        self._state.write_text(json.dumps(before | changed))
