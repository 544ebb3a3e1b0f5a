"""The command line: quick to help, one plain line when it refuses."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.options import DEFAULT_MODEL
from matchday.models.catalogue import KINDS
from matchday.settings import REPOSITORY
from tests.console.conftest import RunCommand

MATCHDAY = str(Path(sys.executable).with_name("matchday"))
FREE_COMMANDS = ("demo", "serve", "forecast", "data", "pipeline", "model", "cluster", "rollout", "features", "market")


def test_help_lists_the_commands() -> None:
    """That it is quick is for the next test: what it does not import it does not wait for."""
    result = subprocess.run([MATCHDAY, "--help"], capture_output=True, text=True, check=True)
    assert all(command in result.stdout for command in FREE_COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    heavy = (
        "pandas",
        "kfp",
        "kubernetes",
        "boto3",
        "mlflow",
        "feast",
        "sklearn",
        "onnxruntime",
        "rich",
        "httpx",
        "yaml",
    )
    script = f"import sys, console.cli; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert said.stdout.strip() == "[]"


def test_a_refusal_of_a_process_is_one_line_and_exit_code_2() -> None:
    said = subprocess.run([MATCHDAY, "demo", "--scene", "nonsense"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr == "matchday: no scene 'nonsense'; there are: outcome, rollout, rollback, stream, season\n"


def test_the_default_model_is_the_catalogues_first() -> None:
    assert next(iter(KINDS)) == DEFAULT_MODEL


@pytest.mark.parametrize("command", [("pipeline", "run"), ("cluster", "champion"), ("forecast", "A", "B", "--model")])
def test_a_model_that_the_catalogue_does_not_have_is_refused(matchday: RunCommand, command: tuple[str, ...]) -> None:
    assert "no model 'match-outcom'; did you mean match-outcome?" in matchday(*command, "match-outcom").refusal


def test_the_version_is_the_packages(matchday: RunCommand) -> None:
    assert matchday("--version").stdout.strip() == "0.1.0"


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        ("2013-01-01", "choose a date from 2019-08-01 to 2026-05-24"),
        ("2026-05-25", "choose a date from 2019-08-01 to 2026-05-24"),
        ("1.3.2026", "is not a date: write it as 2026-03-01"),
    ],
)
def test_a_date_that_cannot_be_forecast_is_refused(matchday: RunCommand, as_of: str, reason: str) -> None:
    assert reason in matchday("demo", "--as-of", as_of).refusal


def test_a_date_without_a_past_to_learn_from_is_refused(matchday: RunCommand) -> None:
    assert "choose 2019-08-01 or later" in matchday("pipeline", "run", "--as-of", "2018-01-01").refusal


def test_a_port_in_use_is_named_before_anything_begins(matchday: RunCommand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1 is in use" in matchday("demo", "--port", port).refusal
        assert f"port {port} on 127.0.0.1 is in use" in matchday("serve", "--port", port).refusal


@pytest.mark.parametrize("command", [("demo",), ("pipeline", "run")])
def test_a_home_that_cannot_be_written_is_named(matchday: RunCommand, tmp_path: Path, command: tuple[str, ...]) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert f"cannot write to {blocked}/home" in matchday(*command, MATCHDAY_HOME=f"{blocked}/home").refusal


@pytest.mark.parametrize("harm", ["truncated", "altered", "missing"])
def test_a_damaged_history_is_refused_by_name(matchday: RunCommand, tmp_path: Path, harm: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(REPOSITORY / "data", data)
    file = data / "fixtures.parquet"
    content = file.read_bytes()
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-100] if harm == "truncated" else content[:-1] + b"x")
    refusal = matchday("demo", MATCHDAY_SNAPSHOT=str(data)).refusal
    assert f"{file}: " in refusal
    assert "git checkout -- data" in refusal


def test_a_server_that_does_not_run_is_named(matchday: RunCommand) -> None:
    refusal = matchday("forecast", "ARS", "LIV", "--url", "http://127.0.0.1:9").refusal
    assert "start a server with 'matchday serve'" in refusal


def test_a_model_that_is_not_registered_is_named(matchday: RunCommand) -> None:
    assert "no model match-outcome" in matchday("model", "list").refusal
    assert "match-outcome" in matchday("serve").refusal


def test_a_cluster_that_is_not_there_is_named(matchday: RunCommand) -> None:
    submit = ("pipeline", "submit", "train-match-outcome", "--image", "matchday-pipeline:abc")
    assert "KFP_ENDPOINT is not set" in matchday(*submit, KFP_ENDPOINT="").refusal
    nowhere = {"KFP_ENDPOINT": "http://127.0.0.1:9"}
    assert "does not answer" in matchday(*submit, "--wait-seconds", "0", **nowhere).refusal
    assert "does not answer" in matchday("pipeline", "status", "some-run", **nowhere).refusal
    unknown = ("pipeline", "submit", "nonsense", "--image", "a:1")
    assert "there are: train-match-outcome" in matchday(*unknown, KFP_ENDPOINT="").refusal
    assert "MLFLOW_BACKEND_STORE_URI is not set" in matchday("cluster", "database").refusal


def test_the_bundled_history_keeps_every_rule(matchday: RunCommand) -> None:
    ended = matchday("data", "verify")
    assert ended.code == 0
    assert ended.stdout.count("holds: ") == 7


def test_the_bundled_history_is_shown_season_by_season(matchday: RunCommand) -> None:
    ended = matchday("data", "show")
    assert ended.code == 0
    assert "6 files match their checksums: 4,560 matches of 12 seasons" in ended.stdout
    assert "2015/16  Leicester City (81)" in ended.stdout
