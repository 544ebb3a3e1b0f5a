"""Secrets are hidden in logs and spans."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchday import telemetry
from matchday.telemetry.redaction import HIDDEN, redact


def test_no_secret_leaves_in_a_log_or_a_span(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.start("demo")
    with telemetry.span("ask", api_token="hunter2", url="https://me:hunter2@host/path"):
        telemetry.logger("demo").warning(
            "sent",
            Authorization="Bearer hunter2",
            headers={"x-api-key": "hunter2"},
            urls=["s3://k:hunter2@b"],
        )
    telemetry.shutdown()
    everything = "".join(path.read_text() for path in (home / "telemetry").iterdir()) + capsys.readouterr().err
    assert "hunter2" not in everything
    assert everything.count(HIDDEN) == 8


@given(
    key=st.sampled_from(["token", "DB_PASSWORD", "clientSecret", "Authorization", "Set-Cookie"]),
    depth=st.integers(0, 4),
)
def test_a_telling_key_hides_its_value_at_any_depth(key: str, depth: int) -> None:
    value: dict[str, Any] = {key: "hunter2", "kept": 1}
    for _ in range(depth):
        value = {"inner": [value]}
    text = json.dumps(redact(value))
    assert "hunter2" not in text
    assert '"kept": 1' in text
