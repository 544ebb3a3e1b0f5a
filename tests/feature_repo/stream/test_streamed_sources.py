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
from matchday.models.match_outcome.kind import MATCH_OUTCOME
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
    joined = historical(MATCH_OUTCOME, settings, lake, asked.assign(event_timestamp=MIDWAY)).set_index("home")
    newest = expected["team_form"].sort_values("event_time").drop_duplicates("team", keep="last").set_index("team")
    for team in ("ARS", "LIV"):
        assert joined.loc[team, "home__team_form__xg_for_5"] == newest.loc[team, "xg_for_5"]
    assert history.fingerprint(lake, TABLES) == features
    materialise(settings, lake, features, MIDWAY)
    world.check_online(world.read_online(settings.online_address), expected)
    late = [
        (topic, event._replace(data={**event.data, "revision": 2})) for topic, event in world.events(matches=61)[-1:]
    ]
    Feed(settings).send([*world.events(matches=61)[-90:], *late])
    world.check_online(world.read_online(settings.online_address), world.batch(matches=61))
