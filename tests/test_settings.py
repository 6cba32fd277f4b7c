"""What the settings make of the environment."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from turo import settings
from turo.errors import ConfigError


def test_lists_are_comma_separated_and_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_NAMES", "XGBoost, KNN")
    assert settings.load().model_names == ("XGBoost", "KNN")


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORIZON_DAYS", "")
    assert settings.load().horizon_days == 28
    monkeypatch.setenv("FORECAST_MODEL", "")  # of a .env of earlier releases
    assert settings.load().forecast_model == "auto"


@pytest.mark.parametrize("value", ["y_revenue", "revenue"])
def test_a_target_may_be_named_without_its_prefix(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TARGET", value)
    assert settings.load().target == "y_revenue"


def test_an_unknown_target_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET", "y_money")
    choices = "'auto', 'y_booked_days', 'y_reservations' or 'y_revenue'"
    with pytest.raises(ConfigError, match=f"TARGET='y_money' cannot be used: .*{choices}"):
        settings.load()


@pytest.mark.parametrize(
    ("name", "value"), [("HORIZON_DAYS", "soon"), ("SERVE_MAX_ROWS", "0"), ("DATE_ORDER", "YDM")]
)
def test_an_unusable_value_names_the_variable_and_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name}.*{value}"):
        settings.load()


def test_addresses_of_services_are_named_by_comma(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().service_urls == ()
    monkeypatch.setenv("SERVICE_URLS", "Airflow=HTTPS://airflow.example/A, grafana = https://example/g?a=b ,")
    given = settings.load()
    assert dict(given.service_urls) == {
        "airflow": "https://airflow.example/A",
        "grafana": "https://example/g?a=b",
    }
    assert given in {settings.load()}  # equal settings are one key
    assert settings.load(service_urls=given.service_urls) == given


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("airflw=https://x", "'airflw=https://x' does not"),
        ("grafana=http://g, airflow", "'airflow' does not"),
        ("airflow=", "'airflow=' does not"),
        ("airflow=https://", "'airflow=https://' does not"),
        ("airflow=javascript:alert(1)", r"'airflow=javascript:alert\(1\)' does not"),
        ('ray=http://x"onclick', "'ray=http://x\"onclick' does not"),
        ("https://x", "'https://x' does not"),
        ("airflow=https://x/?days=1,7", "'7' does not"),
        ("airflow=https://a,Airflow=https://b", "airflow is named twice"),
    ],
)
def test_an_address_of_no_service_or_no_address_is_refused_with_the_form_it_takes(
    monkeypatch: pytest.MonkeyPatch, value: str, part: str
) -> None:
    monkeypatch.setenv("SERVICE_URLS", value)
    with pytest.raises(ConfigError, match=rf"SERVICE_URLS=.* cannot be used: {part}") as refused:
        settings.load()
    assert "airflow=https://airflow.example.com" in str(refused.value) or "twice" in part


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVE_API_KEY", "schlüssel")
    with pytest.raises(ConfigError, match="SERVE_API_KEY") as refused:
        settings.load()
    assert "schl" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_ray_token_comes_from_the_variable_or_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert settings.load().token() == "from-file"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "from-variable")
    assert settings.load().token() == "from-variable"


def test_the_version_of_the_code_is_the_images_commit_or_else_the_package_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODE_VERSION", "")  # as an image has it that was built without one
    assert settings.load().code_version == metadata.version("turo")
    monkeypatch.setenv("CODE_VERSION", "0a1b2c")
    assert settings.load().code_version == "0a1b2c"


def test_whom_the_doctor_looks_at_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATOR_LOOKS_AT", "redis, jupyter,cache=http://cache:1/")
    assert settings.load().operator_looks_at == (
        ("redis", "redis://redis:6379"),
        ("jupyter", "http://jupyter:8888/api"),
        ("cache", "http://cache:1/"),
    )
    monkeypatch.setenv("OPERATOR_LOOKS_AT", "redis,graphana")
    with pytest.raises(ConfigError, match=r"'graphana' has no address.*or name some of postgres, redis"):
        settings.load()
