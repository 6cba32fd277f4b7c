"""The comparison table and the model card of a run."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import polars as pl

from turo.models.distribution import COVERAGE
from turo.table.targets import unit
from turo.training.evaluation import group_scores
from turo.training.evaluation.backtest import Backtest
from turo.training.evaluation.scores import MODEL, Scores
from turo.words import counted

COLUMNS = ("mae", "rmse", "wape", "mase", "bias", "mae_cold_start")
COMPARISON = "comparison"
CARD = """# {name}

{summary}

- Forecasts `{target}` ({unit}){window}; a prediction is the {functional} of what may come true.
- Data: profile `{profile}`, snapshot {snapshot}, digest `{digest}`, {rows} labelled rows, {span}.
- Code version `{code_version}`, seed {seed}, parameters `{parameters}`.
- {metric} {value:.3f} {unit} on {compared:.0f} of {rows_held:.0f} hold-out rows, those on which all can be
  compared: {verdict} ({best}, {best_value:.3f}).{left_out}
- {sums}
- The 80 % interval held {coverage:.1%} of the hold-out rows ({promised} promised); CRPS {crps:.3f} {unit}.
{fleet}
## On the same rows

{table}
## Where it is good, and where not

{groups}
Coverage is the share of rows inside their 80 % interval; `total` is by how much the sum of the means is off.
Groups of under {few_vehicles} vehicles say little: they are marked. On the books: how much of the window was
booked when it was forecast.

## How to read it

{protocol}

It forecasts bookings, not demand: a vehicle that is full cannot be booked again. One snapshot cannot know
trip dates that guests changed later. It is no ground for decisions about persons; the data hold none.
"""


def write_comparison(lines: list[dict[str, Any]], folder: Path) -> None:
    """Write comparison.json, .csv and .md.

    Args:
        lines: one dict a forecaster: name, then the metrics of `COLUMNS`.
    """
    (folder / f"{COMPARISON}.json").write_text(json.dumps(lines, indent=1, default=str) + "\n")
    table = [["name", *COLUMNS], *([line["name"], *(_plain(line.get(c)) for c in COLUMNS)] for line in lines)]
    with (folder / f"{COMPARISON}.csv").open("w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(table)
    (folder / f"{COMPARISON}.md").write_text(markdown(lines))


def markdown(lines: list[dict[str, Any]]) -> str:
    """The comparison as a table, best first."""
    rows = [f"| forecast | {' | '.join(COLUMNS)} |", "|---|" + "---|" * len(COLUMNS)]
    rows += [f"| {line['name']} | {' | '.join(_plain(line.get(c)) for c in COLUMNS)} |" for line in lines]
    return "\n".join(rows) + "\n"


def comparison(scores: Scores, metric: str) -> list[dict[str, Any]]:
    """Lines of the comparison table, best first, each with the forecaster's key."""
    lines = [{"name": scores.titles[key], "key": key, **values} for key, values in scores.lines.items()]
    return sorted(lines, key=lambda line: (math.isnan(line[metric]), line[metric]))


def card(facts: dict[str, Any], scores: Scores, result: Backtest) -> str:
    """The model card: what it is, what it learnt from, how good it is, what it must not be used for."""
    metric = result.metric
    days = counted(facts["horizon_days"], "day")
    window = f" over the next {days}" if facts["horizon_days"] else " of one vehicle"
    return CARD.format(
        **facts,
        window=window,
        unit=unit(facts["target"]),
        digest=facts["data_digest"][:12],
        parameters=json.dumps(facts["params"]),
        metric=metric.upper(),
        value=scores.lines[MODEL][metric],
        compared=scores.figures["holdout_rows_compared"],
        rows_held=scores.figures["holdout_rows"],
        verdict=_verdict(scores),
        left_out=_left_out(scores),
        sums=_sums(scores),
        best=scores.titles[scores.best_baseline],
        best_value=scores.lines[scores.best_baseline][metric],
        coverage=scores.figures["interval_coverage"],
        crps=scores.figures["crps"],
        promised=f"{COVERAGE * 100:.0f} %",
        fleet=_fleet(result.totals),
        table=markdown(comparison(scores, metric)),
        groups=group_scores.markdown(scores.groups),
        few_vehicles=group_scores.FEW_VEHICLES,
    )


def _verdict(scores: Scores) -> str:
    gain = scores.figures.get("improvement")
    if gain is None:
        return "no share can be given, the best baseline is exact here"
    return f"{abs(gain):.1%} {'better than' if gain > 0 else 'NOT better than'} the best baseline"


def _left_out(scores: Scores) -> str:
    if not scores.left_out:
        return ""
    named = ", ".join(scores.titles[key] for key in scores.left_out)
    return f"\n  Left out, for lack of a value on most rows: {named}."


def _sums(scores: Scores) -> str:
    """What sums of the forecasts are worth."""
    titles = {
        "fleet_bias": "means",
        "fleet_bias_median": "medians (not meant to be added up)",
        "derived_reservations_bias": "derived reservations",
        "derived_revenue_bias": "derived revenue",
    }
    known = [f"{title} {scores.figures[key]:+.1%}" for key, title in titles.items() if key in scores.figures]
    if not known:
        return "Sums over the hold-out cannot be judged: nothing came true in it."
    return f"Summed over the hold-out, against what came true: {', '.join(known)}."


def _fleet(totals: pl.DataFrame | None) -> str:
    """What the range of the fleet's total is worth; few weeks, whose windows overlap, tell little."""
    if totals is None:
        return ""
    inside, actual = totals["inside"].sum(), float(totals["actual"].sum())
    width = float((totals["q90"] - totals["q10"]).sum())
    told = f"\n  On average it is {width / actual:.1%} of the total wide." if actual else ""
    return (
        f"- The 80 % range of the fleet's total held what came true at {inside} of {len(totals)} origins."
        f"{told} Windows of neighbouring origins overlap, so that this is little evidence.\n"
    )


def _plain(value: Any) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.4f}"
