"""Rules of the fantasy game by season."""

import pandas as pd
import pytest

from matchday.scoring import defensive_contributions, defensive_points
from tests import players


@pytest.mark.parametrize(("season", "gives"), [("1617", False), ("2425", False), ("2526", True), ("2627", True)])
def test_defending_gives_points_since_25_26(season, gives) -> None:
    assert (defensive_contributions(season) is not None) == gives


@pytest.mark.parametrize(
    ("position", "actions", "points"),
    [("GK", 30, 0), ("DEF", 9, 0), ("DEF", 10, 2), ("MID", 11, 0), ("MID", 12, 2), ("FWD", 12, 2), ("MID", None, 0)],
)
def test_each_position_needs_its_number_of_actions(position, actions, points) -> None:
    for season, wanted in (("2526", points), ("2425", 0)):
        rows = pd.DataFrame({"season": [season], "position": [position], "defensive_contribution": [actions]})
        assert defensive_points(rows.astype({"defensive_contribution": "Int64"})).tolist() == [wanted]


def test_with_them_the_points_of_real_forwards_add_up() -> None:
    """Goals 4, assists 3, minutes 1 or 2, cards, own goals, penalties, bonus: what is left is for defending."""
    rows = players.history().query("season == '2526' and position == 'FWD' and minutes > 0")
    known = 4 * rows["goals"] + 3 * rows["assists"] + 1 + (rows["minutes"] >= 60) + rows["bonus"] - rows["yellow_cards"]
    known -= 3 * rows["red_cards"] + 2 * rows["own_goals"] + 2 * rows["penalties_missed"]
    assert (rows["points"] - known).tolist() == defensive_points(rows).tolist()
