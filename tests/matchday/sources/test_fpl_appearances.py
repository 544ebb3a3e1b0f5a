"""Appearances of finished gameweeks, read from the fantasy game, are the bundled ones."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from console.demo.upstream import fpl as game
from matchday.sources import fpl, fpl_appearances
from matchday.sources.collected import Collected
from matchday.sources.fpl_appearances import MARKET, AppearanceReader
from matchday.sources.upstream import Received, SourceError
from matchday.tables import Appearances, columns
from matchday.tables.observed_appearances import ObservedAppearances
from tests.matchday.sources.conftest import SATURDAY, SEASON, Sources
from tests.services.upstream.bundled import SNAPSHOT, past_season, small_season

SPRING = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID_ELSEWHERE = {"name", "kickoff", "opponent", "home", "position"}
"""Columns of Appearances that players and fixtures say, not these answers."""

SHARED = [column for column in columns(Appearances) if column not in SAID_ELSEWHERE]


def collect(sources: Sources, wanted: list[str]) -> Collected:
    upstream = sources.fpl()
    return fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1], wanted)


def matches(gameweek: int, season: str = SEASON) -> list[str]:
    return [match.match_id for match in past_season(season).matches if match.gameweek == gameweek]


def ordered(rows: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> pd.DataFrame:
    wanted = [column for column in SHARED if column not in leave_out]
    return rows.sort_values(["match_id", "player"])[wanted].reset_index(drop=True)


def bundled(wanted: list[str], season: str = SEASON) -> pd.DataFrame:
    rows = SNAPSHOT.load(Appearances, [season])
    return rows[rows["match_id"].isin(wanted)]


def equal(found: pd.DataFrame, expected: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> None:
    pd.testing.assert_frame_equal(ordered(found, leave_out), ordered(expected, leave_out), check_dtype=False)


def summaries(sources: Sources) -> int:
    return sum("/element-summary/" in request.path for request in sources.server.requests)


def test_a_gameweek_of_single_matches_is_one_request(sources: Sources) -> None:
    """The live answer lacks what was so at the deadline: value, selected, transfers in and out."""
    collected = collect(sources, matches(12))
    found = collected.tables[ObservedAppearances]
    equal(found, bundled(matches(12)), leave_out=MARKET)
    assert found[list(MARKET)].isna().to_numpy().all()
    assert not collected.refused
    assert [request.path for request in sources.server.requests][2:] == ["/api/event/12/live/"]
    assert summaries(sources) == 0


def test_players_with_two_matches_in_a_gameweek_are_read_match_by_match(sources: Sources) -> None:
    """Their rows say too what was so at the deadline."""
    sources.server.now = SPRING
    found = collect(sources, matches(26)).tables[ObservedAppearances]
    equal(found, bundled(matches(26)), leave_out=MARKET)
    double = found[found["team"].isin(["ARS", "WOL"])]
    expected = bundled(matches(26))
    equal(double, expected[expected["team"].isin(["ARS", "WOL"])])
    assert summaries(sources) == double["player"].nunique()
    assert found.loc[~found["team"].isin(["ARS", "WOL"]), "value"].isna().all()


def test_a_player_who_has_changed_his_club_is_read_with_the_club_he_had(sources: Sources) -> None:
    """Antoine Semenyo played at Manchester City for Bournemouth in November, and for them from January."""
    sources.server.now = SPRING
    wanted = [f"{SEASON}-MCI-BOU"]
    found = collect(sources, wanted).tables[ObservedAppearances]
    equal(found, bundled(wanted), leave_out=MARKET)
    assert summaries(sources) >= 1


def test_a_match_whose_bonus_is_not_known_yet_waits(sources: Sources) -> None:
    (early,) = [m for m in past_season(SEASON).matches if m.match_id == f"{SEASON}-BRE-BUR"]
    for minutes, rows in ((-1, False), (50, False), (120, False), (241, True)):
        sources.server.now = early.kickoff + timedelta(minutes=minutes)
        collected = collect(sources, [early.match_id])
        assert bool(collected.tables) is rows
        assert collected.fresh is rows
    equal(collected.tables[ObservedAppearances], bundled([early.match_id]), leave_out=MARKET)


def test_what_is_known_of_two_matches_is_not_asked_for_again_and_given_once(sources: Sources) -> None:
    """MCI play twice in gameweeks 33 and 36: who is asked for because of the second is known of the first."""
    past = small_season(SEASON)
    sources.server.reset(past, past.end)
    former = collect(sources, matches(33)).tables[ObservedAppearances]
    assert summaries(sources) > 0
    sources.server.requests.clear()
    upstream = sources.fpl()
    again = fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1], matches(33), former)
    pd.testing.assert_frame_equal(ordered(again.tables[ObservedAppearances]), ordered(former))
    assert summaries(sources) == 0
    wanted = [*matches(33), *matches(36)]
    found = fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1], wanted, former)
    rows = found.tables[ObservedAppearances]
    assert not rows.duplicated(["match_id", "player"]).any()
    served = {player.code for player in past.players}
    expected = bundled(wanted)
    equal(rows, expected[expected["player"].isin(served)], leave_out=MARKET)


def test_a_total_that_the_known_rows_do_not_make_is_asked_for(sources: Sources) -> None:
    past = small_season(SEASON)
    sources.server.reset(past, past.end)
    former = collect(sources, matches(26)).tables[ObservedAppearances]
    double = former[former["team"].isin(["ARS", "WOL"])]
    wrong = former.assign(bps=former["bps"] + former["player"].eq(double["player"].iloc[0]))
    sources.server.requests.clear()
    upstream = sources.fpl()
    again = fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1], matches(26), wrong)
    assert summaries(sources) == 1
    pd.testing.assert_frame_equal(ordered(again.tables[ObservedAppearances]), ordered(former))


def test_without_a_wanted_match_nothing_is_asked(sources: Sources) -> None:
    assert not collect(sources, []).tables
    assert len(sources.server.requests) == 2


def test_a_whole_season_read_at_its_end_is_the_bundled_one(sources: Sources) -> None:
    """Of the players of the small season, with all who changed their club; value to transfers only in summaries."""
    past = small_season(SEASON)
    sources.server.reset(past, past.end)
    upstream = sources.fpl()
    found = fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1]).tables[ObservedAppearances]
    rows = SNAPSHOT.load(Appearances, [SEASON])
    expected = rows[rows["player"].isin([player.code for player in past.players])]
    assert len(found) > 2000
    equal(found, expected, leave_out=MARKET)
    known = found[found["value"].notna()]
    both = known.merge(expected, on=["match_id", "player"], suffixes=("", "_then"))
    assert len(both) == len(known) > 100
    assert all((both[column] == both[f"{column}_then"]).all() for column in MARKET)


@pytest.mark.parametrize(("season", "gameweek"), [("1718", 3), ("2122", 5), ("2425", 2)])
def test_older_seasons_have_fewer_statistics(sources: Sources, season: str, gameweek: int) -> None:
    sources.server.reset(past_season(season), past_season(season).deadlines[gameweek + 1])
    collected = collect(sources, matches(gameweek, season))
    equal(collected.tables[ObservedAppearances], bundled(matches(gameweek, season), season), leave_out=MARKET)
    assert not collected.refused


Live = dict[str, Any]


class Answers:
    """Answers of a small season in spring that a test may change before they are read."""

    def __init__(self, receive: Callable[[bytes], Received]) -> None:
        self._receive, self._season = receive, small_season(SEASON)
        start = fpl.read_bootstrap(self.received(game.bootstrap(self._season, SPRING)))
        _, listed = fpl.read_fixtures(self.received(game.fixtures(self._season, SPRING)), start.season)
        self.listing = fpl.Listing(start.season, start.people, listed)
        self.live: Live = game.live(self._season, 12, SPRING)

    def received(self, answer: object) -> Received:
        return self._receive(json.dumps(answer).encode())

    def reader(self) -> AppearanceReader:
        return AppearanceReader(self.listing, matches(12))

    def summary(self, number: int) -> Live:
        found = game.element_summary(self._season, number, SPRING)
        assert found is not None
        return found

    def first(self) -> Live:
        """A player of the live answer who is told by it."""
        reader = self.reader()
        reader.read_live(self.received(self.live))
        told = {one["id"] for one in self.live["elements"] if one["explain"]} - reader.untold
        return next(one for one in self.live["elements"] if one["id"] in told)


@pytest.fixture
def answers(receive: Callable[[bytes], Received]) -> Answers:
    return Answers(receive)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stats": None}, r"has stats None, which is no object"),
        ({"explain": None}, r"has explain None, which is no list"),
        ({"explain": [{"fixture": 999}]}, r"names match 999, which the season's list does not have"),
        ({"explain": [{}]}, r"has no fixture"),
        ({"id": 9999}, r"names player 9999, who is not in the list of players"),
        ({"stats": {"minutes": 90}}, r"has no total_points"),
    ],
)
def test_a_player_s_total_with_a_wrong_value_is_refused(answers: Answers, change: Live, reason: str) -> None:
    reader = answers.reader()
    reader.read_live(answers.received(answers.live))
    before = len(reader.frame())
    answers.first().update(change)
    reader = answers.reader()
    reader.read_live(answers.received(answers.live))
    assert len(reader.frame()) == before - 1
    assert [re.fullmatch(reason, refusal.reason) is not None for refusal in reader.refused] == [True]


@pytest.mark.parametrize("name", ["expected_goals", "starts", "defensive_contribution", "influence", "bps"])
def test_a_statistic_that_changes_its_name_breaks_the_answer(answers: Answers, name: str) -> None:
    for one in answers.live["elements"]:
        one["stats"][f"{name}_new"] = one["stats"].pop(name)
    with pytest.raises(
        SourceError, match=rf"rows of observed_appearances cannot be taken in, .* because it has no {name}$"
    ):
        answers.reader().read_live(answers.received(answers.live))


def test_a_total_that_cannot_be_of_one_match_is_refused(answers: Answers) -> None:
    answers.first()["stats"] |= {"minutes": 180}
    reader = answers.reader()
    reader.read_live(answers.received(answers.live))
    reader.frame()
    assert [refusal.reason for refusal in reader.refused] == ["breaks a rule: minutes less_than_or_equal_to(130)"]


def test_a_summary_that_contradicts_the_list_of_matches_is_refused(answers: Answers) -> None:
    player = answers.first()["id"]
    summary = answers.summary(player)
    summary["history"][11]["opponent_team"] = 1 + summary["history"][11]["opponent_team"] % 20
    reader = answers.reader()
    with pytest.raises(SourceError, match=r"because it names another opponent than 2526-\w+-\w+ has$"):
        reader.read_summary(answers.received(summary), player)


@pytest.mark.parametrize("body", ["[]", "{}", '{"elements": 1, "history": 1}', "null", "1"])
def test_what_is_no_answer_is_one_sentence(answers: Answers, receive: Callable[[bytes], Received], body: str) -> None:
    received = receive(body.encode())
    with pytest.raises(SourceError, match=r"^fpl: \S+ is not what it was: it (has|is) [^\n]+$"):
        answers.reader().read_live(received)
    with pytest.raises(SourceError, match=r"^fpl: \S+ is not what it was: it (has|is) [^\n]+$"):
        answers.reader().read_summary(received, answers.first()["id"])


def test_rows_of_one_update_are_known_since_their_own_answer(sources: Sources) -> None:
    collect(sources, matches(12))
    sources.server.now = SATURDAY + timedelta(days=3)
    found = collect(sources, [*matches(12), *matches(13)]).tables[ObservedAppearances]
    known = found.groupby("gameweek")["known_at"].unique()
    assert known[12].tolist() == [pd.Timestamp(SATURDAY)]
    assert known[13].tolist() == [pd.Timestamp(sources.server.now)]
