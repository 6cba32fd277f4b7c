"""Every answer comes from one whole table, while tables are replaced under the reader."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.fs as fs
import pytest
from prepared_table import NEWEST, ORIGINS, put_manifest, put_table, route, table_of, write_table

from turo.files import sha256_of
from turo.serving.http.problems import Problem
from turo.serving.lookup.feature_lookup import ATTEMPTS, FeatureTable
from turo.serving.lookup.table_watch import TableWatch

ROUNDS = 60
LIMITS = (0, 64 << 20)  # rows read where they lie, and held in memory


@pytest.mark.parametrize("limit", LIMITS)
def test_a_row_is_the_tables_row(tmp_path: Path, limit: int) -> None:
    frame = write_table(tmp_path)
    table = FeatureTable(str(tmp_path), limit)
    for vehicle, origin in (("V0", ORIGINS[0]), ("V9", NEWEST), ("V4", None)):
        (row,) = frame.filter(vehicle_id=vehicle, origin_date=origin or NEWEST).to_dicts()
        found = table.find(vehicle, origin)
        assert (found.values, found.origin) == (row, origin or NEWEST)
    for vehicle, origin, words in (
        ("V77", None, "no row"),
        ("V1", date(2026, 11, 24), "nearest is 2026-11-23"),
    ):
        with pytest.raises(Problem, match=words) as refused:
            table.find(vehicle, origin)
        assert refused.value.status == 404


@pytest.mark.parametrize("limit", LIMITS)
def test_every_row_comes_back_as_it_was_written(tmp_path: Path, limit: int) -> None:
    gaps = pl.when(pl.int_range(pl.len()) % 3 != 0)
    frame = table_of(7).with_columns(
        gaps.then("lag_1"),
        whole=gaps.then(pl.int_range(pl.len())),
        single=pl.col("otb_days").cast(pl.Float32),
        flag=gaps.then(pl.int_range(pl.len()) % 2 == 0),
        empty=pl.lit(None),
        day=gaps.then("origin_date"),
    )
    put_manifest(tmp_path, put_table(tmp_path, frame))
    table = FeatureTable(str(tmp_path), limit)
    for row in frame.to_dicts():
        assert table.find(row["vehicle_id"], row["origin_date"]).values == row


@pytest.mark.parametrize("limit", LIMITS)
def test_the_newest_rows_are_at_hand_once_asked_for_whatever_the_size_of_the_table(
    tmp_path: Path, limit: int
) -> None:
    write_table(tmp_path, seed=5)
    table = FeatureTable(str(tmp_path), limit)
    table.refresh()
    assert not table.at_hand(dated=False), "nobody has asked: no memory is used"
    table.find("V1", None)
    assert (table.at_hand(dated=False), table.at_hand(dated=True)) == (True, limit > 0)
    frame = write_table(tmp_path, seed=6)
    assert not table.at_hand(dated=False)
    TableWatch(table, lambda _: None).round()
    assert table.at_hand(dated=False)
    assert table.find("V1", None).values == frame.filter(vehicle_id="V1", origin_date=NEWEST).to_dicts()[0]
    put_table(tmp_path, table_of(7))
    TableWatch(table, lambda _: None).round()
    assert table.at_hand(dated=False), "half a new table changes nothing"
    (tmp_path / "manifest.json").unlink()
    table.refresh()
    assert not table.at_hand(dated=False)


def test_a_link_to_a_folder_may_be_set_to_another_one(tmp_path: Path) -> None:
    for seed, name in enumerate(("old", "new")):
        (tmp_path / name).mkdir()
        write_table(tmp_path / name, seed=seed, otb_trips=float(seed))
    link = tmp_path / "datas"
    link.symlink_to(tmp_path / "old")
    table = FeatureTable(str(link))
    assert table.find("V1", None).values["otb_trips"] == 0.0
    link.unlink()
    link.symlink_to(tmp_path / "new")
    assert table.find("V1", None).values["otb_trips"] == 1.0


@pytest.mark.parametrize("limit", LIMITS)
def test_a_table_without_dates_has_one_row_a_vehicle(tmp_path: Path, limit: int) -> None:
    frame = table_of().filter(origin_date=NEWEST).drop("origin_date", "horizon_days")
    put_manifest(tmp_path, put_table(tmp_path, frame))
    found = FeatureTable(str(tmp_path), limit).find("V3", None)
    assert (found.origin, found.values) == (None, frame.filter(vehicle_id="V3").to_dicts()[0])


@pytest.mark.parametrize("limit", LIMITS)
def test_rows_never_come_with_the_manifest_of_another_table(tmp_path: Path, limit: int) -> None:
    tables = [table_of(seed).with_columns(otb_trips=pl.lit(float(seed))) for seed in (5, 6)]
    expected = {}
    for seed, frame in zip((5.0, 6.0), tables, strict=True):
        expected[put_table(tmp_path, frame)] = seed
    put_manifest(tmp_path, put_table(tmp_path, tables[0]))
    table, asked = FeatureTable(str(tmp_path), limit), threading.Event()
    seen: set[str] = set()

    def replace() -> None:
        for turn in range(ROUNDS):
            asked.wait()
            asked.clear()
            put_manifest(tmp_path, put_table(tmp_path, tables[(turn + 1) % 2]))

    writer = threading.Thread(target=replace, daemon=True)
    writer.start()
    while writer.is_alive():
        asked.set()  # a table is replaced while this looks, two at most
        try:
            row = table.find("V1", None)
        except Problem as problem:  # a slow disk keeps table and manifest apart for longer than it waits
            assert "being replaced" in problem.detail
            continue
        assert row.values["otb_trips"] == expected[row.manifest["digest"]]
        seen.add(row.manifest["digest"])
    assert seen == set(expected)
    assert table.find("V1", None).values["otb_trips"] == (6.0 if ROUNDS % 2 else 5.0)


def test_a_table_half_replaced_is_waited_for_then_refused(tmp_path: Path) -> None:
    write_table(tmp_path, seed=5)
    put_table(tmp_path, table_of(6))  # and the writer died before the manifest
    waited: list[float] = []
    table = FeatureTable(str(tmp_path), pause=waited.append)
    for _ in range(2):
        with pytest.raises(Problem, match="being replaced") as refused:
            table.find("V1", None)
        assert (refused.value.status, refused.value.headers) == (503, [(b"retry-after", b"2")])
    assert len(waited) == ATTEMPTS - 1, "what has not changed is not waited for again"
    write_table(tmp_path, seed=6)
    assert table.find("V1", None).values["vehicle_id"] == "V1"


def test_a_table_that_comes_whole_while_waiting_is_used(tmp_path: Path) -> None:
    write_table(tmp_path, seed=5)
    digest = put_table(tmp_path, table_of(6))
    table = FeatureTable(str(tmp_path), pause=lambda _: put_manifest(tmp_path, digest))
    assert table.find("V1", None).manifest["digest"] == digest


def test_the_held_table_answers_until_the_next_is_whole(tmp_path: Path) -> None:
    write_table(tmp_path, seed=5)
    ask = route(tmp_path)
    before = ask.post("/forecast", json={"vehicle_id": "V1"}).json()
    digest = put_table(tmp_path, table_of(6))
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).json() == before
    put_manifest(tmp_path, digest)
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).json()["data_digest"] == digest


@pytest.mark.parametrize("limit", LIMITS)
def test_a_table_is_verified_once_whatever_is_asked_of_it(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[int] = []

    def count(handle: Any) -> str:
        verified.append(1)
        return sha256_of(handle)

    monkeypatch.setattr("turo.table.open_verified.sha256_of", count)
    table = FeatureTable(str(tmp_path), limit)
    for seed in (5, 6):
        write_table(tmp_path, seed=seed)
        for number in range(9):
            table.find(f"V{number}", ORIGINS[number % 5])
    assert len(verified) == 2


@pytest.mark.parametrize("limit", LIMITS)
def test_rows_for_other_days_than_the_manifest_says_are_not_served(tmp_path: Path, limit: int) -> None:
    put_manifest(tmp_path, put_table(tmp_path, table_of(days=7)))
    with pytest.raises(Problem, match="cannot be read now") as refused:
        FeatureTable(str(tmp_path), limit).find("V1", None)
    assert refused.value.status == 503


def test_a_table_behind_a_url_is_looked_up_too(tmp_path: Path) -> None:
    frame = write_table(tmp_path)
    found = FeatureTable(tmp_path.as_uri()).find("V2", NEWEST)
    assert found.values == frame.filter(vehicle_id="V2", origin_date=NEWEST).to_dicts()[0]


def test_a_watch_tells_the_newest_manifest_and_outlives_one_that_cannot_be_read(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    watch = TableWatch(FeatureTable(str(tmp_path)), told.append)
    watch.round()
    put_manifest(tmp_path, "one")
    watch.round()
    (tmp_path / "manifest.json").write_text("{")
    watch.round()
    put_manifest(tmp_path, "two")
    watch.round()
    assert [manifest.get("digest") for manifest in told] == [None, "one", "one", "two"]


@pytest.mark.parametrize("limit", LIMITS)
def test_on_an_object_store_the_manifest_is_asked_for_every_few_seconds(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())  # any that is not the local one
    monkeypatch.setattr("turo.serving.lookup.feature_lookup.folder", lambda location: (store, ""))
    table = FeatureTable("s3://bucket/datas", limit)
    assert table.manifest() == {}
    write_table(tmp_path, seed=5)
    first = table.find("V1", None)
    put_manifest(tmp_path, "newer")
    assert table.manifest() == first.manifest
    monkeypatch.setattr("turo.serving.lookup.feature_lookup.REMOTE_S", 0.0)
    assert table.manifest()["digest"] == "newer"
    frame = write_table(tmp_path, seed=6)
    assert table.find("V1", None).values == frame.filter(vehicle_id="V1", origin_date=NEWEST).to_dicts()[0]
