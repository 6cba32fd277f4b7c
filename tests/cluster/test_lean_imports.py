"""A module is imported without a package it can do without; whoever else wants the package has it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from compose_file import REPOSITORY

from turo.cluster.lean_imports import Finder

TAKER = """
import threading
try:
    import wide_frames
except ImportError as error:
    assert (type(error), error.name) == (ModuleNotFoundError, "wide_frames")
    wide_frames = None
elsewhere = []
def look():
    import wide_frames
    elsewhere.append(wide_frames.HERE)
if LOOKS:
    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the package and two that take it, one of which must do without."""
    (tmp_path / "wide_frames.py").write_text("HERE = True\n")
    (tmp_path / "must_do_without.py").write_text(TAKER.replace("LOOKS", "True"))
    (tmp_path / "may_take_it.py").write_text(TAKER.replace("LOOKS", "False"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("wide_frames", "must_do_without", "may_take_it"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder({"must_do_without": "wide_frames"}, {}), *sys.meta_path])
    return tmp_path


def imported(name: str) -> object:
    return __import__(name)


def test_only_the_module_named_and_only_this_thread_do_without(modules: Path) -> None:
    threads = threading.active_count()
    one = imported("must_do_without")
    assert vars(one)["wide_frames"] is None
    assert vars(one)["elsewhere"] == [True]  # another thread imported it meanwhile
    assert vars(one)["__file__"] == str(modules / "must_do_without.py")
    del sys.modules["wide_frames"]
    assert vars(imported("may_take_it"))["wide_frames"].HERE
    assert vars(imported("wide_frames"))["HERE"]
    assert threading.active_count() == threads


def test_what_is_imported_already_stays(modules: Path) -> None:
    kept = imported("wide_frames")
    assert vars(imported("must_do_without"))["wide_frames"] is kept


def test_a_module_that_fails_leaves_the_package_to_the_next(modules: Path) -> None:
    (modules / "must_do_without.py").write_text("raise RuntimeError('broken')\n")
    with pytest.raises(RuntimeError, match="broken"):
        imported("must_do_without")
    assert vars(imported("wide_frames"))["HERE"]


def test_ray_serve_and_scikit_learn_do_without_pandas_and_frames_work_as_ever() -> None:
    """As in the image of ray/, where Python begins with the file that is installed there."""
    program = f"""
import site, sys
site.addsitedir({str(REPOSITORY / "ray")!r})
import ray.serve._private.controller, ray.serve._private.haproxy, ray.scripts.scripts
from sklearn.svm import SVR
assert "pandas" not in sys.modules, sorted(name for name in sys.modules if name.startswith("pandas"))
from ray.serve._private.utils import serve_encoders
import pandas as pd
from fastapi.encoders import jsonable_encoder
assert jsonable_encoder(pd.DataFrame({{"a": [1]}}), custom_encoder=serve_encoders) == [{{"a": 1}}]
frame = pd.DataFrame({{"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]}})
model = SVR().set_params(kernel="linear").fit(frame, [0.0, 1.0, 2.0])
print(list(model.feature_names_in_), model.predict(frame).round(1).tolist())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['a', 'b'] [0."), done.stdout


def test_a_replica_s_tables_do_without_pandas() -> None:
    program = f"""
import site, sys
site.addsitedir({str(REPOSITORY / "ray")!r})
from turo.serving.replica.model_app import do_without_pandas
do_without_pandas()
import pyarrow as pa
from turo.serving.lookup.held_rows import InMemory
table = pa.table({{"vehicle_id": ["one", "two"], "price": [1.5, None]}})
print(InMemory.of(table).row("one", None), pa.array(["x"]).to_pylist())
assert "pandas" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'price': 1.5, 'vehicle_id': 'one'} ['x']\n"
