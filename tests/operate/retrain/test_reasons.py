"""What speaks for a retraining: of all alerts those that a training answers, with when they began."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from asked_services import Services

from turo.errors import ConfigError, ServiceError
from turo.operate.retrain.reasons import ALERTS, Reason, from_text, standing, to_text

REPOSITORY = Path(__file__).resolve().parents[3]
SINCE = "2026-11-23T05:17:04.123456789Z"  # Prometheus counts nanoseconds


def told(name: str, state: str = "firing") -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": "warning"},
        "annotations": {"summary": f"{name} it is"},
        "state": state,
        "activeAt": SINCE,
        "value": "1e+00",
    }


def test_alerts_that_a_training_answers_with_when_they_began(platform: Services, tmp_path: Path) -> None:
    found = [told("FeatureDrift"), told("DiskFilling"), told("ForecastWorseThanBaseline", "pending")]
    platform.prometheus["/api/v1/alerts"] = 200, {"status": "success", "data": {"alerts": found}}
    (reason,) = standing(platform.settings(tmp_path))
    assert (reason.alert, reason.what) == ("FeatureDrift", "FeatureDrift it is")
    assert reason.since == datetime(2026, 11, 23, 5, 17, 4, 123456, tzinfo=UTC)


def test_a_prometheus_that_fails_is_no_silence(platform: Services, tmp_path: Path) -> None:
    platform.prometheus["/api/v1/alerts"] = 503, "starting"
    with pytest.raises(ServiceError, match="Prometheus"):
        standing(platform.settings(tmp_path))


def test_every_alert_that_is_waited_for_is_a_rule() -> None:
    files = (REPOSITORY / "prometheus" / "rules").glob("*.yml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    names = {rule.get("alert") for group in groups for rule in group["rules"]}
    assert set(ALERTS) <= names


def test_reasons_survive_the_way_to_a_job() -> None:
    reasons = [Reason("FeatureDrift", '"2" inputs of KNN $(have) moved', datetime(2026, 11, 23, tzinfo=UTC))]
    assert from_text(to_text(reasons)) == reasons


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "cannot be read"),
        ("{}", "cannot be read"),
        ('[{"alert": "FeatureDrift"}]', "cannot be read"),
        ('[{"alert": "A", "what": "b", "since": "yesterday"}]', "cannot be read"),
        ('[{"alert": "A", "what": "b", "since": "2026-11-23T05:00:00"}]', "no time zone"),
    ],
)
def test_other_text_is_refused(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        from_text(text)
