"""`turo demo`: the whole platform on a laptop, without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = Path("demo"),
    once: Annotated[bool, typer.Option(help="Stop after the first answer instead of serving on.")] = False,
) -> None:
    """Run the whole platform without Docker: sample, table, four models, four routes, one request.

    Your own data: put your files into FOLDER/datas before it starts (reservations.csv, or an export under its
    own name with RESERVATIONS_FILE='trip_earnings_export_*.csv'); the sample is written only where none lie
    there. The front door is at port 8000, MLflow at 5000; where one is taken, at a free one that is printed.
    """
    from turo.demo.platform import run

    run(folder, once=once)
