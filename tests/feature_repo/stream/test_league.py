"""A season's league gives the batch path's rows, whatever order facts are taken in, and only what changed is told."""

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.stream import past
from feature_repo.stream.facts import RESULT, Fact, highest, make_fact
from feature_repo.stream.league import NEVER, SeasonLeague
from feature_repo.stream.past import Base, Past
from matchday.events import PLAYER_STATS
from matchday.lake import Lake
from matchday.ratings.xg import XG_PUBLISHED, with_xg
from matchday.stream.messages import match_events
from matchday.tables import Appearances, Matches, Teams
from tests import league as real_league
from tests.feature_repo.stream import small, world
from tests.feature_repo.stream.small import BEFORE, PAST, SEASON

COUNT = 14


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Past(small.make_place(tmp_path_factory.mktemp("base")).lake).base(SEASON, {})


class Store:
    """Facts of one season as a store keeps them: every put gives all facts of the matches that it changed."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}

    def put(self, facts: list[Fact]) -> dict[str, dict[str, bytes]]:
        changed = set()
        for fact in highest(facts):
            known = self.facts.get((fact.match, fact.subject))
            if known is None or fact.rank > known.rank:
                self.facts[fact.match, fact.subject] = fact
                changed.add(fact.match)
        found: dict[str, dict[str, bytes]] = {match: {} for match in changed}
        for (match, subject), fact in self.facts.items():
            if match in changed:
                found[match][subject] = fact.stored
        return found


def fact(said: small.Said) -> Fact:
    return make_fact(said[1].data, datetime.fromisoformat(said[1].time).timestamp())


def tables(league: SeasonLeague) -> dict[str, pd.DataFrame]:
    """All rows that a league makes known, as the batch path gives them."""
    known = list(league.known())
    assert [rows.at for rows in known] == sorted(rows.at for rows in known)
    made = {
        view: pd.DataFrame([row for rows in known for row in rows.tables[place]])
        for place, view in enumerate(world.COLUMNS)
    }
    return {view: rows.sort_values(["event_time", "team"], ignore_index=True) for view, rows in made.items()}


def check(league: SeasonLeague, expected: dict[str, pd.DataFrame]) -> None:
    for view, rows in tables(league).items():
        world.assert_same(rows, expected[view])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_order_of_taking_gives_the_batch_rows(base: Base, seed: int) -> None:
    """With first revisions that are wrong, moved kick-offs among them, and with what is known told in between."""
    chance = random.Random(seed)
    facts: list[Fact] = []
    for topic, event in small.events(SEASON, COUNT):
        facts.append(fact((topic, event)))
        if chance.random() < 0.1:
            wrong: dict[str, Any] = {"xg": 2.0}
            if topic is not PLAYER_STATS:
                days = chance.choice(["16", "18", "24", "29"])
                wrong = {"home_goals": 9, "kickoff": f"2024-08-{days}T12:30:00.000Z"}
            facts.append(fact(small.correct((topic, event), 0, **wrong)))
    chance.shuffle(facts)
    league, store = SeasonLeague(SEASON, base), Store()
    while facts:
        size = chance.randint(1, 150)
        league.take(store.put(facts[:size]))
        facts = facts[size:]
        if chance.random() < 0.5:
            list(league.known())
    check(league, small.batch_of(COUNT))


def played(count: int = COUNT) -> tuple[list[small.Said], pd.DataFrame, pd.DataFrame]:
    """The season's events, and the input of the batch path."""
    rows = pd.concat([small.matches(PAST, BEFORE), small.matches(SEASON, count)], ignore_index=True)
    seen = pd.concat([small.appearances(PAST, BEFORE), small.appearances(SEASON, count)], ignore_index=True)
    return list(small.events(SEASON, count)), rows, seen


def test_a_correction_of_an_early_match_changes_its_day_and_those_behind(base: Base) -> None:
    said, rows, seen = played()
    league, store = SeasonLeague(SEASON, base), Store()
    first = small.matches(SEASON, COUNT)["kickoff"].dt.date
    assert league.take(store.put([*map(fact, said)])) == first.min()
    match = small.matches(SEASON, COUNT)["match_id"][3]
    corrected = small.correct(small.result_of(said, match), 2, away_goals=6)
    since = league.take(store.put([fact(corrected)]))
    assert since == first[3] > first.min()
    rows.loc[rows["match_id"] == match, "away_goals"] = 6
    expected = small.batch(rows, seen)
    check(league, expected)
    told, everything = list(league.known(since)), list(league.known())
    assert 0 < len(told) < len(everything)
    assert told == everything[-len(told) :]
    assert all(rows.at.date() <= since and not rows.tables[0] for rows in everything[-len(told) - 1 : -len(told)])


@pytest.mark.parametrize("day", ["2024-08-16", "2024-08-26", "2024-12-01"], ids=["to before", "to after", "to the end"])
def test_a_kick_off_that_moved_moves_the_match(base: Base, day: str) -> None:
    said, rows, seen = played()
    league, store = SeasonLeague(SEASON, base), Store()
    league.take(store.put([*map(fact, said)]))
    list(league.known())
    match = small.matches(SEASON, COUNT)["match_id"][5]
    league.take(store.put([fact(small.correct(small.result_of(said, match), 2, kickoff=f"{day}T13:00:00Z"))]))
    rows.loc[rows["match_id"] == match, "kickoff"] = pd.Timestamp(f"{day}T13:00:00Z")
    check(league, small.batch(rows, seen))


def test_statistics_without_a_result_make_nothing_known(base: Base) -> None:
    said, _, _ = played()
    league, store = SeasonLeague(SEASON, base), Store()
    statistics = [one for one in said if one[0] is PLAYER_STATS]
    assert league.take(store.put([*map(fact, statistics)])) is None
    assert [rows.at for rows in league.known()] == [base.opening.at]
    league.take(store.put([fact(one) for one in said if one not in statistics]))
    check(league, small.batch_of(COUNT))


def test_a_result_counts_before_its_statistics_are_there(base: Base) -> None:
    said, rows, seen = played()
    league, store = SeasonLeague(SEASON, base), Store()
    match = small.matches(SEASON, COUNT)["match_id"][4]
    late = [one for one in said if one[0] is PLAYER_STATS and one[1].data["match"] == match]
    league.take(store.put([fact(one) for one in said if one not in late]))
    check(league, small.batch(rows, seen[seen["match_id"] != match]))
    league.take(store.put([fact(one) for one in late]))
    check(league, small.batch_of(COUNT))


def test_a_withdrawn_result_takes_its_match_away(base: Base) -> None:
    said, _, _ = played()
    league, store = SeasonLeague(SEASON, base), Store()
    league.take(store.put([*map(fact, said)]))
    match, day = small.matches(SEASON, COUNT)["match_id"][COUNT - 1], small.matches(SEASON, COUNT)["kickoff"][COUNT - 1]
    gone = small.correct(small.result_of(said, match), 2, home_goals=None, away_goals=None)
    assert league.take(store.put([fact(gone)])) == day.date()
    check(league, small.batch_of(COUNT - 1))
    assert league.take(store.put([fact(small.correct(gone, 3))])) is None
    back = small.correct(small.result_of(said, match), 4)
    league.take(store.put([fact(back)]))
    check(league, small.batch_of(COUNT))


def test_what_says_the_same_again_changes_nothing(base: Base) -> None:
    said, _, _ = played()
    league, store = SeasonLeague(SEASON, base), Store()
    league.take(store.put([*map(fact, said)]))
    list(league.known())
    again = [fact(small.correct(one, 5)) for one in said]
    assert league.take(store.put(again)) is None
    assert store.facts[said[-1][1].data["match"], RESULT].rank == again[-1].rank
    assert len(list(league.known(NEVER))) > 1


def test_expected_goals_and_what_stands_in_for_them_stay_apart(tmp_path: Path) -> None:
    """In 2022/23 the game's own came out at Christmas; matches before it take what 2021/22 says of them."""
    before, season = "2122", "2223"
    teams = real_league.some(Teams, [before, season])
    former, whole = small.matches(before, 40), small.matches(season, 380)
    published = whole["kickoff"] >= XG_PUBLISHED
    now = pd.concat([whole[~published].head(8), whole[published].head(8)], ignore_index=True)
    there = real_league.some(Appearances, [before, season])
    seen_past, seen_now = (there[there["match_id"].isin(rows["match_id"])] for rows in (former, now))
    lake = Lake(str(tmp_path / "lake"))
    for table, rows in ((Matches, former), (Appearances, seen_past), (Teams, teams)):
        lake.write(table, rows.reset_index(drop=True))
    made, store = SeasonLeague(season, Past(str(tmp_path / "lake")).base(season, {})), Store()
    made.take(store.put([fact(one) for one in match_events(now, seen_now, "/test", 1)]))
    expected = world.tables_of(pd.concat([former, now]), pd.concat([seen_past, seen_now]), teams, season)
    check(made, expected)
    own = with_xg(pd.concat([former, now]), pd.concat([seen_past, seen_now])).query("season == @season")
    assert own["home_xg"].notna().all()
    assert own["home_own_xg"].notna().tolist() == [False] * 8 + [True] * 8


def test_a_table_that_a_release_adds_makes_what_was_streamed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small.make_place(tmp_path)
    monkeypatch.setattr(past, "TEAM_TABLES", past.TEAM_TABLES[:2])
    former = Past(place.lake).base_fingerprint(SEASON, without=[])
    monkeypatch.undo()
    assert Past(place.lake).base_fingerprint(SEASON, without=[]) != former
