"""Rows that were streamed are joined by Feast behind those of the lake's tables, and materialised like them."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from feature_repo.materialise import materialise
from feature_repo.stream.opening import Feed
from feature_repo.training import historical
from matchday import history
from matchday.features.tables import TABLES, build
from matchday.lake import Lake
from matchday.settings import Settings
from tests.feature_repo.stream import world

MIDWAY = datetime(2024, 12, 1, tzinfo=UTC)
SUMMER = datetime(2025, 7, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHDAY_LAKE", world.make_lake(tmp_path / "lake"))
    return Settings()


def test_feast_joins_streamed_rows_and_a_refill_keeps_them(settings: Settings) -> None:
    lake = Lake(settings.lake)
    features = build(lake, history.fingerprint(lake)).features
    Feed(settings).send(list(world.events(matches=60)))
    expected = world.batch(matches=60)
    asked = pd.DataFrame({"home": ["ARS", "LIV"], "away": ["MCI", "CHE"], "event_timestamp": [SUMMER, SUMMER]})
    asked = asked.assign(event_timestamp=MIDWAY)
    for service, view, feature in (
        ("match_outcome_v1", "team_form", "xg_for_5"),
        ("match_outcome_v2", "team_strength", "attack"),
    ):
        joined = historical(service, settings, lake, asked).set_index("home")
        newest = expected[view].sort_values("event_time").drop_duplicates("team", keep="last").set_index("team")
        for team in ("ARS", "LIV"):
            assert joined.loc[team, f"home__{view}__{feature}"] == newest.loc[team, feature]
    assert history.fingerprint(lake, TABLES) == features
    materialise(settings, lake, features, MIDWAY)
    world.check_online(world.read_online(settings.online_address), expected)
    late = [
        (topic, event._replace(data={**event.data, "revision": 2})) for topic, event in world.events(matches=61)[-1:]
    ]
    Feed(settings).send([*world.events(matches=61)[-90:], *late])
    world.check_online(world.read_online(settings.online_address), world.batch(matches=61))
