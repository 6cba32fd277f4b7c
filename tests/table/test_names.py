"""A fact of the prepared table is written in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from turo.data.profiles import statuses
from turo.registry.aliases import CHAMPION, PREVIOUS
from turo.table import names

REPOSITORY = Path(__file__).parents[2]
FILES = {names.CSV, names.PARQUET, names.MANIFEST, names.REJECTED, names.REMEMBERED, names.FLEETS}
HOMES = {
    "src/turo/table/names.py": {
        *FILES,
        *names.TARGETS,
        names.ORACLE,
        names.EXPORT,
        names.TAKEHOME,
        *names.META,
        names.FURTHER_HORIZON,
    },
    "src/turo/data/profiles/statuses.py": set(statuses.CANCELLED),
}
ALSO = {
    "src/turo/settings.py": set(names.TARGETS),  # a literal type cannot be made of names; a test compares
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
    assert names.target_name("revenue") == names.target_name("y_revenue") == names.REVENUE
    assert names.target_name("auto") == names.target_name("auto", names.EXPORT) == names.BOOKED_DAYS
    assert names.target_name("auto", names.TAKEHOME) == names.RESERVATIONS
    assert set(names.TARGET) == set(names.TARGETS)
    assert (names.unit("y_revenue"), names.unit("y_profit")) == ("USD", "")
    assert [names.bound(target, 28) for target in names.TARGETS] == [28.0, None, None]


def test_the_aliases_are_written_in_the_registry_only() -> None:
    keyed = {"src/turo/registry/aliases.py"}
    for path in sorted((REPOSITORY / "src/turo").rglob("*.py")):
        if (where := str(path.relative_to(REPOSITORY))) not in keyed and PREVIOUS in literals(path):
            raise AssertionError(f"{where} writes the alias {PREVIOUS!r} beside {CHAMPION!r} again")
