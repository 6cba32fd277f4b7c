"""The rules of the gate: what a candidate must show before it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from turo.data import fleet_sketch
from turo.gate.champion_comparison import against, metric_of
from turo.gate.paired_bootstrap import TOTAL_OFF
from turo.registry import fleet_match
from turo.registry.client import Version

BIAS = "fleet_bias"  # run metric: by what share the total over the hold-out is off


@dataclass(frozen=True)
class Decision:
    """What the gate did with a candidate.

    Attributes:
        promoted: whether the candidate is the champion now.
        below_baseline: it does not beat the best baseline (a first champion may not).
        champion: the version that is champion after the decision.
    """

    name: str
    version: str
    run_id: str
    promoted: bool
    below_baseline: bool
    reason: str
    champion: str
    metric: str
    value: float
    baseline: float


def decide(
    candidate: Version,
    champion: Version | None,
    best: Version | None = None,
    table: Mapping[str, Any] | None = None,
) -> Decision:
    """The rules, in order; nothing is changed here.

    1. No champion: the first candidate is taken, even below the baseline.
    2. A candidate of another fleet than the prepared table's replaces nobody.
    3. A champion of another fleet, target or horizon is as good as none.
    4. The candidate must beat the best baseline on its hold-out.
    5. On its hold-out rows it must not lose to the champion, nor to the best champion of the last year. If
       one of them answers medians and the other means, both are asked for what the candidate answers.
    6. Its total over all vehicles must not be far off, unless the champion's is further off.

    Args:
        best: of the champions of the last year on the same fleet, if there is one.
        table: manifest of the prepared table, where there is one.
    """
    metric = metric_of(candidate)
    value, baseline = candidate.metrics[metric], candidate.metrics[f"baseline_best_{metric}"]
    below = not value < baseline
    figures = (
        f"{metric} {value:.4f}, best baseline ({candidate.tags.get('turo.best_baseline')}) {baseline:.4f}"
    )

    def decision(promoted: bool, reason: str) -> Decision:
        winner = candidate if promoted or champion is None else champion
        return Decision(
            name=candidate.name,
            version=candidate.version,
            run_id=candidate.run_id,
            promoted=promoted,
            below_baseline=below,
            reason=f"{reason} ({figures})",
            champion=winner.version,
            metric=metric,
            value=value,
            baseline=baseline,
        )

    note = f"{'below the baseline' if below else 'beats the baseline'}{_far_off(candidate)}"
    if champion is None:
        return decision(True, f"first candidate of {candidate.name}, {note}")
    if champion.version == candidate.version:
        # The alias moved, but the decision log has no entry: the first attempt broke off in between.
        made = decision(True, "champion already")
        return replace(made, reason=candidate.tags.get("turo.gate_reason", made.reason))
    stays = f"version {champion.version} stays"
    if table and fleet_match.foreign(candidate.tags, table):
        here = fleet_sketch.of_manifest(table)
        now = here.label if here else "?"
        told = f"trained on {fleet_match.label(candidate.tags)}; the table now is of {now}"
        return decision(False, f"{told}; {stays}")
    if difference := fleet_match.difference(candidate.tags, champion.tags):
        group = "kind" if fleet_match.same(candidate.tags, champion.tags) else "fleet"
        told = f"first candidate of this {group}, {note}; champion {champion.version} {difference}"
        return decision(True, told)
    if below:
        return decision(False, f"does not beat the best baseline; {stays}")
    incumbents = {f"champion {champion.version}": champion}
    if best is not None and best.version not in {champion.version, candidate.version}:
        incumbents[f"version {best.version}, the best of the last year"] = best
    verdicts = [_verdict(candidate, who, other) for who, other in incumbents.items()]
    lost = next((verdict for verdict in verdicts if not verdict[0]), None)
    return decision(*(lost or (True, "; ".join(reason for _, reason in verdicts))))


def _far_off(candidate: Version) -> str:
    """What a first candidate is marked with; it is taken all the same."""
    bias = candidate.metrics.get(BIAS, 0.0)
    return f", but its fleet total is off by {bias:+.1%} on the hold-out" if abs(bias) > TOTAL_OFF else ""


def _verdict(candidate: Version, who: str, incumbent: Version) -> tuple[bool, str]:
    paired = against(candidate, incumbent)
    found, total = paired.comparison, paired.total
    if found is None:
        return True, f"beats the baseline; not comparable with {who}: {paired.why_not}"
    if metric_of(incumbent) != metric_of(candidate):
        who = f"{who} (both asked for the {'mean' if metric_of(candidate) == 'rmse' else 'median'})"
    told = (
        f"{who}: {found.candidate:.4f} against {found.champion:.4f} on {found.rows} common rows, worse by "
        f"more than {found.margin:.0%} in {found.share_worse:.0%} of resamples{found.evidence}"
    )
    if found.loses:
        return False, f"loses to {told}"
    if total is not None and total.loses:
        return False, (
            f"its fleet total is off by {total.candidate:+.1%} against {total.champion:+.1%} of {who} on "
            f"{found.rows} common rows, {TOTAL_OFF:.0%} are allowed"
        )
    return True, f"does not lose to {told}"
