"""The runbook has a section for every check, and checks agree with what the stack itself says."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from types import ModuleType

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import REPOSITORY

from turo.operate.doctor.checks import choices, env_lines, exposed, folders, places, ports, receivers
from turo.operate.doctor.env_file import parse
from turo.operate.doctor.every_check import CHECKS
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity
from turo.operate.doctor.project_files import offered

RUNBOOK = (REPOSITORY / "docs/runbook.md").read_text()
SECTION = re.compile(r"^## ([a-z][a-z-]*)$\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


def test_every_check_has_one_section_and_every_section_a_check() -> None:
    sections = SECTION.findall(RUNBOOK)
    assert Counter(name for name, _ in sections) == Counter(check.id for check in CHECKS)
    assert all(len(text.split()) >= 8 for _, text in sections)


def test_ids_are_anchors() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", check.id) for check in CHECKS)
    assert all(check.looks_at for check in CHECKS)


def guard() -> ModuleType:
    return of_bootstrap("guard")


def of_bootstrap(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / f"bootstrap/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0", "::", "host", "127.9.9.9"]
)
@pytest.mark.parametrize("password", ["", "admin", "mine"])
@pytest.mark.parametrize("key", ["", "k"])
@pytest.mark.parametrize("allowed", ["", "0", "1", "true"])
def test_doors_are_open_where_bootstrap_says_so(
    address: str, password: str, key: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "BIND_ADDRESS": address,
        "AIRFLOW_ADMIN_PASSWORD": password,
        "GRAFANA_ADMIN_PASSWORD": password,
        "SERVE_API_KEY": key,
        "TRACKING_PUBLIC_HOST": "example.com",
        "ALLOW_INSECURE": allowed,
    }
    text = "".join(f"{name}={value}\n" for name, value in given.items() if value)
    facts = Facts(0.0, written=parse(text), offered=offered(REPOSITORY))
    found = [trouble.severity for trouble in choices.open_ports(facts)]
    assert bool(found) == bool(guard().open_doors(given))
    monkeypatch.syspath_prepend(str(REPOSITORY / "bootstrap"))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    try:
        of_bootstrap("bootstrap").check_doors()
    except SystemExit:
        assert found == [Severity.ERROR]
    else:
        assert found in ([], [Severity.WARNING])


@pytest.mark.parametrize("domain", ["turo.example.com", "localhost", "Turo.example.com", "1.2.3.4", "a..b"])
@pytest.mark.parametrize("password", ["", "admin", "eleven-char", "twelve-chars"])
@pytest.mark.parametrize(("address", "port"), [("", ""), ("0.0.0.0", ""), ("", "443"), ("::1", "8443")])
@pytest.mark.parametrize("mail", ["", "internal", "me@x.org", "me", "me@x.org you", "{$HOME}@x.org"])
def test_what_is_exposed_is_refused_where_bootstrap_refuses_it(
    domain: str, password: str, address: str, port: str, mail: str
) -> None:
    names = ("AIRFLOW_ADMIN_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "MLFLOW_ADMIN_PASSWORD", "SERVE_API_KEY")
    given = dict.fromkeys(names, password) | {
        "TURO_DOMAIN": domain, "BIND_ADDRESS": address, "HTTPS_PORT": port,
        "TURO_ACME_EMAIL": mail,
        "COMPOSE_FILE": f"docker-compose.yml:{exposed.OVERLAY}",
    }  # fmt: skip
    text = "".join(f"{name}={value}\n" for name, value in given.items() if value)
    facts = Facts(0.0, written=parse(text), offered=offered(REPOSITORY))
    assert bool(list(exposed.exposed(facts))) == bool(guard().exposed_badly(given))


def test_the_names_behind_tls_are_those_of_the_overlay() -> None:
    overlay = yaml.safe_load((REPOSITORY / exposed.OVERLAY).read_text())["services"]
    told = overlay["operator"]["environment"]
    assert told["TLS_HOSTS"].replace("${TURO_DOMAIN}", "x.org") == ",".join(exposed.hosts("x.org"))
    assert (told["TLS_PROXY"], exposed.PROXY in overlay) == (exposed.SHOWS, True)


TOLD = {
    "ALERT_EMAIL_TO": ("", "me@x.org", "me@x.org, you@x.org", "me", " , "),
    "ALERT_EMAIL_FROM": ("", "turo@x.org", "turo"),
    "ALERT_SMTP_HOST": ("", "mail.x.org", "mail.x.org:25", "[::1]:587", "mail.x.org:0", "mail:99999", "a b"),
    "ALERT_SMTP_USER": ("", "me@x.org", "me", "{{me"),
    "ALERT_SMTP_PASSWORD": ("", "{{secret}}"),
    "ALERT_WEBHOOK_URL": ("", "https://x.org/a", "hooks.x.org/a", "http://x:0/", "http://[", "https://x /"),
    "ALERT_SLACK_WEBHOOK_URL": ("", "https://x.org/a", "ftp://x.org"),
}


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in TOLD.items()}))
def test_receivers_are_refused_where_bootstrap_refuses_them(values: dict[str, str]) -> None:
    text = "".join(f"{name}='{value}'\n" for name, value in values.items() if value)
    facts = Facts(0.0, written=parse(text), offered=offered(REPOSITORY))
    try:
        of_bootstrap("alerting").integrations(values)
        refused = ""
    except ValueError as error:
        refused = str(error)
    found = list(receivers.alert_receivers(facts))
    assert bool(found) == bool(refused), refused
    assert not any("secret" in f"{one.what}{one.remedy}" for one in found)


def test_names_that_checks_speak_of_can_be_set() -> None:
    known = {*offered(REPOSITORY), *TO_COME}
    assert {*folders.SECRET, *places.STACK, *places.KEPT, *places.LISTENING} <= known
    idle = {name for name, _, _ in env_lines.idle(Facts(0.0))}
    assert idle <= known


TO_COME = {"BACKUPS_KEPT"} | {
    f"ALERT_{name}"
    for name in ("EMAIL_FROM", "SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD", "WEBHOOK_URL", "SLACK_WEBHOOK_URL")
}


def test_the_folders_are_those_that_bootstrap_shares() -> None:
    """`backups` is looked at beside them: the operator writes there."""
    mounts = COMPOSE["services"]["bootstrap"]["volumes"]
    shared = {mount.split(":")[0].removeprefix("./") for mount in mounts if ":/host/" in mount}
    assert shared - {"mlflow/projects"} <= set(folders.SHARED)


def test_stores_are_where_the_compose_file_mounts_them() -> None:
    mounts = COMPOSE["services"]["mlflow"]["volumes"]
    inside = {mount.split(":")[1] for mount in mounts if mount.startswith("./")}
    assert {path.rstrip("/") for path in places.KEPT.values()} <= inside
    assert set(places.STACK.values()) <= set(COMPOSE["services"])


def test_ports_are_looked_for_where_the_compose_files_publish_them() -> None:
    texts = [(REPOSITORY / f"docker-compose{of}.yml").read_text() for of in ("", ".tls")]
    published = re.findall(r"""["']([^"'\n]+):\$\{([A-Z_]+_PORT):-\d+\}:\d+["']""", "".join(texts))
    facts = Facts(
        0.0, written=parse("BIND_ADDRESS=10.0.0.1\nTURO_DOMAIN=x.org\n"), offered=offered(REPOSITORY)
    )
    assert {name for _, name in published} == set(ports.wanted(facts))
    for address, name in published:
        whole = re.sub(r"\$\{([A-Z_]+):-[^}]*\}", lambda found: facts.chosen(found[1]), address)
        assert ports.bound(facts, name) == whole, name
