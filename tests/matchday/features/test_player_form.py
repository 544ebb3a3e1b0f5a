"""Form of players."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.features.player_form import FULL_PRIOR_POINTS, PRIOR_NINETIES, SUMMED, UNSEEN, decayed_sums, player_form
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, validate
from matchday.tables.player_form import PlayerForm

START = pd.Timestamp("2024-08-17 14:00", tz="UTC")
NUMBERS = {**dict.fromkeys(SUMMED, 0.0), "points": 0}


def appearance(day: float, player: int = 7, **changed: object) -> dict[str, object]:
    """One row with the columns that form is made of."""
    basic = {"season": "2425", "kickoff": START + pd.Timedelta(days=day), "player": player, "name": "Ada"}
    basic["gameweek"] = int(day // 7) % 38 + 1
    return {**basic, "team": "ARS", "position": "MID", "minutes": 0, **NUMBERS, **changed}


def form(*rows: dict[str, object], seasons: tuple[str, ...] = ()) -> pd.DataFrame:
    table = pd.DataFrame(list(rows)).astype({"kickoff": "datetime64[us, UTC]"})
    return validate(PlayerForm, player_form(table, seasons))


def after_matches(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows at full times, without those that a season starts with."""
    table = form(*rows)
    return table[table["event_time"].isin([row["kickoff"] + pd.Timedelta(hours=2) for row in rows])]


def latest(*rows: dict[str, object]) -> pd.Series:
    return form(*rows).iloc[-1]


@some.composite
def careers(draw: some.DrawFn) -> list[dict[str, object]]:
    """Rows of a few players, each a match a week, some of them not played."""
    rows = []
    for player in range(1, draw(some.integers(1, 3)) + 1):
        for week in range(draw(some.integers(1, 8))):
            minutes = draw(some.sampled_from([0, 0, 15, 59, 60, 90]))
            points = draw(some.integers(-2, 15)) if minutes else 0
            team = draw(some.sampled_from(["ARS", "LIV"]))
            xg = draw(some.one_of(some.none(), some.floats(0, 2))) if minutes else None
            rows.append(appearance(7 * week, player, minutes=minutes, points=points, team=team, xg=xg))
    return rows


@settings(max_examples=20, deadline=None)
@given(rows=careers(), cut=some.integers(1, 8))
def test_later_matches_and_other_players_change_no_row(rows, cut) -> None:
    whole = form(*rows)
    until = [row for row in rows if row["kickoff"] < START + pd.Timedelta(days=7 * cut)]
    known = whole[whole["event_time"] < START + pd.Timedelta(days=7 * cut)].reset_index(drop=True)
    pd.testing.assert_frame_equal(form(*until), known)
    alone = [row for row in rows if row["player"] == 1]
    pd.testing.assert_frame_equal(form(*alone), whole[whole["player"] == 1].reset_index(drop=True))


@settings(max_examples=20, deadline=None)
@given(rows=careers(), random=some.randoms())
def test_the_order_of_the_rows_does_not_matter(rows, random) -> None:
    mixed = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(form(*mixed), form(*rows))


@settings(max_examples=30, deadline=None)
@given(values=some.lists(some.floats(-5, 5), min_size=1, max_size=12), kept=some.floats(0, 1))
def test_a_decayed_sum_weighs_each_value_by_its_age(values, kept) -> None:
    count = len(values)
    sums = decayed_sums(np.array(values)[:, None], np.arange(count) - 1, np.full(count, kept))
    wanted = sum(value * kept**age for age, value in enumerate(reversed(values)))
    assert sums[-1, 0] == pytest.approx(wanted, abs=1e-9)


def test_a_row_is_known_at_full_time() -> None:
    assert form(appearance(0))["event_time"].tolist() == [
        START - pd.Timedelta(minutes=90),
        START + pd.Timedelta(hours=2),
    ]


def test_minutes_and_absence_are_counted() -> None:
    row = latest(appearance(0, minutes=90), appearance(7, minutes=30), appearance(14), appearance(21))
    assert (row["minutes_1"], row["minutes_2"], row["minutes_3"]) == (0, 0, 30)
    assert (row["matches"], row["missed"], row["season_minutes"]) == (4, 2, 30.0)
    assert row["played_short"] == pytest.approx((0.6**2 + 0.6**3) / (1 + 0.6 + 0.6**2 + 0.6**3))
    assert row["full_short"] < row["played_short"]


def test_who_never_played_has_missed_all_matches_and_is_described_like_an_unseen_player() -> None:
    row = latest(appearance(0), appearance(7))
    counted = {"matches": 2, "season_matches": 2, "missed": 2}
    assert row[list(UNSEEN)].to_dict() == {**UNSEEN, **counted}


def test_rates_are_diluted_by_matches_without_anything() -> None:
    row = latest(appearance(0, minutes=90, goals=2, points=12))
    assert row["goals_90"] == pytest.approx(2 / (1 + PRIOR_NINETIES))
    assert row["full_points"] == pytest.approx((12 + 2 * FULL_PRIOR_POINTS) / 3)


def test_a_match_whose_expected_goals_are_not_known_says_nothing_about_them() -> None:
    known = appearance(0, minutes=90, xg=0.9)
    unknown = appearance(7, minutes=90, xg=None, threat=None, goals=1)
    before, after = after_matches(known, unknown).to_dict("records")
    assert after["xg_90"] == before["xg_90"]
    assert after["threat_90"] == before["threat_90"]
    assert after["goals_90"] > before["goals_90"]


def test_who_changes_club_takes_his_form_with_him() -> None:
    rows = [appearance(7 * week, minutes=90, points=6, goals=1) for week in range(4)]
    moved = [*rows[:3], {**rows[3], "team": "LIV"}]
    stayed, gone = latest(*rows), latest(*moved)
    assert (stayed["team"], gone["team"]) == ("ARS", "LIV")
    assert gone.drop("team").equals(stayed.drop("team"))


def test_who_changes_position_keeps_his_form() -> None:
    first = appearance(0, minutes=90, goals=1)
    row = latest(first, appearance(300, season="2526", position="FWD", minutes=90))
    assert row["matches"] == 2
    assert row["goals_90"] > 0


def test_a_renamed_player_goes_on_and_two_of_one_name_stay_apart() -> None:
    renamed = latest(appearance(0, minutes=90), appearance(7, name="Ada King", minutes=90))
    assert renamed["matches"] == 2
    namesakes = after_matches(appearance(0, 1, minutes=90, goals=3), appearance(0, 2, minutes=90))
    assert namesakes["goals_90"].tolist() == [1.0, 0.0]


def test_assistant_managers_are_left_out() -> None:
    assert set(form(appearance(0), appearance(0, 8, position="MNG"))["player"]) == {7}


def test_only_the_season_right_before_counts_as_the_last() -> None:
    played = appearance(-400, season="2324", minutes=90)
    assert latest(played, appearance(0))["last_season_minutes"] == 90
    assert latest({**played, "season": "2223"}, appearance(0))["last_season_minutes"] == 0


def test_a_season_starts_with_its_own_rows_at_its_opening_and_at_the_first_deadline() -> None:
    last = appearance(0, minutes=90, points=6)
    first = appearance(364, season="2526", minutes=30)
    opened, registered = form(last, first).iloc[2:4].to_dict("records")
    assert opened["event_time"] == pd.Timestamp("2025-06-01", tz="UTC")
    assert registered["event_time"] == first["kickoff"] - pd.Timedelta(minutes=90)
    for row in (opened, registered):
        assert (row["season"], row["season_matches"], row["season_minutes"], row["matches"]) == ("2526", 0, 0.0, 1)
        assert (row["last_season_minutes"], row["last_season_points"], row["minutes_1"]) == (90.0, 6.0, 90)


def test_a_season_without_a_match_so_far_has_opened_when_it_is_named() -> None:
    assert form(appearance(0), seasons=("2526",))["season"].tolist() == ["2425", "2425", "2526"]


def test_who_has_never_been_seen_starts_as_unseen_at_his_first_deadline() -> None:
    row = form(appearance(0), appearance(21, 8)).query("player == 8").iloc[0]
    assert row["event_time"] == START + pd.Timedelta(days=21, minutes=-90)
    assert row[list(UNSEEN)].to_dict() == UNSEEN


def test_expected_goals_are_not_used_before_they_were_published() -> None:
    early = {"season": "2223", "kickoff": pd.Timestamp("2022-11-12 15:00", tz="UTC"), "xg": 0.9, "xa": 0.4}
    late = {**early, "kickoff": pd.Timestamp("2022-12-26 15:00", tz="UTC")}
    before, after = after_matches(*(appearance(0, minutes=90) | one for one in (early, late))).to_dict("records")
    assert (before["xg_90"], before["xa_90"]) == (0.0, 0.0)
    assert after["xg_90"] == pytest.approx(0.9 / (1 + PRIOR_NINETIES))


def test_the_bundled_history_gives_a_row_for_every_player_and_match() -> None:
    appearances = Snapshot(REPOSITORY / "data").load(Appearances, ["2425", "2526"])
    appearances = appearances[appearances["position"] != "MNG"]
    rows = validate(PlayerForm, player_form(appearances))
    registered = appearances.groupby(["season", "player"]).size()
    assert len(rows) == len(appearances) + len(registered) + len(registered.loc["2425"])
    came = appearances["team"].isin(["LEE", "BUR", "SUN"]) & appearances["season"].eq("2526")
    strangers = rows[rows["player"].isin(appearances.loc[came, "player"]) & (rows["matches"] == 0)]
    assert len(strangers) > 30, "players of promoted clubs whom the league has not seen"
    assert (strangers[list(UNSEEN)] == pd.Series(UNSEEN)).all(axis=None)
