"""The rules of the gate: what a candidate must show before it serves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from turo.registry import Version
from turo.training.rivals import Paired, against_champion

COMPARABLE = ("turo.target", "turo.horizon_days", "turo.profile")


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


def decide(candidate: Version, champion: Version | None) -> Decision:
    """The rules, in order; nothing is changed here.

    1. No champion: the first candidate is taken, even below the baseline.
    2. It must beat the best baseline on its hold-out.
    3. A champion of another target, horizon or profile cannot be compared and gives way.
    4. On the candidate's hold-out rows it must not lose to the champion by paired bootstrap. A tie passes.
    """
    metric = candidate.tags.get("turo.metric", "mae")
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

    if champion is None:
        note = "below the baseline" if below else "beats the baseline"
        return decision(True, f"first candidate of {candidate.name}, {note}")
    if champion.version == candidate.version:
        # The alias moved, but the ledger line is missing: the first attempt broke off in between.
        made = decision(True, "champion already")
        return replace(made, reason=candidate.tags.get("turo.gate_reason", made.reason))
    if below:
        return decision(False, f"does not beat the best baseline; version {champion.version} stays")
    other = [tag for tag in COMPARABLE if champion.tags.get(tag) != candidate.tags.get(tag)]
    if other:
        was = ", ".join(f"{tag.removeprefix('turo.')} {champion.tags.get(tag)}" for tag in other)
        return decision(True, f"beats the baseline; champion {champion.version} was made for {was}")
    return decision(*_verdict(against_champion(candidate, champion), champion))


def _verdict(paired: Paired, champion: Version) -> tuple[bool, str]:
    if paired.comparison is None:
        return True, f"beats the baseline; not comparable with champion {champion.version}: {paired.why_not}"
    found = paired.comparison
    against = (
        f"champion {champion.version}: {found.candidate:.4f} against {found.champion:.4f} on {found.rows} "
        f"common rows, worse in {found.share_worse:.0%} of resamples"
    )
    return (False, f"loses to {against}") if found.loses else (True, f"does not lose to {against}")
