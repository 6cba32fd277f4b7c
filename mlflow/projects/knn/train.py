"""KNN: the nearest of a bounded set of past rows, in the directions that matter for the target."""

from turo.training.entry import main
from turo.training.project import Project, Range

PROJECT = Project(
    kind="knn",
    summary="Nearest neighbours over a bounded reference set, distances weighted by what matters.",
    params={
        "neighbours": 60,
        "dimensions": 16,  # columns with the largest ridge coefficients: a k-d tree is fast in few dimensions
        "reference_rows": 20000,  # at most so many rows are kept, a seeded sample
    },
    search={
        "neighbours": Range(10, 200, log=True),
        "dimensions": Range(4, 24),
    },
)

if __name__ == "__main__":
    main(PROJECT)
