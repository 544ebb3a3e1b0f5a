"""What a source may get wrong without its answer being broken: each has its rule."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from console.demo.upstream import football_data_org as organisation
from console.demo.upstream import football_data_uk as british
from console.demo.upstream import fpl as game
from matchday.sources import football_data_org, football_data_uk, fpl
from matchday.sources.rows import Refusal, RowReader
from matchday.sources.upstream import Received, SourceError
from matchday.tables.observed import ObservedFixtures
from tests.matchday.sources.conftest import SATURDAY, SEASON
from tests.services.upstream.bundled import small_season

Answer = dict[str, Any]


@pytest.fixture
def bootstrap() -> Answer:
    return game.bootstrap(small_season(SEASON), SATURDAY)


@pytest.fixture
def fixtures() -> list[Answer]:
    return game.fixtures(small_season(SEASON), SATURDAY)


@pytest.fixture
def matches() -> Answer:
    return organisation.matches(small_season(SEASON), SATURDAY)


@pytest.fixture
def start(receive: Callable[[bytes], Received]) -> Callable[[Answer], fpl.Bootstrap]:
    return lambda answer: fpl.read_bootstrap(receive(json.dumps(answer).encode()))


@pytest.fixture
def listed(
    receive: Callable[[bytes], Received], start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer
) -> Callable[[list[Answer]], RowReader]:
    return lambda answer: fpl.read_fixtures(receive(json.dumps(answer).encode()), start(bootstrap).season)[0]


@pytest.fixture
def witnessed(receive: Callable[[bytes], Received]) -> Callable[[Answer], RowReader]:
    return lambda answer: football_data_org.read_matches(receive(json.dumps(answer).encode()), SEASON)


def only(refused: list[Refusal]) -> Refusal:
    (refusal,) = refused
    return refusal


def test_of_379_listed_matches_all_go_in(listed: Callable[[list[Answer]], RowReader], fixtures: list[Answer]) -> None:
    """What was known of the other one stays; that a season is not whole is said of the tables, not of a row."""
    fixtures.pop(100)
    rows = listed(fixtures)
    assert len(rows.frame()) == 379
    assert not rows.refused


def test_of_the_second_witness_s_379_matches_all_go_in(
    witnessed: Callable[[Answer], RowReader], matches: Answer
) -> None:
    matches["matches"].pop(7)
    rows = witnessed(matches)
    assert len(rows.frame()) == 379
    assert not rows.refused


@pytest.mark.parametrize("left", [0, 1, 189])
def test_less_than_half_a_season_is_a_broken_answer(
    listed: Callable[[list[Answer]], RowReader],
    witnessed: Callable[[Answer], RowReader],
    fixtures: list[Answer],
    matches: Answer,
    left: int,
) -> None:
    with pytest.raises(SourceError, match=rf"^fpl: .* is not what it was: it has {left} of 380 matches$"):
        listed(fixtures[:left]).frame()
    with pytest.raises(SourceError, match=rf"^football_data_org: .* is not what it was: it has {left} of 380 matches$"):
        witnessed({"matches": matches["matches"][:left]}).frame()


def test_an_unknown_club_with_letters_of_its_own_is_taken_in_by_them(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer
) -> None:
    bootstrap["teams"][0] |= {"name": "Wrexham", "short_name": "WRE"}
    teams = start(bootstrap).teams
    assert ("WRE", "Wrexham") in set(teams.frame()[["team", "name"]].itertuples(index=False, name=None))
    assert not teams.refused


@pytest.mark.parametrize("short", ["LIV", "Wx", "", "WREX"])
def test_an_unknown_club_without_such_letters_is_refused_with_its_players_and_matches(
    start: Callable[[Answer], fpl.Bootstrap],
    receive: Callable[[bytes], Received],
    bootstrap: Answer,
    fixtures: list[Answer],
    short: str,
) -> None:
    bootstrap["teams"][0] |= {"name": "Wrexham", "short_name": short}
    found = start(bootstrap)
    assert len(found.teams.frame()) == 19
    assert only(found.teams.refused).reason == (
        f"is a club 'Wrexham' with the short name {short!r}, which is no code for a new club"
    )
    players = found.players.frame()
    assert len(players) + len(found.players.refused) == len(bootstrap["elements"])
    assert {one.reason for one in found.players.refused} == {"names team 1, which is none of the season's clubs"}
    rows, _ = fpl.read_fixtures(receive(json.dumps(fixtures).encode()), found.season)
    assert len(rows.frame()) == 19 * 18
    assert len(rows.refused) == 38


def test_an_unknown_club_of_the_other_sources_is_refused_by_name(
    witnessed: Callable[[Answer], RowReader], matches: Answer, receive: Callable[[bytes], Received]
) -> None:
    matches["matches"][0]["homeTeam"]["name"] = "Wrexham AFC"
    rows = witnessed(matches)
    assert len(rows.frame()) == 379
    assert rows.refused[0].reason == "names a club 'Wrexham', which is not known here"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code": None}, "has code None, which is no number"),
        ({"code": ""}, "has code '', which is no number"),
        ({"code": 0}, "breaks a rule: player greater_than(0)"),
        ({"code": -5}, "breaks a rule: player greater_than(0)"),
        ({"team": 99}, "names team 99, which is none of the season's clubs"),
        ({"element_type": 9}, "has the element_type 9, which is no position"),
        ({"now_cost": "cheap"}, "has now_cost 'cheap', which is no number"),
        ({"now_cost": 0}, "breaks a rule: price greater_than_or_equal_to(1)"),
        ({"selected_by_percent": "nan"}, "has selected_by_percent 'nan', which is no number"),
        ({"chance_of_playing_next_round": 33}, "breaks a rule: chance isin([0, 25, 50, 75, 100])"),
        ({"web_name": "\ud800"}, "has web_name '\\ud800', which is no whole text"),
    ],
)
def test_a_player_with_a_wrong_value_is_refused_and_the_others_go_in(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer, change: Answer, reason: str
) -> None:
    bootstrap["elements"][3] |= change
    players = start(bootstrap).players
    assert len(players.frame()) == len(bootstrap["elements"]) - 1
    assert only(players.refused).reason == reason


def test_a_player_without_a_code_is_refused(start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer) -> None:
    del bootstrap["elements"][3]["code"]
    players = start(bootstrap).players
    assert len(players.frame()) == len(bootstrap["elements"]) - 1
    assert only(players.refused).reason == "has no code"


def test_of_two_players_with_one_code_the_first_stays(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer
) -> None:
    bootstrap["elements"][4]["code"] = bootstrap["elements"][3]["code"]
    players = start(bootstrap).players
    assert len(players.frame()) == len(bootstrap["elements"]) - 1
    assert only(players.refused).reason == "breaks a rule: the key is unique"


@pytest.mark.parametrize("days", [0, 2, -2])
def test_of_a_gameweek_that_is_listed_twice_the_earlier_deadline_holds(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer, days: int
) -> None:
    """A second gameweek 14, whose deadline has passed already by the earlier one."""
    deadline = small_season(SEASON).deadlines[14] + timedelta(days=2 * days)
    bootstrap["events"].append(bootstrap["events"][13] | {"deadline_time": game.iso(deadline)})
    found = start(bootstrap)
    refusal = only(list(found.refused))
    assert refusal.table == "gameweeks"
    assert refusal.reason == "is gameweek 14, which is listed twice: the earlier deadline holds"
    assert found.season.gameweek == (15 if days < 0 else 14)


@pytest.mark.parametrize("change", [{"id": 39}, {"id": "x"}, {"deadline_time": None}, {"deadline_time": "2025-12-02"}])
def test_a_gameweek_that_cannot_be_one_is_refused(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer, change: Answer
) -> None:
    bootstrap["events"][20] |= change
    found = start(bootstrap)
    assert len(found.refused) == 1
    assert found.season.gameweek == 14


@pytest.mark.parametrize(
    ("events", "reason"),
    [([], "it has no gameweek$"), ([{"id": 1}], "it has no gameweek: the first has no deadline_time$")],
)
def test_a_season_without_gameweeks_is_a_broken_answer(
    start: Callable[[Answer], fpl.Bootstrap], bootstrap: Answer, events: list[Answer], reason: str
) -> None:
    with pytest.raises(SourceError, match=rf"^fpl: .* is not what it was: {reason}"):
        start(bootstrap | {"events": events})


def test_a_match_that_is_listed_twice_stays_as_it_was_listed_first(
    listed: Callable[[list[Answer]], RowReader], fixtures: list[Answer]
) -> None:
    rows = listed([*fixtures, fixtures[5] | {"event": 38}])
    assert len(rows.frame()) == 380
    assert only(rows.refused).reason == "breaks a rule: the key is unique"


def test_a_match_without_kick_off_is_postponed(
    listed: Callable[[list[Answer]], RowReader], fixtures: list[Answer]
) -> None:
    fixtures[379] |= {"kickoff_time": None, "event": None, "started": None}
    rows = listed(fixtures)
    last = rows.frame().iloc[379]
    assert last["status"] == "postponed"
    assert last[["kickoff", "gameweek", "home_goals", "away_goals"]].isna().all()
    assert not rows.refused


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kickoff_time": None}, "has begun and has no kickoff_time"),
        ({"kickoff_time": "2025-08-15T19:00:00"}, "has kickoff_time '2025-08-15T19:00:00', which names no time zone"),
        ({"team_h_score": None}, "breaks a rule: a match that has ended has a result"),
        ({"team_h_score": "two"}, "has team_h_score 'two', which is no number"),
        ({"team_h_score": -1}, "breaks a rule: home_goals greater_than_or_equal_to(0)"),
        ({"event": 39}, "breaks a rule: gameweek less_than_or_equal_to(38)"),
        ({"team_h": 99}, "names team 99, which is none of the season's clubs"),
        ({"started": "yes"}, "has started 'yes', which is neither true nor false"),
    ],
)
def test_a_played_match_with_a_wrong_value_is_refused(
    listed: Callable[[list[Answer]], RowReader], fixtures: list[Answer], change: Answer, reason: str
) -> None:
    fixtures[0] |= change
    rows = listed(fixtures)
    assert len(rows.frame()) == 379
    assert only(rows.refused).reason == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "ON_FIRE"}, "has the unknown status ON_FIRE"),
        ({"utcDate": None}, "has begun and has no utcDate"),
        ({"score": {"fullTime": None}}, "has fullTime None, which is no object"),
        ({"score": None}, "has score None, which is no object"),
        ({"matchday": "first"}, "has matchday 'first', which is no number"),
        ({"homeTeam": {}}, "has no name"),
    ],
)
def test_a_match_of_the_second_witness_with_a_wrong_value_is_refused(
    witnessed: Callable[[Answer], RowReader], matches: Answer, change: Answer, reason: str
) -> None:
    matches["matches"][0] |= change
    rows = witnessed(matches)
    assert len(rows.frame()) == 379
    assert rows.refused[0].reason == reason


def test_a_postponed_match_of_the_second_witness_has_no_kick_off(
    witnessed: Callable[[Answer], RowReader], matches: Answer
) -> None:
    """There it keeps its former date."""
    matches["matches"][379]["status"] = "POSTPONED"
    last = witnessed(matches).frame().iloc[379]
    assert last["status"] == "postponed"
    assert pd.isna(last["kickoff"])


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("15/08/2025", "32/08/2025", "has the date '32/08/2025', which is no day"),
        ("15/08/2025", "", "has the date '', which is no day"),
        (",20:00,Liverpool", ",,Liverpool", "has the time '', which is no time of day"),
        ("Liverpool,Bournemouth,4,2", "Liverpool,Bournemouth,,", "has FTHG '', which is no number"),
        ("Liverpool,Bournemouth", "Barcelona,Bournemouth", "names a club 'Barcelona', which is not known here"),
    ],
)
def test_a_line_of_the_file_with_a_wrong_cell_is_refused(
    receive: Callable[[bytes], Received], before: str, after: str, reason: str
) -> None:
    file = british.file(small_season(SEASON), SATURDAY)
    changed = file.replace(before.encode(), after.encode(), 1)
    assert changed != file
    rows = RowReader(ObservedFixtures, "football_data_uk", SEASON, receive(changed))
    for line in football_data_uk.read_lines(receive(changed), SEASON):
        rows.add(line, lambda row: football_data_uk._result(row, SEASON))
    assert len(rows.frame()) == file.count(b"\r\n") - 2
    assert only(rows.refused).reason == reason


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"Div,Date\r\n", b"\x00", b'"' + b"x" * 200_000], ids=range(5))
def test_what_is_no_file_of_results_is_one_sentence(receive: Callable[[bytes], Received], body: bytes) -> None:
    with pytest.raises(SourceError, match=r"^football_data_uk: http://\S+ is no file of results: [^\n]+$"):
        football_data_uk.read_lines(receive(body), SEASON)


def test_empty_lines_and_nameless_cells_of_the_file_are_nothing(receive: Callable[[bytes], Received]) -> None:
    file = british.file(small_season(SEASON), SATURDAY)
    lines = football_data_uk.read_lines(receive(file + b",,,,,,,\r\n\r\n"), SEASON)
    assert len(lines) == file.count(b"\r\n") - 1
    assert "" not in lines[0]
