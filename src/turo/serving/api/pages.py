"""The HTML page of a model: what is served, a form to try it, the columns."""

from __future__ import annotations

import orjson

from turo.html.render import render
from turo.serving.api.fleet_check import told
from turo.serving.api.model_info import About, curl
from turo.serving.forms.rows import RowReader, expected

TEMPLATE = "model.html"


def model_page(about: About, row_reader: RowReader, base_url: str, prefix: str = "") -> bytes:
    """`GET /<NAME>` for a browser; `prefix` is the routes', below which path of another server they are."""
    return render(
        TEMPLATE,
        about=about,
        fleet=told(about.trained_on),
        body=orjson.dumps({"inputs": [about.example]}, option=orjson.OPT_INDENT_2).decode(),
        command=curl(f"{base_url}/{about.name}", about.example),
        columns=[(field.name, expected(field)) for field in row_reader.fields],
        prefix=prefix,
    ).encode()
