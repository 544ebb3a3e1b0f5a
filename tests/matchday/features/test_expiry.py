"""One rule says when a row is out of date: the server, the forecasts and Feast's joins agree at the very edge."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from matchday.durations import DAY
from matchday.features import entities
from matchday.features.expiry import is_expired, view_ttls
from matchday.forecasts.scheduled import ScheduledMatch
from matchday.forecasts.team_rows import expired_teams
from matchday.models.packaging import describe
from matchday.signature import ViewRef
from serving.features.store import Row
from serving.vector import Layout
from tests.league import WITH_FORM

KNOWN = datetime(2026, 5, 24, 17, tzinfo=UTC)
TTL = entities.TTL_SECONDS
SIGNATURE = describe(WITH_FORM, "f00d", KNOWN.isoformat())
EDGES = [(TTL - 1, False), (TTL, False), (TTL + 1, True)]


@pytest.mark.parametrize(("age", "expired"), [*EDGES, (-5, False)])
def test_a_row_is_out_of_date_when_it_is_older_than_its_ttl(age: float, expired: bool) -> None:
    assert is_expired(KNOWN.timestamp(), KNOWN.timestamp() + age, TTL) is expired
    assert not is_expired(KNOWN.timestamp(), KNOWN.timestamp() + age, math.inf)


def test_a_view_without_a_ttl_is_never_out_of_date() -> None:
    views = [ViewRef("team_form", None), ViewRef("team_ratings", 3 * DAY)]
    assert view_ttls(replace(SIGNATURE, views=views)) == {"team_form": math.inf, "team_ratings": 3 * DAY}
    assert view_ttls(SIGNATURE) == {"team_form": TTL, "team_ratings": TTL}


@pytest.mark.parametrize(("age", "expired"), EDGES)
def test_server_and_forecasts_say_the_same_of_a_match(age: float, expired: bool) -> None:
    kickoff = KNOWN + timedelta(seconds=age)
    match = ScheduledMatch("2627-ARS-LIV", "2627", 1, kickoff, "ARS", "LIV")
    fresh = kickoff - timedelta(days=1)
    times = {("team_form", "ARS"): KNOWN, ("team_form", "LIV"): fresh}
    rows = {
        (view, team): Row({}, moment.timestamp(), moment.timestamp())
        for view in ("team_form", "team_ratings")
        for team in match.teams
        if (moment := times.get((view, team), fresh))
    }
    vectors = Layout(SIGNATURE).assemble({"home": ["ARS"], "away": ["LIV"]}, rows, [kickoff.timestamp()])
    assert bool(vectors.expired) is expired
    assert all(name.startswith("home_") for name in vectors.expired)
    lake = {
        view: {team: {"event_time": times.get((view, team), fresh)} for team in match.teams}
        for view in ("team_form", "team_ratings")
    }
    assert expired_teams(match, lake, view_ttls(SIGNATURE)) == (["ARS"] if expired else [])


@pytest.mark.parametrize(("age", "expired"), EDGES)
def test_feasts_join_has_the_same_edge(age: float, expired: bool, tmp_path: Path) -> None:
    from feast import FeatureStore, FeatureView, Field, FileSource, RepoConfig
    from feast.types import Float64

    from feature_repo import quiet
    from feature_repo.definitions import TEAM

    path = tmp_path / "form.parquet"
    pd.DataFrame({"team": ["ARS"], "points": [1.0], "at": [KNOWN]}).to_parquet(path)
    view = FeatureView(
        name="form",
        entities=[TEAM],
        ttl=timedelta(seconds=TTL),
        schema=[Field(name="points", dtype=Float64)],
        source=FileSource(name="form_file", path=str(path), timestamp_field="at"),
    )
    config = RepoConfig(
        project="edge",
        provider="local",
        registry=str(tmp_path / "registry.db"),
        online_store=None,
        offline_store={"type": "duckdb"},
        entity_key_serialization_version=3,
    )
    with quiet.silence_feast():
        store = FeatureStore(config=config)
        store.apply([TEAM, view])
        asked = pd.DataFrame({"team": ["ARS"], "event_timestamp": [KNOWN + timedelta(seconds=age)]})
        found = store.get_historical_features(asked, ["form:points"]).to_df()
    assert found["points"].isna().tolist() == [expired]
