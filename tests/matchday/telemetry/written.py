"""What telemetry has written, and processes that write it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from matchday import telemetry

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


CHILD = """
from matchday import telemetry
telemetry.start("step")
with telemetry.span("work in the child"):
    telemetry.logger("steps.child").info("half way", rows=3)
"""


def lines(home: Path, name: str) -> list[dict[str, Any]]:
    """The spans or log records of a telemetry file, flattened to a dictionary each."""
    telemetry.shutdown()
    kind, scopes, items = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[name]
    flat = []
    for line in (home / "telemetry" / f"{name}.jsonl").read_text().splitlines():
        (resource,) = json.loads(line)[kind]
        (scope,) = resource[scopes]
        (item,) = scope[items]
        flat.append(item | {"attributes": attributes(item), "resource": attributes(resource["resource"])})
    return flat


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    """OTLP attributes as a dictionary of their plain values."""
    return {pair["key"]: next(iter(pair["value"].values())) for pair in item["attributes"]}


def child(code: str = CHILD, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    environ = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
