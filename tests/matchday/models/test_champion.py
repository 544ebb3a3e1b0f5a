"""Which version becomes champion, and whether the champion may forecast: with a registry, from registration on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matchday.bundle import write_bundle
from matchday.errors import MatchdayError
from matchday.features.services import SERVICES
from matchday.features.values import feature_values
from matchday.models import champion, tags
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.skill import FORECASTS
from matchday.registry import CHAMPION, RegistryError
from matchday.settings import Settings
from matchday.signature import FeatureRef
from matchday.sources.snapshot import Snapshot
from tests.registries import prepare
from tests.signatures import match_signature

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VALUES = {"home_elo": "00000000", "away_elo": "11111111"}
TOLD = {tags.TRAINED_UNTIL: "2026-02-01T17:00:00+00:00", tags.FEATURE_VALUES: json.dumps(VALUES)}
BEFORE_VALUES = {tags.TRAINED_UNTIL: TOLD[tags.TRAINED_UNTIL], "feature_code": "5e1f" * 16}
"""The tags of a version that a release before `feature_values` registered."""


class Place:
    """A registry in which versions are registered as pipelines do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings()
        self.registry = prepare(self.settings.tracking_uri)

    def register(self, hit: float, told: Mapping[str, str] = TOLD, service: str = "match_outcome_v1") -> str:
        """A version whose forecasts give so much to what happened; the n-th has the card `# n`."""
        result = np.arange(400) % 3
        said = np.full((400, 3), (1 - hit) / 2)
        said[np.arange(400), result] = hit
        rows = pd.DataFrame(said, columns=["H", "D", "A"]).assign(match_id=range(400), result=result, season="2526")
        rows = rows.assign(kickoff=pd.Timestamp(NOW) - timedelta(days=30), forecaster=MATCH_OUTCOME.name)
        rows.to_parquet(self.folder / FORECASTS)
        signature = match_signature([FeatureRef("home_elo", "home", "team_ratings", "elo")], feature_service=service)
        number = len(self.registry.versions(MATCH_OUTCOME.name)) + 1
        write_bundle(self.folder / "bundle", b"graph", signature, {}, f"# {number}\n")
        attached = {FORECASTS: self.folder / FORECASTS}
        name = MATCH_OUTCOME.name
        return self.registry.log_run(name, {}, {}, told, self.folder / "bundle", name, attached).version

    def crown(self, version: str) -> None:
        self.registry.promote(MATCH_OUTCOME.name, version)

    @property
    def champion(self) -> str | None:
        return self.registry.aliases(MATCH_OUTCOME.name).get(CHAMPION)

    def promote(self, version: str) -> str:
        return champion.promote(MATCH_OUTCOME, self.settings, version, NOW).reason

    def lose_files(self, version: str) -> None:
        run = self.registry.resolve(f"mlflow://{MATCH_OUTCOME.name}/{version}").run_id
        for graph in self.folder.rglob(f"{run}/artifacts/bundle/model.onnx"):
            graph.unlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_first_version_is_promoted_and_a_better_one_after_it(place: Place) -> None:
    assert place.promote(place.register(0.5)) == "there is no champion yet"
    assert place.promote(place.register(0.5)) == "inconclusive: RPS +0.00000 +- 0.00000 over 400 matches"
    assert place.champion == "1"
    assert place.promote(place.register(0.6)).startswith("clearly better")
    assert place.champion == "3"
    assert place.promote("3") == "version 3 is champion already"


def test_edited_source_promotes_no_worse_version(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.crown(place.register(0.5))
    monkeypatch.setattr("matchday.features.tables.code", lambda: "a docstring was edited")
    assert place.promote(place.register(0.45)).startswith("worse")
    assert place.champion == "1"


def test_changed_values_of_features_promote_no_worse_version(place: Place) -> None:
    place.crown(place.register(0.5))
    changed = {**TOLD, tags.FEATURE_VALUES: json.dumps(VALUES | {"home_elo": "22222222"})}
    worse = place.promote(place.register(0.45, changed))
    assert worse.startswith("worse") and "champion 1 was trained on other values of home_elo" in worse
    assert place.champion == "1"
    assert place.promote(place.register(0.5, changed)).startswith("as good, with the features of now")


def test_a_version_of_before_the_tag_stays_until_one_is_as_good(place: Place) -> None:
    place.crown(place.register(0.5, BEFORE_VALUES))
    champion.check_fit(MATCH_OUTCOME, place.settings, NOW)
    assert place.promote(place.register(0.45)).startswith("worse")
    assert place.promote(place.register(0.5)).startswith("as good, with the features of now")
    assert place.champion == "3"


@pytest.mark.parametrize("judge", ["run", "judge"])
@pytest.mark.parametrize("fault", ["files", "service"])
def test_a_champion_that_cannot_be_served_is_replaced_and_the_reason_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, judge: str, fault: str
) -> None:
    monkeypatch.setenv("MATCHDAY_PROMOTION", judge)
    place.settings = Settings()
    place.crown(place.register(0.6, service="match_outcome_v0" if fault == "service" else "match_outcome_v1"))
    told = "reads the feature service match_outcome_v0, which is gone"
    if fault == "files":
        place.lose_files("1")
        told = "has lost its files"
    assert place.promote(place.register(0.4)) == f"champion 1 {told}: it can no longer be served"
    assert place.champion == "2"


def test_where_rollouts_judge_a_run_promotes_a_missing_champion_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHDAY_PROMOTION", "judge")
    place.settings = Settings()
    assert place.promote(place.register(0.4)) == "there is no champion yet"
    told = "version 2 is the challenger of champion 1: here a rollout judges and promotes"
    assert place.promote(place.register(0.6)) == told
    assert place.promote("1") == "version 1 is champion already"
    assert place.champion == "1"


def test_a_version_without_walk_forward_forecasts_is_not_compared(place: Place) -> None:
    place.crown(place.register(0.5))
    bare = place.registry.log_run("by-hand", {}, {"by_hand": 1}, TOLD, place.folder / "bundle", MATCH_OUTCOME.name)
    assert place.promote(bare.version) == "inconclusive: 0 of 100 matches that both forecast"


def test_a_version_that_does_not_say_when_it_was_trained_is_refused_with_a_remedy(place: Place) -> None:
    place.crown(place.register(0.5, {}))
    with pytest.raises(RegistryError, match=r"mlflow://match-outcome/1 does not say until when .* point the alias"):
        place.promote(place.register(0.6))
    with pytest.raises(RegistryError, match="does not say until when"):
        champion.check_fit(MATCH_OUTCOME, place.settings, NOW)


@pytest.mark.parametrize(
    ("told", "service", "as_of", "reason"),
    [
        (TOLD, "match_outcome_v1", NOW, "champion 1 was trained on other values of home_elo, and the new model"),
        (TOLD, "match_outcome_v0", NOW, "reads the feature service match_outcome_v0, which is gone, and the new"),
        (TOLD, "match_outcome_v1", NOW - timedelta(days=60), "has learnt from after 2025-12-31"),
    ],
)
def test_a_champion_that_may_not_forecast_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], service: str, as_of: datetime, reason: str
) -> None:
    now = VALUES | {"home_elo": "22222222"}
    monkeypatch.setattr(champion, "feature_values", lambda *_: now)
    place.crown(place.register(0.5, told, service))
    with pytest.raises(MatchdayError, match=reason):
        champion.check_fit(MATCH_OUTCOME, place.settings, as_of)


def test_a_champion_with_the_values_of_now_may_forecast(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(champion, "feature_values", lambda *_: VALUES)
    place.crown(place.register(0.5))
    champion.check_fit(MATCH_OUTCOME, place.settings, NOW)


@pytest.mark.parametrize(("hit", "promoted"), [(0.6, "clearly better"), (0.5, "as good"), (0.4, "worse")])
def test_a_champion_of_an_older_feature_service_is_compared_and_replaced(
    place: Place, hit: float, promoted: str
) -> None:
    """Both services are published: the champion can be served until a version is as good."""
    place.crown(place.register(0.5, service="match_outcome_v1"))
    told = {**TOLD, tags.FEATURE_SERVICE: "match_outcome_v2", tags.FEATURE_VALUES: json.dumps({"home_settled": "0"})}
    said = place.promote(place.register(hit, told, service="match_outcome_v2"))
    assert said.startswith(promoted)
    assert "champion 1 reads match_outcome_v1, not match_outcome_v2" in said
    assert place.champion == ("1" if promoted == "worse" else "2")


def test_a_champion_of_an_older_feature_service_may_forecast(place: Place) -> None:
    """Its values are those of its own service, as they are now."""
    features = SERVICES["match_outcome_v1"].features
    values = feature_values(Snapshot(place.settings.snapshot), features)
    told = {**TOLD, tags.FEATURE_SERVICE: "match_outcome_v1", tags.FEATURE_VALUES: json.dumps(values)}
    place.crown(place.register(0.5, told, service="match_outcome_v1"))
    champion.check_fit(MATCH_OUTCOME, place.settings, NOW)
