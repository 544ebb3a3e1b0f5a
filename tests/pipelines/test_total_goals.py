"""The second model, from its pipeline to a served forecast, on three real seasons."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_repo.training import match_features
from matchday import telemetry
from matchday.lake import Lake
from matchday.models import tags
from matchday.models.champion import check_fit
from matchday.models.registration import evaluation_of
from matchday.models.total_goals.kind import TOTAL_GOALS
from matchday.models.total_goals.model import GoalsCalibration, vectors_of
from matchday.registry import Registry
from matchday.settings import Settings
from matchday.tables import Matches
from pipelines import local
from pipelines.training import train_total_goals
from serving import server
from tests import league
from tests.services.processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a whole pipeline, wherever it runs

SEASONS = ("2021", "2122", "2223")
"""Two to learn from and one to be walked; those of the pinned slice."""
AS_OF = datetime(2023, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home in which the pipeline has run once."""
    root = tmp_path_factory.mktemp("total-goals")
    league.bundled(root / "data", SEASONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHDAY_HOME", str(root / "home"))
        patch.setenv("MATCHDAY_SNAPSHOT", str(root / "data"))
        lines: list[str] = []
        local.run(train_total_goals, lines.append, as_of=AS_OF.isoformat())
        assert "» promoted: there is no champion yet" in [line.strip() for line in lines], lines
        yield Settings()
        telemetry.shutdown()


def test_the_version_says_what_it_is_and_how_good(settings: Settings) -> None:
    registry = Registry(settings.tracking_uri)
    champion = registry.resolve("mlflow://total-goals@champion")
    assert champion.tags[tags.FEATURE_SERVICE] == "total_goals_v1"
    assert set(tags.feature_values(champion)) == set(TOTAL_GOALS.feature_names)
    scores = evaluation_of(TOTAL_GOALS, registry, champion).scores()
    assert scores["matches"] == 380
    assert registry.metrics("total-goals", "1")["walk_forward_deviance"] == pytest.approx(scores["deviance"])
    check_fit(TOTAL_GOALS, settings, AS_OF)


def test_the_server_forecasts_what_the_model_does_from_the_names_of_two_teams(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHDAY_HOME", str(settings.home))
    matches = Lake(settings.lake).read(Matches).tail(8)
    port = free_port()
    with server.running("mlflow://total-goals@champion", "127.0.0.1", port):
        answer = ask(port, matches)
    assert (answer["model_name"], answer["model_version"]) == ("total-goals", "1")
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("goals", "FP32", [8])
    assert output["data"] == pytest.approx(by_hand(settings, matches), rel=1e-6)


def ask(port: int, matches: pd.DataFrame) -> Any:
    inputs = [
        {"name": side, "datatype": "BYTES", "shape": [len(matches)], "data": matches[side].tolist()}
        for side in ("home", "away")
    ]
    body = json.dumps({"inputs": inputs}).encode()
    url = f"http://127.0.0.1:{port}/v2/models/total-goals/infer"
    with urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"})) as answer:
        return json.load(answer)


def by_hand(settings: Settings, matches: pd.DataFrame) -> np.ndarray:
    """Forecasts from the registered coefficients and the features of after the last match."""
    registry = Registry(settings.tracking_uri)
    folder = Path(settings.home) / "coefficients"
    registry.download("mlflow://total-goals/1", folder)
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# total-goals")
    later = matches.assign(kickoff=pd.Timestamp(AS_OF), season="2223")
    vectors = vectors_of(match_features(TOTAL_GOALS, settings, Lake(settings.lake), later))
    trained = json.loads(next(settings.home.glob("pipelines/*/artifacts/*/train/model/training.json")).read_text())
    return GoalsCalibration(**trained["coefficients"]).predict(vectors)
