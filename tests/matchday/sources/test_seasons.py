"""What the adapters read of a whole season is the bundled history."""

from datetime import timedelta

import pandas as pd
import pytest

from matchday.sources import football_data_org, football_data_uk, fpl
from matchday.sources.collected import Collected
from matchday.tables import Availability, Matches, Players, Teams
from matchday.tables.observed import ObservedFixtures, ObservedOdds, ObservedPlayers, ObservedTeams
from tests.matchday.sources.conftest import SATURDAY, SEASON, Sources
from tests.services.upstream.bundled import SNAPSHOT, past_season, small_season

SEASONS = ("2526", "2122", "1920", "1718")
RESULT = ["match_id", "gameweek", "kickoff", "home", "away", "home_goals", "away_goals"]


def collect(sources: Sources, source: str, season: str = SEASON) -> Collected:
    if source == fpl.SOURCE:
        return fpl.collect(sources.fpl())
    if source == football_data_uk.SOURCE:
        return football_data_uk.collect(sources.uk(), season)
    return football_data_org.collect(sources.org(), season)


def results(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return rows.sort_values("match_id")[columns].reset_index(drop=True).astype({"home_goals": int, "away_goals": int})


@pytest.mark.parametrize("season", SEASONS)
@pytest.mark.parametrize("source", [fpl.SOURCE, football_data_uk.SOURCE, football_data_org.SOURCE])
def test_a_season_s_last_instant_gives_the_bundled_matches(sources: Sources, source: str, season: str) -> None:
    """The British file has no gameweeks, and before 19/20 no times: 15:00 of the day is taken."""
    sources.server.reset(small_season(season), small_season(season).end)
    collected = collect(sources, source, season)
    found, bundled = collected.tables[ObservedFixtures], SNAPSHOT.load(Matches, [season])
    columns = [column for column in RESULT if column != "gameweek" or source != football_data_uk.SOURCE]
    if source == football_data_uk.SOURCE and season < football_data_uk.TIMES_SINCE:
        columns.remove("kickoff")
        assert (found.sort_values("match_id")["kickoff"].dt.date.to_numpy() == _days(bundled)).all()
    pd.testing.assert_frame_equal(results(found, columns), results(bundled, columns), check_dtype=False)
    assert set(found["status"]) == {"finished"}
    assert collected.season == season
    assert not collected.refused


def _days(matches: pd.DataFrame) -> object:
    return matches.sort_values("match_id")["kickoff"].dt.date.to_numpy()


def test_teams_and_players_are_the_bundled_ones(sources: Sources) -> None:
    sources.server.now = past_season(SEASON).end
    tables = fpl.collect(sources.fpl()).tables
    teams, players = SNAPSHOT.load(Teams, [SEASON]), SNAPSHOT.load(Players, [SEASON])
    found = tables[ObservedTeams].sort_values("team")[["season", "team", "name"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, teams.sort_values("team").reset_index(drop=True), check_dtype=False)
    people = tables[ObservedPlayers].sort_values("player").reset_index(drop=True)
    columns = ["season", "player", "name", "web_name", "position", "team"]
    pd.testing.assert_frame_equal(people[columns], players[columns].reset_index(drop=True), check_dtype=False)


def test_prices_are_the_newest_ones_that_were_seen(sources: Sources) -> None:
    """Of players whose price the bundled history saw change since the last deadline."""
    friday = SATURDAY - timedelta(days=1)
    sources.server.now = friday
    players = fpl.collect(sources.fpl()).tables[ObservedPlayers].set_index("player")
    seen = SNAPSHOT.load(Availability)
    since = seen[(seen["seen_at"] > past_season(SEASON).deadlines[12]) & (seen["seen_at"] <= friday)]
    latest = since.sort_values("seen_at").drop_duplicates("player", keep="last").set_index("player")
    assert len(latest) > 50
    assert (players.loc[latest.index, "price"] == latest["price"]).all()
    assert (players.loc[latest.index, "chance"].fillna(-1) == latest["chance"].fillna(-1)).all()


@pytest.mark.parametrize("source", [fpl.SOURCE, football_data_org.SOURCE])
def test_matches_are_finished_live_or_scheduled_on_a_saturday(sources: Sources, source: str) -> None:
    found = collect(sources, source).tables[ObservedFixtures].set_index("match_id")
    bundled = SNAPSHOT.load(Matches, [SEASON]).set_index("match_id").loc[found.index]
    age = SATURDAY - bundled["kickoff"]
    live = (age >= timedelta(0)) & (age < timedelta(minutes=105))
    assert live.any()
    assert (found["status"] == "live").equals(live)
    assert (found["status"] == "scheduled").equals(age < timedelta(0))
    assert found.loc[age < timedelta(0), ["home_goals", "away_goals"]].isna().to_numpy().all()
    assert (found.loc[live, "home_goals"] <= bundled.loc[live, "home_goals"]).all()
    done = found["status"] == "finished"
    assert (found.loc[done, "home_goals"] == bundled.loc[done, "home_goals"]).all()


def test_the_coming_gameweek_is_the_one_whose_deadline_is_next(sources: Sources) -> None:
    past = past_season(SEASON)
    expected = [(past.start, 1), (past.deadlines[13], 14), (past.deadlines[38], None)]
    for now, gameweek in expected:
        sources.server.now = now
        players = fpl.collect(sources.fpl()).tables[ObservedPlayers]
        assert set(players["gameweek"].astype(object).where(players["gameweek"].notna(), None)) == {gameweek}


def test_odds_are_read_before_the_match_and_at_its_start(sources: Sources) -> None:
    tables = football_data_uk.collect(sources.uk(), SEASON).tables
    odds, played = tables[ObservedOdds], tables[ObservedFixtures]
    assert len(odds) == len(played) * 6
    assert set(odds["bookmaker"]) == {"bet365", "average", "highest"}
    assert (1 / odds["home"] + 1 / odds["draw"] + 1 / odds["away"]).between(1.04, 1.06).all()


def test_years_of_two_digits_are_of_this_century(sources: Sources) -> None:
    long = football_data_uk.collect(sources.uk(), SEASON).tables[ObservedFixtures]
    sources.server.short_years = True
    short = football_data_uk.collect(sources.uk(), SEASON).tables[ObservedFixtures]
    pd.testing.assert_series_equal(long["kickoff"], short["kickoff"])
    assert long["raw"].iloc[0] != short["raw"].iloc[0]


def test_every_row_says_when_it_was_known_and_from_which_answer(sources: Sources) -> None:
    collected = fpl.collect(sources.fpl())
    for rows in collected.tables.values():
        assert set(rows["known_at"]) == {pd.Timestamp(SATURDAY)}
        assert {sources.answers.body(digest)[:1] for digest in set(rows["raw"])} <= {b"{", b"["}
