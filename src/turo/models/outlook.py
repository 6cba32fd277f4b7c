"""What a forecaster, a trained one or a baseline, says of rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from turo.models.spread import QUANTILES, Spread


class Outlook(NamedTuple):
    """Forecast, mean, both ends of the interval (rows,), and quantiles (rows, QUANTILES), None of a model
    saved without a distribution."""

    forecast: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    quantiles: np.ndarray | None = None

    @classmethod
    def of(cls, spread: Spread, coverage: float) -> Outlook:
        """What distributions say, with the median as the forecast.

        Args:
            coverage: probability that the interval holds.
        """
        quantiles = spread.quantiles(np.array(QUANTILES))
        median = quantiles[:, QUANTILES.index(0.5)]
        return cls(median, spread.mean, *spread.shortest(coverage), quantiles)

    @property
    def median(self) -> np.ndarray:
        """Medians (rows,), whatever the forecast is; where no distribution is known, the forecast."""
        if self.quantiles is None:
            return self.forecast
        return np.where(np.isfinite(self.forecast), self.quantiles[:, QUANTILES.index(0.5)], np.nan)
