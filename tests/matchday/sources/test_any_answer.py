"""Whatever stands in an answer, a reader gives rows that keep their table, or one sentence."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.demo.upstream import football_data_org as organisation
from console.demo.upstream import football_data_uk as british
from console.demo.upstream import fpl as game
from matchday.sources import football_data_org, football_data_uk, fpl
from matchday.sources.fpl_appearances import AppearanceReader
from matchday.sources.raw import RawAnswer
from matchday.sources.rows import RowReader
from matchday.sources.upstream import Received, SourceError
from matchday.tables import validate
from matchday.tables.observed import ObservedFixtures, ObservedPlayers, ObservedTeams
from matchday.tables.observed_appearances import ObservedAppearances
from tests.matchday.sources.conftest import SATURDAY, SEASON
from tests.services.upstream.bundled import small_season

STRANGE = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        10**30,
        1.5,
        float("nan"),
        float("inf"),
        "",
        "x",
        "\ud800",
        "9" * 5000,
        [],
        {},
        [[]],
        "ARS",
    ]
)
SETTINGS = settings(max_examples=60)
Receive = Callable[[bytes], Received]


@cache
def whole_bootstrap() -> Any:
    return game.bootstrap(small_season(SEASON), SATURDAY)


@cache
def fixtures() -> Any:
    found = game.fixtures(small_season(SEASON), SATURDAY)
    return [{key: value for key, value in one.items() if key != "stats"} for one in found]


@cache
def witness() -> Any:
    return organisation.matches(small_season(SEASON), SATURDAY)


@cache
def british_file() -> bytes:
    return british.file(small_season(SEASON), SATURDAY)[:1500]


@cache
def what_players_did(summary: bool) -> Any:
    """Of two matches of a player, or of three players in a gameweek."""
    past = small_season(SEASON)
    if not summary:
        return {"elements": game.live(past, 12, SATURDAY)["elements"][:3]}
    answer = game.element_summary(past, 1, SATURDAY)
    assert answer is not None
    return {**answer, "history": answer["history"][:2]}


@cache
def list_season() -> fpl.Listing:
    def received(answer: Any) -> Received:
        return Received(body(answer), RawAnswer("http://source.example", "0" * 64, SATURDAY.isoformat()), fresh=True)

    start = fpl.read_bootstrap(received(whole_bootstrap()))
    _, listed = fpl.read_fixtures(received(game.fixtures(small_season(SEASON), SATURDAY)), start.season)
    return fpl.Listing(start.season, start.people, listed)


def bootstrap() -> Any:
    found = whole_bootstrap()
    parts = {"events": found["events"][:2], "teams": found["teams"], "elements": found["elements"][:3]}
    return copy.deepcopy(parts)


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within an answer."""
    yield at
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from places(node[key], (*at, key))


def put(answer: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    node = answer
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = value
    return answer


def sentence(read: Callable[[], None]) -> None:
    """Run a reader; what it may raise is one sentence."""
    try:
        read()
    except SourceError as failed:
        message = str(failed)
    else:
        return
    assert "\n" not in message
    assert message.encode()


def body(answer: Any) -> bytes:
    return json.dumps(answer).encode()


@SETTINGS
@given(data=st.data())
def test_any_value_in_the_game_s_first_answer(receive: Receive, data: st.DataObject) -> None:
    answer = bootstrap()
    changed = put(answer, data.draw(st.sampled_from(list(places(answer)))), data.draw(STRANGE))

    def read() -> None:
        found = fpl.read_bootstrap(receive(body(changed)))
        validate(ObservedTeams, found.teams.frame())
        validate(ObservedPlayers, found.players.frame())

    sentence(read)


@SETTINGS
@given(data=st.data())
def test_any_value_in_the_game_s_fixtures(receive: Receive, data: st.DataObject) -> None:
    """Of two matches; the others stay as they are, as less than half a season is no answer."""
    season = list_season().season
    whole = fixtures()
    answer = copy.deepcopy(whole[:2])

    def read_rows(changed: Any, season: fpl.ListedSeason) -> pd.DataFrame:
        return fpl.read_fixtures(
            receive(body([*changed, *whole[2:]] if isinstance(changed, list) else changed)), season
        )[0].frame()

    changed = put(answer, data.draw(st.sampled_from(list(places(answer)))), data.draw(STRANGE))
    sentence(lambda: validate(ObservedFixtures, read_rows(changed, season)))


@SETTINGS
@given(data=st.data())
def test_any_value_in_the_second_witness_s_matches(receive: Receive, data: st.DataObject) -> None:
    answer = {**witness(), "matches": [*copy.deepcopy(witness()["matches"][:2]), *witness()["matches"][2:]]}
    inside = [("matches", number, *at) for number in range(2) for at in places(answer["matches"][number])]
    changed = put(answer, data.draw(st.sampled_from([(), ("matches",), *inside])), data.draw(STRANGE))
    sentence(lambda: validate(ObservedFixtures, football_data_org.read_matches(receive(body(changed)), SEASON).frame()))


@SETTINGS
@given(data=st.data())
@pytest.mark.parametrize("summary", [False, True], ids=["live", "summary"])
def test_any_value_in_what_players_did(receive: Receive, summary: bool, data: st.DataObject) -> None:
    listing = list_season()
    reader = AppearanceReader(listing, {match.match_id for match in listing.matches.values() if match.confirmed})
    answer = copy.deepcopy(what_players_did(summary))
    changed = put(answer, data.draw(st.sampled_from(list(places(answer)))), data.draw(STRANGE))

    def read() -> None:
        (reader.read_summary(receive(body(changed)), 1) if summary else reader.read_live(receive(body(changed))))
        validate(ObservedAppearances, reader.frame())

    sentence(read)


@SETTINGS
@given(at=st.integers(0, 1500), strange=st.binary(max_size=6))
def test_any_bytes_in_the_british_file(receive: Receive, at: int, strange: bytes) -> None:
    file = british_file()

    def read() -> None:
        received = receive(file[:at] + strange + file[at + len(strange) :])
        rows = RowReader(ObservedFixtures, football_data_uk.SOURCE, SEASON, received)
        for line in football_data_uk.read_lines(received, SEASON):
            rows.add(line, lambda row: football_data_uk._result(row, SEASON))
        validate(ObservedFixtures, rows.frame())

    sentence(read)
