"""CatBoost: symmetric boosted trees, fitted for absolute error to what comes on top of the bookings known."""

from turo.training.entry import main
from turo.training.project import Project, Range

PROJECT = Project(
    kind="catboost",
    summary="Gradient-boosted symmetric trees (CatBoost).",
    params={
        "iterations": 300,
        "depth": 6,
        "learning_rate": 0.05,
        "l2_leaf_reg": 20.0,
        "rsm": 0.3,  # share of features seen by each split
        "border_count": 64,
    },
    search={
        "iterations": Range(150, 600, log=True),
        "depth": Range(4, 8),
        "learning_rate": Range(0.02, 0.2, log=True),
        "l2_leaf_reg": Range(1.0, 100.0, log=True),
        "rsm": Range(0.2, 1.0),
    },
)

if __name__ == "__main__":
    main(PROJECT)
