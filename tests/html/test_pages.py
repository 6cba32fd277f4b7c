"""The pages that are served: whole, of one style, and whatever a name is, it stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import jinja2
import pytest
from asgi_client import AsgiClient
from front import SPEC, front_door
from html_nesting import check_nesting
from served import LIMITS, tiny_predictor

from turo.html import render
from turo.html.render import environment
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App

BROWSER = {"Accept": "text/html"}
HOSTILE = "</title></textarea><script>alert(\"1\")</script><b id='x'>&amp;"


def model_page(predictor: Predictor) -> httpx.Response:
    return AsgiClient(App(predictor, LIMITS), "/any").get(headers=BROWSER)


def docs_page(*names: str) -> httpx.Response:
    app = front_door()
    app.service.models = {name: SPEC.model_copy(update={"name": name}) for name in names}
    return AsgiClient(app).get("/docs")


def hostile_predictor() -> Predictor:
    """Everything that a page shows is hostile."""
    predictor = tiny_predictor()
    spoilt = replace(predictor.model.fields[-1], name=HOSTILE, categories=(HOSTILE,))  # type: ignore[type-var]
    predictor.row_reader.fields = (spoilt,)
    about = predictor.about
    about.name = about.version = about.run_id = about.target = about.difference = HOSTILE
    about.metrics = {HOSTILE: 1.0}
    about.example = {HOSTILE: HOSTILE}
    about.refused = {"version": HOSTILE, "reason": HOSTILE}
    return predictor


@pytest.mark.parametrize("hostile", [False, True])
def test_pages_are_whole_and_escape_every_name(hostile: bool) -> None:
    predictor = hostile_predictor() if hostile else tiny_predictor()
    name = HOSTILE if hostile else "Tiny"
    for answer, scripts in ((model_page(predictor), 1), (docs_page(name, "B"), 2)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        check_nesting(answer.text)
        assert (
            len(re.findall(r"<script(?: src=\"/docs/assets/[a-z.-]+\"></script>)?", answer.text)) == scripts
        )
        assert answer.text.count("<script") == answer.text.count('<script src="/docs/assets/')
        assert answer.text.count("</title>") == 1
        assert ("&lt;script&gt;alert" in answer.text) == hostile


def test_nothing_is_wider_than_a_telephone_unless_it_scrolls_by_itself() -> None:
    """A table without a box of its own, or a column of a grid with a fixed least width, widens the page.

    The keyboard must come to the box, or who has no mouse cannot scroll it.
    """
    folder = Path(render.__file__).parent
    for template in folder.rglob("*.html"):
        text = template.read_text()
        for table in re.finditer(r"<table[^>]*>", text):
            boxed = re.search(r'<div class="wide"[^>]* tabindex="0"[^>]*>$', text[: table.start()])
            assert boxed or "narrow" in table.group(), f"{template.name}: {text[table.start() :][:80]}"
    widths = re.findall(r"minmax\(([^;}]*),1fr\)\)", (folder / "style.css").read_text())
    assert len(widths) == 1
    assert all(re.fullmatch(r"min\(\d+rem,100%\)", width) for width in widths), widths


def test_pages_share_the_reports_style_and_need_nothing_from_elsewhere() -> None:
    answers = [model_page(tiny_predictor()), docs_page("Tiny")]
    (style,) = {answer.text.split("<style>")[1].split("</style>")[0] for answer in answers}
    assert "--booked" in style
    for answer in answers:
        for told in (answer.text, answer.headers["Content-Security-Policy"]):
            assert "default-src 'none'" in told
            assert "script-src 'self'" in told
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        places = re.findall(r"""\b(?:src|srcset|href|action)\s*=\s*"([^"]*)""", answer.text)
        assert places
        assert all(re.match(r"/(?!/)|#", place) for place in places), places
        assert not re.search(r"url\(|@import|<iframe|<object|\bon\w+=", answer.text)


def test_no_browser_waits_for_a_template_to_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    environment.cache_clear()
    predictor, app = tiny_predictor(), front_door()

    def compile_late(*_: object, **__: object) -> None:
        raise AssertionError("compiled while a caller waits")

    monkeypatch.setattr(jinja2.Environment, "compile", compile_late)
    assert model_page(predictor).status_code == AsgiClient(app).get("/docs").status_code == 200
