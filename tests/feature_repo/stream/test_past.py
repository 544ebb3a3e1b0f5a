"""Revisions of what the lake says: since when it has been known."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from feature_repo.stream.facts import RESULT, content_of
from feature_repo.stream.past import Past
from matchday.lake import Lake
from matchday.tables import columns
from matchday.tables.arrow import dtypes
from matchday.tables.observed import ObservedFixtures
from tests.feature_repo.stream import world

KNOWN = datetime(2024, 5, 19, 17, 30, tzinfo=UTC)


def test_a_result_that_was_observed_ranks_by_when_it_became_known(tmp_path: Path) -> None:
    lake = world.make_lake(tmp_path / "lake")
    match = next(fact.match for fact in Past(lake).facts("2324") if fact.subject == RESULT)
    season, home, away = match.split("-")
    row = {
        "source": "fpl", "season": season, "match_id": match, "home": home, "away": away, "gameweek": 38,
        "kickoff": pd.Timestamp("2024-05-19T15:00:00Z"), "status": "finished", "home_goals": 2, "away_goals": 1,
        "known_at": pd.Timestamp(KNOWN), "raw": "0" * 64,
    }  # fmt: skip
    Lake(str(tmp_path / "collected")).write(
        ObservedFixtures, pd.DataFrame([row], columns=columns(ObservedFixtures)).astype(dtypes(ObservedFixtures))
    )
    facts = Past(lake, collected=str(tmp_path / "collected")).facts("2324")
    revisions = {fact.match: content_of(fact.stored)["revision"] for fact in facts if fact.subject == RESULT}
    assert revisions.pop(match) == round(KNOWN.timestamp() * 1000)
    assert set(revisions.values()) == {0}
