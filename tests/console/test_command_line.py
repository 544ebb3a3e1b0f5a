"""The command line: quick to help, plain when it refuses."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matchday.settings import REPOSITORY

MATCHDAY = str(Path(sys.executable).with_name("matchday"))


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MATCHDAY, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_help_lists_the_commands_within_a_second() -> None:
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        result = run("--help")
        seconds.append(time.monotonic() - started)
    assert result.returncode == 0
    assert all(
        command in result.stdout
        for command in ("demo", "serve", "forecast", "data", "pipeline", "model", "cluster", "rollout")
    )
    assert min(seconds) < 1.0


def test_help_imports_nothing_heavy() -> None:
    heavy = ("pandas", "kfp", "kubernetes", "boto3", "mlflow", "feast", "sklearn", "onnxruntime")
    script = f"import sys, console.cli; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert said.stdout.strip() == "[]"


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout.strip() == "0.1.0"


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        ("2013-01-01", "choose a date from 2019-08-01 to 2026-05-24"),
        ("2026-05-25", "choose a date from 2019-08-01 to 2026-05-24"),
        ("1.3.2026", "is not a date: write it as 2026-03-01"),
    ],
)
def test_a_date_that_cannot_be_forecast_is_refused(as_of: str, reason: str) -> None:
    assert reason in refused(run("demo", "--as-of", as_of))


def test_an_unknown_scene_is_refused_with_the_known_ones() -> None:
    assert "no scene 'nonsense'; there are: outcome, rollout, rollback" in refused(run("demo", "--scene", "nonsense"))


def test_a_port_in_use_is_said_before_anything_begins() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1 is in use" in refused(run("demo", "--port", port))
        assert f"port {port} on 127.0.0.1 is in use" in refused(run("serve", "--port", port))


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    for command in ("demo", "pipeline"):
        arguments = (command,) if command == "demo" else (command, "run")
        assert f"cannot write to {blocked}/home" in refused(run(*arguments, MATCHDAY_HOME=f"{blocked}/home"))


@pytest.mark.parametrize("harm", ["truncated", "altered", "missing"])
def test_a_harmed_history_is_refused_by_name(tmp_path: Path, harm: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(REPOSITORY / "data", data)
    file = data / "fixtures.parquet"
    content = file.read_bytes()
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-100] if harm == "truncated" else content[:-1] + b"x")
    said = refused(run("demo", MATCHDAY_SNAPSHOT=str(data)))
    assert f"{file}: " in said
    assert "git checkout -- data" in said


def test_a_server_that_is_not_there_is_said() -> None:
    assert "start a server with 'matchday serve'" in refused(
        run("forecast", "ARS", "LIV", "--url", "http://127.0.0.1:9")
    )


def test_a_model_that_is_not_there_is_said() -> None:
    assert "no model match-outcome" in refused(run("model", "list"))
    assert "match-outcome" in refused(run("serve"))


def test_a_cluster_that_is_not_there_is_said() -> None:
    submit = ("pipeline", "submit", "train-match-outcome", "--image", "matchday-pipeline:abc")
    assert "KFP_ENDPOINT is not set" in refused(run(*submit, KFP_ENDPOINT=""))
    nowhere = {"KFP_ENDPOINT": "http://127.0.0.1:9"}
    assert "does not answer" in refused(run(*submit, "--wait-seconds", "0", **nowhere))
    assert "does not answer" in refused(run("pipeline", "status", "some-run", **nowhere))
    assert "there are: train-match-outcome" in refused(run("pipeline", "submit", "nonsense", "--image", "a:1"))
    assert "MLFLOW_BACKEND_STORE_URI is not set" in refused(run("cluster", "database"))


def test_the_bundled_history_keeps_every_rule() -> None:
    result = run("data", "verify")
    assert result.returncode == 0
    assert result.stdout.count("holds: ") == 4
