"""A fact of the prepared table is written in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from turo.data import canonical_statuses
from turo.registry.aliases import CHAMPION, PREVIOUS
from turo.table import names, targets

REPOSITORY = Path(__file__).parents[2]
FILES = {names.CSV, names.PARQUET, names.MANIFEST, names.REJECTED, names.REMEMBERED, names.FLEETS}
HOMES = {
    "src/turo/table/names.py": {
        *FILES,
        names.ORACLE,
        names.ORACLE_TOTALS,
        names.EXPORT,
        names.TAKEHOME,
        *names.META,
        names.FURTHER_HORIZON,
    },
    "src/turo/table/targets.py": set(targets.TARGETS),
    "src/turo/data/canonical_statuses.py": set(canonical_statuses.CANCELLED),
}
ALSO = {
    "src/turo/settings.py": set(targets.TARGETS),  # a literal type cannot be made of names; a test compares
    "src/turo/operate/backup/manifest.py": {names.MANIFEST},  # of an archive, not of a table
    "src/turo/forecast/flags.py": {names.LOOKS_GONE},  # what a forecast says of a vehicle: another list
}


def literals(path: Path) -> set[str]:
    """The strings of a module but its docstrings."""
    tree = ast.parse(path.read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("home", HOMES)
def test_no_other_module_writes_a_fact_again(home: str) -> None:
    again = {
        str(path.relative_to(REPOSITORY)): found
        for path in sorted((REPOSITORY / "src/turo").rglob("*.py"))
        if (where := str(path.relative_to(REPOSITORY))) != home
        and (found := literals(path) & HOMES[home] - ALSO.get(where, set()))
    }
    assert again == {}


def test_a_target_is_known_by_its_short_name_or_by_the_profile() -> None:
    assert targets.target_name("revenue") == targets.target_name("y_revenue") == targets.REVENUE
    assert targets.target_name("auto") == targets.target_name("auto", names.EXPORT) == targets.BOOKED_DAYS
    assert targets.target_name("auto", names.TAKEHOME) == targets.RESERVATIONS
    assert set(targets.TARGET) == set(targets.TARGETS)
    assert (targets.unit("y_revenue"), targets.unit("y_profit")) == ("money", "")
    assert [targets.bound(target, 28) for target in targets.TARGETS] == [28.0, None, None]


def test_the_aliases_are_written_in_the_registry_only() -> None:
    keyed = {"src/turo/registry/aliases.py"}
    for path in sorted((REPOSITORY / "src/turo").rglob("*.py")):
        if (where := str(path.relative_to(REPOSITORY))) not in keyed and PREVIOUS in literals(path):
            raise AssertionError(f"{where} writes the alias {PREVIOUS!r} beside {CHAMPION!r} again")
