"""Price, ownership and transfers at the deadline."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matchday.features.player_market import player_market
from matchday.settings import REPOSITORY
from matchday.sources.snapshot import Snapshot
from matchday.tables import Appearances, validate
from matchday.tables.player_market import PlayerMarket

START = pd.Timestamp("2024-08-17 14:00", tz="UTC")


def offer(week: int, player: int, **changed: object) -> dict[str, object]:
    """One row with the columns that the market is made of."""
    basic = {"season": "2425", "gameweek": week, "kickoff": START + pd.Timedelta(weeks=week - 1), "player": player}
    basic |= {"team": "ARS", "position": "MID", "value": 50, "selected": 100, "transfers_in": 0, "transfers_out": 0}
    return {**basic, "match_id": str(basic["kickoff"]), "minutes": 0, "defensive_contribution": None, **changed}


def market(*rows: dict[str, object], availability: pd.DataFrame | None = None) -> pd.DataFrame:
    table = pd.DataFrame(list(rows)).astype({"kickoff": "datetime64[us, UTC]", "defensive_contribution": "Int64"})
    return validate(PlayerMarket, player_market(table, availability)).set_index(["player", "gameweek"])


@some.composite
def weeks(draw: some.DrawFn) -> list[dict[str, object]]:
    counts = some.integers(0, 10_000)
    return [
        offer(
            week,
            player,
            value=draw(some.integers(35, 150)),
            selected=draw(counts),
            transfers_in=draw(counts),
            transfers_out=draw(counts),
            position=("GK", "DEF", "MID")[player % 3],
        )
        for week in range(1, draw(some.integers(2, 4)))
        for player in range(1, draw(some.integers(2, 5)))
    ]


@settings(max_examples=20, deadline=None)
@given(rows=weeks())
def test_a_later_gameweek_changes_no_row(rows) -> None:
    first = [row for row in rows if row["gameweek"] == 1]
    pd.testing.assert_frame_equal(market(*first), market(*rows).query("gameweek == 1"))


@settings(max_examples=20, deadline=None)
@given(rows=weeks(), times=some.integers(2, 50))
def test_a_game_with_more_managers_looks_the_same(rows, times) -> None:
    counted = ("selected", "transfers_in", "transfers_out")
    rows = [{**row, "selected": row["selected"] + 15} for row in rows]
    larger = [{**row, **{name: row[name] * times for name in counted}} for row in rows]
    pd.testing.assert_frame_equal(market(*larger), market(*rows), rtol=1e-9)


def test_every_row_of_a_gameweek_is_known_from_its_deadline() -> None:
    rows = market(offer(1, 1), offer(1, 2, kickoff=START + pd.Timedelta(days=2)))
    assert rows["event_time"].tolist() == [START - pd.Timedelta(minutes=90)] * 2


def test_ownership_and_transfers_are_shares_of_all_squads() -> None:
    rows = market(offer(1, 1, selected=1500, transfers_in=30, transfers_out=10), *(offer(1, p) for p in range(2, 17)))
    squads = (1500 + 15 * 100) / 15
    row = rows.loc[(1, 1)]
    assert row[["bought", "sold", "balance"]].tolist() == pytest.approx([30 / squads, 10 / squads, 0.75])
    assert row["net"] == pytest.approx(20 / squads)
    assert row["owned"] == 1.0, "no more than all squads"
    assert rows.loc[(2, 1)]["balance"] == 0.5, "nobody moved"


def test_changes_are_since_the_players_gameweek_before_also_over_a_blank_one() -> None:
    rows = market(offer(1, 1, value=50, transfers_in=15), offer(2, 2), offer(3, 1, value=52), offer(4, 1, value=51))
    assert rows.loc[1]["price_change"].tolist() == [0, 2, 1]
    assert rows.loc[1]["week_price_change"].tolist() == [0, 2, -1]
    assert rows.loc[(1, 3)]["last_net"] == rows.loc[(1, 1)]["net"] > 0


def test_a_new_season_starts_without_changes() -> None:
    later = offer(1, 1, value=70, season="2526", kickoff=START + pd.Timedelta(days=365))
    row = market(offer(38, 1, transfers_in=9), later).iloc[-1]
    assert (row["price_change"], row["week_price_change"], row["owned_change"], row["last_net"]) == (0, 0, 0, 0)


def test_ranks_are_among_club_and_position() -> None:
    dear, cheap = offer(1, 1, value=100, selected=300), offer(1, 2, value=60, selected=100)
    elsewhere, behind = offer(1, 3, value=120, team="LIV"), offer(1, 4, value=110, position="DEF")
    rows = market(dear, cheap, elsewhere, behind, offer(1, 5, team="LIV", position="GK", selected=9000))
    assert rows["price_rank"].tolist() == [1, 2, 1, 1, 1]
    assert rows["price_gap"].tolist() == [0, -40, 0, 0, 0]
    assert rows.loc[(1, 1)]["owned_share"] == pytest.approx(0.75)


def test_two_matches_in_a_gameweek_are_one_row_that_says_so() -> None:
    rows = market(offer(1, 1), offer(1, 1, kickoff=START + pd.Timedelta(days=3)), offer(1, 2))
    assert rows["matches"].to_dict() == {(1, 1): 2, (2, 1): 1}


def test_who_plays_for_two_clubs_in_a_gameweek_is_of_the_first_one() -> None:
    rivals = [offer(1, 2, team="LIV", value=90), offer(1, 3, value=40)]
    later = offer(1, 1, team="LIV", kickoff=START + pd.Timedelta(days=3))
    rows = market(later, offer(1, 1), *rivals, offer(2, 1, team="LIV", value=51))
    assert len(rows.loc[1]) == 2
    assert (rows.loc[(1, 1)]["price_gap"], rows.loc[(1, 1)]["matches"]) == (0, 2)
    assert rows.loc[1]["club_weeks"].tolist() == [0, 0]
    assert rows.loc[(1, 2)]["week_price_change"] == 1


def test_gameweeks_with_a_club_are_counted_and_start_again_with_another() -> None:
    clubs = ["ARS", "ARS", "LIV", "ARS"]
    assert market(*(offer(week + 1, 1, team=team) for week, team in enumerate(clubs)))["club_weeks"].tolist() == [
        0,
        1,
        0,
        0,
    ]


def defended(week: int, player: int, actions: int | None, **changed: object) -> dict[str, object]:
    return offer(week, player, season="2526", minutes=90, defensive_contribution=actions, **changed)


def test_points_for_defending_are_his_own_pulled_to_his_positions_by_what_was_before() -> None:
    rows = market(*(defended(week, 1, 12) for week in (1, 2, 3)), *(defended(week, 2, 11) for week in (1, 2, 3)))
    assert rows.loc[(1, 1)]["defensive_points"] == 0.0
    for week in (2, 3):
        played = week - 1
        rate = 2 * played / (2 * played + 100)
        assert rows.loc[(1, week)]["defensive_points"] == pytest.approx((2 * played + 6 * rate) / (played + 6))
        assert rows.loc[(2, week)]["defensive_points"] == pytest.approx(6 * rate / (played + 6))


def test_a_defender_needs_fewer_actions_and_before_25_26_nobody_got_points() -> None:
    backs = market(*(defended(week, 1, 10, position="DEF") for week in (1, 2)))
    assert backs.loc[(1, 2)]["defensive_points"] > 0
    old = market(*(offer(week, 1, minutes=90, defensive_contribution=20) for week in (1, 2)))
    assert (old["defensive_points"] == 0).all()


def test_the_last_flag_before_the_deadline_counts() -> None:
    seen = [START - pd.Timedelta(days=1), START - pd.Timedelta(hours=1), START + pd.Timedelta(days=6)]
    flags = pd.DataFrame({"season": "2425", "player": 1, "seen_at": seen, "chance": [25, 0, None]})
    flags = flags.astype({"chance": "Int64", "seen_at": "datetime64[us, UTC]"})
    rows = market(offer(1, 1), offer(2, 1), offer(1, 2), availability=flags)
    assert rows["flag"].to_dict() == {(1, 1): 3, (1, 2): 1, (2, 1): 0}


def test_who_changes_position_is_ranked_in_the_new_one_and_managers_are_left_out() -> None:
    rows = market(offer(1, 1), offer(2, 1, position="FWD"), offer(2, 2, value=90), offer(2, 3, position="MNG"))
    assert rows["price_rank"].tolist() == [1, 1, 1]


def test_the_bundled_history_has_a_price_before_every_match() -> None:
    appearances = Snapshot(REPOSITORY / "data").load(Appearances, ["2526"])
    rows = validate(PlayerMarket, player_market(appearances))
    joined = appearances.merge(rows, on=["season", "gameweek", "player"])
    assert len(joined) == len(appearances)
    assert (joined["event_time"] < joined["kickoff"]).all()
    assert rows.groupby("gameweek")["owned"].sum().between(12, 16).all()
