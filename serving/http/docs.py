"""The documentation page of the server and its loaded models: one HTML page that loads nothing else."""

import json
import shlex
from collections.abc import Iterable, Mapping
from html import escape
from importlib.metadata import version
from typing import Any

from serving.endpoint import Endpoint
from serving.http.openapi import v1_example, v2_example

HEADERS = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem 1rem; border-radius: .4rem; overflow-x: auto; }
small { opacity: .75; }
"""


def page(endpoints: Iterable[Endpoint], paths: Mapping[str, Any], address: str) -> str:
    """The page. paths: of the OpenAPI document. address: as the reader reached this server, `http://HOST:PORT`."""
    models = list(endpoints)
    body = [
        f"<h1>Matchday model server <small>{escape(version('matchday'))}</small></h1>",
        "<p>Forecasts over the Open Inference Protocol (V2) and the V1 protocol."
        " V2 is spoken over gRPC as well, with its health and reflection services, where"
        " <code>MATCHDAY_SERVING_GRPC_PORT</code> is set. Bodies may be compressed by gzip or deflate."
        ' For machines: <a href="/openapi.json">/openapi.json</a>; for Prometheus: <code>/metrics</code>.</p>',
        *(_model(endpoint, address) for endpoint in models),
        "<h2>Every path</h2>",
        _table(("Method", "Path", "What it answers"), (_path(path, item) for path, item in paths.items())),
    ]
    if not models:
        body.insert(2, "<p>No model is loaded: <code>/v2/health/ready</code> says why.</p>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Matchday model server</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def _model(endpoint: Endpoint, address: str) -> str:
    metadata = endpoint.metadata()
    name = endpoint.name
    v1 = v1_example(endpoint)
    parts = [
        f"<h2>{escape(name)} <small>version {escape(endpoint.model.version)}</small></h2>",
        "<p>Give the entities, and their features are looked up here; or give the features themselves."
        " <code>kickoff</code> is the match's, in ISO 8601; without it the moment of the request counts.</p>",
        "<h3>Inputs</h3>",
        _table(("Name", "Datatype", "Shape", "Meaning"), (_input(entry) for entry in metadata["inputs"])),
        "<h3>Outputs</h3>",
        _table(("Name", "Datatype", "Shape", "Meaning"), (_output(entry) for entry in metadata["outputs"])),
        "<h3>Ask by V2</h3>",
        _curl(f"{address}/v2/models/{name}/infer", v2_example(endpoint)),
        "<h3>Ask by V1</h3>",
        _curl(f"{address}/v1/models/{name}:predict", v1),
    ]
    if endpoint.explainer.able:
        parts += ["<h3>Ask why</h3>", _curl(f"{address}/v1/models/{name}:explain", v1)]
    return "".join(parts)


def _input(entry: Mapping[str, Any]) -> tuple[str, ...]:
    about = entry["parameters"]
    if about["mode"] == "raw":
        meaning = f"in place of the others: {', '.join(map(escape, about['columns']))}"
    elif "least" in about:
        meaning = f"number from {about['least']:g} to {about['most']:g}: {escape(about['about'])}"
    else:
        meaning = "optional" if about.get("optional") else "entity"
    return (_code(entry["name"]), _code(entry["datatype"]), _code(entry["shape"]), meaning)


def _output(entry: Mapping[str, Any]) -> tuple[str, ...]:
    about = entry["parameters"]
    meaning = ", ".join(map(escape, about["columns"])) or "one number a row"
    if about.get("on_request"):
        meaning = f"{escape(about['about'])}; where the request names it in <code>outputs</code>"
    return (_code(entry["name"]), _code(entry["datatype"]), _code(entry["shape"]), meaning)


def _path(path: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    [method] = [each for each in item if each in ("get", "post")]
    return (_code(method.upper()), _code(path), escape(item[method]["summary"]))


def _curl(url: str, message: Mapping[str, Any]) -> str:
    command = f"curl {url} \\\n  -H 'content-type: application/json' \\\n  -d {shlex.quote(json.dumps(message))}"
    return f"<pre>{escape(command, quote=False)}</pre>"


def _code(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"
