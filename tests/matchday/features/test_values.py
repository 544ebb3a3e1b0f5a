"""Fingerprints of features change with their values alone."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.features import values
from matchday.features.services import MATCH_OUTCOME_V1
from matchday.ratings import elo
from matchday.settings import REPOSITORY
from matchday.signature import FeatureRef
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances

NAMES = tuple(feature.name for feature in MATCH_OUTCOME_V1)


@pytest.fixture(scope="module")
def bundled() -> Snapshot:
    return Snapshot(REPOSITORY / "data")


@pytest.fixture(scope="module")
def vectors(bundled: Snapshot) -> pd.DataFrame:
    return values.pinned_vectors(bundled, MATCH_OUTCOME_V1)


def test_the_slice_is_pinned_and_moves_every_feature(vectors: pd.DataFrame) -> None:
    assert len(vectors) == values.MATCHES_OF_A_SEASON
    assert tuple(vectors.columns) == NAMES
    assert vectors.notna().all(axis=None)
    for name in NAMES:
        assert len(set(vectors[name])) > 1, f"{name} is always the same and would not show a change"


def test_a_changed_rule_changes_the_features_that_it_makes_and_no_other(
    bundled: Snapshot, vectors: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: values.fingerprint_values(vectors[name].to_numpy()) for name in vectors}
    monkeypatch.setattr(elo, "PROMOTED", elo.PROMOTED + 1)
    after = values.feature_values(bundled, MATCH_OUTCOME_V1)
    assert {name for name in NAMES if before[name] != after[name]} == {"home_elo", "away_elo"}


@pytest.mark.parametrize("column", ["xg", "threat"])
def test_expected_goals_and_their_stand_in_show_in_the_fingerprints(
    bundled: Snapshot, vectors: pd.DataFrame, column: str
) -> None:
    class Altered(Snapshot):
        def load(self, table: type, seasons: Sequence[str] | None = None) -> pd.DataFrame:
            rows = super().load(table, seasons)
            return rows.assign(**{column: rows[column] * 1.5}) if table is Appearances else rows

    after = values.pinned_vectors(Altered(bundled.folder), MATCH_OUTCOME_V1)
    changed = {name for name in NAMES if (after[name].to_numpy() != vectors[name].to_numpy()).any()}
    assert {"home_attack", "away_defence", "home_xg_for_5"} <= changed
    assert not changed & {"home_elo", "home_points_5", "home_rest_days"}


@given(
    numbers=some.lists(some.floats(-3000, 3000).map(lambda x: round(x, 3)), min_size=1, max_size=50),
    noise=some.floats(-1e-13, 1e-13),
)
def test_the_last_bits_of_a_number_do_not_count(numbers: list[float], noise: float) -> None:
    exact = np.array(numbers)
    step = 10.0 ** (np.floor(np.log10(np.abs(exact).max())) - values.DIGITS) if exact.any() else 1.0
    on_grid = np.round(exact / step) * step
    assert values.fingerprint_values(on_grid) == values.fingerprint_values(on_grid * (1 + noise))


@given(numbers=some.lists(some.floats(0.1, 3000), min_size=2, max_size=50), at=some.integers(0, 49))
def test_a_change_of_a_ten_thousandth_of_the_largest_number_counts(numbers: list[float], at: int) -> None:
    before = np.array(numbers)
    after = before.copy()
    after[at % len(after)] += before.max() / 1e4
    assert values.fingerprint_values(before) != values.fingerprint_values(after)


def test_nothing_but_zero_has_a_fingerprint_whatever_its_sign() -> None:
    assert values.fingerprint_values(np.zeros(3)) == values.fingerprint_values(-np.zeros(3))


PLAYER_FEATURES = (
    FeatureRef("price", "player", "player_market", "price", "int64"),
    FeatureRef("points_90", "player", "player_form", "points_90"),
    FeatureRef("opponent_attack", "opponent", "team_ratings", "attack"),
)


def test_features_of_players_are_described_as_known_at_the_deadline(bundled: Snapshot) -> None:
    """Of each player's match of the pinned gameweeks; one who was never seen before starts with nothing."""
    vectors = values.pinned_vectors(bundled, PLAYER_FEATURES)
    season, weeks = values.PLAYERS
    rows = bundled.load(Appearances, [season])
    assert len(vectors) == (rows["gameweek"].isin(weeks) & (rows["position"] != "MNG")).sum()
    assert vectors["price"].between(35, 150).all()
    assert vectors.notna().all(axis=None)
    assert 0 < (vectors["points_90"] == 0).mean() < 0.7
    found = values.feature_values(bundled, PLAYER_FEATURES)
    assert len(set(found.values())) == 3
