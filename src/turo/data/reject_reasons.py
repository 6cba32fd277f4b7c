"""Reasons why rows are set aside, each with the form of the cell that was met: `… (met CA$9.99)`."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from turo.data.csv.cells import form

MET = r" \(met (.*)\)$"
COMMON = 3  # reasons that an error names


def with_forms(rows: pl.DataFrame, reason: str, met: Mapping[str, str]) -> list[str]:
    """The reasons in the column `reason`, those in `met` (reason → column of text) with the form met."""
    columns = {met[why] for why in set(rows[reason]) if why in met}  # a file may lack the others
    texts = {name: rows[name].to_list() for name in columns}
    forms = {name: {cell: form(cell) for cell in set(texts[name]) if cell} for name in columns}
    with_form = []
    for number, why in enumerate(rows[reason].to_list()):
        cell = texts[met[why]][number] if why in met else None
        with_form.append(f"{why} (met {forms[met[why]][cell]})" if cell else why)
    return with_form


def commonest(reasons: pl.Series) -> list[tuple[str, str]]:
    """The commonest reasons, whatever form was met, each with its count and one of the forms."""
    frame = pl.DataFrame({"reason": reasons.str.replace(MET, ""), "form": reasons.str.extract(MET, 1)})
    counted = frame.group_by("reason", maintain_order=True).agg(
        pl.len().alias("count"), pl.col("form").drop_nulls().mode(maintain_order=True).first()
    )
    common = counted.sort("count", descending=True, maintain_order=True).head(COMMON)
    return [
        (reason, f"{count}, such as {met}" if met else str(count))
        for reason, count, met in common.iter_rows()
    ]
