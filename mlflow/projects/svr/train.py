"""SVR: epsilon-insensitive regression on an approximated radial kernel, so that 200,000 rows stay usable."""

from turo.training.entry import main
from turo.training.project import Project, Range

PROJECT = Project(
    kind="svr",
    summary="Support vector regression with a Nyström approximation of the radial kernel.",
    params={
        "components": 500,  # landmark rows: cost grows with them times rows, not with the square of all rows
        "gamma": 0.3,  # divided by the number of columns, which are weighted by what they say of the target
        "C": 0.7,
        "epsilon": 0.2,  # in standard deviations of the target
        "fit_rows": 50000,  # at most so many rows, a seeded sample
    },
    search={
        "gamma": Range(0.03, 3.0, log=True),
        "C": Range(0.1, 100.0, log=True),
        "epsilon": Range(0.01, 0.5, log=True),
    },
)

if __name__ == "__main__":
    main(PROJECT)
