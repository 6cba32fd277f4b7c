"""What serving from arrays saves beside the scikit-learn pipelines of SVR and KNN: one thread, no server.

    python benchmarks/serving_pipelines.py    # a minute

Both give the same numbers (`tests/models/test_pipelines.py`). Each answer of the arrays is timed between two
of the pipeline. What is told are the medians of the ratios: they hold on a slow or a busy machine too.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from typing import Any

import numpy as np
import serving_models
from serving_batch import milliseconds
from threadpoolctl import threadpool_limits

KINDS, SIZES, ROUNDS = ("svr", "knn"), (1, 1000), 60


def main() -> int:
    """Print a line for each kind and number of rows; 1 if the arrays do not pay for one row."""
    useless = 0
    generator = np.random.default_rng(1)
    for kind in KINDS:
        model: Any = serving_models.make(kind).model
        for size in SIZES:
            rows = generator.normal(size=(size, serving_models.FEATURES))
            np.testing.assert_allclose(
                model.predict(rows), model.pipeline.predict(rows), rtol=1e-9, atol=1e-9
            )
            arrays, pipeline, ratios = [], [], []
            for _ in range(ROUNDS):
                before = milliseconds(partial(model.pipeline.predict, rows))
                arrays.append(milliseconds(partial(model.predict, rows)))
                after = milliseconds(partial(model.pipeline.predict, rows))
                pipeline += [before, after]
                ratios.append((before + after) / 2 / arrays[-1])
            ratio = statistics.median(ratios)
            useless += size == 1 and ratio <= 1
            print(
                f"{kind}, {size} row{'s' * (size > 1)}: pipeline {statistics.median(pipeline):.2f} ms, "
                f"arrays {statistics.median(arrays):.2f} ms, {ratio:.1f} times as fast"
            )
    return int(useless > 0)


if __name__ == "__main__":
    with threadpool_limits(1):
        sys.exit(main())
