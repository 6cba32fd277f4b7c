"""What is told together, and what is not told because its cause is: Alertmanager's file against the rules."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from monitoring_queries import REPOSITORY, RULES
from tools import program

FILE = REPOSITORY / "alertmanager" / "alertmanager.yml"
CONFIGURATION: dict[str, Any] = yaml.safe_load(FILE.read_text())
RELABEL = yaml.safe_load((REPOSITORY / "prometheus" / "prometheus.yml").read_text())["alerting"][
    "alert_relabel_configs"
]
ALERTS = sorted(
    rule["alert"]
    for path in RULES.glob("*.yml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
)
EVERY_WAY = {
    "ALERT_EMAIL_TO": "me@example.com",
    "ALERT_SMTP_HOST": "mail.example.com:465",
    "ALERT_SMTP_USER": "ops@example.com",
    "ALERT_SMTP_PASSWORD": 'a "b": {{ü',
    "ALERT_WEBHOOK_URL": "http://pager:8080/x",
    "ALERT_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
}
Labels = dict[str, str]
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')


@pytest.fixture
def alerting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "bootstrap"))
    return importlib.import_module("alerting")


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run([program("amtool"), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def labelled(alertname: str, **labels: str) -> Labels:
    """An alert as Alertmanager gets it: `part` comes from prometheus.yml."""
    found: Labels = {"alertname": alertname, **labels}
    for rule in RELABEL:
        (source,) = rule["source_labels"]
        if value := re.fullmatch(rule["regex"], found.get(source, "")):
            found[rule["target_label"]] = rule["replacement"].replace("$0", value[0])
    return found


def fits(alert: Labels, matchers: list[str]) -> bool:
    """As Alertmanager matches: all of them, regular expressions as a whole, an absent label as empty."""
    for written in matchers:
        name, how, value = MATCHER.fullmatch(written).groups()  # type: ignore[union-attr]
        has = alert.get(name, "")
        same = re.fullmatch(value, has) is not None if "~" in how else has == value
        if same == how.startswith("!"):
            return False
    return True


def told(*firing: Labels) -> list[str]:
    """Names of the alerts that are told while these fire."""

    def silenced(alert: Labels) -> bool:
        return any(
            fits(alert, rule["target_matchers"])
            # An alert that is on both sides of a rule is not silenced by another that is.
            and not (fits(alert, rule["source_matchers"]) and fits(cause, rule["target_matchers"]))
            and fits(cause, rule["source_matchers"])
            and all(alert.get(name, "") == cause.get(name, "") for name in rule.get("equal", []))
            for rule in CONFIGURATION["inhibit_rules"]
            for cause in firing
            if cause is not alert
        )

    return [alert["alertname"] for alert in firing if not silenced(alert)]


@pytest.mark.parametrize("environment", [{}, EVERY_WAY], ids=["nobody is told", "every way"])
def test_alertmanager_takes_the_configuration(
    alerting: ModuleType, tmp_path: Path, environment: dict[str, str]
) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(alerting.render(FILE.read_text(), alerting.integrations(environment)))
    assert "3 receivers" in amtool("check-config", file)
    route = ("config", "routes", "test", f"--config.file={file}")
    assert amtool(*route, "alertname=TargetDown", "part=ray").split() == ["operator"]
    assert amtool(*route, "alertname=AlertTest", "severity=info").split() == ["alert-test"]
    assert amtool(*route, "alertname=ModelsOld", "severity=info", "part=models").split() == ["nobody"]
    (silent,) = [one for one in yaml.safe_load(file.read_text())["receivers"] if one["name"] == "nobody"]
    assert silent == {"name": "nobody"}  # whatever is in .env


def test_who_is_asked_for_a_test_message_knows_where_alertmanager_is() -> None:
    """Elsewhere `turo alert-test` asks its own container, and says that nobody answers."""
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    command = re.compile(r"""exec[", ]+(?:-T[", ]+)?([\w-]+)[", ]+turo[", ]+alert-test""")
    documents = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("*/*.md")]
    written = [*documents, REPOSITORY / "tests/stack/test_4_alerts.py"]
    asked = [(file.name, name) for file in written for name in command.findall(file.read_text())]
    assert {file for file, _ in asked} >= {"README.md", "test_4_alerts.py"}
    for file, name in asked:
        assert "ALERTMANAGER_URL" in services[name]["environment"], (file, name)


def test_make_lint_reads_the_configuration() -> None:
    """A mistake in it is otherwise found by a container that does not start."""
    lint = (REPOSITORY / ".ci" / "lint").read_text()
    assert re.search(
        r"render.*<alertmanager/alertmanager.yml.*check alertmanager amtool check-config", lint, re.S
    )


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_of_a_part(name: str) -> None:
    """Alerts of no part would all be told as one; TargetDown is of its target's."""
    assert name == "TargetDown" or labelled(name).get("part")


def test_every_target_is_of_a_part() -> None:
    jobs = yaml.safe_load((REPOSITORY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    parts = {job["job_name"]: labelled("TargetDown", job=job["job_name"]).get("part") for job in jobs}
    assert None not in parts.values(), parts
    assert (parts["ray"], parts["postgres"], parts["statsd-exporter"]) == ("ray", "postgres", "monitoring")


def test_alerts_of_one_part_are_one_message() -> None:
    assert CONFIGURATION["route"]["group_by"] == ["part"]


def again(alert: Labels) -> str:
    """How long after a message the same is told again."""
    top = CONFIGURATION["route"]
    (first, *_) = [route for route in top["routes"] if fits(alert, route["matchers"])] or [top]
    return str(first.get("repeat_interval", top["repeat_interval"]))


@pytest.mark.parametrize(
    ("name", "severity", "expected"),
    [
        ("RayDown", "critical", "12h"),
        ("CertificateNearEnd", "critical", "12h"),
        ("CertificateMissing", "critical", "12h"),
        ("ChampionNotServed", "critical", "12h"),
        ("AirflowTaskFailed", "warning", "12h"),
        ("EndOfLifeNear", "warning", "7d"),
        ("DoctorFindsErrors", "warning", "7d"),
        ("ReportLate", "warning", "7d"),
        ("ForecastInputDrift", "warning", "7d"),
        ("FeatureDrift", "warning", "7d"),
    ],
)
def test_what_stands_for_weeks_is_not_told_twice_a_day(name: str, severity: str, expected: str) -> None:
    assert again(labelled(name, severity=severity)) == expected


def test_what_was_told_is_known_until_it_is_told_again() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    kept = re.search(r"--data.retention=(\d+)h", " ".join(services["alertmanager"]["command"]))
    hours = {"h": 1, "d": 24}
    top = CONFIGURATION["route"]
    every = [top, *top["routes"]]
    waits = [route["repeat_interval"] for route in every if "repeat_interval" in route]
    assert kept and int(kept[1]) > max(int(wait[:-1]) * hours[wait[-1]] for wait in waits)


def test_rules_name_alerts_that_exist() -> None:
    for rule in CONFIGURATION["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            name, _, value = MATCHER.fullmatch(matcher).groups()  # type: ignore[union-attr]
            if name == "alertname":
                for one in value.split("|"):
                    assert any(re.fullmatch(one, alert) for alert in ALERTS), one


def test_the_doctor_is_told_of_where_no_critical_alert_says_so() -> None:
    finds = labelled("DoctorFindsErrors", severity="warning")
    drift = labelled("FeatureDrift", severity="warning", model="KNN")
    assert told(finds, drift) == ["DoctorFindsErrors", "FeatureDrift"]
    assert told(finds, labelled("PostgresDown", severity="critical")) == ["PostgresDown"]


def test_a_dead_ray_sends_one_mail() -> None:
    nodes = [labelled("TargetDown", job="ray", instance=f"ray:{port}") for port in (8080, 44217, 44227)]
    consequences = [
        labelled("TargetDown", job="haproxy", instance="ray:9101"),
        labelled("ServeApplicationDown", application="KNN"),
        labelled("ServeApplicationDown", application="SVR"),
        labelled("ServeErrors", application="KNN"),
        labelled("ChampionNotServed", model="KNN", job="statsd-exporter"),
        labelled("ChampionNotServed", model="SVR", job="statsd-exporter"),
        labelled("AirflowTaskFailed", dag_id="prepare_data", task_id="train"),
    ]
    down = labelled("RayDown")
    assert told(down, *nodes, *consequences) == ["RayDown"] + ["TargetDown"] * 3
    assert {alert["part"] for alert in (down, *nodes)} == {"ray"}  # one group, one message
    assert told(labelled("RayNotDiscovered"), *consequences) == ["RayNotDiscovered"]
    assert len(told(*consequences)) > 3  # without their cause they are told


@pytest.mark.parametrize("instance", ["192.0.2.3:8080", "ray:44217", "ray:8265"])
def test_one_target_of_ray_that_hangs_silences_nothing(instance: str) -> None:
    real = [
        labelled("ServeApplicationDown", application="KNN"),
        labelled("ServeErrors", application="SVR"),
        labelled("ChampionNotServed", model="SVR", job="statsd-exporter"),
        labelled("AirflowTaskFailed", dag_id="prepare_data", task_id="train"),
        labelled("IntervalTooNarrow"),
        labelled("RayTaskKilledForMemory"),
    ]
    assert told(labelled("TargetDown", job="ray", instance=instance), *real)[1:] == [
        alert["alertname"] for alert in real
    ]


def test_a_dead_postgresql_silences_airflow_s_alerts() -> None:
    silent = ("AirflowSchedulerSilent", "AirflowDagProcessorSilent", "AirflowTaskFailed", "MLflowErrors")
    alerts = [labelled(name) for name in (*silent, "PostgresConnectionsHigh")]
    cause = labelled("PostgresDown", job="postgres")
    assert told(cause, *alerts) == ["PostgresDown"]
    # A hung one leaves its exporter without an answer: the same cause, told once.
    assert told(cause, labelled("TargetDown", job="postgres")) == ["PostgresDown"]
    # A full disk ends both: neither is the other's consequence.
    assert told(cause, labelled("RedisDown", job="redis")) == ["PostgresDown", "RedisDown"]
    assert told(*alerts) == [*silent, "PostgresConnectionsHigh"]


def test_a_dead_redis_silences_the_queue_s_alerts_and_no_other() -> None:
    alerts = [labelled(name) for name in ("AirflowQueueStuck", "AirflowTaskLost", "AirflowDagBroken")]
    assert told(labelled("RedisDown", job="redis"), *alerts) == ["RedisDown", "AirflowDagBroken"]


def test_a_dead_exporter_silences_what_it_would_tell() -> None:
    alerts = [
        labelled(name) for name in ("AirflowSchedulerSilent", "AirflowTriggererSilent", "ReconcilerSilent")
    ]
    assert told(labelled("TargetDown", job="statsd-exporter"), *alerts) == ["TargetDown"]
    assert told(labelled("TargetDown", job="prometheus"), *alerts) == [
        "TargetDown",
        *(a["alertname"] for a in alerts),
    ]


def test_one_route_that_is_down_does_not_silence_another() -> None:
    down = labelled("ServeApplicationDown", application="KNN")
    slow = [labelled("ServeSlow", application=name) for name in ("KNN", "SVR")]
    assert told(down, *slow) == ["ServeApplicationDown", "ServeSlow"]


def test_nothing_silences_what_no_other_alert_explains() -> None:
    alone = ("FeatureDrift", "DiskFilling", "PrometheusRuleFailing", "AirflowDagBroken")
    causes = [labelled("TargetDown", job=job) for job in ("haproxy", "prometheus", "alertmanager")]
    assert told(*causes, *map(labelled, alone)) == ["TargetDown"] * 3 + list(alone)
