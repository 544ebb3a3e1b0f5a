"""Expected line-ups: gaps to those so far, what they do to goals, and nothing known later."""

import numpy as np
import pandas as pd
import pytest

from matchday.models.match_outcome.candidates import lineups
from matchday.models.match_outcome.settled_goals import NAMES

CLUBS = ("AAA", "BBB")
FIRST = pd.Timestamp("2025-08-16T14:00Z")


def league(weeks: int = 6) -> pd.DataFrame:
    """Rows of players of two clubs that meet each week; each fields the same four, of whom the forward is dear."""
    rows = [
        ("2526", f"2526-{week}", FIRST + pd.Timedelta(weeks=week), club, position, 40 + 40 * (position == 3), 90)
        for week in range(weeks)
        for club in CLUBS
        for position in range(4)
    ]
    names = ["season", "match_id", "kickoff", "team", "position_number", "price", "minutes"]
    return pd.DataFrame(rows, columns=names)


def shares(rows: pd.DataFrame) -> np.ndarray:
    return np.full(len(rows), 0.9)


def gaps(rows: pd.DataFrame, expected: np.ndarray) -> pd.DataFrame:
    return lineups.lineup_gaps(rows, expected)


def test_who_fields_his_usual_line_up_has_no_gap() -> None:
    rows = league()
    found = gaps(rows, shares(rows))
    assert found.index.names == ["match_id", "team"] and len(found) == 12
    assert np.abs(found.to_numpy()).max() < 1e-12


def test_a_forward_who_is_not_expected_costs_attack_and_nothing_else() -> None:
    rows = league()
    out = (rows["match_id"] == "2526-4") & (rows["team"] == "AAA") & (rows["position_number"] == 3)
    expected = np.where(out, 0.0, shares(rows))
    found = gaps(rows, expected)
    assert found.loc[("2526-4", "AAA"), "attack"] < -0.3
    others = found.drop(index=("2526-4", "AAA"))
    assert np.abs(others.to_numpy()).max() < 1e-12
    assert found.loc[("2526-4", "AAA"), "defence"] == pytest.approx(0.0, abs=1e-12)


def test_what_is_played_changes_later_gaps_alone() -> None:
    rows = league()
    rested = (rows["match_id"] == "2526-2") & (rows["team"] == "BBB") & (rows["position_number"] == 3)
    before, after = gaps(rows, shares(rows)), gaps(rows.assign(minutes=rows["minutes"].where(~rested, 0)), shares(rows))
    changed = (np.abs((after - before).to_numpy()) > 1e-9).any(axis=1)
    assert set(before.index[changed]) == {(f"2526-{week}", "BBB") for week in (3, 4, 5)}
    assert after.loc[("2526-3", "BBB"), "attack"] > after.loc[("2526-5", "BBB"), "attack"] > 0


def test_nobody_expected_is_no_gap() -> None:
    rows = league()
    assert (gaps(rows, np.full(len(rows), np.nan)).to_numpy() == 0).all()


def test_effects_on_goals_are_found_again() -> None:
    rng = np.random.default_rng(3)
    n, wanted = 20_000, np.array([0.4, -0.3])
    rows = pd.DataFrame({name: np.zeros(n) for name in NAMES}).assign(league_level=0.2, league_home_edge=0.2)
    given = rng.normal(0, 0.2, (n, 2, 2))
    home = np.exp(0.4 + wanted[0] * given[:, 0, 0] + wanted[1] * given[:, 1, 1])
    away = np.exp(0.2 + wanted[0] * given[:, 1, 0] + wanted[1] * given[:, 0, 1])
    rows = rows.assign(home_goals=rng.poisson(home), away_goals=rng.poisson(away))
    found = lineups.learn_effects(rows, given)
    assert found == pytest.approx(wanted, abs=0.06)
    moved = lineups.add_effects(rows, given, wanted)
    rate = moved["league_level"] + moved["league_home_edge"] + moved["home_attack"] - moved["away_defence"]
    assert np.exp(rate).to_numpy() == pytest.approx(home, rel=1e-9)
