"""The population stability index: how far two samples differ, from their counts over the same bins."""

from __future__ import annotations

import numpy as np

SCHEMA = 2  # of the reference histograms: 2 also has the index of single weeks of the past


def psi(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Population stability index of two arrays of counts over the same bins (last axis).

    Half a row is added to every bin (additive smoothing), so that an empty one does not make it infinite.
    """
    p = (then + 0.5) / (then + 0.5).sum(axis=-1, keepdims=True)
    q = (now + 0.5) / (now + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray(np.sum((q - p) * np.log(q / p), axis=-1))
