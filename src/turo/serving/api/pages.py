"""HTML for people: one page a model with a form to try it, and one page of documentation."""

from __future__ import annotations

from html import escape

import orjson

from turo.serving.api.fleet_check import told
from turo.serving.api.model_info import About, curl
from turo.serving.forms.rows import Table, expected

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
pre,textarea{background:#f4f4f4;padding:.8rem;overflow:auto;width:100%;font:13px monospace}
*{box-sizing:border-box}
table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.2rem .8rem;text-align:left}
.warn{background:#fff3cd;padding:.5rem 1rem}button{padding:.4rem 1.2rem}"""
SCRIPT = """const form=document.querySelector("form"),out=document.querySelector("#answer");
form.addEventListener("submit",async event=>{event.preventDefault();out.textContent="…";
const headers={"Content-Type":"application/json"},key=form.key.value;if(key)headers["X-API-Key"]=key;
const response=await fetch(form.action,{method:"POST",headers,body:form.rows.value});
out.textContent=response.status+"\\n"+JSON.stringify(await response.json(),null,2)});"""


def page(title: str, content: str, script: str = "") -> bytes:
    """A whole document."""
    tail = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{content}{tail}</body></html>"
    ).encode()


def model_page(about: About, table: Table, base_url: str, prefix: str = "") -> bytes:
    """`GET /<NAME>` for a browser: what is served, a form to try it, the columns; `prefix` is the routes'."""
    name = escape(about.name)
    links = (
        f'<a href="{prefix}/{name}/schema">JSON Schema</a> · <a href="{prefix}/docs">docs</a> · '
        f'<a href="{prefix}/">all models</a>'
    )
    parts = [
        f"<p>Version {escape(about.version)}, run {escape(about.run_id)}: predicts the {about.functional} of "
        f"<b>{escape(about.target)}</b> over {about.horizon_days} days. {links}</p>"
    ]
    fleet = told(about.trained_on)
    if fleet:
        parts.append(f"<p>Trained on {escape(fleet['label'])}.</p>")
    if about.warning:
        parts.append(f'<p class="warn">{escape(about.warning)}</p>')
    if about.refused:
        version, reason = escape(about.refused["version"]), escape(about.refused["reason"])
        parts.append(f'<p class="warn">Version {version} was refused: {reason}</p>')
    body = orjson.dumps({"inputs": [about.example]}, option=orjson.OPT_INDENT_2).decode()
    command = curl(f"{base_url}/{about.name}", about.example)
    parts.append(
        f'<h2>Try it</h2><form action="{prefix}/{name}">'
        f'<textarea name="rows" rows="14">{escape(body)}</textarea>'
        '<p><button>Predict</button> <input name="key" type="password" placeholder="API key, if set"></p>'
        f'</form><pre id="answer"></pre><pre>{escape(command)}</pre>'
    )
    metrics = "".join(f"<tr><td>{escape(k)}<td>{v:.4g}" for k, v in sorted(about.metrics.items()))
    parts.append(f"<h2>Metrics</h2><table>{metrics}</table>")
    rows = "".join(f"<tr><td>{escape(f.name)}<td>{escape(expected(f))}" for f in table.fields)
    parts.append(f"<h2>Columns</h2><table><tr><th>name<th>takes{rows}</table>")
    return page(about.name, "".join(parts), SCRIPT)
