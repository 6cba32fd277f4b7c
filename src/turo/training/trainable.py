"""Whether a model can be trained on a table, asked before a training is advised or started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turo.errors import TrainingError
from turo.settings import Settings
from turo.training import training_rows
from turo.training.enough_history import shortfall
from turo.training.evaluation.split import by_origin
from turo.training.run_facts import check_history


def why_not(settings: Settings, data_dir: str, manifest: Mapping[str, Any], target: str = "auto") -> str:
    """What a training would refuse the table in `data_dir` for, with what helps; empty where it would not."""
    lacking = shortfall(manifest)
    if lacking:
        return f"{lacking[0].upper()}{lacking[1:]}. Bring a longer history or more vehicles."
    try:
        data = training_rows.read(settings.model_copy(update={"data_dir": data_dir}), target)
        check_history(data)
        if data.timed:
            by_origin(data.origins, data.horizon_days)
    except TrainingError as error:
        return str(error)
    return ""
