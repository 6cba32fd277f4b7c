"""What the name of a vehicle in an export tells of it."""

from datetime import datetime, timedelta

import pytest
from export_factory import Fleet, row, write

START = datetime(2025, 3, 1, 10)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("2023 Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("Tesla Model 3 (2023)", ("Tesla", "Model 3", 2023)),
        ("(2023) Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("Tesla Model 3, 2023", ("Tesla", "Model 3", 2023)),
        ("2023 Tesla Model 3 2023", ("Tesla", "Model 3", 2023)),
        ("'23 Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("Tesla Model 3 '23", ("Tesla", "Model 3", 2023)),
        ("'Tesla Model 3 2023", ("Tesla", "Model 3", 2023)),
        ("2019 Land Rover Discovery", ("Land Rover", "Discovery", 2019)),
        ("Mazda 3 2021", ("Mazda", "3", 2021)),
        ("2021 Mazda 3", ("Mazda", "3", 2021)),
        ("Peugeot 2008 2020", ("Peugeot", "2008", 2020)),
        ("Peugeot 2008 (2020)", ("Peugeot", "2008", 2020)),
        ("2008 Peugeot 2008", ("Peugeot", "2008", 2008)),
        ("2022 Ram 1500", ("Ram", "1500", 2022)),
        ("2023: Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("2023/Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("2023 | Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("2023. Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ('"2023 Tesla Model 3"', ("Tesla", "Model 3", 2023)),
        ("*2023 Tesla Model 3", ("Tesla", "Model 3", 2023)),
        ("Tesla Model 3 | 2023", ("Tesla", "Model 3", 2023)),
        ("2024 Tesla Model 3 Long Range", ("Tesla", "Model 3 Long Range", 2024)),
        ("Tesla Model 3", ("Tesla", "Model 3", None)),
        ("2023", (None, None, None)),
    ],
)
def test_the_year_may_stand_anywhere_in_a_name(tmp_path, load, name, facts):
    write(tmp_path, [row(1, START, START + timedelta(days=2), Vehicle_name=name)])
    assert load(as_of="2025-04-01").vehicles.select("make", "model", "year").rows() == [facts]


def test_names_as_turo_writes_them(tmp_path, load):
    write(tmp_path, Fleet(days=60).rows(datetime(2025, 5, 1)))
    makes = load(as_of="2025-05-01").vehicles["make"].to_list()
    assert makes == ["Honda", "Land Rover", "Toyota", "Tesla"]
