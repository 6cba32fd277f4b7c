"""costs.csv: what is wrong in it is told, and the rest is used."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from turo.data.costs import COLUMNS, Costs, read_costs

TODAY = date(2026, 11, 23)
FLEET = ("A", "B", "1001")
HEADER = "vehicle_id,purchase_price,purchase_date,monthly_cost,cost_per_distance\n"


def read(folder: Path, text: str) -> Costs:
    (folder / "costs.csv").write_text(text)
    return read_costs(str(folder), FLEET, TODAY)


def test_no_file_is_no_costs_and_no_problem(tmp_path: Path) -> None:
    assert read_costs(str(tmp_path), FLEET, TODAY).rows.is_empty()
    assert read_costs(str(tmp_path), FLEET, TODAY).problems == ()
    assert not read_costs(str(tmp_path), FLEET, TODAY).found


def test_amounts_and_dates_as_people_write_them(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + 'A,"$21,500.00",2024-03-01,410.5,0.12\n1001.0,9000,,,\n')
    assert found.problems == ()
    assert found.rows.columns == list(COLUMNS)
    assert found.rows.rows() == [
        ("A", 21500.0, date(2024, 3, 1), 410.5, 0.12),
        ("1001", 9000.0, None, None, None),
    ]


def test_all_columns_but_the_vehicle_may_be_absent_and_blanks_may_be_in_names(tmp_path: Path) -> None:
    found = read(tmp_path, "Vehicle ID,Monthly cost,colour\nB,300,red\n")
    assert found.rows.rows() == [("B", None, None, 300.0, None)]
    assert found.problems == ("costs.csv: unknown columns are left out: colour.",)


@pytest.mark.parametrize(
    ("line", "problem", "left"),
    [
        (
            "X,1,,2,",
            "line 3: no vehicle of this fleet has the vehicle_id 'X'; the line is left out. Ids are "
            "those of the vehicles' pages.",
            None,
        ),
        (",1,,2,", "line 3: a totals line, no reservation; the line is left out.", None),
        ("B,-5,,2,", "line 3: purchase_price is negative (-5); it counts as unknown.", (None, None, 2.0)),
        ("B,5,,- $2.00,", "line 3: monthly_cost is negative (- $2.00); it counts", (5.0, None, None)),
        ("B,dear,,2,", "line 3: purchase_price is no plain amount (aaaa); it counts", (None, None, 2.0)),
        ("B,5,soon,2,", "purchase_date is no date such as 2026-11-23 (aaaa)", (5.0, None, 2.0)),
        ("B,5,2024-02-30,2,", "purchase_date is no date such as 2026-11-23 (2024-02-30)", (5.0, None, 2.0)),
        ("B,5,2027-01-01,2,", "purchase_date lies after 2026-11-23 (2027-01-01)", (5.0, None, 2.0)),
    ],
)
def test_what_cannot_be_is_told_and_the_rest_is_used(
    tmp_path: Path, line: str, problem: str, left: tuple[float | None, ...] | None
) -> None:
    found = read(tmp_path, f"{HEADER}A,1000,2024-01-01,100,\n{line}\n")
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert found.rows.row(0) == ("A", 1000.0, date(2024, 1, 1), 100.0, None)
    assert found.rows.rows()[1:] == ([("B", *left, None)] if left else [])


def test_a_vehicle_with_two_lines_has_none(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "A,1,,,\nB,2,,,\nA,3,,,\n")
    assert found.rows["vehicle_id"].to_list() == ["B"]
    assert found.problems == ("costs.csv has several lines of vehicle 'A'; none of them is used. Keep one.",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "costs.csv is empty"),
        ("vehicle,monthly_cost\nA,3\n", "costs.csv has no column vehicle_id. Add it"),
        ("vehicle_id;monthly_cost\nA;3\n", "costs.csv is separated by ';'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    found = read(tmp_path, text)
    assert found.rows.is_empty()
    assert found.found
    assert problem in found.problems[0]


def test_many_problems_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "".join(f"X{number},1,,,\n" for number in range(30)))
    assert len(found.problems) == 11
    assert found.problems[-1] == "costs.csv: and 20 more of this kind."


def test_a_plate_in_the_place_of_an_id_is_answered_with_where_its_id_stands(tmp_path: Path) -> None:
    (tmp_path / "vehicle_keys.csv").write_text("kind,key,vehicle_id\nplate,GLD8888,car-0007\n")
    (tmp_path / "costs.csv").write_text("vehicle_id,purchase_price\nGLD8888,20000\n")
    (said,) = read_costs(str(tmp_path), ["car-0007"], date(2026, 11, 23)).problems
    assert said.endswith("vehicle_keys.csv says which id a plate has.")
