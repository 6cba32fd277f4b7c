"""What versions.toml says of an end arrives: at the operator's metrics, their alert, and the doctor."""

from __future__ import annotations

import re
import shutil
import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path

import yaml
from compose_file import REPOSITORY

from turo.operate.doctor.checks.data import NOTICE, end_of_life
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity
from turo.operate.doctor.project_files import components
from turo.operate.server.metrics import metrics
from turo.settings import Settings

SERIES = "turo_end_of_life_timestamp_seconds"
ENTRIES = tomllib.loads((REPOSITORY / "versions.toml").read_text())
DATED = {name: entry["ends"] for name, entry in ENTRIES.items() if isinstance(entry["ends"], date)}


def seconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def operator() -> dict[str, object]:
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["operator"])


def test_the_operator_has_the_file_where_it_looks() -> None:
    settings = dict(operator()["environment"])  # type: ignore[call-overload]
    assert f".:{settings['PROJECT_DIR']}:ro" in operator()["volumes"]  # type: ignore[operator]
    jobs = yaml.safe_load((REPOSITORY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    (job,) = [job for job in jobs if job["job_name"] == "operator"]
    assert job["static_configs"] == [{"targets": ["operator:8088"]}]


def test_every_date_is_a_series_that_the_alert_reads(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "versions.toml", tmp_path)
    told = metrics(
        Settings.model_validate({"project_dir": tmp_path, "backups_dir": tmp_path}), False, None, {}
    )
    found = re.findall(rf'^{SERIES}{{component="([^"]+)",line="([^"]+)"}} (\d+)$', told, re.MULTILINE)
    assert {name: (line, float(at)) for name, line, at in found} == {
        name: (ENTRIES[name]["line"], seconds(day)) for name, day in DATED.items()
    }
    rules = yaml.safe_load((REPOSITORY / "prometheus/rules/operations.yml").read_text())["groups"]
    (rule,) = [rule for group in rules for rule in group["rules"] if rule.get("alert") == "EndOfLifeNear"]
    read = re.fullmatch(rf"min by \(component\) \({SERIES}\) - time\(\) < (\d+) \* 86400", rule["expr"])
    assert read is not None
    assert int(read[1]) == NOTICE.days  # alert, doctor and the test of the pins give the same notice


def test_the_doctor_names_each_before_its_end_and_after_it() -> None:
    known = components(REPOSITORY)
    assert {part.name for part in known} == set(ENTRIES)
    for name, day in DATED.items():
        for days, severity in (
            (61, None),
            (60, Severity.WARNING),
            (0, Severity.WARNING),
            (-1, Severity.ERROR),
        ):
            facts = Facts(now=seconds(day) - days * 86400, components=known)
            named = [each for each in end_of_life(facts) if f"{name} {ENTRIES[name]['line']} " in each.what]
            assert [each.severity for each in named] == ([] if severity is None else [severity]), (name, days)
