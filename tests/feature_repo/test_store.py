"""Feast on the real league: the point-in-time join, the online store, and what the server reads of it."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from feast import FeatureStore

from feature_repo.error import FeatureStoreError
from feature_repo.materialise import materialise
from feature_repo.store import open_store
from feature_repo.training import match_features, training_set
from feature_repo.verification import verify
from feature_repo.writers import FeatureRow, WriteCounts, open_writer
from matchday import history
from matchday.feast_layout import entity_key, event_time, value_of
from matchday.features import tables
from matchday.features.known import JUST_BEFORE
from matchday.features.tables import TABLES, TEAM_TABLES
from matchday.features.vectors import assemble
from matchday.history import HistoryError
from matchday.lake import Lake
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.settled_goals import vectors_of
from matchday.models.packaging import describe
from matchday.settings import Settings
from matchday.tables import Matches, TeamRatings, name
from serving.features.sqlite import SqliteStore
from serving.features.store import Row
from serving.vector import Layout, lookups
from tests import league

SEASONS = ("2223", "2324", "2425", "2526")
END = datetime(2026, 7, 1, tzinfo=UTC)
SIGNATURE = describe(MATCH_OUTCOME, "f00d", END.isoformat())
WINTER, SPRING = datetime(2025, 12, 24, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Built:
    """A lake with feature tables, and their fingerprint."""

    lake: Lake
    features: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("lake")
    lake = Lake(str(root / "lake"))
    taken = history.ingest(league.bundled(root / "data", SEASONS), lake)
    return Built(lake, tables.build(lake, taken.history).features)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings()


@pytest.fixture
def at_moments(built: Built) -> pd.DataFrame:
    """First matches of some days, each with nothing between the moment of the store and its kick-off."""
    matches = built.lake.read(Matches)
    days = matches.groupby(matches["kickoff"].dt.normalize())["kickoff"].transform("min")
    return matches[matches["kickoff"] == days]


def rows_of(store: Path) -> dict[tuple[str, bytes, str], tuple[bytes, float]]:
    with sqlite3.connect(store) as connection:
        return {
            (view, key, name): (value, event_time(at))
            for view in map(name, TABLES)
            for key, name, value, at in connection.execute(
                f"SELECT entity_key, feature_name, value, event_ts FROM matchday_{view}"
            )
        }


def test_the_join_of_feast_is_our_own_join(built: Built, settings: Settings) -> None:
    joined = training_set(MATCH_OUTCOME, settings, built.lake, built.features, END)
    matches, tables_ = built.lake.read(Matches), map(built.lake.read, TEAM_TABLES)
    own = league.joined(matches, *tables_)
    assert len(joined) == 4 * 380
    pd.testing.assert_frame_equal(joined, own[list(joined.columns)], check_exact=True)


def test_the_training_set_ends_with_the_matches_that_had_ended(built: Built, settings: Settings) -> None:
    kickoff = pd.Timestamp("2026-05-24T15:00Z").to_pydatetime()
    before, after = (
        training_set(
            MATCH_OUTCOME, settings, built.lake, built.features, kickoff + timedelta(hours=hours, seconds=seconds)
        )
        for hours, seconds in ((2, -1), (2, 0))
    )
    assert len(after) - len(before) == 10
    assert (after["event_time"] == after["kickoff"] - JUST_BEFORE).all()


def test_before_any_match_there_is_nothing_to_train_on(built: Built, settings: Settings) -> None:
    with pytest.raises(FeatureStoreError, match="no match had ended by 2022-08-01: the history begins on 2022-08-05"):
        training_set(MATCH_OUTCOME, settings, built.lake, built.features, datetime(2022, 8, 1, tzinfo=UTC))


def test_features_of_another_time_are_refused(built: Built, settings: Settings) -> None:
    for read in (partial(training_set, MATCH_OUTCOME), materialise):
        with pytest.raises(HistoryError, match="start the run again"):
            read(settings, built.lake, "0123456789abcdef", WINTER)
    assert not settings.online_file.exists()


def read_by_feast(settings: Settings, matches: pd.DataFrame) -> np.ndarray:
    store = open_store(settings, matches["kickoff"].min().to_pydatetime())
    service = store.get_feature_service(MATCH_OUTCOME.feature_service)
    entities = matches[["home", "away"]].to_dict("records")
    found = store.get_online_features(service, entities, full_feature_names=True).to_df()
    return assemble(MATCH_OUTCOME.features, found, matches["kickoff"].reset_index(drop=True)).to_numpy(np.float32)


def read_by_server(settings: Settings, matches: pd.DataFrame) -> np.ndarray:
    keys = {side: matches[side].tolist() for side in ("home", "away")}
    (lookup,) = lookups(SIGNATURE)
    store = SqliteStore(settings.online_file)
    found = asyncio.run(store.read(lookup.join_key, [*keys["home"], *keys["away"]], lookup.views))
    store.close()
    vectors = Layout(SIGNATURE).assemble(keys, found, [moment.timestamp() for moment in matches["kickoff"]])
    assert not vectors.missing
    return np.asarray(vectors.values)


@pytest.mark.parametrize("day", ["2022-08-05", "2025-12-26", "2026-02-28", "2026-05-24"])
def test_the_vector_trained_on_is_the_vector_served(built: Built, settings: Settings, at_moments, day: str) -> None:
    matches = at_moments[at_moments["kickoff"].dt.strftime("%Y-%m-%d") == day]
    materialise(settings, built.lake, built.features, (matches["kickoff"].min() - JUST_BEFORE).to_pydatetime())
    trained = vectors_of(match_features(MATCH_OUTCOME, settings, built.lake, matches))
    assert trained.shape == (len(matches), len(MATCH_OUTCOME.feature_names))
    for served in (read_by_feast(settings, matches), read_by_server(settings, matches)):
        for column, ours, theirs in zip(MATCH_OUTCOME.feature_names, trained.T, served.T, strict=True):
            assert ours.tolist() == theirs.tolist(), column


def test_going_back_in_time_leaves_nothing_later_behind(built: Built, settings: Settings, tmp_path: Path) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    winter = rows_of(settings.online_file)
    materialise(settings, built.lake, built.features, SPRING)
    spring = rows_of(settings.online_file)
    materialise(settings, built.lake, built.features, WINTER)
    assert rows_of(settings.online_file) == winter != spring
    assert max(at for _, at in winter.values()) <= WINTER.timestamp() < max(at for _, at in spring.values())
    assert len({key for view, key, _ in winter if view == "team_form"}) == 20
    assert [file.name for file in settings.online_file.parent.glob("online*")] == ["online.db"]


class Cut(BaseException):
    """Out of the blue."""


def test_a_materialisation_that_is_cut_off_leaves_the_former_store(built: Built, settings, monkeypatch) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    before = settings.online_file.read_bytes()

    real = FeatureStore.materialize

    def half(store: FeatureStore, **when: datetime) -> None:
        real(store, feature_views=["team_form"], **when)
        raise Cut

    monkeypatch.setattr(FeatureStore, "materialize", half)
    with pytest.raises(Cut):
        materialise(settings, built.lake, built.features, SPRING)
    assert settings.online_file.read_bytes() == before
    assert not list(settings.online_file.parent.glob(".online.db.new*"))
    monkeypatch.undo()


def stream(settings: Settings, team: str, at: datetime, **changes: float) -> FeatureRow:
    """Write a row of `team_ratings`: the one that is there with another event time and other values."""

    async def read() -> Row:
        with closing(SqliteStore(settings.online_file)) as store:
            fields = [name for name in TeamRatings.to_schema().columns if name not in ("season", "team", "event_time")]
            return (await store.read("team", [team], {"team_ratings": fields}))["team_ratings", team]

    row = asyncio.run(read())
    streamed = FeatureRow("team_ratings", "team", team, at.timestamp(), 1, {**row.values, **changes})  # type: ignore[arg-type]  # noqa: PD011
    with closing(open_writer(settings.online_file)) as writer:
        assert writer.write([streamed]) == WriteCounts(written=1)
    return streamed


def elo_of(settings: Settings, team: str) -> tuple[object, float]:
    stored, at = rows_of(settings.online_file)["team_ratings", entity_key("team", team), "elo"]
    return value_of(stored), at


def test_a_streamed_row_stays_when_the_lake_is_behind_and_goes_when_the_moment_is(
    built: Built, settings: Settings
) -> None:
    materialise(settings, built.lake, built.features, WINTER)
    moment = WINTER + timedelta(days=400)
    of_lake = elo_of(settings, "ARS")
    for team in league_teams(built):
        stream(settings, team, moment - timedelta(hours=1), elo=1.0)
    materialise(settings, built.lake, built.features, moment)
    assert elo_of(settings, "ARS") == (1.0, (moment - timedelta(hours=1)).timestamp())
    found = verify(settings, built.lake, built.features, moment)
    pairs, players = 3 + 3 + 3, 2 + 2 + 2
    assert found.ahead == 5 * (pairs + players), "ratings of the league and of both teams"
    assert found.values > 0, "their form is the lake's"  # noqa: PD011
    materialise(settings, built.lake, built.features, WINTER)
    assert elo_of(settings, "ARS") == of_lake
    assert verify(settings, built.lake, built.features, WINTER).ahead == 0


def test_a_streamed_row_that_the_lake_has_otherwise_is_found_and_refilled(built: Built, settings: Settings) -> None:
    materialise(settings, built.lake, built.features, SPRING)
    of_lake = elo_of(settings, "ARS")
    for team in league_teams(built):
        stream(settings, team, datetime.fromtimestamp(elo_of(settings, team)[1], UTC), elo=1.0)
    with pytest.raises(FeatureStoreError, match=r"another .*elo .* than the lake: 1\.0 and"):
        verify(settings, built.lake, built.features, SPRING)
    materialise(settings, built.lake, built.features, SPRING)
    assert elo_of(settings, "ARS") == of_lake
    assert verify(settings, built.lake, built.features, SPRING).ahead == 0


def league_teams(built: Built) -> list[str]:
    rows = built.lake.read(TeamRatings)
    return sorted(rows.loc[rows["season"] == "2526", "team"].unique())
