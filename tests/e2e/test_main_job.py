"""The main job as a person runs it: `matchday demo`, once, again, and killed half way."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from matchday.features.tables import TABLES
from matchday.lake import Lake
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.registration import evaluation_of
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.tables import Matches
from serving import server
from serving.features.sqlite import event_time
from tests.lines import whole_lines
from tests.services.processes import free_port

pytestmark = pytest.mark.timeout(2400)  # three whole demonstrations, wherever it runs

MATCHDAY = str(Path(sys.executable).with_name("matchday"))
AS_OF = "2026-03-01"
CHAMPION = "mlflow://match-outcome@champion"


def demo(home: Path, as_of: str = AS_OF, *scene: str) -> str:
    """What `matchday demo` prints; one scene alone with `--scene NAME`."""
    arguments = [MATCHDAY, "demo", "--as-of", as_of, "--port", str(free_port()), *scene]
    environ = {**os.environ, "MATCHDAY_HOME": str(home)}
    result = subprocess.run(arguments, env=environ, capture_output=True, text=True, timeout=800, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A home after two demos, and what they printed. The first one began after a run that was killed half way."""
    home = tmp_path_factory.mktemp("main") / "home"
    killed_half_way(home)
    nothing_is_half_written(home)
    return home, demo(home, AS_OF, "--scene", "outcome"), demo(home)


def killed_half_way(home: Path) -> None:
    """Start the pipeline and kill it, steps and all, while it builds features."""
    process = subprocess.Popen(
        [MATCHDAY, "pipeline", "run", "--as-of", AS_OF],
        env={**os.environ, "MATCHDAY_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not runs_step(process.pid, "build_features"):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "the run has not come to build features"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def runs_step(group: int, step: str) -> bool:
    """Whether a process of this group executes a step of a pipeline."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if f"--function_to_execute\0{step}\0".encode() in command and os.getpgid(int(folder.name)) == group:
                return True
        except OSError:  # it has ended
            continue
    return False


def nothing_is_half_written(home: Path) -> None:
    """What a run leaves that was killed while it built features."""
    lake = Lake(settings_of(home).lake)
    assert len(lake.read(Matches)) == 4560
    for table in TABLES:
        if lake.fingerprint(table) is not None:
            lake.read(table)
    assert not settings_of(home).online_file.exists()
    assert not (home / "mlflow" / "mlflow.db").exists()


def settings_of(home: Path) -> Settings:
    return Settings(home=home)


def test_it_prints_the_matches_with_probabilities_and_results(played: tuple[Path, str, str]) -> None:
    _, first, _ = played
    rows = re.findall(
        r"^([A-Z]{3} - [A-Z]{3}) .* ([\d.]+)% +([\d.]+)% +([\d.]+)% +(\d+-\d+)", first, flags=re.MULTILINE
    )
    assert len(rows) == 10
    for _, *chances, _ in rows:
        assert sum(map(float, chances)) == pytest.approx(100, abs=0.2)
    assert "WOL - LIV" in {row[0] for row in rows}
    assert "Gameweek 29 of 2025/26, forecast at 2026-03-01" in first


def test_it_prints_the_scores_beside_the_baselines(played: tuple[Path, str, str]) -> None:
    _, first, _ = played
    scores = dict(re.findall(r"^(\S[\w ,-]*?)\s+(0\.\d{4})\s+\d\.\d{4}\s+0\.\d{4}", first, flags=re.MULTILINE))
    assert set(scores) == {"match-outcome", "goals model alone", "Elo, ordered logit", "base rate"}
    assert float(scores["match-outcome"]) < float(scores["Elo, ordered logit"]) < float(scores["base rate"])


def test_the_gate_let_the_model_pass_and_it_became_champion(played: tuple[Path, str, str]) -> None:
    home, first, _ = played
    assert "promoted: there is no champion yet" in first
    assert "refuse" not in first
    registry = Registry(settings_of(home).tracking_uri)
    champion = registry.resolve(CHAMPION)
    assert champion.tags["trained_until"] < AS_OF
    assert champion.tags["feature_service"] == "match_outcome_v2"
    assert champion.tags["data_fingerprint"]
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|unknown", champion.tags["git_commit"])
    assert registry.metrics("match-outcome", champion.version)["walk_forward_rps"] < 0.2010


def test_nothing_that_it_learnt_or_scored_is_of_later(played: tuple[Path, str, str]) -> None:
    home, _, _ = played
    registry = Registry(settings_of(home).tracking_uri)
    forecasts = evaluation_of(MATCH_OUTCOME, registry, registry.resolve(CHAMPION)).own.forecasts
    assert str(forecasts["kickoff"].max()) < AS_OF
    assert (forecasts["refit"] <= forecasts["kickoff"]).all()


def test_a_second_run_takes_from_the_cache_and_registers_nothing_twice(played: tuple[Path, str, str]) -> None:
    home, _, second = played
    for step in ("validate", "training-set", "walk-forward", "passes-gate", "train"):
        assert re.search(rf"{step} +unchanged, taken from the cache", second)
    assert second.count("in the lake already") == 2
    assert "version 1 is champion already" in second
    assert len(Registry(settings_of(home).tracking_uri).versions("match-outcome")) == 1


def test_both_runs_forecast_the_same(played: tuple[Path, str, str]) -> None:
    _, first, second = played
    rows = [re.findall(r"^[A-Z]{3} - [A-Z]{3} +\d\d [A-Z].*$", text, flags=re.MULTILINE) for text in (first, second)]
    assert rows[0] == rows[1] != []


def test_a_rollout_is_promoted_and_two_spoiled_ones_are_taken_back(played: tuple[Path, str, str]) -> None:
    home, first, second = played
    assert "A rollout" not in first
    decisions = re.findall(
        r"^  (Starting|Shadow|Progressing \d+ %|Promoted|RolledBack) +(.*)$", second, flags=re.MULTILINE
    )
    good = ["Starting", "Shadow", "Progressing 5 %", "Progressing 25 %", "Progressing 50 %", "Promoted"]
    bad = [*("Starting", "Shadow", "RolledBack"), *("Starting", "Shadow", "Progressing 5 %", "RolledBack")]
    assert [phase for phase, _ in decisions] == good + bad
    reasons = [reason for phase, reason in decisions if phase == "RolledBack"]
    assert reasons[0].startswith("predictions ") and reasons[1].startswith("errors: ")
    assert second.count("none failed") == 1
    failures = re.findall(r"^  [\d,]+ times: (\d+)", second, flags=re.MULTILINE)
    assert set(failures) == {"500"}
    assert "champion of the copy is version 2" in second and "champion is version 1 as before" in second
    assert Registry(settings_of(home).tracking_uri).resolve(CHAMPION).version == "1"


def test_forecasts_follow_a_round_that_streams_in(played: tuple[Path, str, str]) -> None:
    home, first, second = played
    assert "Results stream in" not in first
    scene = second.split("6  Results stream in")[1]
    assert (
        len(re.findall(r"^  \d\d [A-Z][a-z]{2} \d\d:\d\d  [A-Z]{3} \d-\d [A-Z]{3}  \d+ events", scene, re.MULTILINE))
        >= 10
    )
    moved = re.findall(r"^([A-Z]{3} - [A-Z]{3}) +((?:[\d.]+% -> [\d.]+% +){3})[\d.]+%$", scene, re.MULTILINE)
    after = {match: tuple(re.findall(r"-> ([\d.]+%)", told)) for match, told in moved}
    rows = re.findall(r"^([A-Z]{3} - [A-Z]{3}) .* ([\d.]+%) +([\d.]+%) +([\d.]+%) +\d+-\d+", second, re.MULTILINE)
    assert after == {match: tuple(chances) for match, *chances in rows}, "as the pipeline's own features are forecast"
    assert "all are those of the batch path" in scene
    trace = re.search(r"trace ([0-9a-f]{32})", scene)
    assert trace and trace[1] in (home / "telemetry" / "traces.jsonl").read_text()


def test_one_trace_goes_from_the_command_through_the_steps_to_the_answer(played: tuple[Path, str, str]) -> None:
    home, _, _ = played
    traces: dict[str, set[str]] = defaultdict(set)
    for line in whole_lines(home / "telemetry" / "traces.jsonl"):
        span = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        traces[span["traceId"]].add(span["name"])
    whole = [names for names in traces.values() if "demo" in names]
    assert len(whole) == 2
    steps = {"ingest", "build-features", "materialise", "register", "promote", "train-match-outcome"}
    for names in whole:
        assert steps <= names
        assert {"ask", "POST /v2/models/{model}/infer", "features", "inference"} <= names
    events = [json.loads(line) for line in whole_lines(home / "telemetry" / "logs.jsonl")]
    logged = {event["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].get("traceId") for event in events}
    assert logged & {trace for trace, names in traces.items() if "demo" in names}


def test_the_online_store_holds_twenty_teams_as_known_that_day(played: tuple[Path, str, str]) -> None:
    home, _, _ = played
    with sqlite3.connect(settings_of(home).online_file) as store:
        for table in ("matchday_team_form", "matchday_team_ratings", "matchday_team_strength"):
            rows = store.execute(f"select event_ts, entity_key from {table}").fetchall()
            assert len({key for _, key in rows}) == 20
            assert max(event_time(moment) for moment, _ in rows) <= datetime(2026, 3, 1, tzinfo=UTC).timestamp()


def test_the_curl_line_of_the_demo_works_and_an_unknown_team_is_named(
    played: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, first, _ = played
    monkeypatch.setenv("MATCHDAY_HOME", str(home))
    body = re.search(r"curl .* -d '(?P<body>.*)'", first)
    assert body
    port = free_port()
    with server.running(CHAMPION, "127.0.0.1", port):
        url = f"http://127.0.0.1:{port}/v2/models/match-outcome/infer"
        answer = httpx.post(url, content=body["body"], headers={"content-type": "application/json"})
        assert answer.status_code == 200
        assert sum(answer.json()["outputs"][0]["data"]) == pytest.approx(1, abs=1e-5)
        refused = httpx.post(url, json=json.loads(body["body"].replace("BOU", "XYZ")))
        assert refused.status_code == 400
        assert "unknown team 'XYZ': known are ARS, AVL" in refused.json()["error"]
        command = [MATCHDAY, "forecast", "ARS", "XYZ", "--url", f"http://127.0.0.1:{port}"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said.returncode == 2
        assert said.stderr.count("\n") == 1
        assert "known are ARS" in said.stderr


def test_going_back_in_time_serves_a_model_of_that_time(played: tuple[Path, str, str]) -> None:
    """Runs last: it moves the champion."""
    home, _, _ = played
    earlier = demo(home, "2025-12-01", "--scene", "outcome")
    assert "has learnt from after 2025-12-01" in earlier
    champion = Registry(settings_of(home).tracking_uri).resolve(CHAMPION)
    assert champion.tags["trained_until"] < "2025-12-01"
