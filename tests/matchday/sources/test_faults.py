"""Every fault of a source, at every request: a retry that helps, or one sentence, never a traceback."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from console.demo.upstream.faults import Fault
from console.demo.upstream.server import UpstreamServer
from matchday.sources import football_data_org, football_data_uk, fpl, fpl_appearances
from matchday.sources.collected import Collected
from matchday.sources.upstream import TRIES, SourceError
from tests.matchday.sources.conftest import SATURDAY, SEASON, Sources
from tests.services.upstream.bundled import small_season

SPRING = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""Antoine Semenyo has gone from Bournemouth to Manchester City."""

SILENCE_SECONDS = 2.0
"""Longer than the stand-in takes for a rendered answer, also on a busy machine."""


@pytest.fixture(autouse=True)
def _few_players(server: UpstreamServer) -> None:
    server.reset(small_season(SEASON), SATURDAY)


def game(sources: Sources, silence: float = 30.0) -> Collected:
    return fpl.collect(sources.fpl(silence_seconds=silence))


def british(sources: Sources, silence: float = 30.0) -> Collected:
    return football_data_uk.collect(sources.uk(silence_seconds=silence), SEASON)


def organisation(sources: Sources, silence: float = 30.0) -> Collected:
    return football_data_org.collect(sources.org(silence_seconds=silence), SEASON)


def appearances(sources: Sources, silence: float = 30.0) -> Collected:
    """Of one match in which somebody played for another team than now: a live answer, then his summary."""
    sources.server.now = SPRING
    upstream = sources.fpl(silence_seconds=silence)
    return fpl_appearances.collect(upstream, fpl.collect_listed(upstream)[1], [f"{SEASON}-MCI-BOU"])


REQUESTS: list[tuple[Callable[..., Collected], str, str]] = [
    (game, "/api/bootstrap-static/", "now_cost"),
    (game, "/api/fixtures/", "team_h_score"),
    (british, f"/mmz4281/{SEASON}/E0.csv", "FTHG"),
    (organisation, "/v4/competitions/PL/matches", "utcDate"),
    (appearances, "/live/", "explain"),
    (appearances, "/element-summary/", "history"),
]
"""What collects, a request of it, and a column of the answer that it cannot do without."""

IDS = ["bootstrap", "fixtures", "csv", "matches", "live", "summary"]
PASSING = [Fault.BUSY, Fault.FAILS, Fault.HALF, Fault.STALE]
LASTING = [Fault.HTML, Fault.RENAMED, Fault.FORBIDDEN]


def equal(one: Collected, other: Collected) -> bool:
    """Whether they say the same, though at another time and from another answer."""
    tables = [{table: rows.drop(columns=["known_at", "raw"]) for table, rows in c.tables.items()} for c in (one, other)]
    return one.season == other.season and all(tables[0][table].equals(tables[1][table]) for table in tables[0])


def one_sentence(error: BaseException) -> bool:
    """What a person can read: the source's name, no line breaks, no words of Python."""
    return bool(re.fullmatch(r"[a-z_]+: [^\n]+", str(error))) and not re.search(
        r"Traceback|Error\b|object is not|NoneType|invalid literal|<class", str(error)
    )


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("collect", "path", "column"), REQUESTS, ids=IDS)
def test_a_fault_that_passes_is_met_by_asking_again(
    sources: Sources, collect: Callable[..., Collected], path: str, column: str, fault: Fault
) -> None:
    good = collect(sources)
    asked = len(sources.server.requests)
    sources.server.faults.plan(fault, path, times=TRIES - 1, older=sources.server.now - timedelta(days=30))
    assert equal(collect(sources), good)
    assert len(sources.server.requests) == asked * 2 + TRIES - 1
    assert len(sources.pauses) == TRIES - 1


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("collect", "path", "column"), REQUESTS, ids=IDS)
def test_a_fault_that_stays_is_one_sentence_and_the_next_update_mends_it(
    sources: Sources, collect: Callable[..., Collected], path: str, column: str, fault: Fault
) -> None:
    good = collect(sources)
    sources.server.faults.plan(fault, path, times=TRIES, older=sources.server.now - timedelta(days=30))
    with pytest.raises(SourceError, match=rf"\(asked {TRIES} times\)$") as failed:
        collect(sources)
    assert one_sentence(failed.value)
    assert failed.value.reachable == (fault is not Fault.HALF)
    assert equal(collect(sources), good)


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize(("collect", "path", "column"), REQUESTS, ids=IDS)
def test_a_fault_that_asking_again_does_not_mend_is_one_sentence_at_once(
    sources: Sources, collect: Callable[..., Collected], path: str, column: str, fault: Fault
) -> None:
    sources.server.faults.plan(fault, path, column=column)
    with pytest.raises(SourceError) as failed:
        collect(sources)
    assert one_sentence(failed.value)
    assert failed.value.reachable
    assert fault is not Fault.RENAMED or f"has no {'column ' * (column == 'FTHG')}{column}" in str(failed.value)
    assert not sources.pauses
    sources.server.requests.clear()
    assert not collect(sources).refused
    broken = next(request for request in sources.server.requests if path in request.path)
    assert not broken.conditional, "an answer that could not be read is asked for as a whole"


@pytest.mark.parametrize(("collect", "path", "column"), REQUESTS, ids=IDS)
def test_a_source_that_is_silent_is_asked_again(
    sources: Sources, collect: Callable[..., Collected], path: str, column: str
) -> None:
    good = collect(sources)
    sources.server.faults.plan(Fault.SLOW, path)
    assert equal(collect(sources, SILENCE_SECONDS), good)
    assert sources.pauses


@pytest.mark.parametrize("column", ["element_type", "team", "code", "selected_by_percent", "news", "web_name"])
def test_a_column_of_players_that_changes_its_name_is_named(sources: Sources, column: str) -> None:
    sources.server.faults.plan(Fault.RENAMED, "/api/bootstrap-static/", column=column)
    with pytest.raises(
        SourceError, match=rf"rows of observed_players cannot be taken in, .* because it has no {column}$"
    ):
        game(sources)


@pytest.mark.parametrize("column", ["events", "teams", "elements"])
def test_a_part_of_the_answer_that_changes_its_name_is_named(sources: Sources, column: str) -> None:
    sources.server.faults.plan(Fault.RENAMED, "/api/bootstrap-static/", column=column)
    with pytest.raises(SourceError, match=rf"is not what it was: it has no {column}$"):
        game(sources)


def test_times_that_change_their_column_are_not_taken_for_three_o_clock(sources: Sources) -> None:
    sources.server.faults.plan(Fault.RENAMED, "E0.csv", column="Time")
    with pytest.raises(SourceError, match=r"no file of results: it has no column Time$"):
        british(sources)


def test_a_fault_does_not_touch_what_was_kept(sources: Sources) -> None:
    good = game(sources)
    for fault in (Fault.HTML, Fault.RENAMED):
        sources.server.faults.plan(fault, "/api/fixtures/", column="kickoff_time")
        with pytest.raises(SourceError):
            game(sources)
    again = game(sources)
    for table, rows in good.tables.items():
        pd.testing.assert_frame_equal(again.tables[table], rows)
    assert not again.fresh
