"""Ensemble: the weighted mean of other projects' models, which are fitted with these projects' defaults."""

from pathlib import Path

from turo.training.entry import main
from turo.training.project import Project

PROJECT = Project(
    kind="ensemble",
    summary="Weighted mean of several models, the weights chosen on the rolling folds.",
    params={
        "members": "xgboost,svr,catboost,knn",  # folders beside this one
        "rounds": 20,  # of greedy selection: weights are multiples of 1/20, or of a larger share
    },
    members_in=Path(__file__).resolve().parents[1],
)

if __name__ == "__main__":
    main(PROJECT)
