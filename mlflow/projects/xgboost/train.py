"""XGBoost: gradient-boosted trees, fitted for absolute error to what comes on top of the bookings known."""

from turo.training.entry import main
from turo.training.project import Project, Range

PROJECT = Project(
    kind="xgboost",
    summary="Gradient-boosted trees (XGBoost, histogram method).",
    params={
        "rounds": 150,
        "max_depth": 6,
        "learning_rate": 0.05,
        "min_child_weight": 40.0,  # rows a leaf needs: neighbouring weeks of a vehicle are nearly copies
        "subsample": 0.7,
        "colsample_bytree": 0.4,
        "max_bin": 64,
    },
    search={
        "rounds": Range(100, 500, log=True),
        "max_depth": Range(3, 8),
        "learning_rate": Range(0.015, 0.15, log=True),
        "min_child_weight": Range(5.0, 100.0, log=True),
        "subsample": Range(0.5, 1.0),
        "colsample_bytree": Range(0.2, 0.8),
    },
)

if __name__ == "__main__":
    main(PROJECT)
