"""The weighted mean of other estimators: its numbers, its files, and files that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_forecaster import SMALL, equal_shares

from turo.errors import RegistryError
from turo.files import sha256_folder
from turo.models.estimators.ensemble import MEMBERS, Ensemble, Member
from turo.models.kinds import regressor

WEIGHTS = {"knn": 0.5, "xgboost": 0.3, "svr": 0.2, "catboost": 0.0}


def table(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(rows, 6))
    y = 3 * X[:, 0] + np.abs(X[:, 1]) + generator.normal(0, 0.3, rows)
    X[generator.random(X.shape) < 0.1] = np.nan
    return X, y


def fitted(**params: Any) -> Any:
    members = {kind: Member(kind, weight, SMALL[kind]) for kind, weight in WEIGHTS.items()}
    return Ensemble(seed=3, **(params or {"members": members})).fit(*table(400, seed=1))


def test_it_is_the_weighted_sum_of_what_its_members_are_alone(tmp_path: Path) -> None:
    model, (unseen, _) = fitted(), table(200, seed=2)
    model.save(tmp_path)
    loaded = Ensemble.load(tmp_path)
    alone: Any = 0.0
    for kind, weight in WEIGHTS.items():
        alone += weight * regressor(kind)(seed=3, **SMALL[kind]).fit(*table(400, seed=1)).predict(unseen)
    np.testing.assert_allclose(model.predict(unseen), alone, rtol=1e-12)
    np.testing.assert_array_equal(loaded.predict(unseen), model.predict(unseen))
    one_by_one = np.concatenate([loaded.predict(unseen[at : at + 1]) for at in range(len(unseen))])
    np.testing.assert_array_equal(one_by_one, model.predict(unseen))


def test_members_without_weight_are_neither_fitted_nor_saved(tmp_path: Path) -> None:
    model = fitted()
    model.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ensemble.json", "knn", "xgboost", "svr"}
    assert set(model.fitted) == {"knn", "xgboost", "svr"}
    written = json.loads((tmp_path / "ensemble.json").read_text())["members"]
    assert {member["name"]: member["weight"] for member in written} == {
        name: weight for name, weight in WEIGHTS.items() if weight
    }


def test_one_kind_may_take_part_twice(tmp_path: Path) -> None:
    two = {f"near{count}": Member("knn", 0.5, {"neighbours": count, "dimensions": 4}) for count in (3, 30)}
    model, (unseen, _) = fitted(members=two), table(50, seed=2)
    model.save(tmp_path)
    np.testing.assert_array_equal(Ensemble.load(tmp_path).predict(unseen), model.predict(unseen))


def test_the_same_training_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        fitted(**equal_shares({kind: SMALL[kind] for kind in MEMBERS})).save(tmp_path / name)
    assert sha256_folder(tmp_path / "first") == sha256_folder(tmp_path / "second")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"members": [{"name": "../knn", "kind": "knn", "weight": 1}]}, r"unknown member '\.\./knn'"),
        ({"members": [{"name": "knn", "kind": "pickle", "weight": 1}]}, "'knn' of kind 'pickle'"),
        ({"members": [{"name": "e", "kind": "ensemble", "weight": 1}]}, "'e' of kind 'ensemble'"),
        ({"members": [{"name": "knn", "kind": "knn", "weight": 0.9}]}, r"not add up to 1: \[0\.9\]"),
        ({"members": [{"name": "knn", "kind": "knn", "weight": float("nan")}]}, r"not add up to 1: \[nan\]"),
        ({"members": []}, r"not add up to 1: \[\]"),
        ({"members": [{"kind": "knn"}]}, "is damaged: KeyError"),
        ({"members": 7}, "is damaged: TypeError"),
        ({"format": 2}, "has format 2, this code reads 1"),
    ],
)
def test_a_file_that_names_what_is_not_known_is_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    fitted().save(tmp_path)
    path = tmp_path / "ensemble.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RegistryError, match=rf"ensemble\.json.*{told}") as caught:
        Ensemble.load(tmp_path)
    assert "Train the model again" in caught.value.remedy


def test_a_member_of_a_type_that_is_not_trusted_is_refused_as_alone(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    (tmp_path / "knn" / "model.skops").write_bytes(b"no archive")
    with pytest.raises(RegistryError, match=r"knn/model\.skops is damaged"):
        Ensemble.load(tmp_path)
    (tmp_path / "ensemble.json").unlink()
    with pytest.raises(RegistryError, match=r"ensemble\.json is damaged: FileNotFoundError"):
        Ensemble.load(tmp_path)
