"""The forms in which this platform takes rows: `write(rows)` gives what a request carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

Rows = list[dict[str, float]]
Body = tuple[bytes, dict[str, str]]  # and headers beside the content type


def records(rows: Rows) -> Body:
    """The platform's own form."""
    return orjson.dumps({"inputs": rows}), {}


def split(rows: Rows) -> Body:
    """What pandas writes."""
    data = [list(row.values()) for row in rows]
    return orjson.dumps({"dataframe_split": {"columns": list(rows[0]), "data": data}}), {}


def tensors(rows: Rows) -> Body:
    """V2, one JSON tensor a column."""
    return orjson.dumps({"inputs": [_tensor(rows, n) | {"data": [r[n] for r in rows]} for n in rows[0]]}), {}


def binary(rows: Rows) -> Body:
    """V2 as its clients write it: binary tensors, in the answer too."""
    raw = {name: np.array([row[name] for row in rows]).tobytes() for name in rows[0]}
    inputs = [
        _tensor(rows, name) | {"parameters": {"binary_data_size": len(data)}} for name, data in raw.items()
    ]
    head = orjson.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return head + b"".join(raw.values()), {"Inference-Header-Content-Length": str(len(head))}


def forecast(rows: Rows) -> Body:
    """One vehicle of the prepared table, whose features the platform looks up."""
    return orjson.dumps({"vehicle_id": "V7"}), {}


def _tensor(rows: Rows, name: str) -> dict[str, Any]:
    return {"name": name, "datatype": "FP64", "shape": [len(rows)]}


BATCHES: dict[str, tuple[str, Callable[[Rows], Body]]] = {  # title: path below the model, how it is written
    "this platform, dataframe_split": ("", split),
    "this platform, V2 JSON": ("/v2/models/XGBoost/infer", tensors),
    "this platform, V2 binary": ("/v2/models/XGBoost/infer", binary),
}
