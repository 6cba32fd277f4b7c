"""Write the dashboards that Grafana provisions: Ray's own, and those described in `boards.yml`.

Run by hand after a change of `boards.yml` or of Ray's version; `--check` only compares, for tests.
Usage: python grafana/generate_dashboards.py [--check]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from panels import board

HERE = Path(__file__).resolve().parent
TARGET = HERE / "provisioning" / "dashboards" / "json"
RAY_BOARDS = (
    "default",
    "serve",
    "serve_deployment",
    "data",
    "train",
)  # the LLM ones have nothing to show here


def own_boards() -> dict[str, dict[str, Any]]:
    """File name → dashboard, from `boards.yml`."""
    described = yaml.safe_load((HERE / "boards.yml").read_text())
    return {f"{each['uid']}.json": board(each) for each in described}


def ray_boards() -> dict[str, dict[str, Any]]:
    """File name → dashboard, as the installed Ray makes them; its uids are what Ray's own pages link to."""
    for name in [name for name in os.environ if name.startswith("RAY_GRAFANA_")]:
        del os.environ[name]
    from ray.dashboard.modules.metrics import grafana_dashboard_factory as factory

    made = {}
    for name in RAY_BOARDS:
        content, _uid = getattr(factory, f"generate_{name}_grafana_dashboard")()
        made[f"ray-{name.replace('_', '-')}.json"] = {**json.loads(content), "id": None}
    return made


def main(arguments: list[str]) -> int:
    """Exit status: 1 where `--check` finds a difference."""
    wanted = {name: json.dumps(made, indent=1) + "\n" for name, made in (own_boards() | ray_boards()).items()}
    present = {path.name: path.read_text() for path in TARGET.glob("*.json")}
    changed = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if "--check" in arguments:
        if changed:
            sys.stderr.write(f"Not up to date: {', '.join(changed)}. Run grafana/generate_dashboards.py.\n")
        return bool(changed)
    for name in changed:
        if name in wanted:
            (TARGET / name).write_text(wanted[name])
        else:
            (TARGET / name).unlink()
    sys.stdout.write(f"{len(wanted)} dashboards, changed: {', '.join(changed) or 'none'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
