"""A fleet whose vehicles have no class: no page speaks of one, but to say how to have it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fleet_pages import Pages
from hand_fleet import ORIGIN, Extra, make_champion, prepared, write_table

from turo.forecast.champions import Champion
from turo.forecast.fleet_forecast import forecast_fleet
from turo.models.encoding import Field
from turo.models.forecaster import Forecaster
from turo.settings import Settings

MISSING = re.compile(r"No vehicle has a class \(column class of vehicles\.csv\)")


class ByPrice(Extra):
    """Expects more of a vehicle that is dearer than others; without classes those are the fleet."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(5.0 * X[:, 1])


def by_price(champion: Champion) -> Champion:
    assert isinstance(champion.forecaster, Forecaster)
    fields = (Field("otb_days", "number"), Field("price_ratio_class", "number"))
    return replace(champion, forecaster=replace(champion.forecaster, fields=fields, model=ByPrice()))


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The hand-made fleet without the column, null in its table, with costs, one vehicle of it new."""
    data = Path(settings.data_dir)
    lines = pl.read_csv(data / "vehicles.csv", infer_schema=False)
    listed = pl.when(pl.col("vehicle_id") == "C").then(pl.lit("2026-10-01")).otherwise("listed_from")
    lines.drop("class").with_columns(listed.alias("listed_from")).write_csv(data / "vehicles.csv")
    trips = pl.read_csv(data / "reservations.csv", infer_schema=False)
    distance = pl.when(pl.col("vehicle_id") == "A").then(pl.lit("80"))
    trips.with_columns(distance.alias("distance")).write_csv(data / "reservations.csv")
    (data / "costs.csv").write_text("vehicle_id,monthly_cost,cost_per_distance\nA,100,0.1\nC,90,0.1\n")
    ratio = pl.Series("price_ratio_class", [0.5, 1.0, 2.0, 1.0])
    write_table(data, prepared(ORIGIN, 28).with_columns(ratio, pl.lit(None, pl.String).alias("class")))
    forecast_fleet(settings, [by_price(make_champion(28))], datetime(2026, 11, 24, 6))
    return data


def said(page: str) -> str:
    visible = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(visible).split())


def test_the_report_speaks_of_the_fleet(folder: Path) -> None:
    text = said((folder / "report.html").read_text(encoding="utf-8"))
    assert re.search(r"\bclass(es)?\b", MISSING.sub("", text)) is None
    assert "behind its own season, beyond what is chance" in text
    assert "told by others of the fleet, at their price" in text
    assert "its price against others of the fleet" in text
    assert "pace.csv has every week of the fleet." in text


def test_so_do_the_pages_of_the_front_door(folder: Path) -> None:
    pages = Pages(str(folder))
    for path in ("/", "/vehicles", "/vehicles/A", "/vehicles/C"):
        page = pages.get(path)
        assert page.status_code == 200
        assert re.search(r"\bclass(es)?\b", said(page.text), re.IGNORECASE) is None, path
    assert "Against the fleet" in said(pages.get("/vehicles/A").text)
