"""Nothing that is pinned is near its end of life, and what is written down of it is what is pinned."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from compose_file import REPOSITORY

NOTICE = timedelta(days=60)
# component: what is pinned where; each place names a version whose beginning is the line.
IMAGES = {
    "redis": "redis",
    "grafana": "grafana/grafana",
    "prometheus": "prom/prometheus",
    "alertmanager": "prom/alertmanager",
    "statsd-exporter": "prom/statsd-exporter",
    "postgres-exporter": "prometheuscommunity/postgres-exporter",
    "redis-exporter": "oliver006/redis_exporter",
    "caddy": "caddy",
    "postgres": "postgres",
    "python": "python",
}
PACKAGES = {"airflow": "apache-airflow", "mlflow": "mlflow", "ray": "ray"}
DEBIAN = {"12": "bookworm", "13": "trixie"}

COMPONENTS: dict[str, dict[str, Any]] = tomllib.loads((REPOSITORY / "versions.toml").read_text())


def pinned_images() -> list[tuple[str, str]]:
    """(image, tag) of every foreign image that Compose runs or a Dockerfile is built on."""
    files = [*REPOSITORY.glob("docker-compose*.yml"), *REPOSITORY.glob("*/Dockerfile")]
    found = re.findall(
        r"^(?: *image:|FROM) +([a-z0-9/_-]+):(v?[0-9][\w.-]*)",
        "\n".join(path.read_text() for path in files),
        re.MULTILINE,
    )
    return sorted(set(found))


def of_line(version: str, line: str) -> bool:
    return version.removeprefix("v") == line or version.removeprefix("v").startswith((f"{line}.", f"{line}-"))


def nearly_over(components: dict[str, dict[str, Any]], today: date) -> dict[str, date]:
    """Component → its end, where that is less than the notice away."""
    ends = {name: entry["ends"] for name, entry in components.items()}
    return {name: end for name, end in ends.items() if isinstance(end, date) and end - today < NOTICE}


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_entry_names_line_end_and_source(name):
    entry = COMPONENTS[name]
    assert re.fullmatch(r"\d+(\.\d+)?", entry["line"])
    assert entry["source"].startswith("https://")
    assert type(entry["ends"]) is date or (entry["ends"] == "none" and entry["support"])


def test_no_line_ends_within_sixty_days():
    over = nearly_over(COMPONENTS, datetime.now(UTC).date())
    assert not over, f"move to a newer line and write it into versions.toml: {over}"


def test_sixty_days_are_counted_to_the_day():
    entry: dict[str, dict[str, Any]] = {"redis": {"ends": date(2026, 12, 1)}, "ray": {"ends": "none"}}
    assert not nearly_over(entry, date(2026, 10, 2))
    assert nearly_over(entry, date(2026, 10, 3)) == {"redis": date(2026, 12, 1)}
    assert nearly_over(entry, date(2027, 1, 1)) == {"redis": date(2026, 12, 1)}


def test_every_pinned_image_is_of_the_line_that_is_written_down():
    component = {image: name for name, image in IMAGES.items()}
    pins = pinned_images()
    assert {image for image, _ in pins} == set(component)
    for image, tag in pins:
        assert of_line(tag, COMPONENTS[component[image]]["line"]), f"{image}:{tag}"


def test_every_system_below_the_images_is_of_the_line_that_is_written_down():
    suite = DEBIAN[COMPONENTS["debian"]["line"]]
    named = [tag for _, tag in pinned_images() if re.search("|".join(DEBIAN.values()), tag)]
    assert named
    assert all(tag.endswith(suite) for tag in named)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_pinned_package_is_of_the_line_that_is_written_down(name):
    locked = {
        package["name"]: package for package in tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    }
    assert of_line(locked[PACKAGES[name]]["version"], COMPONENTS[name]["line"])


def test_a_line_is_not_mistaken_for_one_that_begins_alike():
    assert of_line("v3.13.4", "3.13")
    assert not of_line("v3.130.0", "3.13")
    assert not of_line("12.40.1", "12.4")
    assert of_line("17.12-trixie", "17")


def test_every_component_is_held():
    assert set(COMPONENTS) == {*IMAGES, *PACKAGES, "debian"}
