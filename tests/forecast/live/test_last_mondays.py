"""How right the forecasts of the last Mondays were: from kept files to figures, file and report."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scoringrules
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, write_table

from turo.forecast.fleet_forecast import Fleet, forecast_fleet
from turo.forecast.forecast_columns import LIVE, MONDAYS
from turo.forecast.horizon_tables import open_table
from turo.forecast.live.baselines_then import said
from turo.forecast.live.quantile_scores import scores
from turo.forecast.output.store import append_history, append_totals, read_kept
from turo.settings import Settings
from turo.table.names import QUANTILE_NAMES, QUANTILES

NOW = datetime(2026, 11, 24, 6)
CAME_TRUE = {"A": 10.0, "B": 24.0, "C": 2.0}


def forecast_later(settings: Settings, made: Fleet, mondays: int, champion: Any = None) -> Fleet:
    """Keep the forecast as that of so many earlier Mondays, let them come true, and forecast again."""
    folder = Path(settings.data_dir)
    weeks = [ORIGIN - timedelta(weeks=4 + back) for back in range(mondays)]
    for origin in weeks:
        append_history(made.forecasts.with_columns(origin_date=pl.lit(origin)), folder)
        append_totals(made.totals.with_columns(origin_date=pl.lit(origin)), folder)
    labels = pl.col("vehicle_id").replace_strict(CAME_TRUE, default=None, return_dtype=pl.Float64)
    past = [prepared(origin, 28).with_columns(labels.alias("y_booked_days")) for origin in weeks]
    write_table(folder, pl.concat([*past, prepared(ORIGIN, 28)]))
    return forecast_fleet(settings, [champion or make_ranged_champion(28)], NOW)


def of_model(live: pl.DataFrame, model: str = "all") -> dict[str, Any]:
    return live.row(by_predicate=pl.col("model") == model, named=True)


@pytest.fixture
def made(settings: Settings) -> Fleet:
    return forecast_fleet(settings, [make_ranged_champion(28)], NOW)


def test_before_any_window_is_over_there_is_nothing_to_judge(made: Fleet, settings: Settings) -> None:
    assert made.live.summary.is_empty()
    written = pl.read_csv(Path(settings.data_dir) / "forecast-live.csv")
    assert (written.columns, len(written)) == (list(LIVE), 0)
    assert "No forecast's window is over yet" in (Path(settings.data_dir) / "report.html").read_text()


def test_the_same_distribution_is_judged(made: Fleet, settings: Settings) -> None:
    said = {row["vehicle_id"]: row for row in made.forecasts.iter_rows(named=True)}
    total = made.totals.row(by_predicate=pl.col("level") == "fleet", named=True)
    found = of_model(forecast_later(settings, made, 3).live.summary)
    assert (found["mondays"], found["rows"], found["horizon_days"]) == (3, 9, 28)
    assert (found["first"], found["last"]) == (ORIGIN - timedelta(weeks=6), ORIGIN - timedelta(weeks=4))
    inside = [said[name]["low"] <= actual <= said[name]["high"] for name, actual in CAME_TRUE.items()]
    assert found["coverage"] == pytest.approx(np.mean(inside))
    assert found["bias"] == pytest.approx(np.mean([said[n]["mean"] - y for n, y in CAME_TRUE.items()]))
    assert found["mae"] == pytest.approx(np.mean([abs(said[n]["median"] - y) for n, y in CAME_TRUE.items()]))
    assert found["on_books_mae"] == pytest.approx((2.5 + 3 + 2) / 3)
    assert found["total_bias"] == pytest.approx(total["mean"] / 36 - 1)
    assert found["total_mondays"] == 3
    assert found["total_coverage"] == float(total["q10"] <= 36 <= total["q90"])
    assert found["crps"] > 0
    assert found["pinball"] > 0


def test_the_last_thirteen_mondays_count_and_no_older_one(made: Fleet, settings: Settings) -> None:
    live = forecast_later(settings, made, 15).live
    found = of_model(live.summary)
    assert (found["mondays"], found["first"]) == (13, ORIGIN - timedelta(weeks=16))
    assert live.mondays["origin_date"].n_unique() == 13


def test_the_last_four_mondays_are_judged_alone_too(made: Fleet, settings: Settings) -> None:
    """Older windows came out far below the interval, the newest four inside."""
    said = {row["vehicle_id"]: row for row in made.forecasts.iter_rows(named=True)}
    inside = {name: row["median"] for name, row in said.items() if name in CAME_TRUE}
    folder = Path(settings.data_dir)
    weeks = [ORIGIN - timedelta(weeks=4 + back) for back in range(6)]
    parts = []
    for place, origin in enumerate(weeks):
        append_history(made.forecasts.with_columns(origin_date=pl.lit(origin)), folder)
        values = inside if place < 3 else dict.fromkeys(inside, -100.0)
        labels = pl.col("vehicle_id").replace_strict(values, default=None, return_dtype=pl.Float64)
        parts.append(prepared(origin, 28).with_columns(labels.alias("y_booked_days")))
    write_table(folder, pl.concat([*parts, prepared(ORIGIN, 28)]))
    found = of_model(forecast_fleet(settings, [make_ranged_champion(28)], NOW).live.summary)
    assert (found["mondays"], found["recent_mondays"], found["recent_vehicles"]) == (6, 4, 3)
    assert (found["coverage"], found["recent_coverage"]) == (0.5, 0.75)


def test_the_best_baseline_is_named_with_its_error_on_the_same_rows(made: Fleet, settings: Settings) -> None:
    """Mean pickup is known once windows are over: of a first Monday only the books say anything."""
    found = of_model(forecast_later(settings, made, 1).live.summary)
    assert (found["best_baseline"], found["best_baseline_mae"]) == ("on_the_books", found["on_books_mae"])
    later = forecast_later(settings, made, 20).live.summary
    found = of_model(later)
    table = open_table(settings, 28)
    then = said(table, "y_booked_days", [ORIGIN - timedelta(weeks=4 + back) for back in range(13)])
    then = then.filter(pl.col("vehicle_id").is_in(list(CAME_TRUE)))
    actual = then["vehicle_id"].replace_strict(CAME_TRUE, return_dtype=pl.Float64)
    errors = {
        name.removeprefix("baseline_"): float((then[name] - actual).abs().mean())  # type: ignore[arg-type]
        for name in then.columns
        if name.startswith("baseline_") and not then[name].null_count()
    }
    # Mean pickup is half a day: 8, 27.5 and 0.5 where 10, 24 and 2 came.
    assert errors["books_and_pickup"] == pytest.approx((2 + 3.5 + 1.5) / 3)
    assert found["best_baseline"] == min(errors, key=lambda name: errors[name])
    assert found["best_baseline_mae"] == pytest.approx(min(errors.values()))
    told = pl.read_csv(Path(settings.data_dir) / "forecast-live.csv", schema_overrides=LIVE)
    assert told["best_baseline"].to_list() == later["best_baseline"].to_list()


def test_of_each_monday_the_forecast_made_last_counts(made: Fleet, settings: Settings) -> None:
    folder = Path(settings.data_dir)
    origin = ORIGIN - timedelta(weeks=4)
    other = made.forecasts.with_columns(
        origin_date=pl.lit(origin),
        model=pl.lit("KNN"),
        median=pl.lit(0.0),
        created_at=pl.col("created_at") + timedelta(hours=1),
    )
    append_history(other, folder)
    live = forecast_later(settings, made, 2).live
    assert of_model(live.summary, "KNN")["mae"] == pytest.approx(12.0)
    assert of_model(live.summary, "XGBoost")["mondays"] == 2
    both = of_model(live.summary)
    assert (both["mondays"], both["rows"]) == (2, 6)
    assert live.mondays["model"].to_list() == ["XGBoost", "KNN"]


def test_a_range_of_other_vehicles_than_came_true_is_not_judged(made: Fleet, settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_later(settings, made, 2)
    fewer = prepared(ORIGIN - timedelta(weeks=4), 28, actual=5.0).filter(pl.col("vehicle_id") != "C")
    write_table(folder, pl.concat([fewer, prepared(ORIGIN, 28)]))
    found = of_model(forecast_fleet(settings, [make_ranged_champion(28)], NOW).live.summary)
    assert (found["mondays"], found["rows"]) == (1, 2)
    assert (found["total_mondays"], found["total_coverage"]) == (0, None)
    assert found["total_bias"] is not None


def test_the_report_shows_the_table_the_count_and_what_is_missing(made: Fleet, settings: Settings) -> None:
    forecast_later(settings, made, 3)
    page = (Path(settings.data_dir) / "report.html").read_text()
    seen = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("How right earlier forecasts were")[1]))
    for needed in (
        "The last 13 Mondays",
        "Total inside its range",
        "28 days: 3 of 13 Mondays have a forecast whose window is over",
        "Volume",
        "28 days: the error is split on 0 of 3 Mondays. What is usual is known from",
        "Each version, all its Mondays",
    ):
        assert needed in seen, needed


def test_a_damaged_kept_file_is_named_and_the_others_are_judged(
    made: Fleet, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(settings.data_dir)
    (folder / "forecasts-history" / "2026-10-05.XGBoost.v2.parquet").write_bytes(b"PAR1 half of it")
    foreign = folder / "forecast-totals-history" / "2026-10-05.28d.XGBoost.v2.parquet"
    pl.DataFrame({"something": ["else"]}).write_parquet(foreign)
    with caplog.at_level(logging.WARNING):
        found = forecast_later(settings, made, 2)
    assert of_model(found.live.summary)["mondays"] == 2
    for name, why in (
        ("forecasts-history/2026-10-05.XGBoost.v2.parquet", ""),
        ("forecast-totals-history/2026-10-05.28d.XGBoost.v2.parquet", "no column origin_date"),
    ):
        (notice,) = [text for text in found.notices if name in text]
        assert why in notice
        assert "remove it" in notice
        assert name in caplog.text
        assert name in (folder / "report.html").read_text()


def test_forecasts_of_an_older_release_are_judged_by_what_they_have(made: Fleet, settings: Settings) -> None:
    folder = Path(settings.data_dir)
    origin = ORIGIN - timedelta(weeks=4)
    old = made.forecasts.with_columns(origin_date=pl.lit(origin)).drop("mean", *QUANTILE_NAMES, strict=False)
    old.rename({"median": "expected"}).write_parquet(
        folder / "forecasts-history" / f"{origin}.XGBoost.v3.parquet"
    )
    write_table(folder, pl.concat([prepared(origin, 28, actual=5.0), prepared(ORIGIN, 28)]))
    live = forecast_fleet(settings, [make_ranged_champion(28)], NOW).live
    found = of_model(live.summary)
    assert found["mae"] is not None
    assert found["coverage"] is not None
    for name in ("bias", "total_bias", "total_coverage", "crps", "pinball", "volume"):
        assert found[name] is None, name
    assert "by an earlier release" in live.mondays["not_split"][0]


def test_what_was_kept_of_another_fleet_is_not_judged(made: Fleet, settings: Settings) -> None:
    others = made.forecasts.with_columns(vehicle_id=pl.col("vehicle_id") + "x", model=pl.lit("SVR"))
    append_history(
        others.with_columns(origin_date=pl.lit(ORIGIN - timedelta(weeks=4))), Path(settings.data_dir)
    )
    live = forecast_later(settings, made, 2).live
    assert set(live.summary["model"]) == {"all", "XGBoost"}
    assert of_model(live.summary)["rows"] == 6


def test_totals_are_kept_once_for_each_origin_and_version(made: Fleet, settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(7), make_ranged_champion(28)], NOW)
    assert sorted(path.name for path in (folder / "forecast-totals-history").iterdir()) == [
        "2026-11-23.28d.XGBoost.v3.parquet",
        "2026-11-23.7d.XGBoost-7d.v3.parquet",
    ]
    kept = read_kept(folder)
    assert kept.problems == []
    assert kept.totals.filter(level="fleet")["horizon_days"].sort().to_list() == [7, 28]


def test_the_files_have_the_columns_that_they_are_said_to_have(made: Fleet, settings: Settings) -> None:
    forecast_later(settings, made, 2)
    folder = Path(settings.data_dir)
    assert pl.read_csv(folder / "forecast-live.csv").columns == list(LIVE)
    assert pl.read_csv(folder / "forecast-live-mondays.csv").columns == list(MONDAYS)


def test_scores_from_quantiles_are_close_to_those_of_the_whole_distribution() -> None:
    rng = np.random.default_rng(0)
    ensemble = rng.gamma(4.0, 2.0, (400, 2000))
    y = rng.gamma(4.0, 2.0, 400)
    quantiles = np.quantile(ensemble, QUANTILES, axis=1)
    names = ["median" if name == "q50" else name for name in QUANTILE_NAMES]
    found = scores(pl.DataFrame({"actual": y, **dict(zip(names, quantiles, strict=True))}))
    assert found["crps"] == pytest.approx(scoringrules.crps_ensemble(y, ensemble).mean(), rel=0.03)
    pinball = [scoringrules.quantile_score(y, quantiles[at], level) for at, level in enumerate(QUANTILES)]
    assert found["pinball"] == pytest.approx(np.mean(pinball))
