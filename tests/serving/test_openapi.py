"""The OpenAPI document is true: schemathesis asks what it allows and what it forbids, and nothing breaks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.routes import ROUTES
from tests.serving.conftest import Served, match

CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "409", "413", "415"]
"""
"""A body that breaks the schema may be refused for its size first."""

EXCLUDED = "positive_data_acceptance"
"""JSON Schema cannot say that a shape is that of the data, nor which teams there are."""


@pytest.mark.slow
@pytest.mark.services
def test_schemathesis_finds_nothing(served: Served, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config), "run"]
    command += [f"{served.url}/openapi.json", "--max-examples", "12", "--seed", "7", "--no-color"]
    command += ["--checks", "all", "--exclude-checks", EXCLUDED, "--phases", "examples,coverage,fuzzing"]
    command += ["--generation-database", "none", "--request-timeout", "10"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    logs = served.home / "telemetry" / "logs.jsonl"
    assert "request failed" not in (logs.read_text() if logs.exists() else "")


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def test_every_reference_of_the_document_is_there(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    for reference in references(document):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_path_of_the_document_is_answered(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    undocumented = {"/", "/metrics", "/openapi.json", "/docs"}
    assert {path.replace("match-outcome", "{model}") for path in paths} == {each.path for each in ROUTES} - undocumented
    for path, item in paths.items():
        place = path.replace("{version}", "12")
        if "get" in item:
            assert client.get(place).status_code == 200
            assert client.post(place, json={}).status_code == 405
        else:
            example = item["post"]["requestBody"]["content"]["application/json"]["example"]
            assert client.post(place, json=example).status_code == 200


def test_raw_tensors_are_a_documented_answer(client: httpx.Client) -> None:
    path = "/v2/models/match-outcome/infer"
    response = client.post(path, json=match(parameters={"binary_data_output": True}))
    documented = client.get("/openapi.json").json()["paths"][path]["post"]["responses"]["200"]["content"]
    assert response.headers["content-type"] in documented
