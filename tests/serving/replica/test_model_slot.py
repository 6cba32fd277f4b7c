"""The exchange of versions inside a replica, and what a challenger's difference is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from asgi_client import AsgiClient
from served import LIMITS, full_row, random_columns, tiny_predictor
from tiny_forecaster import tiny_forecaster

from turo import settings
from turo.errors import DeployError, RegistryError, ServiceError
from turo.files import sha256_folder
from turo.models.forecaster import MEDIAN
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App
from turo.serving.replica import model_slot
from turo.serving.replica.model_slot import ModelSlot
from turo.serving.replica.states import Failure
from turo.serving.serve_config import Content, ModelSpec, Notes


def spec(version: str, sha256: str = "") -> ModelSpec:
    return ModelSpec(
        name="Tiny", version=version, run_id=f"run-{version}", model_uri="models:/m-1", sha256=sha256
    )


def content(version: str, **notes: object) -> Content:
    return Content(spec=spec(version), limits=LIMITS, notes=Notes.model_validate(notes))


class Loader:
    """Gives tiny models; versions in `broken` cannot be loaded."""

    def __init__(self) -> None:
        self.broken: dict[str, Exception] = {}
        self.loads = 0

    def __call__(self, wanted: ModelSpec, max_rows: int) -> Predictor:
        self.loads += 1
        if wanted.version in self.broken:
            raise self.broken[wanted.version]
        return tiny_predictor("svr", wanted.version)


def test_a_version_takes_over_only_when_it_is_loaded() -> None:
    loader = Loader()
    slot = ModelSlot(loader)
    first = slot.take(content("1"))
    assert slot.take(content("1", metrics={"mae": 2.0})) is first
    assert (loader.loads, first.about.metrics) == (1, {"mae": 2.0})
    second = slot.take(content("2", tags={"turo.below_baseline": "true"}))
    assert (second.about.version, first.about.version) == ("2", "1")
    assert second.about.warning
    assert first.about.warning is None


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_says_why() -> None:
    loader = Loader()
    slot = ModelSlot(loader)
    first = slot.take(content("1", metrics={"mae": 2.0}))
    loader.broken["2"] = RegistryError("The files of Tiny-2 changed.")
    kept = slot.take(content("2", metrics={"mae": 9.0}))
    assert kept is first
    assert slot.failed == Failure(
        spec=spec("2"), reason="RegistryError: The files of Tiny-2 changed.", passing=False
    )
    assert (slot.spec, kept.about.refused) == (spec("1"), None), "refused it is once all replicas say so"
    assert kept.about.metrics == {"mae": 2.0}, "the notes belong to the refused version"
    slot.take(content("1", refused={"version": "2", "reason": "said by the reconciler"}))
    assert kept.about.refused == {"version": "2", "reason": "said by the reconciler"}
    assert slot.take(content("1")).about.refused is None
    loader.broken.clear()
    slot.take(content("3"))
    assert (slot.spec, slot.failed) == (spec("3"), None)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (ServiceError("MLflow does not answer."), True),
        (OSError(28, "No space left on device"), True),
        (TimeoutError(), True),
        (MemoryError(), True),
        (FileNotFoundError("input_example.json"), False),
        (ValueError("the trees are gone"), False),
        (DeployError("It fails its smoke test."), False),
    ],
)
def test_what_failed_is_tried_again_soon_if_the_reason_may_pass_else_later(
    error: Exception, passing: bool
) -> None:
    loader, now = Loader(), [0.0]
    slot = ModelSlot(loader, clock=lambda: now[0])
    slot.take(content("1"))
    loader.broken["2"] = error
    pauses: list[float] = []
    for _ in range(8):
        began = now[0]
        slot.take(content("2"))
        assert not slot.due
        while not slot.due:
            now[0] += 0.5
        pauses.append(now[0] - began)
    assert slot.failed is not None
    assert slot.failed.passing is passing
    assert pauses == ([2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0] if passing else [60.0] * 8)
    loader.broken.clear()
    slot.take(content("2"))
    assert (slot.spec, slot.failed, slot.due) == (spec("2"), None, False)


def test_a_first_version_that_cannot_be_loaded_stops_the_replica_and_says_whether_it_may_pass() -> None:
    loader = Loader()
    loader.broken["1"] = ServiceError("MLflow does not answer.")
    with pytest.raises(ServiceError):
        ModelSlot(loader).take(content("1"))
    loader.broken["1"] = ValueError("the trees\nare gone")
    with pytest.raises(DeployError, match=r"^ValueError: the trees are gone$"):
        ModelSlot(loader).take(content("1"))


def test_a_replica_that_cannot_start_with_its_version_starts_with_the_one_that_stands_in() -> None:
    loader = Loader()
    loader.broken["2"] = RegistryError("The files of Tiny-2 changed.")
    wanted = content("2", metrics={"mae": 9.0}).model_copy(update={"stand_in": spec("1")})
    slot = ModelSlot(loader)
    assert slot.take(wanted).about.version == "1"
    assert slot.predictor is not None
    assert slot.predictor.about.metrics == {}, "the notes belong to the other version"
    assert slot.failed is not None
    assert slot.failed.spec == spec("2")
    loader.broken["1"] = ServiceError("MLflow does not answer.")
    with pytest.raises(DeployError, match="Tiny-2 changed"):
        ModelSlot(loader).take(wanted)
    loader.broken.clear()
    assert slot.take(wanted).about.version == "2"


def model_folder(folder: Path) -> str:
    """An MLflow model folder as training logs it; returns the digest of its forecaster."""
    tiny_forecaster("svr").save(folder / "data" / "forecaster")
    flavors = "{python_function: {loader_module: turo.models.flavor, data: data/forecaster}}"
    (folder / "MLmodel").write_text(f"flavors: {flavors}\n")
    row = full_row()
    (folder / "input_example.json").write_text(
        json.dumps({"columns": list(row), "data": [list(row.values())]})
    )
    return sha256_folder(folder / "data" / "forecaster")


def test_loading_checks_digest_loader_and_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = model_folder(tmp_path / "served")
    monkeypatch.setattr("turo.registry.model_files._download", lambda uri, folder, get: None)
    monkeypatch.setattr("turo.registry.model_files._cache", lambda: tmp_path)

    def place(version: str) -> Path:
        folder = tmp_path / f"Tiny-{version}-{digest[:16]}"
        (tmp_path / "served").rename(folder)
        return folder

    folder = place("1")
    loaded = model_slot.load(spec("1", digest), 10, settings.load())
    assert (loaded.about.version, loaded.row_reader.max_rows) == ("1", 10)
    assert loaded.about.example == full_row()
    example = json.loads((folder / "input_example.json").read_text())
    example["data"][0][example["columns"].index("make")] = "Lada"
    (folder / "input_example.json").write_text(json.dumps(example))
    with pytest.raises(DeployError, match=r"Tiny version 1 fails its smoke test: .*column make"):
        model_slot.load(spec("1", digest), 10, settings.load())
    with pytest.raises(RegistryError, match="no digest"):
        model_slot.load(spec("1"), 10, settings.load())


def test_a_damaged_copy_on_the_node_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = model_folder(tmp_path / "registered")
    monkeypatch.setattr("turo.registry.model_files._cache", lambda: tmp_path)
    monkeypatch.setattr(
        "turo.registry.model_files._download",
        lambda uri, folder, get: shutil.copytree(tmp_path / "registered", folder),
    )
    copy = tmp_path / f"Tiny-1-{digest[:16]}"
    shutil.copytree(tmp_path / "registered", copy)
    (copy / "data" / "forecaster" / "forecaster.json").write_text("{}")
    assert model_slot.load(spec("1", digest), 10, settings.load()).about.version == "1"
    (tmp_path / "registered" / "data" / "forecaster" / "forecaster.json").write_text("{}")
    shutil.rmtree(copy)
    with pytest.raises(RegistryError, match="SHA-256"):
        model_slot.load(spec("1", digest), 10, settings.load())


def test_a_challengers_difference_is_taken_against_one_champion_at_a_time() -> None:
    pytest.importorskip("ray.serve")
    from turo.serving.replica.shadow import Challenger

    columns = random_columns(50)
    challenger = Challenger(spec("9"), tiny_predictor("svr"))
    own = challenger.predictor.model.predict(columns)
    assert challenger.compare("1", columns, own - 2.0, MEDIAN) == pytest.approx((2.0, 2.0))
    half = {name: values[:25] for name, values in columns.items()}
    assert challenger.compare("1", half, own[:25] + 4.0, MEDIAN) == pytest.approx((0.0, 4.0))
    assert challenger.compare("2", columns, own, MEDIAN) == (0.0, 0.0)
    assert np.isfinite(own).all()


def test_a_new_row_limit_holds_at_once_and_the_schema_says_it() -> None:
    slot = ModelSlot(Loader())
    slot.take(content("1"))
    limits = LIMITS.model_copy(update={"max_rows": 3})
    predictor = slot.take(Content(spec=spec("1"), limits=limits))
    ask = AsgiClient(App(predictor, limits), "/Tiny")
    assert ask.get("/schema").json()["properties"]["inputs"]["maxItems"] == 3
    assert [ask.post(json={"inputs": [full_row()] * rows}).status_code for rows in (3, 4)] == [200, 413]
