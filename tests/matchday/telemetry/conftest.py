"""No telemetry settings of the caller, and no session left open."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from matchday import telemetry


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, no telemetry settings, and no session left open."""
    for name in [key for key in os.environ if key.startswith("OTEL_") or key in ("TRACEPARENT", "TRACESTATE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MATCHDAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATCHDAY_LOG_LEVEL", raising=False)
    monkeypatch.delenv("MATCHDAY_LOG_FORMAT", raising=False)
    yield tmp_path / "home"
    telemetry.shutdown()
